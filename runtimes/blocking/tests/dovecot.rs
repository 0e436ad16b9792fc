//! The adapter with a real Dovecot: mail that comes while a client idles, asks, or changes between the
//! two; and what others do to the messages.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use bellwire::Event;
use bellwire::dialect::imap::Append;
use bellwire_blocking::Observer;
use bellwire_test_servers::Dovecot;

use real::{Driven, PATIENCE, in_time};
use session::{append, ask, connector, mail, next, other, parts, session, watched};

#[path = "dovecot/commands.rs"]
mod commands;
#[path = "dovecot/life.rs"]
mod life;
#[path = "dovecot/opening.rs"]
mod opening;
mod real;
#[path = "dovecot/records.rs"]
mod records;
#[path = "dovecot/session.rs"]
mod session;

/// G6, G10: whoever delivers it.
#[test]
fn mail_that_comes_while_idling() {
    let Some(dovecot) = Dovecot::start() else { return };
    let (client, mut notifications, wire) = watched(&dovecot);
    client.listen();
    let (other, mut told) = (other(&dovecot), Vec::new());
    for round in 1..=4 {
        if round % 2 == 0 {
            dovecot.deliver("by a delivery agent");
        } else {
            other.request(append("by another client")).unwrap();
        }
        told.push(next(&mut notifications));
    }
    assert_eq!(told, ["* 1 EXISTS", "* 2 EXISTS", "* 3 EXISTS", "* 4 EXISTS"]);
    assert_eq!(wire.said(), ["LOGIN test \"***\"", "SELECT INBOX", "IDLE"]);
}

/// G6: in the order of the wire, each once.
#[test]
fn flags_and_expunges_by_another_client() {
    let Some(dovecot) = Dovecot::start() else { return };
    (0..3).for_each(|_| dovecot.deliver("mail"));
    // The first session is the one to which the messages are recent.
    let other = other(&dovecot);
    let (_client, mut notifications) = session(&dovecot);
    let flagged = r"* 2 FETCH (FLAGS (\Flagged))";
    let deleted = [r"* 1 FETCH (FLAGS (\Deleted))", r"* 3 FETCH (FLAGS (\Deleted))"];
    for (verb, arguments, told) in [
        ("STORE", r"2 +FLAGS (\Flagged)", &[flagged][..]),
        ("STORE", r"1,3 FLAGS (\Deleted)", &deleted),
        ("EXPUNGE", "", &["* 3 EXPUNGE", "* 1 EXPUNGE"]),
    ] {
        other.request(ask(verb, arguments)).unwrap();
        told.iter().for_each(|told| assert_eq!(next(&mut notifications), *told));
    }
}

/// G8, G10: DONE does not synchronise. Mail that comes in that instant is told before the end of IDLE,
/// as data of the command, or behind the next `+`; however it is, it is told once.
#[test]
fn mail_that_comes_in_the_instant_of_done() {
    in_time(|| {
        let Some(dovecot) = Dovecot::start() else { return };
        let (client, mut notifications, wire) = watched(&dovecot);
        let (other, driven) = (other(&dovecot), Driven::new(&client));
        client.listen();
        for round in 1..=20 {
            wire.wait_listening(round);
            let appended = other.send(append("now")).unwrap();
            let found = client.request(ask("UID SEARCH", &format!("UID {round}"))).unwrap();
            appended.wait().unwrap();
            // It has come before the search, or not.
            assert!(
                ["* SEARCH", &format!("* SEARCH {round}")].contains(&parts(&found)[0].as_str())
            );
            assert_eq!(next(&mut notifications), format!("* {round} EXISTS"));
        }
        drop(driven);
        assert_eq!(wire.said().iter().filter(|line| *line == "DONE").count(), 20);
    });
}

/// Stops at the first piece of what comes, until it may go on.
struct StopAtPiece {
    there: Sender<()>,
    go_on: Receiver<()>,
    stopped: bool,
}

impl Observer for StopAtPiece {
    fn event(&mut self, event: &Event<&[u8]>) {
        if matches!(event, Event::Piece { .. }) && !self.stopped {
            self.stopped = true;
            self.there.send(()).unwrap();
            self.go_on.recv_timeout(PATIENCE).unwrap();
        }
    }
}

/// G6, G8: it stands behind the data that the server was sending, and is told to those who wait for
/// notifications as well. What was asked for is not, however large it is.
#[test]
fn mail_that_comes_in_the_middle_of_large_messages() {
    const COUNT: usize = 16;
    let Some(dovecot) = Dovecot::start() else { return };
    let other = other(&dovecot);
    let mails: [String; COUNT] = std::array::from_fn(|number| {
        let line = format!("{number}: {{3}} A1 OK * 99 EXISTS {}\r\n", "x".repeat(number));
        mail("large", &line.repeat((1 << 20) / line.len()))
    });
    for message in mails.clone() {
        other.request(Append { mailbox: "INBOX".into(), message: message.into() }).unwrap();
    }
    let ((there, stopped), (resume, go_on)) = (mpsc::channel(), mpsc::channel());
    let mut connector = connector();
    connector.observer = Some(Box::new(StopAtPiece { there, go_on, stopped: false }));
    let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
    let asker = thread::spawn({
        let client = client.clone();
        move || client.request(ask("FETCH", &format!("1:{COUNT} (BODY.PEEK[])"))).unwrap()
    });
    stopped.recv_timeout(PATIENCE).unwrap();
    other.request(append("in the middle")).unwrap();
    resume.send(()).unwrap();
    let answer = asker.join().unwrap();
    let fetched = |number: usize| {
        let message = &mails[number];
        format!("* {} FETCH (BODY[] {{{}}}\r\n{message})", number + 1, message.len())
    };
    let answered = parts(&answer);
    for (number, part) in answered[..COUNT].iter().enumerate() {
        assert!(*part == fetched(number), "message {number} came as {} bytes", part.len());
    }
    assert_eq!(answered[COUNT], "* 17 EXISTS");
    assert!(answer.reply.text.starts_with(b"OK Fetch completed"), "{:?}", answer.reply.text);
    assert_eq!(next(&mut notifications), "* 17 EXISTS");
    client.request(append("the next")).unwrap();
    assert_eq!(next(&mut notifications), "* 18 EXISTS");
    assert_eq!(client.unsolicited(), 0);
}
