//! The client's end of a play.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use super::{End, first_line, tell};
use crate::client::Client;
use crate::dialect::{Dialect, Spoken};
use crate::error::{Refusal, Refused};
use crate::mode;
use crate::ticket::Ticket;
use crate::transcript::{Act, Said, What};

pub(super) struct ClientEnd<D: Dialect> {
    pub(super) client: Client<D>,
    tickets: Vec<Ticket>,
    /// A fault is told once, though the machine says so each time.
    faulty: bool,
}

impl<D: Dialect> ClientEnd<D> {
    pub(super) fn new(client: Client<D>) -> Self {
        Self { client, tickets: Vec::new(), faulty: false }
    }

    fn command(&mut self, text: &[u8], timeout: Option<Duration>) -> Result<(), String> {
        let given = self.client.command_within(text, timeout);
        self.tickets.push(given.map_err(|refused| refused.to_string())?);
        Ok(())
    }

    /// Gives the command whose first line is at `text` in `said`. One that pauses, or holds literals,
    /// goes on in the lines behind it.
    fn command_of(&mut self, said: &[u8], text: Range<usize>) -> Result<(), String> {
        let timeout = self.client.config().timers.reply;
        let mut end = text.end;
        loop {
            let mut more = said[end..].split_inclusive(|byte| *byte == b'\n');
            let (newline, line) = (more.next(), more.next().map(first_line));
            if !line.is_some_and(|line| self.is_continuation(line)) {
                match self.client.command_within(&said[text.start..end], timeout) {
                    Ok(ticket) => {
                        self.tickets.push(ticket);
                        return Ok(());
                    }
                    Err(Refused { why: Refusal::Incomplete(_), .. }) if line.is_some() => {}
                    Err(refused) => return Err(refused.to_string()),
                }
            }
            end += newline.map_or(0, <[u8]>::len) + line.map_or(0, <[u8]>::len);
        }
    }

    /// Whether a line has no tag, where each command has one.
    fn is_continuation(&self, line: &[u8]) -> bool {
        let dialect = self.client.dialect();
        let untagged = matches!(dialect.spoken(line), Spoken::Command { text } if text.start == 0);
        dialect.numbered() && untagged
    }
}

impl<D: Dialect> End for ClientEnd<D> {
    fn says(what: &What) -> Option<(bool, &Said)> {
        match what {
            What::Client(said) => Some((true, said)),
            What::Server(said) => Some((false, said)),
            _ => None,
        }
    }

    fn hear(&mut self, said: &Said) {
        match said {
            Said::Bytes(bytes) => self.client.feed(bytes),
            Said::Eof => self.client.feed_eof(),
            Said::Reset => self.client.feed_reset(),
        };
    }

    fn tick(&mut self, now: Duration) {
        self.client.tick(now);
    }

    fn prompt(&mut self, write: &[u8], said: &[u8], strict: bool) -> Result<(), String> {
        if self.client.has_output() {
            return Ok(());
        }
        let intent = self.client.intent();
        let line = first_line(write);
        match self.client.dialect().spoken(line) {
            Spoken::Enter | Spoken::Leave if strict => {}
            Spoken::Enter => self.client.listen(),
            Spoken::Leave if !matches!(intent, mode::Step::Leave | mode::Step::Probe) => {
                self.client.unlisten();
            }
            Spoken::Command { text }
                if !matches!(intent, mode::Step::Command | mode::Step::Probe) =>
            {
                self.command_of(said, text)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn output(&mut self) -> &[u8] {
        self.client.output()
    }

    fn written(&mut self, count: usize) {
        self.client.written(count);
    }

    fn hangs_up(&mut self) -> bool {
        true
    }

    fn act(&mut self, act: &Act) -> Result<Option<String>, String> {
        match act {
            Act::Command(text) => {
                let timeout = self.client.config().timers.reply;
                Ok(self.command(text, timeout).err())
            }
            Act::Within(timeout, text) => Ok(self.command(text, Some(*timeout)).err()),
            Act::Listen => {
                self.client.listen();
                Ok(None)
            }
            Act::Unlisten => {
                self.client.unlisten();
                Ok(None)
            }
            Act::Decide => {
                self.client.output();
                Ok(None)
            }
            Act::Open => {
                self.client.open();
                Ok(None)
            }
            Act::Opening(text) => {
                let given = self.client.opening_command(text.as_slice());
                let given = given.map(|ticket| self.tickets.push(ticket));
                Ok(given.err().map(|refused| refused.to_string()))
            }
            Act::Opened => {
                self.client.opened();
                Ok(None)
            }
            Act::Secured => {
                self.client.secured();
                Ok(None)
            }
            Act::Upgrade => {
                // If it fails, the machine says so with its events.
                let _ = self.client.upgrade();
                Ok(None)
            }
            Act::Abandon(number) => {
                let ticket = self.tickets.iter().find(|ticket| ticket.number() == *number);
                let ticket = *ticket.ok_or("no such ticket was given")?;
                Ok(Some(format!("{} {number}", self.client.abandon(ticket))))
            }
            act => Err(format!("a client does not {act}")),
        }
    }

    fn events(&mut self) -> Vec<String> {
        let mut events = self.client.events();
        tell(&mut self.faulty, || Ok(events.next()?.map(|event| event.to_string())))
    }
}
