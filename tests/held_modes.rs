//! Another way to a notification mode, in a dialect of a page, to see that the machine knows no protocol
//! (G10): IMAP's, where the reply to the command that enters ends the mode.
//!
//! The machine's dialects are richer; this one says no more than the crossings need. The sessions follow
//! what the real servers do. Each is played as it stands, and again with the bytes cut in other
//! places (G11).

use bellwire::dialect::{Awaiting, Class, Dialect, Spoken, To, Word};
use bellwire::frame::{Framing, line};
use bellwire::mode::{Entered, InMode, Left, Mode, Phase};
use bellwire::{Client, Encoder, Refusal, Status};

mod common;

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
