//! The questions of the tutorial, asked over a real socket: the client against a server that plays a
//! transcript byte for byte.

use bellwire::dialect::notif::{Classified, Get, Random};
use bellwire::{Error as Fault, Refusal};
use bellwire_blocking::{Ended, Error};

mod common;

use common::{Log, PATIENCE, connector, held_session, next, plays, session, session_after};

/// The tutorial's example session, as it was recorded and as it was described.
#[test]
fn the_tutorials_session() {
    let recorded = "
        = spelling session
        = acknowledge
        C: random?
        S: 456902234
        C: classified?
        S: Nice appart in the 11e.
        C: _notif_
        S: will send notifs
        S: notif: classified
        C: OK
        S: notif: random
        C: OK
        C: stop_notif
        S: OK
        C: random?
        S: 89765234756\\x20\\x20
        C: _notif_
        S: will send notifs
        S: notif: classified
        C: OK
    ";
    let described = "
        C: random?
        S: 456902234
        C: classified?
        S: Nice appart in the 11e.
        C: notif
        S: OK
        S: notif: classified
        S: notif: random
        C: stop_notif
        S: OK
        C: random?
        S: 89765234756
        C: notif
        S: OK
        S: notif: classified
    ";
    for text in [recorded, described] {
        let (client, mut notifications, peer) = session(text);
        assert_eq!(client.request(Random), Ok(456_902_234));
        let ad = client.request(Classified).unwrap();
        assert_eq!(ad.as_deref(), Some("Nice appart in the 11e."));
        assert_eq!(next(&mut notifications), "classified");
        assert_eq!(next(&mut notifications), "random");
        assert_eq!(client.request(Random), Ok(89_765_234_756));
        assert_eq!(next(&mut notifications), "classified");
        drop((client, notifications));
        peer.finish().unwrap();
    }
}

/// G4: question a, data before any command. Reported to the observer, and counted.
#[test]
fn a_data_before_any_command_is_reported() {
    let text = "
        C: notif
        S: OK
        S: notif: random
    ";
    let peer = plays(&[&format!("S: 3007\n{text}")]);
    let mut connector = connector(text);
    let log = Log::default();
    connector.observer = Some(Box::new(log.clone()));
    let (client, mut notifications) = connector.tcp(peer.address).unwrap();
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(log.told(), ["unsolicited 3007", "listening", "notification random"]);
    assert_eq!(client.unsolicited(), 1);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G4: question a, when nobody wants to know.
#[test]
fn a_data_before_any_command_is_ignored() {
    let text = "
        = unsolicited ignore
        S: 3007
        C: notif
        S: OK
        S: notif: random
    ";
    let peer = plays(&[text]);
    let mut connector = connector(text);
    let log = Log::default();
    connector.observer = Some(Box::new(log.clone()));
    let (client, mut notifications) = connector.tcp(peer.address).unwrap();
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(log.told(), ["listening", "notification random"]);
    assert_eq!(client.unsolicited(), 1);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G4, G18: question a, when it is taken seriously: the connection is given up, and says so to all
/// who ask after it.
#[test]
fn a_data_before_any_command_is_fatal() {
    let (client, mut notifications, peer) = session(
        "
        = unsolicited fatal
        S: 3007
        C: notif
        S: <EOF>
    ",
    );
    for _ in 0..2 {
        let error = notifications.wait(PATIENCE).unwrap_err();
        assert!(matches!(error, Error::NotConnected(Ended::Fault(Fault::Protocol { .. }))));
    }
    let error = client.request(Random).unwrap_err();
    assert!(matches!(error, Error::NotConnected(Ended::Fault(Fault::Protocol { .. }))));
    assert!(!error.is_transient());
    peer.finish().unwrap();
}

/// G2, G7: question a at its hardest. What had come before the command was sent cannot answer it,
/// even if it looks like an answer: it is read first.
#[test]
fn a_data_that_looks_like_an_answer() {
    let text = "
        C: random?
        S: 456902234
    ";
    let (client, notifications, peer) = session_after(b"3007\r\n", text);
    assert_eq!(client.request(Random), Ok(456_902_234));
    assert_eq!(client.unsolicited(), 1);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G2, G4: question b, two answers to one command. The second reaches nobody.
#[test]
fn b_two_answers() {
    let (client, notifications, peer) = session(
        "
        C: random?
        S: 1
        S| 2
        C: random?
        S: 3
    ",
    );
    assert_eq!(client.request(Random), Ok(1));
    assert_eq!(client.request(Random), Ok(3));
    assert_eq!(client.unsolicited(), 1);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G2: question b with ids: the second answer reaches nobody whenever it comes.
#[test]
fn b_two_answers_by_id() {
    let (client, notifications, peer) = session(
        "
        = ids
        C: #1 random?
        S: #1 1
        C: #2 random?
        S: #1 1
        S: #2 3
    ",
    );
    assert_eq!(client.request(Random), Ok(1));
    assert_eq!(client.request(Random), Ok(3));
    assert_eq!(client.unsolicited(), 1);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G5: question c, the next command as soon as the answer is there: from within the loop over the
/// notifications that the answer came in.
#[test]
fn c_the_next_command_at_once() {
    let (client, mut notifications, peer) = session(
        "
        = ask-in-mode
        C: notif
        S: OK
        S: notif: random
        C: random?
        S: 1
        S| notif: random
        C: random?
        S: 2
        C: random?
        S: notif: random
        S| 3
    ",
    );
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(client.request(Random), Ok(1));
    assert_eq!(client.request(Random), Ok(2));
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(client.request(Random), Ok(3));
    assert_eq!(next(&mut notifications), "random");
    drop((client, notifications));
    peer.finish().unwrap();
}

fn burst(text: &str) {
    let (client, notifications, peer) = session(text);
    let first = client.send(Random).unwrap();
    let second = client.send(Classified).unwrap();
    let third = client.send(Get("weather")).unwrap();
    // Who waits first does not matter.
    assert_eq!(third.wait().unwrap(), "rain");
    assert_eq!(first.wait(), Ok(1));
    assert_eq!(second.wait().unwrap().as_deref(), Some("a flat"));
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G2: question d, a burst, spooled: each is sent when the one before has been answered.
#[test]
fn d_a_burst_spooled() {
    burst(
        "
        C: random?
        S: 1
        C: classified?
        S: a flat
        C: weather?
        S: rain
    ",
    );
}

/// G2: question d, a burst, pipelined: all are sent before any is answered.
#[test]
fn d_a_burst_pipelined() {
    burst(
        "
        = in-flight 8
        C: random?
        C| classified?
        C| weather?
        S: 1
        S| a flat
        S| rain
    ",
    );
}

/// G2: question d by id, in order and out of order.
#[test]
fn d_a_burst_by_id() {
    let asked = "
        = ids
        = in-flight 8
        C: #1 random?
        C: #2 classified?
        C: #3 weather?
    ";
    burst(&format!("{asked}\nS: #1 1\nS: #2 a flat\nS: #3 rain"));
    burst(&format!("{asked}\nS: #3 rain\nS| #1 1\nS: #2 a flat"));
}

/// G7, G9: question e, a notification at the very moment a command is sent: it crosses the client's
/// leaving of the mode, and again the command.
#[test]
fn e_a_notification_as_a_command_is_sent() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        C: stop_notif
        S: notif: random
        S: OK
        C: random?
        S: notif: classified
        S| 456902234
        C: notif
        S: OK
    ",
    );
    client.listen();
    assert_eq!(client.request(Random), Ok(456_902_234));
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(next(&mut notifications), "classified");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G7, G8: question f, a notification is on the wire while `stop_notif` is: it is told, and is not
/// taken for the answer.
#[test]
fn f_a_notification_crosses_stop_notif() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        S: notif: classified
        C: stop_notif
        S: notif: random
        S: OK
        C: random?
        S: 456902234
        C: notif
        S: OK
    ",
    );
    assert_eq!(next(&mut notifications), "classified");
    client.unlisten();
    assert_eq!(client.request(Random), Ok(456_902_234));
    assert_eq!(next(&mut notifications), "random");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G6, G7: question g, `notif` is answered late, after the first notification.
#[test]
fn g_notif_is_answered_late() {
    let text = "
        C: notif
        S: notif: random
        S: OK
        S: notif: classified
    ";
    let peer = plays(&[text]);
    let mut connector = connector(text);
    let log = Log::default();
    connector.observer = Some(Box::new(log.clone()));
    let (client, mut notifications) = connector.tcp(peer.address).unwrap();
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(next(&mut notifications), "classified");
    assert_eq!(log.told(), ["notification random", "listening", "notification classified"]);
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G10: question h, `notif` and `stop_notif` in quick succession: while one is unanswered the other
/// is not sent, and what counts is what was wanted last.
#[test]
fn h_listen_and_unlisten_many_times() {
    let not_wanted = "
        C: notif
        S: OK
        C: stop_notif
        S: OK
        C: random?
        S: 1
    ";
    let (client, notifications, peer) = held_session(not_wanted);
    for _ in 0..100 {
        client.listen();
        client.unlisten();
    }
    peer.release();
    assert_eq!(client.request(Random), Ok(1));
    drop((client, notifications));
    peer.finish().unwrap();

    let wanted = "
        C: notif
        S: OK
        S: notif: random
    ";
    let (client, mut notifications, peer) = held_session(wanted);
    for _ in 0..100 {
        client.unlisten();
        client.listen();
    }
    peer.release();
    assert_eq!(next(&mut notifications), "random");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G9: question i, a command while in the mode: leave, ask, enter again.
#[test]
fn i_a_command_in_the_mode() {
    let (client, mut notifications, peer) = session(
        "
        C: notif
        S: OK
        S: notif: random
        C: stop_notif
        S: OK
        C: random?
        S: 456902234
        C: notif
        S: OK
        S: notif: classified
    ",
    );
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(client.request(Random), Ok(456_902_234));
    assert_eq!(next(&mut notifications), "classified");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G7: question i, where the server answers in the mode: nothing is left, nothing mistaken.
#[test]
fn i_a_command_in_the_mode_without_leaving() {
    let (client, mut notifications, peer) = session(
        "
        = ask-in-mode
        C: notif
        S: OK
        S: notif: random
        C: random?
        S: notif: classified
        S| 456902234
        S| notif: random
    ",
    );
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(client.request(Random), Ok(456_902_234));
    assert_eq!(next(&mut notifications), "classified");
    assert_eq!(next(&mut notifications), "random");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G7: question k, a reply that begins with `notif:`. There is no such reply; the line is a
/// notification, and the next one answers.
#[test]
fn k_a_reply_that_begins_with_notif() {
    let (client, mut notifications, peer) = session(
        "
        C: classified?
        S: notif: cheap flat in the 11e
        S: Nice appart in the 11e.
        C: notif
        S: OK
    ",
    );
    let ad = client.request(Classified).unwrap();
    assert_eq!(ad.as_deref(), Some("Nice appart in the 11e."));
    assert_eq!(next(&mut notifications), "cheap flat in the 11e");
    drop((client, notifications));
    peer.finish().unwrap();
}

/// G13: question k, a command that would be two, none, or the machine's own is refused; nothing of it
/// is sent.
#[test]
fn k_a_command_that_would_forge_another() {
    let (client, notifications, peer) = session(
        "
        C: random?
        S: 1
    ",
    );
    for (command, byte, at) in [
        ("random?\r\nstop_notif", b'\r', 7),
        ("random?\nstop_notif", b'\n', 7),
        ("random?\n", b'\n', 7),
        ("ran\0dom?", 0, 3),
    ] {
        let refused = client.request(command).unwrap_err();
        assert_eq!(refused, Error::Refused(Refusal::Forbidden { byte, at }), "{command:?}");
        assert!(!refused.is_transient());
    }
    assert_eq!(client.request("").unwrap_err(), Error::Refused(Refusal::Empty));
    assert!(matches!(client.request("notif"), Err(Error::Refused(Refusal::Reserved(_)))));
    assert_eq!(client.request(Random), Ok(1));
    drop((client, notifications));
    peer.finish().unwrap();
}
