//! The notif protocol's encoders, beside its other end.

use arbitrary::Unstructured;
use bellwire::dialect::notif::{Get, Newline, Notif};
use bellwire::transcript::escape;
use bellwire::{Client, Config, Event, Reply, Server, ServerConfig, Status};
use bytes::Bytes;

use super::{bytes, given, heard, one_line, served, taken, told};
use crate::cases::one_of;

/// A command, its answer, and a notification of the notif protocol, of any bytes.
pub fn notif(data: &[u8]) {
    let u = &mut Unstructured::new(data);
    let mut dialect = Notif::default();
    dialect.ids = one_of(u, &[false, true]);
    dialect.newline = one_of(u, &[Newline::CrLf, Newline::Lf]);
    let pair = || {
        let client = Client::new(dialect.clone(), Config::default());
        (client, Server::new(dialect.clone(), ServerConfig::default()))
    };
    let status = one_of(u, &[Status::Done, Status::Refused]);
    let (text, answer, topic) = (bytes(u), bytes(u), bytes(u));

    let (mut client, mut server) = pair();
    if let Ok(line) = given(&mut client, &text) {
        asked(&mut client, &mut server, text, &line, Reply { status, text: answer });
    }
    let (mut client, mut server) = pair();
    if let Ok(line) = given(&mut client, &Get(topic)) {
        let question = [topic, b"?"].concat();
        asked(&mut client, &mut server, &question, &line, Reply { status, text: answer });
    }
    let (mut client, mut server) = pair();
    announced(&mut client, &mut server, topic);
}

/// The server hears this question and no other, and its answer is the answer to it.
fn asked(
    client: &mut Client<Notif>,
    server: &mut Server<Notif>,
    text: &[u8],
    line: &[u8],
    reply: Reply<&[u8]>,
) {
    one_line(line);
    server.feed(line);
    let (ticket, question) = heard(server).expect("something is heard");
    assert!(heard(server).is_none(), "two commands: {}", escape(line));
    let Some(ticket) = ticket else {
        // It is no text for people; but it is one frame, with one answer.
        assert!(std::str::from_utf8(text).is_err(), "rejected: {}", escape(text));
        let answer = told(client, &served(server));
        let refused = |event: &Event<Bytes>| matches!(event, Event::Reply { reply, .. } if reply.status == Status::Refused);
        assert!(answer.len() == 1 && refused(&answer[0]), "{answer:?}");
        return;
    };
    assert_eq!(escape(&question), escape(text.trim_ascii_end()), "asked: {}", escape(line));

    let expected = match reply.status {
        Status::Refused if !reply.text.starts_with(b"error:") => [b"error: ", reply.text].concat(),
        _ => reply.text.to_vec(),
    };
    match server.reply(ticket, reply) {
        Err(refused) => {
            assert_eq!(refused.value, reply, "not handed back");
            assert_eq!(escape(&served(server)), "", "refused, and said all the same");
        }
        Ok(()) => match told(client, &line_of(server)).as_slice() {
            [Event::Reply { reply: heard, .. }] => {
                assert_eq!((heard.status, &*heard.text), (reply.status, &*expected));
            }
            // Whoever asks for a number does not take anything else for it.
            [Event::Unsolicited(_)] if text.trim_ascii() == b"random?" => {}
            other => panic!("{}: {other:?}", escape(&expected)),
        },
    }
}

fn line_of(server: &mut Server<Notif>) -> Vec<u8> {
    let line = served(server);
    one_line(&line);
    line
}

/// One notification of this topic is heard.
fn announced(client: &mut Client<Notif>, server: &mut Server<Notif>, topic: &[u8]) {
    client.listen();
    server.feed(&taken(client));
    while !matches!(server.events().next(), Ok(None)) {}
    told(client, &served(server));
    match server.notify(topic) {
        Err(refused) => {
            assert_eq!(refused.value, topic, "not handed back");
            assert_eq!(escape(&served(server)), "", "refused, and said all the same");
        }
        Ok(_) => match told(client, &line_of(server)).as_slice() {
            [Event::Notification(heard)] => assert_eq!(escape(&heard.topic), escape(topic)),
            other => panic!("{}: {other:?}", escape(topic)),
        },
    }
}
