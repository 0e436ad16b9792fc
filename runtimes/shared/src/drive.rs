//! A client's session over one transport after the other. How to wait is the adapter's.

use std::fmt;
use std::io;
use std::sync::Weak;
use std::time::{Duration, Instant};

use bellwire::{BadReply, Cause, Closed, Command, Dialect, Failure, Refusal};

use crate::backoff::{Backoff, Reconnect};
use crate::error::{Ended, Error};
use crate::link::{Link, Moved};
use crate::session::{RequestId, Session};
use crate::transport::Transport;

/// Drives a session: reads, writes, keeps its timers, and says when to connect again.
///
/// Nothing here waits. An adapter calls [`turn`](Self::turn) whenever something may have changed, and
/// waits for the transport, for [`deadline`](Self::deadline), or for its callers. One that would keep
/// others from the session while it reads or writes [takes the link](Self::take), and does what `turn`
/// and `catch_up` do by itself.
pub struct Drive<D: Dialect, T: Transport + ?Sized> {
    /// The session.
    pub session: Session<D>,
    link: Option<Link<T>>,
    /// Held by the link, too, wherever that is.
    alive: Weak<()>,
    retry: Option<Retry>,
    over: Option<Ended>,
    finishing: bool,
    now: fn() -> Instant,
}

struct Retry {
    backoff: Backoff,
    at: Instant,
}

/// So many reads in a row are enough: a server that pours out more than a socket holds is not waited
/// for.
pub const ENOUGH: usize = 256;

impl<D: Dialect + Clone, T: Transport + ?Sized> Drive<D, T> {
    /// Nothing is connected yet; see [`connect`](Self::connect). `now` is the adapter's clock.
    pub fn new(session: Session<D>, reconnect: Option<Reconnect>, now: fn() -> Instant) -> Self {
        let retry = reconnect.map(|policy| Retry { backoff: Backoff::new(policy), at: now() });
        Self { session, link: None, alive: Weak::new(), retry, over: None, finishing: false, now }
    }

    /// The session's first connection is up. `waits`: reading from it never fails with `WouldBlock`,
    /// but waits for something to come.
    pub fn connect(&mut self, transport: Box<T>, waits: bool) {
        if transport.is_private() {
            self.session.secured();
        }
        let link = Link::new(transport, waits, (self.now)());
        self.alive = link.life();
        self.link = Some(link);
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
        let Some(mut link) = self.take() else { return };
        if !link.waits() && self.is_overdue(&link) {
            // Nobody may have read for long: what came in time counts.
            let moved = link.read();
            self.heard(&mut link, moved);
        }
        self.session.tick(self.time(&link));
        self.insist_on_upgrade(&link);
        while self.is_due(&mut link) {
            let moved = link.write();
            if !self.said(&mut link, moved) {
                break;
            }
        }
        self.session.tick(self.time(&link));
        self.put(link);
    }

    /// Reads what has come already: it cannot answer what is said next.
    pub fn catch_up(&mut self) {
        let Some(mut link) = self.take() else { return };
        self.drain(&mut link);
        self.put(link);
    }

    /// Reads once.
    pub fn read(&mut self) {
        let Some(mut link) = self.take() else { return };
        let moved = link.read();
        self.heard(&mut link, moved);
        self.put(link);
    }

    /// Takes the link, to read from it and to write to it. `None`: there is none, or somebody else has
    /// it.
    pub fn take(&mut self) -> Option<Link<T>> {
        if self.link.is_none() && !self.is_connected() && self.session.ended().is_none() {
            self.dropped();
        }
        self.link.take()
    }

    /// Whether the link can be [taken](Self::take).
    pub fn is_free(&self) -> bool {
        self.link.is_some()
    }

    /// Puts the link back that was [taken](Self::take).
    pub fn put(&mut self, link: Link<T>) {
        self.link = Some(link);
        self.note_end();
        if self.finishing && self.session.is_done() {
            self.close();
        }
    }

    /// What was read. Whether there may be more.
    pub fn heard(&mut self, link: &mut Link<T>, moved: Moved) -> bool {
        match moved {
            Moved::Bytes(count) => {
                self.session.feed(link.input(count));
                self.upgrade(link);
                return self.session.ended().is_none();
            }
            Moved::Nothing => {}
            Moved::Eof => self.session.closed(Ended::Closed(Closed::Cleanly)),
            Moved::Failed(error) => self.session.closed(error.into()),
        }
        false
    }

    /// Tells the time, if it was asked for: a tick too many is a no-op, but a slow one.
    pub fn tick(&mut self, link: &mut Link<T>) {
        let now = self.time(link);
        if self.session.deadline().is_some_and(|asked| asked <= now) {
            self.session.tick(now);
        } else {
            self.session.pass(now);
        }
        self.insist_on_upgrade(link);
    }

    /// Whether there is something to write, which the link then holds.
    pub fn is_due(&mut self, link: &mut Link<T>) -> bool {
        self.session.ended().is_none() && link.load(self.session.output())
    }

    /// What was written. Whether there may be more.
    pub fn said(&mut self, link: &mut Link<T>, moved: Moved) -> bool {
        let how = match moved {
            Moved::Bytes(count) => {
                self.session.written(count);
                return true;
            }
            Moved::Nothing => return false,
            Moved::Eof => io::Error::from(io::ErrorKind::WriteZero),
            Moved::Failed(error) => error,
        };
        // What the server said before that is there to be read.
        self.drain(link);
        self.session.closed(how.into());
        false
    }

    /// Gives a command, as [`Session::request`].
    ///
    /// # Errors
    ///
    /// When it is refused, there is no connection, or the session is about to end.
    pub fn request<C>(&mut self, command: &C, timeout: Option<Duration>) -> Result<RequestId, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        if self.finishing {
            return Err(Error::NotConnected(Ended::ByProgram));
        }
        self.session.request(command, timeout).map_err(|why| match (why, self.ended()) {
            (Refusal::Closed, Some(ended)) => Error::NotConnected(ended.clone()),
            (why, _) => Error::Refused(why),
        })
    }

    /// Why a request failed, for its caller, who may ask when there is another connection already.
    pub fn failed(&self, failure: Failure) -> Error {
        let lost = matches!(
            failure,
            Failure::NeverSent(Cause::ConnectionLost)
                | Failure::SentUnanswered(Cause::ConnectionLost)
        );
        Error::Unanswered { failure, ended: self.session.lost().filter(|_| lost).cloned() }
    }

    /// Why a reply could not be read, for its caller.
    pub fn bad_reply(&self, bad: BadReply) -> Error {
        Error::bad_reply(bad, self.session.client().dialect())
    }

    /// When to take the next turn; not known while the link is taken.
    pub fn deadline(&self) -> Option<Instant> {
        let link = self.link.as_ref()?;
        self.session.deadline().and_then(|due| link.since().checked_add(due))
    }

    /// When to connect again, if that is what comes next.
    pub fn retry_at(&self) -> Option<Instant> {
        let retry = self.retry.as_ref()?;
        (!self.is_connected() && self.over.is_none()).then_some(retry.at)
    }

    /// Something can be read that waiting for the transport does not tell of.
    pub fn has_input(&self) -> bool {
        self.link.as_ref().is_some_and(Link::has_input)
    }

    /// Whether to wait until the transport may be written.
    pub fn awaits_write(&self) -> bool {
        let due = self.session.client().has_output();
        self.link.as_ref().is_some_and(|link| link.awaits_write(due))
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
            link.shutdown();
        }
        self.end(Ended::ByProgram);
    }

    /// Ends the session for good, once all that was asked is answered.
    pub fn finish(&mut self) {
        self.finishing = true;
        if !self.is_connected() {
            self.close();
        }
    }

    /// Whether no more commands are accepted, because the session is about to end.
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
        self.alive.strong_count() > 0
    }

    /// Whether the connection has begun, or why there is none.
    pub fn opened(&self) -> Option<Result<(), Ended>> {
        match self.session.ended() {
            Some(ended) => Some(Err(ended.clone())),
            None => self.session.is_open().then_some(Ok(())),
        }
    }

    /// Whoever had taken the link has not put it back: the dialect has panicked.
    fn dropped(&mut self) {
        let how = io::Error::other("reading or writing it was cut short by a panic").into();
        self.session.panicked(how);
        if self.over.is_none() {
            self.try_later(self.session.ended().cloned().unwrap_or(Ended::ByProgram));
        }
    }

    fn time(&self, link: &Link<T>) -> Duration {
        (self.now)().saturating_duration_since(link.since())
    }

    fn is_overdue(&self, link: &Link<T>) -> bool {
        self.session.client().is_overdue(self.time(link))
    }

    fn drain(&mut self, link: &mut Link<T>) {
        for _ in 0..ENOUGH {
            if link.waits() {
                return;
            }
            let moved = link.read();
            if !self.heard(link, moved) {
                return;
            }
        }
    }

    /// Changes the stream, if both ends have just agreed to.
    fn upgrade(&mut self, link: &mut Link<T>) {
        if !self.session.client().is_upgrading() {
            return;
        }
        match link.upgrade() {
            Ok(()) => self.session.upgraded(),
            Err(error) => self.session.closed(error.into()),
        }
    }

    /// Ends a connection that was to switch to TLS, and has not when it is about to be used.
    fn insist_on_upgrade(&mut self, link: &Link<T>) {
        if link.must_upgrade() && self.session.is_open() {
            let what = "the opening has not switched to TLS; it must hold a command that does";
            self.session.closed(io::Error::new(io::ErrorKind::InvalidInput, what).into());
        }
    }

    /// If the session says that the connection has ended, closes it and decides what comes next.
    fn note_end(&mut self) {
        let Some(ended) = self.session.ended().cloned() else { return };
        let Some(mut link) = self.link.take() else { return };
        link.shutdown();
        let lasted = self.time(&link);
        if let Some(retry) = &mut self.retry {
            retry.backoff.lasted(lasted);
        }
        if self.over.is_none() {
            self.try_later(ended);
        }
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
