//! How a client is set up.

use std::fmt;
use std::time::Duration;

use bellwire::{Config, Dialect};

use crate::backoff::Reconnect;
use crate::inbox::Inbox;
use crate::observer::Observer;
use crate::opening::Opening;
use crate::session::Session;

/// What a client is to do on its connections, and when one is lost: the same for every runtime, whose
/// `Connector` holds it.
#[non_exhaustive]
pub struct Settings<D: Dialect> {
    /// The dialect.
    pub dialect: D,
    /// The machine's configuration. Here, replies are awaited for 30 s by default.
    pub config: Config,
    /// What each connection begins with, in this order, before anything else is said: a password,
    /// logging in, opening a mailbox. Default: nothing.
    pub opening: Vec<Box<dyn Opening<D>>>,
    /// How long an attempt to connect may take, and TLS's handshake. The blocking adapter counts each
    /// address of the host, and the handshake, by itself. Default: 10 s.
    pub timeout: Duration,
    /// Whether and how to connect again when a connection is lost. Default: not at all.
    pub reconnect: Option<Reconnect>,
    /// How many notices wait for a reader who is slow, before a gap takes their place. Default:
    /// 1024.
    pub queue: usize,
    /// How many bytes of notices may wait for a reader who is slow: once there are so many, a gap takes the place
    /// of those that follow. The last that waits may go beyond that, and be as large as
    /// [`Limits::reply`](bellwire::Limits::reply) allows. Default: 64 MiB.
    pub queue_bytes: usize,
    /// Who sees everything that happens.
    pub observer: Option<Box<dyn Observer>>,
}

impl<D: Dialect + Clone> Settings<D> {
    /// The defaults.
    pub fn new(dialect: D) -> Self {
        let mut config = Config::default();
        config.timers.reply = Some(Duration::from_secs(30));
        Self {
            dialect,
            config,
            opening: Vec::new(),
            timeout: Duration::from_secs(10),
            reconnect: None,
            queue: 1024,
            queue_bytes: Inbox::BYTES,
            observer: None,
        }
    }

    /// A session that is set up like this, and has its first connection.
    pub fn session(self) -> Session<D> {
        let Self { dialect, config, opening, queue, queue_bytes, observer, .. } = self;
        let mut session = Session::new(dialect, config, opening.into(), queue, observer);
        session.inbox.hold_bytes(queue_bytes);
        session
    }
}

impl<D: Dialect + fmt::Debug> fmt::Debug for Settings<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("dialect", &self.dialect)
            .field("config", &self.config)
            .field("timeout", &self.timeout)
            .field("reconnect", &self.reconnect)
            .field("queue", &self.queue)
            .field("queue_bytes", &self.queue_bytes)
            .finish_non_exhaustive()
    }
}
