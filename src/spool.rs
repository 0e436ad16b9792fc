//! Commands that were accepted and not shown to the transport yet.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::{fmt, mem};

use crate::clock::Timer;
use crate::command::{Encoder, Marks, Secret, append};
use crate::error::Refusal;
use crate::output::Output;
use crate::peak::Peak;
use crate::ticket::Ticket;

#[derive(Debug)]
pub(crate) struct Spooled<E> {
    pub(crate) ticket: Ticket,
    pub(crate) expect: E,
    pub(crate) timer: Timer,
    /// What the connection begins with goes before all others.
    opening: bool,
    length: usize,
    /// Few commands have any.
    marks: Option<Box<Marks>>,
}

impl<E> Spooled<E> {
    /// Whether a good reply to it ends what can be read.
    pub(crate) fn is_barrier(&self) -> bool {
        self.marks.as_ref().is_some_and(|marks| marks.barrier)
    }
}

pub(crate) struct Spool<E> {
    entries: VecDeque<Spooled<E>>,
    /// The entries' bytes, one after the other, behind `taken` bytes that were sent.
    bytes: Vec<u8>,
    taken: usize,
    peak_entries: Peak<4>,
    peak_bytes: Peak<64>,
}

impl<E> Spool<E> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: Vec::new(),
            taken: 0,
            peak_entries: Peak::new(),
            peak_bytes: Peak::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn size(&self) -> usize {
        self.bytes.len() - self.taken
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Spooled<E>> {
        self.entries.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Spooled<E>> {
        self.entries.iter_mut()
    }

    /// Whether a command waits that the connection begins with.
    pub(crate) fn has_opening(&self) -> bool {
        self.entries.front().is_some_and(|entry| entry.opening)
    }

    /// Whether the next command is one that changes the stream.
    pub(crate) fn has_barrier(&self) -> bool {
        self.entries.front().is_some_and(Spooled::is_barrier)
    }

    /// Takes in what `write` writes, as the command that `ticket` then names; behind all others, or
    /// if the connection begins with it, behind those alone that it begins with, too.
    pub(crate) fn push(
        &mut self,
        opening: bool,
        limit: usize,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<E, Refusal>,
        ticket: impl FnOnce() -> Ticket,
        timer: Timer,
    ) -> Result<Ticket, Refusal> {
        let before = self.bytes.len();
        let (expect, marks) = append(&mut self.bytes, limit, write)?;
        let ticket = ticket();
        let length = self.bytes.len() - before;
        let marks = (!marks.is_empty()).then(|| Box::new(marks));
        let entry = Spooled { ticket, expect, timer, opening, length, marks };
        if opening {
            let first = self.entries.iter().take_while(|entry| entry.opening);
            let (index, bytes) = first.fold((0, 0), |(n, sum), entry| (n + 1, sum + entry.length));
            self.bytes[self.taken + bytes..].rotate_right(length);
            self.entries.insert(index, entry);
        } else {
            self.entries.push_back(entry);
        }
        self.peak_entries.note(self.entries.len());
        self.peak_bytes.note(self.bytes.len());
        Ok(ticket)
    }

    /// Moves the oldest command's bytes to `out`, up to its first pause; `number` is the one that it
    /// has on the wire.
    pub(crate) fn send(
        &mut self,
        out: &mut Output,
        number: u64,
    ) -> Option<(Spooled<E>, Option<Paused>)> {
        let mut entry = self.entries.pop_front()?;
        let end = self.taken + entry.length;
        let bytes = &self.bytes[self.taken..end];
        let paused = match &mut entry.marks {
            Some(marks) => Paused::new(number, bytes, marks).go_on(out),
            None => {
                out.buffer().extend_from_slice(bytes);
                None
            }
        };
        self.taken = end;
        self.tidy();
        Some((entry, paused))
    }

    /// Takes a command back.
    pub(crate) fn withdraw(&mut self, ticket: Ticket) -> Option<Spooled<E>> {
        let index = self.entries.iter().position(|entry| entry.ticket == ticket)?;
        let before: usize = self.entries.iter().take(index).map(|entry| entry.length).sum();
        let entry = self.entries.remove(index)?;
        let start = self.taken + before;
        self.bytes.drain(start..start + entry.length);
        self.tidy();
        Some(entry)
    }

    fn tidy(&mut self) {
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
        } else if self.taken > self.bytes.len() / 2 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Gives memory back after a burst. To be called now and then.
    pub(crate) fn shrink(&mut self) {
        if let Some(capacity) = self.peak_entries.excess(self.len(), self.entries.capacity()) {
            self.entries.shrink_to(capacity);
        }
        if let Some(capacity) = self.peak_bytes.excess(self.size(), self.bytes.capacity()) {
            self.bytes.drain(..self.taken);
            self.taken = 0;
            self.bytes.shrink_to(capacity);
        }
    }
}

/// May hold secrets, so it shows how much only.
impl<E: fmt::Debug> fmt::Debug for Spool<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spool = f.debug_struct("Spool");
        spool.field("entries", &self.entries).field("bytes", &self.size()).finish_non_exhaustive()
    }
}

/// What is left of a command until the server asks for more of it.
pub(crate) struct Paused {
    /// The command's number on the wire.
    pub(crate) number: u64,
    bytes: Vec<u8>,
    sent: usize,
    /// Where it pauses, the last first.
    pauses: Vec<usize>,
    secrets: Vec<Secret>,
}

impl Paused {
    fn new(number: u64, bytes: &[u8], marks: &mut Marks) -> Self {
        let (mut pauses, secrets) = (mem::take(&mut marks.pauses), mem::take(&mut marks.secrets));
        pauses.reverse();
        Self { number, bytes: bytes.to_vec(), sent: 0, pauses, secrets }
    }

    /// Sends on, up to the next pause. `None`: that was the last of it.
    pub(crate) fn go_on(mut self, out: &mut Output) -> Option<Self> {
        let pause = self.pauses.pop();
        let end = pause.unwrap_or(self.bytes.len());
        let part = self.sent..end;
        let secrets = self.secrets.iter().filter_map(|secret| secret.within(&part));
        out.push(&self.bytes[part.clone()], secrets);
        self.sent = end;
        pause.is_some().then_some(self)
    }
}

/// May hold secrets, so it shows how much only.
impl fmt::Debug for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.bytes.len() - self.sent;
        f.debug_struct("Paused").field("number", &self.number).field("left", &left).finish()
    }
}
