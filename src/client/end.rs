//! What happens when no frame is left: deadlines, and the end of the connection.

use core::mem;
use core::time::Duration;

use super::{Client, End, Events, Patience};
use crate::clock::{Moved, Timer};
use crate::dialect::Dialect;
use crate::error::{Cause, Closed, Error, Failure, LimitKind, Wait};
use crate::event::Event;
use crate::flight::{Role, Slot};
use crate::frame::{Cut, Span};

impl<D: Dialect> Client<D> {
    /// What happens when no whole frame is left. Bytes come before deadlines (guarantee G17), and
    /// deadlines before nothing.
    #[cold]
    #[inline(never)]
    pub(super) fn without_frame(&mut self, cut: Cut) -> Result<Option<Event<Span>>, Error> {
        match cut {
            Cut::TooLong(frame) => {
                self.over_limit(LimitKind::Frame, self.config.limits.frame, frame);
            }
            Cut::Broken(what, frame) => self.violation(what, frame),
            Cut::Frame(_) | Cut::Piece { .. } | Cut::Nothing => {}
        }
        if matches!(self.end, End::Open) && self.patience.ticked {
            let event = self.expire();
            self.patience.ticked = event.is_some();
            if event.is_some() {
                return Ok(event);
            }
        }
        match self.end {
            End::Open => Ok(None),
            _ => self.finish_events(),
        }
    }

    /// Acts on one deadline that has passed. `None`: there is none, or a fault was found.
    fn expire(&mut self) -> Option<Event<Span>> {
        let now = self.clock.now();
        if let Some(fault) = self.fatal_deadline() {
            self.fault(fault);
            return None;
        }
        if self.patience.silence.passed(now) {
            self.patience.silence.stop();
            self.probe();
        }
        if self.patience.rearm.passed(now) {
            self.patience.rearm.stop();
            self.switch.rearm = true;
        }
        self.expire_held();
        self.expire_command()
    }

    /// Where a probe cannot be sent, the answer to what is on the wire serves as well.
    fn probe(&mut self) {
        self.patience.probe_due = self.has_room() && !self.must_wait() && !self.opening;
        if !self.patience.probe_due && !self.flight.is_empty() {
            self.patience.probe = Timer::start(self.config.timers.probe);
            self.clock.arm(&mut self.patience.probe, &Moved::Steadily);
        }
    }

    fn fatal_deadline(&self) -> Option<Error> {
        let now = self.clock.now();
        let patience = &self.patience;
        let switch_passed = || {
            let mut switches =
                self.flight.iter().filter(|slot| matches!(slot.role, Role::Enter | Role::Leave));
            switches.any(|slot| slot.timer.passed(now))
        };
        let wait = if patience.greeting.passed(now) {
            Wait::Greeting
        } else if patience.write.passed(now) {
            Wait::Write
        } else if patience.probe.passed(now) {
            Wait::Probe
        } else if switch_passed() {
            Wait::Switch
        } else {
            return None;
        };
        Some(Error::TimedOut(wait))
    }

    fn expire_command(&mut self) -> Option<Event<Span>> {
        let now = self.clock.now();
        let late = |slot: &Slot<D::Expect>| slot.role.waiting().filter(|_| slot.timer.passed(now));
        let on_wire = self.flight.iter().enumerate().find_map(|(at, slot)| Some((at, late(slot)?)));
        if let Some((index, ticket)) = on_wire {
            self.hold(index);
            return Some(Event::Failed { ticket, why: Failure::SentUnanswered(Cause::TimedOut) });
        }
        let ticket = self.spool.iter().find(|entry| entry.timer.passed(now))?.ticket;
        self.spool.withdraw(ticket);
        Some(Event::Failed { ticket, why: Failure::NeverSent(Cause::TimedOut) })
    }

    /// A reply that stays away has shifted those after it.
    fn expire_held(&mut self) {
        let now = self.clock.now();
        let gone = |role| matches!(role, Role::Held(_) | Role::Probe);
        if self.flight.iter().any(|slot| gone(slot.role) && slot.timer.passed(now)) {
            self.fault(Error::Desynchronised { held: self.flight.held() });
        }
    }

    pub(super) fn finish(&mut self, how: Option<Closed>) -> Events<'_, D> {
        if matches!(self.end, End::Open) {
            self.end = End::Eof(how);
        }
        self.events()
    }

    pub(super) fn fault(&mut self, error: Error) {
        if matches!(self.end, End::Open | End::Eof(_)) {
            self.end = End::Fault(error);
            self.input.clear();
        }
    }

    /// The last events: outcomes first, then how it ended.
    pub(super) fn finish_events(&mut self) -> Result<Option<Event<Span>>, Error> {
        self.output.clear();
        self.paused = None;
        self.drop_unfinished_frame();
        while let Some(role) = self.flight.remove(0) {
            if let Some(ticket) = role.waiting() {
                let why = Failure::SentUnanswered(Cause::ConnectionLost);
                return Ok(Some(Event::Failed { ticket, why }));
            }
        }
        let first = self.spool.iter().next().map(|entry| entry.ticket);
        if let Some(ticket) = first {
            self.spool.withdraw(ticket);
            let why = Failure::NeverSent(Cause::ConnectionLost);
            return Ok(Some(Event::Failed { ticket, why }));
        }
        self.switch.left();
        self.patience = Patience::default();
        match mem::replace(&mut self.end, End::Over) {
            End::Fault(error) => {
                self.end = End::Fault(error.clone());
                Err(error)
            }
            End::Eof(how) => Ok(Some(Event::Closed(how.unwrap_or(Closed::Cleanly)))),
            End::Open | End::Over => Ok(None),
        }
    }

    /// What is left is no frame, and must not be taken for one when what decides how it is cut, the
    /// command that it answers, is gone.
    fn drop_unfinished_frame(&mut self) {
        let cut_off = match self.unfinished() {
            0 => Closed::Cleanly,
            bytes => Closed::MidFrame { bytes },
        };
        if let End::Eof(how) = &mut self.end {
            how.get_or_insert(cut_off);
            self.in_pieces = None;
            self.input.clear();
        }
    }

    /// How many bytes have come of a frame that has not ended.
    fn unfinished(&self) -> usize {
        let began = self.in_pieces.as_ref().map_or(self.input.taken(), |(_, at)| *at);
        usize::try_from(self.input.received() - began).unwrap_or(usize::MAX)
    }

    pub(super) fn earliest(&self) -> Option<Duration> {
        if self.is_closed() { None } else { self.clock.earliest(self.timers()) }
    }

    pub(super) fn timers(&self) -> impl Iterator<Item = Timer> {
        let Patience { greeting, rearm, silence, probe, write, .. } = self.patience;
        let own = [greeting, rearm, silence, probe, write];
        let sent = self.flight.iter().map(|slot| slot.timer);
        let spooled = self.spool.iter().map(|entry| entry.timer);
        own.into_iter().chain(sent).chain(spooled)
    }
}
