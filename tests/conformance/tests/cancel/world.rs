//! A runtime moved by hand, and a server at the other end of a pipe: nothing happens unless a check says
//! so, one byte at a time, so that a future can be dropped between any two of them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bellwire_async::Runtime;
use bellwire_async::runtime::Streams;
use bellwire_testkit::Pipe;

use crate::answers::{Answers, Wire};

/// The runtime; each test's thread has one of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
struct State {
    now: Duration,
    sleepers: Vec<(Instant, Waker)>,
    tasks: Vec<(Option<Task>, Arc<Woken>)>,
    /// The servers' ends of connections that were made.
    dialled: VecDeque<Pipe>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(act)
}

struct Woken(AtomicBool);

impl Woken {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Lets the spawned tasks do what they can do now. Whether there was anything.
pub(crate) fn run_tasks() -> bool {
    let mut ran = false;
    for _ in 0..10_000 {
        let next = with(|state| {
            let index = state.tasks.iter().position(|(task, woken)| task.is_some() && woken.take());
            index.map(|index| (index, state.tasks[index].0.take(), state.tasks[index].1.clone()))
        });
        let Some((index, Some(mut task), woken)) = next else { return ran };
        ran = true;
        let waker = Waker::from(woken);
        let mut context = Context::from_waker(&waker);
        // A task that panics is dropped, as runtimes do.
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut context)));
        if matches!(polled, Ok(Poll::Pending)) {
            with(|state| state.tasks[index].0 = Some(task));
        }
    }
    panic!("somebody is woken for ever");
}

/// How many spawned tasks have not ended.
pub(crate) fn tasks() -> usize {
    with(|state| state.tasks.iter().filter(|(task, _)| task.is_some()).count())
}

/// Time passes, and everybody does what is then to be done.
pub(crate) fn pass(time: Duration) {
    pass_unnoticed(time);
    run_tasks();
}

/// Time passes, and those who slept are woken, and not run yet.
pub(crate) fn pass_unnoticed(time: Duration) {
    let sleepers = with(|state| {
        state.now += time;
        std::mem::take(&mut state.sleepers)
    });
    let (due, later): (Vec<_>, Vec<_>) =
        sleepers.into_iter().partition(|(at, _)| *at <= World::now());
    with(|state| state.sleepers.extend(later));
    due.into_iter().for_each(|(_, waker)| waker.wake());
}

/// The server's end of a connection, and what it says.
#[derive(Debug)]
pub(crate) struct Peer {
    pipe: Pipe,
    pub(crate) answers: Answers,
    /// The client has ended the connection.
    pub(crate) over: bool,
    /// It reads nothing, and says nothing.
    pub(crate) stalled: bool,
}

impl Peer {
    /// The client's end, and a server behind the other. The pipe holds so many bytes each way.
    pub(crate) fn pair(wire: Wire, capacity: usize) -> (Pipe, Self) {
        let (near, far) = Pipe::pair(capacity);
        (near, Self::on(far, wire))
    }

    /// The server's end of what the client has [dialled](Runtime::connect_tcp) last.
    pub(crate) fn dialled(wire: Wire) -> Option<Self> {
        let dialled = with(|state| state.dialled.pop_front());
        dialled.map(|pipe| Self::on(pipe, wire))
    }

    fn on(pipe: Pipe, wire: Wire) -> Self {
        pipe.set_nonblocking(true);
        Self { pipe, answers: Answers::new(wire), over: false, stalled: false }
    }

    /// Moves one byte, if there is one to move: hears what the client says, or else says something.
    pub(crate) fn step(&mut self) -> bool {
        if self.stalled {
            return false;
        }
        let mut byte = [0];
        match self.pipe.read(&mut byte) {
            Ok(1) => {
                self.answers.feed(&byte);
                return true;
            }
            Ok(_) => self.over = true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.over = true,
        }
        let Some(next) = self.answers.output().front().copied() else { return false };
        let said = matches!(self.pipe.write(&[next]), Ok(1));
        if said {
            self.answers.output().pop_front();
        }
        said
    }

    /// Lets everybody do what can be done, without whoever waits in a future of the check's own.
    pub(crate) fn settle(&mut self) {
        while run_tasks() || self.step() {}
    }
}

/// Drives a future to its end, polling it only when it was woken. `None`: nothing moves any more, and
/// nobody has woken it.
pub(crate) fn finish<F: Future>(peer: &mut Peer, future: F) -> Option<F::Output> {
    let (mut future, woken) = (pin!(future), Woken::new());
    let waker = Waker::from(Arc::clone(&woken));
    loop {
        let polled = woken.take();
        if polled
            && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            return Some(output);
        }
        let (ran, moved) = (run_tasks(), peer.step());
        if !ran && !moved && !polled {
            return None;
        }
    }
}

/// Polls a future so many times, with one byte moved between any two of them, and drops it; unless it
/// ends before.
pub(crate) fn cut<F: Future>(peer: &mut Peer, polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        // Woken or not: who is polled without need must not mind.
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
        run_tasks();
        peer.step();
    }
    None
}

impl Runtime for World {
    type Tcp = Pipe;
    type Unix = Pipe;
    type TcpListener = ();

    fn now() -> Instant {
        static BEGIN: OnceLock<Instant> = OnceLock::new();
        *BEGIN.get_or_init(Instant::now) + with(|state| state.now)
    }

    fn sleep_until(deadline: Instant) -> Task {
        Box::pin(poll_fn(move |context| {
            if Self::now() >= deadline {
                return Poll::Ready(());
            }
            with(|state| state.sleepers.push((deadline, context.waker().clone())));
            Poll::Pending
        }))
    }

    fn spawn(task: Task) {
        with(|state| state.tasks.push((Some(task), Woken::new())));
    }

    /// Takes a few polls, as real ones do.
    async fn connect_tcp(_: &str) -> io::Result<Pipe> {
        for _ in 0..3 {
            futures_lite::future::yield_now().await;
        }
        let (near, far) = Pipe::pair(1);
        with(|state| state.dialled.push_back(far));
        Ok(near)
    }

    async fn connect_unix(_: &Path) -> io::Result<Pipe> {
        Self::connect_tcp("").await
    }

    async fn listen_tcp(_: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn accept_tcp((): &()) -> io::Result<Pipe> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn local_addr((): &()) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Streams<Pipe> for World {
    type Stream = Pipe;

    fn stream(stream: Pipe) -> Pipe {
        stream
    }
}
