//! What the naive client says next.

use bellwire::Phase;
use bellwire::mode::Entered;

use super::NaiveClient;
use crate::model::asked::{Asked, Who};
use crate::model::tongue::Tongue;

impl<T: Tongue> NaiveClient<T> {
    pub(super) fn output(&mut self) -> Vec<u8> {
        while self.open() && self.greeted && !self.must_wait() && self.say_something() {}
        if self.output.is_empty() {
            self.write = None;
        } else if self.write.is_none() {
            self.write = self.after(self.setup.times.write);
        }
        self.output.clone()
    }

    /// Nothing can be said before the server has.
    pub(super) fn must_wait(&self) -> bool {
        self.paused.is_some() || self.sealed || self.wire.last().is_some_and(Asked::is_barrier)
    }

    /// Whether one more may be on the wire. What holds the mode does not count, nor what was abandoned
    /// where that shifts nothing.
    pub(super) fn room(&self) -> bool {
        let holds = self.phase == Phase::On && T::ENTERED != Entered::ByReply;
        let abandoned = if self.tongue.numbered() { self.held() } else { 0 };
        let on_wire = self.wire.len() - abandoned - usize::from(holds);
        on_wire < self.setup.in_flight.max(1)
    }

    fn say_something(&mut self) -> bool {
        let room = self.room();
        let enter = self.wanted && !self.refused;
        let ask = !self.spool.is_empty();
        let ride = ask && !(enter && self.ride == 0);
        let in_mode = self.tongue.ask_in_mode();
        let leave = !self.wanted || self.must_rearm || self.must_probe || ask && !in_mode;
        match self.phase {
            Phase::Off if ride => room && self.say_command(),
            Phase::Off if enter => room && self.say_enter(),
            Phase::Off if self.must_probe => room && self.say_probe(),
            Phase::On if leave && T::ENTERED != Entered::ByReply => self.say_end_of_mode(),
            Phase::On if leave => room && self.say_leave(),
            Phase::On if self.owed > 0 => self.say_acknowledgement(),
            Phase::On | Phase::Entering if ask && in_mode => room && self.say_command(),
            Phase::Leaving if ride => room && self.say_command(),
            _ => false,
        }
    }

    fn say(&mut self, mut asked: Asked) {
        self.sent += 1;
        (asked.number, asked.after) = (self.sent, self.came);
        self.output.extend(self.tongue.tag(asked.number).bytes());
        let mut parts = std::mem::take(&mut asked.parts);
        self.output.extend(parts.remove(0));
        if !parts.is_empty() {
            self.paused = Some((asked.number, parts));
        }
        self.wire.push(asked);
    }

    fn say_word(&mut self, who: Who, word: &str, due: Option<u64>) {
        let parts = vec![[word, T::END].concat().into_bytes()];
        self.say(Asked { who, line: word.into(), parts, due, ..Asked::default() });
    }

    /// Whatever is answered will do as a probe.
    fn is_probe(&mut self) {
        if self.must_probe {
            self.must_probe = false;
            self.probe = self.after(self.setup.times.probe);
        }
    }

    fn say_command(&mut self) -> bool {
        if self.spool[0].is_barrier() && !self.wire.is_empty() {
            // What is answered behind the agreement to change the stream would count as forged.
            return self.must_probe && self.say_probe();
        }
        let asked = self.spool.remove(0);
        self.ride = self.ride.saturating_sub(1);
        self.say(asked);
        self.is_probe();
        true
    }

    fn say_enter(&mut self) -> bool {
        let at_once = T::ENTERED == Entered::AtOnce;
        self.phase = if at_once { Phase::On } else { Phase::Entering };
        self.ride = self.setup.ride.max(1);
        self.owed = 0;
        self.must_rearm = false;
        if at_once {
            // Answered when there is news, which is no probe.
            self.say_word(Who::Enter, self.tongue.enter(), None);
            self.rearm = self.rearm_due();
        } else {
            let due = self.after(self.setup.times.switch);
            self.say_word(Who::Enter, self.tongue.enter(), due);
            self.is_probe();
        }
        true
    }

    fn say_leave(&mut self) -> bool {
        let due = self.leaving();
        self.say_word(Who::Leave, self.tongue.leave(), due);
        true
    }

    /// The word that ends the mode has no answer of its own: the one to entering it is due now.
    fn say_end_of_mode(&mut self) -> bool {
        let due = self.leaving();
        for asked in self.wire.iter_mut().filter(|asked| asked.who == Who::Enter) {
            asked.due = due;
        }
        self.output.extend([self.tongue.leave(), T::END].concat().bytes());
        true
    }

    fn leaving(&mut self) -> Option<u64> {
        self.phase = Phase::Leaving;
        self.must_rearm = false;
        self.rearm = None;
        self.is_probe();
        self.after(self.setup.times.switch)
    }

    fn say_probe(&mut self) -> bool {
        self.say_word(Who::Probe, self.tongue.probe(), self.answer_due(0));
        self.is_probe();
        true
    }

    fn say_acknowledgement(&mut self) -> bool {
        self.owed -= 1;
        self.output.extend(["OK", T::END].concat().bytes());
        true
    }

    pub(super) fn written(&mut self, count: usize) {
        if count > 0 {
            self.output.drain(..count);
            self.write = None;
            if self.phase == Phase::On {
                self.rearm = self.rearm_due();
            }
        }
    }

    pub(super) fn rearm_due(&self) -> Option<u64> {
        self.after(self.setup.times.rearm.or(self.tongue.rearm()))
    }
}
