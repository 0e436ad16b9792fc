//! What is on the wire and awaits an answer: one slot for each, in the order in which it was sent.

use alloc::collections::VecDeque;

use crate::clock::Timer;
use crate::config::Limits;
use crate::dialect::To;
use crate::mode::Phase;
use crate::peak::Peak;
use crate::ticket::Ticket;

/// What is awaited, as [`Dialect::classify`](crate::dialect::Dialect::classify) sees it.
#[derive(Debug)]
pub struct Awaiting<'a, E> {
    flight: &'a mut Flight<E>,
    /// Where the frame begins that is to be classified.
    at: u64,
    phase: Phase,
    greeted: bool,
}

impl<'a, E> Awaiting<'a, E> {
    pub(crate) fn new(flight: &'a mut Flight<E>, at: u64, phase: Phase, greeted: bool) -> Self {
        Self { flight, at, phase, greeted }
    }

    /// What the oldest command on the wire waits for, if it was there when the frame came. It may be
    /// changed, for replies that have several ends.
    #[inline]
    pub fn oldest(&mut self) -> Option<&mut E> {
        let slot = self.flight.slots.front_mut().filter(|slot| slot.after <= self.at)?;
        Some(&mut slot.expect)
    }

    /// What the command that was sent with this number waits for.
    #[inline(never)]
    pub fn numbered(&mut self, number: u64) -> Option<&mut E> {
        let index = self.flight.find(To::Number(number), self.at)?;
        self.flight.slots.get_mut(index).map(|slot| &mut slot.expect)
    }

    /// Whether anything on the wire waits for something of this kind, if it was there when the frame
    /// came.
    pub fn any(&self, mut kind: impl FnMut(&E) -> bool) -> bool {
        let mut there = self.flight.slots.iter().filter(|slot| slot.after <= self.at);
        there.any(|slot| kind(&slot.expect))
    }

    /// Where the client stands with the notification mode.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the greeting has come.
    #[must_use]
    pub fn greeted(&self) -> bool {
        self.greeted
    }
}

/// Whom a slot's reply is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The caller.
    Command(Ticket),
    /// The caller, who has given a command that pauses. Not the most frequent case.
    Pausing(Ticket),
    /// The caller, who will change the stream after it.
    Barrier(Ticket),
    /// Nobody: the caller has abandoned the command.
    Held(Ticket),
    /// The machine, which enters the mode.
    Enter,
    /// The machine, which leaves it.
    Leave,
    /// The machine, which wants to know whether the peer lives.
    Probe,
}

impl Role {
    /// Whether the command is the machine's own.
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Self::Enter | Self::Leave | Self::Probe)
    }

    /// The caller's ticket, if he waits.
    pub(crate) fn waiting(self) -> Option<Ticket> {
        match self {
            Self::Command(ticket) | Self::Pausing(ticket) | Self::Barrier(ticket) => Some(ticket),
            Self::Held(_) | Self::Enter | Self::Leave | Self::Probe => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Slot<E> {
    pub(crate) role: Role,
    pub(crate) expect: E,
    pub(crate) timer: Timer,
    pub(crate) number: u64,
    /// So many bytes had come when it was sent: what came before cannot answer it.
    pub(crate) after: u64,
    /// Parts of the reply that have come, and their bytes.
    pub(crate) parts: usize,
    pub(crate) size: usize,
}

#[derive(Debug)]
pub(crate) struct Flight<E> {
    slots: VecDeque<Slot<E>>,
    sent: u64,
    held: usize,
    /// Slots of the machine's own commands.
    own: usize,
    peak: Peak<4>,
}

impl<E> Flight<E> {
    pub(crate) const fn new() -> Self {
        Self { slots: VecDeque::new(), sent: 0, held: 0, own: 0, peak: Peak::new() }
    }

    /// The number that the next command on the wire has.
    pub(crate) fn next_number(&self) -> u64 {
        self.sent + 1
    }

    pub(crate) fn push(&mut self, role: Role, expect: E, timer: Timer, after: u64) {
        self.sent += 1;
        self.own += usize::from(role.is_own());
        let number = self.sent;
        self.slots.push_back(Slot { role, expect, timer, number, after, parts: 0, size: 0 });
        self.peak.note(self.slots.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The caller's commands, those included that he has abandoned.
    pub(crate) fn commands(&self) -> usize {
        self.slots.len() - self.own
    }

    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Slot<E>> {
        self.slots.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot<E>> {
        self.slots.iter_mut()
    }

    /// What a frame that begins `at` answers, if it can.
    #[inline]
    pub(crate) fn find(&self, to: To, at: u64) -> Option<usize> {
        let index = match to {
            To::Oldest => 0,
            To::Number(number) => {
                self.slots.binary_search_by_key(&number, |slot| slot.number).ok()?
            }
        };
        (self.slots.get(index)?.after <= at).then_some(index)
    }

    pub(crate) fn find_command(&self, ticket: Ticket) -> Option<usize> {
        self.slots.iter().position(|slot| slot.role.waiting() == Some(ticket))
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Slot<E>> {
        self.slots.get_mut(index)
    }

    /// The command that enters the mode, if there was one when a frame began `at`, has been
    /// confirmed: its reply, which ends the mode, may take for ever.
    pub(crate) fn confirm_enter(&mut self, at: u64) -> bool {
        let enter = |slot: &&mut Slot<E>| slot.role == Role::Enter && slot.after <= at;
        let slot = self.slots.iter_mut().find(enter);
        slot.map(|slot| slot.timer.stop()).is_some()
    }

    /// Turns a command's slot into one that swallows its reply.
    pub(crate) fn hold(&mut self, index: usize, timer: Timer) {
        if let Some(slot) = self.slots.get_mut(index)
            && let Some(ticket) = slot.role.waiting()
        {
            slot.role = Role::Held(ticket);
            slot.timer = timer;
            self.held += 1;
        }
    }

    /// Takes the command's slot that a reply answers. `None`: it answers something else. This is
    /// [`remove`](Self::remove) for the most frequent case.
    #[inline(always)]
    pub(crate) fn answer_command(&mut self, to: To, at: u64) -> Option<Ticket> {
        match to {
            To::Oldest => {
                let slot = self.slots.front().filter(|slot| slot.after <= at)?;
                let Role::Command(ticket) = slot.role else { return None };
                self.slots.pop_front();
                Some(ticket)
            }
            To::Number(_) => self.answer_numbered(to, at),
        }
    }

    /// Counts a part of the oldest command's reply, of `size` bytes. `None`: it belongs to something
    /// else, or is too much, and is not counted.
    #[inline(always)]
    pub(crate) fn add_part(&mut self, at: u64, size: usize, limits: &Limits) -> Option<Ticket> {
        let slot = self.slots.front_mut().filter(|slot| slot.after <= at)?;
        let Role::Command(ticket) = slot.role else { return None };
        let (parts, size) = (slot.parts + 1, slot.size + size);
        if parts > limits.parts || size > limits.reply {
            return None;
        }
        (slot.parts, slot.size) = (parts, size);
        Some(ticket)
    }

    #[inline(never)]
    fn answer_numbered(&mut self, to: To, at: u64) -> Option<Ticket> {
        let index = self.find(to, at)?;
        let Role::Command(ticket) = self.slots.get(index)?.role else { return None };
        self.slots.remove(index);
        Some(ticket)
    }

    #[inline]
    pub(crate) fn remove(&mut self, index: usize) -> Option<Role> {
        let slot = if index == 0 { self.slots.pop_front() } else { self.slots.remove(index) }?;
        match slot.role {
            Role::Command(_) | Role::Pausing(_) | Role::Barrier(_) => {}
            Role::Held(_) => self.held -= 1,
            Role::Enter | Role::Leave | Role::Probe => self.own -= 1,
        }
        Some(slot.role)
    }

    /// Gives memory back after a burst. To be called now and then.
    pub(crate) fn shrink(&mut self) {
        if let Some(capacity) = self.peak.excess(self.slots.len(), self.slots.capacity()) {
            self.slots.shrink_to(capacity);
        }
    }
}
