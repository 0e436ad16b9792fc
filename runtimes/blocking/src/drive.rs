//! The loop: whoever waits drives the connection, for all who wait.
//!
//! One of the waiting threads *leads*: it polls the socket, without holding the lock, and reads. The
//! others wait until something has changed.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bellwire::Dialect;
use bellwire_adapter::{Drive, Ended, Reconnect, Session};

use crate::transport::{Pollable, Ready, Waker, poll};

/// Makes another connection.
pub(crate) type Dial = dyn Fn() -> io::Result<Box<dyn Pollable>> + Send + Sync;

/// What all handles of one client share.
pub(crate) struct Shared<D: Dialect> {
    state: Mutex<State<D>>,
    changed: Condvar,
    /// Wakes the thread that leads.
    waker: Waker,
}

pub(crate) struct State<D: Dialect> {
    pub(crate) drive: Drive<D, dyn Pollable>,
    dial: Option<Arc<Dial>>,
    /// Of the connection.
    descriptor: Option<Arc<OwnedFd>>,
    /// A thread polls, or connects.
    led: bool,
    /// It also waits until it may write.
    led_to_write: bool,
    /// It waits no longer than this.
    led_until: Option<Instant>,
}

/// A transport that is ready to be driven, and a copy of what to poll, which is done without the lock.
type Prepared = (Box<dyn Pollable>, Option<Arc<OwnedFd>>);

fn ready(mut transport: Box<dyn Pollable>) -> io::Result<Prepared> {
    transport.prepare()?;
    let descriptor = transport.descriptor().map(|fd| fd.try_clone_to_owned()).transpose()?;
    Ok((transport, descriptor.map(Arc::new)))
}

impl<D: Dialect + Clone> Shared<D> {
    pub(crate) fn new(
        session: Session<D>,
        transport: Box<dyn Pollable>,
        retry: Option<(Reconnect, Arc<Dial>)>,
    ) -> io::Result<Self> {
        let ready = ready(transport)?;
        let (reconnect, dial) = retry.unzip();
        let mut state = State {
            drive: Drive::new(session, reconnect, Instant::now),
            dial,
            descriptor: None,
            led: false,
            led_to_write: false,
            led_until: None,
        };
        state.connect(ready);
        Ok(Self { state: Mutex::new(state), changed: Condvar::new(), waker: Waker::new()? })
    }

    /// The state is consistent between any two calls, so a panic of another thread is none of ours.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something and says at once what is due because of it.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut State<D>) -> T) -> T {
        let mut state = self.lock();
        state.drive.catch_up();
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
        if !self.lock().drive.is_connected() {
            self.wait(Some(Instant::now()), |state| state.drive.is_connected().then_some(()));
        }
    }

    /// Drives the connection until it has begun.
    pub(crate) fn wait_open(&self) -> Result<(), Ended> {
        let begun = self.wait(None, |state| state.drive.opened());
        begun.unwrap_or_else(|| Err(self.lock().drive.over().cloned().unwrap_or(Ended::ByProgram)))
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
            if value.is_some() || passed || state.drive.over().is_some() {
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
        if !state.led {
            if state.drive.is_connected() {
                let descriptor = state.descriptor.clone();
                return self.lead(state, descriptor.as_deref(), until);
            }
            if state.drive.retry_at().is_some_and(|at| at <= Instant::now()) {
                return self.reconnect(state);
            }
        }
        match left(until) {
            Some(left) => {
                let waited = self.changed.wait_timeout(state, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn lead<'s>(
        &'s self,
        mut state: MutexGuard<'s, State<D>>,
        descriptor: Option<&OwnedFd>,
        until: Option<Instant>,
    ) -> MutexGuard<'s, State<D>> {
        // What is buffered above the socket does not make that ready.
        let Some(descriptor) = descriptor.filter(|_| !state.drive.has_input()) else {
            state.drive.read();
            return state;
        };
        let write = state.drive.awaits_write();
        let wanted = Ready { write, ..Ready::to_read() };
        (state.led, state.led_to_write, state.led_until) = (true, write, until);
        drop(state);
        let ready = poll(descriptor, wanted, &self.waker, left(until));
        let mut state = self.lock();
        (state.led, state.led_to_write) = (false, false);
        match ready {
            Ok(ready) if ready.read => {
                state.drive.read();
            }
            Ok(_) => {}
            Err(error) => state.drive.lost(error.into()),
        }
        self.changed.notify_all();
        state
    }

    /// What could not be written, and a deadline that comes sooner, must be waited for by the
    /// thread that polls; what is buffered must be read by it.
    fn wake_leader(&self, state: &State<D>) {
        let drive = &state.drive;
        let more = drive.has_input() || !state.led_to_write && drive.awaits_write();
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
        let Some(dial) = state.dial.clone() else { return state };
        state.led = true;
        drop(state);
        let dialled = dial().and_then(ready);
        let mut state = self.lock();
        state.led = false;
        match dialled {
            Ok(ready) => state.reconnect(ready),
            Err(error) => state.drive.not_connected(error.into()),
        }
        self.changed.notify_all();
        state
    }
}

impl<D: Dialect + Clone> State<D> {
    fn connect(&mut self, (transport, descriptor): Prepared) {
        self.descriptor = descriptor;
        self.drive.connect(transport, self.descriptor.is_none());
    }

    fn reconnect(&mut self, (transport, descriptor): Prepared) {
        self.descriptor = descriptor;
        self.drive.reconnect(transport, self.descriptor.is_none());
    }

    fn turn(&mut self) {
        self.drive.turn();
        if !self.drive.is_connected() {
            // A copy would keep the connection open.
            self.descriptor = None;
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.drive.deadline().or_else(|| self.drive.retry_at().filter(|_| !self.led))
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
