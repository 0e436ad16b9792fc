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
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use bellwire::{Refusal, Refused, Reply, ServerConfig, ServerDialect};
use bytes::Bytes;
use rustix::io::Errno;

use crate::transport::{Pollable, Ready, Waker, poll};
use connection::{Connection, Serving};

mod connection;

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

/// The connection that a [`Service`] deals with.
#[derive(Debug)]
pub struct Peer {
    connection: u64,
    announced: Vec<(Audience, Bytes)>,
}

/// Whom a [`Service`] notifies.
#[derive(Clone, Copy, Debug)]
enum Audience {
    One,
    All,
}

impl Peer {
    /// The number that names the connection in logs.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// Announces something new about `topic` to this client, after the answer.
    pub fn notify(&mut self, topic: impl AsRef<[u8]>) {
        self.announce(Audience::One, topic.as_ref());
    }

    /// Announces something new about `topic` to all clients of the server, this one too, after the
    /// answer.
    pub fn notify_all(&mut self, topic: impl AsRef<[u8]>) {
        self.announce(Audience::All, topic.as_ref());
    }

    fn announce(&mut self, audience: Audience, topic: &[u8]) {
        self.announced.push((audience, Bytes::copy_from_slice(topic)));
    }
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
}

/// Notifies the clients of a [`Server`], and shuts it down. Cheap to clone.
pub struct ServerHandle<D: ServerDialect>(Arc<Hub<D>>);

/// What all connections of a server share.
struct Hub<D: ServerDialect> {
    connections: Mutex<Vec<Weak<Connection<D>>>>,
    stopping: AtomicBool,
    waker: Waker,
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
        listener.set_nonblocking(true)?;
        let hub = Hub {
            connections: Mutex::default(),
            stopping: AtomicBool::new(false),
            waker: Waker::new()?,
        };
        Ok(Self {
            listener,
            dialect,
            config: ServerConfig::default(),
            connections: 512,
            service: Arc::new(service),
            handle: ServerHandle(Arc::new(hub)),
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
    /// When listening fails for good.
    pub fn run(self) -> io::Result<()> {
        let hub = Arc::clone(&self.handle.0);
        let descriptor = self.listener.as_fd().try_clone_to_owned()?;
        let mut threads: Vec<thread::JoinHandle<()>> = Vec::new();
        while !hub.stopping.load(Ordering::SeqCst) {
            poll(&descriptor, Ready::to_read(), &hub.waker, None)?;
            threads.retain(|thread| !thread.is_finished());
            while let Some(stream) = self.accept()? {
                if threads.len() < self.connections {
                    threads.extend(self.start(&hub, stream));
                } else {
                    log::warn!("refused a connection: {} are open", threads.len());
                }
            }
        }
        drop(self.listener);
        for thread in threads {
            // A service that panicked has ended its own connection only.
            let _ = thread.join();
        }
        Ok(())
    }

    fn accept(&self) -> io::Result<Option<TcpStream>> {
        match self.listener.accept() {
            Ok((stream, _)) => Ok(Some(stream)),
            Err(error) => match error.kind() {
                // What became of a client before it was accepted is its own affair.
                io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset => Ok(None),
                _ if is_shortage(&error) => {
                    log::error!("a connection could not be accepted: {error}");
                    // Nothing tells when there is enough again.
                    thread::sleep(Duration::from_millis(50));
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    /// Starts a connection's thread. If that fails, the connection ends.
    fn start(&self, hub: &Arc<Hub<D>>, mut stream: TcpStream) -> Option<thread::JoinHandle<()>> {
        let machine = bellwire::Server::new(self.dialect.clone(), self.config.clone());
        let service = Arc::clone(&self.service);
        let hub = Arc::clone(hub);
        let started = stream.prepare().and_then(|()| {
            let descriptor = stream.as_fd().try_clone_to_owned()?;
            let connection = Arc::new(Connection::new(machine)?);
            hub.register(&connection);
            thread::Builder::new().name("bellwire connection".to_owned()).spawn(move || {
                let mut serving = Serving::new(&hub, &connection, stream, &descriptor);
                serving.run(service.as_ref());
            })
        });
        started.inspect_err(|error| log::error!("a connection could not be served: {error}")).ok()
    }
}

/// Whether the system has not enough descriptors or memory just now.
fn is_shortage(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

impl<D: ServerDialect> ServerHandle<D> {
    /// Announces something new about `topic` to every client.
    ///
    /// # Errors
    ///
    /// When the topic cannot be written on this wire.
    pub fn notify(&self, topic: impl AsRef<[u8]>) -> Result<(), Refusal> {
        self.0.notify(topic.as_ref())
    }

    /// Shuts down gracefully: no more connections, no more commands; what was asked before is
    /// answered.
    pub fn shutdown(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
        self.0.waker.wake();
        for connection in self.0.open_connections() {
            connection.waker.wake();
        }
    }

    /// How many clients are connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.open_connections().len()
    }
}

impl<D: ServerDialect> Hub<D> {
    fn register(&self, connection: &Arc<Connection<D>>) {
        let mut connections = self.lock();
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(Arc::downgrade(connection));
    }

    fn notify(&self, topic: &[u8]) -> Result<(), Refusal> {
        for connection in self.open_connections() {
            match connection.lock().notify(topic) {
                Ok(_) => connection.waker.wake(),
                Err(Refused { why: Refusal::Closed, .. }) => {}
                Err(Refused { why: why @ Refusal::Full { .. }, .. }) => {
                    log::warn!("a client misses a notification: {why}");
                }
                Err(Refused { why, .. }) => return Err(why),
            }
        }
        Ok(())
    }

    fn open_connections(&self) -> Vec<Arc<Connection<D>>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Connection<D>>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: ServerDialect> Clone for ServerHandle<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: ServerDialect> fmt::Debug for ServerHandle<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").finish_non_exhaustive()
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
