//! What a connection begins with, before anything else is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwire::transcript::Act;
use bellwire::{Answer, Dialect};

use super::{Pieces, RequestId, Session};
use crate::error::{Ended, Error};

/// How far a connection has begun.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// So many of the commands that it begins with are done, or not due.
    done: usize,
    /// The one that is not answered yet.
    pub(super) waiting: Option<RequestId>,
    answers: Vec<Answer>,
}

/// Connections are numbered through the whole process, so that logs of several clients can be told
/// apart.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

impl<D: Dialect + Clone> Session<D> {
    /// A connection begins.
    pub(super) fn begin(&mut self) {
        self.pieces = Pieces::default();
        self.opening = Opened::default();
        (self.shown, self.untold) = (0, false);
        self.connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        log::info!("#{} connected", self.connection);
        if let Some(observer) = &mut self.observer {
            observer.connected(self.connection);
        }
        if !self.openings.is_empty() {
            self.client.open();
            self.observe(|observer| observer.act(&Act::Open));
        }
        self.open_on();
    }

    /// Gives the next of the commands that the connection begins with, once the server has greeted.
    pub(super) fn open_on(&mut self) {
        let openings = Arc::clone(&self.openings);
        let client = &self.client;
        let ready = client.is_opening() && client.is_greeted() && !client.is_upgrading();
        if !ready || self.opening.waiting.is_some() {
            return;
        }
        while let Some(opening) = openings.get(self.opening.done) {
            if !opening.is_due(self.client.dialect()) {
                self.opening.done += 1;
                continue;
            }
            let text = opening.text(self.client.dialect());
            return match opening.give(&mut self.client) {
                Ok(ticket) => {
                    let id = RequestId { connection: self.connection, ticket };
                    self.requests.push(id);
                    self.opening.waiting = Some(id);
                    self.observe(|observer| observer.act(&Act::Opening(text)));
                }
                Err(why) => self.closed(Ended::Opening(Box::new(Error::Refused(why)))),
            };
        }
        self.client.opened();
        self.observe(|observer| observer.act(&Act::Opened));
    }

    /// Takes the answer to a command that the connection begins with.
    pub(super) fn take_opening(&mut self) {
        let Some(id) = self.opening.waiting else { return };
        let Some(outcome) = self.outcome(id) else { return };
        self.opening.waiting = None;
        let checked = match outcome {
            Ok(answer) => match self.openings.get(self.opening.done) {
                Some(opening) => {
                    self.opening.answers.push(answer.clone());
                    let dialect = self.client.dialect();
                    opening.check(answer).map_err(|bad| Error::bad_reply(bad, dialect))
                }
                None => Ok(()),
            },
            Err(failure) => Err(Error::Unanswered { failure, ended: None }),
        };
        match checked {
            Ok(()) => {
                self.opening.done += 1;
                self.open_on();
            }
            Err(error) => self.closed(Ended::Opening(Box::new(error))),
        }
    }

    /// Whether the connection has begun, with the server's greeting and all that it begins with.
    pub fn is_open(&self) -> bool {
        self.ended.is_none() && self.client.is_greeted() && !self.client.is_opening()
    }

    /// The answers to the commands that this connection began with, in order.
    pub fn opening_answers(&self) -> &[Answer] {
        &self.opening.answers
    }

    /// Nobody can listen in on this connection.
    pub fn secured(&mut self) {
        self.observe(|observer| observer.act(&Act::Secured));
        self.client.secured();
    }

    /// The stream has changed, to TLS.
    pub fn upgraded(&mut self) {
        self.observe(|observer| observer.act(&Act::Upgrade));
        // If it fails, the machine says so with its events.
        let _ = self.client.upgrade();
        self.drain();
    }
}
