//! The examples, run: against servers on loopback that are the core's own machines, and on a socket that
//! takes and gives a byte at a time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bellwire::dialect::ServerDialect;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::{Notif, Random};
use bellwire::{Reply, Server, ServerConfig, ServerEvent};

#[allow(dead_code, reason = "its main is the example's")]
#[path = "../examples/event_loop.rs"]
mod event_loop;
#[path = "../examples/uart/main.rs"]
mod uart;

use event_loop::Link;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// More turns of a loop than anything here takes.
const TURNS: usize = 1000;

/// It checks itself what it shows.
#[test]
fn uart() {
    uart::main();
}

/// Notifications of both are told, and what is asked because of them is answered.
#[test]
fn event_loop() {
    let board = Peer::start(Notif::default(), |_| Reply::done(b"456902234".to_vec()));
    let player = Peer::start(Mpd::default(), |_| Reply::done(b"file: a.flac\nTitle: A".to_vec()));
    let mut watch = Watch::start(&board.address, &player.address);
    watch.tells("board: listening");
    watch.tells("player: greeting OK MPD 0.23.5");

    board.announce("classified");
    watch.tells("board: notification classified");
    board.announce("random");
    watch.tells("board: notification random");
    watch.tells("board: reply 1 456902234");
    watch.tells("player: part 1 Title: A");
    player.announce("player");
    watch.tells("player: notification player");
    watch.tells("player: part 2 Title: A");
    player.announce("mixer");
    watch.tells("player: notification mixer");

    board.hang_up();
    assert_eq!(watch.end(), "board: the connection was closed");
}

/// Who is not there, who hangs up at once, and who speaks something else is named.
#[test]
fn event_loop_says_what_went_wrong() {
    let board = || Peer::start(Notif::default(), |_| Reply::done(Vec::new()));
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let end = Watch::start(&board().address, &nobody.to_string()).end();
    assert!(end.starts_with(&format!("{nobody}: ")), "{end}");

    // More than is read at once, of which the system tells once.
    let long = format!("OK MPD 0.23.5\n{}", "changed: mixer\n".repeat(10_000));
    for (said, why) in [
        (&*long, "player: the connection was closed"),
        ("", "player: the connection was closed"),
        (
            "OK MP",
            "player: the connection was closed in the middle of a frame, after 5 bytes of it",
        ),
        ("HTTP/1.1 400 Bad Request\n", "player: protocol error: "),
    ] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let player = listener.local_addr().unwrap().to_string();
        let said = said.to_owned();
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(said.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            // What is not read when a connection ends makes the end a reset.
            io::copy(&mut stream, &mut io::sink())
        });
        let end = Watch::start(&board().address, &player).end();
        assert!(end.starts_with(why), "{end}");
    }
}

/// A connection that breaks is told from one that is closed.
#[test]
fn event_loop_sees_a_reset() {
    let board = Peer::start(Notif::default(), |_| Reply::done(Vec::new()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let player = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"OK MPD 0.23.5\n").unwrap();
        // It goes without having read what the client says.
        stream.peek(&mut [0]).unwrap();
    });
    let end = Watch::start(&board.address, &player).end();
    assert_eq!(end, "player: the connection was reset");
}

/// A socket that takes and gives one byte at a time, with a pause behind each. What was announced while
/// its answer was still to come is not asked for again.
#[test]
fn event_loop_on_a_slow_socket() {
    let mut slow = Slow::new(&[
        ("notif\r\n", "OK\r\nnotif: random\r\nnotif: random\r\n"),
        ("stop_notif\r\n", "OK\r\n"),
        ("random?\r\n", "42\r\n"),
        ("notif\r\n", "OK\r\n"),
    ]);
    let mut link = Link::new("board", Notif::default(), &mut slow);
    let mut out = Vec::new();
    for _ in 0..TURNS {
        for topic in link.hear(Duration::ZERO, &mut out).unwrap() {
            assert_eq!(topic, "random");
            link.ask(Random).unwrap();
        }
        link.say();
    }
    drop(link);
    assert_eq!(String::from_utf8_lossy(&slow.heard), "notif\r\nstop_notif\r\nrandom?\r\nnotif\r\n");
    let told = String::from_utf8(out).unwrap();
    let told: Vec<_> = told.lines().map(|line| line.strip_prefix("board: ").unwrap()).collect();
    let asked = ["not listening", "reply 1 42", "listening"];
    let announced = ["listening", "notification random", "notification random"];
    assert_eq!(told, [announced, asked].concat());
}

/// A server that says nothing more is asked whether it lives, and given up, at the times that the
/// machine asks for.
#[test]
fn event_loop_keeps_deadlines() {
    let mut slow = Slow::new(&[("", "OK MPD 0.23.5\n")]);
    let mut link = Link::new("player", Mpd::default(), &mut slow);
    let (mut now, mut out) = (Duration::ZERO, Vec::new());
    for _ in 0..TURNS {
        link.hear(now, &mut out).unwrap();
    }
    let end = (0..TURNS).find_map(|_| {
        let heard = link.hear(now, &mut out);
        link.say();
        now = now.max(link.deadline().unwrap_or_default());
        heard.err().map(|error| error.to_string())
    });
    let end = end.expect("it loses its patience");
    assert_eq!(end, "player: timed out: the peer was silent and did not answer a probe");
    assert_eq!(now, Duration::from_secs(60), "30 s of silence, and as many without an answer");
    drop(link);
    assert_eq!(String::from_utf8_lossy(&slow.heard), "idle\nnoidle\n");
}

/// A server with one client.
struct Peer<D: ServerDialect> {
    address: String,
    served: Arc<Mutex<Served<D>>>,
}

struct Served<D: ServerDialect> {
    machine: Server<D>,
    stream: Option<TcpStream>,
}

impl<D: ServerDialect<Note: Send> + Send + 'static> Peer<D> {
    fn start(dialect: D, answer: impl Fn(&[u8]) -> Reply<Vec<u8>> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let machine = Server::new(dialect, ServerConfig::default());
        let served = Arc::new(Mutex::new(Served { machine, stream: None }));
        let serving = Arc::clone(&served);
        thread::spawn(move || {
            let mut input = listener.accept().unwrap().0;
            serving.lock().unwrap().stream = Some(input.try_clone().unwrap());
            serving.lock().unwrap().write();
            let mut buffer = [0; 1024];
            while let Ok(count @ 1..) = input.read(&mut buffer) {
                serving.lock().unwrap().hear(&buffer[..count], &answer);
            }
        });
        Self { address, served }
    }

    fn announce(&self, topic: &str) {
        let mut served = self.served.lock().unwrap();
        served.machine.notify(topic).unwrap();
        served.write();
    }

    fn hang_up(&self) {
        let served = self.served.lock().unwrap();
        served.stream.as_ref().unwrap().shutdown(Shutdown::Both).unwrap();
    }
}

impl<D: ServerDialect> Served<D> {
    fn hear(&mut self, bytes: &[u8], answer: impl Fn(&[u8]) -> Reply<Vec<u8>>) {
        let mut events = self.machine.feed(bytes);
        while let Some(event) = events.next().unwrap() {
            if let ServerEvent::Command { ticket, text, .. } = event {
                let reply = answer(text);
                events.reply(ticket, reply).unwrap();
            }
        }
        self.write();
    }

    fn write(&mut self) {
        let due = self.machine.output().to_vec();
        // The client may be gone.
        if self.stream.as_ref().unwrap().write_all(&due).is_ok() {
            self.machine.written(due.len());
        }
    }
}

/// A socket that blocks behind each byte.
struct Slow {
    /// Each byte that it says, and how much it has to have heard before.
    says: VecDeque<(usize, u8)>,
    heard: Vec<u8>,
    has_read: bool,
    has_written: bool,
}

impl Slow {
    /// Says the second of each pair when it has heard the first.
    fn new(session: &[(&str, &str)]) -> Self {
        let mut says = VecDeque::new();
        let mut heard = 0;
        for (hears, answer) in session {
            heard += hears.len();
            says.extend(answer.bytes().map(|byte| (heard, byte)));
        }
        Self { says, heard: Vec::new(), has_read: false, has_written: false }
    }
}

impl Read for &mut Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.has_read = !self.has_read;
        let heard = self.heard.len();
        match self.says.front() {
            Some((after, byte)) if self.has_read && *after <= heard => {
                buffer[0] = *byte;
                self.says.pop_front();
                Ok(1)
            }
            _ => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for &mut Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.has_written = !self.has_written;
        if !self.has_written {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.heard.push(bytes[0]);
        Ok(1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The example's loop, in a thread of its own.
struct Watch {
    told: Receiver<String>,
    end: Receiver<String>,
    seen: Vec<String>,
}

impl Watch {
    fn start(board: &str, player: &str) -> Self {
        let (board, player) = (board.to_owned(), player.to_owned());
        let (lines, told) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let mut out = Lines { lines, begun: Vec::new() };
            let Err(error) = event_loop::watch(&board, &player, &mut out);
            let _ = ended.send(error.to_string());
        });
        Self { told, end, seen: Vec::new() }
    }

    /// Waits for this line, unless it was told already; for each line once. Which of two connections
    /// tells first, nobody knows.
    #[track_caller]
    fn tells(&mut self, expected: &str) {
        loop {
            if let Some(at) = self.seen.iter().position(|line| line == expected) {
                self.seen.remove(at);
                return;
            }
            match self.told.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("{expected:?} is not told, but {:#?}", self.seen),
            }
        }
    }

    #[track_caller]
    fn end(self) -> String {
        self.end.recv_timeout(PATIENCE).expect("it ends")
    }
}

/// Sends each line that is written.
struct Lines {
    lines: Sender<String>,
    begun: Vec<u8>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            let _ = self.lines.send(String::from_utf8_lossy(&line[..end]).into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
