//! What the naive server says: replies in their order, then what is new.

use bellwire::{Notify, Refusal, Status};

use super::{End, NaiveServer, Slot, Topic};
use crate::model::host::{Host, Note};

/// As many bytes of notifications may wait in the output; more wait with their topics.
const AHEAD: usize = 512;

impl<H: Host> NaiveServer<H> {
    pub(super) fn reply(
        &mut self,
        ticket: u64,
        status: Status,
        text: &[u8],
    ) -> Result<(), Refusal> {
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

    pub(super) fn notify(&mut self, name: &[u8]) -> Result<Notify, Refusal> {
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

    pub(super) fn read(&mut self, name: &[u8]) {
        for topic in self.topics.iter_mut().filter(|topic| topic.name == name) {
            (topic.unread, topic.waiting) = (false, false);
        }
    }

    pub(super) fn flush(&mut self) {
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

    pub(super) fn output(&mut self) -> Vec<u8> {
        self.flush();
        if self.output.is_empty() {
            self.write = None;
        } else if self.write.is_none() {
            self.write = self.setup.write.map(|time| self.now + time);
        }
        self.output.clone()
    }

    pub(super) fn written(&mut self, count: usize) {
        if count > 0 {
            self.output.drain(..count);
            self.write = None;
        }
    }
}

/// Whoever names no topic wants all.
fn wants(entered: &Note, topic: &[u8]) -> bool {
    entered.wants.is_empty() || entered.wants.iter().any(|name| name == topic)
}
