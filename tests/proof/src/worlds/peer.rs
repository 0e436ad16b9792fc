//! The other end of a small world.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use bellwire::{Error, Reply, Server, ServerConfig, ServerDialect, ServerEvent, Ticket};

/// What a server is free to do. Where it cannot do it now, nothing happens.
pub(crate) trait Peer {
    /// These bytes came.
    fn hear(&mut self, bytes: &[u8]);
    /// The bytes that it says now.
    fn say(&mut self) -> Vec<u8>;
    /// How many of the answers that it owes it may give next, as it likes.
    fn owes(&self) -> usize;
    /// Gives one of these answers.
    fn answer(&mut self, which: Which);
    /// Whether there is something that it may refuse now.
    fn may_refuse(&self) -> bool {
        self.owes() > 0
    }
    /// Refuses what was asked first.
    fn refuse(&mut self);
    /// There is something new.
    fn notify(&mut self);
    /// Whether it may end the mode by itself now.
    fn may_end(&self) -> bool {
        false
    }
    /// Ends the mode by itself.
    fn end(&mut self) {}
    fn tick(&mut self, now: Duration);
    fn deadline(&self) -> Option<Duration>;
    /// Whether it has ended the connection.
    fn is_over(&self) -> bool;
    /// Whether it is in the mode, as far as it knows.
    fn is_listening(&self) -> bool;
    /// All that decides what it will do.
    fn describe(&self, text: &mut String);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    Second,
    Last,
}

impl Which {
    /// Whether it is one of so many, and no other of these names means the same.
    pub(crate) fn is_one_of(self, count: usize) -> bool {
        match self {
            Self::First => count > 0,
            Self::Second => count > 2,
            Self::Last => count > 1,
        }
    }

    /// This one of them.
    pub(crate) fn of<T>(self, mut them: impl DoubleEndedIterator<Item = T>) -> Option<T> {
        match self {
            Self::First => them.next(),
            Self::Second => them.nth(1),
            Self::Last => them.next_back(),
        }
    }
}

/// What proves that a reply answers this question.
pub(crate) fn proof(question: &[u8]) -> String {
    format!("proof: {}", String::from_utf8_lossy(question))
}

/// A refusal that proves that, too.
pub(crate) fn refusal(question: &[u8]) -> String {
    format!("refused: {}", String::from_utf8_lossy(question))
}

/// The library's own server.
pub(crate) struct Real<D: ServerDialect> {
    server: Server<D>,
    waiting: VecDeque<(Ticket, Vec<u8>)>,
    topic: &'static str,
    over: bool,
}

impl<D: ServerDialect> Real<D> {
    pub(crate) fn new(dialect: D, topic: &'static str) -> Self {
        Self::configured(dialect, topic, ServerConfig::default())
    }

    pub(crate) fn configured(dialect: D, topic: &'static str, config: ServerConfig) -> Self {
        let server = Server::new(dialect, config);
        Self { server, waiting: VecDeque::new(), topic, over: false }
    }

    fn drain(&mut self) {
        let mut events = self.server.events();
        loop {
            match events.next() {
                Ok(Some(ServerEvent::Command { ticket, text, .. })) => {
                    self.waiting.push_back((ticket, text.to_vec()));
                }
                Ok(Some(event @ ServerEvent::Rejected { .. })) => {
                    panic!("an honest client is rejected: {event}")
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(Error::TimedOut(_)) => {
                    self.over = true;
                    return;
                }
                Err(error) => panic!("an honest client's error: {error}"),
            }
        }
    }
}

impl<D> Peer for Real<D>
where
    D: ServerDialect + std::fmt::Debug,
{
    fn hear(&mut self, bytes: &[u8]) {
        self.server.feed(bytes);
        self.drain();
    }

    fn say(&mut self) -> Vec<u8> {
        let said = self.server.output().to_vec();
        self.server.written(said.len());
        // What was held up by the answers may be heard now.
        self.drain();
        said
    }

    fn owes(&self) -> usize {
        self.waiting.len()
    }

    fn answer(&mut self, which: Which) {
        let index = which.of(0..self.waiting.len());
        if let Some((ticket, text)) = index.and_then(|index| self.waiting.remove(index)) {
            self.server.reply(ticket, Reply::done(proof(&text))).unwrap();
        }
    }

    fn refuse(&mut self) {
        if let Some((ticket, text)) = self.waiting.pop_front() {
            self.server.reply(ticket, Reply::refused(refusal(&text))).unwrap();
        }
    }

    fn notify(&mut self) {
        self.server.notify(self.topic).unwrap();
    }

    fn tick(&mut self, now: Duration) {
        self.server.tick(now);
        self.drain();
    }

    fn deadline(&self) -> Option<Duration> {
        self.server.deadline()
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn is_listening(&self) -> bool {
        self.server.is_listening()
    }

    fn describe(&self, text: &mut String) {
        write!(text, "{:?}{:?}{}", self.server, self.waiting, self.over).unwrap();
    }
}
