//! The client's half.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Mpd, fields, list};
use crate::command::Encoder;
use crate::dialect::{Awaiting, Class, Dialect, Spoken, To, Word};
use crate::error::Refusal;
use crate::event::Status;
use crate::frame::{self, CountedAt, Framing};
use crate::mode::{Entered, InMode, Left, Mode, Phase};

const GREETING: &[u8] = b"OK MPD ";
const OK: &[u8] = b"OK";
const ACK: &[u8] = b"ACK ";
pub(super) const LIST_OK: &[u8] = b"list_OK";
const CHANGED: &[u8] = b"changed: ";
pub(super) const BINARY: &[u8] = b"binary: ";

impl Mpd {
    /// The protocol's version that the server has greeted with.
    ///
    /// ```
    /// use bellwire::dialect::mpd::{Mpd, Version};
    /// use bellwire::{Client, Config};
    ///
    /// let mut client = Client::new(Mpd::default(), Config::default());
    /// client.feed(b"OK MPD 0.23.5\n").next()?;
    /// let version = client.dialect().version();
    /// assert!(version >= Some(Version { major: 0, minor: 23, patch: 0 }));
    /// # Ok::<(), bellwire::Error>(())
    /// ```
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.greeting
    }

    fn hear_greeting(&mut self, frame: &[u8]) -> Class {
        self.greeting = frame.strip_prefix(GREETING).and_then(Version::read);
        match self.greeting {
            Some(_) => Class::Greeting,
            None => Class::Violation("this is no MPD: it does not greet with OK MPD and a version"),
        }
    }
}

impl Dialect for Mpd {
    type Expect = Expect;

    /// Lines end in LF. A CR before it belongs to the value: MPD sends none, but a file's name may
    /// end in one.
    fn frame(
        &mut self,
        input: &[u8],
        searched: usize,
        awaiting: &mut Awaiting<'_, Expect>,
    ) -> Framing {
        // Anywhere else such a line is a tag of somebody's song, and must not swallow what follows.
        if awaiting.oldest().is_some_and(|expect| expect.may_be_binary()) {
            let framing = self.framing.frame(input, searched, self.whole, count);
            counted_with_cr(input, framing)
        } else {
            line_with_cr(frame::line(input, searched))
        }
    }

    fn classify(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Class {
        if !awaiting.greeted() {
            return self.hear_greeting(frame);
        }
        let left = awaiting.phase() == Phase::Leaving;
        match awaiting.oldest() {
            Some(expect) => expect.classify(frame, left && self.answers_stray_noidle),
            None => Class::Unsolicited,
        }
    }

    /// A whole command list (`command_list_ok_begin`) is a command, too; transcripts hold such.
    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        if let Some((start, members)) = list::members(text) {
            return list::encode(line, |line| begin_each(start, members, line));
        }
        let expect = begin(text, line)?;
        line.end(b"\n");
        Ok(expect)
    }

    fn greets(&self) -> bool {
        true
    }

    fn mode(&self) -> Option<Mode> {
        Some(Mode {
            entered: Entered::AtOnce,
            left: Left::ByEndOfEnter,
            commands: InMode::LeaveFirst,
            rearm: None,
        })
    }

    fn silence(&self) -> Option<Duration> {
        self.silence
    }

    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<Expect> {
        let (text, expect) = match word {
            Word::Enter => ("idle", Some(Expect(Sort::Idle { changed: false }))),
            Word::Leave => ("noidle", None),
            Word::Probe => ("ping", Some(Expect::of(b"ping"))),
            Word::Acknowledge => return None,
        };
        line.push(text.as_bytes());
        line.end(b"\n");
        expect
    }

    fn spoken(&self, line: &[u8]) -> Spoken {
        match name(line) {
            b"idle" => Spoken::Enter,
            b"noidle" => Spoken::Leave,
            _ => Spoken::Command { text: 0..line.len() },
        }
    }
}

/// What a command of MPD's waits for, as [`Dialect::encode_text`] says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect(Sort);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Sort {
    /// Keys and values, and where it may be `binary`, counted bytes.
    Fields { binary: bool },
    /// Those of each command in a list, the first `ended` of which are answered.
    List { binary: Box<[bool]>, ended: usize },
    /// What has changed, if anything is told so far.
    Idle { changed: bool },
    /// The `OK` of a `noidle` that came too late.
    Noidle,
}

impl Expect {
    /// What the command of this name waits for.
    fn of(name: &[u8]) -> Self {
        Self(Sort::Fields { binary: matches!(name, b"albumart" | b"readpicture") })
    }

    /// What a list of commands waits for.
    pub(super) fn list(members: Vec<Self>) -> Result<Self, Refusal> {
        let binary = members.into_iter().map(|member| match member.0 {
            Sort::Fields { binary } => Ok(binary),
            _ => Err(Refusal::Reserved("a command list holds no command lists")),
        });
        Ok(Self(Sort::List { binary: binary.collect::<Result<_, _>>()?, ended: 0 }))
    }

    fn may_be_binary(&self) -> bool {
        match &self.0 {
            Sort::Fields { binary } => *binary,
            Sort::List { binary, ended } => binary.get(*ended).is_some_and(|binary| *binary),
            Sort::Idle { .. } | Sort::Noidle => false,
        }
    }

    /// Says what a line is. `twice`: `noidle` is on its way, and is answered also if it comes too late.
    fn classify(&mut self, frame: &[u8], twice: bool) -> Class {
        let to = To::Oldest;
        let end = match frame {
            OK => Some((Status::Done, OK.len())),
            _ if frame.starts_with(ACK) => Some((Status::Refused, ACK.len())),
            _ => None,
        };
        match (&mut self.0, end) {
            // `idle` had ended by itself, so the server was yet to read `noidle`.
            (sort @ Sort::Idle { changed: true }, Some((Status::Done, _))) if twice => {
                *sort = Sort::Noidle;
                Class::Part { to, text: 0 }
            }
            // Whatever it says to that, `idle` was not refused.
            (Sort::Noidle, Some(_)) => Class::Reply { to, status: Status::Done, text: frame.len() },
            (_, Some((status, text))) => Class::Reply { to, status, text },
            (Sort::Idle { changed }, None) if frame.starts_with(CHANGED) => {
                *changed = true;
                Class::Notification { topic: CHANGED.len()..frame.len() }
            }
            (Sort::Idle { .. } | Sort::Noidle, None) => {
                Class::Violation("only what has changed is told in idle")
            }
            (Sort::List { binary, ended }, None) if frame == LIST_OK && *ended < binary.len() => {
                *ended += 1;
                Class::Part { to, text: 0 }
            }
            (_, None) if fields::colon(frame).is_some() => Class::Part { to, text: 0 },
            (_, None) => Class::Unsolicited,
        }
    }
}

/// A version of MPD's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 0, so far.
    pub major: u32,
    /// Counts what is added to the protocol.
    pub minor: u32,
    /// Counts what is mended.
    pub patch: u32,
}

impl Version {
    fn read(text: &[u8]) -> Option<Self> {
        let mut numbers = core::str::from_utf8(text).ok()?.split('.').map(number);
        let (major, minor) = (numbers.next()??, numbers.next()??);
        let patch = numbers.next().unwrap_or(Some(0))?;
        Some(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A decimal number, without sign.
pub(super) fn number<N: core::str::FromStr>(digits: &str) -> Option<N> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Writes a command as far as its text goes, without the line's end.
pub(super) fn begin(text: &[u8], line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
    let name = name(text);
    let arguments = text.len() - text[name.len()..].trim_ascii_start().len();
    let (before, secret) = text.split_at(if is_secret(name) { arguments } else { text.len() });
    line.text(before)?;
    if !secret.is_empty() {
        let written = line.secret(SECRET, |line| line.text(secret));
        written.map_err(|why| moved(why, before.len()))?;
    }
    refuse_reserved(text)?;
    Ok(Expect::of(name))
}

/// Writes the lines of a list that was given as text, and begin so many bytes behind its beginning.
fn begin_each(
    start: usize,
    members: &[u8],
    line: &mut Encoder<'_>,
) -> Result<Vec<Expect>, Refusal> {
    let mut at = start;
    let mut expected = Vec::new();
    for text in members.split_inclusive(|byte| *byte == b'\n') {
        let member = begin(text.strip_suffix(b"\n").unwrap_or(text), line);
        expected.push(member.map_err(|why| moved(why, at))?);
        line.end(b"\n");
        at += text.len();
    }
    Ok(expected)
}

/// The same, of a text that begins so many bytes before.
fn moved(why: Refusal, by: usize) -> Refusal {
    match why {
        Refusal::Forbidden { byte, at } => Refusal::Forbidden { byte, at: by + at },
        why => why,
    }
}

/// What logs show instead of a password.
pub(super) const SECRET: &str = "***";

/// Whether the arguments of the command of this name are secrets.
pub(super) fn is_secret(name: &[u8]) -> bool {
    name == PASSWORD
}

/// The command whose argument is one.
pub(super) const PASSWORD: &[u8] = b"password";

/// The word that a command begins with. MPD takes all control characters for blanks.
pub(super) fn name(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte <= b' ').next().unwrap_or_default()
}

fn refuse_reserved(text: &[u8]) -> Result<(), Refusal> {
    let why = match name(text) {
        _ if text.is_empty() => return Err(Refusal::Empty),
        // It takes them for a misguided HTTP request, or worse.
        _ if !text[0].is_ascii_lowercase() => {
            "MPD closes the connection if a command does not begin with a lower-case letter"
        }
        b"idle" | b"noidle" => "the mode is switched by listening, not by a command",
        b"close" => "the connection is closed by its program, not by a command",
        name if name.starts_with(b"command_list_") => "CommandList makes lists of commands",
        _ => return Ok(()),
    };
    Err(Refusal::Reserved(why))
}

/// How many bytes follow the end of a line.
fn count(at: CountedAt<'_>) -> Result<Option<usize>, &'static str> {
    if at.behind {
        return if at.text.is_empty() { Ok(None) } else { Err(BEHIND) };
    }
    let Some(digits) = at.text.strip_prefix(BINARY) else { return Ok(None) };
    let count = core::str::from_utf8(digits).ok().and_then(number);
    count.map(Some).ok_or("a binary part does not say how many bytes it has")
}

const BEHIND: &str = "a binary part is longer than it says";

fn line_with_cr(framing: Framing) -> Framing {
    match framing {
        Framing::Frame { end, .. } => Framing::Frame { body: end - 1, end },
        framing => framing,
    }
}

/// A CR behind counted bytes is no part of their line's end either.
fn counted_with_cr(input: &[u8], framing: Framing) -> Framing {
    match framing {
        Framing::Frame { body, end } if body + 1 != end && input.starts_with(BINARY) => {
            Framing::Broken { what: BEHIND, seen: end - 1 }
        }
        Framing::Piece { body, end, last: true } if body + 1 != end => {
            Framing::Broken { what: BEHIND, seen: end - 1 }
        }
        // Messages show all of what is wrong.
        Framing::Broken { what, seen } if input[seen..].starts_with(b"\r") => {
            Framing::Broken { what, seen: seen + 1 }
        }
        framing => line_with_cr(framing),
    }
}
