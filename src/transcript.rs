//! Sessions written as `C:` and `S:` lines: the test format, the trace format and the documentation
//! format at once.
//!
//! ```text
//! # Everything the machine can be told, in the order in which it happens.
//! = in-flight 2          a setting, see `Settings`
//! C: random?             the client says a line
//! S: 45690\              the server says something that is not a whole line yet
//! S: 2234                … and the rest of it, in a read of its own
//! > reply 1 456902234    what the machine takes this for; see `Event`'s Display
//! S: notif: random
//! S| notif: classified   a further line in the same read
//! > notification random
//! > notification classified
//! .. 29min               time passes
//! ! abandon 2            the program does something that the wire does not show; see `Act`
//! S: <EOF>               the server closes the connection; or <RESET>
//! ```
//!
//! Blanks before and after the colon do not count, those at the end of a line do. `\r`, `\n`, `\t`,
//! `\\` and `\xff` are bytes. Lines end in CR LF unless `= newline lf` says otherwise.
//!
//! A transcript can be [played](play) on the machine of either end. Commands and replies need no act of
//! their own: they are read off the wire. If a transcript holds any `>` line, it must hold all; if it
//! holds none, `listen`, `unlisten` and `notify` are read off the wire, too.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

pub use crate::error::escape;

pub mod play;
mod record;
mod settings;

pub use record::Recorder;
pub use settings::{Configured, Settings};

/// A session, parsed.
///
/// ```
/// use bellwire::{Client, Config, Transcript, dialect::notif::Notif, transcript::play};
///
/// let transcript: Transcript = "
///     C: random?
///     S: notif: classified
///     > notification classified
///     S: 456902234
///     > reply 1 456902234
/// ".parse()?;
/// let client = Client::new(Notif::default(), Config::default());
/// play::client(&transcript, client, &mut |_| {})?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The settings, in order: a name and a value.
    pub settings: Vec<(String, String)>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it stands in the text, from 1.
    pub line: usize,
    /// What happens.
    pub what: What,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The client sends.
    Client(Said),
    /// The server sends.
    Server(Said),
    /// Time passes.
    Passed(Duration),
    /// The program does something.
    Act(Act),
    /// The machine takes what came before for this.
    Taken(String),
}

/// What one end sends in one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The end of the connection.
    Eof,
    /// The end of the connection by an error.
    Reset,
}

impl From<&[u8]> for Said {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// Something that a program does and the wire does not show, or not at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// `command TEXT`: the client's program gives a command.
    Command(Vec<u8>),
    /// `within TIME TEXT`: it gives a command with a deadline.
    Within(Duration, Vec<u8>),
    /// `abandon N`: it abandons the command with ticket N.
    Abandon(u64),
    /// `listen`
    Listen,
    /// `unlisten`
    Unlisten,
    /// `decide`: what the client says next is decided here, and said later, behind what comes between.
    Decide,
    /// `open`: the connection has to begin with something.
    Open,
    /// `opening TEXT`: the client's program gives a command that the connection begins with.
    Opening(Vec<u8>),
    /// `opened`: the connection has begun.
    Opened,
    /// `secured`: nobody can listen in.
    Secured,
    /// `upgrade`: the stream has changed, to TLS.
    Upgrade,
    /// `reply N TEXT`: the server's program answers the command with ticket N.
    Reply(u64, Vec<u8>),
    /// `refuse N TEXT`: it refuses it.
    Refuse(u64, Vec<u8>),
    /// `notify TOPIC`: it has something new.
    Notify(Vec<u8>),
    /// `retract TOPIC`: nothing is new any more.
    Retract(Vec<u8>),
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(text) => write!(f, "command {}", escape(text)),
            Self::Within(timeout, text) => write!(f, "within {} {}", Time(*timeout), escape(text)),
            Self::Abandon(ticket) => write!(f, "abandon {ticket}"),
            Self::Listen => f.write_str("listen"),
            Self::Unlisten => f.write_str("unlisten"),
            Self::Decide => f.write_str("decide"),
            Self::Open => f.write_str("open"),
            Self::Opening(text) => write!(f, "opening {}", escape(text)),
            Self::Opened => f.write_str("opened"),
            Self::Secured => f.write_str("secured"),
            Self::Upgrade => f.write_str("upgrade"),
            Self::Reply(ticket, text) => write!(f, "reply {ticket} {}", escape(text)),
            Self::Refuse(ticket, text) => write!(f, "refuse {ticket} {}", escape(text)),
            Self::Notify(topic) => write!(f, "notify {}", escape(topic)),
            Self::Retract(topic) => write!(f, "retract {}", escape(topic)),
        }
    }
}

/// A line that makes no sense in a transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}: {text}")]
pub struct ParseError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
    /// The line.
    pub text: String,
}

impl FromStr for Transcript {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { transcript: Self::default(), newline: b"\r\n" };
        for (index, line) in text.lines().enumerate() {
            // However the file ends its lines; a CR that is said is written `\r`.
            let text = line.trim_start().trim_end_matches('\r');
            parser.line(index + 1, text).map_err(|what| ParseError {
                line: index + 1,
                what,
                text: line.to_owned(),
            })?;
        }
        Ok(parser.transcript)
    }
}

struct Parser {
    transcript: Transcript,
    newline: &'static [u8],
}

impl Parser {
    fn line(&mut self, line: usize, text: &str) -> Result<(), &'static str> {
        let mark = text.get(..2).unwrap_or("");
        let rest = text.get(2..).unwrap_or("").trim_start_matches([' ', '\t']);
        let what = match mark {
            "C:" => What::Client(self.said(rest)?),
            "S:" => What::Server(self.said(rest)?),
            "C|" | "S|" => return self.continued(mark, rest),
            ".." => What::Passed(parse_time(rest.trim_end())?),
            _ => match text.chars().next() {
                None | Some('#') => return Ok(()),
                Some('=') => return self.setting(&text[1..]),
                Some('>') => What::Taken(text[1..].trim_start().to_owned()),
                Some('!') => What::Act(parse_act(text[1..].trim_start())?),
                Some(_) => return Err("a line begins with C: S: C| S| .. ! > = or #"),
            },
        };
        self.transcript.steps.push(Step { line, what });
        Ok(())
    }

    fn setting(&mut self, text: &str) -> Result<(), &'static str> {
        let text = text.trim();
        let (name, value) = text.split_once(' ').unwrap_or((text, ""));
        let value = value.trim_start();
        match (name, value) {
            ("newline", "lf") => self.newline = b"\n",
            ("newline", "crlf") => self.newline = b"\r\n",
            ("newline", _) => return Err("newline is lf or crlf"),
            _ => {}
        }
        self.transcript.settings.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn said(&self, text: &str) -> Result<Said, &'static str> {
        match text.trim_end() {
            "<EOF>" => return Ok(Said::Eof),
            "<RESET>" => return Ok(Said::Reset),
            _ => {}
        }
        let (text, whole) = match text.strip_suffix('\\') {
            // An even number of backslashes is escaped ones.
            Some(part) if text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1 => {
                (part, false)
            }
            _ => (text, true),
        };
        let mut bytes = unescape(text)?;
        if whole {
            bytes.extend_from_slice(self.newline);
        }
        Ok(Said::Bytes(bytes))
    }

    fn continued(&mut self, mark: &str, text: &str) -> Result<(), &'static str> {
        let Said::Bytes(more) = self.said(text)? else { return Err("an end stands alone") };
        let last = self.transcript.steps.iter_mut().rev().map(|step| &mut step.what);
        let mut last = last.skip_while(|what| matches!(what, What::Taken(_)));
        match (mark, last.next()) {
            ("C|", Some(What::Client(Said::Bytes(bytes))))
            | ("S|", Some(What::Server(Said::Bytes(bytes)))) => {
                bytes.extend_from_slice(&more);
                Ok(())
            }
            _ => Err("there is nothing of the same end to go on from"),
        }
    }
}

fn parse_act(text: &str) -> Result<Act, &'static str> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text.trim_end(), ""));
    let numbered = || -> Result<(u64, Vec<u8>), &'static str> {
        let (ticket, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let ticket = ticket.trim_end().parse().map_err(|_| "a ticket's number is missing")?;
        Ok((ticket, unescape(text)?))
    };
    Ok(match verb {
        "command" => Act::Command(unescape(rest)?),
        "within" => {
            let (timeout, text) = rest.split_once(' ').ok_or("within TIME TEXT")?;
            Act::Within(parse_time(timeout)?, unescape(text)?)
        }
        "abandon" => Act::Abandon(numbered()?.0),
        "listen" => Act::Listen,
        "unlisten" => Act::Unlisten,
        "decide" => Act::Decide,
        "open" => Act::Open,
        "opening" => Act::Opening(unescape(rest)?),
        "opened" => Act::Opened,
        "secured" => Act::Secured,
        "upgrade" => Act::Upgrade,
        "reply" => numbered().map(|(ticket, text)| Act::Reply(ticket, text))?,
        "refuse" => numbered().map(|(ticket, text)| Act::Refuse(ticket, text))?,
        "notify" => Act::Notify(unescape(rest)?),
        "retract" => Act::Retract(unescape(rest)?),
        _ => return Err("unknown act"),
    })
}

/// A duration as transcripts write it: `250ms`, `1.5s`, `29min`, `2h`.
///
/// # Errors
///
/// What is wrong with it.
///
/// ```
/// use std::time::Duration;
/// use bellwire::transcript::parse_time;
///
/// assert_eq!(parse_time("1.5s"), Ok(Duration::from_millis(1500)));
/// ```
pub fn parse_time(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "a time is a number and ms, s, min or h";
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(WRONG)?;
    let (number, unit) = text.split_at(unit_at);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let nanos = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "min" => 60_000_000_000,
        "h" => 3_600_000_000_000_u64,
        _ => return Err(WRONG),
    };
    let mut total = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(nanos)).ok_or(WRONG)?;
    let mut place = nanos;
    for digit in fraction.chars() {
        place /= 10;
        let digit = digit.to_digit(10).ok_or(WRONG)?;
        total = total.checked_add(u64::from(digit) * place).ok_or(WRONG)?;
    }
    Ok(Duration::from_nanos(total))
}

/// Writes a duration so that [`parse_time`] reads the same, to the nanosecond.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanos();
        write!(f, "{}", self.0.as_secs())?;
        if nanos > 0 {
            let fraction = alloc::format!("{nanos:09}");
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("s")
    }
}

fn unescape(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match chars.next() {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('\\') => b'\\',
            Some('x') => {
                let mut digit = || chars.next().and_then(|c| c.to_digit(16));
                let (high, low) = (digit(), digit());
                let (Some(high), Some(low)) = (high, low) else {
                    return Err("\\x needs two hex digits");
                };
                (high * 16 + low) as u8
            }
            _ => return Err("an escape is \\n \\r \\t \\\\ or \\xff"),
        });
    }
    Ok(bytes)
}

/// The text of a step that sends `bytes`, behind its mark.
fn write_said(bytes: &[u8], newline: &[u8]) -> String {
    let (text, whole) = match bytes.strip_suffix(newline) {
        Some(text) => (text, true),
        None => (bytes, false),
    };
    let mut written = escape(text);
    if written.starts_with(' ') || matches!(written.trim_end(), "<EOF>" | "<RESET>") {
        // Blanks in front would not count, and a line may look like a mark.
        let first = written.remove(0);
        written.insert_str(0, &alloc::format!("\\x{:02x}", u32::from(first)));
    }
    if !whole {
        written.push('\\');
    }
    written
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut newline: &[u8] = b"\r\n";
        for (name, value) in &self.settings {
            if name == "newline" {
                newline = if value == "lf" { b"\n" } else { b"\r\n" };
            }
            writeln!(f, "{}", alloc::format!("= {name} {value}").trim_end())?;
        }
        for step in &self.steps {
            match &step.what {
                What::Client(said) => write_lines(f, 'C', said, newline)?,
                What::Server(said) => write_lines(f, 'S', said, newline)?,
                What::Passed(time) => writeln!(f, ".. {}", Time(*time))?,
                What::Act(act) => writeln!(f, "! {act}")?,
                What::Taken(event) => writeln!(f, "> {event}")?,
            }
        }
        Ok(())
    }
}

/// Writes what one end (`C` or `S`) sends in one write.
fn write_lines(f: &mut dyn fmt::Write, end: char, said: &Said, newline: &[u8]) -> fmt::Result {
    let bytes = match said {
        Said::Eof => return writeln!(f, "{end}: <EOF>"),
        Said::Reset => return writeln!(f, "{end}: <RESET>"),
        Said::Bytes(bytes) if bytes.is_empty() => return writeln!(f, "{end}: \\"),
        Said::Bytes(bytes) => bytes,
    };
    let mut mark = ':';
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        writeln!(f, "{end}{mark} {}", write_said(line, newline))?;
        mark = '|';
    }
    Ok(())
}

impl Transcript {
    /// The bytes that the server sends, all together.
    #[must_use]
    pub fn server_bytes(&self) -> Vec<u8> {
        let said = self.steps.iter().filter_map(|step| match &step.what {
            What::Server(Said::Bytes(bytes)) => Some(bytes.as_slice()),
            _ => None,
        });
        said.flatten().copied().collect()
    }

    /// The value of a setting; of the last, if there are several.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().rev().find(|(of, _)| of == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Adds a setting.
    pub fn set(&mut self, name: &str, value: impl fmt::Display) {
        self.settings.push((name.to_owned(), value.to_string()));
    }
}
