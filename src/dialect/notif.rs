//! The notif protocol: the small line protocol of a tutorial, both halves, all spellings.
//!
//! | client says | server answers |
//! |---|---|
//! | `random?` | one line, a decimal number |
//! | `classified?` | one line: the oldest ad not read yet; an empty line when there is none |
//! | `notif`, `_notif_` | `OK`, `will send notifs`; then `notif: TOPIC`, at any time |
//! | `stop_notif`, `_stop_notif_`, `_stop_notify_` | `OK`; then no more notifications |
//! | `OK`, in the mode | nothing: it acknowledges a notification |
//! | anything else | `error: …`, one line |
//!
//! Lines end in LF or CR LF; both are read. With [`ids`](Notif::ids), an extension, `#7 random?` is
//! answered `#7 456902234`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use bytes::Bytes;

use crate::command::{Answer, Command, Encoder};
use crate::dialect::{
    Awaiting, Class, Dialect, Heard, Said, ServerDialect, Spoken, Standing, To, Word,
};
use crate::error::{BadReply, Refusal};
use crate::event::{Reply, Status};
use crate::frame::{self, Framing};
use crate::mode::{Entered, InMode, Left, Mode};

const NOTIFICATION: &[u8] = b"notif:";
const ERROR: &[u8] = b"error:";
const OK: &[u8] = b"OK";
const WILL_SEND: &[u8] = b"will send notifs";

/// The notif protocol, as its client and its server speak it.
///
/// ```
/// use bellwire::dialect::notif::{Newline, Notif};
///
/// let mut dialect = Notif::default();
/// dialect.newline = Newline::Lf;
/// dialect.acknowledge = true;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notif {
    /// How written lines end.
    pub newline: Newline,
    /// How the client spells the mode's commands.
    pub spelling: Spelling,
    /// Whether the client acknowledges notifications with `OK`.
    pub acknowledge: bool,
    /// Whether commands and replies carry ids: both ends must agree.
    pub ids: bool,
    /// Whether the client gives commands without leaving the mode, as the protocol allows.
    pub ask_in_mode: bool,
}

/// How lines end when written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newline {
    /// CR LF.
    #[default]
    CrLf,
    /// LF.
    Lf,
}

impl Newline {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// How the mode's commands are spelled; the protocol grew as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// `notif` and `stop_notif`.
    #[default]
    Plain,
    /// `_notif_` and `stop_notif`, as in the tutorial's example session.
    Session,
    /// `_notif_` and `_stop_notif_`.
    Underscored,
    /// `_notif_` and `_stop_notify_`.
    Notify,
}

impl Spelling {
    const fn enter(self) -> &'static str {
        match self {
            Self::Plain => "notif",
            Self::Session | Self::Underscored | Self::Notify => "_notif_",
        }
    }

    const fn leave(self) -> &'static str {
        match self {
            Self::Plain | Self::Session => "stop_notif",
            Self::Underscored => "_stop_notif_",
            Self::Notify => "_stop_notify_",
        }
    }
}

/// What a command of the notif protocol waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A decimal number.
    Number,
    /// Any line.
    Line,
    /// The acknowledgement of entering the mode.
    Entered,
    /// The acknowledgement of leaving the mode.
    Left,
}

impl Expect {
    #[inline]
    fn accepts(self, text: &[u8]) -> Option<Status> {
        if text.starts_with(ERROR) {
            Some(Status::Refused)
        } else if self == Self::Line || self.accepts_word(text) {
            Some(Status::Done)
        } else {
            None
        }
    }

    #[inline(never)]
    fn accepts_word(self, text: &[u8]) -> bool {
        match self {
            Self::Line => true,
            Self::Number => is_number(text.trim_ascii()),
            Self::Entered => matches!(text.trim_ascii_end(), OK | WILL_SEND),
            Self::Left => text.trim_ascii_end() == OK,
        }
    }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

impl Dialect for Notif {
    type Expect = Expect;

    #[inline]
    fn frame(&mut self, input: &[u8], searched: usize, _: &mut Awaiting<'_, Expect>) -> Framing {
        frame::line(input, searched)
    }

    #[inline(always)]
    fn classify(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Class {
        if frame.starts_with(NOTIFICATION) {
            return classify_notification(frame, awaiting);
        }
        if self.ids {
            return match numbered(frame, awaiting) {
                Some((number, text, status)) => {
                    Class::Reply { to: To::Number(number), status, text }
                }
                None => Class::Unsolicited,
            };
        }
        match awaiting.oldest().and_then(|expect| expect.accepts(frame)) {
            Some(status) => Class::Reply { to: To::Oldest, status, text: 0 },
            None => Class::Unsolicited,
        }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        match spoken(text) {
            _ if text.trim_ascii().is_empty() => return Err(Refusal::Empty),
            Spoken::Command { .. } => line.text(text)?,
            Spoken::Acknowledge => {
                return Err(Refusal::Reserved("it acknowledges notifications, and is no command"));
            }
            _ => {
                return Err(Refusal::Reserved(
                    "the mode is switched by listening, not by a command",
                ));
            }
        }
        line.end(self.newline.bytes());
        Ok(if text.trim_ascii() == b"random?" { Expect::Number } else { Expect::Line })
    }

    fn numbered(&self) -> bool {
        self.ids
    }

    fn tag(&self, number: u64, out: &mut Vec<u8>) {
        if self.ids {
            out.push(b'#');
            out.extend_from_slice(number.to_string().as_bytes());
            out.push(b' ');
        }
    }

    fn mode(&self) -> Option<Mode> {
        Some(Mode {
            entered: Entered::ByReply,
            left: Left::ByReply,
            commands: if self.ask_in_mode { InMode::Answered } else { InMode::LeaveFirst },
            rearm: None,
        })
    }

    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<Expect> {
        let (text, expect) = match word {
            Word::Enter => (self.spelling.enter(), Some(Expect::Entered)),
            Word::Leave => (self.spelling.leave(), Some(Expect::Left)),
            Word::Acknowledge if self.acknowledge => ("OK", None),
            Word::Acknowledge => return None,
            // Leaving a mode that is not on is answered, and changes nothing.
            Word::Probe => (self.spelling.leave(), Some(Expect::Left)),
        };
        line.push(text.as_bytes());
        line.end(self.newline.bytes());
        expect
    }

    fn spoken(&self, line: &[u8]) -> Spoken {
        let start = if self.ids { split_id(line).map_or(0, |(_, text)| text) } else { 0 };
        match spoken(&line[start..]) {
            Spoken::Command { text } => Spoken::Command { text: start..start + text.end },
            word => word,
        }
    }
}

/// `notif: OK` acknowledges the mode; every other line that begins so is a notification, whatever is
/// awaited.
#[inline]
fn classify_notification(frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Class {
    let topic = notification_topic(frame);
    if &frame[topic.clone()] != OK {
        Class::Notification { topic }
    } else if awaiting.oldest().is_some_and(|expect| *expect == Expect::Entered) {
        Class::Reply { to: To::Oldest, status: Status::Done, text: 0 }
    } else {
        Class::Unsolicited
    }
}

#[inline(never)]
fn numbered(frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Option<(u64, usize, Status)> {
    let (number, text) = split_id(frame)?;
    let status = awaiting.numbered(number)?.accepts(&frame[text..])?;
    Some((number, text, status))
}

/// Where the topic is in a line that begins with `notif:`.
#[inline]
fn notification_topic(line: &[u8]) -> Range<usize> {
    match &line[NOTIFICATION.len()..] {
        // As nearly all are written, without a loop.
        [b' ', first, .., last] if *first != b' ' && *last > b' ' => {
            NOTIFICATION.len() + 1..line.len()
        }
        _ => trimmed_topic(line),
    }
}

#[inline(never)]
fn trimmed_topic(line: &[u8]) -> Range<usize> {
    let blanks = line[NOTIFICATION.len()..].iter().take_while(|byte| **byte == b' ').count();
    let start = NOTIFICATION.len() + blanks;
    start..start + line[start..].trim_ascii_end().len()
}

/// The number in front of `#7 random?`, and where the text begins.
fn split_id(line: &[u8]) -> Option<(u64, usize)> {
    let digits = line.strip_prefix(b"#")?;
    let length = digits.iter().position(|byte| *byte == b' ')?;
    let number = &digits[..length];
    // One way to write each number, so that an id comes back as it went.
    let canonical = is_number(number) && (length == 1 || number[0] != b'0');
    let number = canonical.then(|| parse_number(number)).flatten()?;
    Some((number, length + 2))
}

fn parse_number(digits: &[u8]) -> Option<u64> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// A command begins where the line does.
fn spoken(line: &[u8]) -> Spoken {
    match line.trim_ascii_end() {
        b"notif" | b"_notif_" => Spoken::Enter,
        b"stop_notif" | b"_stop_notif_" | b"_stop_notify_" => Spoken::Leave,
        b"OK" => Spoken::Acknowledge,
        text => Spoken::Command { text: 0..text.len() },
    }
}

/// `random?`: asks for a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random;

impl Command<Notif> for Random {
    type Reply = u64;

    fn encode(&self, dialect: &Notif, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        dialect.encode_text(b"random?", line)
    }

    fn decode(&self, answer: Answer) -> Result<u64, BadReply> {
        let text = answer.text()?;
        parse_number(text.trim_ascii())
            .ok_or(BadReply::Unexpected { expected: "a decimal number of at most 64 bits", text })
    }
}

/// `classified?`: asks for the oldest ad that this connection has not read yet; `None` when there is
/// none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classified;

impl Command<Notif> for Classified {
    type Reply = Option<String>;

    fn encode(&self, dialect: &Notif, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        dialect.encode_text(b"classified?", line)
    }

    fn decode(&self, answer: Answer) -> Result<Option<String>, BadReply> {
        let text = answer.text()?;
        match core::str::from_utf8(&text) {
            Ok("") => Ok(None),
            Ok(ad) => Ok(Some(ad.to_string())),
            Err(_) => Err(BadReply::Unexpected { expected: "UTF-8", text }),
        }
    }
}

/// `TOPIC?`: asks for what a notification of this topic announced. An empty reply means that there
/// is nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get<T>(
    /// The topic.
    pub T,
);

impl<T: AsRef<[u8]>> Command<Notif> for Get<T> {
    type Reply = Bytes;

    fn encode(&self, dialect: &Notif, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        let mut getter = self.0.as_ref().to_vec();
        getter.push(b'?');
        dialect.encode_text(&getter, line)
    }

    fn decode(&self, answer: Answer) -> Result<Bytes, BadReply> {
        answer.text()
    }
}

/// What a notif server remembers of a command until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    id: Option<u64>,
    acknowledgement: &'static [u8],
}

impl Notif {
    fn begin(&self, note: &Note, line: &mut Encoder<'_>) {
        if let Some(id) = note.id {
            line.push(b"#");
            line.push(id.to_string().as_bytes());
            line.push(b" ");
        }
    }
}

impl ServerDialect for Notif {
    type Note = Note;

    fn frame(&mut self, input: &[u8], searched: usize) -> Framing {
        frame::line(input, searched)
    }

    fn hear(&mut self, frame: &[u8], standing: Standing) -> Heard<Note> {
        let id = if self.ids { split_id(frame) } else { None };
        let start = id.map_or(0, |(_, text)| text);
        let mut note = Note { id: id.map(|(number, _)| number), acknowledgement: OK };
        let line = &frame[start..];
        match spoken(line) {
            Spoken::Enter => {
                if line.starts_with(b"_") {
                    note.acknowledgement = WILL_SEND;
                }
                Heard::Enter(note)
            }
            Spoken::Leave => Heard::Leave(note),
            Spoken::Acknowledge if standing == Standing::Listening => Heard::Acknowledge,
            Spoken::Acknowledge => Heard::Rejected(note, "OK acknowledges notifications only"),
            Spoken::Command { text } => hear_command(note, &frame[..start + text.end], start),
        }
    }

    fn reply(
        &self,
        note: &Note,
        reply: Reply<&[u8]>,
        line: &mut Encoder<'_>,
    ) -> Result<(), Refusal> {
        let refused = reply.text.starts_with(ERROR);
        match reply.status {
            Status::Done if reply.text.starts_with(NOTIFICATION) => {
                return Err(Refusal::Reserved("a reply never begins with notif:"));
            }
            Status::Done if refused => {
                return Err(Refusal::Reserved("only a refusal begins with error:"));
            }
            _ => {}
        }
        self.begin(note, line);
        if reply.status == Status::Refused && !refused {
            line.push(b"error: ");
        }
        line.text(reply.text)?;
        line.end(self.newline.bytes());
        Ok(())
    }

    fn acknowledge(&self, note: &Note, line: &mut Encoder<'_>) {
        self.begin(note, line);
        line.push(note.acknowledgement);
        line.end(self.newline.bytes());
    }

    fn notify(&self, topic: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        match topic {
            b"" => return Err(Refusal::Empty),
            OK => return Err(Refusal::Reserved("notif: OK acknowledges the mode")),
            _ if topic != topic.trim_ascii() => {
                return Err(Refusal::Reserved("blanks around a topic do not survive the wire"));
            }
            _ => {}
        }
        line.push(b"notif: ");
        line.text(topic)?;
        line.end(self.newline.bytes());
        Ok(())
    }

    fn said(&self, text: &[u8]) -> Said {
        let line = match frame::line(text, 0) {
            Framing::Frame { body, .. } => &text[..body],
            _ => text,
        };
        let start = if self.ids { split_id(line).map_or(0, |(_, text)| text) } else { 0 };
        let text = &line[start..];
        if text.starts_with(NOTIFICATION) {
            return Said::Notification(notification_topic(line));
        }
        let refused = text.starts_with(ERROR);
        Said::Reply(if refused { Status::Refused } else { Status::Done }, start..line.len())
    }

    fn too_long(&self) -> Heard<Note> {
        Heard::Rejected(Note { id: None, acknowledgement: OK }, "line too long")
    }
}

/// Hears the command that begins at `start`, behind its id, and ends with the line.
fn hear_command(note: Note, line: &[u8], start: usize) -> Heard<Note> {
    let command = &line[start..];
    if command.is_empty() {
        return Heard::Rejected(note, "empty command");
    }
    if core::str::from_utf8(command).is_err() {
        return Heard::Rejected(note, "the command is not UTF-8");
    }
    if command.contains(&0) {
        return Heard::Rejected(note, "the command holds a NUL");
    }
    let topic = command.strip_suffix(b"?").map(|topic| start..start + topic.len());
    Heard::Command { note, text: start..line.len(), reads: topic }
}
