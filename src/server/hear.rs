//! Hearing: from frames to events.

use core::time::Duration;

use super::{Answer, End, Server, Slot};
use crate::clock::Timer;
use crate::dialect::{Heard, ServerDialect, Standing};
use crate::error::{Error, Excerpt};
use crate::event::ServerEvent;
use crate::frame::{Cut, Span};
use crate::mode::Lasts;

impl<D: ServerDialect> Server<D> {
    pub(super) fn take_event(&mut self) -> Result<Option<ServerEvent<Span>>, Error> {
        match &self.end {
            End::Fault(error) => return Err(error.clone()),
            End::Over => return self.expire(),
            End::Open | End::Eof(_) => {}
        }
        loop {
            if !self.may_hear() {
                self.flush();
            }
            if !self.may_hear() {
                return self.expire();
            }
            let event = match self.cut() {
                Cut::Frame(frame) => {
                    let standing = self.standing();
                    let heard = self.dialect.hear(self.input.bytes(frame), standing);
                    self.hear(heard, frame)?
                }
                Cut::TooLong(frame) => {
                    self.input.drop_line();
                    let heard = self.dialect.too_long();
                    self.hear(heard, frame)?
                }
                Cut::Broken(what, frame) => return Err(self.violation(what, frame)),
                Cut::Nothing => return self.quiet_events(),
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn cut(&mut self) -> Cut {
        if !self.input.skip_line() {
            return Cut::Nothing;
        }
        let Self { dialect, input, config, .. } = self;
        input.cut(config.limits.frame, |input, searched| dialect.frame(input, searched))
    }

    fn standing(&self) -> Standing {
        if self.asked { Standing::Listening } else { Standing::Outside }
    }

    /// Whether the next line may be heard: there is room for its answer, and where the client stands
    /// does not depend on what is not said yet.
    fn may_hear(&self) -> bool {
        !self.is_full() && !self.is_held_up() && !self.has_news()
    }

    /// Whether what comes next has to wait for answers: what it means depends on how the mode goes
    /// on, which is not known before it is entered.
    pub(super) fn is_held_up(&self) -> bool {
        self.asked && !self.listening && self.dialect.lasts() == Lasts::UntilNews
    }

    fn hear(
        &mut self,
        heard: Heard<D::Note>,
        frame: Span,
    ) -> Result<Option<ServerEvent<Span>>, Error> {
        Ok(Some(match heard {
            Heard::Command { note, text, reads } => {
                let ticket = self.tickets.issue();
                self.owe(note, Answer::Awaited(ticket));
                // Read now, not when it is answered: what is announced meanwhile is news.
                if let Some(topic) = reads {
                    self.topics.read(self.input.bytes(frame.part(topic)));
                }
                ServerEvent::Command { ticket, text: frame.part(text) }
            }
            Heard::Enter(note) => {
                self.switch(note, true);
                ServerEvent::Listening(frame)
            }
            Heard::Leave(note) => {
                self.switch(note, false);
                ServerEvent::NotListening(frame)
            }
            Heard::Acknowledge => ServerEvent::Acknowledged(frame),
            Heard::Rejected(note, why) => {
                self.owe(note, Answer::Rejection(why));
                ServerEvent::Rejected { text: frame, why }
            }
            Heard::Expelled(note, why) => {
                self.owe(note, Answer::Rejection(why));
                self.hang_up();
                ServerEvent::Rejected { text: frame, why }
            }
            Heard::Goodbye => {
                self.hang_up();
                ServerEvent::Goodbye(frame)
            }
            Heard::Violation(what) => return Err(self.violation(what, frame)),
            Heard::Ignored => return Ok(None),
        }))
    }

    fn violation(&mut self, what: &'static str, frame: Span) -> Error {
        let excerpt = Excerpt::new(self.input.bytes(frame));
        self.fault(Error::Protocol { what, excerpt })
    }

    fn switch(&mut self, note: D::Note, listening: bool) {
        self.asked = listening;
        self.patience.silence = Timer::start(self.silence_allowed());
        self.owe(note, Answer::Switch { listening });
    }

    fn owe(&mut self, note: D::Note, answer: Answer) {
        self.slots.push_back(Slot { note, answer });
        self.peak.note(self.slots.len());
    }

    pub(super) fn is_full(&self) -> bool {
        let limits = &self.config.limits;
        self.slots.len() >= limits.pending.max(1) || self.output.len() >= limits.output
    }

    pub(super) fn silence_allowed(&self) -> Option<Duration> {
        let timers = &self.config.timers;
        match (self.asked, self.dialect.lasts()) {
            (false, _) => timers.silence,
            (true, Lasts::UntilLeft) => timers.autologout,
            // It waits for an answer, and has nothing to say.
            (true, Lasts::UntilNews) => None,
        }
    }
}
