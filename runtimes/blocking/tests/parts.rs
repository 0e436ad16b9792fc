//! Replies with parts: gathered, taken bit by bit, in pieces, and with data that belongs to no command in
//! particular.

use bellwire::dialect::imap::{Ask, Imap};
use bellwire::dialect::mpd::{AlbumArt, Mpd};
use bellwire::{Dialect, LimitKind};
use bellwire_blocking::{Client, Connector, Ended, Error, Notice, Notifications};
use bellwire_testkit::Scripted;

mod common;

use common::{PATIENCE, plays};

fn connect<D: Dialect + Clone>(
    dialect: D,
    peer: &Scripted,
    configure: impl FnOnce(&mut Connector<D>),
) -> (Client<D>, Notifications<D>) {
    let mut connector = Connector::new(dialect);
    configure(&mut connector);
    connector.tcp(peer.address).unwrap()
}

#[test]
fn a_reply_is_taken_bit_by_bit() {
    let peer = plays(&["
        = newline lf
        S: OK MPD 0.23.5
        C: listall
        S: file: a
        S| file: b
        S: file: c
        S| OK
        C: ping
        S: OK
    "]);
    let (client, _notifications) = connect(Mpd::default(), &peer, |_| {});
    let mut pending = client.send("listall").unwrap();
    assert_eq!(pending.part().unwrap(), "file: a");
    assert_eq!(pending.part().unwrap(), "file: b");
    // What was not taken is the reply.
    assert_eq!(pending.wait().unwrap(), "file: c");
    let mut pending = client.send("ping").unwrap();
    assert_eq!(pending.part(), None);
    assert_eq!(pending.wait().unwrap(), "");
    drop((client, _notifications));
    peer.finish().unwrap();
}

/// G12: what is gathered for somebody who waits for the whole is bounded.
#[test]
fn g12_a_reply_that_is_gathered_has_a_limit() {
    let data = "S| * 1 FETCH (X 123456789)\n".repeat(40);
    let script = format!(
        "S: * PREAUTH ready\nC: A1 FETCH 1:* X\nS: * 1 FETCH (X 123456789)\n{data}S| A1 OK done\n"
    );
    let limit = |connector: &mut Connector<Imap>| connector.config.limits.reply = 500;
    let peer = plays(&[&script]);
    let (client, _notifications) = connect(Imap::default(), &peer, limit);
    let Err(Error::Unanswered { ended: Some(Ended::Fault(fault)), .. }) =
        client.request("FETCH 1:* X")
    else {
        panic!()
    };
    let bellwire::Error::Limit { limit: LimitKind::Reply, allowed: 500, .. } = fault else {
        panic!("{fault}")
    };
    peer.finish().unwrap();

    let bit_by_bit = script.replace("S| * ", "S: * ");
    let peer = plays(&[&bit_by_bit]);
    let (client, _notifications) = connect(Imap::default(), &peer, |connector| {
        connector.config.limits.reply = 24 * 41;
    });
    let mut pending = client.send("FETCH 1:* X").unwrap();
    let mut parts = 0;
    while let Some(part) = pending.part() {
        assert_eq!(part, "* 1 FETCH (X 123456789)");
        parts += 1;
    }
    assert_eq!((parts, pending.wait().unwrap()), (41, "OK done".into()));
    drop((client, _notifications));
    peer.finish().unwrap();
}

/// What comes in pieces is put together for whoever asked, byte for byte.
#[test]
fn pieces_are_put_together() {
    let mut mpd = Mpd::default();
    mpd.whole = 4;
    let peer = plays(&["
        = newline lf
        S: OK MPD 0.23.5
        C: albumart a.flac 0
        S: size: 11
        S| binary: 11
        S| OK
        S| ACK
        S| a\\
        S: bcd
        S| OK
    "]);
    let (client, _notifications) = connect(mpd, &peer, |_| {});
    let picture = client.request(AlbumArt { uri: "a.flac", offset: 0 }).unwrap().unwrap();
    assert_eq!((picture.size, picture.data), (11, "OK\nACK\nabcd".into()));
    drop((client, _notifications));
    peer.finish().unwrap();
}

/// Data that belongs to no command in particular is in the answer of each that was on the wire, and is told
/// to readers of notifications if it may be news.
#[test]
fn data_is_never_guessed() {
    let peer = plays(&["
        S: * PREAUTH ready
        C: A1 SEARCH ALL
        C: A2 NOOP
        S: * SEARCH 1 2
        S| * 3 EXISTS
        S| A2 OK done
        S| * 1 FETCH (FLAGS ())
        S| A1 OK done
        C: A3 IDLE
        S: + idling
    "]);
    let (client, mut notifications) = connect(Imap::default(), &peer, |connector| {
        connector.config.in_flight = 2;
    });
    let search = client.send(Ask::new("SEARCH").text("ALL")).unwrap();
    let noop = client.send(Ask::new("NOOP")).unwrap();
    let all = ["* SEARCH 1 2", "* 3 EXISTS", "* 1 FETCH (FLAGS ())"];
    assert_eq!(noop.wait().unwrap().parts, all[..2]);
    assert_eq!(search.wait().unwrap().parts, all);
    let mut told = Vec::new();
    for _ in 0..2 {
        match notifications.wait(PATIENCE).unwrap() {
            Some(Notice::Notification(it)) => told.push(it.text),
            other => panic!("{other:?}"),
        }
    }
    // No command in flight had asked for messages, so the flags are news, too.
    assert_eq!(told, all[1..]);
    drop((client, notifications));
    peer.finish().unwrap();
}
