//! What the tests with a real Dovecot share: clients that begin as mail programs do.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use bellwire::Answer;
use bellwire::dialect::imap::{Append, Ask, Imap, Login, Select};
use bellwire_blocking::{Connector, Notice, Opening};
use bellwire_test_servers::Dovecot;

use crate::real::{PATIENCE, Wire};

pub(crate) type Client = bellwire_blocking::Client<Imap>;
pub(crate) type Notifications = bellwire_blocking::Notifications<Imap>;

/// It may say a password: nobody listens in on loopback.
pub(crate) fn imap() -> Imap {
    let mut imap = Imap::default();
    imap.insecure = true;
    imap
}

pub(crate) fn opening() -> Vec<Box<dyn Opening<Imap>>> {
    vec![Box::new(Login::new("test", "secret")), Box::new(Select("INBOX".into()))]
}

/// Connects to where mail is.
pub(crate) fn connector() -> Connector<Imap> {
    let mut connector = Connector::new(imap());
    connector.opening = opening();
    connector.config.timers.reply = Some(PATIENCE);
    connector
}

/// A client who has opened the inbox.
pub(crate) fn session(dovecot: &Dovecot) -> (Client, Notifications) {
    connector().tcp(dovecot.address()).unwrap()
}

/// The same, and what is to be seen of it.
pub(crate) fn watched(dovecot: &Dovecot) -> (Client, Notifications, Wire) {
    watch(connector(), dovecot)
}

pub(crate) fn watch(
    mut connector: Connector<Imap>,
    dovecot: &Dovecot,
) -> (Client, Notifications, Wire) {
    let wire = Wire::default();
    connector.observer = Some(Box::new(wire.clone()));
    let (client, notifications) = connector.tcp(dovecot.address()).unwrap();
    (client, notifications, wire)
}

/// Another client, who only asks.
pub(crate) fn other(dovecot: &Dovecot) -> Client {
    session(dovecot).0
}

/// A mail with this subject.
pub(crate) fn mail(subject: &str, text: &str) -> String {
    format!("From: a@example.org\r\nSubject: {subject}\r\n\r\n{text}\r\n")
}

pub(crate) fn append(subject: &str) -> Append {
    Append { mailbox: "INBOX".into(), message: mail(subject, "text").into() }
}

pub(crate) fn ask(verb: &str, arguments: &str) -> Ask {
    let ask = Ask::new(verb);
    if arguments.is_empty() { ask } else { ask.text(arguments) }
}

/// The parts of an answer as text, a string each.
pub(crate) fn parts(answer: &Answer) -> Vec<String> {
    answer.parts.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// The next notice, as text; whether a message is new to this session is of no interest.
#[track_caller]
pub(crate) fn next(notifications: &mut Notifications) -> String {
    loop {
        match notifications.wait(PATIENCE) {
            Ok(Some(notice)) if notice.is("RECENT") => {}
            Ok(Some(Notice::Notification(it))) => {
                // Larger than any news is.
                let text = &it.text[..it.text.len().min(200)];
                break String::from_utf8_lossy(text).into();
            }
            Ok(Some(notice)) => break format!("{notice:?}"),
            Ok(None) => panic!("no notice came"),
            Err(error) => break error.to_string(),
        }
    }
}

/// Delivers so many mails; UIDs are counted from 1, and each says its own.
pub(crate) fn fill(dovecot: &Dovecot, count: u32) {
    (1..=count).for_each(|uid| dovecot.deliver(&subject(uid)));
}

fn subject(uid: u32) -> String {
    format!("this is {uid}.")
}

/// What only the mail with this UID can be the answer to.
pub(crate) fn question(uid: u32) -> Ask {
    ask("UID FETCH", &format!("{uid} (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
}

/// Whether it is.
pub(crate) fn is_answered(uid: u32, answer: &Answer) -> bool {
    let (about, says) = (format!("(UID {uid} BODY["), format!("Subject: {}\r\n", subject(uid)));
    let proof = |part: &String| part.contains(&about) && part.contains(&says);
    answer.reply.text.starts_with(b"OK Fetch completed") && parts(answer).iter().any(proof)
}

/// Asks that.
#[track_caller]
pub(crate) fn prove(client: &Client, uid: u32) {
    let answer = client.request(question(uid)).unwrap();
    assert!(is_answered(uid, &answer), "{uid}: {answer:?}");
}
