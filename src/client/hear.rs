//! Hearing: from frames to events.

use super::Client;
use crate::clock::Timer;
use crate::config::Unsolicited;
use crate::dialect::{Class, Dialect, To};
use crate::error::{Error, Excerpt, LimitKind};
use crate::event::{Event, Notification, Reply, Status};
use crate::flight::{Awaiting, Role};
use crate::frame::{Cut, Span};
use crate::mode::{Entered, Phase};

impl<D: Dialect> Client<D> {
    #[inline]
    pub(super) fn take_event(&mut self) -> Result<Option<Event<Span>>, Error> {
        loop {
            let dialect = &mut self.dialect;
            let cut = self
                .input
                .cut(self.config.limits.frame, |input, searched| dialect.frame(input, searched));
            let event = match cut {
                Cut::Frame(frame) => self.hear(frame),
                cut => match self.without_frame(cut) {
                    Ok(None) => return Ok(None),
                    Ok(event) => event,
                    Err(error) => return Err(error),
                },
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Takes a frame. `None`: it is of no interest to the caller, or a fault was found.
    #[inline]
    fn hear(&mut self, frame: Span) -> Option<Event<Span>> {
        let mut awaiting = Awaiting::new(&mut self.flight, self.switch.phase, self.greeted);
        match self.dialect.classify(self.input.bytes(frame), &mut awaiting) {
            Class::Notification { topic } => {
                self.switch.notified();
                let topic = frame.part(topic);
                Some(Event::Notification(Notification { topic, text: frame }))
            }
            Class::Reply { to, status, text } => {
                self.hear_reply(to, Reply { status, text: frame.from(text) })
            }
            Class::Part { to, text } => self.hear_part(to, frame.from(text)),
            Class::Data => Some(Event::Data(frame)),
            Class::Greeting => {
                self.greeted = true;
                self.patience.greeting.stop();
                Some(Event::Greeting(frame))
            }
            Class::Continue => self.hear_continue(frame),
            Class::Goodbye => Some(Event::Goodbye(frame)),
            Class::Unsolicited => self.hear_unsolicited(frame),
            Class::Violation(what) => {
                self.violation(what, frame);
                None
            }
        }
    }

    #[inline]
    fn hear_reply(&mut self, to: To, reply: Reply<Span>) -> Option<Event<Span>> {
        let Some(index) = self.flight.find(to) else { return self.hear_unsolicited(reply.text) };
        match self.flight.remove(index)? {
            Role::Command(ticket) => Some(Event::Reply { ticket, reply }),
            Role::Held(ticket) => Some(Event::Late { ticket, text: reply.text }),
            Role::Probe => None,
            Role::Enter => Some(self.hear_enter_answered(reply)),
            Role::Leave => Some(self.hear_left(reply)),
        }
    }

    #[inline(never)]
    fn hear_part(&mut self, to: To, text: Span) -> Option<Event<Span>> {
        let size = self.input.bytes(text).len();
        let slot = self.flight.find(to).and_then(|index| self.flight.get_mut(index));
        let Some(slot) = slot else { return self.hear_unsolicited(text) };
        slot.parts += 1;
        slot.size += size;
        let limits = &self.config.limits;
        if slot.parts > limits.parts {
            self.over_limit(LimitKind::Parts, text);
            None
        } else if slot.size > limits.reply {
            self.over_limit(LimitKind::Reply, text);
            None
        } else {
            match slot.role {
                Role::Command(ticket) => Some(Event::Part { ticket, text }),
                Role::Held(ticket) => Some(Event::Late { ticket, text }),
                Role::Enter | Role::Leave | Role::Probe => None,
            }
        }
    }

    #[cold]
    fn hear_enter_answered(&mut self, reply: Reply<Span>) -> Event<Span> {
        self.patience.rearm.stop();
        let Some(entered) = self.switch.mode.map(|mode| mode.entered) else {
            return Event::NotListening(reply.text);
        };
        let refused = match entered {
            Entered::ByReply if reply.status == Status::Done => return self.enter_mode(reply.text),
            Entered::ByReply => true,
            // Over before it began: asking again at once would go on for ever.
            Entered::ByContinue => self.switch.phase == Phase::Entering,
            Entered::AtOnce => reply.status == Status::Refused,
        };
        if refused {
            self.switch.refused();
            Event::SwitchRefused(reply.text)
        } else {
            self.switch.left();
            Event::NotListening(reply.text)
        }
    }

    #[cold]
    fn hear_left(&mut self, reply: Reply<Span>) -> Event<Span> {
        self.switch.left();
        self.patience.rearm.stop();
        match reply.status {
            Status::Done => Event::NotListening(reply.text),
            Status::Refused => Event::SwitchRefused(reply.text),
        }
    }

    #[cold]
    fn hear_continue(&mut self, frame: Span) -> Option<Event<Span>> {
        if self.switch.phase == Phase::Entering && self.switch.holds_enter() {
            for slot in self.flight.iter_mut().filter(|slot| slot.role == Role::Enter) {
                slot.timer.stop();
            }
            Some(self.enter_mode(frame))
        } else {
            self.hear_unsolicited(frame)
        }
    }

    fn enter_mode(&mut self, text: Span) -> Event<Span> {
        self.switch.phase = Phase::On;
        self.patience.rearm = Timer::start(self.rearm_after());
        Event::Listening(text)
    }

    #[cold]
    fn hear_unsolicited(&mut self, frame: Span) -> Option<Event<Span>> {
        self.unsolicited += 1;
        match self.config.unsolicited {
            Unsolicited::Report => Some(Event::Unsolicited(frame)),
            Unsolicited::Ignore => None,
            Unsolicited::Fatal => {
                self.violation("a reply that answers no command", frame);
                None
            }
        }
    }

    #[cold]
    pub(super) fn violation(&mut self, what: &'static str, frame: Span) {
        let excerpt = Excerpt::new(self.input.bytes(frame));
        self.fault(Error::Protocol { what, excerpt });
    }

    #[cold]
    pub(super) fn over_limit(&mut self, limit: LimitKind, frame: Span) {
        let limits = &self.config.limits;
        let allowed = match limit {
            LimitKind::Frame => limits.frame,
            LimitKind::Parts => limits.parts,
            LimitKind::Reply => limits.reply,
        };
        let excerpt = Excerpt::new(self.input.bytes(frame));
        self.fault(Error::Limit { limit, allowed, excerpt });
    }
}
