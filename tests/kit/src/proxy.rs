//! A proxy on which things go wrong.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;
use rustix::event::{PollFd, PollFlags};
use rustix::net::sockopt;

use crate::wait::{PATIENCE, is_ready, poll};
use crate::{Closing, Counts, Faults, Wire};

/// A TCP proxy on loopback, in front of a server, on which things go wrong.
///
/// Each connection has a thread of its own, which waits for its two sockets and for what is due next, and a
/// seed of its own, made from the proxy's and its number, so that the connections of a client that connects
/// one after the other meet the same faults each time. At most 64 KiB in each direction are on their way in
/// the proxy itself; behind that, whoever writes has to wait.
///
/// When it is dropped, all connections through it end, and all its threads have ended. That takes as long
/// as connecting to the server, at most 10 s, if it is just doing that.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::{Ipv4Addr, TcpListener, TcpStream};
/// use bellwire_testkit::{Faults, Proxy};
///
/// let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
/// let proxy = Proxy::to(server.local_addr()?)
///     .seed(7)
///     .to_client(Faults::none().split(1..=3).half_close(9..=9))
///     .start()?;
/// let mut near = TcpStream::connect(proxy.address())?;
/// let (mut far, _) = server.accept()?;
/// far.write_all(b"456902234\r\n")?;
/// let mut said = String::new();
/// near.read_to_string(&mut said)?;
/// assert_eq!(said, "456902234");
/// assert_eq!(proxy.counts().to_client.half_closes, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    told: Arc<Mutex<ProxyCounts>>,
    /// All threads wait for its other end, too, which hangs up when this is dropped.
    over: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

/// A proxy that is not started yet.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    server: SocketAddr,
    seed: u64,
    to_client: Faults,
    to_server: Faults,
}

/// What a proxy has done so far, on all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyCounts {
    /// Connections that were accepted.
    pub connections: u64,
    /// With what the server says.
    pub to_client: Counts,
    /// With what the client says.
    pub to_server: Counts,
}

impl Proxy {
    /// A proxy to this server, on which nothing goes wrong.
    #[must_use = "it is not started yet"]
    pub fn to(server: SocketAddr) -> ProxyOptions {
        ProxyOptions { server, seed: 0, to_client: Faults::none(), to_server: Faults::none() }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> ProxyCounts {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProxyOptions {
    /// What all that is left to chance depends on; 0 otherwise.
    #[must_use = "it is not started yet"]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What goes wrong with what the server says.
    #[must_use = "it is not started yet"]
    pub fn to_client(mut self, faults: Faults) -> Self {
        self.to_client = faults;
        self
    }

    /// What goes wrong with what the client says.
    #[must_use = "it is not started yet"]
    pub fn to_server(mut self, faults: Faults) -> Self {
        self.to_server = faults;
        self
    }

    /// Starts it, on a free port of loopback. Whether the server is there is seen when a client connects:
    /// if not, that connection is reset.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn start(self) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // A client that has gone before it was accepted is not waited for.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (here, there) = UnixStream::pair()?;
        let told = Arc::default();
        let shared = Arc::new(Shared { options: self, told: Arc::clone(&told), over: there });
        let thread = thread::Builder::new().spawn(move || serve(&listener, &shared))?;
        Ok(Proxy { address, told, over: Some(here), thread: Some(thread) })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say any more, not even why it panicked.
            let _ = thread.join();
        }
    }
}

/// What the threads of a proxy share.
#[derive(Debug)]
struct Shared {
    options: ProxyOptions,
    told: Arc<Mutex<ProxyCounts>>,
    /// Hangs up when all is over.
    over: UnixStream,
}

impl Shared {
    fn tell(&self, note: impl FnOnce(&mut ProxyCounts)) {
        note(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Accepts connections, until all is over.
fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    let mut polled =
        [PollFd::new(&shared.over, PollFlags::IN), PollFd::new(listener, PollFlags::IN)];
    let mut number = 0;
    while poll(&mut polled, None).is_ok() && !is_ready(&polled[0]) {
        let Ok((client, _)) = listener.accept() else {
            // It has gone; or there are no descriptors left, until some other connection ends.
            thread::yield_now();
            continue;
        };
        connections.retain(|connection| !connection.is_finished());
        shared.tell(|told| told.connections += 1);
        let shared = Arc::clone(shared);
        let connection = thread::Builder::new().spawn(move || connect(client, number, &shared));
        connections.extend(connection);
        number += 1;
    }
    for connection in connections {
        let _ = connection.join();
    }
}

/// One connection, from its beginning to its end.
fn connect(client: TcpStream, number: u64, shared: &Shared) {
    let Ok(server) = TcpStream::connect_timeout(&shared.options.server, PATIENCE) else {
        return reset(&client);
    };
    let ProxyOptions { seed, to_client, to_server, .. } = &shared.options;
    // Neighbouring seeds and numbers must not meet.
    let mut seeds = Rng::with_seed(Rng::with_seed(*seed).u64(..) ^ number);
    let [to_server, to_client] = [to_server, to_client].map(|it| Wire::new(it, seeds.u64(..)));
    let mut connection = Connection {
        start: Instant::now(),
        sockets: [client, server],
        flows: [to_server, to_client].map(Flow::new),
        chunk: vec![0; CHUNK],
    };
    // An error on one side is an end for both.
    match connection.run(shared) {
        Ok(Closing::Eof) => {}
        Ok(Closing::Reset) | Err(_) => connection.sockets.iter().for_each(reset),
    }
}

/// Whoever closes it resets it.
fn reset(socket: &TcpStream) {
    // If the system refuses, it is closed.
    let _ = sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

struct Connection {
    start: Instant,
    /// The client, and the server.
    sockets: [TcpStream; 2],
    /// What comes from each.
    flows: [Flow; 2],
    chunk: Vec<u8>,
}

/// From one socket to the other.
struct Flow {
    wire: Wire,
    /// Whether the socket that it comes from has no more to say.
    heard_all: bool,
    /// Whether the one that it goes to was told that there is no more.
    said_all: bool,
}

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// With more than this on its way, no more is read.
const FULL: usize = 64 * 1024 - CHUNK;

impl Connection {
    /// Moves bytes, until the connection ends.
    fn run(&mut self, shared: &Shared) -> io::Result<Closing> {
        for socket in &self.sockets {
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
        }
        let mut readable = [false; 2];
        loop {
            for from in 0..2 {
                if readable[from] {
                    self.hear(from)?;
                }
                self.flows[from].wire.tick(self.start.elapsed());
                let counts = self.flows[from].wire.take_counts();
                shared.tell(|told| {
                    [&mut told.to_server, &mut told.to_client][from].add(counts);
                });
                self.say(from)?;
            }
            if self.flows.iter().any(|flow| flow.wire.closing() == Some(Closing::Reset)) {
                return Ok(Closing::Reset);
            }
            if self.flows.iter().all(|flow| flow.heard_all && flow.said_all) {
                return Ok(Closing::Eof);
            }
            match self.wait(&shared.over)? {
                Some(ready) => readable = ready,
                None => return Ok(Closing::Eof),
            }
        }
    }

    fn hear(&mut self, from: usize) -> io::Result<()> {
        let flow = &mut self.flows[from];
        match self.sockets[from].read(&mut self.chunk) {
            Ok(0) => {
                flow.heard_all = true;
                flow.wire.feed_eof();
            }
            Ok(count) => {
                flow.wire.tick(self.start.elapsed());
                flow.wire.feed(&self.chunk[..count]);
            }
            Err(error) if is_for_now(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn say(&mut self, from: usize) -> io::Result<()> {
        let (flow, socket) = (&mut self.flows[from], &mut self.sockets[1 - from]);
        while !flow.wire.output().is_empty() {
            match socket.write(flow.wire.output()) {
                Ok(count) => flow.wire.written(count),
                Err(error) if is_for_now(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if flow.wire.closing() == Some(Closing::Eof) && !flow.said_all {
            flow.said_all = true;
            match socket.shutdown(Shutdown::Write) {
                // The other end has gone, and need not be told.
                Err(error) if error.kind() == ErrorKind::NotConnected => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// Waits until something can be done, and says which sockets may be read; `None`: all is over. A
    /// socket of which nothing is wanted is not looked at, or one that has hung up would never let wait.
    fn wait(&self, over: &UnixStream) -> io::Result<Option<[bool; 2]>> {
        let wanted = [0, 1].map(|at| {
            let mut flags = PollFlags::empty();
            let [from, to] = [&self.flows[at], &self.flows[1 - at]];
            flags.set(PollFlags::IN, !from.heard_all && from.wire.len() <= FULL);
            flags.set(PollFlags::OUT, !to.wire.output().is_empty());
            flags
        });
        let mut polled = vec![PollFd::new(over, PollFlags::IN)];
        for (socket, flags) in self.sockets.iter().zip(wanted) {
            if !flags.is_empty() {
                polled.push(PollFd::new(socket, flags));
            }
        }
        let deadlines = self.flows.iter().filter_map(|flow| flow.wire.deadline());
        let now = self.start.elapsed();
        poll(&mut polled, deadlines.min().map(|at| at.saturating_sub(now)))?;
        if is_ready(&polled[0]) {
            return Ok(None);
        }
        let mut ready = polled[1..].iter().map(|polled| {
            polled.revents().intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR)
        });
        Ok(Some(wanted.map(|flags| {
            !flags.is_empty() && ready.next() == Some(true) && flags.contains(PollFlags::IN)
        })))
    }
}

impl Flow {
    fn new(wire: Wire) -> Self {
        Self { wire, heard_all: false, said_all: false }
    }
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
