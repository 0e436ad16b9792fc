//! What a line of the server's does to the naive client.

use bellwire::mode::Entered;
use bellwire::{Error, Excerpt, LimitKind, Phase, Unsolicited};
use bytes::Bytes;

use super::{NaiveClient, copy};
use crate::model::asked::{Asked, Who};
use crate::model::real::Told;
use crate::model::tongue::{Meaning, Tongue, View};
use crate::model::violation;

/// What stands at the beginning of what came.
enum Cut {
    /// A line, and how long it is with its end.
    Line(Vec<u8>, usize),
    /// A piece of one, and whether it is the last.
    Piece(Vec<u8>, usize, bool),
    /// Nothing that a server may say, in so many bytes.
    Broken(usize),
}

impl<T: Tongue> NaiveClient<T> {
    /// Lines first, deadlines then, and the end last.
    pub(super) fn next(&mut self) -> Option<Told> {
        loop {
            let before = (self.input.len(), self.open());
            if let Some(told) = self.hear_next() {
                return Some(told);
            }
            if before == (self.input.len(), self.open()) || self.input.is_empty() {
                break;
            }
        }
        if self.open()
            && let Some(told) = self.expire()
        {
            return Some(told);
        }
        if self.open() { None } else { self.last_words() }
    }

    fn hear_next(&mut self) -> Option<Told> {
        if self.sealed || self.input.is_empty() {
            return None;
        }
        let allowed = self.setup.limits.frame;
        self.at = self.came - self.input.len();
        let cut = self.cut();
        let length = match &cut {
            Some(Cut::Line(line, _) | Cut::Piece(line, ..)) => line.len(),
            Some(Cut::Broken(seen)) => *seen,
            // It may end in a CR.
            None => self.input.len() - 1,
        };
        if length > allowed {
            let beginning = self.input[..allowed].to_vec();
            self.over(LimitKind::Frame, allowed, &beginning);
            return None;
        }
        match cut? {
            Cut::Line(line, length) => {
                self.input.drain(..length);
                let meaning = self.meaning(&line);
                self.hear(meaning, &line)
            }
            Cut::Piece(piece, length, last) => {
                self.input.drain(..length);
                self.hear_piece(&piece, last)
            }
            Cut::Broken(seen) => {
                self.fault(violation(&self.input[..seen]));
                None
            }
        }
    }

    fn view<'a>(wire: &'a mut [Asked], at: usize, phase: Phase, greeted: bool) -> View<'a> {
        View { wire, at, phase, greeted }
    }

    fn meaning(&mut self, line: &[u8]) -> Meaning {
        let mut view = Self::view(&mut self.wire, self.at, self.phase, self.greeted);
        self.tongue.meaning(line, &mut view)
    }

    /// A line whose counted bytes end within the first `whole` bytes is told whole; a larger one in
    /// pieces: what stands before the counted bytes, these in pieces of `whole` bytes, and the rest.
    fn cut(&mut self) -> Option<Cut> {
        let whole = self.tongue.whole();
        if self.counted > 0 {
            let length = self.counted.min(whole.max(1));
            let piece = self.input.get(..length)?.to_vec();
            self.counted -= length;
            return Some(Cut::Piece(piece, length, false));
        }
        let (mut text, mut behind) = (0, self.pieces.is_some());
        loop {
            let lf = text + self.input.get(text..)?.iter().position(|byte| *byte == b'\n')?;
            let cr = !T::KEEPS_CR && self.input[text..lf].ends_with(b"\r");
            let body = lf - usize::from(cr);
            let mut view = Self::view(&mut self.wire, self.at, self.phase, self.greeted);
            match self.tongue.counted(&self.input[text..body], behind, &mut view) {
                Err(()) => return Some(Cut::Broken(body)),
                // None at all are told with what stands around them, wherever that is.
                Ok(Some(count)) if count == 0 || lf + 1 + count <= whole => {
                    text = lf + 1 + count;
                    behind = true;
                }
                Ok(Some(count)) => {
                    self.counted = count;
                    return Some(Cut::Piece(self.input[..=lf].to_vec(), lf + 1, false));
                }
                Ok(None) => {
                    let line = self.input[..body].to_vec();
                    return Some(match self.pieces {
                        Some(_) => Cut::Piece(line, lf + 1, true),
                        None => Cut::Line(line, lf + 1),
                    });
                }
            }
        }
    }

    /// Where a line began decides what it is, all of it.
    fn hear_piece(&mut self, piece: &[u8], last: bool) -> Option<Told> {
        let here = self.at;
        let (began, meaning) = match self.pieces.take() {
            Some(begun) => begun,
            None => (here, self.meaning(piece)),
        };
        self.at = began;
        if last {
            let nameless = |news| Meaning::Data { topic: 0..0, news };
            let meaning = match meaning {
                Meaning::Notification { .. } => nameless(true),
                Meaning::Data { news, .. } => nameless(news),
                Meaning::Part { of, .. } => Meaning::Part { of, text: 0 },
                meaning => meaning,
            };
            return self.hear(meaning, piece);
        }
        self.pieces = Some((began, meaning.clone()));
        match meaning {
            Meaning::Notification { .. } | Meaning::Data { .. } => {
                Some(Told::Piece(None, copy(piece)))
            }
            Meaning::Part { of, .. } => {
                self.wire[of].size += piece.len();
                if self.is_too_much(of, piece) {
                    return None;
                }
                match self.wire[of].who {
                    Who::Caller(ticket) => Some(Told::Piece(Some(ticket), copy(piece))),
                    Who::Nobody(ticket) => Some(Told::Late(ticket, copy(piece))),
                    _ => None,
                }
            }
            meaning => self.hear(meaning, piece),
        }
    }

    fn hear(&mut self, meaning: Meaning, line: &[u8]) -> Option<Told> {
        let text = |from: usize| copy(&line[from..]);
        match meaning {
            Meaning::Greeting => {
                self.greeted = true;
                self.greeting = None;
                Some(Told::Greeting(text(0)))
            }
            Meaning::Notification { topic } => {
                let owed = self.tongue.acknowledge() && self.phase == Phase::On;
                self.owed += usize::from(owed);
                Some(Told::Notification(copy(&line[topic]), text(0)))
            }
            Meaning::Data { topic, news } => Some(Told::Data(copy(&line[topic]), text(0), news)),
            Meaning::Goodbye => Some(Told::Goodbye(text(0))),
            Meaning::Unsolicited => self.hear_unsolicited(line),
            Meaning::Wrong => {
                self.fault(violation(line));
                None
            }
            Meaning::GoOn => self.hear_go_on(line),
            Meaning::Part { of, text: from } => {
                self.wire[of].heard += 1;
                self.wire[of].size += line.len() - from;
                if self.is_too_much(of, &line[from..]) {
                    return None;
                }
                match self.wire[of].who {
                    Who::Caller(ticket) => Some(Told::Part(ticket, text(from))),
                    Who::Nobody(ticket) => Some(Told::Late(ticket, text(from))),
                    _ => None,
                }
            }
            Meaning::Reply { of, refused, text: from } => self.answered(of, refused, text(from)),
        }
    }

    fn is_too_much(&mut self, of: usize, text: &[u8]) -> bool {
        let limits = self.setup.limits;
        if self.wire[of].heard > limits.parts {
            self.over(LimitKind::Parts, limits.parts, text);
        } else if self.wire[of].size > limits.reply {
            self.over(LimitKind::Reply, limits.reply, text);
        }
        !matches!(self.end, super::End::Open | super::End::Closing(_))
    }

    fn over(&mut self, limit: LimitKind, allowed: usize, text: &[u8]) {
        self.fault(Error::Limit { limit, allowed, excerpt: Excerpt::new(text) });
    }

    fn answered(&mut self, of: usize, refused: bool, text: Bytes) -> Option<Told> {
        let asked = self.wire.remove(of);
        if self.is_paused(asked.number) {
            // Answered before it was wanted: what is left of it will not be.
            self.paused = None;
        }
        if asked.is_barrier() && !refused {
            self.sealed = true;
        }
        match asked.who {
            Who::Caller(ticket) if refused => Some(Told::Refused(ticket, text)),
            Who::Caller(ticket) => Some(Told::Reply(ticket, text)),
            Who::Nobody(ticket) => Some(Told::Late(ticket, text)),
            Who::Probe => None,
            Who::Enter => Some(self.entered(refused, text)),
            Who::Leave => {
                self.left();
                Some(if refused { Told::SwitchRefused(text) } else { Told::NotListening(text) })
            }
        }
    }

    /// What the server answers to the word that enters the mode.
    fn entered(&mut self, refused: bool, text: Bytes) -> Told {
        let never_began = match T::ENTERED {
            Entered::ByReply => refused,
            Entered::AtOnce => refused,
            Entered::ByContinue => self.phase == Phase::Entering,
        };
        if T::ENTERED == Entered::ByReply && !refused {
            return self.is_on(text);
        }
        self.left();
        if never_began {
            self.refused = true;
            Told::SwitchRefused(text)
        } else {
            Told::NotListening(text)
        }
    }

    fn is_on(&mut self, text: Bytes) -> Told {
        self.phase = Phase::On;
        self.rearm = self.rearm_due();
        Told::Listening(text)
    }

    pub(super) fn left(&mut self) {
        self.phase = Phase::Off;
        self.owed = 0;
        self.must_rearm = false;
        self.rearm = None;
    }

    /// The server asks for the rest of a command, or has entered the mode.
    fn hear_go_on(&mut self, line: &[u8]) -> Option<Told> {
        let at = self.at;
        let there = |asked: &Asked| asked.after <= at;
        if let Some((number, mut parts)) = self.paused.take_if(|(number, _)| {
            self.wire.iter().any(|asked| asked.number == *number && there(asked))
        }) {
            self.output.extend(parts.remove(0));
            self.paused = Some((number, parts)).filter(|(_, parts)| !parts.is_empty());
            let due = self.answer_due(number);
            for asked in self.wire.iter_mut().filter(|asked| asked.number == number) {
                if matches!(asked.who, Who::Nobody(_)) {
                    asked.due = due;
                }
            }
            return None;
        }
        let entering = self.phase == Phase::Entering && T::ENTERED == Entered::ByContinue;
        let enter = |asked: &&mut Asked| asked.who == Who::Enter && there(asked);
        match self.wire.iter_mut().find(enter) {
            Some(asked) if entering => {
                asked.due = None;
                Some(self.is_on(copy(line)))
            }
            _ => self.hear_unsolicited(line),
        }
    }

    fn hear_unsolicited(&mut self, line: &[u8]) -> Option<Told> {
        self.unsolicited += 1;
        match self.setup.unsolicited {
            Unsolicited::Report => return Some(Told::Unsolicited(copy(line))),
            Unsolicited::Ignore => {}
            Unsolicited::Fatal => self.fault(violation(line)),
        }
        None
    }
}
