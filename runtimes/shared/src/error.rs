//! Errors of the adapters.

use std::io;

use bellwire::{BadReply, Closed, Dialect, Excerpt, Failure, Refusal};
use bytes::Bytes;

/// Why a request or a wait for notifications failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command was refused before anything was sent. Give it by reference to keep it.
    #[error("the command was refused: {0}")]
    Refused(Refusal),
    /// The server refused the command, or answered what the command cannot read.
    #[error(transparent)]
    BadReply(BadReply),
    /// The server refused the command for now, in these words: it is busy, or a part of it is down.
    #[error("the server refuses for now: {}", Excerpt::long(.0))]
    Unavailable(Bytes),
    /// No reply came.
    #[error("{failure}{}", because(.ended.as_ref()))]
    Unanswered {
        /// Whether the command was sent, and what kept the reply away.
        failure: Failure,
        /// How the connection ended, if that did.
        ended: Option<Ended>,
    },
    /// There is no connection.
    #[error("not connected: {0}")]
    NotConnected(Ended),
}

impl Error {
    /// A reply that was no proper answer to a command of this dialect.
    #[must_use]
    pub fn bad_reply(bad: BadReply, dialect: &impl Dialect) -> Self {
        match bad {
            BadReply::Refused(text) if dialect.passes(&text) => Self::Unavailable(text),
            bad => Self::BadReply(bad),
        }
    }

    /// Whether the same may succeed at another time (guarantee G22). Protocol errors will not, nor what
    /// the server refuses, unless it says that this passes.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(why) => matches!(why, Refusal::Full { .. }),
            Self::BadReply(_) => false,
            Self::Unavailable(_) => true,
            Self::Unanswered { ended, .. } => ended.as_ref().is_none_or(Ended::is_transient),
            Self::NotConnected(ended) => ended.is_transient(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(why: Refusal) -> Self {
        Self::Refused(why)
    }
}

fn because(ended: Option<&Ended>) -> String {
    ended.map_or_else(String::new, |ended| format!(": {ended}"))
}

/// How a connection ended, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// The server, or something in between, ended it.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The machine gave it up.
    #[error(transparent)]
    Fault(#[from] bellwire::Error),
    /// The transport failed, or could not be had.
    #[error("{what}")]
    Io {
        /// What kind of failure.
        kind: io::ErrorKind,
        /// What the system said.
        what: String,
    },
    /// The server did not do what each connection begins with: let us in, open the mailbox.
    #[error("the connection could not begin: {0}")]
    Opening(Box<Error>),
    /// The program closed it.
    #[error("the connection was closed by this program")]
    ByProgram,
}

impl Ended {
    /// Whether another attempt may fare better.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Closed(_) => true,
            Self::Fault(error) => error.is_transient(),
            Self::Opening(error) => error.is_transient(),
            Self::Io { kind, .. } => !matches!(
                kind,
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::InvalidData
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::AddrNotAvailable
            ),
            Self::ByProgram => false,
        }
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Io { kind: error.kind(), what: error.to_string() }
    }
}
