//! A runtime without a socket, a thread or a clock: all that happens, happens when a test says so.
//!
//! A task is polled only when it was woken, so whoever forgets to wake is found out; and whoever wakes
//! himself for ever is, too.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bellwire_async::Runtime;
use bellwire_async::runtime::Streams;
use futures_io::{AsyncRead, AsyncWrite};

/// The runtime; each test's thread has one of its own.
pub(crate) struct World;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
struct State {
    now: Duration,
    sleepers: Vec<(Instant, Waker)>,
    tasks: BTreeMap<usize, (Option<Task>, Arc<Woken>)>,
    spawned: usize,
    polls: usize,
    listener: Listener,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(act)
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A task that a test may drop.
pub(crate) struct Job<T> {
    number: usize,
    output: Arc<Mutex<Option<T>>>,
}

impl<T> Job<T> {
    /// What it has come to, once.
    pub(crate) fn output(&self) -> Option<T> {
        self.output.lock().unwrap().take()
    }

    /// Drops it where it is.
    pub(crate) fn cancel(self) {
        // Not while the state is borrowed.
        let task = with(|state| state.tasks.remove(&self.number));
        drop(task);
    }
}

/// Starts a task.
pub(crate) fn start<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Job<T> {
    let output = Arc::new(Mutex::new(None));
    let told = Arc::clone(&output);
    World::spawn(Box::pin(async move {
        let value = future.await;
        *told.lock().unwrap() = Some(value);
    }));
    Job { number: with(|state| state.spawned), output }
}

/// Lets everybody do what can be done now. A task that panics is dropped, as runtimes do.
pub(crate) fn settle() {
    for _ in 0..10_000 {
        let next = with(|state| {
            let woken = |(_, woken): &&mut (_, Arc<Woken>)| woken.0.swap(false, Ordering::SeqCst);
            let mut tasks = state.tasks.iter_mut();
            let (number, task) = tasks.find(|(_, task)| woken(task))?;
            state.polls += 1;
            Some((*number, task.0.take(), Arc::clone(&task.1)))
        });
        let Some((number, task, woken)) = next else { return };
        let Some(mut task) = task else { continue };
        let waker = Waker::from(woken);
        let mut context = Context::from_waker(&waker);
        let goes_on = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut context)));
        if matches!(goes_on, Ok(Poll::Pending)) {
            with(|state| state.tasks.get_mut(&number).map(|it| it.0 = Some(task)));
        } else {
            drop(task);
            with(|state| state.tasks.remove(&number));
        }
    }
    panic!("somebody is woken for ever");
}

/// Time passes.
pub(crate) fn pass(time: Duration) {
    let sleepers = with(|state| {
        state.now += time;
        std::mem::take(&mut state.sleepers)
    });
    let (due, later): (Vec<_>, Vec<_>) =
        sleepers.into_iter().partition(|(at, _)| *at <= World::now());
    with(|state| state.sleepers = later);
    due.into_iter().for_each(|(_, waker)| waker.wake());
    settle();
}

/// How many tasks have not ended.
pub(crate) fn tasks() -> usize {
    with(|state| state.tasks.len())
}

/// How often any task was polled.
pub(crate) fn polls() -> usize {
    with(|state| state.polls)
}

/// A client connects to whoever has listened last.
pub(crate) fn connect() -> Client {
    let (client, stream) = pair();
    with(|state| state.listener.clone()).offer(Ok(stream));
    settle();
    client
}

/// Accepting fails, once.
pub(crate) fn fail_to_accept(error: io::Error) {
    with(|state| state.listener.clone()).offer(Err(error));
    settle();
}

/// What a listener has to accept, and whom to wake.
#[derive(Clone, Default)]
pub(crate) struct Listener(Arc<Mutex<Queue>>);

type Queue = (VecDeque<io::Result<Stream>>, Option<Waker>);

impl Listener {
    fn offer(&self, accepted: io::Result<Stream>) {
        let mut queue = self.0.lock().unwrap();
        queue.0.push_back(accepted);
        let waker = queue.1.take();
        drop(queue);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Runtime for World {
    type Tcp = Stream;
    type Unix = Stream;
    type TcpListener = Listener;

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
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        with(|state| {
            state.spawned += 1;
            state.tasks.insert(state.spawned, (Some(task), woken));
        });
    }

    async fn connect_tcp(_: &str) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn connect_unix(_: &Path) -> io::Result<Stream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn listen_tcp(_: &str) -> io::Result<Listener> {
        let listener = Listener::default();
        with(|state| state.listener = listener.clone());
        Ok(listener)
    }

    async fn accept_tcp(listener: &Listener) -> io::Result<Stream> {
        poll_fn(|context| {
            let mut queue = listener.0.lock().unwrap();
            queue.1 = Some(context.waker().clone());
            queue.0.pop_front().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn local_addr(_: &Listener) -> io::Result<SocketAddr> {
        Ok(([127, 0, 0, 1], 6789).into())
    }
}

impl Streams<Stream> for World {
    type Stream = Stream;

    fn stream(stream: Stream) -> Stream {
        stream
    }
}

/// What is on the wire between a client and its server.
#[derive(Default)]
struct Wire {
    said: VecDeque<u8>,
    eof: bool,
    reset: bool,
    heard: Vec<u8>,
    /// So many bytes more does the wire take.
    room: usize,
    /// What was taken is only seen when it was flushed.
    buffered: Option<Vec<u8>>,
    flushes: bool,
    closed: bool,
    dropped: bool,
    wakers: Vec<Waker>,
}

/// The server's end of a connection.
pub(crate) struct Stream(Arc<Mutex<Wire>>);

/// The client's end.
pub(crate) struct Client(Arc<Mutex<Wire>>);

/// Both ends of a connection.
pub(crate) fn pair() -> (Client, Stream) {
    let wire = Wire { room: usize::MAX, flushes: true, ..Wire::default() };
    let wire = Arc::new(Mutex::new(wire));
    (Client(Arc::clone(&wire)), Stream(wire))
}

impl Client {
    /// Says something, and lets everybody react.
    pub(crate) fn says(&self, text: &str) {
        self.acts(|wire| wire.said.extend(text.as_bytes()));
    }

    /// Says something of which nobody is told yet.
    pub(crate) fn slips(&self, text: &str) {
        self.lock().said.extend(text.as_bytes());
    }

    /// What it has heard since the last time.
    pub(crate) fn hears(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.lock().heard)).unwrap()
    }

    /// Closes its half.
    pub(crate) fn hangs_up(&self) {
        self.acts(|wire| wire.eof = true);
    }

    /// Is gone.
    pub(crate) fn resets(&self) {
        self.acts(|wire| wire.reset = true);
    }

    /// Takes so many bytes more, until it is said otherwise.
    pub(crate) fn takes(&self, bytes: usize) {
        self.acts(|wire| wire.room = bytes);
    }

    /// Between the two there is something that keeps what was not flushed; whether it flushes.
    pub(crate) fn buffers(&self, flushes: bool) {
        self.acts(|wire| {
            wire.buffered.get_or_insert_default();
            wire.flushes = flushes;
        });
    }

    /// Whether the server has closed, properly or not.
    pub(crate) fn is_closed(&self) -> bool {
        let wire = self.lock();
        wire.dropped || wire.closed
    }

    /// Whether the server has closed before it was gone.
    pub(crate) fn is_properly_closed(&self) -> bool {
        self.lock().closed
    }

    /// What the server has not read.
    pub(crate) fn unread(&self) -> usize {
        self.lock().said.len()
    }

    fn acts(&self, act: impl FnOnce(&mut Wire)) {
        let mut wire = self.lock();
        act(&mut wire);
        let wakers = std::mem::take(&mut wire.wakers);
        drop(wire);
        wakers.into_iter().for_each(Waker::wake);
        settle();
    }

    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }
}

impl Wire {
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        self.wakers.push(context.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.0.lock().unwrap();
        if wire.said.is_empty() && !wire.eof || wire.reset {
            return wire.wait(context);
        }
        Poll::Ready(io::Read::read(&mut wire.said, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.0.lock().unwrap();
        let count = bytes.len().min(wire.room);
        if count == 0 || wire.reset {
            return wire.wait(context);
        }
        wire.room -= count;
        match &mut wire.buffered {
            Some(buffered) => buffered.extend(&bytes[..count]),
            None => wire.heard.extend(&bytes[..count]),
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = self.0.lock().unwrap();
        if !wire.flushes {
            return wire.wait(context);
        }
        let flushed = wire.buffered.as_mut().map(std::mem::take);
        wire.heard.extend(flushed.unwrap_or_default());
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().unwrap().closed = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.lock().unwrap().dropped = true;
    }
}
