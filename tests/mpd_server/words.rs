//! The words of a command, and of a refusal: as they are written, so they are read.

use bellwire::dialect::mpd::argument::{self, BadLine, words};
use bellwire::dialect::mpd::{Ack, Code};
use bellwire::dialect::{Awaiting, Class, Dialect};
use bellwire::frame::{Framing, line};
use bellwire::{Encoder, Refusal, command};
use quickcheck::quickcheck;

/// `add`, and an argument.
struct Add;

impl Dialect for Add {
    type Expect = ();

    fn frame(
        &mut self,
        input: &[u8],
        searched: usize,
        _: &mut Awaiting<'_, Self::Expect>,
    ) -> Framing {
        line(input, searched)
    }

    fn classify(&mut self, _: &[u8], _: &mut Awaiting<'_, ()>) -> Class {
        Class::Unsolicited
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        line.push(b"add ");
        argument::quote(text, line)
    }
}

fn quoted(argument: &[u8]) -> Result<Vec<u8>, Refusal> {
    command::encode(&Add, &argument)
}

/// Quotes where they are needed, and only there.
#[test]
fn quotes() {
    for (argument, expected) in [
        ("one.wav", "add one.wav"),
        ("on\\e.wav", "add on\\e.wav"),
        ("f\u{fc}r.wav", "add f\u{fc}r.wav"),
        ("", r#"add """#),
        ("a b", r#"add "a b""#),
        ("it's", r#"add "it's""#),
        (r#"Say "please" \o/"#, r#"add "Say \"please\" \\o/""#),
        ("\t", "add \"\t\""),
    ] {
        assert_eq!(quoted(argument.as_bytes()).as_deref(), Ok(expected.as_bytes()), "{argument}");
    }
}

/// G13: what MPD has no way to write is refused, in quotes and without.
#[test]
fn forged_arguments() {
    for byte in *b"\r\n\0" {
        let forbidden = |at| Err(Refusal::Forbidden { byte, at });
        assert_eq!(quoted(&[b'a', byte]), forbidden(1));
        assert_eq!(quoted(&[b'"', b' ', byte, b'b']), forbidden(2));
    }
}

quickcheck! {
    fn as_written_so_read(argument: Vec<u8>) -> bool {
        match quoted(&argument) {
            Ok(line) => words(&line).is_ok_and(|words| words == [&b"add"[..], &argument]),
            Err(_) => argument.iter().any(|byte| b"\r\n\0".contains(byte)),
        }
    }
}

/// Words as MPD reads them, and what it says when it cannot.
#[test]
fn reads_words() {
    let read = |line: &'static str| words(line.as_bytes());
    for (line, expected) in [
        ("ping", &["ping"][..]),
        ("find  artist \t \"Motörhead\"", &["find", "artist", "Motörhead"]),
        (r#"add """#, &["add", ""]),
        (r#"add "\"\\\n""#, &["add", "\"\\n"]),
        (r"add \a", &["add", r"\a"]),
        ("play ", &["play"]),
    ] {
        let expected = expected.iter().map(|word| word.as_bytes().into()).collect::<Vec<_>>();
        assert_eq!(read(line), Ok(expected), "{line}");
    }
    for (line, why) in [
        ("", BadLine::Letter),
        (" ping", BadLine::Letter),
        ("\"ping\"", BadLine::Letter),
        ("pi-ng", BadLine::Word),
        ("ping\0", BadLine::Word),
        ("add a\"b", BadLine::Unquoted),
        ("add a\0b", BadLine::Unquoted),
        ("add 'a'", BadLine::Unquoted),
        ("add \"a", BadLine::Unclosed),
        ("add \"a\\\"", BadLine::Unclosed),
        ("add \"a\\", BadLine::Unclosed),
        ("add \"a\0\"", BadLine::Unclosed),
        ("add \"a\\\0\"", BadLine::Unclosed),
        ("add \"a\"b", BadLine::Space),
        ("add \"a\"\"b\"", BadLine::Space),
    ] {
        assert_eq!(read(line), Err(why), "{line:?}");
    }
}

/// As they are written, so they are read; and what is no refusal is none.
#[test]
fn acks() {
    for code in (1..=5).chain(50..=56) {
        assert!(!matches!(Code::from(code), Code::Other(_)), "{code}");
        assert_eq!(Code::from(code).number(), code);
    }
    assert_eq!((Code::from(42), Code::Other(42).number()), (Code::Other(42), 42));
    for line in [
        "[50@0] {add} No such directory",
        "[5@12] {} unknown command \"x\"",
        "[42@0] {a} ",
        "[2@0] {idle} Unrecognized idle event: a} b",
    ] {
        let ack: Ack = line.parse().unwrap();
        assert_eq!(ack.to_string(), line);
        assert_eq!(Ack::parse(format!("ACK {line}").as_bytes()), Some(ack));
    }
    for line in
        ["", "OK", "ACK", "[50] no", "[50@] {a} b", "[@0] {a} b", "[-1@0] {a} b", "[1@0] {a}"]
    {
        assert_eq!(Ack::parse(line.as_bytes()), None, "{line}");
    }
    let odd = Ack::parse(b"[1@0] {a} \xff").unwrap();
    assert_eq!(odd.text, "\u{fffd}");
}
