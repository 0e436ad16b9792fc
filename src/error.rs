//! Errors, sorted by guilt: the peer's end the connection, the caller's hand the value back.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use bytes::Bytes;

/// Why a connection had to be given up. It is final: the machine that returned it stays inert and
/// returns it again (guarantee G18). Every pending command has had its outcome before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer said what no peer of this dialect may say.
    #[error("protocol error: {what}: \"{excerpt}\"")]
    Protocol {
        /// What is wrong.
        what: &'static str,
        /// Where: the beginning of the offending bytes.
        excerpt: Excerpt,
    },
    /// The peer went past a limit of [`Limits`](crate::Limits) or
    /// [`ServerLimits`](crate::ServerLimits) (guarantee G12).
    #[error("the peer sent more than the limit of {allowed} {limit} allows: \"{excerpt}\"")]
    Limit {
        /// Which limit was hit.
        limit: LimitKind,
        /// What it allows.
        allowed: usize,
        /// The beginning of the frame that went past it.
        excerpt: Excerpt,
    },
    /// The peer did not do in time what it had to.
    #[error("timed out: {0}")]
    TimedOut(Wait),
    /// Replies to abandoned commands stayed away, so that the next reply could belong to any of
    /// several commands. Close the connection and open another (guarantee G3).
    #[error("desynchronised: {held} abandoned commands still wait for their replies")]
    Desynchronised {
        /// How many abandoned commands' replies are awaited.
        held: usize,
    },
}

impl Error {
    /// Whether another connection to the same peer may fare better. A peer that breaks the
    /// protocol will break it again; one that was silent may not (guarantee G22).
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Desynchronised { .. })
    }
}

/// A limit that a peer can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// [`Limits::frame`](crate::Limits::frame)
    Frame,
    /// [`Limits::parts`](crate::Limits::parts)
    Parts,
    /// [`Limits::reply`](crate::Limits::reply)
    Reply,
    /// [`ServerLimits::list`](crate::ServerLimits::list)
    List,
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame => "bytes in a frame",
            Self::Parts => "parts in a reply",
            Self::Reply => "bytes in a reply",
            Self::List => "bytes in a command list",
        })
    }
}

/// What was waited for in vain: one of the deadlines of [`Timers`](crate::Timers) or
/// [`ServerTimers`](crate::ServerTimers) (guarantee G16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// The server's greeting.
    Greeting,
    /// The acknowledgement of entering or leaving the notification mode.
    Switch,
    /// The answer to a probe that was sent because the peer had been silent.
    Probe,
    /// The transport, to take any of the bytes that are due.
    Write,
    /// The client, to say something in the notification mode (autologout).
    Autologout,
    /// The client, to say something outside the notification mode.
    Silence,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "no greeting came",
            Self::Switch => "no acknowledgement of a mode switch came",
            Self::Probe => "the peer was silent and did not answer a probe",
            Self::Write => "the peer does not take what is sent to it",
            Self::Autologout => "the client said nothing in the notification mode (autologout)",
            Self::Silence => "the client said nothing",
        })
    }
}

/// How a connection ended, as its transport saw it (guarantee G18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// Closed between two frames.
    #[error("the connection was closed")]
    Cleanly,
    /// Closed in the middle of a frame; the bytes of that frame are lost.
    #[error("the connection was closed in the middle of a frame, after {bytes} bytes of it")]
    MidFrame {
        /// How many bytes of the frame had come.
        bytes: usize,
    },
    /// Reset, or broken in another way that the transport reports as an error.
    #[error("the connection was reset")]
    Reset,
}

/// Why a command ends without a reply (guarantee G1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No byte of it was shown to the transport. It is safe to send it again.
    #[error("the command was not sent: {0}")]
    NeverSent(Cause),
    /// It was shown to the transport; whether the peer has carried it out is unknown.
    #[error("the command was sent, but not answered: {0}")]
    SentUnanswered(Cause),
}

/// What kept a command from its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Its deadline passed.
    #[error("its deadline passed")]
    TimedOut,
    /// The connection ended.
    #[error("the connection ended")]
    ConnectionLost,
}

/// A value of the caller's that was not accepted, with the reason. Nothing was sent, and the value
/// is handed back (guarantee G13): `Debug` shows it as its own `Debug` does, a password in text
/// included, while typed commands hide theirs; `Display` shows the reason alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused: {why}")]
pub struct Refused<T: fmt::Debug> {
    /// The value, handed back.
    pub value: T,
    /// Why it was refused.
    pub why: Refusal,
}

/// Why a value of the caller's was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It holds a byte that would forge a frame on this wire.
    #[error("byte 0x{byte:02x} at offset {at} would end or forge a frame; remove it")]
    Forbidden {
        /// The offending byte.
        byte: u8,
        /// Its offset in the value.
        at: usize,
    },
    /// It is empty, and this dialect has no frame for that.
    #[error("it is empty")]
    Empty,
    /// It is a word that the machine itself must say or hear.
    #[error("it is reserved: {0}")]
    Reserved(&'static str),
    /// It has not the form that it must have on this wire.
    #[error("it has the wrong form: {0}")]
    Form(&'static str),
    /// It ends before the command does.
    #[error("it is not whole: {0}")]
    Incomplete(&'static str),
    /// It is longer than [`Limits::frame`](crate::Limits::frame) allows, or
    /// [`ServerLimits::reply`](crate::ServerLimits::reply).
    #[error("it is longer than {allowed} bytes")]
    TooLong {
        /// What the limit allows.
        allowed: usize,
    },
    /// Too much is waiting already: commands ([`Limits::pending`](crate::Limits::pending)), output
    /// ([`Limits::output`](crate::Limits::output)) or topics
    /// ([`ServerLimits::topics`](crate::ServerLimits::topics)).
    #[error("too much is waiting already (limit {allowed}); try again later")]
    Full {
        /// What the limit allows.
        allowed: usize,
    },
    /// The ticket names no command that waits for a reply.
    #[error("no command with that ticket waits for a reply")]
    UnknownTicket,
    /// It holds a secret, and anybody on the way could read it.
    #[error("it would send a secret in plain text; use TLS, or allow it")]
    Insecure,
    /// The server has said that it does not know it.
    #[error("the server does not offer {0}")]
    NotOffered(&'static str),
    /// The connection has ended.
    #[error("the connection has ended")]
    Closed,
}

/// A reply that was no proper answer to a typed command: the server refused, or said something that
/// the command cannot read. The bytes are handed over (see [`Command`](crate::Command)).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// The server refused the command.
    #[error("the server refused: {}", Excerpt::long(.0))]
    Refused(Bytes),
    /// The server accepted the command, and answered what the command cannot read.
    #[error("the reply is not {expected}: \"{}\"", Excerpt::new(.text))]
    Unexpected {
        /// What the command wanted to read.
        expected: &'static str,
        /// What came instead.
        text: Bytes,
    },
}

/// The beginning of some bytes of the peer's, for messages: bounded, and escaped when shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt {
    kept: Box<[u8]>,
    cut: bool,
}

impl Excerpt {
    const LENGTH: usize = 40;

    /// So many bytes show as much as all would.
    pub(crate) const ENOUGH: usize = Self::LENGTH + 1;

    /// The first 40 of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self::of(bytes, Self::LENGTH)
    }

    /// The first 200 of `bytes`: of what was written for people.
    #[must_use]
    pub fn long(bytes: &[u8]) -> Self {
        Self::of(bytes, 200)
    }

    fn of(bytes: &[u8], length: usize) -> Self {
        let kept = bytes.len().min(length);
        Self { kept: bytes[..kept].into(), cut: kept < bytes.len() }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escape(&self.kept))?;
        if self.cut { f.write_str("…") } else { Ok(()) }
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// `bytes` as text for people: UTF-8 as it is, control characters and anything else as `\n`, `\xff`
/// and the like. A transcript's lines are written so, and read back byte for byte.
///
/// ```
/// use bellwire::transcript::escape;
///
/// assert_eq!(escape(b"tsch\xfc\xc3\xbc\r\n"), "tsch\\xfc\u{fc}\\r\\n");
/// ```
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                c if c.is_control() => {
                    let mut utf8 = [0; 4];
                    push_hex(&mut text, c.encode_utf8(&mut utf8).as_bytes());
                }
                c => text.push(c),
            }
        }
        push_hex(&mut text, chunk.invalid());
    }
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push_str("\\x");
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}
