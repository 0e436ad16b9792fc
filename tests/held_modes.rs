//! Another way to a notification mode, in a dialect of a page, to see that the machine knows no protocol
//! (G10): MPD's, where nothing acknowledges entering and leaving has no reply of its own.
//!
//! It says no more than the crossings need. Its sessions follow what the real server does. Each is played
//! as it stands, and again with the bytes cut in other places (G11).

use bellwire::dialect::{Awaiting, Class, Dialect, Spoken, To, Word};
use bellwire::frame::{Framing, line};
use bellwire::mode::{Entered, InMode, Left, Mode};
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

/// Plays a session with an MPD server that has greeted.
fn mpd(session: &str) -> Client<Mpd> {
    let greeting = "= newline lf\nS: OK MPD 0.23.5\n> greeting OK MPD 0.23.5\n";
    common::client_of(&Mpd, &format!("{greeting}{session}"))
}

/// The same, idling.
fn mpd_idling(session: &str) -> Client<Mpd> {
    mpd(&format!("! listen\nC: idle\n{session}"))
}

#[path = "held_modes/mpd.rs"]
mod mpd;
