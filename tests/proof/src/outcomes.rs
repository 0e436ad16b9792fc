//! What becomes of a client's commands: each ends in one outcome, and nothing is told of it behind that.

use std::collections::BTreeMap;

use bellwire::{Abandoned, Cause, Event, Failure, Ticket};

/// What became of each command that was accepted, as far as it is told.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(BTreeMap<Ticket, Outcome>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It waits.
    Open,
    Replied,
    Failed(Failure),
    /// Abandoned, and never sent.
    Withdrawn,
    /// Abandoned; its reply may still come.
    Abandoned,
}

impl Outcomes {
    pub(crate) fn given(&mut self, ticket: Ticket) {
        let last = self.0.last_key_value().map(|(last, _)| *last);
        assert!(last < Some(ticket), "a ticket is used twice: {ticket}");
        self.0.insert(ticket, Outcome::Open);
    }

    /// The program has abandoned a command, and was told that.
    pub(crate) fn abandoned(&mut self, ticket: Ticket, what: Abandoned) {
        let outcome = match (self.of(ticket), what) {
            (Outcome::Open, Abandoned::Withdrawn) => Outcome::Withdrawn,
            (Outcome::Open, Abandoned::Held) => Outcome::Abandoned,
            (was, Abandoned::Settled) if was != Outcome::Open => was,
            (was, what) => panic!("G1: {was:?}, and when it is abandoned, {what}: {ticket}"),
        };
        self.0.insert(ticket, outcome);
    }

    /// G1, G2, G3: what is told of a command is told of one that waits for it.
    pub(crate) fn told(&mut self, event: &Event<&[u8]>) {
        let (ticket, expected, then) = match event {
            Event::Reply { ticket, .. } => (ticket, Outcome::Open, Outcome::Replied),
            Event::Failed { ticket, why } => (ticket, Outcome::Open, Outcome::Failed(*why)),
            Event::Part { ticket, .. } => (ticket, Outcome::Open, Outcome::Open),
            Event::Late { ticket, .. } => {
                let was = self.of(*ticket);
                let timed_out = Outcome::Failed(Failure::SentUnanswered(Cause::TimedOut));
                let late = was == Outcome::Abandoned || was == timed_out;
                return assert!(late, "G3: {was:?}, and then {event}");
            }
            _ => return,
        };
        let was = self.0.insert(*ticket, then);
        assert_eq!(was, Some(expected), "G1, G2, G3: {event}");
    }

    pub(crate) fn of(&self, ticket: Ticket) -> Outcome {
        *self.0.get(&ticket).expect("a ticket that was given")
    }

    /// What waits, the oldest first.
    pub(crate) fn open(&self) -> impl DoubleEndedIterator<Item = Ticket> {
        self.0.iter().filter(|(_, it)| **it == Outcome::Open).map(|(ticket, _)| *ticket)
    }

    /// G1: to be called when the connection has ended.
    pub(crate) fn all_told(&self) {
        let open: Vec<_> = self.open().collect();
        assert!(open.is_empty(), "G1: without an outcome: {open:?}");
    }
}
