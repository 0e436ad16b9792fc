//! A clock that is moved by hand, for any asynchronous runtime.

use std::future::{Future, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bellwire_async::Runtime;
use bellwire_async::runtime::{BoxFuture, Stream, Streams};
use bellwire_testkit::PATIENCE;

/// The runtime `R`, its sockets and its tasks; but time stands still until a test [moves](Clock::pass) it. And
/// it is known whether anybody is [busy](Clock::settle).
#[derive(Debug)]
pub struct Moved<R>(PhantomData<R>);

/// The hands of the clock. There is one clock, so whoever holds this has it for himself.
#[derive(Debug)]
pub struct Clock(#[expect(dead_code, reason = "to be held")] MutexGuard<'static, ()>);

#[derive(Debug, Default)]
struct State {
    now: Duration,
    sleepers: Vec<(u64, Duration, Waker)>,
    numbered: u64,
    /// All that somebody has slept for, or wanted to.
    slept: Vec<Duration>,
    /// So many tasks are woken, or run.
    busy: usize,
}

static RESTS: Condvar = Condvar::new();
static MINE: Mutex<()> = Mutex::new(());
static STATE: Mutex<State> = Mutex::new(State {
    now: Duration::ZERO,
    sleepers: Vec::new(),
    numbered: 0,
    slept: Vec::new(),
    busy: 0,
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn beginning() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}

impl Clock {
    /// Waits until nobody else has it.
    #[must_use]
    pub fn mine() -> Self {
        let mine = MINE.lock().unwrap_or_else(PoisonError::into_inner);
        state().slept.clear();
        Self(mine)
    }

    /// Moves time. Whether anybody has slept for that.
    pub fn pass(&self, time: Duration) -> bool {
        let mut state = state();
        state.now += time;
        let now = state.now;
        let (due, later) =
            std::mem::take(&mut state.sleepers).into_iter().partition(|(_, at, _)| *at <= now);
        state.sleepers = later;
        drop(state);
        let due: Vec<(u64, Duration, Waker)> = due;
        let any = !due.is_empty();
        due.into_iter().for_each(|(_, _, waker)| waker.wake());
        any
    }

    /// Moves time to where the first of the sleepers wants to be woken, and wakes him.
    pub fn pass_to_next(&self) -> bool {
        let next = {
            let state = state();
            let next = state.sleepers.iter().map(|(_, at, _)| *at).min();
            next.map(|at| at.saturating_sub(state.now))
        };
        next.is_some_and(|time| self.pass(time))
    }

    /// Waits until every task waits for something that has not happened yet.
    #[track_caller]
    pub fn settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = state();
        while state.busy > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} tasks do not come to rest", state.busy);
            state = RESTS.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How long anybody wanted to sleep, each time that somebody began to, since this was asked last.
    #[must_use]
    pub fn sleeps(&self) -> Vec<Duration> {
        std::mem::take(&mut state().slept)
    }
}

/// Asleep, and no more when it is dropped.
struct Sleeper(u64);

impl Drop for Sleeper {
    fn drop(&mut self) {
        state().sleepers.retain(|(number, _, _)| *number != self.0);
    }
}

/// Knows whether a task is busy.
#[derive(Default)]
struct Watch {
    doing: Mutex<Doing>,
    /// Whom to wake for it.
    waker: Mutex<Option<Waker>>,
}

#[derive(Default)]
struct Doing {
    /// It was woken, and not polled since.
    woken: bool,
    polled: bool,
    gone: bool,
}

impl Doing {
    fn is_busy(&self) -> bool {
        (self.woken || self.polled) && !self.gone
    }
}

impl Watch {
    /// Changes what the task does, and counts it as busy or not.
    fn change(&self, change: impl FnOnce(&mut Doing)) {
        let mut doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        let was = doing.is_busy();
        change(&mut doing);
        let is = doing.is_busy();
        let mut state = state();
        state.busy = state.busy + usize::from(is) - usize::from(was);
        drop(state);
        RESTS.notify_all();
    }
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        self.change(|doing| doing.woken = true);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A task that is watched.
struct Watched<F> {
    task: Pin<Box<F>>,
    watch: Arc<Watch>,
}

impl<F> Watched<F> {
    fn new(task: F) -> Self {
        let watch = Arc::<Watch>::default();
        watch.change(|doing| doing.woken = true);
        Self { task: Box::pin(task), watch }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let watch = Arc::clone(&self.watch);
        watch.change(|doing| (doing.woken, doing.polled) = (false, true));
        *watch.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        let waker = Waker::from(Arc::clone(&watch));
        let polled = self.task.as_mut().poll(&mut Context::from_waker(&waker));
        watch.change(|doing| doing.polled = false);
        polled
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        // Whoever wakes it later wakes nobody.
        self.watch.change(|doing| doing.gone = true);
    }
}

/// The same future, which [`Clock::settle`] waits for, too.
pub fn watched<F: Future>(future: F) -> impl Future<Output = F::Output> {
    Watched::new(future)
}

impl<R: Runtime> Runtime for Moved<R> {
    type Tcp = R::Tcp;
    type Unix = R::Unix;
    type TcpListener = R::TcpListener;

    fn now() -> Instant {
        beginning() + state().now
    }

    fn sleep_until(deadline: Instant) -> BoxFuture<()> {
        let at = deadline.saturating_duration_since(beginning());
        let sleeper = {
            let mut state = state();
            state.numbered += 1;
            let time = at.saturating_sub(state.now);
            state.slept.push(time);
            Sleeper(state.numbered)
        };
        Box::pin(poll_fn(move |context| {
            // All of it, so that it is dropped with the future, and not before.
            let sleeper = &sleeper;
            let mut state = state();
            if state.now >= at {
                return Poll::Ready(());
            }
            state.sleepers.retain(|(number, _, _)| *number != sleeper.0);
            state.sleepers.push((sleeper.0, at, context.waker().clone()));
            Poll::Pending
        }))
    }

    fn spawn(task: BoxFuture<()>) {
        R::spawn(Box::pin(Watched::new(task)));
    }

    fn connect_tcp(address: &str) -> impl Future<Output = io::Result<Self::Tcp>> + Send {
        R::connect_tcp(address)
    }

    fn connect_unix(path: &Path) -> impl Future<Output = io::Result<Self::Unix>> + Send {
        R::connect_unix(path)
    }

    fn listen_tcp(address: &str) -> impl Future<Output = io::Result<Self::TcpListener>> + Send {
        R::listen_tcp(address)
    }

    fn accept_tcp(
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<Self::Tcp>> + Send {
        R::accept_tcp(listener)
    }

    fn local_addr(listener: &Self::TcpListener) -> io::Result<SocketAddr> {
        R::local_addr(listener)
    }
}

/// Whatever the runtime takes elsewhere, here it is a stream of futures-io's.
impl<R: Runtime, S: Stream> Streams<S> for Moved<R> {
    type Stream = S;

    fn stream(stream: S) -> S {
        stream
    }
}
