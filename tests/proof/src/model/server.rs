//! The naive server: the same verbs as the machine's, in code that is too plain to be wrong.

use bellwire::{Closed, Error, Notify, Refusal, Status, Wait};
use bytes::Bytes;

use super::desk::{Act, Seen, State, Told, split_id};
use super::real::take;
use super::server_script::Setup;
use super::without_end;

#[derive(Default)]
pub(crate) struct NaiveServer {
    setup: Setup,
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
    /// Whether the client is in the mode when it has read all; whether it wants to be.
    listening: bool,
    asked: bool,
    silence: Option<u64>,
    write: Option<u64>,
    end: End,
}

struct Slot {
    id: Vec<u8>,
    ticket: Option<u64>,
    line: Option<Vec<u8>>,
    switch: Option<bool>,
}

struct Topic {
    name: Vec<u8>,
    unread: bool,
    waiting: bool,
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

impl NaiveServer {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self { silence: setup.silence, setup: setup.clone(), ..Self::default() }
    }

    fn open(&self) -> bool {
        matches!(self.end, End::Open)
    }

    fn full(&self) -> bool {
        self.slots.len() >= self.setup.pending || self.output.len() >= self.setup.output
    }

    fn heard_something(&mut self) {
        let allowed = if self.asked { self.setup.autologout } else { self.setup.silence };
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
        match &self.end {
            End::Fault(error) => return Some(Told::Fault(error.clone())),
            End::Closed => return self.expire(),
            End::Open | End::Closing(_) => {}
        }
        if self.full() {
            self.flush();
        }
        if self.full() {
            return self.expire();
        }
        if let Some(told) = self.hear() {
            return Some(told);
        }
        let End::Closing(how) = self.end else { return self.expire() };
        self.end = End::Closed;
        self.silence = None;
        if how == Some(Closed::Reset) {
            self.slots.clear();
            self.output.clear();
        }
        Some(Told::Closed(how.unwrap_or(match self.input.len() {
            0 => Closed::Cleanly,
            bytes => Closed::MidFrame { bytes },
        })))
    }

    fn hear(&mut self) -> Option<Told> {
        if self.skipping {
            let end = self.input.iter().position(|byte| *byte == b'\n');
            self.input.drain(..end.map_or(self.input.len(), |end| end + 1));
            self.skipping = end.is_none();
        }
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let body = end.map(|end| without_end(&self.input[..=end]).len());
        if body.unwrap_or(self.input.len().saturating_sub(1)) > self.setup.frame {
            self.skipping = true;
            let beginning = Bytes::copy_from_slice(&self.input[..self.setup.frame]);
            return Some(self.reject(b"", beginning, "line too long"));
        }
        let line: Vec<u8> = self.input.drain(..=end?).collect();
        let line = Bytes::copy_from_slice(without_end(&line));
        let (id, text) = if self.setup.ids { split_id(&line) } else { (&b""[..], &line[..]) };
        Some(match text.trim_ascii_end() {
            b"notif" => self.switch(id, b"OK", true, Told::Listening(line.clone())),
            b"_notif_" => self.switch(id, b"will send notifs", true, Told::Listening(line.clone())),
            b"stop_notif" | b"_stop_notif_" | b"_stop_notify_" => {
                self.switch(id, b"OK", false, Told::NotListening(line.clone()))
            }
            b"OK" if self.asked => Told::Acknowledged(line),
            b"OK" => self.reject(id, line.clone(), "OK acknowledges notifications only"),
            b"" => self.reject(id, line.clone(), "empty command"),
            text if std::str::from_utf8(text).is_err() => {
                self.reject(id, line.clone(), "the command is not UTF-8")
            }
            text if text.contains(&0) => self.reject(id, line.clone(), "the command holds a NUL"),
            text => self.command(id, text),
        })
    }

    fn command(&mut self, id: &[u8], text: &[u8]) -> Told {
        self.tickets += 1;
        if let Some(topic) = text.strip_suffix(b"?") {
            self.read(topic);
        }
        let ticket = Some(self.tickets);
        self.slots.push(Slot { id: id.into(), ticket, line: None, switch: None });
        self.heard_something();
        Told::Command(self.tickets, Bytes::copy_from_slice(text))
    }

    fn switch(&mut self, id: &[u8], answer: &[u8], on: bool, told: Told) -> Told {
        self.asked = on;
        self.heard_something();
        let line = Some([id, answer, b"\r\n"].concat());
        self.slots.push(Slot { id: id.into(), ticket: None, line, switch: Some(on) });
        told
    }

    fn reject(&mut self, id: &[u8], text: Bytes, why: &'static str) -> Told {
        let line = Some([id, b"error: ", why.as_bytes(), b"\r\n"].concat());
        self.slots.push(Slot { id: id.into(), ticket: None, line, switch: None });
        Told::Rejected(text, why)
    }

    fn reply(&mut self, ticket: u64, status: Status, text: &[u8]) -> Result<(), Refusal> {
        if matches!(self.end, End::Fault(_)) {
            return Err(Refusal::Closed);
        }
        self.flush();
        let waits = |slot: &&mut Slot| slot.ticket == Some(ticket) && slot.line.is_none();
        let slot = self.slots.iter_mut().find(waits).ok_or(Refusal::UnknownTicket)?;
        let error = text.starts_with(b"error:");
        if status == Status::Done && (error || text.starts_with(b"notif:")) {
            return Err(Refusal::Reserved(""));
        }
        if let Some(at) = text.iter().position(|byte| b"\r\n\0".contains(byte)) {
            return Err(Refusal::Forbidden { byte: text[at], at });
        }
        let error = if status == Status::Refused && !error { &b"error: "[..] } else { b"" };
        let line = [&slot.id, error, text, b"\r\n"].concat();
        if without_end(&line).len() > self.setup.frame {
            return Err(Refusal::TooLong { allowed: self.setup.frame });
        }
        slot.line = Some(line);
        // What has its turn now is said at once.
        if self.slots[0].ticket == Some(ticket) {
            self.say_reply();
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
        match name {
            b"" => return Err(Refusal::Empty),
            _ if name == b"OK" || name.trim_ascii() != name => return Err(Refusal::Reserved("")),
            _ => {}
        }
        if let Some(at) = name.iter().position(|byte| b"\r\n\0".contains(byte)) {
            return Err(Refusal::Forbidden { byte: name[at], at });
        }
        if !self.topics.iter().any(|topic| topic.name == name) {
            self.topics.push(Topic { name: name.into(), unread: false, waiting: false });
        }
        let topic = self.topics.iter_mut().find(|topic| topic.name == name).unwrap();
        let how = match (self.listening, topic.waiting, topic.unread) {
            (true, true, _) | (false, _, true) => Notify::Merged,
            (true, false, _) => Notify::Queued,
            (false, _, false) => Notify::Held,
        };
        topic.unread = true;
        topic.waiting = self.listening;
        Ok(how)
    }

    fn read(&mut self, name: &[u8]) {
        for topic in self.topics.iter_mut().filter(|topic| topic.name == name) {
            (topic.unread, topic.waiting) = (false, false);
        }
    }

    fn flush(&mut self) {
        while self.output.len() < self.setup.output && self.say_reply() {}
        while self.listening && self.output.len() < AHEAD && self.say_notification() {}
    }

    fn say_reply(&mut self) -> bool {
        if self.slots.first().is_none_or(|slot| slot.line.is_none()) {
            return false;
        }
        let slot = self.slots.remove(0);
        self.output.extend(slot.line.unwrap());
        if let Some(on) = slot.switch {
            self.listening = on;
            self.topics.iter_mut().for_each(|topic| topic.waiting = on && topic.unread);
        }
        true
    }

    /// Topics take turns.
    fn say_notification(&mut self) -> bool {
        for step in 0..self.topics.len() {
            let index = (self.turn + step) % self.topics.len();
            let topic = &mut self.topics[index];
            if topic.waiting {
                topic.waiting = false;
                self.output.extend([b"notif: ", topic.name.as_slice(), b"\r\n"].concat());
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
        self.slots.clear();
        self.output.clear();
        self.end = End::Fault(Error::TimedOut(wait));
        Some(Told::Fault(Error::TimedOut(wait)))
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
            pending: self.slots.len(),
            wants_input: self.open() && !self.full(),
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
            Act::Pass(seconds) => self.now += seconds,
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
