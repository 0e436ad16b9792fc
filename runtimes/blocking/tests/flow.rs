//! Much data, small pieces, slow readers, and who gets which notification.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bellwire::dialect::notif::{Get, Random};
use bellwire_blocking::{Gap, Notice};

mod common;

use common::flood::{both_ways, tighten};
use common::{PATIENCE, connector, in_time, next, session};

/// G20: 10 MiB both ways through a Unix socket that holds 4 KiB.
#[test]
fn ten_mebibytes_both_ways_through_a_unix_socket() {
    in_time(|| {
        let (near, far) = UnixStream::pair().unwrap();
        tighten(&near, 4096);
        tighten(&far, 4096);
        both_ways(near, far);
    });
}

/// G20: the same through TCP with small windows.
#[test]
fn ten_mebibytes_both_ways_through_tcp() {
    in_time(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        tighten(&listener, 16 * 1024);
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        tighten(&near, 16 * 1024);
        let (far, _) = listener.accept().unwrap();
        both_ways(near, far);
    });
}

/// G8, G21: nobody reads notifications while replies flow; no reply is late, and what did not fit
/// into the queue is a gap, in its place, that says how much.
#[test]
fn a_slow_reader_of_notifications() {
    let mut text = "= ask-in-mode\nC: notif\nS: OK\n".to_owned();
    for number in 0..10 {
        text += &format!("C: random?\nS: notif: t{number}\nS| {number}\n");
    }
    text += "S| notif: late\n";
    let peer = common::plays(&[&text]);
    let mut connector = connector(&text);
    connector.queue = 4;
    let (client, mut notifications) = connector.tcp(peer.address).unwrap();
    client.listen();
    for number in 0..10 {
        assert_eq!(client.request(Random), Ok(number));
    }
    for number in 0..4 {
        assert_eq!(next(&mut notifications), format!("t{number}"));
    }
    let gap = notifications.wait(PATIENCE).unwrap();
    // The last one came in the same read as the last reply, or after room was made.
    match gap {
        Some(Notice::Gap(Gap::Overflow(6))) => assert_eq!(next(&mut notifications), "late"),
        Some(Notice::Gap(Gap::Overflow(7))) => {}
        other => panic!("{other:?}"),
    }
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G21: a topic's reader has a queue of his own: what he does not read keeps nobody else's away.
#[test]
fn a_topic_has_a_queue_of_its_own() {
    let text = "
        = ask-in-mode
        C: notif
        S: OK
        C: weather?
        S: notif: random
        S| notif: random
        S| notif: random
        S| notif: classified
        S| rain
        C: weather?
        S: notif: random
        S| notif: classified
        S| sun
    ";
    let peer = common::plays(&[text]);
    let mut connector = connector(text);
    connector.queue = 2;
    let (client, mut all) = connector.tcp(peer.address).unwrap();
    let mut random = all.topic("random");
    client.listen();
    assert_eq!(client.request(Get("weather")).unwrap(), "rain");
    assert_eq!(next(&mut all), "classified");
    assert_eq!(next(&mut random), "random");
    assert_eq!(next(&mut random), "random");
    assert_eq!(random.wait(PATIENCE), Ok(Some(Notice::Gap(Gap::Overflow(1)))));
    // Without a reader of its own, a topic is everybody's again.
    drop(random);
    assert_eq!(client.request(Get("weather")).unwrap(), "sun");
    assert_eq!(next(&mut all), "random");
    assert_eq!(next(&mut all), "classified");
    drop((client, all));
    peer.finish().unwrap();
}

/// The tutorial's wish: `for notif in conn.notifs(pattern): with conn.pause_notifs(): getter()`.
#[test]
fn the_tutorials_loop_over_one_topic() {
    let (client, notifications, peer) = session(
        "
        C: notif
        S: OK
        S: notif: random
        C: stop_notif
        S: OK
        C: random?
        S: 1
        C: notif
        S: OK
        S| notif: random
        C: stop_notif
        S: OK
        C: random?
        S: 2
    ",
    );
    let mut numbers = Vec::new();
    for notice in notifications.topic("random") {
        assert!(notice.unwrap().is("random"));
        let _pause = client.pause();
        numbers.push(client.request(Random).unwrap());
        if numbers.len() == 2 {
            break;
        }
    }
    assert_eq!(numbers, [1, 2]);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G21: no I/O in `Drop`: what is to be said because of it is for the next who drives.
#[test]
fn dropping_the_last_reader_says_nothing() {
    let (near, mut far) = UnixStream::pair().unwrap();
    let (client, mut notifications) = connector("").over(near).unwrap();
    assert_eq!(notifications.wait(Duration::ZERO), Ok(None));
    far.write_all(b"OK\r\nnotif: random\r\n").unwrap();
    assert_eq!(next(&mut notifications), "random");
    drop(notifications);
    let mut said = [0; 64];
    let count = far.read(&mut said).unwrap();
    assert_eq!(String::from_utf8_lossy(&said[..count]), "notif\r\n");
    drop(client);
}

/// G21: the mode is left with the next thing that is done.
#[test]
fn without_a_reader_the_mode_is_left() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        S: notif: random
        C: stop_notif
        S: OK
        C: random?
        S: 1
        C: random?
        S: 2
    ",
    );
    assert_eq!(next(&mut notifications), "random");
    drop(notifications.topic("random"));
    drop(notifications);
    assert_eq!(client.request(Random), Ok(1));
    assert_eq!(client.request(Random), Ok(2));
    drop(client);
    peer.finish().unwrap();
}

/// G16: own silence. The mode is entered again well before the server would log the client out, for
/// as long as it takes; notifications keep coming, on the same connection.
#[test]
fn j_the_mode_is_entered_again_before_autologout() {
    let server = common::Running::configured(common::Echo, |server| {
        server.config.timers.autologout = Some(Duration::from_millis(1500));
    });
    let mut connector = connector("= rearm 50ms");
    let log = common::Log::default();
    connector.observer = Some(Box::new(log.clone()));
    let (client, mut notifications) = connector.tcp(server.address).unwrap();
    client.listen();
    assert_eq!(client.request(Get("weather")).unwrap(), "weather");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(3200) {
        // It is never fetched, so it is announced again with each entering.
        server.handle.notify("random").unwrap();
        assert_eq!(next(&mut notifications), "random");
    }
    assert!(log.told().iter().filter(|event| *event == "listening").count() > 8);
    assert_eq!(server.handle.connections(), 1);
    drop((client, notifications));
    server.stop();
}

/// G16, G26: without that, the server ends the connection, and the client says so.
#[test]
fn j_autologout() {
    let server = common::Running::configured(common::Echo, |server| {
        server.config.timers.autologout = Some(Duration::from_millis(60));
    });
    let (_client, mut notifications) = connector("").tcp(server.address).unwrap();
    assert_eq!(next(&mut notifications), "not connected: the connection was closed");
    server.stop();
}

/// G7: question n, LF alone and CR LF, written as configured and read in any mixture.
#[test]
fn n_line_ends() {
    let lf = "
        = newline lf
        C: random?
        S: 1
        C: weather?
        S: rain\\r
    ";
    let crlf = "
        C: random?
        S: 1\\n\\
        C: weather?
        S: rain
    ";
    for text in [lf, crlf] {
        let (client, notifications, peer) = session(text);
        assert_eq!(client.request(Random), Ok(1));
        assert_eq!(client.request(Get("weather")).unwrap(), "rain");
        drop((client, notifications));
        peer.finish().unwrap();
    }
}

/// G8: a server that does not want to send notifications now may want to later; the reader is told, and
/// it is asked again when somebody waits again.
#[test]
fn a_refused_mode_is_asked_for_again() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: error: not now
        C: random?
        S: 1
        C: notif
        S: OK
        S| notif: random
    ",
    );
    client.listen();
    assert_eq!(client.request(Random), Ok(1));
    let refused = notifications.wait(PATIENCE / 5).unwrap();
    assert_eq!(refused, Some(Notice::Refused("error: not now".into())));
    let notice = notifications.wait(PATIENCE / 5).unwrap();
    assert!(notice.expect("it is not asked again").is("random"));
    drop((client, notifications));
    peer.finish().unwrap();
}
