//! Several commands as one.

use alloc::vec::{self, Vec};

use bytes::Bytes;

use super::client::LIST_OK;
use super::{Expect, Mpd};
use crate::command::{Answer, Command, Encoder};
use crate::error::{BadReply, Refusal};
use crate::event::{Reply, Status};

/// Several commands as one (`command_list_ok_begin`): nobody else's command comes between them, and
/// they take one way to the server and back. They are in a `Vec`, or in a tuple of two to six.
///
/// MPD runs them in order up to the first that it refuses. Each has an outcome of its own, so that
/// the reply to the list is a good one then, too.
///
/// ```
/// use bellwire::command::{self, Answer, Command};
/// use bellwire::dialect::mpd::{Add, Ask, CommandList, Mpd, NotDone, Ping};
/// use bellwire::{BadReply, Reply};
///
/// let list = CommandList((Ping, Add("nosuch.flac"), Ask::new("play")));
/// let lines = command::encode(&Mpd::default(), &list).unwrap();
/// assert_eq!(lines, b"command_list_ok_begin\nping\nadd nosuch.flac\nplay\ncommand_list_end\n");
///
/// let parts = vec!["list_OK".into()];
/// let reply = Reply::refused("[50@1] {add} No such directory".into());
/// let (ping, add, play) = list.decode(Answer { parts, reply })?;
/// assert_eq!(ping, Ok(()));
/// assert!(matches!(add, Err(NotDone::Failed(BadReply::Refused(_)))));
/// assert_eq!(play, Err(NotDone::NotRun));
/// # Ok::<(), BadReply>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandList<M>(
    /// The commands.
    pub M,
);

/// Why a command in a list has no good reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// It was run, and refused; or its reply cannot be read, which does not hinder those behind it.
    #[error(transparent)]
    Failed(#[from] BadReply),
    /// It was not run, for one before it was refused.
    #[error("not run: a command before it was refused")]
    NotRun,
}

impl<M: Members> Command<Mpd> for CommandList<M> {
    type Reply = M::Replies;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        encode(line, |line| self.0.encode(dialect, line))
    }

    fn decode(&self, answer: Answer) -> Result<M::Replies, BadReply> {
        let mut outcomes = Outcomes::new(answer);
        let replies = self.0.decode(&mut outcomes);
        outcomes.end().map(|()| replies)
    }
}

const BEGIN: &[u8] = b"command_list_ok_begin";
const END: &[u8] = b"command_list_end";

/// Writes a list.
pub(super) fn encode(
    line: &mut Encoder<'_>,
    members: impl FnOnce(&mut Encoder<'_>) -> Result<Vec<Expect>, Refusal>,
) -> Result<Expect, Refusal> {
    line.push(BEGIN);
    line.end(b"\n");
    let expected = members(line)?;
    line.push(END);
    line.end(b"\n");
    Expect::list(expected)
}

/// The lines between the first and the last, and where they begin, if `text` is a whole list.
pub(super) fn members(text: &[u8]) -> Option<(usize, &[u8])> {
    let members = text.strip_prefix(BEGIN)?.strip_prefix(b"\n")?.strip_suffix(END)?;
    let whole = members.is_empty() || members.ends_with(b"\n");
    whole.then_some((BEGIN.len() + 1, members))
}

/// Commands that can be in a [`CommandList`]: a `Vec` of one type, or a tuple of several.
pub trait Members {
    /// What became of each.
    type Replies;

    /// Writes all, and says what each waits for.
    ///
    /// # Errors
    ///
    /// When one of them cannot be written as exactly one command.
    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Vec<Expect>, Refusal>;

    /// Reads what became of each.
    fn decode(&self, outcomes: &mut Outcomes) -> Self::Replies;
}

impl<C: Command<Mpd>> Members for Vec<C> {
    type Replies = Vec<Result<C::Reply, NotDone>>;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Vec<Expect>, Refusal> {
        self.iter().map(|command| command.encode(dialect, line)).collect()
    }

    fn decode(&self, outcomes: &mut Outcomes) -> Self::Replies {
        self.iter().map(|command| outcomes.next(command)).collect()
    }
}

macro_rules! members {
    ($($command:ident: $type:ident),*) => {
        impl<$($type: Command<Mpd>),*> Members for ($($type,)*) {
            type Replies = ($(Result<$type::Reply, NotDone>,)*);

            fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Vec<Expect>, Refusal> {
                let ($($command,)*) = self;
                Ok([$($command.encode(dialect, line)?),*].into())
            }

            fn decode(&self, outcomes: &mut Outcomes) -> Self::Replies {
                let ($($command,)*) = self;
                ($(outcomes.next($command),)*)
            }
        }
    };
}

members!(a: A, b: B);
members!(a: A, b: B, c: C);
members!(a: A, b: B, c: C, d: D);
members!(a: A, b: B, c: C, d: D, e: E);
members!(a: A, b: B, c: C, d: D, e: E, f: F);

/// What became of the commands in a list, one after the other.
#[derive(Debug)]
pub struct Outcomes {
    parts: vec::IntoIter<Bytes>,
    /// The end, and so the reply to the first command without `list_OK`; gone when that had it.
    end: Option<Reply<Bytes>>,
    /// There was no end for a command that should have had one.
    cut_short: bool,
}

impl Outcomes {
    fn new(answer: Answer) -> Self {
        Self { parts: answer.parts.into_iter(), end: Some(answer.reply), cut_short: false }
    }

    /// What became of the next command, which was this one.
    ///
    /// # Errors
    ///
    /// When it was not run, or not answered as it should be.
    pub fn next<C: Command<Mpd>>(&mut self, command: &C) -> Result<C::Reply, NotDone> {
        let mut parts = Vec::new();
        let reply = loop {
            match self.parts.next() {
                Some(part) if part == LIST_OK => break Reply::done(Bytes::new()),
                Some(part) => parts.push(part),
                None => match self.end.take_if(|end| end.status == Status::Refused) {
                    Some(refused) => break refused,
                    None => {
                        self.cut_short |= self.end.is_some();
                        return Err(NotDone::NotRun);
                    }
                },
            }
        };
        Ok(command.decode(Answer { parts, reply })?)
    }

    /// What is left over belongs to no command.
    fn end(mut self) -> Result<(), BadReply> {
        const EXPECTED: &str = "a list_OK for each command of the list";
        match (self.parts.next(), self.end) {
            (Some(text), _) => Err(BadReply::Unexpected { expected: EXPECTED, text }),
            (None, Some(Reply { status: Status::Refused, text })) => Err(BadReply::Refused(text)),
            (None, Some(reply)) if self.cut_short => {
                Err(BadReply::Unexpected { expected: EXPECTED, text: reply.text })
            }
            (None, _) => Ok(()),
        }
    }
}
