//! A session without its I/O.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::{Awaiting, Class, To};
use bellwire::frame::Counted;
use bellwire::transcript::{Settings, Transcript, play};
use bellwire::{Client, Closed, Config, Dialect, Encoder, Framing, Notification, Refusal, Status};
use bellwire_adapter::{Drive, Ended, Notice, Recording, Session, Transport};

/// The server's side of a picture of ten bytes, which comes in pieces of four.
const PICTURE: &[u8] = b"size: 10\nbinary: 10\n0123456789\nOK\n";

fn player() -> Session<Mpd> {
    let mut dialect = Mpd::default();
    dialect.whole = 4;
    let mut session = Session::new(dialect, Config::default(), Arc::new([]), 16, None);
    session.feed(b"OK MPD 0.23.5\n");
    session
}

/// All that is due has been sent.
fn sent(session: &mut Session<Mpd>) {
    let due = session.output().len();
    session.written(due);
}

#[test]
fn g3_pieces_of_an_abandoned_part_begin_no_other() {
    for cut in 0..PICTURE.len() {
        let mut session = player();
        let first = session.request(&"readpicture a 0", None).unwrap();
        sent(&mut session);
        session.feed(&PICTURE[..cut]);
        session.abandon(first);
        let second = session.request(&"readpicture b 0", None).unwrap();
        let third = session.request(&"currentsong", None).unwrap();
        session.feed(&PICTURE[cut..]);
        sent(&mut session);
        session.feed(b"size: 6\nbinary: 6\nabcdef\nOK\n");
        sent(&mut session);
        session.feed(b"file: b\nOK\n");
        let answer = session.outcome(second).unwrap().unwrap();
        assert_eq!(
            answer.parts.last().unwrap(),
            "binary: 6\nabcdef",
            "abandoned after {cut} bytes"
        );
        let answer = session.outcome(third).unwrap().unwrap();
        assert_eq!(answer.parts.concat(), b"file: b", "abandoned after {cut} bytes");
    }
}

#[test]
fn a_part_in_pieces_is_whole_again() {
    let mut session = player();
    let picture = session.request(&"readpicture a 0", None).unwrap();
    sent(&mut session);
    for byte in PICTURE.chunks(1) {
        session.feed(byte);
    }
    let answer = session.outcome(picture).unwrap().unwrap();
    assert_eq!(answer.parts.last().unwrap(), "binary: 10\n0123456789");
}

/// A dialect whose replies hold counted bytes: `#N` at the end of a line, and N bytes behind it.
#[derive(Clone, Debug, Default)]
struct Numbered(Counted);

impl Dialect for Numbered {
    type Expect = ();

    fn frame(&mut self, input: &[u8], searched: usize, _: &mut Awaiting<'_, ()>) -> Framing {
        self.0.frame(input, searched, 4, |at| {
            let count = at.text.strip_prefix(b"#").map(String::from_utf8_lossy);
            Ok(count.and_then(|count| count.parse().ok()))
        })
    }

    fn classify(&mut self, _: &[u8], _: &mut Awaiting<'_, ()>) -> Class {
        Class::Reply { to: To::Oldest, status: Status::Done, text: 0 }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        line.push(text);
        line.end(b"\n");
        Ok(())
    }
}

#[test]
fn a_reply_in_pieces_is_whole_again() {
    let config = Config::default();
    let mut session = Session::new(Numbered::default(), config, Arc::new([]), 16, None);
    for reply in ["#10\n0123456789", "short", "#6\nabcdef"] {
        let id = session.request(&"next", None).unwrap();
        let due = session.output().len();
        session.written(due);
        for byte in reply.bytes() {
            session.feed(&[byte]);
        }
        session.feed(b"\n");
        let answer = session.outcome(id).unwrap().unwrap();
        assert_eq!(answer.reply.text, reply);
    }
}

/// G8: news in pieces reach who reads their topic, or everything else, as if they had come whole.
#[test]
fn g8_news_in_pieces_have_their_topic() {
    let mut dialect = Imap::default();
    dialect.whole = 4;
    let mut session = Session::new(dialect, Config::default(), Arc::new([]), 16, None);
    let [fetched, existing, other] =
        [Some("FETCH"), Some("EXISTS"), None].map(|it| session.inbox.open(it.map(Into::into)));
    session.feed(b"* OK\r\n");
    for (reader, topic, news) in [
        (fetched, "FETCH", "* 1 FETCH (BODY[] {8}\r\n01234567)"),
        (other, "GENURLAUTH", "* GENURLAUTH {9}\r\nimap://me"),
        (existing, "EXISTS", "* 2 EXISTS"),
        (fetched, "FETCH", "* 1 FETCH (BODY[] {8}\r\n01234567)"),
        (fetched, "FETCH", "* 2 FETCH (UID 3)"),
    ] {
        for byte in news.bytes().chain(*b"\r\n") {
            session.feed(&[byte]);
        }
        let told = Notification { topic: topic.into(), text: news.into() };
        assert_eq!(session.inbox.take(reader), Some(Notice::Notification(told)));
        for queue in [fetched, existing, other] {
            assert_eq!(session.inbox.take(queue), None, "{news}");
        }
    }
}

/// Where the server confirms nothing, notifications are there again once it was asked for them, also if it
/// then is silent for hours.
#[test]
fn resumed_is_told_when_the_server_was_asked() {
    let mut session = player();
    let queue = session.inbox.open(None);
    session.listen(true);
    sent(&mut session);
    session.closed(Ended::Closed(Closed::Cleanly));
    session.interrupted();
    assert!(matches!(session.inbox.take(queue), Some(Notice::Gap(_))));
    session.reconnected();
    session.feed(b"OK MPD 0.23.5\n");
    assert_eq!(session.inbox.take(queue), None);
    sent(&mut session);
    assert_eq!(session.inbox.take(queue), Some(Notice::Resumed));
}

/// Writes do not have to succeed at once, and what happens meanwhile comes too late for them. Who replays
/// the recording must not believe that it came in time.
#[test]
fn what_happens_during_a_write_is_recorded_behind_what_was_decided() {
    type Do = fn(&mut Session<Mpd>);
    let ask: Do = |session| {
        session.request(&"currentsong", None).unwrap();
    };
    let ask_soon: Do = |session| {
        session.request(&"status", Some(Duration::from_secs(1))).unwrap();
    };
    let listen: Do = |session| session.listen(true);
    let entered: Do = |session| {
        session.listen(true);
        sent(session);
        session.request(&"currentsong", None).unwrap();
    };
    let later: Do = |session| session.tick(Duration::from_secs(2));
    let changed: Do = |session| session.feed(b"changed: player\nOK\n");
    let unlisten: Do = |session| session.listen(false);
    let abandon: Do = |session| {
        let id = session.request(&"stats", None).unwrap();
        session.abandon(id);
    };
    for (number, (before, meanwhile)) in [
        (listen, ask),
        (listen, unlisten),
        (ask_soon, later),
        (entered, changed),
        (ask, abandon),
        (listen, |_| {}),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut session, recorded) = recorded();
        before(&mut session);
        // As adapters do, so that deadlines begin.
        session.tick(Duration::ZERO);
        let due = session.output().to_vec();
        meanwhile(&mut session);
        assert!(session.output().starts_with(&due), "{number}");
        // In two writes.
        session.written(due.len() - 1);
        meanwhile(&mut session);
        session.output();
        session.written(1);
        sent(&mut session);
        session.tick(Duration::ZERO);
        let text = recorded.lock().unwrap()[0].clone();
        replays(&text);
        // It is a burden to whoever reads it, where it tells nothing.
        let decided = text.lines().any(|line| line == "! decide");
        assert_eq!(decided, number < 5, "{text}");
    }
}

/// The rest of a write that is blocked is tried again and again, which decides nothing; but what joins it
/// is decided then.
#[test]
fn a_blocked_write_is_recorded_once() {
    let (mut session, recorded) = recorded();
    let decided = |text: &str| text.lines().filter(|line| *line == "! decide").count();
    session.request(&"currentsong", None).unwrap();
    for _ in 0..5 {
        session.output();
        session.tick(Duration::ZERO);
    }
    assert_eq!(decided(&recorded.lock().unwrap()[0]), 1);
    session.written("currentsong".len());
    let ping = session.request(&"ping", None).unwrap();
    assert_eq!(session.output(), b"\nping\n");
    session.abandon(ping);
    sent(&mut session);
    let text = &recorded.lock().unwrap()[0];
    assert_eq!(decided(text), 2, "{text}");
    replays(text);
}

/// What the connection before has not taken is nothing to the next one.
#[test]
fn the_next_connection_is_recorded_from_its_beginning() {
    let (mut session, recorded) = recorded();
    session.listen(true);
    session.output();
    session.closed(Ended::Closed(Closed::Cleanly));
    session.reconnected();
    session.feed(b"OK MPD 0.23.5\n");
    session.output();
    session.request(&"currentsong", None).unwrap();
    sent(&mut session);
    recorded.lock().unwrap().iter().for_each(|text| replays(text));
}

/// A server that is silent.
struct Silent;

impl Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Silent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Silent {}

thread_local! {
    static NOW: Cell<Instant> = Cell::new(Instant::now());
}

/// A transcript without the time is of little use to whoever looks for what took so long.
#[test]
fn time_is_recorded_whether_the_machine_asks_for_it_or_not() {
    let (session, recorded) = recorded();
    let mut drive: Drive<_, Silent> = Drive::new(session, None, || NOW.get());
    drive.connect(Box::new(Silent), false);
    for _ in 0..3 {
        NOW.set(NOW.get() + Duration::from_secs(1));
        let mut link = drive.take().unwrap();
        drive.tick(&mut link);
        drive.put(link);
        let id = drive.request(&"currentsong", None).unwrap();
        drive.session.abandon(id);
    }
    let text = &recorded.lock().unwrap()[0];
    assert_eq!(text.matches("\n.. 1s\n").count(), 3, "{text}");
    replays(text);
}

type Recorded = Arc<Mutex<Vec<String>>>;

/// A session of two commands at a time whose server has greeted, and the recordings of its connections.
fn recorded() -> (Session<Mpd>, Recorded) {
    let mut config = Config::default();
    config.in_flight = 2;
    let recorded = Recorded::default();
    let recording = Recording::new(&Mpd::default(), &config, {
        let recorded = Arc::clone(&recorded);
        move |connection, text| {
            let mut texts = recorded.lock().unwrap();
            texts.resize(connection as usize, String::new());
            texts.last_mut().unwrap().push_str(text);
            true
        }
    });
    let observer = Some(Box::new(recording) as _);
    let mut session = Session::new(Mpd::default(), config, Arc::new([]), 16, observer);
    session.feed(b"OK MPD 0.23.5\n");
    (session, recorded)
}

#[track_caller]
fn replays(text: &str) {
    let transcript: Transcript = text.parse().unwrap();
    let Settings { client, dialect, .. } = transcript.configure::<Mpd>().unwrap();
    let played = play::client(&transcript, Client::new(dialect, client), &mut |_| {});
    assert!(played.is_ok(), "{}\n{text}", played.unwrap_err());
}
