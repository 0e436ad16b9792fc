//! A server: the one of whichever adapter it is.

use std::fmt;
use std::future::{Future, ready};
use std::io;
use std::net::SocketAddr;

use bellwire::{Reply, ServerConfig, ServerDialect};
use bellwire_adapter::{Peer, ServerHandle};
use bellwire_async_std::AsyncStd;
use bellwire_blocking::Service;
use bellwire_smol::Smol;
use bellwire_tokio::Tokio;

use crate::runtime::{Executor, Runtime};

/// A server that listens, as [`bellwire_blocking::Server`]. Its service must not wait for long, for on most
/// runtimes others wait with it; and it must not use this crate's clients, whose waiting tokio answers with
/// a panic there.
pub struct Server<D: ServerDialect, S>(Any<D, S>);

enum Any<D: ServerDialect, S> {
    Blocking(bellwire_blocking::Server<D, S>),
    Tokio(Executor, bellwire_async::Server<D, Quick<S>, Tokio>),
    AsyncStd(Executor, bellwire_async::Server<D, Quick<S>, AsyncStd>),
    Smol(Executor, bellwire_async::Server<D, Quick<S>, Smol>),
}

/// Calls the same, whatever the adapter is.
macro_rules! any {
    ($self:expr, $it:ident => $call:expr) => {
        match $self {
            Any::Blocking($it) => $call,
            Any::Tokio(_, $it) => $call,
            Any::AsyncStd(_, $it) => $call,
            Any::Smol(_, $it) => $call,
        }
    };
}

impl<D, S> Server<D, S>
where
    D: ServerDialect + Clone + Send + 'static,
    D::Note: Send,
    S: Service,
{
    /// Listens on a TCP address, `host:port`; port 0 picks one.
    ///
    /// # Errors
    ///
    /// When the address cannot be had, or the runtime.
    pub fn bind(runtime: Runtime, address: &str, dialect: D, service: S) -> io::Result<Self> {
        use bellwire_async::Server;
        Ok(Self(match runtime.executor()? {
            None => Any::Blocking(bellwire_blocking::Server::bind(address, dialect, service)?),
            Some(on @ Executor::Tokio(_)) => {
                Any::Tokio(on, on.block_on(Server::bind(address, dialect, Quick(service)))?)
            }
            Some(on @ Executor::AsyncStd) => {
                Any::AsyncStd(on, on.block_on(Server::bind(address, dialect, Quick(service)))?)
            }
            Some(on @ Executor::Smol) => {
                Any::Smol(on, on.block_on(Server::bind(address, dialect, Quick(service)))?)
            }
        }))
    }

    /// The machine's configuration, for each connection.
    pub fn config(&mut self) -> &mut ServerConfig {
        any!(&mut self.0, server => &mut server.config)
    }

    /// At most so many connections at a time.
    pub fn connections(&mut self) -> &mut usize {
        any!(&mut self.0, server => &mut server.connections)
    }

    /// The address that was bound.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        any!(&self.0, server => server.local_addr())
    }

    /// Notifies and shuts down.
    #[must_use]
    pub fn handle(&self) -> ServerHandle<D> {
        any!(&self.0, server => server.handle())
    }

    /// Serves until it is shut down, and waits for all connections to end.
    ///
    /// # Errors
    ///
    /// When listening fails for good.
    pub fn run(self) -> io::Result<()> {
        match self.0 {
            Any::Blocking(server) => server.run(),
            Any::Tokio(executor, server) => executor.block_on(server.run()),
            Any::AsyncStd(executor, server) => executor.block_on(server.run()),
            Any::Smol(executor, server) => executor.block_on(server.run()),
        }
    }
}

impl<D: ServerDialect, S> fmt::Debug for Server<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// A service that answers at once.
struct Quick<S>(S);

impl<S: Service> bellwire_async::Service for Quick<S> {
    type Session = S::Session;

    fn open(&self, peer: &mut Peer) -> impl Future<Output = S::Session> + Send {
        ready(self.0.open(peer))
    }

    fn answer(
        &self,
        session: &mut S::Session,
        command: &[u8],
        peer: &mut Peer,
    ) -> impl Future<Output = Reply<Vec<u8>>> + Send {
        ready(self.0.answer(session, command, peer))
    }
}
