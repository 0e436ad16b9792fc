//! Clients, notifications, requests that wait and pauses, dropped in every order: the connection ends when the
//! last of them is gone, and not before (G21). Whoever drops one does no I/O.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bellwire::dialect::notif::{Notif, Random};
use bellwire_adapter::{Settings, Transport};
use bellwire_blocking::Pollable;
use bellwire_conformance::{Asks, Log, Over, Reads, Runtime, on_async, on_each_runtime};
use bellwire_testkit::{PATIENCE, Pipe};
use futures_io::{AsyncRead, AsyncWrite};

on_each_runtime! {
    /// G21: six handles, 720 orders, with a request on the wire and one in the spool.
    dropped_in_every_order => in_every_order,
}

/// So many handles there are.
const HANDLES: usize = 6;

fn in_every_order(runtime: Runtime) {
    for order in permutations(HANDLES) {
        match runtime {
            Runtime::Blocking => on_threads(&order),
            runtime => on_async!(runtime, R => on_tasks::<R>(&order)),
        }
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let insert = |at: usize, order: &Vec<usize>| {
        let mut order = order.clone();
        order.insert(at, count - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..count).map(move |at| insert(at, order))).collect()
}

thread_local! {
    /// This thread is dropping a handle.
    static DROPPING: Cell<bool> = const { Cell::new(false) };
}

/// A stream that knows how often it was used by a thread that was dropping a handle. That it is dropped there,
/// and so closed, is no I/O.
struct Watched<S> {
    stream: S,
    used: Arc<AtomicUsize>,
}

impl<S> Watched<S> {
    fn new(stream: S) -> (Self, Arc<AtomicUsize>) {
        let used = Arc::<AtomicUsize>::default();
        (Self { stream, used: Arc::clone(&used) }, used)
    }

    fn used(&self) {
        if DROPPING.get() {
            self.used.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Read for Watched<UnixStream> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.used();
        self.stream.read(buffer)
    }
}

impl Write for Watched<UnixStream> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.used();
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.used();
        self.stream.flush()
    }
}

impl Transport for Watched<UnixStream> {
    fn shutdown(&mut self) {
        self.used();
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Pollable for Watched<UnixStream> {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(true)
    }
}

impl AsyncRead for Watched<Pipe> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.used();
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched<Pipe> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.used();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.used();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.used();
        Pin::new(&mut self.stream).poll_close(context)
    }
}

/// All handles of one client; the mode is on, a request is on the wire, and one waits behind it.
fn handles<K: Asks<Notif> + 'static>(
    client: K,
    notifications: K::Notifications,
) -> [Option<Box<dyn Any>>; HANDLES]
where
    K::Notifications: 'static,
{
    let (sent, spooled) = (client.send(Random).unwrap(), client.send(Random).unwrap());
    let (sent, spooled): (Box<dyn Any>, Box<dyn Any>) = (Box::new(sent), Box::new(spooled));
    let (topic, pause) = (notifications.topic("random"), client.pause());
    let all: [Box<dyn Any>; HANDLES] =
        [Box::new(client), Box::new(notifications), Box::new(topic), pause, sent, spooled];
    all.map(Some)
}

fn drop_one(handle: &mut Option<Box<dyn Any>>) {
    let handle = handle.take();
    DROPPING.set(true);
    drop(handle);
    DROPPING.set(false);
}

fn on_threads(order: &[usize]) {
    let (near, mut far) = UnixStream::pair().unwrap();
    let (near, used) = Watched::new(near);
    let connector = bellwire_blocking::Connector::new(Notif::default());
    let (client, notifications) = connector.over(near).unwrap();
    let mut handles = handles(client, notifications);
    far.set_nonblocking(true).unwrap();
    for (at, handle) in order.iter().enumerate() {
        assert!(is_open(&mut far), "{order:?}: it has ended before the {at}. was dropped");
        drop_one(&mut handles[*handle]);
        assert_eq!(used.load(Ordering::SeqCst), 0, "{order:?}: I/O in the {at}. drop");
    }
    assert!(!is_open(&mut far), "{order:?}: it has not ended");
}

/// Whether the client has not ended the connection.
fn is_open(far: &mut UnixStream) -> bool {
    loop {
        match far.read(&mut [0; 256]) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(why) if why.kind() == ErrorKind::WouldBlock => return true,
            Err(why) => panic!("{why}"),
        }
    }
}

async fn on_tasks<R: Over>(order: &[usize]) {
    let (near, mut far) = Pipe::pair(4096);
    let (near, used) = Watched::new(near);
    let mut settings = Settings::new(Notif::default());
    let log = Log::default();
    settings.observer = Some(Box::new(log.clone()));
    let (client, notifications) =
        R::over(bellwire_async::Connector::from(settings), near).await.unwrap();
    let mut handles = handles(client, notifications);
    let mut said = 0;
    for (at, handle) in order.iter().enumerate() {
        // Whoever hears what is said is there.
        let news = format!("notif: {at}\r\n");
        far.write_all(news.as_bytes()).unwrap();
        said += news.len();
        log.wait_heard(said);
        assert!(
            !log.events().iter().any(|event| event.starts_with("closed")),
            "{order:?}: it has ended before the {at}. was dropped"
        );
        drop_one(&mut handles[*handle]);
        assert_eq!(used.load(Ordering::SeqCst), 0, "{order:?}: I/O in the {at}. drop");
    }
    far.set_timeout(Some(PATIENCE));
    let mut rest = Vec::new();
    let ended = far.read_to_end(&mut rest);
    assert!(ended.is_ok(), "{order:?}: it has not ended: {ended:?}");
}
