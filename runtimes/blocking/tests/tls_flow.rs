//! TLS keeps bytes of its own, coming and going: none of them is waited for in vain, and none keeps
//! others from moving.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;

use bellwire::dialect::notif::{Get, Random};
use bellwire_blocking::tls::Tls;
use bellwire_blocking::{Ended, Error, Pollable, Transport};
use rustix::event::{PollFd, PollFlags, Timespec};

mod common;

use common::flood::{both_ways, tighten};
use common::secure::{Identity, hear, io_end, localhost, say};
use common::{PATIENCE, connector, in_time};

/// The outcome of the last of three requests whose replies come in one piece, each in a record of its
/// own, before they are waited for; then the socket is silent. The first record fills the buffer that
/// is read into, and the last one may be damaged on the way.
fn answered_at_once(damaged: bool) -> Result<u64, Error> {
    let server = Identity::new();
    let (near, far) = UnixStream::pair().unwrap();
    let near = Tls::new(near, &server.trusted(), localhost()).unwrap();
    let (tell, told) = mpsc::channel();
    let peer = thread::spawn(move || {
        let mut far = server.on(far);
        hear(&mut far, "random?\r\n");
        say(&mut far, "1\r\n");
        hear(&mut far, "long?\r\nweather?\r\nrandom?\r\n");
        let long = "x".repeat(16 * 1024 - 2) + "\r\n";
        let mut replies = far.encrypt(&[long.as_bytes(), b"rain\r\n", b"2\r\n"]);
        if damaged {
            *replies.last_mut().unwrap() ^= 1;
        }
        far.0.sock.write_all(&replies).unwrap();
        tell.send(()).unwrap();
        far
    });
    let mut connector = connector("= in-flight 3\n= frame 20000");
    // Before a deadline passes, what is there would be read.
    connector.config.timers.reply = None;
    let (client, _notifications) = connector.over(near).unwrap();
    assert_eq!(client.request(Random), Ok(1));
    let long = client.send(Get("long")).unwrap();
    let weather = client.send(Get("weather")).unwrap();
    let random = client.send(Random).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(long.wait().unwrap().len(), 16 * 1024 - 2);
    assert_eq!(weather.wait().unwrap(), "rain");
    let outcome = random.wait();
    drop(peer.join().unwrap());
    outcome
}

/// What is decrypted is read without waiting for the socket.
#[test]
fn what_is_decrypted_already_is_not_waited_for() {
    in_time(|| assert_eq!(answered_at_once(false), Ok(2)));
}

/// What is wrong is told without waiting for the socket, too, and after what was right before it.
#[test]
fn what_is_wrong_comes_behind_what_was_right() {
    in_time(|| match answered_at_once(true) {
        Err(Error::Unanswered { ended, .. }) => {
            assert!(ended.as_ref().is_some_and(Ended::is_transient));
            let (kind, what) = io_end(ended);
            assert_eq!(kind, io::ErrorKind::ConnectionAborted);
            assert_eq!(what, "TLS failed: cannot decrypt peer's message");
        }
        other => panic!("{other:?}"),
    });
}

/// G20: 10 MiB both ways through a Unix socket that holds 4 KiB.
#[test]
fn g20_ten_mebibytes_both_ways_through_tls() {
    in_time(|| {
        let server = Identity::new();
        let (near, far) = UnixStream::pair().unwrap();
        tighten(&near, 4096);
        tighten(&far, 4096);
        both_ways(Tls::new(near, &server.trusted(), localhost()).unwrap(), server.on(far));
    });
}

/// G20: what is encrypted already goes out when the socket takes it, though the client has nothing
/// more to say.
#[test]
fn g20_what_is_encrypted_is_not_forgotten() {
    in_time(|| {
        let server = Identity::new();
        let (near, far) = UnixStream::pair().unwrap();
        tighten(&near, 4096);
        tighten(&far, 4096);
        let near = Tls::new(near, &server.trusted(), localhost()).unwrap();
        let topic = "t".repeat(60_000);
        let question = format!("{topic}?\r\n");
        let (tell, told) = mpsc::channel();
        let peer = thread::spawn(move || {
            let mut far = server.on(far);
            hear(&mut far, "random?\r\n");
            say(&mut far, "1\r\n");
            told.recv_timeout(PATIENCE).unwrap();
            hear(&mut far, &question);
            say(&mut far, "here\r\n");
        });
        let mut connector = connector("= output 100000");
        connector.config.timers.reply = Some(PATIENCE / 5);
        let (client, _notifications) = connector.over(near).unwrap();
        assert_eq!(client.request(Random), Ok(1));
        let pending = client.send(Get(&topic)).unwrap();
        tell.send(()).unwrap();
        assert_eq!(pending.wait().unwrap(), "here");
        peer.join().unwrap();
    });
}

/// G12: no more than so much is encrypted ahead of a server that does not read.
#[test]
fn g12_what_is_encrypted_ahead_is_bounded() {
    in_time(|| {
        let server = Identity::new();
        let (near, far) = UnixStream::pair().unwrap();
        tighten(&near, 4096);
        tighten(&far, 4096);
        let mut near = Tls::new(near, &server.trusted(), localhost()).unwrap();
        near.prepare().unwrap();
        let peer = thread::spawn(move || {
            let mut far = server.on(far);
            far.shake_hands().unwrap();
            far
        });
        let mut taken = 0;
        while taken < 1024 * 1024 {
            match near.write(&[0; 4096]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => panic!("{error}"),
                Err(_) if taken > 0 => break,
                Err(_) => wait_readable(&near),
            }
        }
        assert!((1..256 * 1024).contains(&taken), "{taken} bytes are taken");
        drop(peer.join().unwrap());
    });
}

fn wait_readable(near: &impl Pollable) {
    let descriptor = near.descriptor().unwrap();
    let timeout = Timespec::try_from(PATIENCE).ok();
    let mut polled = [PollFd::new(&descriptor, PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut polled, timeout.as_ref()), Ok(1));
}

/// Nothing blocks: a server that says nothing keeps neither who reads nor who writes.
#[test]
fn g20_a_handshake_that_waits_blocks_nobody() {
    in_time(|| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut near = Tls::new(near, &Identity::new().trusted(), localhost()).unwrap();
        near.prepare().unwrap();
        assert!(near.awaits_write(false), "the client has to begin");
        let blocked = io::ErrorKind::WouldBlock;
        assert_eq!(near.write(b"random?\r\n").unwrap_err().kind(), blocked);
        assert_eq!(near.read(&mut [0; 64]).unwrap_err().kind(), blocked);
        assert!(!near.has_input());
        assert!(!near.awaits_write(true), "it is the server's turn");
        let _ = far.read(&mut [0; 4096]).unwrap();
    });
}
