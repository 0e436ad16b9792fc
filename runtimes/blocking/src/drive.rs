//! The loop: whoever waits drives the connection, for all who wait.
//!
//! One of the waiting threads *leads*: it polls the socket, without holding the lock, and reads. The
//! others wait until something has changed.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bellwire::{Closed, Dialect};
use bellwire_adapter::{Backoff, Ended, Reconnect, Session};

use crate::transport::{Moved, Ready, Transport, Waker, poll};

/// Makes another connection.
pub(crate) type Dial = dyn Fn() -> io::Result<Box<dyn Transport>> + Send + Sync;

/// What all handles of one client share.
pub(crate) struct Shared<D: Dialect> {
    state: Mutex<State<D>>,
    changed: Condvar,
    /// Wakes the thread that leads.
    waker: Waker,
}

pub(crate) struct State<D: Dialect> {
    pub(crate) session: Session<D>,
    link: Option<Link>,
    retry: Option<Retry>,
    /// A thread polls, or connects.
    led: bool,
    /// It also waits until it may write.
    led_to_write: bool,
    /// It waits no longer than this.
    led_until: Option<Instant>,
    /// Why there will be no more connection.
    pub(crate) over: Option<Ended>,
    buffer: Vec<u8>,
}

/// One connection.
struct Link {
    transport: Box<dyn Transport>,
    /// Polled without the lock, hence a copy.
    descriptor: Option<Arc<OwnedFd>>,
    since: Instant,
}

struct Retry {
    backoff: Backoff,
    dial: Arc<Dial>,
    at: Instant,
}

const READ: usize = 16 * 1024;

impl Link {
    fn new(transport: Box<dyn Transport>) -> Self {
        // Without a copy the stream is read as one that cannot be polled.
        let descriptor = transport.descriptor().and_then(|fd| fd.try_clone_to_owned().ok());
        Self { transport, descriptor: descriptor.map(Arc::new), since: Instant::now() }
    }
}

impl<D: Dialect + Clone> Shared<D> {
    pub(crate) fn new(
        session: Session<D>,
        transport: Box<dyn Transport>,
        retry: Option<(Reconnect, Arc<Dial>)>,
    ) -> io::Result<Self> {
        let retry = retry.map(|(policy, dial)| Retry {
            backoff: Backoff::new(policy),
            dial,
            at: Instant::now(),
        });
        let mut state = State {
            session,
            link: None,
            retry,
            led: false,
            led_to_write: false,
            led_until: None,
            over: None,
            buffer: vec![0; READ],
        };
        state.connect(transport);
        Ok(Self { state: Mutex::new(state), changed: Condvar::new(), waker: Waker::new()? })
    }

    /// The state is consistent between any two calls, so a panic of another thread is none of ours.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something and says at once what is due because of it.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut State<D>) -> T) -> T {
        let mut state = self.lock();
        state.catch_up();
        let value = act(&mut state);
        state.turn();
        self.wake_leader(&state);
        self.changed.notify_all();
        value
    }

    /// Does something that waits for nothing, and touches no transport: who waits finds out.
    pub(crate) fn note(&self, act: impl FnOnce(&mut State<D>)) {
        let mut state = self.lock();
        act(&mut state);
        if state.led {
            self.waker.wake();
        }
        self.changed.notify_all();
    }

    /// Connects again, if there is no connection and it is time to.
    pub(crate) fn revive(&self) {
        if !self.lock().is_connected() {
            self.wait(Some(Instant::now()), |state| state.is_connected().then_some(()));
        }
    }

    /// Drives the connection until it has begun.
    pub(crate) fn wait_open(&self) -> Result<(), Ended> {
        let begun = self.wait(None, |state| match state.session.ended() {
            Some(ended) => Some(Err(ended.clone())),
            None => state.session.is_open().then_some(Ok(())),
        });
        begun.unwrap_or_else(|| Err(self.lock().over.clone().unwrap_or(Ended::ByProgram)))
    }

    /// Drives the connection until `done`. `None`: the deadline has passed, or all is over.
    pub(crate) fn wait<T>(
        &self,
        deadline: Option<Instant>,
        mut done: impl FnMut(&mut State<D>) -> Option<T>,
    ) -> Option<T> {
        let mut state = self.lock();
        let mut tried = false;
        let value = loop {
            state.turn();
            let value = done(&mut state);
            let passed = tried && deadline.is_some_and(|deadline| deadline <= Instant::now());
            if value.is_some() || passed || state.over.is_some() {
                break value;
            }
            state = self.go_on(state, deadline);
            tried = true;
        };
        // Somebody else has to lead now.
        self.changed.notify_all();
        value
    }

    fn go_on<'s>(
        &'s self,
        state: MutexGuard<'s, State<D>>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'s, State<D>> {
        self.wake_leader(&state);
        let until = earlier(deadline, state.next_deadline());
        match &state.link {
            Some(link) if !state.led => {
                let descriptor = link.descriptor.clone();
                self.lead(state, descriptor.as_deref(), until)
            }
            None if !state.led && state.retry_is_due() => self.reconnect(state),
            _ => match left(until) {
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            },
        }
    }

    fn lead<'s>(
        &'s self,
        mut state: MutexGuard<'s, State<D>>,
        descriptor: Option<&OwnedFd>,
        until: Option<Instant>,
    ) -> MutexGuard<'s, State<D>> {
        // What is buffered above the socket does not make that ready.
        let Some(descriptor) = descriptor.filter(|_| !state.has_input()) else {
            state.read();
            return state;
        };
        let write = state.awaits_write();
        let wanted = Ready { write, ..Ready::to_read() };
        (state.led, state.led_to_write, state.led_until) = (true, write, until);
        drop(state);
        let ready = poll(descriptor, wanted, &self.waker, left(until));
        let mut state = self.lock();
        (state.led, state.led_to_write) = (false, false);
        match ready {
            Ok(ready) if ready.read => {
                state.read();
            }
            Ok(_) => {}
            Err(error) => state.lost(error.into()),
        }
        self.changed.notify_all();
        state
    }

    /// What could not be written, and a deadline that comes sooner, must be waited for by the
    /// thread that polls; what is buffered must be read by it.
    fn wake_leader(&self, state: &State<D>) {
        let more = state.has_input() || !state.led_to_write && state.awaits_write();
        let sooner = match (state.next_deadline(), state.led_until) {
            (Some(next), Some(until)) => next < until,
            (next, None) => next.is_some(),
            (None, _) => false,
        };
        if state.led && (more || sooner) {
            self.waker.wake();
        }
    }

    fn reconnect<'s>(&'s self, mut state: MutexGuard<'s, State<D>>) -> MutexGuard<'s, State<D>> {
        let Some(dial) = state.retry.as_ref().map(|retry| Arc::clone(&retry.dial)) else {
            return state;
        };
        state.led = true;
        drop(state);
        let dialled = dial().and_then(|mut transport| {
            transport.prepare()?;
            Ok(transport)
        });
        let mut state = self.lock();
        state.led = false;
        if state.over.is_none() {
            match dialled {
                Ok(transport) => {
                    state.session.reconnected();
                    state.connect(transport);
                }
                Err(error) => state.try_later(error.into()),
            }
        }
        self.changed.notify_all();
        state
    }
}

impl<D: Dialect + Clone> State<D> {
    fn connect(&mut self, transport: Box<dyn Transport>) {
        if transport.is_private() {
            self.session.secured();
        }
        self.link = Some(Link::new(transport));
    }

    /// Tells the time, and says what is due.
    fn turn(&mut self) {
        let Some(link) = &self.link else { return };
        let now = link.since.elapsed();
        if link.descriptor.is_some() && self.session.client().is_overdue(now) {
            // Nobody may have read for long: what came in time counts.
            self.read();
        }
        self.session.tick(now);
        self.insist_on_upgrade();
        self.write();
        if let Some(link) = &self.link {
            // Arms the timers that saying something has started.
            self.session.tick(link.since.elapsed());
        }
        self.note_end();
    }

    /// Reads what has come already: it cannot answer what is said next. A server that pours out
    /// more than a socket holds is not waited for.
    fn catch_up(&mut self) {
        const ENOUGH: usize = 256;
        for _ in 0..ENOUGH {
            if !self.is_polled() || !self.read() {
                return;
            }
        }
    }

    fn is_polled(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.descriptor.is_some())
    }

    fn has_input(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.transport.has_input())
    }

    fn awaits_write(&self) -> bool {
        let due = self.session.client().has_output();
        self.link.as_ref().is_some_and(|link| link.transport.awaits_write(due))
    }

    /// It cannot be written any more. What the server said before that is there to be read.
    fn broken(&mut self, how: Ended) {
        self.catch_up();
        self.lost(how);
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

    /// Whether there may be more.
    fn read(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        let polled = link.descriptor.is_some();
        let moved = match link.transport.read(&mut self.buffer) {
            // A read timeout of the stream's own, or, where there is none, of the connection.
            Err(error) if polled && error.kind() == io::ErrorKind::TimedOut => Moved::Failed(error),
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

    fn lost(&mut self, how: Ended) {
        self.session.closed(how);
        self.note_end();
    }

    /// If the session says that the connection has ended, closes it and decides what comes next.
    fn note_end(&mut self) {
        let Some(ended) = self.session.ended().cloned() else { return };
        let Some(mut link) = self.link.take() else { return };
        link.transport.shutdown();
        if let Some(retry) = &mut self.retry {
            retry.backoff.lasted(link.since.elapsed());
        }
        self.try_later(ended);
    }

    fn try_later(&mut self, ended: Ended) {
        let wait = match &mut self.retry {
            Some(retry) if ended.is_transient() => retry.backoff.next_wait(),
            _ => None,
        };
        match (wait, &mut self.retry) {
            (Some(wait), Some(retry)) => {
                log::info!("connecting again in {wait:.1?}: {ended}");
                retry.at = Instant::now() + wait;
                self.session.interrupted();
            }
            _ => self.over = Some(ended),
        }
    }

    /// Ends the session for good.
    pub(crate) fn close(&mut self) {
        self.session.closed(Ended::ByProgram);
        if let Some(mut link) = self.link.take() {
            link.transport.shutdown();
        }
        self.over.get_or_insert(Ended::ByProgram);
    }

    /// Why there is no connection.
    pub(crate) fn ended(&self) -> Option<&Ended> {
        self.over.as_ref().or_else(|| self.session.ended())
    }

    /// Whether there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    fn retry_is_due(&self) -> bool {
        self.retry.as_ref().is_some_and(|retry| retry.at <= Instant::now())
    }

    fn next_deadline(&self) -> Option<Instant> {
        match (&self.link, &self.retry) {
            (Some(link), _) => self.session.deadline().and_then(|due| link.since.checked_add(due)),
            (None, Some(retry)) if !self.led => Some(retry.at),
            _ => None,
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// How long until then.
fn left(until: Option<Instant>) -> Option<Duration> {
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

impl<D: Dialect> fmt::Debug for Shared<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
