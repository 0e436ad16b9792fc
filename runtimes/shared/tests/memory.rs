//! What a session keeps of what a server says: nothing that nobody wants (guarantee G12), and what is wanted as a
//! whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use bellwire::dialect::imap::Imap;
use bellwire::{Closed, Config, Failure};
use bellwire_adapter::{Ended, Notice, QueueId, RequestId, Session};

const MIB: usize = 1024 * 1024;

/// How much is too little to matter: what a machine and a few pieces take.
const LITTLE: usize = 256 * 1024;

fn mailbox() -> Session<Imap> {
    let mut session = Session::new(Imap::default(), Config::default(), Arc::new([]), 16, None);
    session.feed(b"* PREAUTH ready\r\n");
    session
}

/// All that is due has been sent.
fn sent(session: &mut Session<Imap>) {
    let due = session.output().len();
    session.written(due);
}

fn ask(session: &mut Session<Imap>, timeout: Option<Duration>) -> RequestId {
    let id = session.request(&"NOOP", timeout).unwrap();
    sent(session);
    id
}

/// A mail begins, and so many mebibytes of its twenty come.
fn mail_begins(session: &mut Session<Imap>, mebibytes: usize) {
    session.feed(format!("* 1 FETCH (BODY[] {{{}}}\r\n", 20 * MIB).as_bytes());
    mail_goes_on(session, mebibytes);
}

fn mail_goes_on(session: &mut Session<Imap>, mebibytes: usize) {
    let read = [b'x'; 16 * 1024];
    for _ in 0..mebibytes * MIB / read.len() {
        session.feed(&read);
    }
}

/// How many bytes of notifications wait, in the order of the wire.
fn told(session: &mut Session<Imap>, queue: QueueId) -> Vec<usize> {
    let notices = std::iter::from_fn(|| session.inbox.take(queue));
    notices
        .map(|notice| match notice {
            Notice::Notification(it) => it.text.len(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// How many more bytes a session has afterwards.
fn grows(session: &mut Session<Imap>, act: impl FnOnce(&mut Session<Imap>)) -> i64 {
    measure(|| act(session)).bytes_current
}

#[track_caller]
fn is_little(bytes: i64) {
    assert!(bytes < LITTLE as i64, "{bytes} bytes");
}

#[test]
fn g12_a_mail_that_nobody_wants_is_not_kept() {
    let mut session = mailbox();
    let cost = measure(|| {
        mail_begins(&mut session, 20);
        session.feed(b")\r\n");
    });
    assert!(cost.bytes_max < LITTLE as u64, "{} bytes", cost.bytes_max);

    let queue = session.inbox.open(None);
    session.feed(b"* 3 EXISTS\r\n");
    assert_eq!(told(&mut session, queue), ["* 3 EXISTS".len()]);
}

/// It may be larger than what is kept of one that is wanted.
#[test]
fn a_mail_that_nobody_wants_has_no_limit() {
    let mut session = Session::new(
        Imap::default(),
        {
            let mut config = Config::default();
            config.limits.reply = MIB;
            config
        },
        Arc::new([]),
        16,
        None,
    );
    session.feed(b"* PREAUTH ready\r\n");
    mail_begins(&mut session, 20);
    assert_eq!(session.ended(), None);
    // Of this, nobody knows how it began.
    session.inbox.open(None);
    session.feed(b")\r\n");
    assert_eq!(session.ended(), None);
}

/// Whoever begins to read in the middle of a mail, or to ask, gets nothing of it, rather than a half.
#[test]
fn g8_a_mail_is_told_as_a_whole_or_not_at_all() {
    let mut session = mailbox();
    mail_begins(&mut session, 10);
    let queue = session.inbox.open(None);
    let id = ask(&mut session, None);
    mail_goes_on(&mut session, 10);
    session.feed(b")\r\n* 2 EXPUNGE\r\nA1 OK done\r\n");
    assert_eq!(told(&mut session, queue), ["* 2 EXPUNGE".len()]);
    let answer = session.outcome(id).unwrap().unwrap();
    assert_eq!(answer.parts.concat(), b"* 2 EXPUNGE");

    mail_begins(&mut session, 20);
    session.feed(b")\r\n");
    let [length] = told(&mut session, queue)[..] else { panic!("not told once") };
    assert!(length > 20 * MIB);
}

#[test]
fn g12_a_mail_is_forgotten_when_its_last_reader_leaves() {
    let mut session = mailbox();
    let queues = [session.inbox.open(None), session.inbox.open(None)];
    let grown = grows(&mut session, |session| {
        mail_begins(session, 10);
        session.stop_reading(queues[0]);
    });
    assert!(grown >= 10 * MIB as i64, "it is kept for the other");
    is_little(grown + grows(&mut session, |session| session.stop_reading(queues[1])));

    let queue = session.inbox.open(None);
    mail_goes_on(&mut session, 10);
    session.feed(b")\r\n");
    assert_eq!(told(&mut session, queue), []);
}

#[test]
fn g12_a_mail_is_forgotten_when_nobody_asks_any_more() {
    type Do = fn(&mut Session<Imap>, RequestId);
    let abandon: Do = Session::abandon;
    let wait_too_long: Do = |session, id| {
        session.tick(Duration::from_secs(2));
        let outcome = session.outcome(id).unwrap();
        assert!(matches!(outcome, Err(Failure::SentUnanswered(_))), "{outcome:?}");
    };
    for stop in [abandon, wait_too_long] {
        let mut session = mailbox();
        session.tick(Duration::ZERO);
        let id = ask(&mut session, Some(Duration::from_secs(1)));
        session.tick(Duration::ZERO);
        let grown = grows(&mut session, |session| mail_begins(session, 10));
        assert!(grown >= 10 * MIB as i64, "it is kept for the answer");
        is_little(grown + grows(&mut session, |session| stop(session, id)));
    }
}

#[test]
fn g12_a_mail_is_forgotten_with_its_connection() {
    let mut session = mailbox();
    session.inbox.open(None);
    let cut = Ended::Closed(Closed::Cleanly);
    let grown = grows(&mut session, |session| {
        mail_begins(session, 10);
        session.closed(cut);
    });
    is_little(grown);
}

/// Readers of a single topic get nothing of what comes in pieces, nor of other topics.
#[test]
fn g12_a_mail_is_not_kept_for_readers_of_something_else() {
    let mut session = mailbox();
    let queue = session.inbox.open(Some("EXISTS".into()));
    is_little(grows(&mut session, |session| mail_begins(session, 20)));
    session.feed(b")\r\n* 3 EXISTS\r\n");
    assert_eq!(told(&mut session, queue), ["* 3 EXISTS".len()]);
}
