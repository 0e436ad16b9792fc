//! Bellwire on tokio.
//!
//! ```no_run
//! use bellwire::dialect::notif::{Notif, Random};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, mut notifications) =
//!     bellwire_tokio::connect("127.0.0.1:6789", Notif::default()).await?;
//! println!("{}", client.request(Random).await?); // typed: a u64
//! while let Some(notice) = notifications.next().await {
//!     if notice?.is("random") {
//!         println!("{}", client.request(Random).await?); // leaves the mode, asks, enters it again
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A server, whose service may take its time:
//!
//! ```
//! use bellwire::Reply;
//! use bellwire::dialect::notif::{Notif, Random};
//! use bellwire_tokio::{Peer, Server, Service};
//!
//! struct Dice;
//!
//! impl Service for Dice {
//!     type Session = ();
//!
//!     async fn open(&self, _: &mut Peer) {}
//!
//!     async fn answer(&self, _: &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
//!         match command {
//!             b"random?" => Reply::done(b"4".to_vec()),
//!             _ => Reply::refused(b"unknown command".to_vec()),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind("127.0.0.1:0", Notif::default(), Dice).await?;
//! let (address, handle) = (server.local_addr()?, server.handle());
//! let serving = tokio::spawn(server.run());
//!
//! let (client, _) = bellwire_tokio::connect(address, Notif::default()).await?;
//! assert_eq!(client.request(Random).await?, 4);
//!
//! drop(client);
//! handle.shutdown();
//! serving.await??;
//! # Ok(())
//! # }
//! ```
//!
//! A task that is spawned on the current runtime drives the connection, unless
//! [`Connector::undriven`] says otherwise. Time is tokio's, which tests can pause.
//!
//! [`Connector::over`] takes anything that is tokio's `AsyncRead` and `AsyncWrite`.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use bellwire::Dialect;
use bellwire_async::runtime::{BoxFuture, Stream, Streams, let_many_wait};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

pub use bellwire_async::*;

/// The runtime.
#[derive(Clone, Copy, Debug)]
pub struct Tokio;

/// How to connect; see [`bellwire_async::Connector`].
pub type Connector<D> = bellwire_async::Connector<D, Tokio>;

/// A server; see [`bellwire_async::Server`].
pub type Server<D, S> = bellwire_async::Server<D, S, Tokio>;

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

impl Runtime for Tokio {
    type Tcp = Compat<TcpStream>;
    type Unix = Compat<UnixStream>;
    type TcpListener = TcpListener;

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(deadline: Instant) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }

    fn spawn(task: BoxFuture<()>) {
        tokio::spawn(task);
    }

    async fn connect_tcp(address: &str) -> io::Result<Self::Tcp> {
        nodelay(TcpStream::connect(address).await?)
    }

    async fn connect_unix(path: &Path) -> io::Result<Self::Unix> {
        Ok(UnixStream::connect(path).await?.compat())
    }

    async fn listen_tcp(address: &str) -> io::Result<TcpListener> {
        let listener = TcpListener::bind(address).await?;
        let_many_wait(&listener)?;
        Ok(listener)
    }

    async fn accept_tcp(listener: &TcpListener) -> io::Result<Self::Tcp> {
        let (stream, _) = listener.accept().await?;
        // If that fails, the client has gone already, and will be seen to.
        let _ = stream.set_nodelay(true);
        Ok(stream.compat())
    }

    fn local_addr(listener: &TcpListener) -> io::Result<SocketAddr> {
        listener.local_addr()
    }
}

impl<S> Streams<S> for Tokio
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    Compat<S>: Stream,
{
    type Stream = Compat<S>;

    fn stream(stream: S) -> Compat<S> {
        stream.compat()
    }
}

fn nodelay(stream: TcpStream) -> io::Result<Compat<TcpStream>> {
    stream.set_nodelay(true)?;
    Ok(stream.compat())
}
