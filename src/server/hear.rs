//! Hearing: from frames to events.

use core::time::Duration;

use super::{Answer, End, Server, Slot};
use crate::clock::Timer;
use crate::dialect::{Heard, ServerDialect, Standing};
use crate::error::{Error, Excerpt};
use crate::event::ServerEvent;
use crate::frame::{Cut, Span};

impl<D: ServerDialect> Server<D> {
    pub(super) fn take_event(&mut self) -> Result<Option<ServerEvent<Span>>, Error> {
        match &self.end {
            End::Fault(error) => return Err(error.clone()),
            End::Over => return self.expire(),
            End::Open | End::Eof(_) => {}
        }
        if self.is_full() {
            self.flush();
        }
        if self.is_full() {
            return self.expire();
        }
        if !self.input.skip_line() {
            return self.quiet_events();
        }
        let dialect = &mut self.dialect;
        let cut = self
            .input
            .cut(self.config.limits.frame, |input, searched| dialect.frame(input, searched));
        match cut {
            Cut::Frame(frame) => {
                let standing = self.standing();
                let heard = self.dialect.hear(self.input.bytes(frame), standing);
                Ok(Some(self.hear(heard, frame)))
            }
            Cut::TooLong(frame) => {
                self.input.drop_line();
                let heard = self.dialect.too_long();
                Ok(Some(self.hear(heard, frame)))
            }
            Cut::Broken(what, frame) => {
                let excerpt = Excerpt::new(self.input.bytes(frame));
                Err(self.fault(Error::Protocol { what, excerpt }))
            }
            Cut::Nothing => self.quiet_events(),
        }
    }

    fn standing(&self) -> Standing {
        if self.asked { Standing::Listening } else { Standing::Outside }
    }

    fn hear(&mut self, heard: Heard<D::Note>, frame: Span) -> ServerEvent<Span> {
        match heard {
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
        }
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
        if self.asked { timers.autologout } else { timers.silence }
    }
}
