//! Commands that were accepted and not shown to the transport yet.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::clock::Timer;
use crate::command::{Encoder, append};
use crate::error::Refusal;
use crate::peak::Peak;
use crate::ticket::Ticket;

#[derive(Debug)]
pub(crate) struct Spooled<E> {
    pub(crate) ticket: Ticket,
    pub(crate) expect: E,
    pub(crate) timer: Timer,
    length: usize,
}

#[derive(Debug)]
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

    /// Appends what `write` writes, as the command that `ticket` then names.
    pub(crate) fn push(
        &mut self,
        limit: usize,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<E, Refusal>,
        ticket: impl FnOnce() -> Ticket,
        timer: Timer,
    ) -> Result<Ticket, Refusal> {
        let before = self.bytes.len();
        let expect = append(&mut self.bytes, limit, write)?;
        let ticket = ticket();
        let length = self.bytes.len() - before;
        self.entries.push_back(Spooled { ticket, expect, timer, length });
        self.peak_entries.note(self.entries.len());
        self.peak_bytes.note(self.bytes.len());
        Ok(ticket)
    }

    /// Moves the oldest command's bytes to `out`.
    pub(crate) fn send(&mut self, out: &mut Vec<u8>) -> Option<Spooled<E>> {
        let entry = self.entries.pop_front()?;
        let end = self.taken + entry.length;
        out.extend_from_slice(&self.bytes[self.taken..end]);
        self.taken = end;
        self.tidy();
        Some(entry)
    }

    /// Takes a command back.
    pub(crate) fn withdraw(&mut self, ticket: Ticket) -> Option<Spooled<E>> {
        let index = self.entries.binary_search_by_key(&ticket, |entry| entry.ticket).ok()?;
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
