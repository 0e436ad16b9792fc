//! How lines are read and written: topics with blanks around them, ids, and replies as values.

use bellwire::dialect::notif::{Classified, Get, Notif};
use bellwire::dialect::{Said, ServerDialect};
use bellwire::{
    Answer, Client, Command, Config, Event, Refusal, Reply, Server, ServerConfig, ServerEvent,
};
use bytes::Bytes;

use super::{asked, say};

/// Blanks around a topic are not its own, so one that has some cannot be announced.
#[test]
fn blanks_around_a_topic() {
    for (line, topic) in [
        ("notif: random", "random"),
        ("notif:random", "random"),
        ("notif:  random", "random"),
        ("notif: random ", "random"),
        ("notif: random\t", "random"),
        ("notif: two words", "two words"),
        ("notif: r", "r"),
        ("notif: ", ""),
        ("notif:", ""),
    ] {
        let mut client = Client::new(Notif::default(), Config::default());
        let mut events = client.feed(line.as_bytes());
        let mut events = events.feed(b"\r\n");
        match events.next() {
            Ok(Some(Event::Notification(told))) => assert_eq!(told.topic, topic.as_bytes()),
            other => panic!("{line:?}: {other:?}"),
        }
        let Said::Notification(said) = Notif::default().said(line.as_bytes()) else { panic!() };
        assert_eq!(&line[said], topic);
    }
    let mut server = Server::new(Notif::default(), ServerConfig::default());
    for topic in [" random", "random ", "random\t"] {
        let refused = server.notify(topic).unwrap_err().why;
        let why = Refusal::Reserved("blanks around a topic do not survive the wire");
        assert_eq!(refused, why, "{topic:?}");
    }
}

/// A number in front of a command comes back with its reply, if there is one way to write it.
#[test]
fn ids_come_back_as_they_went() {
    for (line, text, reply) in [
        ("#0 random?", "random?", "#0 4\r\n"),
        ("#7 random?", "random?", "#7 4\r\n"),
        ("#12 random?", "random?", "#12 4\r\n"),
        ("#18446744073709551615 random?", "random?", "#18446744073709551615 4\r\n"),
        ("#18446744073709551616 random?", "#18446744073709551616 random?", "4\r\n"),
        ("#07 random?", "#07 random?", "4\r\n"),
        ("#+7 random?", "#+7 random?", "4\r\n"),
        ("#7random?", "#7random?", "4\r\n"),
        ("# random?", "# random?", "4\r\n"),
    ] {
        let mut notif = Notif::default();
        notif.ids = true;
        let mut server = Server::new(notif, ServerConfig::default());
        let mut events = server.feed(format!("{line}\r\n").as_bytes());
        let ticket = match events.next().unwrap() {
            Some(ServerEvent::Command { ticket, text: told, .. }) if told == text.as_bytes() => {
                ticket
            }
            other => panic!("{other:?}"),
        };
        server.reply(ticket, Reply::done("4")).unwrap();
        assert_eq!(server.output(), reply.as_bytes());
    }
}

/// What has been asked about is read: also where an id stands before it.
#[test]
fn a_question_reads_its_topic() {
    for line in [&b"random?\r\n"[..], b"#12 random?\r\n"] {
        let mut notif = Notif::default();
        notif.ids = true;
        let mut server = Server::new(notif, ServerConfig::default());
        server.notify("random").unwrap();
        server.notify("classified").unwrap();
        let ticket = asked(&mut server, line);
        server.reply(ticket, Reply::done("4")).unwrap();
        let due = server.output().len();
        server.written(due);
        assert_eq!(server.feed(b"notif\r\n").next().unwrap().unwrap().to_string(), "listening");
        assert_eq!(server.output(), b"OK\r\nnotif: classified\r\n");
    }
}

fn answer(reply: Reply<Bytes>) -> Answer {
    Answer { parts: Vec::new(), reply }
}

#[test]
fn replies_as_values() {
    let mut client = Client::new(Notif::default(), Config::default());
    let mut ask = |reply: &[u8]| {
        client.command(Classified).unwrap();
        say(&mut client, b"classified?\r\n");
        match client.feed(reply).next().unwrap().unwrap().into_owned() {
            Event::Reply { reply, .. } => Classified.decode(answer(reply)),
            other => panic!("{other}"),
        }
    };
    assert_eq!(ask(b"two rooms\r\n").unwrap().as_deref(), Some("two rooms"));
    assert_eq!(ask(b"\r\n").unwrap(), None);
    ask(b"\xff\r\n").unwrap_err();

    client.command(Get("weather")).unwrap();
    say(&mut client, b"weather?\r\n");
    match client.feed(b"rain\r\n").next().unwrap().unwrap().into_owned() {
        Event::Reply { reply, .. } => {
            assert_eq!(Get("weather").decode(answer(reply)).unwrap(), "rain");
        }
        other => panic!("{other}"),
    }
}
