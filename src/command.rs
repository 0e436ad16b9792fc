//! Commands: typed values that know how they are written and what their reply means.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use core::{fmt, mem};

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::error::{BadReply, Refusal};
use crate::event::{Reply, Status};

/// A command of a dialect, with the type of its reply. They live with their dialect, once, so that no
/// adapter repeats them.
///
/// Text is a command of every dialect: `&str`, `String`, `&[u8]` and [`Bytes`] are sent as a person
/// would type them, and answered by the [text](Answer::text) of the reply.
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

    /// Whether it has to be given at all, where it is one of those that a connection begins with:
    /// who is logged in already does not log in.
    fn is_due(&self, dialect: &D) -> bool {
        let _ = dialect;
        true
    }
}

/// A whole reply with its parts, gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The parts, in order; none where the dialect's replies have no parts. Where data belongs to no
    /// command in particular (IMAP), all that came while the command was on the wire.
    pub parts: Vec<Bytes>,
    /// The end of the reply.
    pub reply: Reply<Bytes>,
}

impl Answer {
    /// The text of the reply: its parts, if it has any, and its end, if that says anything; a line
    /// each, with LF between them.
    ///
    /// # Errors
    ///
    /// [`BadReply::Refused`] when the server refused.
    pub fn text(self) -> Result<Bytes, BadReply> {
        let Self { mut parts, reply } = self.done()?;
        if parts.is_empty() {
            return Ok(reply.text);
        }
        if !reply.text.is_empty() {
            parts.push(reply.text);
        }
        Ok(parts.join(&b'\n').into())
    }

    /// The answer, if it is a good one.
    ///
    /// # Errors
    ///
    /// [`BadReply::Refused`] when the server refused.
    pub fn done(self) -> Result<Self, BadReply> {
        match self.reply.status {
            Status::Done => Ok(self),
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

    fn is_due(&self, dialect: &D) -> bool {
        (*self).is_due(dialect)
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
    append(&mut bytes, usize::MAX, |line| command.encode(dialect, line))?;
    Ok(bytes)
}

/// The bytes of a command as logs may show them: without what the command marks as secret.
///
/// # Errors
///
/// As [`encode`].
pub fn redacted<D: Dialect>(dialect: &D, command: &impl Command<D>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let (_, marks) = append(&mut bytes, usize::MAX, |line| command.encode(dialect, line))?;
    Ok(redact(&bytes, &marks.secrets).into_owned())
}

/// Writes one frame, or several that belong together: the lines of one reply, say. What comes from
/// the caller is checked; what is the dialect's own is not.
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    /// Where it began to write.
    start: usize,
    /// Where the frame begins that is being written; later, if some of its bytes do not count.
    frame: usize,
    /// The length of the longest frame before it.
    longest: usize,
    marks: Marks,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start, frame: start, longest: 0, marks: Marks::default() }
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
        self.frame = self.out.len();
    }

    /// Appends bytes whose number was said before them, so that they can forge nothing. They may be
    /// any, and do not count towards [`Limits::frame`](crate::Limits::frame).
    pub fn counted(&mut self, bytes: &[u8]) {
        self.push(bytes);
        self.frame += bytes.len();
    }

    /// The length of the longest frame so far.
    fn longest(&self) -> usize {
        self.longest.max(self.out.len() - self.frame)
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

    /// What `write` writes is a secret: logs, traces, transcripts and `Debug` show `shown` instead.
    ///
    /// # Errors
    ///
    /// Those of `write`.
    pub fn secret<T>(
        &mut self,
        shown: &'static str,
        write: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let start = self.out.len() - self.start;
        let before = self.marks.secrets.len();
        let written = write(self)?;
        let end = self.out.len() - self.start;
        // A secret within a secret is hidden with it.
        self.marks.secrets.truncate(before);
        self.marks.secrets.push(Secret { place: start..end, shown });
        Ok(written)
    }

    /// What follows is sent when the server says that it wants it
    /// ([`Class::Continue`](crate::dialect::Class::Continue)), and never if the server answers the
    /// command before that. Until then nothing else is sent, also if the command is abandoned.
    pub fn pause(&mut self) {
        self.marks.pauses.push(self.out.len() - self.start);
    }

    /// A good reply to this command ends what can be read: nothing more is sent, and nothing more is
    /// taken, until [`Client::upgrade`](crate::Client::upgrade) is called (STARTTLS). It is sent when
    /// nothing is on the wire, and if it is abandoned there, the connection is given up.
    pub fn barrier(&mut self) {
        self.marks.barrier = true;
    }
}

/// May hold secrets, so it shows how much only.
impl fmt::Debug for Encoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.out.len() - self.start;
        f.debug_struct("Encoder").field("length", &length).finish_non_exhaustive()
    }
}

/// What an encoder knows of a command beside its bytes; places are counted from its beginning.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) pauses: Vec<usize>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) barrier: bool,
}

impl Marks {
    pub(crate) fn is_empty(&self) -> bool {
        self.pauses.is_empty() && self.secrets.is_empty() && !self.barrier
    }
}

/// Bytes that are not for logs.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) place: Range<usize>,
    /// What logs show instead.
    pub(crate) shown: &'static str,
}

impl Secret {
    /// The same, counted from so many bytes before.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self { place: self.place.start + by..self.place.end + by, ..self }
    }

    /// What of it is in `part`, counted from the beginning of that. If it begins before, it was shown
    /// with its beginning.
    pub(crate) fn within(&self, part: &Range<usize>) -> Option<Self> {
        let Range { start, end } = self.place;
        let begins = part.contains(&start);
        let goes_on = start < part.start && part.start < end;
        (begins || goes_on).then(|| Self {
            place: start.max(part.start) - part.start..end.min(part.end) - part.start,
            shown: if begins { self.shown } else { "" },
        })
    }
}

/// `bytes` as logs may show them.
pub(crate) fn redact<'b>(bytes: &'b [u8], secrets: &[Secret]) -> Cow<'b, [u8]> {
    if secrets.is_empty() {
        return Cow::Borrowed(bytes);
    }
    let mut shown = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for Secret { place, shown: instead } in secrets {
        shown.extend_from_slice(bytes.get(at..place.start).unwrap_or_default());
        shown.extend_from_slice(instead.as_bytes());
        at = at.max(place.end);
    }
    shown.extend_from_slice(bytes.get(at..).unwrap_or_default());
    Cow::Owned(shown)
}

/// `said` as logs may show it, if a secret begins there.
pub(crate) fn redact_from(said: &[u8], secret: Option<usize>) -> Cow<'_, [u8]> {
    let secret = secret.filter(|begin| *begin < said.len());
    let marked = secret.map(|begin| Secret { place: begin..said.len(), shown: "***" });
    redact(said, marked.as_slice())
}

/// Appends to `out` what `write` writes, if it is accepted and no frame of it holds more than `limit`
/// bytes; otherwise leaves `out` as it was.
pub(crate) fn append<T>(
    out: &mut Vec<u8>,
    limit: usize,
    write: impl FnOnce(&mut Encoder<'_>) -> Result<T, Refusal>,
) -> Result<(T, Marks), Refusal> {
    let accepted = out.len();
    let mut appended = Appended { out, accepted };
    let mut line = Encoder::new(appended.out);
    let mut written = write(&mut line);
    let marks = mem::take(&mut line.marks);
    if written.is_ok() && line.longest() > limit {
        written = Err(Refusal::TooLong { allowed: limit });
    }
    if written.is_ok() {
        appended.accepted = appended.out.len();
    }
    written.map(|written| (written, marks))
}

/// Takes back what was not accepted, also if a command panics while it is written: what it has left
/// would go before the next command's bytes, and count as a part of them.
struct Appended<'a> {
    out: &'a mut Vec<u8>,
    accepted: usize,
}

impl Drop for Appended<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.accepted);
    }
}
