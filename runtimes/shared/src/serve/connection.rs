//! One connection of a server. How to wait is the adapter's.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use bellwire::transcript::escape;
use bellwire::{
    Closed, Error, Refusal, Reply, ServerConfig, ServerDialect, ServerEvent, Ticket, Wait,
};
use bytes::Bytes;

use super::{Audience, Hub, Peer, ServerHandle};
use crate::error::Ended;
use crate::link::Moved;
use crate::observer::log_lines;
use crate::transport::Transport;

/// Drives one connection of a server: reads, writes, keeps its timers, and says what to answer.
///
/// Nothing here waits. An adapter takes a turn ([`next`](Self::next), or [`go_on`](Self::go_on) while
/// an answer is not ready) whenever something may have changed, and waits for what is
/// [`wanted`](Self::wanted). When an error says that the connection has ended, it calls
/// [`end`](Self::end). Until it is dropped, the connection counts as one of the server's.
pub struct Serving<D: ServerDialect, T> {
    hub: Arc<Hub<D>>,
    connection: Arc<Connection<D>>,
    number: u64,
    transport: T,
    now: fn() -> Instant,
    since: Instant,
    buffer: Vec<u8>,
    /// Commands that had to be heard before it was their turn.
    heard: VecDeque<(Ticket, Bytes)>,
    /// So many bytes were read that may not have been heard.
    ahead: usize,
    /// No more is read: the server shuts down.
    draining: bool,
    /// The patience with a transport that has taken bytes and does not send them.
    patience: Option<Duration>,
    stuck: Option<Instant>,
}

/// What to wait for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wanted {
    /// Something to [`read`](Serving::read).
    pub read: bool,
    /// Room to write.
    pub write: bool,
    /// This moment.
    pub until: Option<Instant>,
}

/// What a connection shares with the server's handles.
pub(super) struct Connection<D: ServerDialect> {
    machine: Mutex<bellwire::Server<D>>,
    pub(super) waker: Waker,
}

impl<D: ServerDialect> Connection<D> {
    /// The machine is consistent between any two calls, so a panic of another thread is none of ours.
    pub(super) fn lock(&self) -> MutexGuard<'_, bellwire::Server<D>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: ServerDialect, T: Transport> Serving<D, T> {
    /// While an answer is awaited, so much is read of what comes next: enough to find out that the
    /// client is gone.
    const AHEAD: usize = 64 * 1024;

    /// A new connection of the server. `waker` wakes whoever waits for what is
    /// [`wanted`](Self::wanted); `now` is the adapter's clock.
    pub fn new(
        server: &ServerHandle<D>,
        dialect: D,
        config: ServerConfig,
        transport: T,
        waker: Waker,
        now: fn() -> Instant,
    ) -> Self {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let patience = config.timers.write;
        let machine = Mutex::new(bellwire::Server::new(dialect, config));
        let connection = Arc::new(Connection { machine, waker });
        let hub = Arc::clone(&server.0);
        hub.register(number, Arc::clone(&connection));
        log::info!("#{number} accepted");
        Self {
            hub,
            connection,
            number,
            transport,
            now,
            since: now(),
            buffer: vec![0; 4096],
            heard: VecDeque::new(),
            ahead: 0,
            draining: false,
            patience,
            stuck: None,
        }
    }

    /// What the service deals with.
    #[must_use]
    pub fn peer(&self) -> Peer {
        Peer { connection: self.number, announced: Vec::new() }
    }

    /// The next command, to be answered by [`reply`](Self::reply) before the next turn. `None`: all is
    /// said that can be; wait.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    #[expect(clippy::should_implement_trait, reason = "it may have more after it had none")]
    pub fn next(&mut self) -> Result<Option<(Ticket, Bytes)>, Ended> {
        self.catch_up()?;
        loop {
            if let Some(command) = self.hear()? {
                return Ok(Some(command));
            }
            // Writing makes room for what was read and not heard yet.
            if !self.write()? {
                break;
            }
        }
        self.check_end()?;
        Ok(None)
    }

    /// Takes a turn while the service takes its time: says what can be said meanwhile. What comes next
    /// is heard later: what it means may depend on the answer.
    ///
    /// # Errors
    ///
    /// When the connection has ended; the answer is of no use any more.
    pub fn go_on(&mut self) -> Result<(), Ended> {
        self.catch_up()?;
        let now = self.time();
        let mut machine = self.connection.lock();
        machine.tick(now);
        // Only what has been heard tells whether a deadline has passed (guarantee G17).
        let late = machine.is_overdue(now);
        drop(machine);
        while late && let Some(command) = self.listen()? {
            self.heard.push_back(command);
        }
        self.write().map(drop)
    }

    /// Gives the service's answer.
    pub fn reply(&mut self, ticket: Ticket, reply: Reply<Vec<u8>>) {
        let mut machine = self.connection.lock();
        if let Err(refused) = machine.reply(ticket, reply) {
            log::error!("#{} the service's reply is refused: {}", self.number, refused.why);
            // The client must have an answer, or all that follow would be shifted.
            let error = Reply::refused("the server could not write its reply");
            if let Err(refused) = machine.reply(ticket, error) {
                log::error!("#{} {}", self.number, refused.why);
            }
        }
    }

    /// Announces what the service has.
    pub fn announce(&mut self, peer: &mut Peer) {
        for (audience, topic) in peer.announced.drain(..) {
            let announced = match audience {
                Audience::All => self.hub.notify(&topic),
                Audience::One => {
                    self.connection.lock().notify(&topic).map(drop).map_err(|it| it.why)
                }
            };
            match announced {
                // A client that has closed its half is answered, and told no more.
                Ok(()) | Err(Refusal::Closed) => {}
                Err(why) => log::error!("#{} the topic is refused: {why}", self.number),
            }
        }
    }

    /// Reads once. Whether there may be more.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    pub fn read(&mut self) -> Result<bool, Ended> {
        let moved = moved(self.transport.read(&mut self.buffer));
        let mut machine = self.connection.lock();
        match moved {
            Moved::Bytes(count) => {
                // What was said is logged when it is heard: half a line does not tell whether it is a secret.
                log::trace!("#{} read {count} bytes", self.number);
                machine.feed(&self.buffer[..count]);
                self.ahead += count;
            }
            Moved::Nothing => return Ok(false),
            Moved::Eof => drop(machine.feed_eof()),
            Moved::Failed(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// What to wait for before the next turn.
    pub fn wanted(&mut self) -> Wanted {
        let now = self.time();
        let mut machine = self.connection.lock();
        // Arms the timers that the turn has started.
        machine.tick(now);
        let until = machine.deadline().and_then(|due| self.since.checked_add(due));
        Wanted {
            read: machine.wants_input() && !self.draining && self.ahead < Self::AHEAD,
            write: self.transport.awaits_write(machine.has_output()),
            until: until.into_iter().chain(self.stuck).min(),
        }
    }

    /// What it reads from and writes to.
    #[must_use]
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Closes the connection, which has ended in this way.
    pub fn end(&mut self, how: &Ended) {
        log::info!("#{} ended: {how}", self.number);
        self.transport.shutdown();
    }

    fn time(&self) -> Duration {
        (self.now)().saturating_duration_since(self.since)
    }

    /// What came in time counts, though nobody may have read for long.
    fn catch_up(&mut self) -> Result<(), Ended> {
        let stops = !self.draining && self.hub.stopping.load(Ordering::SeqCst);
        self.draining |= stops;
        // What was read is heard first: a client that never stops would have all of it read, and no deadline pass.
        let late = self.ahead < Self::AHEAD && self.connection.lock().is_overdue(self.time());
        if stops || late {
            self.read()?;
        }
        Ok(())
    }

    fn hear(&mut self) -> Result<Option<(Ticket, Bytes)>, Ended> {
        if let Some(command) = self.heard.pop_front() {
            return Ok(Some(command));
        }
        let heard = self.listen()?;
        if heard.is_none() {
            self.ahead = 0;
        }
        Ok(heard)
    }

    /// Takes the next thing that happened. The lock is not held while the service answers.
    fn listen(&mut self) -> Result<Option<(Ticket, Bytes)>, Ended> {
        let now = self.time();
        let mut machine = self.connection.lock();
        let mut events = machine.tick(now);
        while let Some(event) = events.next()? {
            log_said(self.number, &event);
            log::debug!("#{} {event}", self.number);
            if let ServerEvent::Command { ticket, text, .. } = event {
                return Ok(Some((ticket, Bytes::copy_from_slice(text))));
            }
        }
        Ok(None)
    }

    /// Whether anything was written.
    fn write(&mut self) -> Result<bool, Ended> {
        let mut machine = self.connection.lock();
        let mut written = false;
        loop {
            let due = machine.output();
            if due.is_empty() {
                break;
            }
            match moved(self.transport.write(due)) {
                Moved::Bytes(count) => {
                    log_lines(self.number, 'S', &due[..count]);
                    machine.written(count);
                    written = true;
                }
                Moved::Nothing => break,
                Moved::Eof => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Moved::Failed(error) => return Err(error.into()),
            }
        }
        drop(machine);
        if written || self.transport.awaits_write(false) {
            self.flush(written)?;
        }
        Ok(written)
    }

    /// Sends on what the transport has taken. The machine's patience ends when it takes bytes; a
    /// transport that keeps them has no more of it (guarantee G25).
    fn flush(&mut self, written: bool) -> Result<(), Ended> {
        match moved(self.transport.flush().map(|()| 1)) {
            Moved::Failed(error) => return Err(error.into()),
            Moved::Nothing => {}
            _ => {
                self.stuck = None;
                return Ok(());
            }
        }
        let now = (self.now)();
        match self.stuck {
            Some(stuck) if !written && stuck <= now => Err(Error::TimedOut(Wait::Write).into()),
            Some(_) if !written => Ok(()),
            _ => {
                self.stuck = self.patience.and_then(|patience| now.checked_add(patience));
                Ok(())
            }
        }
    }

    /// Ends the connection once all that was asked is answered, and the client or the server wants no
    /// more.
    fn check_end(&self) -> Result<(), Ended> {
        let machine = self.connection.lock();
        if self.transport.awaits_write(machine.has_output()) {
            Ok(())
        } else if machine.is_finished() {
            Err(Ended::Closed(Closed::Cleanly))
        } else if self.draining && machine.pending() == 0 {
            Err(Ended::ByProgram)
        } else {
            Ok(())
        }
    }
}

/// Logs what the client has said, without what is secret.
fn log_said(connection: u64, event: &ServerEvent<&[u8]>) {
    if log::log_enabled!(log::Level::Trace) && !matches!(event, ServerEvent::Closed(_)) {
        log::trace!("#{connection} C: {}", escape(&event.shown()));
    }
}

/// A transport that would have to wait says so; if the connection's own patience is at an end, the
/// connection is.
fn moved(result: io::Result<usize>) -> Moved {
    match result {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Moved::Failed(error),
        result => Moved::from(result),
    }
}

impl<D: ServerDialect, T> Drop for Serving<D, T> {
    /// However it ends, and be it that the service panics.
    fn drop(&mut self) {
        self.hub.deregister(self.number);
    }
}

impl<D: ServerDialect, T> fmt::Debug for Serving<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("number", &self.number)
            .field("draining", &self.draining)
            .finish_non_exhaustive()
    }
}
