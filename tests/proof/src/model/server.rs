//! The naive server: the same verbs as the machine's, in code that is too plain to be wrong.

use bellwire::dialect::Standing;
use bellwire::{Closed, Error, Excerpt, LimitKind, Notify, Refusal, Status, Wait};
use bytes::Bytes;

use super::desk::{Act, Seen, State, Told};
use super::host::{Heard, Host, Note};
use super::real::take;
use super::server_script::Setup;
use super::{violation, without_end};

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

#[derive(Default)]
enum End {
    #[default]
    Open,
    Closing(Option<Closed>),
    Closed,
    Fault(Error),
}

/// As many bytes of notifications may wait in the output; more wait with their topics.
const AHEAD: usize = 512;

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
        if how == Some(Closed::Reset) {
            self.fall_silent();
        }
        let listed = self.list.iter().flat_map(|list| &list.lines);
        let unheard: usize = listed.map(|line| line.len() + 1).sum();
        Some(Told::Closed(how.unwrap_or(match self.input.len() + unheard {
            0 => Closed::Cleanly,
            bytes => Closed::MidFrame { bytes },
        })))
    }

    fn hang_up(&mut self) {
        self.end = End::Closed;
        self.silence = None;
    }

    /// Whoever could read has gone.
    fn fall_silent(&mut self) {
        self.slots.clear();
        self.output.clear();
        self.listening = false;
        self.write = None;
    }

    fn fault(&mut self, error: Error) -> Told {
        self.fall_silent();
        self.list = None;
        self.end = End::Fault(error.clone());
        Told::Fault(error)
    }

    /// The next line, if there is one, and what is told of it, if anything is.
    fn hear(&mut self) -> Option<Option<Told>> {
        if let Some(list) = self.list.as_mut().filter(|list| list.end.is_some()) {
            let index = list.heard;
            let standing = Standing::Member { index, marked: list.marked };
            let Some(line) = list.lines.get(index).cloned() else {
                self.end_list();
                return Some(None);
            };
            list.heard += 1;
            let heard = self.setup.host.hear(&line, standing);
            if !matches!(heard, Heard::Command(..) | Heard::Nothing) {
                self.list = None;
            }
            return Some(self.take(heard, &line));
        }
        if self.skipping {
            let end = self.input.iter().position(|byte| *byte == b'\n');
            self.input.drain(..end.map_or(self.input.len(), |end| end + 1));
            self.skipping = end.is_none();
        }
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let body = end.map(|end| without_end(&self.input[..=end]).len());
        if body.unwrap_or(self.input.len().saturating_sub(1)) > self.setup.frame {
            self.skipping = true;
            let beginning = self.input[..self.setup.frame].to_vec();
            let heard = self.setup.host.too_long();
            return Some(self.take(heard, &beginning));
        }
        let line: Vec<u8> = self.input.drain(..=end?).collect();
        let line = without_end(&line);
        let standing = match &self.list {
            _ if self.asked => Standing::Listening,
            Some(_) => Standing::Listing,
            None => Standing::Outside,
        };
        let heard = self.setup.host.hear(line, standing);
        Some(self.take(heard, line))
    }

    fn take(&mut self, heard: Heard, line: &[u8]) -> Option<Told> {
        let whole = Bytes::copy_from_slice(line);
        Some(match heard {
            Heard::Command(note, text, reads) => {
                self.tickets += 1;
                if let Some(topic) = reads {
                    self.read(&topic);
                }
                let ticket = Some(self.tickets);
                self.slots.push(Slot { note, ticket, line: None, switch: None });
                self.heard_something();
                Told::Command(self.tickets, text.into())
            }
            Heard::Enter(note) => self.switch(note, true, Told::Listening(whole)),
            Heard::Leave(note) => self.switch(note, false, Told::NotListening(whole)),
            Heard::Acknowledged => Told::Acknowledged(whole),
            Heard::Rejected(note, why) => {
                self.reject(note, why);
                Told::Rejected(whole, why)
            }
            Heard::Expelled(note, why) => {
                self.reject(note, why);
                self.hang_up();
                Told::Rejected(whole, why)
            }
            Heard::Goodbye => {
                self.hang_up();
                Told::Goodbye(whole)
            }
            Heard::Wrong => self.fault(violation(line)),
            Heard::ListBegin(marked) => {
                self.list = Some(List { marked, ..List::default() });
                return None;
            }
            Heard::Listed => {
                let list = self.list.as_mut()?;
                list.lines.push(line.to_vec());
                let allowed = self.setup.list;
                if list.lines.iter().map(|line| line.len() + 1).sum::<usize>() <= allowed {
                    return None;
                }
                let (limit, excerpt) = (LimitKind::List, Excerpt::new(line));
                self.fault(Error::Limit { limit, allowed, excerpt })
            }
            Heard::ListEnd(note) => {
                self.list.as_mut()?.end = Some(note);
                return None;
            }
            Heard::Nothing => return None,
        })
    }

    /// All of it has been done.
    fn end_list(&mut self) {
        let Some(note) = self.list.take().and_then(|list| list.end) else { return };
        let line = Some(note.acknowledgement.clone());
        self.slots.push(Slot { note, ticket: None, line, switch: None });
    }

    fn switch(&mut self, note: Note, on: bool, told: Told) -> Told {
        self.asked = on;
        self.heard_something();
        // A mode that ends with news is entered without a word.
        let line = if H::UNTIL_NEWS && on { Vec::new() } else { note.acknowledgement.clone() };
        self.slots.push(Slot { note, ticket: None, line: Some(line), switch: Some(on) });
        if H::UNTIL_NEWS {
            self.flush();
        }
        told
    }

    fn reject(&mut self, note: Note, why: &'static str) {
        let line = self.setup.host.reply(&note, Status::Refused, why.as_bytes()).ok();
        self.slots.push(Slot { note, ticket: None, line, switch: None });
    }

    fn reply(&mut self, ticket: u64, status: Status, text: &[u8]) -> Result<(), Refusal> {
        if matches!(self.end, End::Fault(_)) {
            return Err(Refusal::Closed);
        }
        self.flush();
        let waits = |slot: &&mut Slot| slot.ticket == Some(ticket) && slot.line.is_none();
        let slot = self.slots.iter_mut().find(waits).ok_or(Refusal::UnknownTicket)?;
        let line = self.setup.host.reply(&slot.note, status, text)?;
        self.setup.fits(&line)?;
        slot.line = Some(line);
        // What has its turn now is said at once.
        if self.slots[0].ticket == Some(ticket) {
            self.say_reply();
            if let Some(list) = self.list.as_ref().filter(|list| list.heard > 0) {
                if status == Status::Refused {
                    self.list = None;
                } else if list.heard == list.lines.len() {
                    self.end_list();
                }
            }
        }
        if self.open() {
            self.heard_something();
        }
        Ok(())
    }

    fn notify(&mut self, name: &[u8]) -> Result<Notify, Refusal> {
        if !self.open() {
            return Err(Refusal::Closed);
        }
        let line = self.setup.host.notification(name)?;
        if !self.topics.iter().any(|topic| topic.name == name) {
            self.setup.fits(&line)?;
            self.topics.push(Topic { name: name.into(), unread: false, waiting: false });
            self.topics.sort_by_key(|topic| self.setup.host.rank(&topic.name));
        }
        let wanted = self.listening && wants(&self.entered, name);
        let topic = self.topics.iter_mut().find(|topic| topic.name == name).unwrap();
        let how = match (wanted, topic.waiting, topic.unread) {
            (true, true, _) | (false, _, true) => Notify::Merged,
            (true, false, _) => Notify::Queued,
            (false, _, false) => Notify::Held,
        };
        topic.unread = true;
        topic.waiting = wanted;
        Ok(how)
    }

    fn read(&mut self, name: &[u8]) {
        for topic in self.topics.iter_mut().filter(|topic| topic.name == name) {
            (topic.unread, topic.waiting) = (false, false);
        }
    }

    fn flush(&mut self) {
        while self.output.len() < self.setup.output && self.say_reply() {}
        if self.news() {
            return self.say_news();
        }
        let ahead = |output: &[u8]| !H::UNTIL_NEWS && output.len() < AHEAD;
        while self.listening && ahead(&self.output) && self.say_notification() {}
    }

    fn say_reply(&mut self) -> bool {
        if self.slots.first().is_none_or(|slot| slot.line.is_none()) {
            return false;
        }
        let slot = self.slots.remove(0);
        self.output.extend(slot.line.unwrap());
        if let Some(on) = slot.switch {
            self.listening = on;
            for topic in &mut self.topics {
                topic.waiting = on && topic.unread && wants(&slot.note, &topic.name);
            }
            self.entered = slot.note;
        }
        true
    }

    /// All that is new, and the end of the mode. What the client did not want to know is forgotten.
    fn say_news(&mut self) {
        for topic in &mut self.topics {
            if topic.waiting {
                let line = self.setup.host.notification(&topic.name);
                self.output.extend(line.unwrap());
            }
            (topic.unread, topic.waiting) = (false, false);
        }
        self.output.extend(&self.entered.acknowledgement);
        (self.listening, self.asked) = (false, false);
        self.heard_something();
    }

    /// Topics take turns.
    fn say_notification(&mut self) -> bool {
        for step in 0..self.topics.len() {
            let index = (self.turn + step) % self.topics.len();
            let topic = &mut self.topics[index];
            if topic.waiting {
                topic.waiting = false;
                self.output.extend(self.setup.host.notification(&topic.name).unwrap());
                self.turn = index + 1;
                return true;
            }
        }
        false
    }

    fn output(&mut self) -> Vec<u8> {
        self.flush();
        if self.output.is_empty() {
            self.write = None;
        } else if self.write.is_none() {
            self.write = self.setup.write.map(|time| self.now + time);
        }
        self.output.clone()
    }

    fn written(&mut self, count: usize) {
        if count > 0 {
            self.output.drain(..count);
            self.write = None;
        }
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
        if self.open() {
            self.end = End::Closing(how);
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
            deadline: deadline.filter(|_| !matches!(self.end, End::Fault(_))),
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

/// Whoever names no topic wants all.
fn wants(entered: &Note, topic: &[u8]) -> bool {
    entered.wants.is_empty() || entered.wants.iter().any(|name| name == topic)
}
