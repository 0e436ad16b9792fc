//! The loop: drivers read, keep deadlines and connect again; callers say what they have to say at once,
//! and wait to be woken.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bellwire::Dialect;
use bellwire_adapter::{Drive, ENOUGH, Ended, Settings, Transport};

use crate::drivers::{Drivers, Place};
use crate::runtime::{BoxFuture, Clock};

/// Makes a connection that wakes this waker.
pub(crate) type Dial = dyn Fn(Waker) -> Dialling + Send + Sync;
pub(crate) type Dialling = BoxFuture<io::Result<Box<dyn Transport>>>;

/// What all handles of one client share.
pub(crate) struct Shared<D: Dialect> {
    state: Mutex<State<D>>,
    drivers: Arc<Drivers>,
    /// So many clients, and readers of notifications, there are.
    handles: AtomicUsize,
    dial: Option<Arc<Dial>>,
    pub(crate) clock: Clock,
}

type Guard<'s, D> = MutexGuard<'s, State<D>>;

pub(crate) struct State<D: Dialect> {
    pub(crate) drive: Drive<D, dyn Transport>,
    /// A driver sleeps no longer than this.
    armed: Option<Instant>,
    /// A driver connects.
    dials: bool,
    /// There is more to do for whoever writes at the moment.
    again: bool,
    /// There may be more to read than whoever reads at the moment has seen.
    unread: bool,
    /// Those who drive are called already, and have not come yet.
    called: bool,
    /// One who drives has let others run first. He may be gone by now: the next one goes on.
    yielded: bool,
}

impl<D: Dialect + Clone> Shared<D> {
    pub(crate) fn new(
        settings: Settings<D>,
        transport: Box<dyn Transport>,
        drivers: Arc<Drivers>,
        dial: Option<Arc<Dial>>,
        clock: Clock,
    ) -> Self {
        let reconnect = settings.reconnect.clone().filter(|_| dial.is_some());
        let mut drive = Drive::new(settings.session(), reconnect, clock.now);
        drive.connect(transport, false);
        let state = Mutex::new(State {
            drive,
            armed: None,
            dials: false,
            again: false,
            unread: false,
            called: false,
            yielded: false,
        });
        Self { state, drivers, handles: AtomicUsize::new(0), dial, clock }
    }

    /// The state is consistent between any two calls, so a panic of another task is none of ours.
    pub(crate) fn lock(&self) -> Guard<'_, D> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something and says at once what is due because of it.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut State<D>) -> T) -> T {
        self.act_on(self.lock(), act)
    }

    fn act_on<'s, T>(&'s self, state: Guard<'s, D>, act: impl FnOnce(&mut State<D>) -> T) -> T {
        let (mut state, read) = self.read(state);
        let value = act(&mut state);
        let state = self.write(state);
        self.release(state, !read);
        value
    }

    /// Reads what has come; the state is not locked meanwhile. Whether that was all.
    fn read<'s>(&'s self, mut state: Guard<'s, D>) -> (Guard<'s, D>, bool) {
        let Some(mut link) = state.drive.take() else {
            state.unread = state.drive.is_connected();
            return (state, true);
        };
        let _alarm = Alarm(&self.drivers);
        for _ in 0..ENOUGH {
            drop(state);
            let moved = link.read();
            state = self.lock();
            if !state.drive.heard(&mut link, moved) {
                state.drive.put(link);
                return (state, true);
            }
        }
        state.drive.put(link);
        (state, false)
    }

    /// Tells the time, and writes what is due; the state is not locked meanwhile. If somebody else does
    /// so at the moment, he goes on with it.
    fn write<'s>(&'s self, mut state: Guard<'s, D>) -> Guard<'s, D> {
        let Some(mut link) = state.drive.take() else {
            state.again = true;
            return state;
        };
        let _alarm = Alarm(&self.drivers);
        loop {
            state.again = false;
            state.drive.tick(&mut link);
            while state.drive.is_due(&mut link) {
                drop(state);
                let moved = link.write();
                state = self.lock();
                if !state.drive.said(&mut link, moved) {
                    break;
                }
            }
            // Arms the timers that saying something has started.
            state.drive.tick(&mut link);
            if !state.again {
                state.drive.put(link);
                return state;
            }
        }
    }

    /// Does something that touches no transport: a driver says what is due because of it.
    pub(crate) fn note<T>(&self, act: impl FnOnce(&mut State<D>) -> T) -> T {
        let mut state = self.lock();
        let value = act(&mut state);
        // Who shuts down may have waited for just this.
        let due = state.drive.session.client().is_due() || state.drive.is_finishing();
        self.release(state, due);
        value
    }

    /// Asks something, and says it at once. While others are under way, a driver says it, with all that
    /// is asked meanwhile: many small writes cost much more than one.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&mut State<D>) -> T) -> T {
        let mut state = self.lock();
        if state.drive.session.client().pending() == 0 {
            return self.act_on(state, ask);
        }
        let asked = ask(&mut state);
        self.release(state, true);
        asked
    }

    /// Asks something, to be said by a driver, or with the next that is done.
    pub(crate) fn ask_later<T>(&self, ask: impl FnOnce(&mut State<D>) -> T) -> T {
        let mut state = self.lock();
        if state.drive.session.client().pending() == 0 {
            // What has come already cannot answer this.
            state = self.read(state).0;
        }
        let asked = ask(&mut state);
        self.release(state, true);
        asked
    }

    /// Says what is due.
    pub(crate) fn flush(&self) {
        let state = self.lock();
        if state.drive.session.client().is_due() {
            let state = self.write(state);
            self.release(state, false);
        }
    }

    /// Unlocks, and wakes those who have to know what has changed.
    fn release(&self, mut state: Guard<'_, D>, due: bool) {
        let unread = mem::take(&mut state.unread);
        let over = state.drive.over().is_some();
        let due = due || unread || over || !state.called && state.is_sooner();
        let calls = due && !mem::replace(&mut state.called, true);
        let wakers = state.drive.session.wakers();
        drop(state);
        wakers.wake();
        if calls {
            self.drivers.wake_all();
        }
    }

    /// Whether there is a connection, or may be another.
    pub(crate) fn may_connect(&self) -> bool {
        let state = self.lock();
        state.drive.over().is_none() && !state.drive.is_finishing()
    }

    /// Why all is over.
    pub(crate) fn ended(&self) -> Ended {
        self.lock().drive.over().cloned().unwrap_or(Ended::ByProgram)
    }

    /// Drives the connection until `done`. `None`: all is over.
    ///
    /// Dropped halfway, it loses nothing but an attempt to connect, which another driver makes again.
    pub(crate) async fn drive<T>(
        &self,
        mut done: impl FnMut(&mut State<D>) -> Option<T>,
    ) -> Option<T> {
        let place = self.drivers.join();
        let mut driver = Driver { shared: self, place, sleep: None, dialling: None };
        poll_fn(|context| driver.poll(context, &mut done)).await
    }
}

impl<D: Dialect + Clone> State<D> {
    /// Whether a driver sleeps too long.
    fn is_sooner(&self) -> bool {
        match (self.deadline(), self.armed) {
            (Some(next), Some(armed)) => next < armed,
            (next, None) => next.is_some(),
            (None, _) => false,
        }
    }

    /// When a driver has something to do, if nothing else happens.
    fn deadline(&self) -> Option<Instant> {
        self.drive.deadline().or_else(|| self.drive.retry_at().filter(|_| !self.dials))
    }
}

/// Drives until all is over, in a task that nobody waits for. A dialect that panics costs a connection,
/// and not the task: those who wait have to be told, and there may be another connection.
pub(crate) fn drive_on<D: Dialect + Clone>(shared: Arc<Shared<D>>) -> impl Future<Output = ()> {
    // Also if it is dropped before it was polled.
    let closes = Closes(shared);
    async move {
        let mut panics = false;
        loop {
            let mut driving = pin!(closes.0.drive(|_| None::<()>));
            let driven = poll_fn(|context| {
                let poll = AssertUnwindSafe(|| driving.as_mut().poll(context));
                match catch_unwind(poll) {
                    Ok(Poll::Pending) => {
                        panics = false;
                        Poll::Pending
                    }
                    Ok(Poll::Ready(_)) => Poll::Ready(Ok(())),
                    Err(panic) => Poll::Ready(Err(panic)),
                }
            });
            match driven.await {
                Ok(()) => return,
                // It is not the dialect, and would go on for ever.
                Err(panic) if panics => resume_unwind(panic),
                Err(_) => panics = true,
            }
        }
    }
}

/// Closes the connection, if nobody drives it any more: its runtime may have ended before it.
struct Closes<D: Dialect + Clone>(Arc<Shared<D>>);

impl<D: Dialect + Clone> Drop for Closes<D> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if self.0.drivers.is_empty() && state.drive.over().is_none() {
            state.drive.close();
        }
        self.0.release(state, false);
    }
}

/// Wakes those who drive if a dialect panics: the link is lost then, and somebody has to notice.
struct Alarm<'a>(&'a Drivers);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.wake_all();
        }
    }
}

/// One who drives.
struct Driver<'a, D: Dialect> {
    shared: &'a Shared<D>,
    place: Place,
    sleep: Option<(Instant, BoxFuture<()>)>,
    dialling: Option<Dialling>,
}

impl<D: Dialect + Clone> Driver<'_, D> {
    fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        done: &mut impl FnMut(&mut State<D>) -> Option<T>,
    ) -> Poll<Option<T>> {
        loop {
            // Before anything is looked at, so that nothing is missed.
            self.place.register(context.waker());
            let dialled = self.poll_dial(context);
            let mut state = self.shared.lock();
            let due = dialled.is_none() && state.drive.session.client().is_due();
            if !state.yielded && due {
                // Others may be about to say more, which is then written with it.
                state.yielded = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            state.yielded = false;
            state.dialled(dialled);
            if self.shared.handles.load(Ordering::SeqCst) == 0 {
                state.drive.close();
            }
            let (state, all) = self.shared.read(state);
            let mut state = self.shared.write(state);
            state.called = false;
            let unread = !all || state.drive.is_free() && mem::take(&mut state.unread);
            let value = done(&mut state);
            let ends = value.is_some() || state.drive.over().is_some();
            let dial =
                state.dial(&self.shared.clock).then_some(self.shared.dial.as_ref()).flatten();
            let until = self.until(state.deadline());
            state.armed = until;
            let wakers = state.drive.session.wakers();
            drop(state);
            wakers.wake();
            if ends {
                return Poll::Ready(value);
            }
            if let Some(dial) = dial {
                self.dialling = Some(dial(Waker::from(Arc::clone(&self.shared.drivers))));
            } else if unread {
                // There is more, but others want to run, too.
                context.waker().wake_by_ref();
                return Poll::Pending;
            } else if self.poll_sleep(until, context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_dial(&mut self, context: &mut Context<'_>) -> Option<io::Result<Box<dyn Transport>>> {
        match self.dialling.as_mut()?.as_mut().poll(context) {
            Poll::Ready(dialled) => {
                self.dialling = None;
                Some(dialled)
            }
            Poll::Pending => None,
        }
    }

    /// Until when to sleep. One who sleeps already is not disturbed for what comes later: to be woken
    /// too early does no harm, and costs less than another sleep with each command.
    fn until(&self, deadline: Option<Instant>) -> Option<Instant> {
        let asleep = self.sleep.as_ref().map(|(until, _)| *until);
        deadline.into_iter().chain(asleep).min()
    }

    fn poll_sleep(&mut self, until: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        let Some(until) = until else { return Poll::Pending };
        let sleep = match self.sleep.take() {
            Some((at, sleep)) if at == until => sleep,
            _ => (self.shared.clock.sleep_until)(until),
        };
        let slept = self.sleep.insert((until, sleep)).1.as_mut().poll(context);
        if slept.is_ready() {
            self.sleep = None;
        }
        slept
    }
}

impl<D: Dialect> Drop for Driver<'_, D> {
    fn drop(&mut self) {
        if self.dialling.is_some() {
            let state = self.shared.state.lock();
            state.unwrap_or_else(PoisonError::into_inner).dials = false;
        }
    }
}

impl<D: Dialect + Clone> State<D> {
    /// Whether the first connection has begun without a word of the server's, or why it cannot.
    pub(crate) fn begun(&mut self) -> Option<Result<(), Ended>> {
        self.drive.turn();
        self.drive.opened()
    }

    /// Whether it is time to connect, and nobody does; the caller has to, then.
    fn dial(&mut self, clock: &Clock) -> bool {
        let due = !self.dials && self.drive.retry_at().is_some_and(|at| at <= (clock.now)());
        self.dials |= due;
        due
    }

    /// An attempt to connect has come to this.
    fn dialled(&mut self, dialled: Option<io::Result<Box<dyn Transport>>>) {
        self.dials &= dialled.is_none();
        match dialled {
            Some(Ok(transport)) => self.drive.reconnect(transport, false),
            Some(Err(error)) => self.drive.not_connected(error.into()),
            None => {}
        }
    }
}

/// Keeps a connection alive.
pub(crate) struct Handle<D: Dialect>(Arc<Shared<D>>);

impl<D: Dialect> Handle<D> {
    pub(crate) fn new(shared: Arc<Shared<D>>) -> Self {
        shared.handles.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }

    /// What does not keep it alive.
    pub(crate) fn shared(&self) -> Arc<Shared<D>> {
        Arc::clone(&self.0)
    }
}

impl<D: Dialect> Clone for Handle<D> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.0))
    }
}

impl<D: Dialect> Deref for Handle<D> {
    type Target = Shared<D>;

    fn deref(&self) -> &Shared<D> {
        &self.0
    }
}

impl<D: Dialect> Drop for Handle<D> {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.drivers.wake_all();
        }
    }
}

impl<D: Dialect> fmt::Debug for Handle<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
