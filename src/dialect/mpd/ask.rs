//! Any command, and what is said of those that are refused.

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::ack::NoAck;
use super::client::{self, Expect, SECRET};
use super::{Ack, Fields, Mpd, argument};
use crate::command::{self, Answer, Command, Encoder};
use crate::error::{BadReply, Refusal, escape};

/// Any command, with arguments of any bytes but CR, LF and NUL. It is answered by [`Fields`].
///
/// Arguments are quoted as far as MPD's lines need it. Within what MPD takes for an expression, names
/// and values need quotes of their own, which are the caller's:
///
/// ```
/// use bellwire::command;
/// use bellwire::dialect::mpd::{Ask, Mpd};
///
/// let ask = Ask::new("find").arg(r#"(artist == "Guns N' Roses")"#).arg("window").arg("0:10");
/// let line = command::encode(&Mpd::default(), &ask)?;
/// assert_eq!(line, b"find \"(artist == \\\"Guns N' Roses\\\")\" window 0:10\n");
/// # Ok::<(), bellwire::Refusal>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    name: Cow<'static, str>,
    arguments: Vec<Vec<u8>>,
}

impl Ask {
    /// The command of this name, without arguments.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), arguments: Vec::new() }
    }

    /// The same with one more argument, behind the others.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<[u8]>) -> Self {
        self.arguments.push(argument.as_ref().to_vec());
        self
    }
}

/// As logs may show it.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = command::redacted(&Mpd::default(), self);
        let shown = line.map_or_else(|why| why.to_string(), |line| escape(line.trim_ascii_end()));
        f.debug_tuple("Ask").field(&shown).finish()
    }
}

impl Command<Mpd> for Ask {
    type Reply = Fields;

    fn encode(&self, _: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        let expect = client::begin(self.name.as_bytes(), line)?;
        let secret = client::is_secret(client::name(self.name.as_bytes()));
        for argument in &self.arguments {
            line.push(b" ");
            if secret {
                line.secret(SECRET, |line| argument::quote(argument, line))?;
            } else {
                argument::quote(argument, line)?;
            }
        }
        line.end(b"\n");
        Ok(expect)
    }

    fn decode(&self, answer: Answer) -> Result<Fields, BadReply> {
        Fields::try_from(answer)
    }
}

/// What MPD says of a command that it refuses.
///
/// ```
/// use bellwire::command::{Answer, Command};
/// use bellwire::dialect::mpd::{Ack, Code, SetVolume};
/// use bellwire::Reply;
///
/// let text = "[4@0] {setvol} you don't have permission for \"setvol\"";
/// let answer = Answer { parts: Vec::new(), reply: Reply::refused(text.into()) };
/// let refused = SetVolume(10).decode(answer).unwrap_err();
/// let ack = Ack::try_from(&refused)?;
/// assert_eq!((ack.code, ack.command.as_str()), (Code::Permission, "setvol"));
/// # Ok::<(), bellwire::dialect::mpd::ack::NoAck>(())
/// ```
impl TryFrom<&BadReply> for Ack {
    type Error = NoAck;

    /// # Errors
    ///
    /// When the command was not refused, or not as MPD does it.
    fn try_from(bad: &BadReply) -> Result<Self, NoAck> {
        match bad {
            BadReply::Refused(text) => Self::parse(text).ok_or(NoAck),
            BadReply::Unexpected { .. } => Err(NoAck),
        }
    }
}
