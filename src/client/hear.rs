//! Hearing: from frames to events.

use core::ops::Range;

use super::Client;
use crate::clock::Timer;
use crate::config::Unsolicited;
use crate::dialect::{Class, Dialect, To};
use crate::error::{Error, Excerpt, LimitKind};
use crate::event::{Event, Notification, Reply, Status};
use crate::flight::{Awaiting, Role};
use crate::frame::{Cut, Span};
use crate::mode::{Entered, Phase};
use crate::spool::Paused;
use crate::ticket::Ticket;

/// What nearly all frames are.
pub(super) enum Frequent {
    Notification { topic: Range<usize>, text: Span },
    Reply { ticket: Ticket, status: Status, text: Span },
    Part { ticket: Ticket, text: Span },
}

/// What [`take_frequent`](Client::take_frequent) leaves to do.
pub(super) enum Seldom {
    Frame(Span, Class),
    NoFrame(Cut),
}

impl<D: Dialect> Client<D> {
    /// Takes the next frame, if it is what nearly all are: a notification, or the reply to a command,
    /// or a part of one. All else is kept out of the caller's loop, into which this is inlined, and
    /// which then holds an event in registers rather than in memory.
    #[inline(always)]
    pub(super) fn take_frequent(&mut self) -> Result<Frequent, Seldom> {
        let Self { dialect, input, flight, .. } = self;
        let limit = self.config.limits.frame;
        let at = input.taken();
        let mut awaiting = Awaiting::new(flight, at, self.switch.phase, self.greeted);
        let frame = |input: &[u8], searched| dialect.frame(input, searched, &mut awaiting);
        let frame = match input.cut(limit, frame) {
            Cut::Frame(frame) => frame,
            cut => return Err(Seldom::NoFrame(cut)),
        };
        match dialect.classify(input.bytes(frame), &mut awaiting) {
            Class::Notification { topic } => {
                self.switch.notified();
                Ok(Frequent::Notification { topic, text: frame })
            }
            Class::Reply { to, status, text } => match flight.answer_command(to, at) {
                Some(ticket) => Ok(Frequent::Reply { ticket, status, text: frame.from(text) }),
                None => Err(Seldom::Frame(frame, Class::Reply { to, status, text })),
            },
            Class::Part { to: To::Oldest, text } => {
                let part = frame.from(text);
                let size = input.bytes(part).len();
                match flight.add_part(at, size, &self.config.limits) {
                    Some(ticket) => Ok(Frequent::Part { ticket, text: part }),
                    None => Err(Seldom::Frame(frame, Class::Part { to: To::Oldest, text })),
                }
            }
            class => Err(Seldom::Frame(frame, class)),
        }
    }

    /// Goes on from what was left to do to the next event.
    #[cold]
    #[inline(never)]
    pub(super) fn take_seldom(&mut self, seldom: Seldom) -> Result<Option<Event<Span>>, Error> {
        let mut next = Err(seldom);
        loop {
            let event = match next {
                Ok(Frequent::Notification { topic, text }) => {
                    let topic = text.part(topic);
                    Some(Event::Notification(Notification { topic, text }))
                }
                Ok(Frequent::Reply { ticket, status, text }) => {
                    Some(Event::Reply { ticket, reply: Reply { status, text } })
                }
                Ok(Frequent::Part { ticket, text }) => Some(Event::Part { ticket, text }),
                Err(Seldom::Frame(frame, class)) => self.hear(frame, &class),
                Err(Seldom::NoFrame(Cut::Piece { text, last })) => self.hear_piece(text, last),
                Err(Seldom::NoFrame(cut)) => match self.without_frame(cut)? {
                    None => return Ok(None),
                    event => event,
                },
            };
            if event.is_some() {
                return Ok(event);
            }
            next = self.take_frequent();
        }
    }

    /// Takes a frame. `None`: it is of no interest to the caller, or a fault was found.
    fn hear(&mut self, frame: Span, class: &Class) -> Option<Event<Span>> {
        let at = self.input.position(frame);
        match *class {
            // It was frequent.
            Class::Notification { .. } => None,
            Class::Reply { to, status, text } => {
                self.hear_reply(to, at, Reply { status, text: frame.from(text) })
            }
            Class::Part { to, text } => self.hear_part(to, at, frame.from(text)),
            Class::Data { ref topic, news } => {
                Some(Event::Data { topic: frame.part(topic.clone()), text: frame, news })
            }
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

    /// Takes a piece of a frame. The first says what the frame is.
    #[cold]
    fn hear_piece(&mut self, piece: Span, last: bool) -> Option<Event<Span>> {
        let begun = self.in_pieces.take();
        let is_first = begun.is_none();
        let (class, at) = match begun {
            Some(begun) => begun,
            None => {
                let Self { dialect, input, flight, .. } = self;
                let at = input.position(piece);
                let mut awaiting = Awaiting::new(flight, at, self.switch.phase, self.greeted);
                (dialect.classify(input.bytes(piece), &mut awaiting), at)
            }
        };
        let topic = match &class {
            Class::Notification { topic } | Class::Data { topic, .. } if is_first => {
                piece.part(topic.clone())
            }
            _ => Span::default(),
        };
        if !last {
            let event = self.hear_unfinished(piece, topic, &class, at);
            self.in_pieces = Some((class, at));
            return event;
        }
        match class {
            Class::Part { to, .. } => self.hear_part(to, at, piece),
            Class::Reply { to, status, .. } => {
                self.hear_reply(to, at, Reply { status, text: piece })
            }
            Class::Notification { .. } => Some(Event::Data { topic, text: piece, news: true }),
            Class::Data { news, .. } => Some(Event::Data { topic, text: piece, news }),
            class => self.hear(piece, &class),
        }
    }

    fn hear_unfinished(
        &mut self,
        piece: Span,
        topic: Span,
        class: &Class,
        at: u64,
    ) -> Option<Event<Span>> {
        let to = match *class {
            Class::Part { to, .. } | Class::Reply { to, .. } => to,
            Class::Notification { .. } | Class::Data { .. } => {
                return Some(Event::Piece { ticket: None, topic, text: piece });
            }
            _ => return self.hear(piece, class),
        };
        let size = self.input.bytes(piece).len();
        let slot = self.flight.find(to, at).and_then(|index| self.flight.get_mut(index));
        let Some(slot) = slot else { return self.hear_unsolicited(piece) };
        slot.size += size;
        let allowed = self.config.limits.reply;
        if slot.size > allowed {
            self.over_limit(LimitKind::Reply, allowed, piece);
            return None;
        }
        match slot.role {
            Role::Held(ticket) => Some(Event::Late { ticket, text: piece }),
            role => role.waiting().map(|ticket| Event::Piece {
                ticket: Some(ticket),
                topic,
                text: piece,
            }),
        }
    }

    fn hear_reply(&mut self, to: To, at: u64, reply: Reply<Span>) -> Option<Event<Span>> {
        let Some(index) = self.flight.find(to, at) else {
            return self.hear_unsolicited(reply.text);
        };
        let number = self.flight.get_mut(index)?.number;
        // Answered before it was wanted: what is left of it will not be.
        self.paused.take_if(|paused| paused.number == number);
        match self.flight.remove(index)? {
            Role::Command(ticket) | Role::Pausing(ticket) => Some(Event::Reply { ticket, reply }),
            Role::Barrier(ticket) => {
                if reply.status == Status::Done {
                    self.input.seal();
                }
                Some(Event::Reply { ticket, reply })
            }
            Role::Held(ticket) => Some(Event::Late { ticket, text: reply.text }),
            Role::Probe => None,
            Role::Enter => Some(self.hear_enter_answered(reply)),
            Role::Leave => Some(self.hear_left(reply)),
        }
    }

    #[inline(never)]
    fn hear_part(&mut self, to: To, at: u64, text: Span) -> Option<Event<Span>> {
        let size = self.input.bytes(text).len();
        let slot = self.flight.find(to, at).and_then(|index| self.flight.get_mut(index));
        let Some(slot) = slot else { return self.hear_unsolicited(text) };
        slot.parts += 1;
        slot.size += size;
        let limits = &self.config.limits;
        if slot.parts > limits.parts {
            self.over_limit(LimitKind::Parts, limits.parts, text);
            None
        } else if slot.size > limits.reply {
            self.over_limit(LimitKind::Reply, limits.reply, text);
            None
        } else {
            match slot.role {
                Role::Held(ticket) => Some(Event::Late { ticket, text }),
                role => role.waiting().map(|ticket| Event::Part { ticket, text }),
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
        let at = self.input.position(frame);
        let asked = |paused: &mut Paused| self.flight.find(To::Number(paused.number), at).is_some();
        if let Some(paused) = self.paused.take_if(asked) {
            let number = paused.number;
            self.paused = paused.go_on(&mut self.output);
            self.be_patient(number);
            return None;
        }
        let entering = self.switch.phase == Phase::Entering && self.switch.holds_enter();
        if entering && self.flight.confirm_enter(at) {
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
    pub(super) fn over_limit(&mut self, limit: LimitKind, allowed: usize, frame: Span) {
        let excerpt = Excerpt::new(self.input.bytes(frame));
        self.fault(Error::Limit { limit, allowed, excerpt });
    }
}
