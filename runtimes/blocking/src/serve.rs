//! A server for small daemons: a thread for each connection.
//!
//! ```
//! use bellwire::Reply;
//! use bellwire::dialect::notif::{Notif, Random};
//! use bellwire_blocking::serve::{Peer, Server, Service};
//!
//! struct Dice;
//!
//! impl Service for Dice {
//!     type Session = ();
//!
//!     fn open(&self, _: &mut Peer) {}
//!
//!     fn answer(&self, _: &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
//!         match command {
//!             b"random?" => Reply::done(b"4".to_vec()),
//!             _ => Reply::refused(b"unknown command".to_vec()),
//!         }
//!     }
//! }
//!
//! let server = Server::bind("127.0.0.1:0", Notif::default(), Dice)?;
//! let (address, handle) = (server.local_addr()?, server.handle());
//! let thread = std::thread::spawn(move || server.run());
//!
//! let (client, _) = bellwire_blocking::connect(address, Notif::default())?;
//! assert_eq!(client.request(Random)?, 4);
//!
//! handle.shutdown();
//! thread.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use bellwire::{Reply, ServerConfig, ServerDialect};
use bellwire_adapter::{accept_again, let_many_wait};

use crate::transport::{Pollable, Ready, Waker, poll};
use connection::Connection;

mod connection;

pub use bellwire_adapter::{Peer, ServerHandle};

/// What a server does. One value serves all connections, from many threads.
pub trait Service: Send + Sync + 'static {
    /// What is remembered of one connection: what it has read, say.
    type Session: Send;

    /// A client has connected. What is unread for it can be announced right here.
    fn open(&self, peer: &mut Peer) -> Self::Session;

    /// A client asks. Asking about a topic (`TOPIC?`) has marked the topic as read; if there is
    /// more, announce it again through `peer`.
    fn answer(
        &self,
        session: &mut Self::Session,
        command: &[u8],
        peer: &mut Peer,
    ) -> Reply<Vec<u8>>;
}

/// A server that listens.
pub struct Server<D: ServerDialect, S> {
    listener: TcpListener,
    dialect: D,
    /// The machine's configuration, for each connection.
    pub config: ServerConfig,
    /// At most so many connections at a time; more are closed as soon as they are accepted.
    /// Default: 512.
    pub connections: usize,
    service: Arc<S>,
    handle: ServerHandle<D>,
    waker: Arc<Waker>,
}

impl<D, S> Server<D, S>
where
    D: ServerDialect + Clone + Send + 'static,
    D::Note: Send,
    S: Service,
{
    /// Binds a TCP address; port 0 picks one.
    ///
    /// # Errors
    ///
    /// When the address cannot be had.
    pub fn bind(address: impl ToSocketAddrs, dialect: D, service: S) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let_many_wait(&listener)?;
        listener.set_nonblocking(true)?;
        let waker = Arc::new(Waker::new()?);
        Ok(Self {
            listener,
            dialect,
            config: ServerConfig::default(),
            connections: 512,
            service: Arc::new(service),
            handle: ServerHandle::new(Arc::clone(&waker).into()),
            waker,
        })
    }

    /// The address that was bound.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Notifies and shuts down.
    #[must_use]
    pub fn handle(&self) -> ServerHandle<D> {
        self.handle.clone()
    }

    /// Serves until it is [shut down](ServerHandle::shutdown), and waits for all connections to end.
    ///
    /// # Errors
    ///
    /// When listening fails for good. Then, too, it shuts down first.
    pub fn run(self) -> io::Result<()> {
        let listened = self.serve_all();
        self.handle.shutdown();
        let Self { listener, service, waker, .. } = self;
        drop(listener);
        // Each thread has the service until it ends.
        while Arc::strong_count(&service) > 1 {
            waker.wait()?;
        }
        listened
    }

    fn serve_all(&self) -> io::Result<()> {
        let mut spare = None;
        while !self.handle.is_stopping() {
            match self.accept(&mut spare)? {
                Some((stream, waker)) if self.handle.connections() < self.connections => {
                    if let Err(error) = self.start(stream, waker) {
                        log::error!("a connection could not be served: {error}");
                    }
                }
                Some((_, waker)) => {
                    spare = Some(waker);
                    log::warn!("refused a connection: {} are open", self.connections);
                }
                None => drop(poll(&self.listener, Ready::to_read(), &self.waker, None)?),
            }
        }
        Ok(())
    }

    /// The next client, with what its thread is woken by. That takes descriptors, too, and is had before: where
    /// there are not enough for both, the client waits. What is not needed now is kept in `spare`.
    fn accept(&self, spare: &mut Option<Waker>) -> io::Result<Option<(TcpStream, Waker)>> {
        let waker = spare.take().map_or_else(Waker::new, Ok);
        let accepted = waker.and_then(|waker| match self.listener.accept() {
            Ok((stream, _)) => Ok((stream, waker)),
            Err(error) => {
                *spare = Some(waker);
                Err(error)
            }
        });
        match accepted {
            Ok(client) => Ok(Some(client)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => {
                thread::sleep(accept_again(error)?);
                Ok(None)
            }
        }
    }

    /// Starts a connection's thread. If that fails, the connection ends. Nobody joins the thread: what it had is
    /// given back when it ends, and not when the next client comes.
    fn start(&self, mut stream: TcpStream, waker: Waker) -> io::Result<()> {
        stream.prepare()?;
        let (dialect, config) = (self.dialect.clone(), self.config.clone());
        let connection = Connection::new(&self.handle, dialect, config, stream, waker);
        let (service, ended) = (Arc::clone(&self.service), Ends(Arc::clone(&self.waker)));
        let thread = thread::Builder::new().name("bellwire connection".to_owned());
        thread.spawn(move || {
            // Dropped in the reverse order, also when the service panics, which ends its own connection only: who is
            // woken by the end finds that the service has been given back.
            let _ended = ended;
            let service = service;
            connection.run(service.as_ref());
        })?;
        Ok(())
    }
}

/// Wakes whoever waits for threads to end, when it is dropped.
struct Ends(Arc<Waker>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.wake();
    }
}

impl<D: ServerDialect, S> fmt::Debug for Server<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listener", &self.listener)
            .field("config", &self.config)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read, Write};

    use bellwire::dialect::notif::Notif;

    use super::*;

    struct Echo;

    impl Service for Echo {
        type Session = ();

        fn open(&self, _: &mut Peer) {}

        fn answer(&self, (): &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
            Reply::done(command.to_vec())
        }
    }

    /// Nobody is left behind: not those who were being served, nor their threads.
    #[test]
    fn listening_fails_for_good() {
        bellwire_testkit::in_time(bellwire_testkit::PATIENCE, || {
            let server = Server::bind("127.0.0.1:0", Notif::default(), Echo).unwrap();
            let service = Arc::downgrade(&server.service);
            let listener = server.listener.try_clone().unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            client.write_all(b"one?\r\n").unwrap();
            let runs = thread::spawn(move || server.run());
            let mut answer = [0; 6];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"one?\r\n");

            rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
            assert_eq!(client.read(&mut answer).unwrap(), 0);
            assert_eq!(runs.join().unwrap().unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(service.strong_count(), 0);
        });
    }
}
