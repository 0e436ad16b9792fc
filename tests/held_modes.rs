//! Two other ways to a notification mode, in two dialects of a page each, to see that the machine
//! knows no protocol (G10): MPD's, where nothing acknowledges entering and leaving has no reply of its
//! own, and IMAP's, where the reply to the command that enters ends the mode.
//!
//! The machine's dialects are richer; these say no more than the crossings need. Their sessions follow
//! what the real servers do. Each is played as it stands, and again with the bytes cut in other
//! places (G11).

use bellwire::dialect::{Awaiting, Class, Dialect, Spoken, To, Word};
use bellwire::frame::{Framing, line};
use bellwire::mode::{Entered, InMode, Left, Mode, Phase};
use bellwire::{Client, Encoder, Refusal, Status};

mod common;

/// What a command on an MPD wire waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    Values,
    Changes,
}

/// `key: value` lines up to `OK` or `ACK …`; `idle` is answered when something has changed.
#[derive(Clone, Debug)]
struct Mpd;

impl Dialect for Mpd {
    type Expect = Lines;

    fn frame(
        &mut self,
        input: &[u8],
        searched: usize,
        _: &mut Awaiting<'_, Self::Expect>,
    ) -> Framing {
        line(input, searched)
    }

    fn classify(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Lines>) -> Class {
        let to = To::Oldest;
        let done = |status| Class::Reply { to, status, text: 0 };
        let greeted = awaiting.greeted();
        match (frame, awaiting.oldest()) {
            _ if !greeted && frame.starts_with(b"OK MPD ") => Class::Greeting,
            _ if !greeted => Class::Violation("this is no MPD"),
            (_, None) => Class::Unsolicited,
            (b"OK", Some(_)) => done(Status::Done),
            (text, Some(_)) if text.starts_with(b"ACK ") => done(Status::Refused),
            (_, Some(Lines::Values)) => Class::Part { to, text: 0 },
            (text, Some(Lines::Changes)) if text.starts_with(b"changed: ") => {
                Class::Notification { topic: 9..text.len() }
            }
            (_, Some(Lines::Changes)) => Class::Violation("only changes are told in idle"),
        }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<Lines, Refusal> {
        match text {
            b"idle" | b"noidle" => return Err(Refusal::Reserved("the mode's")),
            // MPD closes the connection without a word.
            [] | [b' ', ..] => return Err(Refusal::Empty),
            text => line.text(text)?,
        }
        line.push(b"\n");
        Ok(Lines::Values)
    }

    fn greets(&self) -> bool {
        true
    }

    fn mode(&self) -> Option<Mode> {
        let (entered, left) = (Entered::AtOnce, Left::ByEndOfEnter);
        Some(Mode { entered, left, commands: InMode::LeaveFirst, rearm: None })
    }

    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<Lines> {
        let (text, expect) = match word {
            Word::Enter => ("idle\n", Some(Lines::Changes)),
            Word::Leave => ("noidle\n", None),
            Word::Probe => ("ping\n", Some(Lines::Values)),
            _ => return None,
        };
        line.push(text.as_bytes());
        expect
    }

    fn spoken(&self, line: &[u8]) -> Spoken {
        match line {
            b"idle" => Spoken::Enter,
            b"noidle" => Spoken::Leave,
            text => Spoken::Command { text: 0..text.len() },
        }
    }
}

/// Tagged replies, untagged data; `IDLE` is answered by `+`, and its tagged reply comes after `DONE`.
#[derive(Clone, Debug)]
struct Imap;

/// What is behind the tag in `A7 OK done`, and the tag's number.
fn untag(line: &[u8]) -> Option<(u64, usize)> {
    let blank = line.iter().position(|byte| *byte == b' ')?;
    let digits = line[..blank].strip_prefix(b"A")?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, blank + 1))
}

impl Dialect for Imap {
    type Expect = Word;

    fn frame(
        &mut self,
        input: &[u8],
        searched: usize,
        _: &mut Awaiting<'_, Self::Expect>,
    ) -> Framing {
        line(input, searched)
    }

    fn classify(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Word>) -> Class {
        // Data is known to be IDLE's only when no other command is being answered.
        let idle = awaiting.phase() == Phase::On || awaiting.oldest() == Some(&mut Word::Enter);
        match frame {
            [b'*', b' ', rest @ ..] => match rest {
                _ if rest.starts_with(b"BYE") => Class::Goodbye,
                _ if !awaiting.greeted() => Class::Greeting,
                _ if idle => Class::Notification { topic: 2..frame.len() },
                _ => Class::Data { topic: 2..frame.len(), news: true },
            },
            [b'+', ..] => Class::Continue,
            _ => match untag(frame) {
                Some((number, text)) => {
                    let refused = !frame[text..].starts_with(b"OK");
                    let status = if refused { Status::Refused } else { Status::Done };
                    Class::Reply { to: To::Number(number), status, text }
                }
                None => Class::Unsolicited,
            },
        }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<Word, Refusal> {
        line.text(text)?;
        line.push(b"\r\n");
        Ok(Word::Probe)
    }

    fn greets(&self) -> bool {
        true
    }

    fn numbered(&self) -> bool {
        true
    }

    fn tag(&self, number: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("A{number} ").as_bytes());
    }

    fn mode(&self) -> Option<Mode> {
        let (entered, left) = (Entered::ByContinue, Left::ByEndOfEnter);
        Some(Mode { entered, left, commands: InMode::LeaveFirst, rearm: None })
    }

    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<Word> {
        let (text, answered) = match word {
            Word::Enter => ("IDLE\r\n", true),
            Word::Leave => ("DONE\r\n", false),
            Word::Probe => ("NOOP\r\n", true),
            _ => return None,
        };
        line.push(text.as_bytes());
        answered.then_some(word)
    }

    fn spoken(&self, line: &[u8]) -> Spoken {
        let start = untag(line).map_or(0, |(_, text)| text);
        match &line[start..] {
            b"IDLE" => Spoken::Enter,
            b"DONE" => Spoken::Leave,
            _ => Spoken::Command { text: start..line.len() },
        }
    }
}

/// Plays a session with an MPD server that has greeted.
fn mpd(session: &str) -> Client<Mpd> {
    let greeting = "= newline lf\nS: OK MPD 0.23.5\n> greeting OK MPD 0.23.5\n";
    common::client_of(&Mpd, &format!("{greeting}{session}"))
}

/// The same, idling.
fn mpd_idling(session: &str) -> Client<Mpd> {
    mpd(&format!("! listen\nC: idle\n{session}"))
}

/// Plays a session with an IMAP server that has greeted.
fn imap(session: &str) -> Client<Imap> {
    let greeting = "S: * PREAUTH ready\n> greeting * PREAUTH ready\n";
    common::client_of(&Imap, &format!("{greeting}{session}"))
}

/// The same, idling.
fn imap_idling(session: &str) -> Client<Imap> {
    imap(&format!("! listen\nC: A1 IDLE\nS: + idling\n> listening\n{session}"))
}

#[path = "held_modes/imap.rs"]
mod imap;
#[path = "held_modes/mpd.rs"]
mod mpd;
