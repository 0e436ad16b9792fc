//! A client's session over one transport after the other. How to wait is the adapter's.

use std::fmt;
use std::io;
use std::time::Instant;

use bellwire::{Closed, Dialect};

use crate::backoff::{Backoff, Reconnect};
use crate::error::Ended;
use crate::session::Session;
use crate::transport::{Moved, Transport};

/// Drives a session: reads, writes, keeps its timers, and says when to connect again.
///
/// Nothing here waits. An adapter calls [`turn`](Self::turn) whenever something may have changed, and
/// waits for the transport, for [`deadline`](Self::deadline), or for its callers.
pub struct Drive<D: Dialect, T: Transport + ?Sized> {
    /// The session.
    pub session: Session<D>,
    link: Option<Link<T>>,
    retry: Option<Retry>,
    over: Option<Ended>,
    finishing: bool,
    now: fn() -> Instant,
    buffer: Vec<u8>,
}

/// One connection.
struct Link<T: ?Sized> {
    transport: Box<T>,
    /// Its reads wait for something to come.
    waits: bool,
    since: Instant,
}

struct Retry {
    backoff: Backoff,
    at: Instant,
}

const READ: usize = 16 * 1024;

impl<D: Dialect + Clone, T: Transport + ?Sized> Drive<D, T> {
    /// Nothing is connected yet; see [`connect`](Self::connect). `now` is the adapter's clock.
    pub fn new(session: Session<D>, reconnect: Option<Reconnect>, now: fn() -> Instant) -> Self {
        let retry = reconnect.map(|policy| Retry { backoff: Backoff::new(policy), at: now() });
        let buffer = vec![0; READ];
        Self { session, link: None, retry, over: None, finishing: false, now, buffer }
    }

    /// The session's first connection is up. `waits`: reading from it never fails with `WouldBlock`,
    /// but waits for something to come.
    pub fn connect(&mut self, transport: Box<T>, waits: bool) {
        if transport.is_private() {
            self.session.secured();
        }
        self.link = Some(Link { transport, waits, since: (self.now)() });
    }

    /// The session's next connection is up. It is not used if all is over meanwhile.
    pub fn reconnect(&mut self, transport: Box<T>, waits: bool) {
        if self.over.is_none() {
            self.session.reconnected();
            self.connect(transport, waits);
        }
    }

    /// An attempt to connect again has failed.
    pub fn not_connected(&mut self, how: Ended) {
        if self.over.is_none() {
            self.try_later(how);
        }
    }

    /// Tells the time, and says what is due.
    pub fn turn(&mut self) {
        let Some(link) = &self.link else { return };
        let now = self.time(link);
        if !link.waits && self.session.client().is_overdue(now) {
            // Nobody may have read for long: what came in time counts.
            self.read();
        }
        self.session.tick(now);
        self.insist_on_upgrade();
        self.write();
        if let Some(link) = &self.link {
            // Arms the timers that saying something has started.
            self.session.tick(self.time(link));
        }
        self.note_end();
        if self.finishing && self.session.is_done() {
            self.close();
        }
    }

    /// Reads what has come already: it cannot answer what is said next. Whether that was all: a server
    /// that pours out more than a socket holds is not waited for.
    pub fn catch_up(&mut self) -> bool {
        const ENOUGH: usize = 256;
        (0..ENOUGH).any(|_| self.waits() || !self.read())
    }

    /// Reads once. Whether there may be more.
    pub fn read(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        let moved = match link.transport.read(&mut self.buffer) {
            // A read timeout of the stream's own, or, where there is none, of the connection.
            Err(error) if error.kind() == io::ErrorKind::TimedOut && !link.waits => {
                Moved::Failed(error)
            }
            read => Moved::from(read),
        };
        let more = matches!(moved, Moved::Bytes(_));
        match moved {
            Moved::Bytes(count) => {
                self.session.feed(&self.buffer[..count]);
                self.upgrade();
            }
            Moved::Nothing => {}
            Moved::Eof => self.lost(Ended::Closed(Closed::Cleanly)),
            Moved::Failed(error) => self.lost(error.into()),
        }
        self.note_end();
        more
    }

    /// When to take the next turn.
    pub fn deadline(&self) -> Option<Instant> {
        let link = self.link.as_ref()?;
        self.session.deadline().and_then(|due| link.since.checked_add(due))
    }

    /// When to connect again, if that is what comes next.
    pub fn retry_at(&self) -> Option<Instant> {
        let retry = self.retry.as_ref()?;
        (self.link.is_none() && self.over.is_none()).then_some(retry.at)
    }

    /// Something can be read that waiting for the transport does not tell of.
    pub fn has_input(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.transport.has_input())
    }

    /// Whether to wait until the transport may be written.
    pub fn awaits_write(&self) -> bool {
        let due = self.session.client().has_output();
        self.link.as_ref().is_some_and(|link| link.transport.awaits_write(due))
    }

    /// The transport failed.
    pub fn lost(&mut self, how: Ended) {
        self.session.closed(how);
        self.note_end();
    }

    /// Ends the session for good.
    pub fn close(&mut self) {
        self.session.closed(Ended::ByProgram);
        if let Some(mut link) = self.link.take() {
            link.transport.shutdown();
        }
        self.end(Ended::ByProgram);
    }

    /// Ends the session for good, once all that was asked is answered.
    pub fn finish(&mut self) {
        self.finishing = true;
        if self.link.is_none() {
            self.close();
        }
    }

    /// Whether the session accepts no more commands, because it is about to end.
    pub fn is_finishing(&self) -> bool {
        self.finishing
    }

    /// Why there will be no more connection.
    pub fn over(&self) -> Option<&Ended> {
        self.over.as_ref()
    }

    /// Why there is no connection.
    pub fn ended(&self) -> Option<&Ended> {
        self.over.as_ref().or_else(|| self.session.ended())
    }

    /// Whether there is a connection.
    pub fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Whether the connection has begun, or why there is none.
    pub fn opened(&self) -> Option<Result<(), Ended>> {
        match self.session.ended() {
            Some(ended) => Some(Err(ended.clone())),
            None => self.session.is_open().then_some(Ok(())),
        }
    }

    fn time(&self, link: &Link<T>) -> std::time::Duration {
        (self.now)().saturating_duration_since(link.since)
    }

    fn waits(&self) -> bool {
        self.link.as_ref().is_none_or(|link| link.waits)
    }

    fn write(&mut self) {
        while let Some(link) = &mut self.link {
            let due = self.session.output();
            if due.is_empty() {
                if link.transport.awaits_write(false) {
                    self.flush();
                }
                return;
            }
            match Moved::from(link.transport.write(due)) {
                Moved::Bytes(count) => {
                    self.session.written(count);
                    self.flush();
                }
                Moved::Nothing => return,
                Moved::Eof => return self.broken(io::Error::from(io::ErrorKind::WriteZero).into()),
                Moved::Failed(error) => return self.broken(error.into()),
            }
        }
    }

    fn flush(&mut self) {
        let Some(link) = &mut self.link else { return };
        if let Moved::Failed(error) = Moved::from(link.transport.flush().map(|()| 1)) {
            self.broken(error.into());
        }
    }

    /// It cannot be written any more. What the server said before that is there to be read.
    fn broken(&mut self, how: Ended) {
        self.catch_up();
        self.lost(how);
    }

    /// Changes the stream, if both ends have just agreed to.
    fn upgrade(&mut self) {
        let Some(link) = &mut self.link else { return };
        if !self.session.client().is_upgrading() {
            return;
        }
        match link.transport.upgrade() {
            Ok(()) => self.session.upgraded(),
            Err(error) => self.lost(error.into()),
        }
    }

    /// Ends a connection that was to switch to TLS, and has not when it is about to be used.
    fn insist_on_upgrade(&mut self) {
        let plain = self.link.as_ref().is_some_and(|link| link.transport.must_upgrade());
        if plain && self.session.is_open() {
            let what = "the opening has not switched to TLS; it must hold a command that does";
            self.lost(io::Error::new(io::ErrorKind::InvalidInput, what).into());
        }
    }

    /// If the session says that the connection has ended, closes it and decides what comes next.
    fn note_end(&mut self) {
        let Some(ended) = self.session.ended().cloned() else { return };
        let Some(mut link) = self.link.take() else { return };
        link.transport.shutdown();
        let lasted = self.time(&link);
        if let Some(retry) = &mut self.retry {
            retry.backoff.lasted(lasted);
        }
        self.try_later(ended);
    }

    fn try_later(&mut self, ended: Ended) {
        let wait = match &mut self.retry {
            Some(retry) if ended.is_transient() && !self.finishing => retry.backoff.next_wait(),
            _ => None,
        };
        match (wait, &mut self.retry) {
            (Some(wait), Some(retry)) => {
                log::info!("connecting again in {wait:.1?}: {ended}");
                retry.at = (self.now)() + wait;
                self.session.interrupted();
            }
            _ => self.end(ended),
        }
    }

    fn end(&mut self, how: Ended) {
        self.over.get_or_insert(how);
        self.session.over();
    }
}

impl<D: Dialect, T: Transport + ?Sized> fmt::Debug for Drive<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive")
            .field("over", &self.over)
            .field("finishing", &self.finishing)
            .finish_non_exhaustive()
    }
}
