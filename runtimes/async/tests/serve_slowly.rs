//! The asynchronous server while answers take their time, on a runtime in which everything happens when
//! the test says so.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bellwire::Reply;
use bellwire::dialect::notif::Notif;
use bellwire_async::{Peer, Server, ServerHandle, Service};
use smol::channel::{Receiver, Sender, bounded};
use smol::future::poll_once;

mod world;

use world::{Client, Job, World, connect, fail_to_accept, pair, pass, polls, settle, start, tasks};

/// `slow?` is answered when the test lets it be.
struct Slow {
    asked: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    let_go: Receiver<()>,
}

/// Counts when it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service for Slow {
    type Session = u64;

    async fn open(&self, peer: &mut Peer) -> u64 {
        peer.notify("opened");
        0
    }

    async fn answer(&self, session: &mut u64, command: &[u8], peer: &mut Peer) -> Reply<Vec<u8>> {
        *session += 1;
        match command {
            b"slow?" => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let _dropped = Counted(Arc::clone(&self.dropped));
                let _ = self.let_go.recv().await;
                peer.notify("weather");
                Reply::done(b"at last".to_vec())
            }
            b"long?" => Reply::done(vec![b'x'; 1000]),
            b"panic?" => panic!("as the test wants"),
            b"panic later?" => {
                let _ = self.let_go.recv().await;
                panic!("as the test wants")
            }
            b"tell?" => {
                peer.notify_all("told");
                Reply::done(b"told".to_vec())
            }
            _ => Reply::done([command, &session.to_string().into_bytes()].concat()),
        }
    }
}

/// A server with that service, and what the test does to it.
struct Played {
    handle: ServerHandle<Notif>,
    run: Job<io::Result<()>>,
    asked: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    let_go: Sender<()>,
}

type SlowServer = Server<Notif, Slow, World>;

fn service() -> (Slow, Sender<()>) {
    let (let_go, gate) = bounded(16);
    (Slow { asked: Arc::default(), dropped: Arc::default(), let_go: gate }, let_go)
}

impl Played {
    fn new() -> Self {
        Self::configured(|_| {})
    }

    fn configured(configure: impl FnOnce(&mut SlowServer) + Send + 'static) -> Self {
        let (service, let_go) = service();
        let (asked, dropped) = (Arc::clone(&service.asked), Arc::clone(&service.dropped));
        let bound = start(SlowServer::bind("127.0.0.1:6789", Notif::default(), service));
        settle();
        let mut server = bound.output().unwrap().unwrap();
        configure(&mut server);
        let handle = server.handle();
        let played = Self { handle, run: start(server.run()), asked, dropped, let_go };
        settle();
        played
    }

    fn tells(&self, topic: &str) {
        self.handle.notify(topic).unwrap();
        settle();
    }

    fn lets_go(&self) {
        self.let_go.try_send(()).unwrap();
        settle();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    /// It has shut down, and all has ended.
    fn is_over(&self) -> bool {
        self.run.output().is_some_and(|result| result.is_ok()) && tasks() == 0
    }
}

/// A client in the mode, who has read what there was.
fn listener() -> Client {
    let client = connect();
    client.says("notif\n");
    client.says("opened?\n");
    assert_eq!(client.hears(), "OK\r\nnotif: opened\r\nopened?1\r\n");
    client
}

/// G24: outside the mode, nothing is told before the answer and the acknowledgement, in this order, for
/// all that was asked behind a slow answer.
#[test]
fn what_comes_behind_a_slow_answer_waits() {
    let server = Played::new();
    let client = connect();
    client.says("one?\nslow?\ntwo?\nnotif\n");
    assert_eq!(client.hears(), "one?1\r\n");
    assert_eq!(server.asked(), 1);
    server.tells("news");
    assert_eq!(client.hears(), "");
    server.lets_go();
    let rest = "notif: opened\r\nnotif: news\r\nnotif: weather\r\n";
    assert_eq!(client.hears(), format!("at last\r\ntwo?3\r\nOK\r\n{rest}"));
}

/// G24: in the mode, notifications go on while an answer is awaited; none comes behind the leave's
/// acknowledgement, which itself comes behind the answer.
#[test]
fn notifications_go_on_while_an_answer_is_awaited() {
    let server = Played::new();
    let client = listener();
    client.says("slow?\n");
    server.tells("news");
    assert_eq!(client.hears(), "notif: news\r\n");
    client.says("stop_notif\n");
    server.tells("more");
    assert_eq!(client.hears(), "notif: more\r\n");
    server.lets_go();
    assert_eq!(client.hears(), "at last\r\nOK\r\n");
    server.tells("last");
    assert_eq!(client.hears(), "");
}

/// One that is slow delays nobody else, and is told what others announce.
#[test]
fn a_slow_answer_delays_nobody() {
    let server = Played::new();
    let (slow, other) = (listener(), connect());
    slow.says("slow?\n");
    other.says("tell?\n");
    assert_eq!(other.hears(), "told\r\n");
    assert_eq!(slow.hears(), "notif: told\r\n");
    server.lets_go();
    assert_eq!(slow.hears(), "at last\r\nnotif: weather\r\n");
}

/// G8: a getter behind a slow command is heard when it is its turn: it reads what the slow one has just
/// announced, which is told no more.
#[test]
fn commands_are_heard_one_by_one() {
    let server = Played::new();
    let client = connect();
    client.says("opened?\nslow?\nweather?\nnotif\n");
    server.lets_go();
    assert_eq!(client.hears(), "opened?1\r\nat last\r\nweather?3\r\nOK\r\n");
}

/// G25: while an answer is awaited, so much is read and no more; all of it is answered.
#[test]
fn a_flood_behind_a_slow_answer() {
    let server = Played::new();
    let client = connect();
    client.says("slow?\n");
    client.says(&"a?\n".repeat(100_000));
    let unread = client.unread();
    assert!((200_000..300_000).contains(&unread), "{unread} bytes were left");
    server.lets_go();
    assert_eq!(client.unread(), 0);
    assert_eq!(client.hears().lines().count(), 100_001);
}

/// G25: a client who asks and does not read is no more read from, and ends when the patience with it
/// does, also while an answer is awaited.
#[test]
fn a_client_that_does_not_read() {
    let server = Played::new();
    let client = connect();
    client.takes(100);
    client.says(&"long?\n".repeat(10_000));
    assert!(client.unread() > 50_000, "{} bytes were left", client.unread());
    pass(Duration::from_secs(59));
    assert!(!client.is_closed());
    pass(Duration::from_secs(1));
    assert!(client.is_closed());

    let client = listener();
    client.takes(0);
    client.says("long?\nslow?\n");
    server.tells("news");
    pass(Duration::from_secs(60));
    assert!(client.is_closed());
    assert_eq!((server.asked(), server.dropped(), server.handle.connections()), (1, 1, 0));
}

/// G25: what reads again in time has everything.
#[test]
fn a_client_that_reads_again() {
    let server = Played::new();
    let client = listener();
    client.takes(10);
    client.says("long?\nlong?\nslow?\n");
    server.tells("news");
    pass(Duration::from_secs(59));
    client.takes(usize::MAX);
    let long = "x".repeat(1000);
    assert_eq!(client.hears(), format!("{long}\r\n{long}\r\nnotif: news\r\n"));
    pass(Duration::from_secs(59));
    server.lets_go();
    assert_eq!(client.hears(), "at last\r\nnotif: weather\r\n");
}

/// G23, G25: a stream that keeps bytes until they are flushed is flushed, has its time for it, also
/// behind the last answer, and no more than that.
#[test]
fn a_stream_that_must_be_flushed() {
    let server = Played::new();
    let client = connect();
    client.buffers(true);
    client.says("one?\n");
    assert_eq!(client.hears(), "one?1\r\n");
    client.buffers(false);
    client.says("two?\n");
    client.hangs_up();
    assert_eq!((client.hears().as_str(), client.is_closed()), ("", false));
    client.buffers(true);
    assert_eq!((client.hears().as_str(), client.is_closed()), ("two?2\r\n", true));

    let client = connect();
    client.buffers(false);
    client.says("one?\n");
    server.handle.shutdown();
    pass(Duration::from_secs(59));
    assert!(!client.is_closed());
    pass(Duration::from_secs(1));
    assert!(client.is_closed() && server.is_over());
}

/// G26: a client that says nothing in the mode is logged out, and its half-open connection ends; others
/// go on.
#[test]
fn autologout() {
    let server = Played::new();
    let (silent, other) = (listener(), listener());
    pass(Duration::from_secs(29 * 60));
    other.says("OK\n");
    pass(Duration::from_secs(60));
    assert!(silent.is_closed() && !other.is_closed());
    server.tells("news");
    assert_eq!(other.hears(), "notif: news\r\n");
}

/// A reset ends the connection while an answer is awaited, and drops the answer; a half-closed client
/// is still answered.
#[test]
fn a_connection_that_ends_while_an_answer_is_awaited() {
    let server = Played::new();
    let (gone, half) = (connect(), connect());
    gone.says("slow?\n");
    half.says("slow?\nhalf?\n");
    half.hangs_up();
    assert_eq!((server.asked(), server.dropped()), (2, 0));
    gone.resets();
    assert_eq!((server.dropped(), server.handle.connections()), (1, 1));
    assert!(gone.is_closed());
    server.lets_go();
    assert_eq!(half.hears(), "at last\r\nhalf?2\r\n");
    assert!(half.is_properly_closed());
}

/// A shutdown waits for the answer, and for what was asked behind it, and for nothing else.
#[test]
fn a_shutdown_while_an_answer_is_awaited() {
    let server = Played::new();
    let (busy, idle) = (connect(), listener());
    busy.says("slow?\ntwo?\n");
    server.handle.shutdown();
    settle();
    assert!(idle.is_closed() && !busy.is_closed() && !server.is_over());
    busy.says("three?\n");
    server.lets_go();
    assert_eq!(busy.hears(), "at last\r\ntwo?2\r\n");
    assert!(busy.is_closed() && server.is_over());
}

/// What came before a shutdown, or before a deadline, counts, although nobody has read it yet (G17).
#[test]
fn what_came_in_time() {
    let server = Played::new();
    let (in_time, silent) = (listener(), listener());
    in_time.slips("OK\n");
    pass(Duration::from_secs(30 * 60));
    assert!(!in_time.is_closed() && silent.is_closed());
    in_time.slips("one?\n");
    server.handle.shutdown();
    settle();
    assert_eq!(in_time.hears(), "one?2\r\n");
    assert!(in_time.is_closed() && server.is_over());
}

/// G26: a panic ends its own connection, at once or later; a shutdown does not wait for it.
#[test]
fn a_panic_ends_its_own_connection() {
    let server = Played::new();
    let (other, first, second) = (listener(), connect(), connect());
    first.says("panic?\n");
    second.says("panic later?\n");
    assert_eq!(server.handle.connections(), 2);
    server.lets_go();
    assert!(first.is_closed() && second.is_closed());
    assert_eq!(server.handle.connections(), 1);
    other.says("one?\n");
    assert_eq!(other.hears(), "one?2\r\n");
    server.handle.shutdown();
    settle();
    assert!(server.is_over());
}

/// Who drops `run` shuts down: nobody is accepted, and the connections end when what was asked is
/// answered.
#[test]
fn dropping_run_shuts_down() {
    let Played { handle, run, let_go, .. } = Played::new();
    let (busy, idle) = (connect(), listener());
    busy.says("slow?\ntwo?\n");
    run.cancel();
    settle();
    assert!(idle.is_closed() && !busy.is_closed() && handle.is_stopping());
    let late = connect();
    late.says("one?\n");
    assert_eq!((late.hears().as_str(), handle.connections()), ("", 1));
    let_go.try_send(()).unwrap();
    settle();
    assert_eq!(busy.hears(), "at last\r\ntwo?2\r\n");
    assert_eq!((busy.is_closed(), handle.connections(), tasks()), (true, 0, 0));
}

/// G26: a client with too many unread topics misses some; that keeps them from nobody else.
#[test]
fn too_many_topics() {
    let server = Played::configured(|server| server.config.limits.topics = 1);
    let (full, other) = (connect(), listener());
    server.tells("news");
    full.says("notif\n");
    assert_eq!(full.hears(), "OK\r\nnotif: opened\r\n");
    assert_eq!(other.hears(), "notif: news\r\n");
}

/// G26: too many are closed at once; there is room again when one has gone.
#[test]
fn too_many_connections() {
    let server = Played::configured(|server| server.connections = 2);
    let (first, second, third) = (connect(), connect(), connect());
    assert!(third.is_closed() && !first.is_closed() && !second.is_closed());
    first.resets();
    let fourth = connect();
    fourth.says("one?\n");
    assert_eq!(fourth.hears(), "one?1\r\n");
    assert_eq!(server.handle.connections(), 2);
}

/// G26: a shortage passes; what a client does before it is accepted is its own affair; what is for good
/// ends the server, and with it its connections.
#[test]
fn accepting_fails() {
    const EMFILE: i32 = 24;
    let server = Played::new();
    let client = listener();
    fail_to_accept(io::ErrorKind::ConnectionAborted.into());
    fail_to_accept(io::Error::from_raw_os_error(EMFILE));
    let late = connect();
    late.says("one?\n");
    assert_eq!(late.hears(), "");
    pass(Duration::from_millis(50));
    assert_eq!(late.hears(), "one?1\r\n");
    fail_to_accept(io::ErrorKind::InvalidInput.into());
    assert_eq!(server.run.output().unwrap().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(client.is_closed() && late.is_closed());
}

/// A shutdown is not kept waiting by a shortage.
#[test]
fn a_shutdown_during_a_shortage() {
    let server = Played::new();
    fail_to_accept(io::Error::from_raw_os_error(24));
    server.handle.shutdown();
    settle();
    assert!(server.is_over());
}

/// G23: any stream, without spawning; dropping what serves it ends it at once.
#[test]
fn a_stream_of_ones_own() {
    let (service, _let_go) = service();
    let dropped = Arc::clone(&service.dropped);
    let server = SlowServer::new(Notif::default(), service);
    assert!(server.local_addr().is_err());
    let handle = server.handle();
    let ((client, stream), (other, others)) = (pair(), pair());
    let (serving, serving_other) =
        (start(server.serve_stream(stream)), start(server.serve_stream(others)));
    let run = start(server.run());
    settle();
    client.says("one?\nslow?\n");
    assert_eq!((client.hears().as_str(), handle.connections()), ("one?1\r\n", 2));
    serving.cancel();
    assert_eq!((client.is_closed(), handle.connections()), (true, 1));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    other.says("notif\n");
    handle.shutdown();
    settle();
    assert_eq!(other.hears(), "OK\r\nnotif: opened\r\n");
    assert_eq!((serving_other.output(), run.output().is_some(), tasks()), (Some(()), true, 0));
}

/// What serves a stream may move from one task to another.
#[test]
fn another_task_goes_on() {
    let server = SlowServer::new(Notif::default(), service().0);
    let (client, stream) = pair();
    let mut serving = Box::pin(server.serve_stream(stream));
    let first = start(async move {
        assert!(poll_once(&mut serving).await.is_none());
        (serving,)
    });
    settle();
    let _second = start(first.output().unwrap().0);
    settle();
    client.says("one?\n");
    assert_eq!(client.hears(), "one?1\r\n");
    client.says("two?\n");
    assert_eq!(client.hears(), "two?2\r\n");
}

/// G26: a client that never stops is answered for a while; then others have their turn.
#[test]
fn a_client_that_never_stops() {
    let _server = Played::new();
    let (busy, other) = (connect(), connect());
    let before = polls();
    busy.says(&"a?\n".repeat(200_000));
    assert_eq!(busy.hears().lines().count(), 200_000);
    assert!(polls() - before > 3, "it had the thread for itself");
    other.says("one?\n");
    assert_eq!(other.hears(), "one?1\r\n");
}
