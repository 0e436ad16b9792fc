//! The name of one accepted command.

use core::fmt;
use core::num::NonZeroU64;

/// Names one accepted command, from [`Client::command`](crate::Client::command) to its outcome; on
/// the server, one received command, from
/// [`ServerEvent::Command`](crate::ServerEvent::Command) to its reply.
///
/// Tickets of one connection are numbered from 1 in the order of the commands and are never reused.
/// A ticket means nothing to another connection.
///
/// ```
/// # use bellwire::{Client, Config, dialect::notif::{Notif, Random}};
/// let mut client = Client::new(Notif::default(), Config::default());
/// let first = client.command(Random)?;
/// let second = client.command(Random)?;
/// assert!(first < second);
/// assert_eq!(first.to_string(), "1");
/// # Ok::<(), bellwire::Refused<Random>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(NonZeroU64);

impl Ticket {
    /// The command's number on its connection, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Hands out the tickets of one connection.
#[derive(Debug)]
pub(crate) struct Tickets {
    next: NonZeroU64,
}

impl Tickets {
    pub(crate) const fn new() -> Self {
        Self { next: NonZeroU64::MIN }
    }

    pub(crate) fn issue(&mut self) -> Ticket {
        let ticket = Ticket(self.next);
        // At a billion commands a second this saturates after five centuries.
        self.next = self.next.saturating_add(1);
        ticket
    }
}
