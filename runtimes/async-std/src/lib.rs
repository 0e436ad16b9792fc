//! Bellwire on async-std, for those who still run it: it is discontinued (RUSTSEC-2025-0052), and its
//! successor is smol.
//!
//! ```no_run
//! use bellwire::dialect::notif::{Notif, Random};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { async_std::task::block_on(async {
//! let (client, mut notifications) =
//!     bellwire_async_std::connect("127.0.0.1:6789", Notif::default()).await?;
//! println!("{}", client.request(Random).await?); // typed: a u64
//! while let Some(notice) = notifications.next().await {
//!     if notice?.is("random") {
//!         println!("{}", client.request(Random).await?); // leaves the mode, asks, enters it again
//!     }
//! }
//! # Ok(()) }) }
//! ```
//!
//! A task of async-std's drives the connection, unless [`Connector::undriven`] says otherwise.
//!
//! [`Connector::over`] takes anything that is futures-io's `AsyncRead` and `AsyncWrite`.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use async_std::net::{TcpListener, TcpStream};
use async_std::os::unix::net::UnixStream;
use async_std::task;
use bellwire::Dialect;
use bellwire_async::runtime::{BoxFuture, Stream, Streams, let_many_wait};

pub use bellwire_async::*;

/// The runtime.
#[derive(Clone, Copy, Debug)]
pub struct AsyncStd;

/// How to connect; see [`bellwire_async::Connector`].
pub type Connector<D> = bellwire_async::Connector<D, AsyncStd>;

/// A server; see [`bellwire_async::Server`].
pub type Server<D, S> = bellwire_async::Server<D, S, AsyncStd>;

/// Connects over TCP to `host:port`, with the defaults of [`Connector`].
///
/// # Cancel safety
///
/// The connection ends if it is dropped.
///
/// # Errors
///
/// When there is no connection to be had.
pub async fn connect<D>(address: impl ToString, dialect: D) -> Connected<D>
where
    D: Dialect + Clone + Send + 'static,
    D::Expect: Send,
{
    Connector::new(dialect).tcp(address).await
}

impl Runtime for AsyncStd {
    type Tcp = TcpStream;
    type Unix = UnixStream;
    type TcpListener = TcpListener;

    fn now() -> Instant {
        Instant::now()
    }

    fn sleep_until(deadline: Instant) -> BoxFuture<()> {
        Box::pin(task::sleep(deadline.saturating_duration_since(Self::now())))
    }

    fn spawn(task: BoxFuture<()>) {
        async_std::task::spawn(task);
    }

    async fn connect_tcp(address: &str) -> io::Result<TcpStream> {
        nodelay(TcpStream::connect(address).await?)
    }

    async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
        UnixStream::connect(path).await
    }

    async fn listen_tcp(address: &str) -> io::Result<TcpListener> {
        let listener = TcpListener::bind(address).await?;
        let_many_wait(&listener)?;
        Ok(listener)
    }

    async fn accept_tcp(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        // If that fails, the client has gone already, and will be seen to.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn local_addr(listener: &TcpListener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }
}

impl<S: Stream> Streams<S> for AsyncStd {
    type Stream = S;

    fn stream(stream: S) -> S {
        stream
    }
}

fn nodelay(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}
