//! Connections that are lost and made again: what a reader is told, what is restored, and that no
//! command is sent twice.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use bellwire::dialect::imap::{Imap, Select};
use bellwire::dialect::notif::{Classified, Get, Notif, Random};
use bellwire::{BadReply, Cause, Closed, Error as Fault, Failure, LimitKind};
use bellwire_blocking::{
    Client, Connector, Ended, Error, Gap, Notice, Notifications, Reconnect, Server,
};
use bellwire_testkit::{Scripted, accept};

mod common;

use common::{Echo, Log, PATIENCE, Running, connector, held, in_time, next, plays, plays_on};

const CLEANLY: Ended = Ended::Closed(Closed::Cleanly);

/// As a transcript says, and connecting again without much delay.
fn persistent(text: &str) -> Connector<Notif> {
    let mut policy = Reconnect::default();
    policy.first = Duration::from_millis(10);
    policy.longest = Duration::from_millis(20);
    let mut connector = connector(text);
    connector.reconnect = Some(policy);
    connector
}

fn with_attempts(text: &str, attempts: u32) -> Connector<Notif> {
    let mut connector = persistent(text);
    connector.reconnect.as_mut().unwrap().attempts = Some(attempts);
    connector
}

fn sessions(texts: &[&str]) -> (Client<Notif>, Notifications<Notif>, Scripted) {
    let session = held_sessions(texts);
    session.2.release();
    session
}

fn held_sessions(texts: &[&str]) -> (Client<Notif>, Notifications<Notif>, Scripted) {
    let peer = held(texts);
    let (client, notifications) = persistent(texts[0]).tcp(peer.address).unwrap();
    (client, notifications, peer)
}

fn disconnected() -> String {
    format!("{:?}", Notice::Gap(Gap::Disconnected(CLEANLY)))
}

/// G8, G22: the gap stands where notifications may be missing; the mode is entered again; `Resumed`
/// comes only once the server has confirmed that, and each in wire order.
#[test]
fn a_gap_then_resumed_once_confirmed() {
    let (client, mut notifications, peer) = sessions(&[
        "
        C: notif
        S: OK
        S| notif: random
        S: <EOF>
    ",
        "
        C: notif
        S: notif: classified
        S: OK
        S| notif: random
    ",
    ]);
    let told: [String; 5] = std::array::from_fn(|_| next(&mut notifications));
    assert_eq!(told, ["random", &disconnected(), "classified", "Resumed", "random"]);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G8, G22: lost again before the server has confirmed: still the same gap, and `Resumed` only when it
/// has.
#[test]
fn a_gap_lasts_until_confirmed() {
    let (client, mut notifications, peer) = sessions(&[
        "C: notif\nS: OK\nS: <EOF>",
        "C: notif\nS: <EOF>",
        "S: <EOF>",
        "C: notif\nS: OK\nS: notif: random",
    ]);
    let told: [String; 3] = std::array::from_fn(|_| next(&mut notifications));
    assert_eq!(told, [&disconnected(), "Resumed", "random"]);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G22: a server of our own that is shut down, and started again at the same address.
#[test]
fn a_server_that_is_restarted() {
    in_time(|| {
        let first = Running::serves(Echo);
        let address = first.address;
        let (client, mut notifications) = persistent("").tcp(address).unwrap();
        assert_eq!(client.request(Get("weather")).unwrap(), "weather");
        first.handle.notify("random").unwrap();
        assert_eq!(next(&mut notifications), "random");
        first.stop();
        assert_eq!(next(&mut notifications), disconnected());
        let second = Server::bind(address, Notif::default(), Echo).unwrap();
        let second = Running::start(second, |_| {});
        assert_eq!(next(&mut notifications), "Resumed");
        second.handle.notify("classified").unwrap();
        assert_eq!(next(&mut notifications), "classified");
        assert_eq!(client.request(Get("weather")).unwrap(), "weather");
        client.close();
        second.stop();
    });
}

/// G22: what was sent is not sent again, not even if its caller wants that; the peer would hear it.
#[test]
fn a_sent_command_is_never_sent_again() {
    let (client, _notifications, peer) = sessions(&[
        "
        C: random?
        S: <EOF>
    ",
        "
        C: classified?
        S: a flat
    ",
    ]);
    let client = client.resending();
    let lost = Failure::SentUnanswered(Cause::ConnectionLost);
    assert_eq!(
        client.request(Random),
        Err(Error::Unanswered { failure: lost, ended: Some(CLEANLY) })
    );
    assert_eq!(client.request(Classified).unwrap().as_deref(), Some("a flat"));
    client.close();
    peer.finish().unwrap();
}

/// G22: what was never sent is sent on the next connection for who wants that …
#[test]
fn a_command_that_was_never_sent_is_sent_again_on_request() {
    let (client, _notifications, peer) = held_sessions(&[
        "
        C: random?
        S: <EOF>
    ",
        "
        C: classified?
        S: a flat
        C: weather?
        S: rain
    ",
    ]);
    let client = client.resending();
    let sent = client.send(Random).unwrap();
    let spooled = client.send(Classified).unwrap();
    peer.release();
    assert_eq!(spooled.wait().unwrap().as_deref(), Some("a flat"));
    assert!(matches!(sent.wait(), Err(Error::Unanswered { .. })));
    assert_eq!(client.request(Get("weather")).unwrap(), "rain");
    client.close();
    peer.finish().unwrap();
}

/// … and for nobody else.
#[test]
fn a_command_that_was_never_sent_is_not_sent_again_unasked() {
    let (client, notifications, peer) = held_sessions(&[
        "
        C: random?
        S: <EOF>
    ",
        "
        C: weather?
        S: rain
    ",
    ]);
    let sent = client.send(Random).unwrap();
    let spooled = client.send(Classified).unwrap();
    peer.release();
    let never_sent = Failure::NeverSent(Cause::ConnectionLost);
    assert!(
        matches!(spooled.wait(), Err(Error::Unanswered { failure, .. }) if failure == never_sent)
    );
    assert!(matches!(sent.wait(), Err(Error::Unanswered { .. })));
    assert_eq!(client.resending().request(Get("weather")).unwrap(), "rain");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G1, G22: waiting for a connection has the request's deadline, too.
#[test]
fn waiting_for_a_connection_times_out() {
    in_time(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (client, _notifications) = persistent("").tcp(listener.local_addr().unwrap()).unwrap();
        drop(listener);
        let client = client.resending().within(Some(Duration::from_millis(80)));
        // The first one finds out about the end.
        let _ = client.request(Random);
        let timed_out = Failure::NeverSent(Cause::TimedOut);
        assert_eq!(
            client.request(Random),
            Err(Error::Unanswered { failure: timed_out, ended: None })
        );
    });
}

/// G22: whoever only asks gets his connection back, too: nobody reads notifications here, and
/// nobody asks to wait for a connection.
#[test]
fn who_only_asks_is_connected_again() {
    in_time(|| {
        let (client, _notifications, peer) =
            sessions(&["C: random?\nS: 1\nS: <EOF>", "C: random?\nS: 2"]);
        assert_eq!(client.request(Random), Ok(1));
        let deadline = Instant::now() + PATIENCE / 5;
        let again = loop {
            match client.request(Random) {
                Ok(number) => break number,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::yield_now();
        };
        assert_eq!(again, 2);
        client.close();
        drop(peer);
    });
}

/// Whether the client has let go, and has not come back: nobody waits to be accepted.
fn nobody_waits(listener: &TcpListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    listener.accept().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// G22: a server that breaks the protocol, or a limit, will do so again: that is for good.
#[test]
fn a_fatal_error_is_for_good() {
    let limit = "
        = frame 16
        C: notif
        S: OK
        S: notif: 0123456789abcdef
        S: <EOF>
    ";
    let protocol = "
        = unsolicited fatal
        C: notif
        S: OK
        S: 3007
        S: <EOF>
    ";
    for text in [limit, protocol] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (client, mut notifications) =
            persistent(text).tcp(listener.local_addr().unwrap()).unwrap();
        let peer = plays_on(accept(&listener, PATIENCE).unwrap(), text);
        let error = notifications.next().unwrap().unwrap_err();
        match &error {
            Error::NotConnected(Ended::Fault(
                Fault::Protocol { .. } | Fault::Limit { limit: LimitKind::Frame, .. },
            )) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(client.resending().request(Random), Err(error));
        assert_eq!(notifications.next(), None);
        assert!(nobody_waits(&listener));
        peer.finish().unwrap();
    }
}

/// G22: attempts in a row are bounded, where the server is gone …
#[test]
fn attempts_at_a_server_that_is_gone_are_bounded() {
    in_time(|| {
        let peer = plays(&["C: notif\nS: OK\nS: <EOF>"]);
        let (_client, mut notifications) = with_attempts("", 3).tcp(peer.address).unwrap();
        assert_eq!(next(&mut notifications), disconnected());
        let error = notifications.wait(PATIENCE).unwrap_err();
        let refused = io::ErrorKind::ConnectionRefused;
        assert!(
            matches!(&error, Error::NotConnected(Ended::Io { kind, .. }) if *kind == refused),
            "{error:?}"
        );
        peer.finish().unwrap();
    });
}

/// … and where it accepts and closes at once: that is no success.
#[test]
fn attempts_at_a_server_that_closes_at_once_are_bounded() {
    in_time(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            // The first connection and three attempts.
            for _ in 0..4 {
                drop(accept(&listener, PATIENCE).expect("too few attempts"));
            }
            listener
        });
        let (_client, mut notifications) = with_attempts("", 3).tcp(address).unwrap();
        let told: Vec<_> = notifications.by_ref().collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(matches!(told[0], Ok(Notice::Gap(Gap::Disconnected(_)))), "{told:?}");
        assert!(matches!(told[1], Err(Error::NotConnected(_))), "{told:?}");
        assert!(nobody_waits(&peer.join().unwrap()));
    });
}

/// G22: a pause outlives the connection; and with it over, listening is restored.
#[test]
fn a_pause_outlives_the_connection() {
    let (client, mut notifications, peer) = sessions(&[
        "
        C: notif
        S: OK
        S: notif: random
        C: stop_notif
        S: OK
        C: random?
        S: <EOF>
    ",
        "
        C: random?
        S: 1
        C: notif
        S: OK
        S: notif: random
    ",
    ]);
    assert_eq!(next(&mut notifications), "random");
    let pause = client.pause();
    assert!(client.request(Random).is_err());
    assert_eq!(client.resending().request(Random), Ok(1));
    drop(pause);
    let told: [String; 3] = std::array::from_fn(|_| next(&mut notifications));
    assert_eq!(told, [&disconnected(), "Resumed", "random"]);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G4, G22: what is counted, and who watches, goes on with the next connection.
#[test]
fn the_observer_sees_all_connections() {
    let texts = ["S: 1\nS: <EOF>", "S: 2\nC: notif\nS: OK"];
    let peer = plays(&texts);
    let mut connector = persistent("");
    let log = Log::default();
    connector.observer = Some(Box::new(log.clone()));
    let (client, mut notifications) = connector.tcp(peer.address).unwrap();
    assert_eq!(next(&mut notifications), disconnected());
    assert_eq!(next(&mut notifications), "Resumed");
    let closed = "closed: the connection was closed";
    assert_eq!(log.told(), ["unsolicited 1", closed, "unsolicited 2", "listening"]);
    assert_eq!(client.unsolicited(), 2);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G22: what a connection begins with is said again, and again if the server refuses it for now; when
/// it refuses for good, that is all.
#[test]
fn an_opening_is_repeated_while_its_refusal_passes() {
    let greeted = "S: * OK ready\nC: A1 SELECT INBOX\n";
    let begun = "S: A1 OK selected\nC: A2 IDLE\nS: + idling\nS: <EOF>";
    let ends = [
        begun,
        "S: A1 NO [UNAVAILABLE] come back\nC: <EOF>",
        "S: A1 no [inUse by=you] wait\nC: <EOF>",
        begun,
        "S: A1 NO [NONEXISTENT] gone\nC: <EOF>",
    ];
    let texts = ends.map(|end| [greeted, end].concat());
    let peer = plays(&texts.each_ref().map(String::as_str));
    let mut connector = Connector::new(Imap::default());
    connector.opening.push(Box::new(Select("INBOX".into())));
    connector.reconnect = persistent("").reconnect.clone();
    let (_client, notifications) = connector.tcp(peer.address).unwrap();
    let told: Vec<_> = notifications.collect();
    let gap = Notice::Gap(Gap::Disconnected(CLEANLY));
    let gone = BadReply::Refused("NO [NONEXISTENT] gone".into());
    let gone = Ended::Opening(Box::new(Error::BadReply(gone)));
    assert_eq!(
        told,
        [Ok(gap.clone()), Ok(Notice::Resumed), Ok(gap), Err(Error::NotConnected(gone))]
    );
    peer.finish().unwrap();
}

/// G1: closing ends the wait for a connection, too.
#[test]
fn closing_ends_the_wait_for_a_connection() {
    in_time(|| {
        let peer = plays(&["C: notif\nS: OK\nS: <EOF>"]);
        let mut connector = persistent("");
        let long = Duration::from_secs(3600);
        let policy = connector.reconnect.as_mut().unwrap();
        (policy.first, policy.longest) = (long, long);
        let (client, mut notifications) = connector.tcp(peer.address).unwrap();
        assert_eq!(next(&mut notifications), disconnected());
        let reader = thread::spawn(move || notifications.next());
        let asker = thread::spawn({
            let client = client.resending().within(None);
            move || client.request(Random)
        });
        client.close();
        assert_eq!(reader.join().unwrap(), None);
        assert!(matches!(asker.join().unwrap(), Err(Error::NotConnected(_))));
        peer.finish().unwrap();
    });
}
