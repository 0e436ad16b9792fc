//! A server for small daemons: a task for each connection.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bellwire::{Reply, ServerConfig, ServerDialect};
use bellwire_adapter::accept_again;

use crate::runtime::{Runtime, Stream, Streams};
use connection::Connection;
use signal::Signal;

mod connection;
mod signal;

pub use bellwire_adapter::{Peer, ServerHandle};

/// What a server does. One value serves all connections, from many tasks.
///
/// Its methods may be written as `async fn`. While they take their time, their connection goes on:
/// notifications and earlier answers are written, and deadlines are kept. When the connection ends
/// meanwhile, or is dropped, they are dropped where they wait. A client that has merely closed its half
/// still gets its answers.
pub trait Service: Send + Sync + 'static {
    /// What is remembered of one connection: what it has read, say.
    type Session: Send;

    /// A client has connected. What is unread for it can be announced right here.
    fn open(&self, peer: &mut Peer) -> impl Future<Output = Self::Session> + Send;

    /// A client asks. Asking about a topic (`TOPIC?`) has marked the topic as read; if there is
    /// more, announce it again through `peer`. The next command comes after this answer.
    fn answer(
        &self,
        session: &mut Self::Session,
        command: &[u8],
        peer: &mut Peer,
    ) -> impl Future<Output = Reply<Vec<u8>>> + Send;
}

/// A server. It listens, or serves the streams that it is given.
pub struct Server<D: ServerDialect, S, R: Runtime> {
    listener: Option<R::TcpListener>,
    dialect: D,
    /// The machine's configuration, for each connection.
    pub config: ServerConfig,
    /// At most so many connections at a time; more are closed as soon as they are accepted.
    /// Default: 512.
    pub connections: usize,
    service: Arc<S>,
    handle: ServerHandle<D>,
    /// Wakes [`run`](Self::run).
    signal: Arc<Signal>,
}

impl<D, S, R> Server<D, S, R>
where
    D: ServerDialect + Clone + Send + 'static,
    D::Note: Send,
    S: Service,
    R: Runtime,
{
    /// Listens on a TCP address, `host:port`; port 0 picks one.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has bound nothing.
    ///
    /// # Errors
    ///
    /// When the address cannot be had.
    pub async fn bind(address: &str, dialect: D, service: S) -> io::Result<Self> {
        let listener = R::listen_tcp(address).await?;
        Ok(Self { listener: Some(listener), ..Self::new(dialect, service) })
    }

    /// A server that listens nowhere, for [`serve_stream`](Self::serve_stream).
    pub fn new(dialect: D, service: S) -> Self {
        let signal = Arc::new(Signal::default());
        Self {
            listener: None,
            dialect,
            config: ServerConfig::default(),
            connections: 512,
            service: Arc::new(service),
            handle: ServerHandle::new(Arc::clone(&signal).into()),
            signal,
        }
    }

    /// The address that was bound.
    ///
    /// # Errors
    ///
    /// When the system does not say, or it listens nowhere.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.listener {
            Some(listener) => R::local_addr(listener),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Notifies and shuts down.
    #[must_use]
    pub fn handle(&self) -> ServerHandle<D> {
        self.handle.clone()
    }

    /// Serves until it is [shut down](ServerHandle::shutdown), and waits for all connections to end. A
    /// service that panics ends its own connection, as far as the runtime keeps a task's panic from
    /// others.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it accepts no more, and shuts down as [`ServerHandle::shutdown`] does: the connections
    /// end by themselves, as soon as what was asked is answered. Nobody waits for them then.
    ///
    /// # Errors
    ///
    /// When listening fails for good. Then, too, it shuts down.
    pub async fn run(mut self) -> io::Result<()> {
        let _stops = Stops(self.handle.clone());
        if let Some(listener) = self.listener.take() {
            while let Some(stream) = accept::<D, R>(&listener, &self.handle, &self.signal).await? {
                if self.handle.connections() < self.connections {
                    R::spawn(Box::pin(self.serve_polled(stream)));
                } else {
                    log::warn!("refused a connection: {} are open", self.connections);
                }
            }
        }
        let Self { handle, signal, .. } = self;
        let is_over = || handle.is_stopping() && handle.connections() == 0;
        poll_fn(|context| {
            signal.watch(context.waker());
            if is_over() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    /// Serves a client on any stream of the runtime, until the connection ends: the way without spawning. It counts
    /// as one of the server's connections, but is never one too many.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it ends the connection at once, answered or not.
    pub fn serve_stream<T>(&self, stream: T) -> impl Future<Output = ()> + Send + use<D, S, R, T>
    where
        R: Streams<T>,
    {
        self.serve_polled(R::stream(stream))
    }

    fn serve_polled<T>(&self, stream: T) -> impl Future<Output = ()> + Send + use<D, S, R, T>
    where
        T: Stream,
    {
        let (dialect, config) = (self.dialect.clone(), self.config.clone());
        let ended = Arc::clone(&self.signal).into();
        let connection = Connection::<D, T, R>::new(&self.handle, dialect, config, stream, ended);
        let service = Arc::clone(&self.service);
        async move { connection.run(service.as_ref()).await }
    }
}

/// The next connection; `None` once the server shuts down.
async fn accept<D: ServerDialect, R: Runtime>(
    listener: &R::TcpListener,
    handle: &ServerHandle<D>,
    signal: &Signal,
) -> io::Result<Option<R::Tcp>> {
    loop {
        match unless_stopped(handle, signal, R::accept_tcp(listener)).await {
            None => return Ok(None),
            Some(Ok(stream)) => return Ok(Some(stream)),
            Some(Err(error)) => match accept_again(error)? {
                Duration::ZERO => {}
                wait => {
                    unless_stopped(handle, signal, R::sleep_until(R::now() + wait)).await;
                }
            },
        }
    }
}

/// What `future` comes to; `None` if the server shuts down before.
async fn unless_stopped<D: ServerDialect, F: Future>(
    handle: &ServerHandle<D>,
    signal: &Signal,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        signal.watch(context.waker());
        if handle.is_stopping() {
            return Poll::Ready(None);
        }
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Shuts the server down when it is dropped.
struct Stops<D: ServerDialect>(ServerHandle<D>);

impl<D: ServerDialect> Drop for Stops<D> {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

impl<D: ServerDialect, S, R: Runtime> fmt::Debug for Server<D, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.config)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
