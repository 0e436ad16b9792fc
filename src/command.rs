//! Commands: typed values that know how they are written and what their reply means.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::error::{BadReply, Refusal};
use crate::event::{Reply, Status};

/// A command of a dialect, with the type of its reply. They live with their dialect, once, so that no
/// adapter repeats them.
///
/// Text is a command of every dialect: `&str`, `String`, `&[u8]` and [`Bytes`] are sent as a person
/// would type them, and answered by the text of the reply.
pub trait Command<D: Dialect> {
    /// What a good reply means.
    type Reply;

    /// Writes the command, without tag or id, and says what it waits for.
    ///
    /// # Errors
    ///
    /// When the command cannot be written as exactly one command (guarantee G13).
    fn encode(&self, dialect: &D, line: &mut Encoder<'_>) -> Result<D::Expect, Refusal>;

    /// Reads the reply.
    ///
    /// # Errors
    ///
    /// When the server refused, or the reply is not what this command can read. The error hands the
    /// bytes over.
    fn decode(&self, answer: Answer) -> Result<Self::Reply, BadReply>;
}

/// A whole reply with its parts, gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The parts, in order; none where the dialect's replies have no parts.
    pub parts: Vec<Bytes>,
    /// The end of the reply.
    pub reply: Reply<Bytes>,
}

impl Answer {
    /// The text of the reply.
    ///
    /// # Errors
    ///
    /// [`BadReply::Refused`] when the server refused.
    pub fn text(self) -> Result<Bytes, BadReply> {
        match self.reply.status {
            Status::Done => Ok(self.reply.text),
            Status::Refused => Err(BadReply::Refused(self.reply.text)),
        }
    }
}

macro_rules! text_commands {
    ($($text:ty),*) => {$(
        impl<D: Dialect> Command<D> for $text {
            type Reply = Bytes;

            fn encode(&self, dialect: &D, line: &mut Encoder<'_>) -> Result<D::Expect, Refusal> {
                dialect.encode_text(self.as_ref(), line)
            }

            fn decode(&self, answer: Answer) -> Result<Bytes, BadReply> {
                answer.text()
            }
        }
    )*};
}

text_commands!(&str, String, &[u8], Bytes);

/// A command that is given by reference stays the caller's.
impl<D: Dialect, C: Command<D>> Command<D> for &C {
    type Reply = C::Reply;

    fn encode(&self, dialect: &D, line: &mut Encoder<'_>) -> Result<D::Expect, Refusal> {
        (*self).encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<C::Reply, BadReply> {
        (*self).decode(answer)
    }
}

/// The bytes of a command, without tag or id.
///
/// # Errors
///
/// When the command cannot be written as exactly one command.
///
/// ```
/// use bellwire::command;
/// use bellwire::dialect::notif::{Get, Notif};
///
/// assert_eq!(command::encode(&Notif::default(), &Get("weather"))?, b"weather?\r\n");
/// # Ok::<(), bellwire::Refusal>(())
/// ```
pub fn encode<D: Dialect>(dialect: &D, command: &impl Command<D>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    command.encode(dialect, &mut Encoder::new(&mut bytes))?;
    Ok(bytes)
}

/// Writes one frame, or several that belong together: the lines of one reply, say. What comes from
/// the caller is checked; what is the dialect's own is not.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    /// Where the frame begins that is being written.
    start: usize,
    /// The length of the longest frame before it.
    longest: usize,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start, longest: 0 }
    }

    /// Appends the dialect's own bytes as they are.
    pub fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Appends the end of the frame, a line end say. It does not count towards
    /// [`Limits::frame`](crate::Limits::frame), and what follows is another frame.
    pub fn end(&mut self, bytes: &[u8]) {
        self.longest = self.longest();
        self.push(bytes);
        self.start = self.out.len();
    }

    /// Appends any bytes, of which the frame before has said how many they are.
    pub fn block(&mut self, bytes: &[u8]) {
        self.push(bytes);
        self.start += bytes.len();
    }

    /// The length of the longest frame so far.
    fn longest(&self) -> usize {
        self.longest.max(self.out.len() - self.start)
    }

    /// Appends text of the caller's that must not hold CR, LF or NUL.
    ///
    /// # Errors
    ///
    /// [`Refusal::Forbidden`] names the first such byte. There are no quoting tricks (guarantee
    /// G13).
    pub fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
        match text.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            Some(at) => Err(Refusal::Forbidden { byte: text[at], at }),
            None => {
                self.push(text);
                Ok(())
            }
        }
    }
}

/// Appends to `out` what `write` writes, if it is accepted and no frame of it holds more than `limit`
/// bytes; otherwise leaves `out` as it was.
pub(crate) fn append<T>(
    out: &mut Vec<u8>,
    limit: usize,
    write: impl FnOnce(&mut Encoder<'_>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let before = out.len();
    let mut line = Encoder::new(out);
    let mut written = write(&mut line);
    if written.is_ok() && line.longest() > limit {
        written = Err(Refusal::TooLong { allowed: limit });
    }
    if written.is_err() {
        out.truncate(before);
    }
    written
}
