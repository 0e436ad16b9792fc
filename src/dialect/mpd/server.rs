//! MPD's protocol, as its server speaks it.
//!
//! # What a program answers
//!
//! A reply that is [done](crate::Reply::done) is the lines before `OK`, which the dialect writes:
//! `volume: 54\nstate: stop`, with or without a line end behind the last. A reply that is
//! [refused](crate::Reply::refused) is one of
//!
//! | text | on the wire |
//! |---|---|
//! | `No such song` | `ACK [5@0] {play} No such song` |
//! | `[50] No such song` | `ACK [50@0] {play} No such song` |
//! | an [`Ack`](super::Ack), as it is displayed | the same, with its own command, or none |
//!
//! The dialect knows the command's name and its place in a command list, and fills them in.
//!
//! # What is guaranteed
//!
//! There is one answer for each command, in order, and nothing in between (guarantee G24), where the
//! wire has one: `idle` is answered by its end, `noidle` and `close` are not answered, and the answers
//! of a command list run into one, up to its `OK` or the first `ACK`. A client that does not read costs
//! a bounded amount (guarantee G25): a flag for each subsystem, and one answer for each `idle` that it
//! has said.
//!
//! # Where it differs from MPD
//!
//! - MPD carries out one command after the other. Here the commands outside a list are told as they
//!   come, and may be answered in any order; the wire sees the order of the commands (guarantee G24).
//!   What stands behind `idle` waits until `idle` is entered, so that it means what it means to MPD.
//! - Where MPD closes a connection without a word, answers that it has not written yet are lost; here,
//!   too.
//! - To MPD, a NUL ends a line. Here it is an invalid character.
//! - MPD takes lines of 8 KiB; here [`ServerLimits::frame`](crate::ServerLimits::frame) says how long
//!   they may be.

use alloc::boxed::Box;
use alloc::format;
use core::ops::Range;

use super::ack::{self, Parts};
use super::argument::{self, Arguments, BadLine};
use super::client::PASSWORD;
use super::{Code, Mpd};
use crate::command::Encoder;
use crate::dialect::{Heard, Said, ServerDialect, Standing};
use crate::error::Refusal;
use crate::event::{Reply, Status};
use crate::frame::{self, Framing};
use crate::mode::Lasts;

const CHANGED: &[u8] = b"changed: ";
const OK: &[u8] = b"OK";
const LIST_OK: &[u8] = b"list_OK";
const REFUSED: &[u8] = b"ACK ";
const BINARY: &[u8] = b"binary: ";

/// What an MPD server remembers of a line until it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    place: Place,
    about: About,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Alone,
    Member { index: usize, marked: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    /// The command of this name.
    Command(Box<[u8]>),
    /// `idle`, with a bit for each subsystem that is waited for.
    Idle(u64),
    /// `idle`, for this, which is no subsystem.
    Unrecognized(Box<[u8]>),
    /// What is no command.
    Nothing(Code),
}

impl Note {
    const fn new(standing: Standing, about: About) -> Self {
        let place = match standing {
            Standing::Member { index, marked } => Place::Member { index, marked },
            _ => Place::Alone,
        };
        Self { place, about }
    }

    const fn index(&self) -> usize {
        match self.place {
            Place::Member { index, .. } => index,
            Place::Alone => 0,
        }
    }

    /// The name of the command that is refused.
    fn name(&self) -> &[u8] {
        match &self.about {
            About::Command(name) => name,
            About::Idle(_) | About::Unrecognized(_) => b"idle",
            About::Nothing(_) => b"",
        }
    }

    /// The code of a refusal that says none.
    const fn code(&self) -> Code {
        match &self.about {
            About::Command(_) | About::Idle(_) => Code::Unknown,
            About::Unrecognized(_) => Code::Arg,
            About::Nothing(code) => *code,
        }
    }
}

impl ServerDialect for Mpd {
    type Note = Note;

    fn frame(&mut self, input: &[u8], searched: usize) -> Framing {
        frame::line(input, searched)
    }

    fn hear(&mut self, frame: &[u8], standing: Standing) -> Heard<Note> {
        let length = frame.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
        match (&frame[..length], standing) {
            ([], _) => Heard::Violation("an empty line"),
            ([first, ..], _) if !first.is_ascii_lowercase() => {
                Heard::Violation("a command begins with a lower-case letter")
            }
            (b"noidle", Standing::Listening) => {
                Heard::Leave(Note::new(standing, About::Nothing(Code::Unknown)))
            }
            // It has crossed with the end of idle.
            (b"noidle", _) => Heard::Ignored,
            (_, Standing::Listening) => Heard::Violation("in idle, only noidle may be said"),
            (b"command_list_end", Standing::Listing) => {
                Heard::ListEnd(Note::new(standing, About::Nothing(Code::Unknown)))
            }
            (_, Standing::Listing) => Heard::Listed,
            (b"command_list_begin", Standing::Outside) => Heard::ListBegin { marked: false },
            (b"command_list_ok_begin", Standing::Outside) => Heard::ListBegin { marked: true },
            (line, _) => self.hear_command(line, standing),
        }
    }

    fn reply(
        &self,
        note: &Note,
        reply: Reply<&[u8]>,
        line: &mut Encoder<'_>,
    ) -> Result<(), Refusal> {
        if reply.status == Status::Refused {
            return refuse(note, reply.text, line);
        }
        write_lines(reply.text, line)?;
        match note.place {
            Place::Alone => line.push(OK),
            Place::Member { marked: true, .. } => line.push(LIST_OK),
            Place::Member { marked: false, .. } => return Ok(()),
        }
        line.end(b"\n");
        Ok(())
    }

    fn acknowledge(&self, _: &Note, line: &mut Encoder<'_>) {
        line.push(OK);
        line.end(b"\n");
    }

    /// Only a subsystem of [`Mpd::subsystems`] can be announced: of another, a client could not have
    /// said that it waits for it.
    fn notify(&self, topic: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        if self.subsystem(topic).is_none() {
            return Err(Refusal::Form("no such subsystem"));
        }
        line.push(CHANGED);
        line.text(topic)?;
        line.end(b"\n");
        Ok(())
    }

    fn too_long(&self) -> Heard<Note> {
        Heard::Violation("the line is too long")
    }

    /// Whatever follows `password`, also where MPD would not take it for a command.
    fn secret(&self, said: &[u8]) -> Option<usize> {
        let start = said.iter().position(u8::is_ascii_alphabetic)?;
        let (name, behind) = said[start..].split_at_checked(PASSWORD.len())?;
        let blanks = behind.iter().position(|byte| *byte > b' ')?;
        name.eq_ignore_ascii_case(PASSWORD).then_some(start + PASSWORD.len() + blanks)
    }

    fn said(&self, text: &[u8]) -> Said {
        let line = first_line(text);
        if line.starts_with(CHANGED) {
            return Said::Notification(CHANGED.len()..line.len());
        }
        if line.starts_with(REFUSED) {
            return Said::Reply(Status::Refused, REFUSED.len()..line.len());
        }
        Said::Reply(Status::Done, said_lines(text))
    }

    fn greet(&self, line: &mut Encoder<'_>) {
        line.push(b"OK MPD ");
        line.push(self.greets_as.as_bytes());
        line.end(b"\n");
    }

    fn lasts(&self) -> Lasts {
        Lasts::UntilNews
    }

    fn wants(&self, entered: &Note, topic: &[u8]) -> bool {
        let About::Idle(wanted) = entered.about else { return false };
        self.subsystem(topic).is_some_and(|index| wanted & (1 << index) != 0)
    }

    fn rank(&self, topic: &[u8]) -> usize {
        self.subsystem(topic).unwrap_or(usize::MAX)
    }
}

impl Mpd {
    /// Where a subsystem stands among those that there are: a number below 64.
    fn subsystem(&self, name: &[u8]) -> Option<usize> {
        self.subsystems.iter().take(64).position(|it| it.as_bytes() == name)
    }

    fn hear_command(&self, line: &[u8], standing: Standing) -> Heard<Note> {
        let bad = |why: BadLine| (Note::new(standing, About::Nothing(why.code())), why.text());
        let (name, arguments) = match argument::split(line).and_then(check) {
            Ok(read) => read,
            Err(why) if why.is_fatal() => {
                let (note, text) = bad(why);
                return Heard::Expelled(note, text);
            }
            Err(why) => {
                let (note, text) = bad(why);
                return Heard::Rejected(note, text);
            }
        };
        let unknown =
            |why| Heard::Rejected(Note::new(standing, About::Nothing(Code::Unknown)), why);
        match name {
            b"idle" => self.hear_idle(arguments, standing),
            b"close" => Heard::Goodbye,
            b"noidle" => unknown("unknown command \"noidle\""),
            b"command_list_begin" => unknown("unknown command \"command_list_begin\""),
            b"command_list_ok_begin" => unknown("unknown command \"command_list_ok_begin\""),
            b"command_list_end" => unknown("unknown command \"command_list_end\""),
            name => Heard::Command {
                note: Note::new(standing, About::Command(name.into())),
                text: 0..line.len(),
                reads: None,
            },
        }
    }

    fn hear_idle(&self, mut arguments: Arguments<'_>, standing: Standing) -> Heard<Note> {
        let mut wanted = 0;
        while let Ok(Some(name)) = arguments.next() {
            match self.subsystem(&name.to_ascii_lowercase()) {
                Some(index) => wanted |= 1 << index,
                None => {
                    let note = Note::new(standing, About::Unrecognized((*name).into()));
                    return Heard::Rejected(note, "Unrecognized idle event");
                }
            }
        }
        let wanted = if wanted == 0 { u64::MAX } else { wanted };
        Heard::Enter(Note::new(standing, About::Idle(wanted)))
    }
}

/// Whether all arguments can be read.
fn check<'a>(
    (name, arguments): (&'a [u8], Arguments<'a>),
) -> Result<(&'a [u8], Arguments<'a>), BadLine> {
    let mut ahead = arguments.clone();
    while ahead.next()?.is_some() {}
    Ok((name, arguments))
}

fn refuse(note: &Note, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
    let (code, name, why) = if let Some(ack) = Parts::of(text) {
        (ack.code, ack.command, ack.text)
    } else if let Some((code, why)) = Parts::code_and_text(text) {
        (code, note.name(), why)
    } else {
        (note.code().number(), note.name(), text)
    };
    if let Some(at) = text.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(Refusal::Forbidden { byte: text[at], at });
    }
    line.push(format!("ACK [{code}@{}] {{", note.index()).as_bytes());
    line.push(name);
    line.push(b"} ");
    line.push(why);
    if let About::Unrecognized(event) = &note.about {
        line.push(b": ");
        line.push(event);
    }
    line.end(b"\n");
    Ok(())
}

/// Writes the lines of a reply, and the bytes behind `binary: N`.
fn write_lines(text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
    let mut rest = text;
    while !rest.is_empty() {
        let (pair, behind) = cut_line(rest);
        check_pair(pair, text.len() - rest.len())?;
        line.push(pair);
        line.end(b"\n");
        rest = behind;
        if let Some(length) = pair.strip_prefix(BINARY) {
            rest = write_block(length, rest, line)?;
        }
    }
    Ok(())
}

/// What is behind the block of bytes.
fn write_block<'a>(
    length: &[u8],
    text: &'a [u8],
    line: &mut Encoder<'_>,
) -> Result<&'a [u8], Refusal> {
    let block = ack::number(length).and_then(|length| text.split_at_checked(length));
    match block {
        Some((block, [] | [b'\n'])) => {
            line.counted(block);
            line.end(b"\n");
            Ok(&[])
        }
        Some((block, [b'\n', rest @ ..])) => {
            line.counted(block);
            line.end(b"\n");
            Ok(rest)
        }
        _ => Err(Refusal::Form("behind binary: N come N bytes, and a line end")),
    }
}

/// Whether a line, which begins at `start`, is `key: value`, and neither ends a reply nor looks like a
/// notification.
fn check_pair(line: &[u8], start: usize) -> Result<(), Refusal> {
    if let Some(at) = line.iter().position(|byte| matches!(byte, b'\r' | 0)) {
        return Err(Refusal::Forbidden { byte: line[at], at: start + at });
    }
    let key = line.windows(2).position(|at| at == b": ").map_or(&[][..], |end| &line[..end]);
    if key.is_empty() || !key.iter().all(u8::is_ascii_graphic) {
        return Err(Refusal::Form("each line of a reply is \"key: value\""));
    }
    if [OK, LIST_OK, b"ACK"].iter().any(|end| key.starts_with(end)) {
        return Err(Refusal::Reserved("OK, list_OK and ACK end a reply"));
    }
    if line.starts_with(CHANGED) {
        return Err(Refusal::Reserved("only idle says what has changed"));
    }
    Ok(())
}

/// The first line, and what is behind its end.
fn cut_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    cut_line(text).0
}

/// Where the lines of a reply are that has been said: all before its end.
fn said_lines(text: &[u8]) -> Range<usize> {
    let mut rest = text;
    let mut end = 0;
    while !rest.is_empty() {
        let (line, behind) = cut_line(rest);
        if line == OK || line == LIST_OK || line.starts_with(REFUSED) {
            break;
        }
        let block = line.strip_prefix(BINARY).and_then(ack::number::<usize>);
        // The block, and the line end behind it.
        let skipped = block.map_or(0, |length| length.saturating_add(1)).min(behind.len());
        rest = &behind[skipped..];
        end = text.len() - rest.len();
    }
    0..end
}
