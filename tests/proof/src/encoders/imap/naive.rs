//! A server that reads commands and knows next to nothing.

use bellwire::transcript::escape;

use crate::model::tongue::imap::literal;

pub(super) struct Naive {
    offers: &'static str,
    /// It has asked so often for more of the command.
    pub(super) asked: usize,
}

/// What a server does about the bytes that have come.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// It asks for more.
    Asks,
    /// A command of so many bytes.
    Command(usize),
}

impl Naive {
    pub(super) fn new(offers: &'static str) -> Self {
        Self { offers, asked: 0 }
    }

    /// Whether it knows literals of so many bytes that need not be asked for (RFC 7888).
    fn knows_plus(&self, count: usize) -> bool {
        let offers = |name| self.offers.split(' ').any(|offer| offer == name);
        offers("LITERAL+") || ((offers("LITERAL-") || offers("IMAP4rev2")) && count <= 4096)
    }

    /// Reads the beginning of `bytes`. A client may wait at the end of a line only.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<Read, &'static str> {
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
                Some((count, true)) => (count, true),
                Some((count, false)) if self.knows_plus(count) => (count, false),
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

/// Reads the words of one command, which it expects.
pub(super) struct Reader<'a> {
    all: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, rest: all }
    }

    pub(super) fn text(&mut self, expected: &str) {
        match self.rest.strip_prefix(expected.as_bytes()) {
            Some(rest) => self.rest = rest,
            None => panic!("{expected:?} is not at {} of {}", self.rest.len(), escape(self.all)),
        }
    }

    pub(super) fn end(&self) {
        assert_eq!(escape(self.rest), "", "there is more at the end of {}", escape(self.all));
    }

    /// An atom (RFC 9051 section 9, `ASTRING-CHAR`), a quoted string, or a literal.
    pub(super) fn astring(&mut self) -> Vec<u8> {
        match self.rest.first() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(),
            _ => {
                let atom = |byte: &u8| byte.is_ascii_graphic() && !b"(){%*\"\\".contains(byte);
                let text = self.take(self.rest.iter().take_while(|byte| atom(byte)).count());
                assert!(!text.is_empty(), "nothing: {}", escape(self.all));
                assert!(!text.eq_ignore_ascii_case(b"NIL"), "nothing: {}", escape(self.all));
                text.to_vec()
            }
        }
    }

    fn quoted(&mut self) -> Vec<u8> {
        self.text("\"");
        let mut text = Vec::new();
        loop {
            match self.take(1) {
                b"\"" => return text,
                b"\\" => {
                    let escaped = self.take(1);
                    assert!(matches!(escaped, b"\"" | b"\\"), "in {}", escape(self.all));
                    text.extend_from_slice(escaped);
                }
                // Quotes hold no line ends, and ASCII only as long as UTF8=ACCEPT is not on.
                plain => {
                    let allowed = plain[0].is_ascii() && !matches!(plain[0], 0 | b'\r' | b'\n');
                    assert!(allowed, "in {}", escape(self.all));
                    text.extend_from_slice(plain);
                }
            }
        }
    }

    pub(super) fn literal(&mut self) -> Vec<u8> {
        let end = self.rest.windows(2).position(|end| end == b"\r\n");
        let header = self.take(end.expect("a line's end"));
        let counted = literal(header).filter(|_| header.starts_with(b"{"));
        let (count, _) = counted.unwrap_or_else(|| panic!("no literal: {}", escape(header)));
        self.text("\r\n");
        self.take(count).to_vec()
    }

    pub(super) fn base64(&mut self) -> Vec<u8> {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let end = self.rest.windows(2).position(|end| end == b"\r\n");
        let text = self.take(end.expect("a line's end"));
        assert_eq!(text.len() % 4, 0, "in {}", escape(self.all));
        let digits = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
        let mut bits = Vec::new();
        for digit in digits {
            let value = DIGITS.iter().position(|known| known == digit).expect("a digit");
            bits.extend((0..6).rev().map(|bit| value >> bit & 1));
        }
        let bytes = bits.chunks_exact(8);
        assert!(bytes.remainder().iter().all(|bit| *bit == 0), "in {}", escape(self.all));
        bytes.map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | *bit as u8)).collect()
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).expect("there is more");
        self.rest = rest;
        taken
    }
}

/// The reference reads what it should.
#[test]
fn the_naive_server() {
    let read = |offers, asked, bytes: &str| Naive { offers, asked }.read(bytes.as_bytes());
    assert_eq!(read("LITERAL+", 0, "A1 NOOP\r\n"), Ok(Read::Command(9)));
    assert_eq!(read("LITERAL+", 0, "A1 X {3}\r\n"), Ok(Read::Asks));
    assert!(read("LITERAL+", 0, "A1 X {3}\r\nabc\r\n").is_err());
    assert_eq!(read("LITERAL+", 1, "A1 X {3}\r\nabc\r\n"), Ok(Read::Command(15)));
    assert_eq!(read("LITERAL+", 0, "A1 X {3+}\r\nabc\r\n"), Ok(Read::Command(16)));
    assert_eq!(read("LITERAL-", 0, "A1 X {5000+}\r\n"), Ok(Read::Command(14)));
    assert_eq!(read("", 0, "A1 X {3+}\r\nabc\r\n"), Ok(Read::Command(11)));
    assert_eq!(read("", 0, "A1 X\r\nA2 Y\r\n"), Ok(Read::Command(6)));
    assert_eq!(Reader::new(b"AGJh\r\n").base64(), b"\0ba");
    assert_eq!(Reader::new(b"\"a\\\\\" b").astring(), b"a\\");
}
