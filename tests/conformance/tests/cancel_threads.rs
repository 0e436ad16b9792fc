//! G1, G3 on plain threads, of which one drives for all who wait: it may give up, or panic.

#[path = "cancel/touchy.rs"]
mod touchy;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bellwire_blocking::Connector;
use bellwire_testkit::{PATIENCE, in_time};

use touchy::Touchy;

/// A server that tells what it was asked, and answers `N?` with `N` when it is told to.
fn server() -> (SocketAddr, mpsc::Receiver<String>, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, asked) = mpsc::channel();
    let (answer, may_answer) = mpsc::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        for line in BufReader::new(&stream).lines() {
            let Ok(line) = line else { return };
            let _ = heard.send(line.clone());
            if may_answer.recv().is_err() {
                return;
            }
            let _ = (&stream).write_all(format!("{}\r\n", line.trim_end_matches('?')).as_bytes());
        }
    });
    (address, asked, answer)
}

/// G1: whoever drives when the dialect panics, panics; those who wait for him to drive are told.
#[test]
fn a_dialect_that_panics_hangs_no_other_thread() {
    in_time(2 * PATIENCE, || {
        let (address, asked, answer) = server();
        let (client, notifications) = Connector::new(Touchy::default()).tcp(address).unwrap();
        let client = client.within(None);
        let waiting: Vec<_> = ["666?", "1?", "2?", "3?"]
            .into_iter()
            .map(|question| {
                let pending = client.send(question).unwrap();
                thread::spawn(move || pending.wait())
            })
            .collect();
        assert_eq!(asked.recv().unwrap(), "666?");
        answer.send(()).unwrap();
        let ended: Vec<_> = waiting.into_iter().map(thread::JoinHandle::join).collect();
        // Nobody has a reply: there was none but the one that nobody could read.
        assert!(ended.iter().flatten().all(Result::is_err), "{ended:?}");
        assert!(ended.iter().filter(|ended| ended.is_err()).count() <= 1, "{ended:?}");
        drop(notifications);
    });
}

/// G1: also if he does nothing else, and has nothing to drop that would tell them.
#[test]
fn a_dialect_that_panics_ends_no_drive_in_silence() {
    in_time(2 * PATIENCE, || {
        // Either of the two may drive; mostly, it is the one who came first.
        for _ in 0..20 {
            let (address, asked, answer) = server();
            let (client, notifications) = Connector::new(Touchy::default()).tcp(address).unwrap();
            let driver = client.clone();
            let drives = thread::spawn(move || driver.drive());
            let waits = thread::spawn(move || client.within(None).request("666?"));
            assert_eq!(asked.recv().unwrap(), "666?");
            answer.send(()).unwrap();
            let ended = [drives.join().map(|it| it.is_err()), waits.join().map(|it| it.is_err())];
            assert!(matches!(ended, [Ok(true), Err(_)] | [Err(_), Ok(true)]), "{ended:?}");
            drop(notifications);
        }
    });
}

/// A thread that drives for another and has what it wanted, or does not want it any more, leaves the
/// other to drive for himself.
#[test]
fn who_drove_for_others_may_go() {
    in_time(2 * PATIENCE, || {
        let (address, asked, answer) = server();
        let (client, _notifications) = Connector::new(Touchy::default()).tcp(address).unwrap();
        let soon = client.within(Some(Duration::from_millis(20)));
        let pending = client.send("1?").unwrap();
        let waits = thread::spawn(move || pending.wait());
        for number in 2..5 {
            // Spooled behind the first, and given up.
            assert!(soon.request(format!("{number}?")).is_err());
            drop(client.send(format!("{number}0?")).unwrap());
        }
        assert_eq!(asked.recv().unwrap(), "1?");
        answer.send(()).unwrap();
        assert_eq!(waits.join().unwrap().unwrap(), "1");
        let last = thread::spawn(move || client.request("9?"));
        assert_eq!(asked.recv().unwrap(), "9?");
        answer.send(()).unwrap();
        assert_eq!(last.join().unwrap().unwrap(), "9");
    });
}

/// The same, with nobody who does anything else at all.
#[test]
fn who_drove_and_left_hands_over() {
    in_time(2 * PATIENCE, || {
        // Either of the two may drive; mostly, it is the one who came first.
        for _ in 0..10 {
            let (address, asked, answer) = server();
            let (client, _notifications) = Connector::new(Touchy::default()).tcp(address).unwrap();
            let pending = client.within(None).send("1?").unwrap();
            let leaves = client.within(Some(Duration::from_millis(50)));
            let leaves = thread::spawn(move || leaves.request("2?"));
            let waits = thread::spawn(move || pending.wait());
            assert!(leaves.join().unwrap().is_err());
            assert_eq!(asked.recv().unwrap(), "1?");
            answer.send(()).unwrap();
            assert_eq!(waits.join().unwrap().unwrap(), "1");
        }
    });
}
