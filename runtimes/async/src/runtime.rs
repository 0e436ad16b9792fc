//! What differs from one runtime to the other.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};

/// A runtime: clock, sleeping, spawning, sockets.
pub trait Runtime: Send + Sync + 'static {
    /// A TCP connection.
    type Tcp: AsyncRead + AsyncWrite + Send + Unpin + 'static;
    /// What accepts TCP connections.
    type TcpListener: Send + Sync + 'static;

    /// The time.
    fn now() -> Instant;

    /// Is ready when it is so late.
    fn sleep_until(deadline: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Runs a task to its end, whether anybody waits for it or not.
    fn spawn(task: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// Connects to `host:port`, resolved anew, without Nagle's delay.
    fn connect_tcp(address: &str) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Listens on `host:port`.
    fn listen_tcp(address: &str) -> impl Future<Output = io::Result<Self::TcpListener>> + Send;

    /// The next connection, without Nagle's delay.
    fn accept_tcp(
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    fn local_addr(listener: &Self::TcpListener) -> io::Result<SocketAddr>;
}
