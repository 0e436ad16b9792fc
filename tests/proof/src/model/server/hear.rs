//! What the naive server takes a line for.

use bellwire::dialect::Standing;
use bellwire::{Error, Excerpt, LimitKind, Status};
use bytes::Bytes;

use super::{List, NaiveServer, Slot};
use crate::model::desk::Told;
use crate::model::host::{Heard, Host, Note};
use crate::model::{violation, without_end};

impl<H: Host> NaiveServer<H> {
    /// The next line, if there is one, and what is told of it, if anything is.
    pub(super) fn hear(&mut self) -> Option<Option<Told>> {
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
    pub(super) fn end_list(&mut self) {
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
}
