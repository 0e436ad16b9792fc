//! The server's end of a play.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::{End, tell};
use crate::dialect::{self, ServerDialect};
use crate::error::escape;
use crate::event::{Reply, ServerEvent};
use crate::server::Server;
use crate::ticket::Ticket;
use crate::topics::Notify;
use crate::transcript::{Act, Said, What};

pub(super) struct ServerEnd<D: ServerDialect> {
    pub(super) server: Server<D>,
    /// Commands without a reply, the oldest first.
    waiting: VecDeque<Ticket>,
    /// A fault is told once, though the machine says so each time.
    faulty: bool,
}

impl<D: ServerDialect> ServerEnd<D> {
    pub(super) fn new(server: Server<D>) -> Self {
        Self { server, waiting: VecDeque::new(), faulty: false }
    }

    fn reply(&mut self, ticket: Ticket, reply: Reply<&[u8]>) -> Result<(), String> {
        self.server.reply(ticket, reply).map_err(|refused| format!("refused: {}", refused.why))?;
        self.waiting.retain(|waiting| *waiting != ticket);
        Ok(())
    }

    fn numbered(&self, number: u64) -> Result<Ticket, String> {
        let found = self.waiting.iter().find(|ticket| ticket.number() == number);
        found.copied().ok_or_else(|| format!("no command {number} waits for a reply"))
    }

    fn notify(&mut self, topic: &[u8]) -> Result<Notify, String> {
        self.server.notify(topic).map_err(|refused| format!("refused: {}", refused.why))
    }
}

impl<D: ServerDialect> End for ServerEnd<D> {
    fn says(what: &What) -> Option<(bool, &Said)> {
        match what {
            What::Client(said) => Some((false, said)),
            What::Server(said) => Some((true, said)),
            _ => None,
        }
    }

    fn hear(&mut self, said: &Said) {
        match said {
            Said::Bytes(bytes) => self.server.feed(bytes),
            Said::Eof => self.server.feed_eof(),
            Said::Reset => self.server.feed_reset(),
        };
    }

    fn tick(&mut self, now: Duration) {
        self.server.tick(now);
    }

    fn prompt(&mut self, text: &[u8], _: &[u8], strict: bool) -> Result<(), String> {
        if !self.server.output().is_empty() {
            return Ok(());
        }
        match self.server.dialect().said(text) {
            dialect::Said::Notification(_) if strict => Ok(()),
            dialect::Said::Notification(topic) => self.notify(&text[topic]).map(drop),
            dialect::Said::Reply(status, at) => match self.waiting.front() {
                Some(ticket) => self.reply(*ticket, Reply { status, text: &text[at] }),
                None => Ok(()),
            },
        }
    }

    fn output(&mut self) -> &[u8] {
        self.server.output()
    }

    fn written(&mut self, count: usize) {
        self.server.written(count);
    }

    fn hangs_up(&mut self) -> bool {
        self.server.is_finished()
    }

    fn act(&mut self, act: &Act) -> Result<Option<String>, String> {
        let outcome = match act {
            Act::Reply(number, text) => {
                self.numbered(*number).and_then(|ticket| self.reply(ticket, Reply::done(text)))
            }
            Act::Refuse(number, text) => {
                self.numbered(*number).and_then(|ticket| self.reply(ticket, Reply::refused(text)))
            }
            Act::Notify(topic) => match self.notify(topic) {
                Ok(how) => {
                    return Ok(Some(format!(
                        "{} {}",
                        format!("{how:?}").to_lowercase(),
                        escape(topic)
                    )));
                }
                Err(why) => Err(why),
            },
            Act::Retract(topic) => {
                self.server.retract(topic);
                Ok(())
            }
            act => return Err(format!("a server does not {act}")),
        };
        Ok(outcome.err())
    }

    fn events(&mut self) -> Vec<String> {
        let Self { server, waiting, faulty } = self;
        let mut events = server.events();
        tell(faulty, || {
            let event = events.next()?;
            if let Some(ServerEvent::Command { ticket, .. }) = event {
                waiting.push_back(ticket);
            }
            Ok(event.map(|event| event.to_string()))
        })
    }
}
