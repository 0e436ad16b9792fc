//! How a connection may end, in each phase (question l of the tutorial), and deadlines: what a caller
//! is told, and that nothing hangs.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bellwire::dialect::notif::{Get, Random};
use bellwire::{Cause, Closed, Error as Fault, Failure, LimitKind, Wait};
use bellwire_blocking::{Ended, Error, Reconnect};

mod common;

use common::{Log, PATIENCE, connector, held_session, in_time, next, plays, session};

const CLEANLY: Ended = Ended::Closed(Closed::Cleanly);
const LOST: Failure = Failure::SentUnanswered(Cause::ConnectionLost);
const NEVER_SENT: Failure = Failure::NeverSent(Cause::ConnectionLost);

fn unanswered(failure: Failure, ended: Ended) -> Error {
    Error::Unanswered { failure, ended: Some(ended) }
}

/// G18: question l, before anything was said.
#[test]
fn l_before_anything() {
    let (client, mut notifications, peer) = session("S: <EOF>");
    assert_eq!(notifications.wait(PATIENCE), Err(Error::NotConnected(CLEANLY)));
    assert_eq!(client.request(Random), Err(Error::NotConnected(CLEANLY)));
    peer.finish().unwrap();
}

/// G1, G18: question l, with one command sent and one spooled: it is known which may be asked again.
#[test]
fn l_in_flight_and_spooled() {
    let (client, _notifications, peer) = held_session(
        "
        C: random?
        S: <EOF>
    ",
    );
    let sent = client.send(Random).unwrap();
    let spooled = client.send(Random).unwrap();
    peer.release();
    assert_eq!(spooled.wait(), Err(unanswered(NEVER_SENT, CLEANLY)));
    assert_eq!(sent.wait(), Err(unanswered(LOST, CLEANLY)));
    assert_eq!(client.request(Random), Err(Error::NotConnected(CLEANLY)));
    peer.finish().unwrap();
}

/// G1, G18: question l, in a pipeline: what was answered is answered, what was sent is lost.
#[test]
fn l_in_a_pipeline() {
    let (client, _notifications, peer) = held_session(
        "
        = in-flight 2
        C: random?
        C: random?
        S: 1
        S: <EOF>
    ",
    );
    let requests = [(); 3].map(|()| client.send(Random).unwrap());
    peer.release();
    let [first, second, third] = requests.map(bellwire_blocking::Pending::wait);
    assert_eq!(first, Ok(1));
    assert_eq!(second, Err(unanswered(LOST, CLEANLY)));
    // Whether the third was sent depends on whether the answer and the end were read together.
    assert!(
        third == Err(unanswered(LOST, CLEANLY)) || third == Err(unanswered(NEVER_SENT, CLEANLY))
    );
    peer.finish().unwrap();
}

/// G18: question l, while the mode is entered, and a command waits behind it.
#[test]
fn l_while_entering() {
    let (client, mut notifications, peer) = held_session(
        "
        C: notif
        S: <EOF>
    ",
    );
    client.listen();
    let spooled = client.send(Random).unwrap();
    peer.release();
    assert_eq!(spooled.wait(), Err(unanswered(NEVER_SENT, CLEANLY)));
    assert_eq!(notifications.wait(PATIENCE), Err(Error::NotConnected(CLEANLY)));
    peer.finish().unwrap();
}

/// G6, G18: question l, in the mode: what had come before the end is told before it.
#[test]
fn l_in_the_mode() {
    let (_client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        S| notif: random
        S: <EOF>
    ",
    );
    let told: Vec<_> = notifications.by_ref().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].as_ref().unwrap().is("random"));
    assert_eq!(told[1], Err(Error::NotConnected(CLEANLY)));
    assert_eq!(notifications.next(), None, "an iterator that has ended goes on");
    peer.finish().unwrap();
}

/// G1, G18: question l, while the mode is left for a command.
#[test]
fn l_while_leaving() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        C: stop_notif
        S: notif: random
        S: <EOF>
    ",
    );
    client.listen();
    assert_eq!(client.request(Random), Err(unanswered(NEVER_SENT, CLEANLY)));
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(notifications.wait(PATIENCE), Err(Error::NotConnected(CLEANLY)));
    peer.finish().unwrap();
}

/// G18: question l, in the middle of a line: half a number is no number.
#[test]
fn l_in_the_middle_of_a_line() {
    let (client, _notifications, peer) = session(
        "
        C: random?
        S: 456902\\
        S: <EOF>
    ",
    );
    let ended = Ended::Closed(Closed::MidFrame { bytes: 6 });
    assert_eq!(client.request(Random), Err(unanswered(LOST, ended)));
    peer.finish().unwrap();
}

/// G18: question l, by a reset, in each phase: it is told from a clean end.
#[test]
fn l_by_a_reset() {
    for text in ["C: random?\nS: <RESET>", "C: random?\nS: 4569\\\nS: <RESET>"] {
        let (client, _notifications, peer) = session(text);
        match client.request(Random).unwrap_err() {
            Error::Unanswered { failure: LOST, ended: Some(ended) } => {
                let reset = matches!(
                    &ended,
                    Ended::Io { kind: std::io::ErrorKind::ConnectionReset, .. }
                        | Ended::Closed(Closed::Reset)
                );
                assert!(reset, "{ended:?}");
                assert!(ended.is_transient());
            }
            other => panic!("{other:?}"),
        }
        peer.finish().unwrap();
    }
    let (_client, mut notifications, peer) = session("C: notif\nS: OK\nS: <RESET>");
    let error = notifications.wait(PATIENCE).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotConnected(Ended::Io { kind: std::io::ErrorKind::ConnectionReset, .. })
        ),
        "{error:?}"
    );
    peer.finish().unwrap();
}

/// G6, G18: what the server said before it closed is heard, even if the client finds out about the
/// end by writing.
#[test]
fn what_was_said_before_the_end_is_heard() {
    let (stream, mut far) = UnixStream::pair().unwrap();
    let (client, mut notifications) = connector("= in-flight 2").over(stream).unwrap();
    let answered = client.send(Random).unwrap();
    far.write_all(b"1\r\nnotif: random\r\n").unwrap();
    far.read_exact(&mut [0; 9]).unwrap();
    drop(far);
    // The next command cannot be written.
    let lost = client.send(Random);
    assert_eq!(answered.wait(), Ok(1));
    assert!(lost.is_err() || lost.unwrap().wait().is_err());
    assert_eq!(next(&mut notifications), "random");
}

/// G12, G18: a line that is longer than allowed ends the connection, and the error names the limit.
#[test]
fn a_line_that_is_too_long() {
    let (client, mut notifications, peer) = session(
        "
        = frame 16
        C: random?
        S: 0123456789abcdefg0123456789abcdefg
        S: <EOF>
    ",
    );
    let error = client.request(Random).unwrap_err();
    match &error {
        Error::Unanswered { failure: LOST, ended: Some(Ended::Fault(fault)) } => {
            assert!(matches!(fault, Fault::Limit { limit: LimitKind::Frame, allowed: 16, .. }));
        }
        other => panic!("{other:?}"),
    }
    assert!(!error.is_transient());
    assert!(!notifications.wait(PATIENCE).unwrap_err().is_transient());
    peer.finish().unwrap();
}

/// G3, G16: a silent server: the request ends when its time is up, and not before. The reply that
/// comes after all reaches nobody.
#[test]
fn a_request_times_out() {
    let (client, notifications, peer) = session(
        "
        = in-flight 2
        C: random?
        C: weather?
        S: 1
        S| rain
    ",
    );
    let patience = Duration::from_millis(60);
    let start = Instant::now();
    let timed_out = Failure::SentUnanswered(Cause::TimedOut);
    assert_eq!(
        client.within(Some(patience)).request(Random),
        Err(Error::Unanswered { failure: timed_out, ended: None })
    );
    assert!(start.elapsed() >= patience && start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(client.request(Get("weather")).unwrap(), "rain");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G1, G16: a command that waits behind another one too long was never sent, and never is.
#[test]
fn a_spooled_request_times_out() {
    let (client, _notifications, peer) = session("C: random?");
    let _sent = client.send(Random).unwrap();
    let spooled = client.within(Some(Duration::from_millis(20))).request(Get("weather"));
    let timed_out = Failure::NeverSent(Cause::TimedOut);
    assert_eq!(spooled, Err(Error::Unanswered { failure: timed_out, ended: None }));
    client.close();
    peer.finish().unwrap();
}

/// G16, G20: a peer that never reads: the write times out, and the connection ends, rather than wait
/// for ever.
#[test]
fn a_write_times_out() {
    let (stream, _far) = UnixStream::pair().unwrap();
    let mut connector = connector("= in-flight 1024\n= output 4194304");
    connector.config.timers.write = Some(Duration::from_millis(500));
    let (client, _notifications) = connector.over(stream).unwrap();
    let topic = "x".repeat(60_000);
    let mut requests: Vec<_> = (0..32).map(|_| client.send(Get(topic.as_str())).unwrap()).collect();
    let ended = Ended::Fault(Fault::TimedOut(Wait::Write));
    // The last was shown to the transport, as far as anybody can tell.
    let last = requests.pop().unwrap().wait();
    assert_eq!(last, Err(unanswered(LOST, ended.clone())));
    assert_eq!(client.request(Random), Err(Error::NotConnected(ended)));
}

/// G16: the acknowledgement of a switch is awaited for so long.
#[test]
fn a_switch_times_out() {
    let text = "
        = switch 50ms
        C: notif
    ";
    let (_client, mut notifications, peer) = session(text);
    let ended = Ended::Fault(Fault::TimedOut(Wait::Switch));
    assert_eq!(notifications.wait(PATIENCE), Err(Error::NotConnected(ended)));
    peer.finish().unwrap();
}

/// G16: a silent peer is probed, and given up if it does not answer.
#[test]
fn a_silent_peer_is_probed() {
    let text = "
        = silence 100ms
        = probe 2s
        C: notif
        S: OK
        C: stop_notif
        S: OK
        C: notif
        S: OK
        C: stop_notif
    ";
    let (_client, mut notifications, peer) = session(text);
    let ended = Ended::Fault(Fault::TimedOut(Wait::Probe));
    assert_eq!(notifications.wait(PATIENCE), Err(Error::NotConnected(ended)));
    peer.finish().unwrap();
}

/// G16: a wait for notifications ends in time, and a later one gets what came meanwhile.
#[test]
fn a_wait_for_notifications_ends_in_time() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        C: stop_notif
        S: OK
        C: weather?
        S: notif: random
        S| rain
        C: notif
    ",
    );
    let patience = Duration::from_millis(30);
    for _ in 0..2 {
        let start = Instant::now();
        assert_eq!(notifications.wait(patience), Ok(None));
        assert!(start.elapsed() >= patience && start.elapsed() < PATIENCE);
    }
    assert_eq!(client.request(Get("weather")).unwrap(), "rain");
    assert_eq!(notifications.wait(patience).unwrap().map(|it| it.is("random")), Some(true));
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G8: asking without waiting, again and again, does get what comes: a loop of one's own.
#[test]
fn a_wait_of_no_time_reads_what_is_there() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        S| notif: random
    ",
    );
    let deadline = Instant::now() + PATIENCE / 5;
    let notice = loop {
        match notifications.wait(Duration::ZERO).unwrap() {
            Some(notice) => break notice,
            None => assert!(Instant::now() < deadline, "nothing is ever read"),
        }
        thread::yield_now();
    };
    assert!(notice.is("random"));
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G1: closing ends whatever another thread waits for: an iterator with `None`, a request with the
/// reason.
#[test]
fn closing_ends_every_wait() {
    in_time(|| {
        let (client, notifications, peer) = session(
            "
            = ask-in-mode
            C: notif
            S: OK
            S: notif: random
            C: random?
        ",
        );
        let (told, tell) = mpsc::channel();
        let reader = thread::spawn(move || {
            notifications.map(|notice| told.send(notice.unwrap()).unwrap()).count()
        });
        assert!(tell.recv_timeout(PATIENCE).unwrap().is("random"));
        let request = client.send(Random).unwrap();
        let asker = thread::spawn(move || request.wait());
        client.close();
        assert_eq!(reader.join().unwrap(), 1);
        assert_eq!(asker.join().unwrap(), Err(unanswered(LOST, Ended::ByProgram)));
        assert_eq!(client.request(Random), Err(Error::NotConnected(Ended::ByProgram)));
        peer.finish().unwrap();
    });
}

/// G22: a first connection that is refused is an error, even for a client that reconnects.
#[test]
fn a_first_connection_that_is_refused() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut connector = connector("");
    connector.reconnect = Some(Reconnect::default());
    let error = connector.tcp(address).unwrap_err();
    let refused = std::io::ErrorKind::ConnectionRefused;
    assert!(matches!(&error, Error::NotConnected(Ended::Io { kind, .. }) if *kind == refused));
    assert!(error.is_transient());
}

/// G16, G19: deadlines are kept by whoever drives, also those of what another thread began and does
/// not wait for.
#[test]
fn a_driver_keeps_the_deadlines_of_others() {
    in_time(|| {
        let text = "
            = switch 100ms
            C: random?
            S: 1
            C: notif
        ";
        let peer = plays(&[text]);
        let mut connector = connector(text);
        let log = Log::default();
        connector.observer = Some(Box::new(log.clone()));
        let (client, _notifications) = connector.tcp(peer.address).unwrap();
        let driver = thread::spawn({
            let client = client.clone();
            move || client.drive()
        });
        let request = client.send(Random).unwrap();
        log.wait_for("reply 1 1", 1);
        // The driver waits for nothing in particular now; then somebody wants notifications.
        drop(request);
        client.listen();
        let deadline = Instant::now() + PATIENCE / 5;
        while !driver.is_finished() {
            assert!(Instant::now() < deadline, "the driver does not see the deadline");
            thread::yield_now();
        }
        let ended = Ended::Fault(Fault::TimedOut(Wait::Switch));
        assert_eq!(driver.join().unwrap(), Err(Error::NotConnected(ended)));
        peer.finish().unwrap();
    });
}
