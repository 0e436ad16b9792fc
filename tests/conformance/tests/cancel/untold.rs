//! G2: what a wire without ids cannot tell is not told, and this is exactly what then happens; with ids
//! or tags, it is told. The table in the documentation of the core says the same.

use std::time::Duration;

use bellwire::dialect::imap::{Ask, Imap};
use bellwire::dialect::notif::{Get, Notif, Random};
use bellwire::{Client, Config, Dialect};

use crate::proof::{Proof, Spoken, numbered, pipelined, spooled};

fn client<D: Proof>(spoken: &Spoken<D>) -> Client<D> {
    let mut config = spoken.config.clone();
    config.timers.reply = Some(Duration::from_secs(5));
    config.timers.held = Some(Duration::from_secs(60));
    Client::new(spoken.dialect.clone(), config)
}

/// Asks `1?`, `2?`, `3?`.
fn asked(spoken: &Spoken<Notif>) -> Client<Notif> {
    let mut client = client(spoken);
    for number in 1..=3 {
        client.command(Get(number.to_string())).unwrap();
    }
    told(&mut client, "");
    client
}

/// What happens when the server says this, and all is written that is then due.
fn told<D: Dialect>(client: &mut Client<D>, said: &str) -> Vec<String> {
    let mut told = Vec::new();
    let mut events = client.feed(said.as_bytes());
    while let Some(event) = events.next().unwrap() {
        told.push(event.to_string());
    }
    let due = client.output().len();
    client.written(due);
    told
}

#[test]
fn a_reply_comes_twice() {
    // Spooled: told apart while nothing else is on the wire.
    let mut client = client(&spooled());
    client.command(Get("1")).unwrap();
    assert_eq!(told(&mut client, ""), [""; 0]);
    assert_eq!(told(&mut client, "1\r\n1\r\n"), ["reply 1 1", "unsolicited 1"]);
    client.command(Get("2")).unwrap();
    assert_eq!(told(&mut client, ""), [""; 0]);
    assert_eq!(told(&mut client, "2\r\n"), ["reply 2 2"]);

    // And taken for the next one's, if that is.
    let mut client = asked(&spooled());
    assert_eq!(told(&mut client, "1\r\n"), ["reply 1 1"]);
    assert_eq!(told(&mut client, "1\r\n"), ["reply 2 1"]);
    assert_eq!(told(&mut client, "2\r\n"), ["reply 3 2"]);
    assert_eq!(told(&mut client, "3\r\n"), ["unsolicited 3"]);

    let mut client = asked(&pipelined());
    let events = told(&mut client, "1\r\n1\r\n2\r\n3\r\n");
    assert_eq!(events, ["reply 1 1", "reply 2 1", "reply 3 2", "unsolicited 3"]);

    let mut client = asked(&numbered());
    let events = told(&mut client, "#1 1\r\n#1 1\r\n#2 2\r\n#3 3\r\n");
    assert_eq!(events, ["reply 1 1", "unsolicited #1 1", "reply 2 2", "reply 3 3"]);
}

/// Where the dialect can see what kind of reply is awaited, another kind is not taken for it.
#[test]
fn a_reply_of_another_kind_comes_twice() {
    for spoken in [spooled(), pipelined()] {
        let mut client = client(&spoken);
        client.command(Get("name")).unwrap();
        client.command(Random).unwrap();
        told(&mut client, "");
        assert_eq!(told(&mut client, "me\r\n"), ["reply 1 me"], "{}", spoken.name);
        assert_eq!(told(&mut client, "me\r\n7\r\n"), ["unsolicited me", "reply 2 7"]);
    }
}

#[test]
fn a_reply_never_comes() {
    let sent = |client: &mut Client<Notif>| String::from_utf8(client.output().to_vec()).unwrap();
    let late = Duration::from_secs(6);

    // Spooled: its command times out, and nothing more is said before the reply is there.
    let mut client = client(&spooled());
    client.command(Get("1")).unwrap();
    told(&mut client, "");
    client.tick(Duration::ZERO);
    client.tick(late);
    assert_eq!(told(&mut client, ""), ["unanswered 1 its deadline passed"]);
    client.command(Get("2")).unwrap();
    assert_eq!(sent(&mut client), "");
    assert_eq!(told(&mut client, "1\r\n"), ["late 1 1"]);
    assert_eq!(told(&mut client, "2\r\n"), ["reply 2 2"]);

    // In a pipeline, those behind it shift by one.
    let mut client = asked(&pipelined());
    assert_eq!(told(&mut client, "2\r\n3\r\n"), ["reply 1 2", "reply 2 3"]);

    // With ids, no other is touched.
    let mut client = asked(&numbered());
    assert_eq!(told(&mut client, "#2 2\r\n#3 3\r\n"), ["reply 2 2", "reply 3 3"]);
}

/// Late: the caller has given up, and the reply comes all the same.
#[test]
fn a_reply_comes_late() {
    for spoken in [spooled(), pipelined(), numbered()] {
        let mut client = client(&spoken);
        let given_up = client.command(Get("1")).unwrap();
        client.command(Get("2")).unwrap();
        told(&mut client, "");
        client.abandon(given_up);
        let ids = spoken.dialect.ids;
        let (first, second) = if ids { ("#1 1\r\n", "#2 2\r\n") } else { ("1\r\n", "2\r\n") };
        assert_eq!(told(&mut client, first), ["late 1 1"], "{}", spoken.name);
        assert_eq!(told(&mut client, second), ["reply 2 2"], "{}", spoken.name);
        assert_eq!(client.unsolicited(), 0, "{}", spoken.name);
    }
}

#[test]
fn tags_tell_all_of_it() {
    let mut config = Config::default();
    config.in_flight = 8;
    let mut client = Client::new(Imap::default(), config);
    for _ in 0..3 {
        client.command(Ask::new("NOOP")).unwrap();
    }
    told(&mut client, "* OK ready\r\n");
    let events = told(&mut client, "A3 OK 3\r\nA1 OK 1\r\nA1 OK 1\r\nA3 OK 3\r\nA2 OK 2\r\n");
    assert_eq!(
        events,
        [
            "reply 3 OK 3",
            "reply 1 OK 1",
            "unsolicited A1 OK 1",
            "unsolicited A3 OK 3",
            "reply 2 OK 2"
        ],
    );
}
