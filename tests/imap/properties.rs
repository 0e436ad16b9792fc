//! Whatever the bytes: of the server's, and of the caller's.
//!
//! `QUICKCHECK_TESTS=100000 cargo test --test imap` tries more cases.

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use bellwire::dialect::imap::{decode_mailbox, encode_mailbox};
use bellwire::{Client, Config};
use quickcheck::{Arbitrary, Gen, QuickCheck, Testable};

use super::common::{sent, told};
use super::{offered, private};

fn check(tests: u64, property: impl Testable) {
    let asked = std::env::var("QUICKCHECK_TESTS").ok().and_then(|tests| tests.parse().ok());
    QuickCheck::new().tests(asked.unwrap_or(tests)).quickcheck(property);
}

/// Bytes put together from what means something on this wire.
#[derive(Clone, Debug)]
struct Fragments<const OF: usize>(Vec<usize>);

impl<const OF: usize> Arbitrary for Fragments<OF> {
    fn arbitrary(g: &mut Gen) -> Self {
        Self(Vec::arbitrary(g))
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

impl<const OF: usize> Fragments<OF> {
    fn of(&self, all: &[&str; OF]) -> Vec<u8> {
        self.0.iter().flat_map(|at| all[at % OF].as_bytes()).copied().collect()
    }
}

const SERVERS: [&str; 32] = [
    "\r\n",
    "\r\n",
    "\r\n",
    "\n",
    "\r",
    "\0",
    "* ",
    "* ",
    "* OK ",
    "A1 ",
    "A2 ",
    "A3 ",
    "OK ",
    "NO ",
    "+ ",
    "+",
    "BYE",
    "CAPABILITY ",
    "EXISTS",
    "FETCH ",
    "1 ",
    "[",
    "]",
    "{3}\r\n",
    "{0}\r\n",
    "{20}\r\n",
    "{99999999999999999999}",
    "{5}",
    "abc",
    "0123456789",
    "\u{fc}",
    " ",
];

/// What a client with all kinds of things under way takes these bytes for, cut so.
fn heard(bytes: &[u8], cuts: &[u8]) -> Vec<String> {
    let mut imap = private();
    imap.whole = 12;
    let mut config = Config::default();
    config.in_flight = 8;
    config.limits.frame = 40;
    let mut client = Client::new(imap, config);
    client.feed(b"* OK\r\n");
    for text in ["FETCH 1 BODY[]", "APPEND x {3}\r\nabc"] {
        client.command(text).unwrap();
    }
    client.listen();
    client.output();
    let mut events = told(&mut client);
    let mut rest = bytes;
    for length in cuts.iter().map(|cut| usize::from(*cut).min(9)).chain([usize::MAX]) {
        let (piece, more) = rest.split_at(length.min(rest.len()));
        client.feed(piece);
        events.extend(told(&mut client));
        rest = more;
    }
    client.feed_eof();
    events.extend(told(&mut client));
    events.dedup_by(|again, error| again == error && error.starts_with("error: "));
    events
}

/// G11, G18: nothing that a server says makes the client panic, and it takes the same bytes for the same,
/// however they are cut.
#[test]
fn whatever_the_server_says() {
    fn property(said: Fragments<{ SERVERS.len() }>, cuts: Vec<u8>) -> bool {
        let bytes = said.of(&SERVERS);
        heard(&bytes, &[]) == heard(&bytes, &cuts)
            && heard(&bytes, &[]) == heard(&bytes, &vec![1; bytes.len()])
    }
    check(3000, property as fn(_, _) -> _);
}

const CALLERS: [&str; 26] = [
    "\r\n",
    "\r\n",
    "\r",
    "\n",
    "\0",
    " ",
    "{3}\r\n",
    "{3+}\r\n",
    "{0}\r\n",
    "{12}\r\n",
    "{3}",
    "{3+}",
    "abc",
    "A2 LOGOUT",
    "NOOP",
    "IDLE",
    "DONE",
    "LOGIN ",
    "AUTHENTICATE ",
    "PLAIN",
    "APPEND x ",
    "UID ",
    "FETCH ",
    "\"",
    "\u{fc}",
    "=",
];

/// A server that reads commands and knows next to nothing.
struct Naive {
    knows_plus: bool,
    /// It has asked so often for more of the command.
    asked: usize,
}

/// What a server does about the bytes that have come.
#[derive(Debug, PartialEq)]
enum Read {
    /// It asks for more.
    Asks,
    /// A command of so many bytes.
    Command(usize),
}

impl Naive {
    /// Reads the beginning of `bytes`. A client may wait at the end of a line only.
    fn read(&self, bytes: &[u8]) -> Result<Read, &'static str> {
        let authenticates = bytes.to_ascii_uppercase().starts_with(b"A1 AUTHENTICATE ");
        let (mut at, mut asked) = (0, 0);
        loop {
            let Some(length) = bytes[at..].windows(2).position(|end| end == b"\r\n") else {
                return Err("it waits in the middle");
            };
            let line = &bytes[at..at + length];
            if line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                return Err("a line with a bare CR, LF or NUL");
            }
            at += length + 2;
            let (count, waits) = match literal(line) {
                Some((count, false)) => (count, true),
                Some((count, true)) if self.knows_plus => (count, false),
                _ if authenticates && asked < self.asked => (0, true),
                _ => return Ok(Read::Command(at)),
            };
            if waits && asked == self.asked {
                let gone_on = bytes.len() > at;
                return if gone_on { Err("it does not wait") } else { Ok(Read::Asks) };
            }
            asked += usize::from(waits);
            if bytes.len() < at + count || bytes[at..at + count].contains(&0) {
                return Err("a literal that is too short, or holds NUL");
            }
            at += count;
        }
    }
}

/// The count at the end of a line, and whether it need not be asked for.
fn literal(line: &[u8]) -> Option<(usize, bool)> {
    let text = String::from_utf8_lossy(line);
    let text = text.strip_suffix('}')?;
    let (text, plus) = text.strip_suffix('+').map_or((text, false), |text| (text, true));
    let (_, digits) = text.rsplit_once('{')?;
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((if number { digits.parse().ok()? } else { return None }, plus))
}

/// Gives a text to a client, and what the client says to a naive server.
fn one_command(text: &[u8], knows_plus: bool) -> Result<(), &'static str> {
    let mut client = offered(if knows_plus { "LITERAL+" } else { "" });
    match client.command(text) {
        Err(refused) if refused.value == text => return Ok(()),
        Err(_) => return Err("not handed back"),
        Ok(_) => client.command("CHECK").unwrap(),
    };
    let authenticates = text.to_ascii_uppercase().starts_with(b"AUTHENTICATE ");
    let (mut server, mut said) = (Naive { knows_plus, asked: 0 }, Vec::new());
    loop {
        let due = client.output().to_vec();
        client.written(due.len());
        said.extend_from_slice(&due);
        match server.read(&said)? {
            Read::Asks => server.asked += 1,
            // There is always one question more.
            Read::Command(length) if authenticates && length == said.len() => server.asked += 1,
            Read::Command(length) if length == said.len() => break,
            Read::Command(_) => return Err("more than one command"),
        }
        client.feed(b"+\r\n");
        match told(&mut client).as_slice() {
            [] => {}
            // The client has no more to say.
            [stray] if authenticates && stray == "unsolicited +" => break,
            _ => return Err("not asked"),
        }
    }
    let mut sent_text = b"A1 ".to_vec();
    sent_text.extend_from_slice(text);
    sent_text.extend_from_slice(b"\r\n");
    client.feed(b"A1 OK\r\n");
    let answered = told(&mut client) == ["reply 1 OK"] && sent(&mut client) == "A2 CHECK\r\n";
    if said == sent_text && answered { Ok(()) } else { Err("not this command") }
}

/// G13: whatever the text, it is handed back, or it is one command for a server, who is never sent what he
/// has not asked for. A server that knows no `{3+}` is sent none.
#[test]
fn whatever_the_caller_says() {
    fn property(said: Fragments<{ CALLERS.len() }>, knows_plus: bool) -> Result<(), &'static str> {
        one_command(&said.of(&CALLERS), knows_plus)
    }
    check(20_000, property as fn(_, _) -> _);
    // Most of those are refused; these begin like a command.
    fn begun(said: Fragments<{ CALLERS.len() }>, knows_plus: bool) -> Result<(), &'static str> {
        let rest = said.of(&CALLERS);
        ["APPEND x {3}\r\n", "LOGIN a ", "AUTHENTICATE PLAIN\r\n", "X "]
            .into_iter()
            .try_for_each(|verb| one_command(&[verb.as_bytes(), &rest].concat(), knows_plus))
    }
    check(5000, begun as fn(_, _) -> _);
    fn bytes(said: Vec<u8>) -> Result<(), &'static str> {
        one_command(&said, true)
    }
    check(5000, bytes as fn(_) -> _);
}

/// Each name goes over the wire as printable ASCII, and comes back as it went. What is no name on this wire
/// is told as it is, or as some name; never as nothing.
#[test]
fn whatever_the_mailbox() {
    fn goes_and_comes_back(name: String) -> bool {
        let encoded = encode_mailbox(&name);
        encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')) && decode_mailbox(&encoded) == name
    }
    check(5000, goes_and_comes_back as fn(_) -> _);
    const WIRE: [&str; 10] = ["&", "&", "-", "a", "AGE", "U,BTFw", "2D0", "!", "\u{fc}", "&-"];
    fn comes(name: Fragments<{ WIRE.len() }>) -> bool {
        let wire = String::from_utf8(name.of(&WIRE)).unwrap();
        let decoded = decode_mailbox(&wire);
        decoded.is_empty() == wire.is_empty() && (wire.contains('&') || decoded == wire)
    }
    check(5000, comes as fn(_) -> _);
}

/// The reference in this file reads what it should.
#[test]
fn the_naive_server() {
    let read = |knows_plus, asked, bytes: &str| Naive { knows_plus, asked }.read(bytes.as_bytes());
    assert_eq!(read(true, 0, "A1 NOOP\r\n"), Ok(Read::Command(9)));
    assert_eq!(read(true, 0, "A1 X {3}\r\n"), Ok(Read::Asks));
    assert!(read(true, 0, "A1 X {3}\r\nabc\r\n").is_err());
    assert_eq!(read(true, 1, "A1 X {3}\r\nabc\r\n"), Ok(Read::Command(15)));
    assert_eq!(read(true, 0, "A1 X {3+}\r\nabc\r\n"), Ok(Read::Command(16)));
    assert_eq!(read(false, 0, "A1 X {3+}\r\nabc\r\n"), Ok(Read::Command(11)));
    assert_eq!(read(true, 0, "A1 X\r\nA2 Y\r\n"), Ok(Read::Command(6)));
}
