//! Saying: from what is wanted to bytes.

use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::Client;
use crate::clock::Timer;
use crate::command::{Command, Encoder};
use crate::dialect::{Dialect, Word};
use crate::error::{Error, Refusal};
use crate::flight::{Role, Slot};
use crate::mode::{Facts, Phase, Step};
use crate::ticket::Ticket;

impl<D: Dialect> Client<D> {
    pub(super) fn accept<C: Command<D>>(
        &mut self,
        command: &C,
        timeout: Option<Duration>,
        opening: bool,
    ) -> Result<Ticket, Refusal> {
        let limits = &self.config.limits;
        if self.is_closed() {
            return Err(Refusal::Closed);
        }
        // What waits for the opening must not keep it from happening.
        if self.pending() >= limits.pending && !opening {
            return Err(Refusal::Full { allowed: limits.pending });
        }
        if self.spool.size() + self.output.len() >= limits.output && !opening {
            return Err(Refusal::Full { allowed: limits.output });
        }
        let Self { dialect, spool, tickets, .. } = self;
        spool.push(
            opening,
            limits.frame,
            |line| command.encode(dialect, line),
            || tickets.issue(),
            Timer::start(timeout),
        )
    }

    pub(super) fn hold(&mut self, index: usize) {
        let Some(slot) = self.flight.get_mut(index) else { return };
        let (number, barrier) = (slot.number, matches!(slot.role, Role::Barrier(_)));
        self.flight.hold(index, Timer::start(self.answer_patience(number)));
        if barrier {
            // Nobody would change the stream when the server does.
            return self.fault(Error::Desynchronised { held: self.flight.held() });
        }
        if self.flight.held() <= self.config.limits.held {
            return;
        }
        if self.dialect.numbered() {
            let paused = self.paused.as_ref().map(|paused| paused.number);
            let spare = |slot: &Slot<D::Expect>| {
                matches!(slot.role, Role::Held(_)) && Some(slot.number) != paused
            };
            let oldest = self.flight.iter().position(spare);
            if let Some(oldest) = oldest {
                self.flight.remove(oldest);
            }
        } else {
            self.fault(Error::Desynchronised { held: self.flight.held() });
        }
    }

    /// How long an answer that nobody waits for may stay away. Where replies carry numbers, it
    /// shifts no other; but nothing can be said before a command that pauses has gone on.
    fn answer_patience(&self, number: u64) -> Option<Duration> {
        let paused = self.paused.as_ref().is_some_and(|paused| paused.number == number);
        if self.dialect.numbered() && !paused { None } else { self.config.timers.held }
    }

    /// The server has asked for more of this command: if nobody waits for it, it counts as heard.
    pub(super) fn be_patient(&mut self, number: u64) {
        let patience = Timer::start(self.answer_patience(number));
        let abandoned = |slot: &&mut Slot<D::Expect>| {
            slot.number == number && matches!(slot.role, Role::Held(_))
        };
        if let Some(slot) = self.flight.iter_mut().find(abandoned) {
            slot.timer = patience;
        }
    }

    /// Says one thing, if there is one to say.
    pub(super) fn say_next(&mut self) -> bool {
        if self.output.len() >= self.config.limits.output {
            return false;
        }
        match self.intent() {
            Step::Nothing => false,
            Step::Command => self.say_command(),
            Step::Enter => self.say_enter(),
            Step::Leave => self.say_leave(),
            Step::Acknowledge => self.say_acknowledge(),
            Step::Probe => self.say_probe(),
        }
    }

    /// What the machine will say next, unless something changes.
    pub(crate) fn intent(&self) -> Step {
        if self.must_wait() {
            return Step::Nothing;
        }
        let opening = self.opening;
        let facts = Facts {
            spooled: if opening { self.spool.has_opening() } else { !self.spool.is_empty() },
            room: self.has_room(),
            probe: self.patience.probe_due && !opening,
            opening,
        };
        match self.switch.next(facts) {
            // What is answered behind the agreement to change the stream would count as forged.
            Step::Command if self.spool.has_barrier() && !self.flight.is_empty() => {
                if facts.probe {
                    Step::Probe
                } else {
                    Step::Nothing
                }
            }
            step => step,
        }
    }

    /// Whether nothing can be said before the server has: it has to greet, or to ask for the rest of a
    /// command, or the stream is about to change.
    pub(super) fn must_wait(&self) -> bool {
        let barrier = |slot: &Slot<D::Expect>| matches!(slot.role, Role::Barrier(_));
        let at_barrier = self.flight.iter().next_back().is_some_and(barrier);
        !self.greeted || self.paused.is_some() || at_barrier || self.is_upgrading()
    }

    /// Whether [`output`](Self::output) has bytes to show.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let full = self.output.len() >= self.config.limits.output;
        self.has_output() || !self.is_closed() && !full && self.intent() != Step::Nothing
    }

    /// Whether bytes are due that [`output`](Self::output) has shown before.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether one more command may be on the wire.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight() < self.config.in_flight.max(1)
    }

    /// What counts as on the wire: not the command that holds the mode open, and where replies
    /// carry numbers, not what was abandoned.
    fn in_flight(&self) -> usize {
        let holding = self.switch.phase == Phase::On && self.switch.holds_enter();
        let abandoned = if self.dialect.numbered() { self.flight.held() } else { 0 };
        self.flight.len() - abandoned - usize::from(holding)
    }

    fn say_command(&mut self) -> bool {
        let number = self.flight.next_number();
        self.dialect.tag(number, self.output.buffer());
        if let Some((entry, paused)) = self.spool.send(&mut self.output, number) {
            let role = match &paused {
                _ if entry.is_barrier() => Role::Barrier(entry.ticket),
                Some(_) => Role::Pausing(entry.ticket),
                None => Role::Command(entry.ticket),
            };
            self.paused = paused;
            self.sent(role, entry.expect, entry.timer);
            self.switch.command_sent();
            self.answers_as_probe();
        }
        true
    }

    fn say_enter(&mut self) -> bool {
        let Some(expect) = self.say(Word::Enter) else {
            self.switch.refused();
            return false;
        };
        self.switch.enter_sent();
        let at_once = self.switch.phase == Phase::On;
        let timeout = if at_once { None } else { self.config.timers.switch };
        self.sent(Role::Enter, expect, Timer::start(timeout));
        if at_once {
            // Answered when there is news: a probe that is due stays so, and leaves the mode again.
            self.patience.rearm = Timer::start(self.rearm_after());
        } else {
            self.answers_as_probe();
        }
        true
    }

    fn say_leave(&mut self) -> bool {
        self.patience.rearm.stop();
        let timer = Timer::start(self.config.timers.switch);
        match self.say(Word::Leave) {
            Some(expect) => self.sent(Role::Leave, expect, timer),
            None => {
                for slot in self.flight.iter_mut().filter(|slot| slot.role == Role::Enter) {
                    slot.timer = timer;
                }
            }
        }
        self.switch.leave_sent();
        self.answers_as_probe();
        true
    }

    /// What was said is answered, which is all that a probe asks for.
    fn answers_as_probe(&mut self) {
        if mem::take(&mut self.patience.probe_due) {
            self.patience.probe = Timer::start(self.config.timers.probe);
        }
    }

    fn say_acknowledge(&mut self) -> bool {
        self.say(Word::Acknowledge);
        self.switch.acknowledged();
        true
    }

    fn say_probe(&mut self) -> bool {
        self.patience.probe_due = false;
        if let Some(expect) = self.say(Word::Probe) {
            // Other bytes may show that the peer lives; the answer is due all the same.
            let patience = self.answer_patience(self.flight.next_number());
            self.sent(Role::Probe, expect, Timer::start(patience));
            self.patience.probe = Timer::start(self.config.timers.probe);
        }
        true
    }

    /// What came before cannot answer what is sent now, though it may not be taken yet, or not be a
    /// whole frame yet.
    fn sent(&mut self, role: Role, expect: D::Expect, timer: Timer) {
        self.flight.push(role, expect, timer, self.input.received());
    }

    /// Whether a client of this dialect acknowledges notifications.
    pub(super) fn acknowledges(dialect: &D) -> bool {
        let mut word = Vec::new();
        dialect.say(Word::Acknowledge, &mut Encoder::new(&mut word));
        !word.is_empty()
    }

    /// Writes a word of the machine's own, with its tag if it is answered.
    fn say(&mut self, word: Word) -> Option<D::Expect> {
        let out = self.output.buffer();
        let before = out.len();
        let expect = self.dialect.say(word, &mut Encoder::new(out));
        if expect.is_some() {
            let end = out.len();
            self.dialect.tag(self.flight.next_number(), out);
            let tag = out.len() - end;
            out[before..].rotate_right(tag);
        }
        expect
    }

    pub(super) fn rearm_after(&self) -> Option<Duration> {
        let dialects = || self.switch.mode.and_then(|mode| mode.rearm);
        self.config.timers.rearm.or_else(dialects)
    }
}
