//! Deadlines, and what the naive client says last.

use bellwire::{Cause, Closed, Error, Wait};

use super::{End, NaiveClient};
use crate::model::asked::{Asked, Who};
use crate::model::real::Told;
use crate::model::tongue::Tongue;

impl<T: Tongue> NaiveClient<T> {
    pub(super) fn expire(&mut self) -> Option<Told> {
        let switches = |asked: &&Asked| matches!(asked.who, Who::Enter | Who::Leave);
        let waits = [
            (self.late(self.greeting), Wait::Greeting),
            (self.late(self.write), Wait::Write),
            (self.late(self.probe), Wait::Probe),
            (self.wire.iter().filter(switches).any(|asked| self.late(asked.due)), Wait::Switch),
        ];
        if let Some((_, wait)) = waits.iter().find(|(late, _)| *late) {
            self.fault(Error::TimedOut(*wait));
            return None;
        }
        if self.late(self.silence) {
            self.silence = None;
            self.must_probe = self.room() && !self.must_wait();
            if !self.must_probe && !self.wire.is_empty() {
                // The answer to what is on the wire will do.
                self.probe = self.after(self.setup.times.probe);
            }
        }
        if self.late(self.rearm) {
            self.rearm = None;
            self.must_rearm = true;
        }
        let lost = |asked: &Asked| {
            matches!(asked.who, Who::Nobody(_) | Who::Probe) && self.late(asked.due)
        };
        if self.wire.iter().any(lost) {
            // One command that is late in the same moment may still be told so.
            self.fault(Error::Desynchronised { held: self.held() });
        }
        for index in 0..self.wire.len() {
            if let Asked { who: Who::Caller(ticket), due, .. } = self.wire[index]
                && self.late(due)
            {
                self.hold(index, ticket);
                return Some(Told::Unanswered(ticket, Cause::TimedOut));
            }
        }
        let index = self.spool.iter().position(|asked| self.late(asked.due))?;
        self.spool.remove(index).never_sent(Cause::TimedOut)
    }

    pub(super) fn last_words(&mut self) -> Option<Told> {
        self.output.clear();
        self.paused = None;
        if let End::Closing(how) = &mut self.end {
            let unfinished = match &self.pieces {
                Some((began, _)) => self.came - began,
                None if self.sealed => 0,
                None => self.input.len(),
            };
            how.get_or_insert(match unfinished {
                0 => Closed::Cleanly,
                bytes => Closed::MidFrame { bytes },
            });
            self.pieces = None;
            self.forget_input();
        }
        while !self.wire.is_empty() {
            if let Who::Caller(ticket) = self.wire.remove(0).who {
                return Some(Told::Unanswered(ticket, Cause::ConnectionLost));
            }
        }
        if !self.spool.is_empty() {
            return self.spool.remove(0).never_sent(Cause::ConnectionLost);
        }
        self.left();
        match self.end {
            End::Fault(ref error) => Some(Told::Fault(error.clone())),
            End::Closing(how) => {
                self.end = End::Closed;
                how.map(Told::Closed)
            }
            End::Open | End::Closed => None,
        }
    }
}
