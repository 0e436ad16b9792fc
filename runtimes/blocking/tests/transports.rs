//! Any stream of bytes works (guarantee G23): sockets that are polled, pipes that are not, and what
//! a program brings of its own.

use std::io::{self, BufWriter, PipeReader, PipeWriter, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bellwire::dialect::notif::{Get, Notif, Random};
use bellwire_blocking::{Ended, Error, Plain, Pollable, Transport};
use bellwire_testkit::Scripted;

mod common;

use common::{Echo, PATIENCE, Running, connector, in_time, next, plays, plays_on};

const TEXT: &str = "
    C: random?
    S: 1
    C: notif
    S: OK
    S: notif: random
    C: stop_notif
    S: notif: classified
    S: OK
    C: weather?
    S: rain
    C: notif
    S: OK
";

/// The same session over each.
fn session_over<A>(stream: impl Pollable, peer: Scripted<A>) {
    let (client, mut notifications) = connector(TEXT).over(stream).unwrap();
    assert_eq!(client.request(Random), Ok(1));
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(client.request(Get("weather")).unwrap(), "rain");
    assert_eq!(next(&mut notifications), "classified");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G23: TCP, connected by the caller.
#[test]
fn tcp() {
    let peer = plays(&[TEXT]);
    session_over(TcpStream::connect(peer.address).unwrap(), peer);
}

/// G23: a Unix socket, connected by the caller.
#[test]
fn unix() {
    let (near, far) = UnixStream::pair().unwrap();
    session_over(near, plays_on(far, TEXT));
}

/// G23: a Unix socket, connected by its path.
#[test]
fn unix_by_path() {
    static SOCKETS: AtomicUsize = AtomicUsize::new(0);
    let number = SOCKETS.fetch_add(1, Ordering::SeqCst);
    let name = format!("bellwire-{}-{number}.socket", std::process::id());
    let path = std::env::temp_dir().join(name);
    let listener = UnixListener::bind(&path).unwrap();
    let connected = connector(TEXT).unix(path.clone());
    std::fs::remove_file(&path).unwrap();
    let (client, notifications) = connected.unwrap();
    let peer = plays_on(listener.accept().unwrap().0, "C: random?\nS: 1");
    assert_eq!(client.request(Random), Ok(1));
    drop((client, notifications));
    peer.finish().unwrap();
    let missing = connector(TEXT).unix(path).unwrap_err();
    let not_found = io::ErrorKind::NotFound;
    assert!(matches!(missing, Error::NotConnected(Ended::Io { kind, .. }) if kind == not_found));
}

/// G23: a stream that is not polled.
#[test]
fn plain() {
    let (near, far) = UnixStream::pair().unwrap();
    session_over(Plain(near), plays_on(far, TEXT));
}

/// A pipe for each direction.
struct Pipes(PipeReader, PipeWriter);

impl Read for Pipes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Pipes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

/// G23: a child's pipes, say: the machine of a server answers at their other end.
#[test]
fn pipes() {
    in_time(|| {
        let (near_reader, far_writer) = io::pipe().unwrap();
        let (far_reader, near_writer) = io::pipe().unwrap();
        let server = thread::spawn(move || answer(Pipes(far_reader, far_writer)));
        let near = Plain(Pipes(near_reader, near_writer));
        let (client, mut notifications) = connector("").over(near).unwrap();
        assert_eq!(client.request(Random), Ok(4));
        assert_eq!(next(&mut notifications), "classified");
        assert_eq!(client.request(Random), Ok(4));
        drop((client, notifications));
        server.join().unwrap();
    });
}

/// The machine, driven by the simplest loop there is.
fn answer(mut pipes: Pipes) {
    let mut server = bellwire::Server::new(Notif::default(), bellwire::ServerConfig::default());
    server.notify("classified").unwrap();
    let mut chunk = [0; 64];
    loop {
        let count = pipes.read(&mut chunk).unwrap();
        if count == 0 {
            return;
        }
        let mut events = server.feed(&chunk[..count]);
        while let Some(event) = events.next().unwrap() {
            if let bellwire::ServerEvent::Command { ticket, .. } = event {
                events.reply(ticket, bellwire::Reply::done("4")).unwrap();
            }
        }
        if pipes.write_all(server.output()).is_err() {
            return;
        }
        let written = server.output().len();
        server.written(written);
    }
}

/// A Unix socket whose reads fail in a way of their own, once.
struct Failing {
    stream: UnixStream,
    error: Option<io::ErrorKind>,
    polled: bool,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.error.take() {
            Some(error) => Err(error.into()),
            None => self.stream.read(buffer),
        }
    }
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Transport for Failing {}

impl Pollable for Failing {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.polled.then(|| self.stream.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(self.polled)
    }
}

/// G18: a connection that the system gives up (a peer that vanished: `ETIMEDOUT`) has timed out. The
/// socket tells it once, and is at its end after that; it was not closed cleanly.
#[test]
fn a_connection_that_the_system_gives_up() {
    let (stream, far) = UnixStream::pair().unwrap();
    far.shutdown(std::net::Shutdown::Write).unwrap();
    let error = Some(io::ErrorKind::TimedOut);
    let near = Failing { stream, error, polled: true };
    let (_client, mut notifications) = connector("").over(near).unwrap();
    match notifications.wait(PATIENCE).unwrap_err() {
        Error::NotConnected(Ended::Io { kind: io::ErrorKind::TimedOut, .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// G16, G23: a stream that is not polled, but has a read timeout of its own, keeps deadlines by it:
/// that its time is up is no end.
#[test]
fn a_read_timeout_is_no_end() {
    in_time(|| {
        for error in
            [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted]
        {
            let (stream, far) = UnixStream::pair().unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            let near = Failing { stream, error: Some(error), polled: false };
            let peer = plays_on(far, "C: random?\nS: 1\nC: notif\nS: OK");
            let (client, mut notifications) = connector("").over(near).unwrap();
            assert_eq!(client.request(Random), Ok(1));
            assert_eq!(notifications.wait(Duration::from_millis(50)), Ok(None));
            drop((client, notifications));
            peer.finish().unwrap();
        }
    });
}

/// G23: a TCP address that has several meanings: whoever answers is taken.
#[test]
fn several_addresses() {
    let server = Running::serves(Echo);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let addresses = vec![closed, server.address];
    let (client, _notifications) = connector("").tcp(addresses.leak() as &[_]).unwrap();
    assert_eq!(client.request(Get("weather")).unwrap(), "weather");
    client.close();
    server.stop();
}

/// A writer that keeps what it is given until it is flushed, as buffers and TLS do.
struct Buffered(BufWriter<UnixStream>);

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.get_mut().read(buffer)
    }
}

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// G1, G23: what is written is flushed.
#[test]
fn a_stream_that_wants_to_be_flushed() {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let peer = plays_on(far, "C: random?\nS: 1");
    let near = Plain(Buffered(BufWriter::new(near)));
    let (client, notifications) = connector("").over(near).unwrap();
    assert_eq!(client.within(Some(PATIENCE / 5)).request(Random), Ok(1));
    drop((client, notifications));
    peer.finish().unwrap();
}
