//! What a client tells a server in secret is in no log of the server's, however much is logged, whatever is wrong
//! with it, and in however many pieces it comes. All logs of this process are looked at, so this is a test of its
//! own.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex};
use std::thread;

use bellwire::Reply;
use bellwire::dialect::mpd::Mpd;
use bellwire_any::{Peer, Runtime, Server, Service};
use bellwire_conformance::run;

/// None of its letters is in any other word of a log's, so that none must be there.
const SECRET: &str = "QZXJY";

static LOG: Log = Log { text: Mutex::new(String::new()), more: Condvar::new() };

struct Log {
    text: Mutex<String>,
    more: Condvar,
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("bellwire") {
            writeln!(self.text.lock().unwrap(), "{}", record.args()).unwrap();
            self.more.notify_all();
        }
    }

    fn flush(&self) {}
}

impl Log {
    /// Waits until so much was read, in all, or a connection has ended.
    fn has_read(&self, bytes: usize) {
        let read = |line: &str| {
            let count = line.split_once(" read ")?.1.strip_suffix(" bytes")?;
            count.parse::<usize>().ok()
        };
        let waits = |text: &mut String| {
            text.lines().filter_map(read).sum::<usize>() < bytes && !text.contains(" ended: ")
        };
        drop(self.more.wait_while(self.text.lock().unwrap(), waits).unwrap());
    }

    fn take(&self) -> String {
        let ended = |text: &mut String| !text.contains(" ended: ");
        let mut text = self.more.wait_while(self.text.lock().unwrap(), ended).unwrap();
        std::mem::take(&mut text)
    }
}

/// It is told the secret, and answers all else.
struct Door;

impl Service for Door {
    type Session = ();

    fn open(&self, _: &mut Peer) {}

    fn answer(&self, (): &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        match command.strip_prefix(b"password ") {
            Some(said) if said.windows(SECRET.len()).any(|it| it == SECRET.as_bytes()) => {
                Reply::done(b"heard: it".to_vec())
            }
            Some(_) => Reply::refused(b"it is not whole".to_vec()),
            None => Reply::done(Vec::new()),
        }
    }
}

/// What a client says before it closes its half, what it is told, and what is in the log.
const SESSIONS: [[&str; 3]; 10] = [
    ["ping\npassword QZXJY\n", "OK\nheard: it\nOK\n", "C: password ***"],
    ["password \"QZXJY\"\r\n", "heard: it\nOK\n", "command 1 password ***"],
    [
        "command_list_begin\npassword QZXJY\nping\ncommand_list_end\n",
        "heard: it\nOK\n",
        "command 1 password ***",
    ],
    ["password QZXJY\" x\n", "ACK [5@0] {}", "rejected: "],
    ["password QZXJY", "", "in the middle of a frame, after 14 bytes of it"],
    ["PASSWORD QZXJY\n", "", "lower-case letter: \"PASSWORD ***\""],
    [" password QZXJY\n", "", "lower-case letter: \" password ***\""],
    ["idle\npassword QZXJY\n", "", "only noidle may be said: \"password ***\""],
    [
        "password QZXJYQZXJYQZXJYQZXJYQZXJYQZXJYQZXJYQZXJY\n",
        "",
        "the line is too long: \"password ***\"",
    ],
    [
        "command_list_begin\nping\nping\nping\nping\npassword QZXJY\n",
        "",
        "bytes in a command list allows: \"password ***\"",
    ],
];

#[test]
fn g13_what_clients_say_in_secret_is_in_no_log() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    for runtime in Runtime::ALL {
        run(runtime, |runtime| {
            let mut server = Server::bind(runtime, "127.0.0.1:0", Mpd::default(), Door).unwrap();
            server.config().limits.frame = 40;
            server.config().limits.list = 30;
            let (address, handle) = (server.local_addr().unwrap(), server.handle());
            let running = thread::spawn(move || server.run());
            for session in SESSIONS {
                for piece in [1, 2, 7, usize::MAX] {
                    visit(runtime, address, session, piece);
                }
            }
            handle.shutdown();
            running.join().unwrap().unwrap();
        });
    }
}

fn visit(runtime: Runtime, address: SocketAddr, [said, told, logged]: [&str; 3], piece: usize) {
    let when = format!("{runtime}, {said:?} in pieces of {piece}");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut read = 0;
    for piece in said.as_bytes().chunks(piece) {
        // The server may have had enough before.
        if stream.write_all(piece).is_err() {
            break;
        }
        read += piece.len();
        LOG.has_read(read);
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    let heard = String::from_utf8(heard).unwrap();
    let log = LOG.take();
    assert!(heard.contains(told), "{when}: {heard}");
    assert!(log.contains(logged), "{when}: {logged} was not even logged: {log}");
    let hides = |line: &&str| line.contains(|letter| SECRET.contains(letter));
    assert_eq!(log.lines().find(hides), None, "{when}");
}
