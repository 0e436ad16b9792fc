//! Literals that the server sends: whole, and in pieces.

use std::fmt::Write;

use bellwire::dialect::imap::Imap;
use bellwire::transcript::escape;
use bellwire::{Client, Config, Event};

use super::common::{client_of, sent, told};
use super::{greeted, private};

/// Bytes that look like all that a server may say.
const TEMPTING: &str =
    "A1 OK fake\r\n* BYE fake\r\n* 99 EXISTS\r\n+ fake {9}\r\n)\r\nA1 NO\r\n{4}\r\n";

/// The dialect, with responses of so many bytes told whole.
fn whole(whole: usize) -> Imap {
    let mut imap = private();
    imap.whole = whole;
    imap
}

/// Plays one `FETCH`, answered by `response`, and then these events.
fn fetch(imap: &Imap, response: &str, events: &[String]) {
    let mut session = String::from("S: * PREAUTH\n> greeting * PREAUTH\nC: A1 FETCH 1 BODY[]\n");
    let mut mark = ':';
    for line in format!("{response}\r\nA1 OK done\r\n").split_inclusive('\n') {
        let line = escape(line.strip_suffix("\r\n").unwrap().as_bytes());
        writeln!(session, "S{mark} {}", line.replacen(' ', "\\x20", 1)).unwrap();
        mark = '|';
    }
    for event in events {
        writeln!(session, "> {event}").unwrap();
    }
    client_of(imap, &format!("{session}> reply 1 OK done"));
}

/// G7, G11, G12: a large literal is told in pieces that are cut where its bytes say, and is never taken
/// for anything else.
#[test]
fn in_pieces() {
    let count = TEMPTING.len();
    let response = format!("* 1 FETCH (BODY[] {{{count}}}\r\n{TEMPTING})");
    for size in [1, 2, 7, 16, count - 1, count, count + 10] {
        let piece = |bytes: &[u8]| format!("piece {}", escape(bytes));
        let mut events = vec![piece(format!("* 1 FETCH (BODY[] {{{count}}}\r\n").as_bytes())];
        events.extend(TEMPTING.as_bytes().chunks(size).map(piece));
        events.push("data )".into());
        fetch(&whole(size), &response, &events);
    }
    // The response's literals end within so many bytes.
    let enough = response.len() - 1;
    fetch(&whole(enough), &response, &[format!("data {}", escape(response.as_bytes()))]);
    fetch(&whole(enough - 1), &response, &{
        let header = format!("piece * 1 FETCH (BODY[] {{{count}}}\\r\\n");
        [header, format!("piece {}", escape(TEMPTING.as_bytes())), "data )".into()]
    });
}

/// G11, G12: several literals in a response, some of which are small enough to be told with what is
/// around them.
#[test]
fn several_in_pieces() {
    let response = "* 1 FETCH (A {2}\r\nab B {12}\r\n0123456789ab C {3}\r\ncde D {25}\r\n\
                    0123456789abcdefghijklmno E {0}\r\n)";
    let events = [
        r"piece * 1 FETCH (A {2}\r\nab B {12}\r\n",
        "piece 0123456789ab",
        r"piece  C {3}\r\ncde D {25}\r\n",
        "piece 0123456789abcdefghijkl",
        "piece mno",
        r"data  E {0}\r\n)",
    ];
    fetch(&whole(22), response, &events.map(String::from));
}

/// G12: nothing is waited for, and nothing allocated, because a server has said a number.
#[test]
fn more_than_there_can_be() {
    let number = "9".repeat(30);
    greeted(&format!(
        "C: A1 FETCH 1 BODY[]
        S: * 1 FETCH (BODY[] {{{number}}}
        > unanswered 1 the connection ended
        > error: protocol error: a literal with more bytes than there can be: \
          \"* 1 FETCH (BODY[] {{{}…\"",
        &number[..21]
    ));
    let most = usize::MAX;
    let header = format!("* 1 FETCH (BODY[] {{{most}}}");
    greeted(&format!(
        "C: A1 FETCH 1 BODY[]
        S: {header}
        > piece {header}\\r\\n
        S: abc
        S: <EOF>
        > unanswered 1 the connection ended
        > closed: the connection was closed in the middle of a frame, after {} bytes of it",
        header.len() + 2 + 5
    ));
}

/// G12: what is counted has to be a number, in braces, at the end.
#[test]
fn no_count() {
    for text in
        ["{}", "{a}", "{+}", "5}", "{5", "{-5}", "{5} ", "{5}}", "{5++}", "{ 5}", "{5+}+}", "()"]
    {
        let line = format!("* LIST () NIL {text}");
        greeted(&format!("C: A1 LIST\nS: {line}\n> data {line}\nS: A1 OK\n> reply 1 OK"));
    }
    for header in ["{2}", "{02}", "{2+}", "~{2}", "\"{2}"] {
        let line = format!("* LIST () NIL {header}");
        greeted(&format!(
            "C: A1 LIST\nS: {line}\nS| ab\n> data {line}\\r\\nab\nS: A1 OK\n> reply 1 OK"
        ));
    }
}

/// G12: the limit on a line holds beside literals; which of two faults is told does not depend on how
/// the bytes are cut (G11).
#[test]
fn a_line_too_long() {
    let too_long = |line: &str, rest: &str| {
        let session = format!(
            "= frame 60
            C: A1 FETCH 1 BODY[]
            {rest}S: {line}
            > unanswered 1 the connection ended
            > error: the peer sent more than the limit of 60 bytes in a frame allows: \"{}…\"",
            &line[..40]
        );
        client_of(&whole(20), &format!("S: * PREAUTH\n> greeting * PREAUTH\n{session}"));
    };
    let x = |count| "x".repeat(count);
    too_long(&x(61), "");
    too_long(&format!("* LIST {} {{3}}", x(60)), "");
    too_long(&format!("* LIST {} {{300}}", x(60)), "");
    too_long(&format!("* LIST {} {{{}}}", x(40), "9".repeat(30)), "");
    // Behind a piece.
    too_long(
        &x(61),
        "S: * LIST {30}\n> piece * LIST {30}\\r\\n\nS: 0123456789012345678901234567\n\
                      > piece 01234567890123456789\n> piece 01234567\\r\\n\n",
    );
    // The longest line that there may be.
    let line = format!("* LIST {}", x(53));
    let session =
        format!("= frame 60\nC: A1 LIST\nS: {line}\n> data {line}\nS: A1 OK\n> reply 1 OK");
    client_of(&whole(20), &format!("S: * PREAUTH\n> greeting * PREAUTH\n{session}"));
}

/// G18: the end within a literal, between any two bytes, is in the middle of a frame; so many bytes of
/// it have come, those included that were told in pieces.
#[test]
fn the_end_in_a_literal() {
    let frame = "* 1 FETCH (A {2}\r\nab B {12}\r\n0123456789ab)";
    for size in [4, 100] {
        for count in 1..=frame.len() {
            let mut client = Client::new(whole(size), Config::default());
            client.feed(b"* OK\r\n");
            client.feed(&frame.as_bytes()[..count]);
            client.feed_eof();
            let last = told(&mut client).pop().unwrap();
            let expected = format!("in the middle of a frame, after {count} bytes of it");
            assert!(last.ends_with(&expected), "{last} after {count}, in pieces of {size}");
        }
    }
}

/// G7, G8: a notification in pieces is news at its end; what somebody has asked for is not.
#[test]
fn news_in_pieces() {
    let news = |client: &mut Client<Imap>| {
        let (mut news, mut topics) = (Vec::new(), Vec::new());
        let mut events = client.feed(b"* 1 FETCH (BODY[] {8}\r\n01234567)\r\n");
        while let Some(event) = events.next().unwrap() {
            match event {
                Event::Data { news: it, topic, .. } => {
                    assert_eq!(topic, b"");
                    news.push(it);
                }
                Event::Piece { ticket: None, topic, .. } => topics.push(topic.to_vec()),
                event => panic!("{event}"),
            }
        }
        // The first piece says what all of it is about.
        assert_eq!(topics.remove(0), b"FETCH");
        assert!(topics.concat().is_empty(), "{topics:?}");
        news
    };
    let mut client = Client::new(whole(4), Config::default());
    client.feed(b"* OK\r\n");
    told(&mut client);
    assert_eq!(news(&mut client), [true]);
    client.command("FETCH 1 BODY[]").unwrap();
    sent(&mut client);
    assert_eq!(news(&mut client), [false]);
    client.feed(b"A1 OK\r\n");
    client.listen();
    told(&mut client);
    sent(&mut client);
    client.feed(b"+ idling\r\n");
    told(&mut client);
    assert_eq!(news(&mut client), [true]);
}
