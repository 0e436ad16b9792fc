//! The verbs that adapters use, and what a dialect has that says nothing about it.

use std::time::Duration;

use bellwire::command::{Command, Encoder};
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::{Notif, Random};
use bellwire::dialect::{Awaiting, Class, Dialect, Spoken, To, Word};
use bellwire::frame;
use bellwire::{
    Answer, BadReply, Client, Closed, Config, Error, Event, Excerpt, Framing, LimitKind,
    Notification, Refusal, Reply, Server, ServerConfig, ServerEvent, Status, Wait,
};

mod common;

use common::{plain, secs, sent, told};

/// G1, G18: given up for a reason that only an adapter sees: outcomes come first, then the reason, again
/// and again.
#[test]
fn given_up() {
    let mut client = plain(|_| {});
    client.command(Random).unwrap();
    client.output();
    client.command(Random).unwrap();
    client.feed(b"456");
    let excerpt = Excerpt::new(b"456");
    client.give_up(Error::Limit { limit: LimitKind::Reply, allowed: 2, excerpt });
    let ended = told(&mut client);
    assert_eq!(
        ended[..2].join("; "),
        "unanswered 1 the connection ended; never-sent 2 the connection ended"
    );
    assert!(ended[2].starts_with("error: "), "{ended:?}");
    client.feed(b"902234\r\n");
    assert_eq!(told(&mut client), ended[2..]);
    assert!(client.is_closed());
}

/// G17: whoever looks at his transport before he tells the time has to know when that matters.
#[test]
fn overdue() {
    let mut client = plain(|config| config.timers.reply = Some(secs(5)));
    assert!(!client.is_overdue(Duration::MAX));
    client.tick(secs(10));
    client.command(Random).unwrap();
    client.tick(secs(10));
    assert!(!client.is_overdue(secs(14)));
    assert!(client.is_overdue(secs(15)));
    client.give_up(Error::Desynchronised { held: 0 });
    assert!(!client.is_overdue(secs(15)));
}

/// The same at the other end.
#[test]
fn overdue_at_the_server() {
    let mut config = ServerConfig::default();
    config.timers.silence = Some(secs(60));
    let mut server = Server::new(Notif::default(), config);
    assert!(!server.is_overdue(Duration::MAX));
    server.tick(secs(0));
    assert!(!server.is_overdue(secs(59)));
    assert!(server.is_overdue(secs(60)));
    // It has ended, so nothing passes any more.
    assert_eq!(server.tick(secs(60)).next(), Err(Error::TimedOut(Wait::Silence)));
    assert!(!server.is_overdue(secs(61)));
}

/// Each line is answered by a line, behind any number of lines that begin with `+`; a line that begins with
/// `!` is a notification, and one with `~` is data whose topic is not where it is said to be.
#[derive(Clone, Debug, Default)]
struct Bang {
    /// Whether there is something to ask a silent server.
    probes: bool,
}

impl Dialect for Bang {
    type Expect = ();

    fn frame(&mut self, input: &[u8], searched: usize, _: &mut Awaiting<'_, ()>) -> Framing {
        frame::line(input, searched)
    }

    fn classify(&mut self, frame: &[u8], _: &mut Awaiting<'_, ()>) -> Class {
        match frame {
            [b'!', topic @ ..] => Class::Notification { topic: 1..1 + topic.len() },
            [b'+', ..] => Class::Part { to: To::Oldest, text: 1 },
            [b'~', b'<', ..] => Class::Data { topic: frame.len()..1, news: true },
            [b'~', ..] => Class::Data { topic: 1..frame.len() + 1, news: true },
            _ => Class::Reply { to: To::Oldest, status: Status::Done, text: 0 },
        }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        line.text(text)?;
        line.end(b"\n");
        Ok(())
    }

    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<()> {
        let says = self.probes && word == Word::Probe;
        says.then(|| {
            line.push(b"ping");
            line.end(b"\n");
        })
    }
}

/// Commands need no greeting, bear no tag, and wait for the one before; no mode is entered.
#[test]
fn a_dialect_that_says_nothing_about_itself() {
    let mut client = Client::new(Bang::default(), Config::default());
    client.listen();
    client.command("time").unwrap();
    client.command("date").unwrap();
    assert_eq!(sent(&mut client), "time\n");
    client.feed(b"!door\n12:30\n");
    assert_eq!(told(&mut client), ["notification door", "reply 1 12:30"]);
    assert_eq!(sent(&mut client), "date\n");
    assert_eq!(client.dialect().spoken(b"date"), Spoken::Command { text: 0..4 });
    assert!(!client.dialect().passes(b"busy"));
}

/// G2: also where a dialect takes every line for an answer, one that came before a question is none.
#[test]
fn what_came_before() {
    let mut client = Client::new(Bang::default(), Config::default());
    client.feed(b"+12\n12:30\n");
    client.command("time").unwrap();
    assert_eq!(sent(&mut client), "time\n");
    assert_eq!(told(&mut client), ["unsolicited 12", "unsolicited 12:30"]);
    client.feed(b"+12\n12:31\n");
    assert_eq!(told(&mut client), ["part 1 12", "reply 1 12:31"]);
}

/// What the next lines say is not shown with a topic that is somewhere else.
#[test]
fn a_dialect_that_points_behind_the_line() {
    let mut client = Client::new(Bang::default(), Config::default());
    client.feed(b"!door\n~door\n~<door\n!door\n");
    for expected in ["door", "", "", "door"] {
        match client.events().next().unwrap() {
            Some(Event::Notification(Notification { topic, .. }) | Event::Data { topic, .. }) => {
                assert_eq!(topic, expected.as_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A silent server is not asked whether it lives, where there is nothing to ask, and not given up.
#[test]
fn a_dialect_without_a_probe() {
    let mut config = Config::default();
    config.timers.silence = Some(secs(60));
    let mut client = Client::new(Bang::default(), config);
    client.tick(secs(0));
    for seconds in (10..600).step_by(10) {
        client.tick(secs(seconds));
        assert_eq!((sent(&mut client), told(&mut client)), (String::new(), Vec::new()));
    }
}

/// A silent server is asked also where there is no mode to leave for that.
#[test]
fn a_dialect_without_a_mode() {
    let mut config = Config::default();
    config.timers.silence = Some(secs(60));
    let mut client = Client::new(Bang { probes: true }, config);
    client.tick(secs(0));
    client.tick(secs(60));
    assert_eq!((told(&mut client), sent(&mut client).as_str()), (Vec::new(), "ping\n"));
    client.feed(b"pong\n");
    assert_eq!(told(&mut client), [""; 0]);
}

/// Where leaving the mode is answered, it waits until there is room for one more on the wire.
#[test]
fn leaving_waits_for_room() {
    let mut dialect = Notif::default();
    dialect.ask_in_mode = true;
    let mut client = Client::new(dialect, Config::default());
    client.listen();
    assert_eq!(sent(&mut client), "notif\r\n");
    client.feed(b"OK\r\n");
    assert_eq!(told(&mut client), ["listening"]);
    client.command(Random).unwrap();
    assert_eq!(sent(&mut client), "random?\r\n");
    client.unlisten();
    assert_eq!(sent(&mut client), "");
    client.feed(b"4\r\n");
    assert_eq!(told(&mut client), ["reply 1 4"]);
    assert_eq!(sent(&mut client), "stop_notif\r\n");
}

/// Whether a connection still has to begin.
#[test]
fn opening() {
    let mut client = plain(|_| {});
    assert!(!client.is_opening());
    client.open();
    assert!(client.is_opening());
    client.opened();
    assert!(!client.is_opening());
}

/// G15, G18: a server that has given up asks for no more time.
#[test]
fn no_deadline_after_a_fault() {
    let mut server = asked(|config| config.timers.silence = Some(secs(60)), Some("4"));
    server.output();
    server.written(3);
    server.tick(secs(0));
    assert!(server.tick(secs(60)).next().is_err());
    assert_eq!(server.deadline(), None);
}

/// Shows how the encoder shows itself, behind what it has written.
#[derive(Debug)]
struct Shown;

impl Command<Bang> for Shown {
    type Reply = ();

    fn encode(&self, _: &Bang, line: &mut Encoder<'_>) -> Result<(), Refusal> {
        line.text(b"secret")?;
        let shown = format!("{line:?}");
        line.text(shown.as_bytes())?;
        line.end(b"\n");
        Ok(())
    }

    fn decode(&self, _: Answer) -> Result<(), BadReply> {
        Ok(())
    }
}

/// Of what is written, `Debug` shows how much it is only; of a command, not of those before it. A command
/// has to be given, unless it says something else.
#[test]
fn the_encoder_shows_no_bytes() {
    let mut client = Client::new(Bang::default(), Config::default());
    client.output();
    client.command("a").unwrap();
    client.command(Shown).unwrap();
    assert_eq!(sent(&mut client), "a\n");
    client.feed(b"1\n");
    assert!(matches!(client.events().next(), Ok(Some(Event::Reply { .. }))));
    assert_eq!(sent(&mut client), "secretEncoder { length: 6, .. }\n");
    assert!(Shown.is_due(&Bang::default()));
    assert!(<&Shown as Command<Bang>>::is_due(&&Shown, &Bang::default()));
}

/// A server that heard `random?` and, with `reply`, has answered.
fn asked(change: impl FnOnce(&mut ServerConfig), reply: Option<&str>) -> Server<Notif> {
    let mut config = ServerConfig::default();
    change(&mut config);
    let mut server = Server::new(Notif::default(), config);
    server.tick(secs(0));
    server.feed(b"random?\r\n");
    let Ok(Some(ServerEvent::Command { ticket, .. })) = server.events().next() else {
        panic!("no command")
    };
    if let Some(reply) = reply {
        server.reply(ticket, Reply::done(reply)).unwrap();
    }
    server
}

/// Nothing is no sign of life, and no progress.
#[test]
fn nothing_heard_and_nothing_written() {
    let mut server = asked(|config| config.timers.silence = Some(secs(60)), Some("4"));
    server.output();
    server.written(3);
    server.tick(secs(0));
    server.tick(secs(30));
    server.feed(b"");
    server.tick(secs(30));
    assert_eq!(server.deadline(), Some(secs(60)));

    let mut server = asked(|config| config.timers.write = Some(secs(10)), Some("4"));
    server.output();
    server.tick(secs(0));
    server.written(0);
    assert_eq!(server.deadline(), Some(secs(10)));
}

/// The connection may be closed when the client has ended it, all commands have their answers, and the
/// transport has taken them.
#[test]
fn when_a_server_is_finished() {
    let mut server = asked(|_| {}, None);
    assert!(!server.is_finished());
    server.feed_eof();
    assert_eq!(server.events().next().unwrap(), Some(ServerEvent::Closed(Closed::Cleanly)));
    assert!(!server.is_finished());
    let mut server = asked(|_| {}, Some("4"));
    server.feed_eof();
    assert_eq!(server.events().next().unwrap(), Some(ServerEvent::Closed(Closed::Cleanly)));
    assert!(!server.is_finished());
    server.output();
    server.written(3);
    assert!(server.is_finished());
}

/// `Debug` of an event shows what the client said, and of a machine how much has come.
#[test]
fn shown_for_debugging() {
    let mut server = Server::new(Notif::default(), ServerConfig::default());
    server.feed(b"random?\r\nran");
    let event = format!("{:?}", server.events().next().unwrap().unwrap());
    assert_eq!(event, "ServerEvent(command 1 random?: \"random?\")");
    let shown = format!("{server:?}");
    assert!(shown.contains("Input { received: 12, pending: 3, searched: 0, "), "{shown}");

    let mut server = Server::new(Mpd::default(), ServerConfig::default());
    assert_eq!(server.feed(b"command_list_begin\nping\n").next(), Ok(None));
    assert!(format!("{server:?}").contains("List { size: 5, heard: 0, .. }"), "{server:?}");

    let mut client = plain(|_| {});
    client.command("random?").unwrap();
    client.command("classified?").unwrap();
    client.output();
    client.written(4);
    let shown = format!("{client:?}");
    assert!(shown.contains("Output { due: 5, .. }"), "{shown}");
    assert!(shown.contains("Spool { entries: [Spooled { ticket: Ticket(2)"), "{shown}");
    assert!(shown.contains("bytes: 13, .. }"), "{shown}");

    let mut client = Client::new(Imap::default(), Config::default());
    client.feed(b"* PREAUTH ready\r\n");
    told(&mut client);
    client.command("APPEND INBOX {5}\r\nhello").unwrap();
    assert_eq!(sent(&mut client), "A1 APPEND INBOX {5}\r\n");
    let shown = format!("{client:?}");
    assert!(shown.contains("Paused { number: 1, left: 7 }"), "{shown}");
}

/// What the transport is to be watched for: room for bytes that were shown and not taken yet.
#[test]
fn output_that_waits_for_room() {
    assert!(!asked(|_| {}, None).has_output());
    let mut server = asked(|_| {}, Some("4"));
    assert_eq!(server.output(), b"4\r\n");
    assert!(server.has_output());
    server.written(2);
    assert!(server.has_output());
    server.written(1);
    assert!(!server.has_output());
}
