//! The naive server: the same verbs as the machine's, in code that is too plain to be wrong.

use bellwire::{Closed, Error, Wait};
use bytes::Bytes;

use super::End;
use super::desk::{Act, Seen, State, Told};
use super::host::{Host, Note};
use super::real::take;
use super::server_script::Setup;

mod hear;
mod say;

#[derive(Default)]
pub(crate) struct NaiveServer<H: Host> {
    setup: Setup<H>,
    now: u64,
    input: Vec<u8>,
    /// The rest of the line is too much.
    skipping: bool,
    output: Vec<u8>,
    tickets: u64,
    /// What was asked and is not answered in the output, the oldest first.
    slots: Vec<Slot>,
    topics: Vec<Topic>,
    turn: usize,
    /// Whether the client is in the mode when it has read all; whether it wants to be; and what it said
    /// to enter it.
    listening: bool,
    asked: bool,
    entered: Note,
    list: Option<List>,
    silence: Option<u64>,
    write: Option<u64>,
    /// Time has jumped, when it moved last.
    jumped: bool,
    end: End,
}

/// What was asked, and what is said to it, as soon as that is known.
struct Slot {
    note: Note,
    ticket: Option<u64>,
    line: Option<Vec<u8>>,
    switch: Option<bool>,
}

struct Topic {
    name: Vec<u8>,
    unread: bool,
    waiting: bool,
}

/// A command list: its lines, of which so many were heard, and what is said when all is done.
#[derive(Default)]
struct List {
    marked: bool,
    lines: Vec<Vec<u8>>,
    heard: usize,
    end: Option<Note>,
}

impl<H: Host> NaiveServer<H> {
    pub(crate) fn new(setup: &Setup<H>) -> Self {
        let output = H::GREETING.into();
        Self { silence: setup.silence, setup: setup.clone(), output, ..Self::default() }
    }

    fn open(&self) -> bool {
        matches!(self.end, End::Open)
    }

    fn full(&self) -> bool {
        self.slots.len() >= self.setup.pending || self.output.len() >= self.setup.output
    }

    /// What comes next means something else before the slots are answered: before the mode is entered
    /// that ends with news, or before the last command of a list has been done, which ends the list if it
    /// is refused.
    fn held_up(&self) -> bool {
        let entering = H::UNTIL_NEWS && self.asked && !self.listening;
        let listed = self.list.as_ref().is_some_and(|list| list.end.is_some());
        !self.slots.is_empty() && (entering || listed)
    }

    fn news(&self) -> bool {
        H::UNTIL_NEWS && self.listening && self.topics.iter().any(|topic| topic.waiting)
    }

    fn heard_something(&mut self) {
        let allowed = match (self.asked, H::UNTIL_NEWS) {
            (true, true) => None,
            (true, false) => self.setup.autologout,
            (false, _) => self.setup.silence,
        };
        let waits = self.slots.iter().any(|slot| slot.ticket.is_some() && slot.line.is_none());
        self.silence = allowed.filter(|_| !waits).map(|time| self.now + time);
    }

    fn feed(&mut self, bytes: &[u8]) {
        if self.open() && !bytes.is_empty() {
            self.input.extend(bytes);
            self.heard_something();
        }
    }

    fn next(&mut self) -> Option<Told> {
        loop {
            match &self.end {
                End::Fault(error) => return Some(Told::Fault(error.clone())),
                End::Closed => return self.expire(),
                End::Open | End::Closing(_) => {}
            }
            if self.full() || self.held_up() || self.news() {
                self.flush();
            }
            if self.full() || self.held_up() || self.news() {
                match self.end {
                    End::Closing(Some(Closed::Reset)) => break,
                    _ => return self.expire(),
                }
            }
            match self.hear() {
                Some(Some(told)) => return Some(told),
                Some(None) => {}
                None => break,
            }
        }
        let End::Closing(how) = self.end else { return self.expire() };
        self.hang_up();
        let listed = self.list.iter().flat_map(|list| &list.lines);
        let unheard: usize = listed.map(|line| line.len() + 1).sum();
        Some(Told::Closed(how.unwrap_or(match self.input.len() + unheard {
            0 => Closed::Cleanly,
            bytes => Closed::MidFrame { bytes },
        })))
    }

    fn hang_up(&mut self) {
        if matches!(self.end, End::Closing(Some(_))) {
            self.fall_silent();
        }
        self.end = End::Closed;
        self.silence = None;
    }

    /// Whoever could read has gone.
    fn fall_silent(&mut self) {
        self.slots.clear();
        self.output.clear();
        self.listening = false;
        (self.silence, self.write) = (None, None);
    }

    fn fault(&mut self, error: Error) -> Told {
        self.fall_silent();
        self.list = None;
        self.end = End::Fault(error.clone());
        Told::Fault(error)
    }

    fn expire(&mut self) -> Option<Told> {
        let late = |due: Option<u64>| due.is_some_and(|due| due <= self.now);
        let wait = if late(self.write) {
            Wait::Write
        } else if late(self.silence) {
            if self.asked { Wait::Autologout } else { Wait::Silence }
        } else {
            return None;
        };
        Some(self.fault(Error::TimedOut(wait)))
    }

    /// Whoever is looked at much later than he asked for was asleep: what has passed is put off. But only
    /// once.
    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let (now, suspend) = (self.now, self.setup.suspend);
        let mut deadlines = [&mut self.silence, &mut self.write];
        let late = |due: &Option<u64>| due.is_some_and(|due| now > due + suspend);
        self.jumped = deadlines.iter().any(|due| late(due)) && !self.jumped;
        for due in deadlines.iter_mut().filter(|due| due.is_some_and(|due| due <= now)) {
            if self.jumped {
                **due = Some(now + suspend);
            }
        }
    }

    fn close(&mut self, how: Option<Closed>) {
        match (&self.end, how) {
            (End::Open, _) | (End::Closing(_), Some(_)) => self.end = End::Closing(how),
            (End::Closed, Some(_)) => self.fall_silent(),
            _ => {}
        }
    }

    fn state(&self) -> State {
        let silent = self.slots.is_empty() && self.output.is_empty();
        let deadline = [self.silence, self.write].into_iter().flatten().min();
        State {
            listening: self.listening,
            pending: self.slots.len() + self.list.as_ref().map_or(0, List::waiting),
            wants_input: self.open() && !self.full() && !self.held_up(),
            finished: match self.end {
                End::Open | End::Closing(_) => false,
                End::Closed => silent,
                End::Fault(_) => true,
            },
            deadline,
        }
    }

    pub(crate) fn act(&mut self, act: &Act) -> Vec<Seen> {
        let mut seen = Vec::new();
        match act {
            Act::Feed(bytes) => self.feed(bytes),
            Act::Reply(ticket, status, text) => {
                seen.push(Seen::replied(self.reply(*ticket, *status, text)));
            }
            Act::Notify(topic) => seen.push(Seen::notified(self.notify(topic.as_bytes()))),
            Act::Retract(topic) => self.read(topic.as_bytes()),
            Act::Write(count) => {
                let due = Bytes::from(self.output());
                let count = due.len().min(*count);
                self.written(count);
                seen.push(Seen::Output { due, count });
            }
            Act::Pass(seconds) => self.pass(*seconds),
            Act::Eof => self.close(None),
            Act::Reset => self.close(Some(Closed::Reset)),
            Act::Take(count) => {
                let told = take(*count, || self.next(), |told| matches!(told, Told::Fault(_)));
                seen.extend(told.into_iter().map(Seen::Told));
            }
        }
        seen.push(Seen::State(self.state()));
        seen
    }
}

impl List {
    /// So many of its commands wait for those before them.
    fn waiting(&self) -> usize {
        if self.end.is_some() { self.lines.len() - self.heard } else { 0 }
    }
}
