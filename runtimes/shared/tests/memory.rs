//! What a session keeps of what a server says: nothing that nobody wants (guarantee G12), and what is wanted as a
//! whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::{Closed, Config, Error, Failure, LimitKind};
use bellwire_adapter::{Ended, Notice, QueueId, RequestId, Session};

const MIB: usize = 1024 * 1024;

/// How much is too little to matter: what a machine and a few pieces take.
const LITTLE: usize = 256 * 1024;

fn mailbox() -> Session<Imap> {
    mailbox_of(Config::default())
}

fn mailbox_of(config: Config) -> Session<Imap> {
    let mut session = Session::new(Imap::default(), config, Arc::new([]), 16, None);
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
    let mut config = Config::default();
    config.limits.reply = MIB;
    let mut session = mailbox_of(config);
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

/// Who has waited too long for a picture may not take note of that for long.
#[test]
fn g12_a_picture_that_comes_too_late_is_forgotten() {
    let config = Config::default();
    let mut player = Session::new(Mpd::default(), config, Arc::new([]), 16, None);
    player.feed(b"OK MPD 0.23.5\n");
    player.tick(Duration::ZERO);
    player.request(&"readpicture a 0", Some(Duration::from_secs(1))).unwrap();
    let due = player.output().len();
    player.written(due);
    player.tick(Duration::ZERO);
    let picture = [b'x'; 16 * 1024];
    let cost = measure(|| {
        player.feed(format!("size: {0}\nbinary: {0}\n", 20 * MIB).as_bytes());
        (0..10 * MIB / picture.len()).for_each(|_| player.feed(&picture));
        player.tick(Duration::from_secs(2));
    });
    assert!(cost.bytes_max >= 10 * MIB as u64, "it is kept for the answer");
    is_little(cost.bytes_current);
}

/// What is told to who asks is not copied once more for readers that there are not.
#[test]
fn g12_a_whole_mail_is_copied_for_readers_only() {
    let mut session = mailbox();
    let id = ask(&mut session, None);
    mail_begins(&mut session, 20);
    let cost = measure(|| session.feed(b")\r\nA1 OK done\r\n"));
    assert!(cost.bytes_max < LITTLE as u64, "{} bytes", cost.bytes_max);
    assert!(session.outcome(id).unwrap().unwrap().parts.concat().len() > 20 * MIB);
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

/// A server cannot have a client read one answer for ever; but of IMAP's data, nobody knows whose they are, and what
/// was taken of them is no burden.
#[test]
fn g12_parts_that_were_taken_count_and_data_do_not() {
    let mut config = Config::default();
    config.limits.parts = 10;
    let mut player = Session::new(Mpd::default(), config.clone(), Arc::new([]), 16, None);
    player.feed(b"OK MPD 0.23.5\n");
    let id = player.request(&"listallinfo", None).unwrap();
    let due = player.output().len();
    player.written(due);
    for part in 1..=11 {
        assert_eq!(player.ended(), None, "before part {part}");
        player.feed(b"file: a\n");
        assert_eq!(player.part(id).is_some(), part <= 10);
    }
    let limit = LimitKind::Parts;
    assert!(
        matches!(player.ended(), Some(Ended::Fault(Error::Limit { limit: it, .. })) if *it == limit)
    );

    let mut mailbox = mailbox_of(config);
    let id = ask(&mut mailbox, None);
    for _ in 0..100 {
        mailbox.feed(b"* 1 EXPUNGE\r\n");
        assert!(mailbox.part(id).is_some());
    }
    assert_eq!(mailbox.ended(), None);
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
