//! What all connections of a server share, and how it is notified and shut down.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use bellwire::{Refusal, Refused, ServerDialect};
use bytes::Bytes;

use connection::Connection;

mod connection;

pub use connection::{Serving, Wanted};

/// The connection that a service deals with.
#[derive(Debug)]
pub struct Peer {
    connection: u64,
    announced: Vec<(Audience, Bytes)>,
}

/// Whom a service notifies.
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

/// Notifies the clients of a server, and shuts it down. Cheap to clone.
pub struct ServerHandle<D: ServerDialect>(Arc<Hub<D>>);

/// What all connections of a server share.
struct Hub<D: ServerDialect> {
    /// By their numbers: ten thousand may go at once, and none is to look at all the others.
    connections: Mutex<BTreeMap<u64, Arc<Connection<D>>>>,
    stopping: AtomicBool,
    waker: Waker,
}

impl<D: ServerDialect> ServerHandle<D> {
    /// The handle of a new server. `waker` wakes whoever accepts its connections, which an adapter does.
    #[must_use]
    pub fn new(waker: Waker) -> Self {
        let (connections, stopping) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Hub { connections, stopping, waker }))
    }

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
        self.0.waker.wake_by_ref();
        for connection in self.0.connections() {
            connection.waker.wake_by_ref();
        }
    }

    /// Whether it [shuts down](Self::shutdown), or has.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::SeqCst)
    }

    /// How many clients are connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.lock().len()
    }
}

impl<D: ServerDialect> Hub<D> {
    fn register(&self, number: u64, connection: Arc<Connection<D>>) {
        self.lock().insert(number, connection);
    }

    fn deregister(&self, number: u64) {
        self.lock().remove(&number);
    }

    fn notify(&self, topic: &[u8]) -> Result<(), Refusal> {
        for connection in self.connections() {
            // Waking may run any code, which is none that holds the lock.
            let notified = connection.lock().notify(topic).map_err(|Refused { why, .. }| why);
            match notified {
                Ok(_) => connection.waker.wake_by_ref(),
                Err(Refusal::Closed) => {}
                Err(why @ Refusal::Full { .. }) => {
                    log::warn!("a client misses a notification: {why}");
                }
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    fn connections(&self) -> Vec<Arc<Connection<D>>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Connection<D>>>> {
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

/// Lets as many clients wait to be accepted as the system allows. The runtimes let 128 wait: the system ignores
/// those beyond, and each tries again a second later.
///
/// # Errors
///
/// When the system refuses.
#[cfg(unix)]
pub fn let_many_wait(listener: &impl std::os::fd::AsFd) -> io::Result<()> {
    Ok(rustix::net::listen(listener, i32::MAX)?)
}

/// How long to wait before the next connection is accepted, when one could not be (guarantee G26).
///
/// # Errors
///
/// The error, if none will ever be accepted again.
pub fn accept_again(error: io::Error) -> io::Result<Duration> {
    match error.kind() {
        // What became of a client before it was accepted is its own affair.
        io::ErrorKind::Interrupted
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset => Ok(Duration::ZERO),
        _ if is_shortage(&error) => {
            log::error!("a connection could not be accepted: {error}");
            // Nothing tells when there is enough again.
            Ok(Duration::from_millis(50))
        }
        _ => Err(error),
    }
}

/// Whether the system has not enough descriptors or memory just now.
fn is_shortage(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        matches!(
            Errno::from_io_error(error),
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
        )
    }
    #[cfg(not(unix))]
    {
        // WSAEMFILE, WSAENOBUFS.
        matches!(error.raw_os_error(), Some(10_024 | 10_055))
    }
}
