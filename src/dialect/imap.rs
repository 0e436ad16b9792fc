//! IMAP: tagged replies, untagged data, literals, and the notification mode `IDLE`.
//!
//! RFC 9051 and RFC 3501; IDLE of RFC 2177, non-synchronizing literals of RFC 7888, initial responses
//! of RFC 4959.
//!
//! ```
//! use bellwire::dialect::imap::{Imap, Login};
//! use bellwire::{Client, Config, Event};
//!
//! let mut client = Client::new(Imap::default(), Config::default());
//! client.secured(); // it runs over TLS, or a password would be refused
//! client.feed(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n").next().unwrap();
//! client.command(Login::new("test", "secret"))?;
//! assert_eq!(client.output(), b"A1 LOGIN test \"secret\"\r\n");
//! assert_eq!(*client.redacted(24), b"A1 LOGIN test \"***\"\r\n"[..]);
//! # Ok::<(), bellwire::Refused<Login>>(())
//! ```
//!
//! # What is a notification
//!
//! Untagged data while idling, and nothing else, is told as
//! [`Event::Notification`](crate::Event::Notification). Untagged data at any other time is
//! [`Event::Data`](crate::Event::Data): a server may send it for a command, or on its own account in
//! the middle of one, and nobody can tell which, so nobody guesses. What may be news (`EXISTS`,
//! `EXPUNGE`, `RECENT`, `VANISHED`, an `[ALERT]`, `FETCH` while no command asks for messages, and
//! anything while no command asks at all) is marked as such, and adapters tell it to readers of
//! notifications, too.
//!
//! `DONE` does not synchronise: what changed just before it may come with the next command, or behind
//! the next `+`. Ask what has changed when a connection has begun anew; do not count messages.
//!
//! # How large
//!
//! A response whose literals end within [`Imap::whole`] bytes is told whole; a larger one comes as
//! [`Event::Piece`](crate::Event::Piece)s. A line, and a response that is told whole, may have
//! [`Limits::frame`](crate::Limits::frame) bytes; raise that for mailboxes with more than some ten
//! thousand messages, whose `SEARCH` is one line.
//!
//! # Secrets
//!
//! A command with a password or a token is refused until [`Client::secured`](crate::Client::secured)
//! or [`Client::upgrade`](crate::Client::upgrade) has been called, unless [`Imap::insecure`] is set.
//! It is never logged; text that [`Client::command`](crate::Client::command) refuses is the caller's
//! own, and handed back as it is.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use crate::command::Encoder;
use crate::dialect::{Awaiting, Class, Dialect, Spoken, To, Word};
use crate::error::Refusal;
use crate::event::Status;
use crate::frame::{Counted, CountedAt, Framing};
use crate::mode::{Entered, InMode, Left, Mode};

mod capabilities;
mod command;
#[cfg(feature = "imap-response")]
pub mod response;
mod string;
mod text;

pub use capabilities::Capabilities;
pub use command::{Append, Ask, Authenticate, Examine, Login, Select, StartTls};
pub use string::{decode_mailbox, encode_mailbox};

/// IMAP, as its client speaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imap {
    /// Responses with literals that end within so many bytes are told whole; the pieces of larger ones
    /// have so many. Not more than [`Limits::frame`](crate::Limits::frame). Default: 16 KiB.
    pub whole: usize,
    /// After how much silence of the server's to ask whether it lives. Many servers say `* OK Still
    /// here` every two minutes while idling. Default: 5 min.
    pub silence: Option<Duration>,
    /// After how much silence of our own to leave `IDLE` and enter it again: servers log out whoever
    /// says nothing for half an hour (RFC 2177). Default: 28 min.
    pub rearm: Option<Duration>,
    /// Whether secrets may be sent over a connection that anybody can read. Default: no.
    pub insecure: bool,
    framing: Counted,
    capabilities: Capabilities,
    secured: bool,
    preauthenticated: bool,
}

impl Default for Imap {
    fn default() -> Self {
        Self {
            whole: 16 * 1024,
            silence: Some(Duration::from_secs(5 * 60)),
            rearm: Some(Duration::from_secs(28 * 60)),
            insecure: false,
            framing: Counted::default(),
            capabilities: Capabilities::default(),
            secured: false,
            preauthenticated: false,
        }
    }
}

impl Imap {
    /// What the server has said that it can do; nothing before it has said anything, and again after
    /// a switch to TLS.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether the server's greeting says that nobody has to log in (`PREAUTH`); after a switch to TLS,
    /// that does not count any more.
    #[must_use]
    pub fn is_preauthenticated(&self) -> bool {
        self.preauthenticated
    }

    /// Whether secrets may be sent.
    fn keeps_secrets(&self) -> bool {
        self.secured || self.insecure
    }

    /// Whether the server has said that it can do what is a part of `IMAP4rev2` (RFC 9051), too.
    fn offers(&self, name: &str) -> bool {
        self.capabilities.has(name) || self.capabilities.has("IMAP4rev2")
    }
}

/// What a command of IMAP's waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Messages (`FETCH` data), and its tagged reply.
    Messages,
    /// Its tagged reply.
    Reply,
    /// To be told what changes, until `DONE`.
    Idle,
}

impl Dialect for Imap {
    type Expect = Expect;

    fn frame(&mut self, input: &[u8], searched: usize, _: &mut Awaiting<'_, Expect>) -> Framing {
        self.framing.frame(input, searched, self.whole, literal_behind)
    }

    fn classify(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Class {
        match frame {
            [b'*', b' ', ..] => self.classify_untagged(frame, awaiting),
            [b'+'] | [b'+', b' ', ..] if awaiting.greeted() => Class::Continue,
            _ if awaiting.greeted() => self.classify_tagged(frame, awaiting),
            _ => Class::Violation("an IMAP server begins with * OK, * PREAUTH or * BYE"),
        }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        text::encode(self, text, line)
    }

    fn greets(&self) -> bool {
        true
    }

    fn numbered(&self) -> bool {
        true
    }

    fn tag(&self, number: u64, out: &mut Vec<u8>) {
        out.push(b'A');
        out.extend_from_slice(number.to_string().as_bytes());
        out.push(b' ');
    }

    fn mode(&self) -> Option<Mode> {
        Some(Mode {
            entered: Entered::ByContinue,
            left: Left::ByEndOfEnter,
            commands: InMode::LeaveFirst,
            rearm: self.rearm,
        })
    }

    fn silence(&self) -> Option<Duration> {
        self.silence
    }

    /// `[UNAVAILABLE]` and `[INUSE]` (RFC 5530), and `[LIMIT]`, with which Dovecot refuses who has too
    /// many connections: a lost one may count for a while.
    fn passes(&self, refusal: &[u8]) -> bool {
        let code = refusal.get(b"NO".len()..).and_then(code).unwrap_or_default();
        let word = code.split(|byte| *byte == b' ').next().unwrap_or_default();
        [&b"UNAVAILABLE"[..], b"INUSE", b"LIMIT"].iter().any(|it| word.eq_ignore_ascii_case(it))
    }

    fn secured(&mut self) {
        self.secured = true;
    }

    fn upgraded(&mut self) {
        self.capabilities = Capabilities::default();
        self.preauthenticated = false;
    }

    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<Expect> {
        let (text, expect) = match word {
            Word::Enter => ("IDLE", Some(Expect::Idle)),
            Word::Leave => ("DONE", None),
            Word::Probe => ("NOOP", Some(Expect::Reply)),
            Word::Acknowledge => return None,
        };
        line.push(text.as_bytes());
        line.end(b"\r\n");
        expect
    }

    fn spoken(&self, line: &[u8]) -> Spoken {
        let start = split_tag(line).map_or(0, |(_, text)| text);
        match &line[start..] {
            text if text.eq_ignore_ascii_case(b"IDLE") => Spoken::Enter,
            text if text.eq_ignore_ascii_case(b"DONE") => Spoken::Leave,
            _ => Spoken::Command { text: start..line.len() },
        }
    }
}

impl Imap {
    fn classify_untagged(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Class {
        let topic = topic(frame);
        let word = &frame[topic.clone()];
        let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
        if is(b"BYE") {
            return Class::Goodbye;
        }
        let text = &frame[topic.end..];
        if is(b"CAPABILITY") {
            self.offered(text);
        } else if is(b"OK") || is(b"PREAUTH") {
            self.learn(text);
        }
        if !awaiting.greeted() {
            self.preauthenticated = is(b"PREAUTH");
            return if is(b"OK") || is(b"PREAUTH") {
                Class::Greeting
            } else {
                Class::Violation("an IMAP server begins with * OK, * PREAUTH or * BYE")
            };
        }
        if awaiting.oldest() == Some(&mut Expect::Idle) {
            return Class::Notification { topic };
        }
        let news = [&b"EXISTS"[..], b"EXPUNGE", b"RECENT", b"VANISHED"].into_iter().any(is)
            || (is_condition(word)
                && code(text).is_some_and(|it| it.eq_ignore_ascii_case(b"ALERT")))
            || (is(b"FETCH") && !awaiting.any(|expect| *expect == Expect::Messages))
            || !awaiting.any(|_| true);
        Class::Data { topic, news }
    }

    fn classify_tagged(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Class {
        let Some((number, text)) = split_tag(frame) else { return Class::Unsolicited };
        if awaiting.numbered(number).is_none() {
            return Class::Unsolicited;
        }
        let word = frame[text..].split(|byte| *byte == b' ').next().unwrap_or_default();
        let status = if word.eq_ignore_ascii_case(b"OK") {
            self.learn(&frame[text + word.len()..]);
            Status::Done
        } else if word.eq_ignore_ascii_case(b"NO") || word.eq_ignore_ascii_case(b"BAD") {
            Status::Refused
        } else {
            return Class::Violation("a tagged reply is OK, NO or BAD");
        };
        Class::Reply { to: To::Number(number), status, text }
    }

    /// Takes note of the capabilities in a list.
    fn offered(&mut self, list: &[u8]) {
        // Either may be as large as a line: the old ones go first.
        self.capabilities = Capabilities::default();
        self.capabilities = Capabilities::parse(list);
    }

    /// Takes note of the capabilities in a response's code.
    fn learn(&mut self, text: &[u8]) {
        const NAME: &[u8] = b"CAPABILITY ";
        if let Some(code) = code(text)
            && let Some((name, list)) = code.split_at_checked(NAME.len())
            && name.eq_ignore_ascii_case(NAME)
        {
            self.offered(list);
        }
    }
}

/// The code in ` [CODE] text`.
fn code(text: &[u8]) -> Option<&[u8]> {
    let code = text.strip_prefix(b" [")?;
    code.get(..memchr::memchr(b']', code)?)
}

/// Whether a code and text for people follow this word (RFC 9051 section 7.1).
fn is_condition(word: &[u8]) -> bool {
    let conditions = [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"];
    conditions.iter().any(|condition| word.eq_ignore_ascii_case(condition))
}

/// Where the word is that says what an untagged response is about: the first that is no number.
fn topic(frame: &[u8]) -> Range<usize> {
    let word = |start: usize| {
        let length = frame[start..].iter().position(|byte| *byte == b' ');
        start..start + length.unwrap_or(frame.len() - start)
    };
    let first = word(2);
    if first.end < frame.len() && frame[first.clone()].iter().all(u8::is_ascii_digit) {
        word(first.end + 1)
    } else {
        first
    }
}

/// The number in a tag of ours, and where the text behind it begins.
fn split_tag(line: &[u8]) -> Option<(u64, usize)> {
    let digits = line.strip_prefix(b"A")?;
    let length = digits.iter().position(|byte| *byte == b' ')?;
    let digits = &digits[..length];
    // One way to write each number, so that a tag comes back as it went.
    let canonical =
        !digits.is_empty() && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit);
    let number = core::str::from_utf8(digits).ok()?.parse().ok()?;
    canonical.then_some((number, length + 2))
}

/// How many bytes of a literal follow a line (RFC 9051 section 4.3), if any do. Text for people, of
/// which a server may have taken parts from anybody, is no place for one.
fn literal_behind(at: CountedAt<'_>) -> Result<Option<usize>, &'static str> {
    let for_people = || {
        let Some(rest) = at.text.strip_prefix(b"* ") else { return true };
        is_condition(rest.split(|byte| *byte == b' ').next().unwrap_or_default())
    };
    match at.text {
        [.., b'}'] if at.behind || !for_people() => literal_at_end(at.text),
        _ => Ok(None),
    }
}

/// The count in `… {12}` or `… {12+}`.
fn literal_at_end(text: &[u8]) -> Result<Option<usize>, &'static str> {
    let Some(inner) = text.strip_suffix(b"}") else { return Ok(None) };
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, digits) = inner.split_at(inner.len() - digits);
    if digits.is_empty() || before.last() != Some(&b'{') {
        return Ok(None);
    }
    let count = core::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    count.map(Some).ok_or("a literal with more bytes than there can be")
}
