//! The asynchronous server on a real runtime, against raw sockets: what one client does, no other must
//! feel.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bellwire::Reply;
use bellwire_async::{Peer, Service};
use smol::future::yield_now;

mod common;

use common::{Running, in_time};

/// A server of numbers, with something new for each client. All of it takes a little time.
struct Board;

impl Service for Board {
    type Session = ();

    async fn open(&self, peer: &mut Peer) {
        yield_now().await;
        peer.notify("classified");
    }

    async fn answer(&self, (): &mut (), command: &[u8], peer: &mut Peer) -> Reply<Vec<u8>> {
        yield_now().await;
        match command {
            b"random?" => Reply::done(b"456902234".to_vec()),
            b"panic" => panic!("as the test wants"),
            b"number?" => Reply::done(peer.connection().to_string().into_bytes()),
            _ => Reply::refused(b"unknown command".to_vec()),
        }
    }
}

/// G13: a topic that cannot be written is refused.
#[test]
fn a_topic_that_would_forge_a_line() {
    let server = Running::serves(Board);
    let mut client = server.connect();
    server.hears_on(&mut client, "C: random?\nS: 456902234");
    assert!(server.handle.notify("random\r\nOK").is_err());
    server.hears_on(&mut client, "C: random?\nS: 456902234");
    server.stop();
}

/// G26: a service that panics ends that connection, and no other; a shutdown does not wait for it.
#[test]
fn a_panic_ends_its_own_connection() {
    in_time(|| {
        let server = Running::serves(Board);
        let mut other = server.connect();
        server.hears_on(&mut other, "C: random?\nS: 456902234");
        server.hears("C: panic\nS: <EOF>");
        server.hears_on(&mut other, "C: random?\nS: 456902234");
        server.hears("C: random?\nS: 456902234");
        server.stop();
    });
}

/// Many clients at a time, each with a connection of its own; all are told what is announced.
#[test]
fn many_clients() {
    in_time(|| {
        let server = Running::serves(Board);
        let together = Barrier::new(33);
        let numbers: Vec<String> = thread::scope(|scope| {
            let clients: Vec<_> = (0..32)
                .map(|_| {
                    scope.spawn(|| {
                        let mut stream = server.connect();
                        let session = "C: notif\nS: OK\nS: notif: classified";
                        server.hears_on(&mut stream, session);
                        together.wait();
                        server.hears_on(&mut stream, "S: notif: news");
                        stream.write_all(b"number?\n").unwrap();
                        BufReader::new(stream).lines().next().unwrap().unwrap()
                    })
                })
                .collect();
            together.wait();
            server.handle.notify("news").unwrap();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let mut distinct = numbers.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 32, "connections were mixed up: {numbers:?}");
        server.stop();
    });
}

/// Large answers to small commands: 60,000 bytes for one.
struct Wordy;

impl Service for Wordy {
    type Session = ();

    async fn open(&self, _: &mut Peer) {}

    async fn answer(&self, _: &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        Reply::done(command[..1].repeat(60_000))
    }
}

fn ask_all(server: &Running, letters: &[u8]) -> TcpStream {
    let mut stream = server.connect();
    let commands: Vec<u8> = letters.iter().flat_map(|letter| [*letter, b'\n']).collect();
    stream.write_all(&commands).unwrap();
    stream
}

/// G24, G26: one read brings commands whose answers are many times what the server keeps and the system
/// takes: all is answered, although the client has closed its half meanwhile.
#[test]
fn a_read_full_of_commands() {
    in_time(|| {
        let server = Running::serves(Wordy);
        let letters: Vec<u8> = (b'a'..=b'z').cycle().take(208).collect();
        let stream = ask_all(&server, &letters);
        stream.shutdown(Shutdown::Write).unwrap();
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
/// read; idle clients are let go.
#[test]
fn a_shutdown_answers_what_was_asked() {
    in_time(|| {
        let server = Running::serves(Wordy);
        let mut idle = server.connect();
        let letters: Vec<u8> = (b'a'..=b'z').collect();
        let mut stream = ask_all(&server, &letters);
        // That the first is answered shows that the server has read them.
        stream.read_exact(&mut [0; 1]).unwrap();
        server.handle.shutdown();
        server.hears_on(&mut idle, "S: <EOF>");
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        let answers = answers.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(answers, letters.len(), "not all that was asked is answered");
        server.stop();
    });
}

/// G25, G26: a client that asks and never reads costs a bounded amount, delays nobody, and ends when
/// the patience with its transport does.
#[test]
fn a_client_that_never_reads() {
    in_time(|| {
        let server = Arc::new(Running::configured(Wordy, |server| {
            server.config.timers.write = Some(Duration::from_millis(300));
        }));
        let mut stuck = server.connect();
        let writer = thread::spawn(move || {
            let commands = b"x\n".repeat(16 * 1024);
            // Until the server has had enough of it, and closes.
            (0..4096).take_while(|_| stuck.write_all(&commands).is_ok()).count()
        });
        let mut client = server.connect();
        while !writer.is_finished() {
            client.write_all(b"y\n").unwrap();
            client.read_exact(&mut [0; 60_002]).unwrap();
        }
        let taken = writer.join().unwrap();
        assert!(taken < 1024, "{taken} times 32 KiB were taken from one that never reads");
        Arc::into_inner(server).unwrap().stop();
    });
}
