//! The server of the adapter, against raw sockets: what one client does, no other must feel.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::io::{BufRead, BufReader, Read, Write};
use std::iter;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bellwire::Reply;
use bellwire::dialect::notif::Get;
use bellwire_blocking::{Peer, Service};
use rustix::net::sockopt;

mod common;

use common::{Echo, PATIENCE, Running, connector, in_time, next};

/// A server of numbers, with something new for each client.
struct Board;

impl Service for Board {
    type Session = ();

    fn open(&self, peer: &mut Peer) {
        peer.notify("classified");
    }

    fn answer(&self, (): &mut (), command: &[u8], peer: &mut Peer) -> Reply<Vec<u8>> {
        match command {
            b"random?" => Reply::done(b"456902234".to_vec()),
            b"panic" => panic!("as the test wants"),
            b"number?" => Reply::done(peer.connection().to_string().into_bytes()),
            _ => Reply::refused(b"unknown command".to_vec()),
        }
    }
}

/// G26: a service that panics ends that connection, and no other.
#[test]
fn a_panic_ends_its_own_connection() {
    let server = Running::serves(Board);
    let (other, _notifications) = connector("").tcp(server.address).unwrap();
    assert_eq!(other.request("random?").unwrap(), "456902234");
    server.hears("C: panic\nS: <EOF>");
    assert_eq!(other.request("random?").unwrap(), "456902234");
    server.hears("C: random?\nS: 456902234");
    server.handle.notify("news").unwrap();
    other.close();
    server.stop();
}

/// Many clients at a time, each with a connection of its own.
#[test]
fn many_clients() {
    in_time(|| {
        let server = Running::serves(Board);
        let together = Arc::new(Barrier::new(64));
        let clients = (0..64).map(|_| {
            let (address, together) = (server.address, Arc::clone(&together));
            thread::spawn(move || {
                let (client, mut notifications) = connector("").tcp(address).unwrap();
                let number = client.request(Get("number")).unwrap();
                together.wait();
                assert_eq!(next(&mut notifications), "classified");
                assert_eq!(client.request(Get("number")).unwrap(), number);
                number
            })
        });
        let clients: Vec<_> = clients.collect();
        let mut numbers: Vec<_> =
            clients.into_iter().map(|client| client.join().unwrap()).collect();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 64, "connections were mixed up");
        server.stop();
    });
}

/// G25, G26: a client that asks and never reads costs a bounded amount, and delays nobody: who waited for it
/// would wait for ever.
#[test]
fn a_client_that_never_reads() {
    in_time(|| {
        let server = Running::configured(Echo, |server| server.config.timers.write = None);
        let mut stuck = never_reads(&server, Duration::from_millis(300));
        let taken = iter::from_fn(|| stuck.write_all(&LONG).ok()).take(4096).count();
        assert!(taken < 1024, "{taken} times 32 KiB were taken from one that never reads");

        let (client, mut notifications) = connector("").tcp(server.address).unwrap();
        assert_eq!(client.request(Get("weather")).unwrap(), "weather");
        for _ in 0..10 {
            server.handle.notify("news").unwrap();
            assert_eq!(next(&mut notifications), "news");
            assert_eq!(client.request(Get("news")).unwrap(), "news");
        }
        client.close();
        drop(stuck);
        server.stop();
    });
}

/// G16, G25: it ends when the patience with its transport does.
#[test]
fn a_client_that_never_reads_is_closed() {
    in_time(|| {
        let server = Running::configured(Echo, |server| {
            server.config.timers.write = Some(Duration::from_millis(300));
        });
        let mut stuck = never_reads(&server, PATIENCE);
        let error = iter::repeat_with(|| stuck.write_all(&LONG)).find_map(Result::err).unwrap();
        assert!(matches!(error.kind(), ConnectionReset | BrokenPipe), "{error}");
        server.stop();
    });
}

fn never_reads(server: &Running, patience: Duration) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    sockopt::set_socket_timeout(&stream, sockopt::Timeout::Send, Some(patience)).unwrap();
    stream
}

/// A question whose answer is as long.
static LONG: LazyLock<Vec<u8>> = LazyLock::new(|| [&[b'x'; 32 * 1024][..], b"?\n"].concat());

/// G24, G26: a flood of commands, whose answers are more than the server keeps at a time: each has
/// its answer, also those that were read before there was room.
#[test]
fn a_flood_of_commands() {
    in_time(|| {
        let server = Running::serves(Echo);
        let mut stream = TcpStream::connect(server.address).unwrap();
        let read = sockopt::Timeout::Recv;
        sockopt::set_socket_timeout(&stream, read, Some(PATIENCE / 5)).unwrap();
        let commands: Vec<String> =
            (0..60).map(|number| format!("{}{number}?\n", "x".repeat(10_000))).collect();
        stream.write_all(commands.concat().as_bytes()).unwrap();
        let mut answers = BufReader::new(stream).lines();
        for command in &commands {
            let answer = answers.next().unwrap().expect("an answer is missing");
            assert!(answer == command.trim_end_matches("?\n"), "another answer");
        }
        server.stop();
    });
}

/// Large answers to small commands: 60,000 bytes for one.
struct Wordy;

impl Service for Wordy {
    type Session = ();

    fn open(&self, _: &mut Peer) {}

    fn answer(&self, _: &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        Reply::done(command[..1].repeat(60_000))
    }
}

/// Asks a wordy server, all in one write, and what comes back is to be read.
fn ask_all(server: &Running, letters: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    sockopt::set_socket_timeout(&stream, sockopt::Timeout::Recv, Some(PATIENCE / 5)).unwrap();
    sockopt::set_socket_recv_buffer_size(&stream, 64 * 1024).unwrap();
    let commands: Vec<u8> = letters.iter().flat_map(|letter| [*letter, b'\n']).collect();
    stream.write_all(&commands).unwrap();
    stream
}

/// G24, G26: the same, where one read brings all the commands, and the answers are many times what
/// the server keeps and the system takes: all is answered without anything more being read, and
/// written as it is taken, although the client has closed its half meanwhile.
#[test]
fn a_read_full_of_commands() {
    in_time(|| {
        let server = Running::serves(Wordy);
        let letters: Vec<u8> = (b'a'..=b'z').cycle().take(208).collect();
        let stream = ask_all(&server, &letters);
        stream.shutdown(Shutdown::Write).unwrap();
        // Slow to read: the server finds that nothing more is taken, and must wait until it is.
        thread::sleep(Duration::from_millis(50));
        let mut answers = BufReader::new(stream).lines();
        for letter in letters {
            let answer = answers.next().expect("an answer is missing").unwrap();
            assert!(answer.len() == 60_000 && answer.as_bytes()[0] == letter);
        }
        assert!(answers.next().is_none());
        server.stop();
    });
}

/// Graceful shutdown: what was asked is answered, also what waits behind a client that is slow to
/// read; nothing more is accepted.
#[test]
fn a_shutdown_answers_what_was_asked() {
    in_time(|| {
        let server = Running::serves(Wordy);
        let letters: Vec<u8> = (b'a'..=b'z').collect();
        let mut stream = ask_all(&server, &letters);
        // That the first is answered shows that the server has read them.
        stream.read_exact(&mut [0; 1]).unwrap();
        server.handle.shutdown();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        let answers = answers.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(answers, letters.len(), "not all that was asked is answered");
        server.stop();
    });
}

/// A shutdown reaches clients that are idle, and those in the mode.
#[test]
fn a_shutdown_ends_idle_connections() {
    in_time(|| {
        let server = Running::serves(Echo);
        let (idle, mut notifications) = connector("").tcp(server.address).unwrap();
        assert_eq!(idle.request(Get("weather")).unwrap(), "weather");
        server.handle.notify("news").unwrap();
        assert_eq!(next(&mut notifications), "news");
        let address = server.address;
        server.stop();
        assert_eq!(next(&mut notifications), "not connected: the connection was closed");
        assert!(connector("").tcp(address).is_err(), "it still accepts");
    });
}

/// G26: more connections than allowed are closed at once; the others do not feel it, and there is
/// room again when one has ended.
#[test]
fn too_many_connections() {
    in_time(|| {
        let server = Running::configured(Board, |server| server.connections = 2);
        let clients = [(); 2].map(|()| connector("").tcp(server.address).unwrap());
        for (client, _) in &clients {
            assert_eq!(client.request("random?").unwrap(), "456902234");
        }
        server.hears("S: <EOF>");
        let [(first, _notifications), second] = clients;
        drop(second);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (third, _notifications) = connector("").tcp(server.address).unwrap();
            if third.request("random?").is_ok() {
                break;
            }
            assert!(Instant::now() < deadline, "there is no room");
            thread::yield_now();
        }
        assert_eq!(first.request("random?").unwrap(), "456902234");
        first.close();
        server.stop();
    });
}

/// G25: many threads announce, as fast as they can, to clients that read and to one that does not.
#[test]
fn announcements_from_many_threads() {
    in_time(|| {
        let server = Running::serves(Echo);
        let mut lazy = TcpStream::connect(server.address).unwrap();
        lazy.write_all(b"notif\n").unwrap();
        let (client, mut notifications) = connector("= ask-in-mode").tcp(server.address).unwrap();
        client.listen();
        assert_eq!(client.request(Get("weather")).unwrap(), "weather");
        let announcers = (0..8).map(|thread| {
            let handle = server.handle.clone();
            thread::spawn(move || {
                for _ in 0..500 {
                    handle.notify(format!("topic{thread}")).unwrap();
                }
                handle.notify("end").unwrap();
            })
        });
        let announcers: Vec<_> = announcers.collect();
        let mut heard = std::collections::BTreeSet::new();
        while heard.len() < 9 {
            heard.insert(next(&mut notifications));
        }
        announcers.into_iter().for_each(|announcer| announcer.join().unwrap());
        drop(lazy);
        client.close();
        server.stop();
    });
}

/// G26: a client with too many unread topics misses some; that is no reason to keep them from others.
#[test]
fn a_client_with_too_many_topics_delays_nobody() {
    let server = Running::configured(Echo, |server| server.config.limits.topics = 1);
    // The first client never fetches; its only place is taken.
    let (first, _notifications) = connector("").tcp(server.address).unwrap();
    assert_eq!(first.request(Get("weather")).unwrap(), "weather");
    server.handle.notify("one").unwrap();
    let (second, mut notifications) = connector("").tcp(server.address).unwrap();
    assert_eq!(second.request(Get("weather")).unwrap(), "weather");
    // Whatever this says of the first client, the second has room.
    let _ = server.handle.notify("two");
    assert_eq!(notifications.wait(PATIENCE / 5).unwrap().map(|it| it.is("two")), Some(true));
    drop((first, second));
    server.stop();
}

/// A topic that cannot be written is refused, whether anybody is connected or not (G13).
#[test]
fn a_topic_that_would_forge_a_line() {
    let server = Running::serves(Echo);
    let (client, _notifications) = connector("").tcp(server.address).unwrap();
    assert_eq!(client.request(Get("weather")).unwrap(), "weather");
    assert!(server.handle.notify("random\r\nOK").is_err());
    assert!(server.handle.notify("OK").is_err());
    client.close();
    server.stop();
}

/// A service that takes its time over one client's command.
struct Slow {
    asked: Sender<()>,
    release: Mutex<Receiver<()>>,
}

impl Service for Slow {
    type Session = ();

    fn open(&self, _: &mut Peer) {}

    fn answer(&self, _: &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        if command == b"slow?" {
            self.asked.send(()).unwrap();
            self.release.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        Reply::done(command.to_vec())
    }
}

/// G26: a slow answer delays no other client, and no announcement; a shutdown waits for it.
#[test]
fn a_slow_answer_delays_nobody() {
    in_time(|| {
        let (asked, when_asked) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let server = Running::serves(Slow { asked, release: Mutex::new(released) });
        let (slow, _notifications) = connector("").tcp(server.address).unwrap();
        let pending = slow.send("slow?").unwrap();
        when_asked.recv_timeout(PATIENCE).unwrap();
        let (client, mut notifications) = connector("").tcp(server.address).unwrap();
        for _ in 0..10 {
            assert_eq!(client.request("quick?").unwrap(), "quick?");
        }
        server.handle.notify("news").unwrap();
        assert_eq!(next(&mut notifications), "news");
        server.handle.shutdown();
        release.send(()).unwrap();
        assert_eq!(pending.wait().unwrap(), "slow?");
        drop((client, notifications));
        server.stop();
    });
}
