//! Commands and their replies: literals both ways, pipelines that the server answers out of order,
//! commands that nobody waits for any more, and threads.

use std::iter;
use std::thread;
use std::time::Duration;

use bellwire::dialect::imap::{Append, Ask, Imap, Select, decode_mailbox};
use bellwire::{BadReply, Cause, Failure};
use bellwire_blocking::{Connector, Error};
use bellwire_test_servers::{Dovecot, DovecotOptions};
use fastrand::Rng;

use super::real::{Driven, in_time};
use super::session::{
    append, ask, connector, fill, is_answered, mail, next, other, parts, prove, question, session,
    watch, watched,
};

/// A server that wants to ask for each literal.
fn asking_for_literals() -> DovecotOptions {
    Dovecot::options().setting("imap_capability", "IMAP4rev1 IDLE AUTH=PLAIN")
}

fn message(uid: u32, text: &str) -> String {
    format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n{text})", text.len())
}

/// Any bytes but NUL may be in a literal, also what looks like the end of one, or of a reply.
#[test]
fn messages_there_and_back() {
    for (options, plus) in [(Dovecot::options(), "+"), (asking_for_literals(), "")] {
        let Some(dovecot) = options.start() else { return };
        let (client, _notifications, wire) = watched(&dovecot);
        let texts = ["", "\u{fc}\x01\x7f", "A4 OK\r\n* 9 EXISTS\r\n+ go on\r\n{5}\r\n)", "{3}"];
        for (text, uid) in texts.into_iter().zip(1..) {
            let text = mail("there and back", text);
            let append = Append { mailbox: "INBOX".into(), message: text.clone().into() };
            let appended = client.request(append).unwrap();
            assert!(appended.starts_with(b"OK [APPENDUID "), "{appended:?}");
            let fetched = client.request(ask("UID FETCH", &format!("{uid} (BODY.PEEK[])")));
            assert_eq!(parts(&fetched.unwrap())[0], message(uid, &text));
            let said = format!("APPEND INBOX {{{}{plus}}}", text.len());
            assert!(wire.said().contains(&said), "{:?}", wire.said());
        }
        assert_eq!(client.unsolicited(), 0);
    }
}

/// The server says so before it has asked for the literal, which is then not sent, or behind it.
#[test]
fn messages_that_are_refused() {
    for options in [Dovecot::options(), asking_for_literals()] {
        let Some(dovecot) = options.start() else { return };
        fill(&dovecot, 3);
        let (client, _notifications) = session(&dovecot);
        for uid in 1..=3 {
            let message = "A2 OK\r\nNOOP\r\n".repeat(1000);
            let nowhere = Append { mailbox: "no such".into(), message: message.into() };
            match client.request(nowhere).unwrap_err() {
                Error::BadReply(BadReply::Refused(text)) => {
                    assert!(text.starts_with(b"NO [TRYCREATE]"), "{text:?}");
                }
                other => panic!("{other:?}"),
            }
            prove(&client, uid);
        }
        assert_eq!(client.unsolicited(), 0);
    }
}

#[test]
fn a_message_of_20_mb() {
    for options in [Dovecot::options(), asking_for_literals()] {
        let Some(dovecot) = options.start() else { return };
        let (client, mut notifications) = session(&dovecot);
        client.listen();
        let mut dice = Rng::with_seed(20);
        let mut line = || format!("{:0>70}\r\n", dice.u64(..u64::MAX));
        let text: String = (0..20_000_000 / 72).map(|_| line()).collect();
        let text = mail("large", &text);
        client.request(Append { mailbox: "INBOX".into(), message: text.clone().into() }).unwrap();
        // Where that takes Dovecot long, it says so.
        let mut news = iter::repeat_with(|| next(&mut notifications));
        assert_eq!(news.find(|it| it != "* OK Still here").unwrap(), "* 1 EXISTS");
        let fetched = client.request(ask("UID FETCH", "1 (BODY.PEEK[])")).unwrap();
        assert!(fetched.parts[0] == message(1, &text), "{} bytes came", fetched.parts[0].len());
    }
}

/// RFC 3501: their names go over the wire in an encoding of their own.
#[test]
fn mailboxes_with_names_of_any_kind() {
    let Some(dovecot) = Dovecot::start() else { return };
    let (client, _notifications) = session(&dovecot);
    let names = [
        "Entw\u{fc}rfe",
        "Zo\u{eb} & \u{65e5}\u{672c}\u{8a9e} \u{1f514}",
        "say \"hello\\\"",
        "(50%)",
    ];
    for name in names {
        client.request(Ask::new("CREATE").mailbox(name)).unwrap();
        client.request(Append { mailbox: name.into(), message: mail(name, "").into() }).unwrap();
        let selected = client.request(Select(name.into())).unwrap();
        assert!(parts(&selected).contains(&"* 1 EXISTS".to_owned()), "{selected:?}");
    }
    let listed = client.request(ask("LIST", "\"\" *")).unwrap();
    let mut listed: Vec<_> = parts(&listed).iter().map(|line| listed_name(line)).collect();
    let mut expected = [&names[..], &["INBOX"]].concat();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}

/// The name in `* LIST (\HasNoChildren) "/" name`.
fn listed_name(line: &str) -> String {
    let (_, name) = line.split_once("\"/\" ").unwrap();
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    decode_mailbox(&quoted.unwrap_or(name).replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// 64 commands on the wire at once.
fn pipelining() -> Connector<Imap> {
    let mut connector = connector();
    connector.config.in_flight = 64;
    connector
}

/// G2: Dovecot answers a NOOP after what was asked behind it.
#[test]
fn a_pipeline_that_is_answered_out_of_order() {
    in_time(|| {
        let Some(dovecot) = Dovecot::start() else { return };
        fill(&dovecot, 64);
        let (client, mut notifications, wire) = watch(pipelining(), &dovecot);
        let other = other(&dovecot);
        client.listen();
        for round in 1..=10 {
            let pause = client.pause();
            let news = other.send(append("news")).unwrap();
            let asked: Vec<_> =
                (1..=64).map(|uid| client.send(one_of_three(uid)).unwrap()).collect();
            for (asked, uid) in asked.into_iter().zip(1..) {
                let answer = asked.wait().unwrap();
                let (text, said) = (answer.reply.text.clone(), parts(&answer));
                let proven = match uid % 3 {
                    0 => is_answered(uid, &answer),
                    1 => {
                        text.starts_with(b"OK Search completed")
                            && said.contains(&format!("* SEARCH {uid}"))
                    }
                    _ => text.starts_with(b"OK NOOP completed"),
                };
                assert!(proven, "{uid}: {answer:?}");
            }
            news.wait().unwrap();
            drop(pause);
            assert_eq!(next(&mut notifications), format!("* {} EXISTS", 64 + round));
        }
        let tickets = wire.lines("> reply ");
        let tickets =
            tickets.iter().map(|it| it.split_once(' ').unwrap().0.parse::<u64>().unwrap());
        assert!(!tickets.is_sorted(), "the server answers in order");
        assert_eq!(client.unsolicited(), 0);
    });
}

fn one_of_three(uid: u32) -> Ask {
    match uid % 3 {
        0 => question(uid),
        1 => ask("UID SEARCH", &format!("UID {uid}")),
        _ => ask("NOOP", ""),
    }
}

/// G3: what was asked and is not waited for any more shifts no reply.
#[test]
fn commands_that_nobody_waits_for() {
    in_time(|| {
        let Some(dovecot) = Dovecot::start() else { return };
        fill(&dovecot, 300);
        for connector in [connector(), pipelining()] {
            let (client, _notifications, wire) = watch(connector, &dovecot);
            let driven = Driven::new(&client);
            client.listen();
            let (mut dice, mut late) = (Rng::with_seed(7), 0);
            for uid in 1..=300 {
                match dice.u64(..3) {
                    0 => drop(client.send(ask("FETCH", "1:100 (BODY.PEEK[])")).unwrap()),
                    1 => {
                        let hasty = client.within(Some(Duration::from_micros(dice.u64(..2000))));
                        match hasty.request(ask("FETCH", "1:100 (BODY.PEEK[HEADER])")) {
                            Ok(answer) => assert!(answer.parts.len() >= 100, "{answer:?}"),
                            Err(error) => {
                                assert!(is_late(&error), "{error:?}");
                                late += 1;
                            }
                        }
                    }
                    _ => {}
                }
                prove(&client, uid);
            }
            assert!(late > 0 && !wire.lines("> late").is_empty(), "nothing was ever late");
            assert_eq!(client.unsolicited(), 0);
            drop(driven);
        }
    });
}

fn is_late(error: &Error) -> bool {
    matches!(
        error,
        Error::Unanswered {
            failure: Failure::NeverSent(Cause::TimedOut) | Failure::SentUnanswered(Cause::TimedOut),
            ended: None,
        }
    )
}

/// G2, G21: two ask, one reads, and another client makes news.
#[test]
fn threads() {
    in_time(|| {
        let Some(dovecot) = Dovecot::start() else { return };
        fill(&dovecot, 100);
        let (client, mut notifications) = session(&dovecot);
        let other = other(&dovecot);
        thread::scope(|scope| {
            for seed in 1..=2 {
                let client = &client;
                scope.spawn(move || {
                    let mut dice = Rng::with_seed(seed);
                    (0..400).for_each(|_| prove(client, 1 + dice.u32(..100)));
                });
            }
            for exists in 101..=120 {
                other.request(append("news")).unwrap();
                assert_eq!(next(&mut notifications), format!("* {exists} EXISTS"));
            }
        });
        assert_eq!(client.unsolicited(), 0);
    });
}
