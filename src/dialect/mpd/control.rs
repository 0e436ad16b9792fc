//! Commands whose answer is that it is done.

use alloc::string::ToString;
use core::fmt;

use super::{Ask, Expect, Mpd};
use crate::command::{Answer, Command, Encoder};
use crate::dialect::Dialect;

use crate::error::{BadReply, Refusal};

/// `ping`: asks for nothing but an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ping;

impl Command<Mpd> for Ping {
    type Reply = ();

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        dialect.encode_text(b"ping", line)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }
}

/// `password`: asks for the permissions that come with it. Logs, traces and `Debug` do not show it;
/// the wire does, for MPD has no TLS.
///
/// ```
/// use bellwire::command;
/// use bellwire::dialect::mpd::{Mpd, Password};
///
/// let password = Password("sesame");
/// assert_eq!(command::redacted(&Mpd::default(), &password)?, b"password ***\n");
/// assert_eq!(format!("{password:?}"), "Password(***)");
/// # Ok::<(), bellwire::Refusal>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password<T>(
    /// The password.
    pub T,
);

impl<T> fmt::Debug for Password<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

impl<T: AsRef<[u8]>> Command<Mpd> for Password<T> {
    type Reply = ();

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        Ask::new("password").arg(&self.0).encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }
}

/// `add`: appends a song, or all songs of a directory, to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add<T>(
    /// The song's or the directory's place in the music directory, or a URL.
    pub T,
);

impl<T: AsRef<[u8]>> Command<Mpd> for Add<T> {
    type Reply = ();

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        Ask::new("add").arg(&self.0).encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }
}

/// `setvol`: sets the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetVolume(
    /// In percent; MPD refuses more than 100.
    pub u8,
);

impl Command<Mpd> for SetVolume {
    type Reply = ();

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        Ask::new("setvol").arg(self.0.to_string()).encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }
}

/// `binarylimit`: how large the chunks of pictures may be on this connection, from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryLimit(
    /// In bytes; MPD refuses less than 64, and begins with 8192.
    pub usize,
);

impl Command<Mpd> for BinaryLimit {
    type Reply = ();

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        Ask::new("binarylimit").arg(self.0.to_string()).encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }
}
