//! The peer over streams: of threads, in real time; of tasks, in time that only passes when all wait.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use bellwire_testkit::{BlockingStream, Closing, PATIENCE, Peer, Pipe, accept, in_time};
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::future::{or, zip};

const SESSION: &str = "
    S: hello
    C: random?
    S: 4569\\
    .. 5ms
    S: 02234
    C: classified?
    S: a flat
";

fn server(text: &str) -> Peer {
    Peer::server(text).unwrap()
}

fn client(text: &str) -> Peer {
    Peer::client(text).unwrap()
}

/// Both ends of a session, each on a thread.
fn both_play(
    text: &'static str,
    near: impl BlockingStream + Send + 'static,
    far: impl BlockingStream + Send + 'static,
) {
    let played = thread::spawn(move || server(text).play(far));
    assert_eq!(client(text).play(near), Ok(()));
    assert_eq!(played.join().unwrap(), Ok(()));
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, accept(&listener, PATIENCE).unwrap())
}

/// A stream of somebody's own, which can do nothing else than read and write.
struct Own(Pipe);

impl Read for Own {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut self.0, buffer)
    }
}

impl Write for Own {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut self.0, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlockingStream for Own {}

#[test]
fn over_any_stream_that_blocks() {
    in_time(PATIENCE, || {
        let (near, far) = tcp();
        both_play(SESSION, near, far);
        let (near, far) = UnixStream::pair().unwrap();
        both_play(SESSION, near, far);
        let (near, far) = Pipe::pair(1);
        both_play(SESSION, near, far);
        let (near, far) = Pipe::pair(64);
        both_play(SESSION, Own(near), Own(far));
    });
}

/// A stream that keeps what it is given until it is flushed, as TLS does.
struct Buffered {
    pipe: Pipe,
    kept: Vec<u8>,
    fails: bool,
}

impl Buffered {
    fn new(pipe: Pipe) -> Self {
        Self { pipe, kept: Vec::new(), fails: false }
    }
}

impl Read for Buffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut self.pipe, buffer)
    }
}

impl Write for Buffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut self.kept, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.fails {
            return Err(io::Error::other("out of keys"));
        }
        Write::write_all(&mut self.pipe, &std::mem::take(&mut self.kept))
    }
}

impl BlockingStream for Buffered {}

impl AsyncRead for Buffered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

/// Its pipe holds enough.
impl AsyncWrite for Buffered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Write::write(&mut *self, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Write::flush(&mut *self))
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Write::flush(&mut *self)?;
        Pin::new(&mut self.pipe).poll_close(context)
    }
}

#[test]
fn what_is_said_is_flushed() {
    in_time(PATIENCE, || {
        let (near, far) = Pipe::pair(64);
        both_play(SESSION, Buffered::new(near), Buffered::new(far));
        let (time, (near, far)) = (Time::default(), Pipe::pair(64));
        let (near, far) = (Buffered::new(near), Buffered::new(far));
        assert_eq!(time.run(both_async(&time, SESSION, near, far)), [Ok(()), Ok(())]);
    });
}

#[test]
fn a_flush_that_fails_is_told() {
    in_time(PATIENCE, || {
        let broken = || {
            let (near, far) = Pipe::pair(64);
            (near, Buffered { pipe: far, kept: Vec::new(), fails: true })
        };
        let why = r#"line 2: heard out of keys, not "random?\r\n""#;
        let (_near, far) = broken();
        assert_eq!(server("S: hello\nC: random?").play(far).unwrap_err().to_string(), why);
        let (time, (_near, mut far)) = (Time::default(), broken());
        let mut server = server("S: hello\nC: random?");
        let played = server.play_async(&mut far, || time.now(), |left| time.sleep(left));
        assert_eq!(time.run(played).unwrap_err().to_string(), why);
    });
}

#[test]
fn ends_are_played() {
    in_time(PATIENCE, || {
        let ended = "C: random?\nS: 1\nS: <EOF>\nC: <EOF>";
        let (near, far) = tcp();
        both_play(ended, near, far);
        let (near, far) = UnixStream::pair().unwrap();
        both_play(ended, near, far);
        let (near, far) = Pipe::pair(64);
        both_play(ended, near, far);
        // Where the stream can do no such thing, that is said.
        for text in ["S: <EOF>\nC: <EOF>", "S: <RESET>"] {
            let (_near, far) = Pipe::pair(64);
            let why = server(text).play(Own(far)).unwrap_err();
            assert_eq!(why.to_string(), "line 1: cannot end the connection: unsupported");
        }
    });
}

#[test]
fn resets_are_played() {
    in_time(PATIENCE, || {
        let reset = "C: random?\nS: <RESET>";
        let (mut near, far) = tcp();
        near.write_all(b"random?\r\n").unwrap();
        assert_eq!(server(reset).play(far), Ok(()));
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        let (mut near, far) = Pipe::pair(64);
        Write::write_all(&mut near, b"random?\r\n").unwrap();
        assert_eq!(server(reset).play(far), Ok(()));
        let read = Read::read(&mut near, &mut [0]);
        assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
        // And heard.
        let (near, far) = Pipe::pair(64);
        near.reset();
        assert_eq!(server("C: <RESET>").play(far), Ok(()));
    });
}

#[test]
fn a_wait_takes_real_time() {
    in_time(PATIENCE, || {
        let (near, far) = Pipe::pair(64);
        let start = Instant::now();
        both_play("C: random?\n.. 30ms\nS: 1", near, far);
        assert!(start.elapsed() >= Duration::from_millis(30));
    });
}

#[test]
fn who_says_nothing_is_not_waited_for() {
    in_time(PATIENCE, || {
        for text in ["C: random?", "C: <EOF>"] {
            let (_near, far) = tcp();
            let played = server(text).with_patience(Duration::from_millis(20)).play(far);
            let why = played.unwrap_err().to_string();
            assert!(why.starts_with("line 1: heard nothing for 20ms, not "), "{why}");
        }
        let (_near, far) = Pipe::pair(1);
        let played = server("S: random?").with_patience(Duration::from_millis(20)).play(far);
        let why = r#"line 1: cannot say "andom?\r\n": nothing for 20ms"#;
        assert_eq!(played.unwrap_err().to_string(), why);
    });
}

/// Time that passes when nothing else can happen.
#[derive(Default)]
struct Time {
    now: Cell<Duration>,
    sleepers: RefCell<Vec<Duration>>,
}

impl Time {
    fn now(&self) -> Duration {
        self.now.get()
    }

    async fn sleep(&self, time: Duration) {
        let until = self.now() + time;
        poll_fn(|_| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            self.sleepers.borrow_mut().push(until);
            Poll::Pending
        })
        .await;
    }

    /// Runs a task to its end.
    fn run<T>(&self, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            while woken.0.swap(false, Ordering::SeqCst) {
                self.sleepers.borrow_mut().clear();
                if let Poll::Ready(done) = task.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return done;
                }
            }
            let next = self.sleepers.borrow().iter().min().copied();
            self.now.set(next.expect("all wait for each other"));
            woken.0.store(true, Ordering::SeqCst);
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// Both ends, each a task; how each came out.
async fn both_async(
    time: &Time,
    text: &str,
    near: impl AsyncRead + AsyncWrite + Unpin,
    far: impl AsyncRead + AsyncWrite + Unpin,
) -> [Result<(), bellwire_testkit::Mismatch>; 2] {
    let (client, server) = zip(
        async {
            let (mut client, mut near) = (client(text), near);
            client.play_async(&mut near, || time.now(), |left| time.sleep(left)).await
        },
        async {
            let (mut server, mut far) = (server(text), far);
            server.play_async(&mut far, || time.now(), |left| time.sleep(left)).await
        },
    )
    .await;
    [client, server]
}

#[test]
fn hours_pass_in_no_time() {
    let time = Time::default();
    let text = "
        C: IDLE
        S: + idling
        .. 29min
        C: DONE
        .. 31min
        S: OK
        S: <EOF>
        C: <EOF>
    ";
    let (near, far) = Pipe::pair(4);
    assert_eq!(time.run(both_async(&time, text, near, far)), [Ok(()), Ok(())]);
    assert_eq!(time.now(), HOUR);
}

#[test]
fn who_is_too_early_by_a_moment_is_too_early() {
    let text = "S: + idling\n.. 29min\nC: DONE\nC: <EOF>";
    for (early, expected) in [
        (Duration::ZERO, Ok(())),
        (Duration::from_nanos(1), Err(r#"line 2: heard "DONE\r\n" 1ns too early"#.to_owned())),
    ] {
        let time = Time::default();
        let (near, mut far) = Pipe::pair(64);
        let mut server = server(text);
        let played = server.play_async(&mut far, || time.now(), |left| time.sleep(left));
        let client = async {
            time.sleep(Duration::from_secs(29 * 60) - early).await;
            Write::write_all(&mut &near, b"DONE\r\n").unwrap();
            near.half_close();
        };
        // Whoever is polled first.
        let (played, ()) = time.run(zip(played, client));
        assert_eq!(played.map_err(|why| why.to_string()), expected);
    }
}

/// Patience passes as other time does, and each sign of life renews it.
#[test]
fn patience_in_no_time() {
    let time = Time::default();
    let (near, mut far) = Pipe::pair(64);
    let mut server = server("C: random?").with_patience(HOUR);
    let played = server.play_async(&mut far, || time.now(), |left| time.sleep(left));
    let client = async {
        for byte in b"ran" {
            time.sleep(HOUR * 9 / 10).await;
            Write::write_all(&mut &near, &[*byte]).unwrap();
        }
        std::future::pending::<()>().await;
    };
    let never = async {
        client.await;
        unreachable!()
    };
    let why = time.run(or(played, never)).unwrap_err();
    assert_eq!(why.to_string(), r#"line 1: heard "ran" and nothing for 3600s, not "random?\r\n""#);
    assert_eq!(time.now(), HOUR * 27 / 10 + HOUR);
}

/// G19: the future may be dropped at any time; no byte is lost, and no time.
#[test]
fn a_drive_that_is_dropped_goes_on_in_the_next() {
    let time = Time::default();
    let text = "C: random?\n.. 1h\nS: 456902234\nC: <EOF>";
    let (near, mut far) = Pipe::pair(1);
    let mut server = server(text);
    let played = async {
        loop {
            let gives_up = async {
                time.sleep(Duration::from_secs(7)).await;
                None
            };
            let plays = async {
                let now = || time.now();
                Some(server.play_async(&mut far, now, |left| time.sleep(left)).await)
            };
            if let Some(played) = or(plays, gives_up).await {
                return played;
            }
        }
    };
    let mut client = client("C: random?\nS: 456902234");
    let asked = async {
        let mut near = near;
        client.play_async(&mut near, || time.now(), |left| time.sleep(left)).await
    };
    assert_eq!(time.run(zip(played, asked)), (Ok(()), Ok(())));
    assert_eq!(time.now(), HOUR);
}

/// G20: both ends say much before they hear anything, through a pipe that holds little.
#[test]
fn who_says_much_still_hears() {
    let time = Time::default();
    let much = "x".repeat(100_000);
    let (near, mut far) = Pipe::pair(16);
    let mut server = server(&format!("S: {much}\nC: {much}\nC: <EOF>"));
    let mut client = client(&format!("C: {much}\nS: {much}"));
    let played = server.play_async(&mut far, || time.now(), |left| time.sleep(left));
    let asked = async {
        let mut near = near;
        client.play_async(&mut near, || time.now(), |left| time.sleep(left)).await
    };
    assert_eq!(time.run(zip(played, asked)), (Ok(()), Ok(())));
}

/// A client has played its part when it has said its last, but not before.
#[test]
fn the_last_end_is_played() {
    let time = Time::default();
    let (mut near, mut far) = Pipe::pair(16);
    let mut client = client("C: 1\nC: <EOF>");
    let played = client.play_async(&mut near, || time.now(), |left| time.sleep(left));
    assert_eq!(time.run(played), Ok(()));
    far.set_timeout(Some(PATIENCE));
    let mut said = String::new();
    Read::read_to_string(&mut far, &mut said).unwrap();
    assert_eq!(said, "1\r\n");
}

#[test]
fn a_reset_is_left_to_the_caller() {
    let time = Time::default();
    let (_near, mut far) = Pipe::pair(16);
    let mut server = server("S: 1\nS: <RESET>");
    let played = server.play_async(&mut far, || time.now(), |left| time.sleep(left));
    assert_eq!(time.run(played), Ok(()));
    assert_eq!(server.closing(), Some(Closing::Reset));
}
