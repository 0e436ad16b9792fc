//! One thread drives the connection, blocked until something comes; another changes what is to be
//! done without waiting for it. The one that drives must find out.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bellwire::dialect::notif::{Get, Notif, Random};
use bellwire::transcript::Act;
use bellwire::{Cause, Error as Fault, Failure};
use bellwire_blocking::{Client, Ended, Error, Notifications, Observer, Pollable, Transport};
use bellwire_testkit::Scripted;

mod common;

use common::{Log, PATIENCE, connector, in_time, next, plays, plays_on};

/// Tells when a thread that has asked `weather?` is about to block, or blocks.
struct Blocks {
    asked: bool,
    told: Sender<()>,
}

impl Observer for Blocks {
    fn act(&mut self, act: &Act) {
        self.asked |= matches!(act, Act::Command(text) if text == b"weather?");
    }

    fn tick(&mut self, _: Duration) {
        if self.asked {
            let _ = self.told.send(());
        }
    }
}

impl Blocks {
    /// Time is told once when a command is given, and again when its reply is waited for; from then
    /// on the session is locked until the thread blocks.
    fn wait(told: &Receiver<()>) {
        for _ in 0..2 {
            told.recv_timeout(PATIENCE).expect("nobody asks");
        }
    }
}

fn watched(text: &str) -> (Client<Notif>, Notifications<Notif>, Scripted, Receiver<()>) {
    let peer = plays(&[text]);
    let (told, blocks) = mpsc::channel();
    let mut connector = connector(text);
    connector.observer = Some(Box::new(Blocks { asked: false, told }));
    let (client, notifications) = connector.tcp(peer.address).unwrap();
    (client, notifications, peer, blocks)
}

/// Asks `weather?` in a thread, for as long as it takes, and tells the outcome.
fn ask_weather(client: &Client<Notif>) -> Receiver<Result<String, Error>> {
    let client = client.within(None);
    let (tell, outcome) = mpsc::channel();
    thread::spawn(move || {
        let reply = client.request(Get("weather"));
        tell.send(reply.map(|text| String::from_utf8_lossy(&text).into_owned()))
    });
    outcome
}

/// G1, G3: too many dropped requests whose replies stay away: the client does not guess, and who
/// waits is told, although nothing comes from the server.
#[test]
fn desynchronised_is_told_to_who_waits() {
    in_time(|| {
        let (client, _notifications, peer, blocks) = watched(
            "
            = in-flight 8
            = held 1
            C: random?
            C| random?
            C| weather?
        ",
        );
        let dropped = [client.send(Random).unwrap(), client.send(Random).unwrap()];
        let outcome = ask_weather(&client);
        Blocks::wait(&blocks);
        drop(dropped);
        let outcome = outcome.recv_timeout(PATIENCE / 5).expect("nobody tells who waits");
        let ended = Some(Ended::Fault(Fault::Desynchronised { held: 2 }));
        let failure = Failure::SentUnanswered(Cause::ConnectionLost);
        assert_eq!(outcome, Err(Error::Unanswered { failure, ended }));
        peer.finish().unwrap();
    });
}

/// G1, G3: where replies carry ids, a dropped request makes room for the next, which is then sent.
#[test]
fn a_dropped_request_makes_room() {
    in_time(|| {
        let (client, notifications, peer, blocks) = watched(
            "
            = ids
            = in-flight 1
            C: #1 random?
            C: #2 weather?
            S: #2 rain
        ",
        );
        let dropped = client.send(Random).unwrap();
        let outcome = ask_weather(&client);
        Blocks::wait(&blocks);
        drop(dropped);
        let outcome = outcome.recv_timeout(PATIENCE / 5).expect("the command is not sent");
        assert_eq!(outcome.unwrap(), "rain");
        drop((client, notifications));
        peer.finish().unwrap();
    });
}

/// A socket with a transport above it that has read ahead, as TLS does: what it has does not make
/// the socket ready.
struct Ahead {
    socket: UnixStream,
    ahead: Arc<Mutex<VecDeque<u8>>>,
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.ahead.lock().unwrap().pop_front() {
            Some(byte) => {
                buffer[0] = byte;
                Ok(1)
            }
            None => self.socket.read(buffer),
        }
    }
}

impl Write for Ahead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Pollable for Ahead {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.socket.set_nonblocking(true)
    }
}

impl Transport for Ahead {
    fn has_input(&self) -> bool {
        !self.ahead.lock().unwrap().is_empty()
    }
}

/// A thread that does not wait has read what made the socket ready, and left some of it in the
/// transport: the one that waits reads on.
#[test]
fn what_another_thread_has_not_finished_reading() {
    in_time(|| {
        let (socket, far) = UnixStream::pair().unwrap();
        let peer = plays_on(far, "C: weather?");
        let ahead = Arc::new(Mutex::new(VecDeque::new()));
        let near = Ahead { socket, ahead: Arc::clone(&ahead) };
        let (told, blocks) = mpsc::channel();
        let mut connector = connector("");
        connector.observer = Some(Box::new(Blocks { asked: false, told }));
        let (client, notifications) = connector.over(near).unwrap();
        let outcome = ask_weather(&client);
        Blocks::wait(&blocks);
        let said = format!("notif: {}\r\nrain\r\n", "x".repeat(1000));
        ahead.lock().unwrap().extend(said.as_bytes());
        client.unlisten();
        let outcome = outcome.recv_timeout(PATIENCE / 5).expect("nobody reads on");
        assert_eq!(outcome.unwrap(), "rain");
        drop((client, notifications));
        peer.finish().unwrap();
    });
}

/// G8, G9: a pause in one thread ends while another waits for notifications: it hears of the next.
#[test]
fn a_pause_ends_while_another_thread_reads() {
    in_time(|| {
        let text = "
            C: notif
            S: OK
            S: notif: random
            C: stop_notif
            S: OK
            C: notif
            S: OK
            S: notif: classified
        ";
        let peer = plays(&[text]);
        let mut connector = connector(text);
        let log = Log::default();
        connector.observer = Some(Box::new(log.clone()));
        let (client, mut notifications) = connector.tcp(peer.address).unwrap();
        assert_eq!(next(&mut notifications), "random");
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(next(&mut notifications)));
        let pause = client.pause();
        // Told by the reader, who holds the lock from here until he blocks.
        log.wait_for("not listening", 1);
        drop(pause);
        assert_eq!(told.recv_timeout(PATIENCE / 5).expect("nothing is heard"), "classified");
        client.close();
        peer.finish().unwrap();
    });
}

/// G9: a pause of one thread keeps another's notifications away, not its requests; one leave serves
/// them all, as the wire shows.
#[test]
fn a_pause_is_one_leave_for_several_requests() {
    let text = "
        C: notif
        S: OK
        S: notif: random
        C: stop_notif
        S: OK
        C: random?
        S: 1
        C: random?
        S: 2
        C: random?
        S: 3
        C: notif
        S: OK
        S: notif: classified
    ";
    let (client, mut notifications, peer) = common::session(text);
    assert_eq!(next(&mut notifications), "random");
    {
        let _pause = client.pause();
        for number in 1..=3 {
            // Pauses nest.
            let _inner = client.pause();
            assert_eq!(client.request(Random), Ok(number));
        }
    }
    assert_eq!(next(&mut notifications), "classified");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G1: the thread that drives is done, and another one that waits takes over.
#[test]
fn the_lead_is_handed_over() {
    in_time(|| {
        let (client, mut notifications, peer) = common::session(
            "
            = ask-in-mode
            = in-flight 2
            C: notif
            S: OK
            S: notif: random
            C: random?
            S: notif: classified
            C: weather?
            S: 1
            S| rain
        ",
        );
        assert_eq!(next(&mut notifications), "random");
        // The reader leads, or the asker; when the reader is done, the asker has to.
        let reader = thread::spawn(move || (next(&mut notifications), notifications));
        let asker = thread::spawn({
            let client = client.clone();
            move || client.request(Random)
        });
        let (topic, notifications) = reader.join().unwrap();
        assert_eq!(topic, "classified");
        let weather = client.send(Get("weather")).unwrap();
        assert_eq!(asker.join().unwrap(), Ok(1));
        assert_eq!(weather.wait().unwrap(), "rain");
        drop((client, notifications));
        peer.finish().unwrap();
    });
}
