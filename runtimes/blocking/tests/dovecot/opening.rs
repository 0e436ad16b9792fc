//! What a connection begins with: logging in and opening a mailbox, and what becomes of the connection
//! if the server refuses (guarantee G22).

use std::time::Duration;

use bellwire::dialect::imap::{Authenticate, Examine, Imap, Login, Select};
use bellwire::{BadReply, Refusal};
use bellwire_blocking::{Connector, Ended, Error, Opening, Reconnect};
use bellwire_test_servers::Dovecot;

use super::real::{Driven, PATIENCE, Wire};
use super::session::{
    Notifications, append, ask, connector, imap, next, opening, other, parts, session, watch,
    watched,
};

/// As [`connector`], and connecting again without much delay.
fn persistent() -> Connector<Imap> {
    let mut policy = Reconnect::default();
    policy.first = Duration::from_millis(20);
    policy.longest = Duration::from_millis(100);
    let mut connector = connector();
    connector.reconnect = Some(policy);
    connector
}

fn beginning_with(opening: impl Opening<Imap> + 'static) -> Connector<Imap> {
    let mut connector = persistent();
    connector.opening = vec![Box::new(opening)];
    connector
}

/// Connects, and is refused. Says why, and what was said on the only connection.
#[track_caller]
fn refused(mut connector: Connector<Imap>, dovecot: &Dovecot) -> (Error, Vec<String>) {
    let wire = Wire::default();
    connector.observer = Some(Box::new(wire.clone()));
    match connector.tcp(dovecot.address()) {
        Err(Error::NotConnected(Ended::Opening(why))) => {
            assert_eq!(wire.lines("#").len(), 1);
            (*why, wire.said())
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("connected"),
    }
}

#[track_caller]
fn assert_refused(why: &Error, with: &str) {
    match why {
        Error::BadReply(BadReply::Refused(text)) => {
            let text = String::from_utf8_lossy(text);
            assert!(text.starts_with(with), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert!(!why.is_transient());
    assert!(!Ended::Opening(Box::new(why.clone())).is_transient());
}

#[track_caller]
fn assert_lost(notifications: &mut Notifications) {
    let told = next(notifications);
    assert!(told.starts_with("Gap(Disconnected("), "{told}");
}

#[test]
fn a_wrong_password_is_for_good() {
    let Some(dovecot) = Dovecot::start() else { return };
    let (why, said) = refused(beginning_with(Login::new("test", "wrong")), &dovecot);
    assert_refused(&why, "NO [AUTHENTICATIONFAILED]");
    assert_eq!(said, ["LOGIN test \"***\""]);
    let (why, said) = refused(beginning_with(Authenticate::plain("test", "wrong")), &dovecot);
    assert_refused(&why, "NO [AUTHENTICATIONFAILED]");
    assert_eq!(said, ["AUTHENTICATE PLAIN ***"]);
}

#[test]
fn a_wrong_mailbox_is_for_good() {
    let Some(dovecot) = Dovecot::start() else { return };
    let mut connector = persistent();
    connector.opening[1] = Box::new(Select("nosuch".into()));
    let (why, said) = refused(connector, &dovecot);
    assert_refused(&why, "NO Mailbox doesn't exist: nosuch");
    assert_eq!(said, ["LOGIN test \"***\"", "SELECT nosuch"]);
}

/// A password is said neither where it could be read, nor to a server that does not want to hear it.
#[test]
fn a_password_in_the_clear_is_not_said() {
    let Some(dovecot) = Dovecot::options().disable_plaintext_auth(true).start() else { return };
    for (dialect, opening, refusal) in [
        (Imap::default(), opening(), Refusal::Insecure),
        (
            Imap::default(),
            vec![Box::new(Authenticate::plain("test", "secret")) as _],
            Refusal::Insecure,
        ),
        (imap(), opening(), Refusal::NotOffered("LOGIN")),
    ] {
        let mut connector = persistent();
        (connector.dialect, connector.opening) = (dialect, opening);
        let (why, said) = refused(connector, &dovecot);
        assert_eq!(why, Error::Refused(refusal));
        assert!(!why.is_transient());
        assert_eq!(said, [""; 0]);
    }
    // Nor does the server take it.
    let (why, _) = refused(beginning_with(Authenticate::plain("test", "secret")), &dovecot);
    assert_refused(&why, "NO [PRIVACYREQUIRED]");
}

#[test]
fn a_session_that_needs_no_login() {
    let Some(dovecot) = Dovecot::start() else { return };
    let wire = Wire::default();
    let mut connector = connector();
    connector.dialect = Imap::default();
    connector.observer = Some(Box::new(wire.clone()));
    let (_client, mut notifications) = connector.over(dovecot.preauthenticated()).unwrap();
    other(&dovecot).request(append("news")).unwrap();
    assert_eq!(next(&mut notifications), "* 1 EXISTS");
    assert_eq!(wire.said(), ["SELECT INBOX", "IDLE"]);
}

#[test]
fn a_mailbox_to_read_only() {
    let Some(dovecot) = Dovecot::start() else { return };
    dovecot.deliver("mail");
    let mut connector = connector();
    connector.opening[1] = Box::new(Examine("INBOX".into()));
    let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
    let stored = client.request(ask("STORE", r"1 +FLAGS (\Seen)")).unwrap();
    assert!(stored.reply.text.starts_with(b"OK Store ignored with read-only mailbox"));
    other(&dovecot).request(append("news")).unwrap();
    assert_eq!(next(&mut notifications), "* 2 EXISTS");
}

/// With what it may say at once (SASL-IR), and when it is asked for it.
#[test]
fn authenticate_plain() {
    let at_once = ["AUTHENTICATE PLAIN ***"].as_slice();
    let asked = ["AUTHENTICATE PLAIN", "***"].as_slice();
    let lesser = Dovecot::options().setting("imap_capability", "IMAP4rev1 IDLE AUTH=PLAIN");
    for (options, said) in [(Dovecot::options(), at_once), (lesser, asked)] {
        let Some(dovecot) = options.start() else { return };
        let mut connector = connector();
        connector.opening[0] = Box::new(Authenticate::plain("test", "secret"));
        let (client, _notifications, wire) = watch(connector, &dovecot);
        assert_eq!(parts(&client.request(ask("SEARCH", "ALL")).unwrap()), ["* SEARCH"]);
        assert_eq!(wire.said(), [said, &["SELECT INBOX", "SEARCH ALL"]].concat());
    }
}

/// G8: the gap; that the server notifies again; how many messages there are, as SELECT says, which the
/// connection begins with; and what is new after that.
#[test]
fn a_server_that_is_killed_and_started_again() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let (client, mut notifications, wire) = watch(persistent(), &dovecot);
    dovecot.deliver("before");
    assert_eq!(next(&mut notifications), "* 1 EXISTS");
    for round in 1..=3 {
        dovecot.kill();
        assert_lost(&mut notifications);
        dovecot.deliver("meanwhile");
        dovecot.restart();
        let exists = |more| format!("* {} EXISTS", 2 * round + more);
        assert_eq!(next(&mut notifications), "Resumed");
        assert!(client.opened()[1].parts.contains(&exists(0).into()));
        dovecot.deliver("after");
        assert_eq!(next(&mut notifications), exists(1));
    }
    let each = ["LOGIN test \"***\"", "SELECT INBOX", "IDLE"];
    assert_eq!(wire.said(), each.repeat(4));
}

/// A password that has changed meanwhile is no reason to try again and again.
#[test]
fn a_password_that_changes_ends_reconnecting() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let (client, mut notifications, wire) = watch(persistent(), &dovecot);
    client.listen();
    dovecot.kill();
    dovecot.set_password("changed");
    dovecot.restart();
    assert_lost(&mut notifications);
    match notifications.wait(PATIENCE) {
        Err(Error::NotConnected(Ended::Opening(why))) => {
            assert_refused(&why, "NO [AUTHENTICATIONFAILED]");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(client.resending().request("NOOP"), Err(Error::NotConnected(_))));
    assert_eq!(wire.said().iter().filter(|line| line.starts_with("LOGIN")).count(), 2);
    assert_eq!(dovecot.log().matches("Password mismatch").count(), 1);
}

/// RFC 5530: the server says itself that this refusal passes.
#[test]
fn a_refusal_that_passes_is_tried_again() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    dovecot.lose_passwords();
    dovecot.restart();
    let (why, _) = refused(persistent(), &dovecot);
    assert!(
        matches!(&why, Error::Unavailable(text) if text.starts_with(b"NO [UNAVAILABLE]")),
        "{why:?}"
    );
    assert!(why.is_transient());
    dovecot.set_password("secret");
    dovecot.restart();
    let (client, mut notifications, wire) = watch(persistent(), &dovecot);
    client.listen();
    dovecot.kill();
    dovecot.lose_passwords();
    dovecot.restart();
    assert_lost(&mut notifications);
    let driven = Driven::new(&client);
    wire.wait_for("> refused 1 NO [UNAVAILABLE]", 2);
    dovecot.set_password("secret");
    assert_eq!(next(&mut notifications), "Resumed");
    drop(driven);
}

/// A connection that was lost counts until the server has found out: Dovecot's `[LIMIT]`.
#[test]
fn too_many_connections_are_tried_again() {
    let options = Dovecot::options().setting("mail_max_userip_connections", "1");
    let Some(dovecot) = options.start() else { return };
    let (first, _) = session(&dovecot);
    let (why, said) = refused(persistent(), &dovecot);
    assert!(matches!(&why, Error::Unavailable(text) if text.starts_with(b"NO [LIMIT]")), "{why:?}");
    assert!(why.is_transient());
    assert_eq!(said, ["LOGIN test \"***\""]);
    drop(first);
}

#[test]
fn what_it_begins_with_is_watched() {
    let Some(dovecot) = Dovecot::start() else { return };
    let (client, _notifications, wire) = watched(&dovecot);
    client.request("NOOP").unwrap();
    let acts = ["open", "opening LOGIN test \"***\"", "opening SELECT INBOX", "opened"];
    assert_eq!(wire.lines("! ")[..4], acts);
}
