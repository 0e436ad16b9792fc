//! What differs between runtimes.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};

#[cfg(unix)]
pub use bellwire_adapter::let_many_wait;

/// A future of which nothing is known but what it gives.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A stream of bytes, as futures-io has it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// A runtime: its clock and its sleep, its tasks, its sockets.
///
/// # Cancel safety
///
/// Dropping any of its futures must leave nothing behind: no socket, no sleeper.
pub trait Runtime: Sized + Send + Sync + 'static {
    /// A TCP connection.
    type Tcp: Stream;
    /// A connection to a Unix socket.
    type Unix: Stream;
    /// A listening TCP socket.
    type TcpListener: Send + Sync + 'static;

    /// The time, on the clock that [`sleep_until`](Self::sleep_until) goes by.
    fn now() -> Instant;

    /// Sleeps.
    fn sleep_until(deadline: Instant) -> BoxFuture<()>;

    /// Runs a task, which nobody waits for.
    fn spawn(task: BoxFuture<()>);

    /// Connects to `host:port`, whatever of its addresses answers first, without delay for small writes
    /// (`TCP_NODELAY`).
    fn connect_tcp(address: &str) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Connects to a Unix socket.
    fn connect_unix(path: &Path) -> impl Future<Output = io::Result<Self::Unix>> + Send;

    /// Listens on `host:port`; port 0 picks one. As many clients may wait to be accepted as the system
    /// allows: on Unix, `let_many_wait` says so to it.
    fn listen_tcp(address: &str) -> impl Future<Output = io::Result<Self::TcpListener>> + Send;

    /// Accepts a connection, without delay for small writes.
    fn accept_tcp(
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// The address that is listened on.
    fn local_addr(listener: &Self::TcpListener) -> io::Result<SocketAddr>;
}

/// A runtime whose streams may be of the type `S`.
pub trait Streams<S>: Runtime {
    /// The same stream, as futures-io has it.
    type Stream: Stream;

    /// Sees `stream` as futures-io does.
    fn stream(stream: S) -> Self::Stream;
}

/// A runtime's clock and its sleep, once it does not matter which runtime it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: fn() -> Instant,
    pub(crate) sleep_until: fn(Instant) -> BoxFuture<()>,
}

impl Clock {
    pub(crate) fn of<R: Runtime>() -> Self {
        Self { now: R::now, sleep_until: R::sleep_until }
    }

    pub(crate) fn after(&self, time: Duration) -> Option<Instant> {
        (self.now)().checked_add(time)
    }
}
