//! What a server has to announce: for each topic at most one notification waits.
//!
//! Notifications carry no payload, so merging loses nothing (guarantee G25).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::Refusal;

/// What became of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// It goes out as soon as the transport takes it.
    Queued,
    /// It goes out when the client listens.
    Held,
    /// The same is waiting to go out already.
    Merged,
}

#[derive(Debug)]
struct Topic {
    name: Box<[u8]>,
    /// There is something that the client has not asked for.
    unread: bool,
    /// A notification waits to go out.
    waiting: bool,
    /// Its place among the others.
    rank: usize,
}

#[derive(Debug)]
pub(crate) struct Topics {
    known: Vec<Topic>,
    waiting: usize,
    /// Where to look first for the next notification.
    turn: usize,
}

impl Topics {
    pub(crate) const fn new() -> Self {
        Self { known: Vec::new(), waiting: 0, turn: 0 }
    }

    pub(crate) fn knows(&self, name: &[u8]) -> bool {
        self.known.iter().any(|topic| *topic.name == *name)
    }

    pub(crate) fn announce(
        &mut self,
        name: &[u8],
        rank: usize,
        limit: usize,
        wanted: bool,
    ) -> Result<Notify, Refusal> {
        let index = match self.known.iter().position(|topic| *topic.name == *name) {
            Some(index) => index,
            None => self.insert(name, rank, limit)?,
        };
        let topic = &mut self.known[index];
        let news = !topic.unread;
        topic.unread = true;
        Ok(if topic.waiting || (!wanted && !news) {
            Notify::Merged
        } else if wanted {
            topic.waiting = true;
            self.waiting += 1;
            Notify::Queued
        } else {
            Notify::Held
        })
    }

    fn insert(&mut self, name: &[u8], rank: usize, limit: usize) -> Result<usize, Refusal> {
        if self.known.len() >= limit {
            // A topic with nothing unread is not worth keeping.
            self.known.retain(|topic| topic.unread || topic.waiting);
            self.turn = 0;
        }
        if self.known.len() >= limit {
            return Err(Refusal::Full { allowed: limit });
        }
        let index = self.known.partition_point(|topic| topic.rank <= rank);
        self.known.insert(index, Topic { name: name.into(), unread: false, waiting: false, rank });
        Ok(index)
    }

    /// The client has asked for what is new about a topic.
    pub(crate) fn read(&mut self, name: &[u8]) {
        if let Some(topic) = self.known.iter_mut().find(|topic| *topic.name == *name) {
            topic.unread = false;
            self.waiting -= usize::from(topic.waiting);
            topic.waiting = false;
        }
    }

    /// Whoever begins to listen is told of all that is unread and wanted; whoever ends wants nothing
    /// more.
    pub(crate) fn switched(&mut self, wants: impl Fn(&[u8]) -> bool) {
        self.waiting = 0;
        for topic in &mut self.known {
            topic.waiting = topic.unread && wants(&topic.name);
            self.waiting += usize::from(topic.waiting);
        }
    }

    /// Whether notifications wait.
    pub(crate) fn any_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// The notifications that wait, in the order of their ranks.
    pub(crate) fn all_waiting(&self) -> impl Iterator<Item = &[u8]> {
        self.known.iter().filter(|topic| topic.waiting).map(|topic| &*topic.name)
    }

    /// The client knows all, or will never ask for it.
    pub(crate) fn forget(&mut self) {
        self.waiting = 0;
        for topic in &mut self.known {
            topic.unread = false;
            topic.waiting = false;
        }
    }

    /// The next notification that waits. Topics take turns, so that a busy one does not keep the
    /// others away.
    pub(crate) fn take(&mut self) -> Option<&[u8]> {
        if self.waiting == 0 {
            return None;
        }
        self.turn = self.turn.min(self.known.len());
        let (before, after) = self.known.split_at(self.turn);
        let found = after.iter().chain(before).position(|topic| topic.waiting)?;
        let index = (self.turn + found) % self.known.len();
        self.turn = index + 1;
        self.waiting -= 1;
        let topic = &mut self.known[index];
        topic.waiting = false;
        Some(&topic.name)
    }
}
