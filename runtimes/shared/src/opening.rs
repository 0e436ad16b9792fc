//! What a connection begins with: a password, logging in, opening a mailbox.

use std::fmt;

use bellwire::{Answer, BadReply, Client, Command, Dialect, Refusal, Refused, Ticket, command};

/// A command that each connection begins with, before anything else is said (guarantee G22). Every
/// [`Command`] is one.
pub trait Opening<D: Dialect>: Send + Sync {
    /// Whether it has to be given, as things stand; see [`Command::is_due`].
    fn is_due(&self, dialect: &D) -> bool;

    /// Gives it.
    ///
    /// # Errors
    ///
    /// As [`Client::opening_command`].
    fn give(&self, client: &mut Client<D>) -> Result<Ticket, Refusal>;

    /// What may be recorded of it.
    fn text(&self, dialect: &D) -> Vec<u8>;

    /// Whether the connection may go on.
    ///
    /// # Errors
    ///
    /// When the server refused.
    fn check(&self, answer: Answer) -> Result<(), BadReply>;
}

impl<D: Dialect, C> Opening<D> for C
where
    C: Command<D> + fmt::Debug + Send + Sync,
{
    fn is_due(&self, dialect: &D) -> bool {
        Command::is_due(self, dialect)
    }

    fn give(&self, client: &mut Client<D>) -> Result<Ticket, Refusal> {
        client.opening_command(self).map_err(|Refused { why, .. }| why)
    }

    fn text(&self, dialect: &D) -> Vec<u8> {
        as_typed(command::redacted(dialect, self).unwrap_or_default())
    }

    fn check(&self, answer: Answer) -> Result<(), BadReply> {
        self.decode(answer).map(drop)
    }
}

/// A command's bytes without their end, as a person would type them. What is before that may be line
/// ends, too, of a message say.
pub(crate) fn as_typed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.pop_if(|last| *last == b'\n');
    bytes.pop_if(|last| *last == b'\r');
    bytes
}
