//! One protocol's rules: how its frames are cut, what each is, and what its words are.
//!
//! A dialect only names things. Order, matching, deadlines, limits and the switching of the
//! notification mode are the machine's, and the same for all.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use crate::command::Encoder;
use crate::error::Refusal;
use crate::event::{Reply, Status};
use crate::frame::Framing;
use crate::mode::{Lasts, Mode};

pub use crate::flight::Awaiting;

pub mod imap;
pub mod mpd;
pub mod notif;

/// The client's half of a protocol.
///
/// Two methods make a protocol of lines whose replies come in order; the others have defaults for
/// protocols without that feature.
///
/// ```
/// use bellwire::dialect::{Awaiting, Class, Dialect, To};
/// use bellwire::{Client, Command, Config, Encoder, Event, Framing, Refusal, Status, frame};
///
/// /// Each line is answered by a line; a line that begins with `!` is a notification.
/// #[derive(Clone, Debug)]
/// struct Bang;
///
/// impl Dialect for Bang {
///     type Expect = ();
///
///     fn frame(&mut self, input: &[u8], searched: usize, _: &mut Awaiting<'_, ()>) -> Framing {
///         frame::line(input, searched)
///     }
///
///     fn classify(&mut self, frame: &[u8], _: &mut Awaiting<'_, ()>) -> Class {
///         match frame {
///             [b'!', topic @ ..] => Class::Notification { topic: 1..1 + topic.len() },
///             _ => Class::Reply { to: To::Oldest, status: Status::Done, text: 0 },
///         }
///     }
///
///     fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
///         line.text(text)?;
///         line.end(b"\n");
///         Ok(())
///     }
/// }
///
/// let mut client = Client::new(Bang, Config::default());
/// let ticket = client.command("time").unwrap();
/// assert_eq!(client.output(), b"time\n");
/// let mut events = client.feed(b"!door\n12:30\n");
/// assert!(matches!(events.next(), Ok(Some(Event::Notification(n))) if n.topic() == "door"));
/// assert!(matches!(events.next(), Ok(Some(Event::Reply { ticket: t, reply }))
///     if t == ticket && reply.text == b"12:30"));
/// ```
pub trait Dialect {
    /// What a command on the wire waits for, as far as this dialect has to tell replies apart.
    type Expect: fmt::Debug;

    /// Finds the end of the first frame in `input`, of which the first `searched` bytes have been
    /// searched by an earlier call. What is awaited may decide how it is framed.
    fn frame(
        &mut self,
        input: &[u8],
        searched: usize,
        awaiting: &mut Awaiting<'_, Self::Expect>,
    ) -> Framing;

    /// Says what a frame of the server's is, in view of what is awaited; of a frame that comes in
    /// pieces, the first decides.
    fn classify(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Self::Expect>) -> Class;

    /// Writes a command given as text, as a person would type it.
    ///
    /// # Errors
    ///
    /// When the text does not make exactly one command.
    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<Self::Expect, Refusal>;

    /// Whether the server speaks first. Commands wait for its greeting.
    fn greets(&self) -> bool {
        false
    }

    /// Whether replies carry the number of their command ([`To::Number`]).
    fn numbered(&self) -> bool {
        false
    }

    /// Writes what precedes the command with this number on the wire: a tag, or an id.
    fn tag(&self, number: u64, out: &mut Vec<u8>) {
        let _ = (number, out);
    }

    /// The notification mode, where the protocol has one.
    fn mode(&self) -> Option<Mode> {
        None
    }

    /// After how much silence of the server's to ask whether it lives; a value in
    /// [`Timers::silence`](crate::Timers::silence) takes precedence. A server that closes silent
    /// connections needs to be asked before it does.
    fn silence(&self) -> Option<Duration> {
        None
    }

    /// Whether the server may do at another time what it has refused in these words, those of a
    /// reply: it is busy, or a part of it is down.
    fn passes(&self, refusal: &[u8]) -> bool {
        let _ = refusal;
        false
    }

    /// Nobody can listen in on this connection: TLS, or a socket that never leaves the machine.
    fn secured(&mut self) {}

    /// The stream has changed, to TLS: what was learned before it is to be forgotten, for anybody may
    /// have said it.
    fn upgraded(&mut self) {}

    /// Writes one of the words that the machine says by itself, and says what answers it: `None`
    /// when nothing does. Writes nothing when the protocol has no such word.
    /// Whether it has [`Word::Acknowledge`] is asked once, in [`Client::new`](crate::Client::new).
    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<Self::Expect> {
        let _ = (word, line);
        None
    }

    /// Says what a line of the client's is, as [`Transcript`](crate::Transcript)s show them.
    fn spoken(&self, line: &[u8]) -> Spoken {
        Spoken::Command { text: 0..line.len() }
    }
}

/// What a frame of the server's is. It names places in the frame, counted from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// The greeting.
    Greeting,
    /// A part of a reply, which begins at `text`.
    Part {
        /// The command it answers.
        to: To,
        /// Where the part begins.
        text: usize,
    },
    /// A whole reply, or the end of one that had parts.
    Reply {
        /// The command it answers.
        to: To,
        /// Whether the server did what it was asked.
        status: Status,
        /// Where the reply begins, behind tag or id.
        text: usize,
    },
    /// A notification.
    Notification {
        /// Where its topic is.
        topic: Range<usize>,
    },
    /// Data that came while commands were on the wire and may belong to any of them or to none. It is
    /// never guessed.
    Data {
        /// Where the word is that says what it is about.
        topic: Range<usize>,
        /// Whether it may be news: nobody needs to have asked for it.
        news: bool,
    },
    /// The server asks the client to go on: with a command that [pauses](Encoder::pause), or because
    /// it has entered the mode.
    Continue,
    /// The server announces that it will close the connection.
    Goodbye,
    /// What answers nothing that is awaited.
    Unsolicited,
    /// What no server may say.
    Violation(&'static str),
}

/// Which command a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The oldest that waits.
    Oldest,
    /// The one that was sent with this number.
    Number(u64),
}

/// A word that the machine says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Word {
    /// Enters the notification mode.
    Enter,
    /// Leaves it.
    Leave,
    /// Acknowledges a notification, and stays in the mode.
    Acknowledge,
    /// Asks for any answer at all, to see whether the server lives.
    Probe,
}

/// What a line of the client's is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spoken {
    /// Enters the notification mode.
    Enter,
    /// Leaves it.
    Leave,
    /// Acknowledges a notification.
    Acknowledge,
    /// A command; its text, without tag or id, is at this place.
    Command {
        /// Where the text is.
        text: Range<usize>,
    },
}

/// The server's half of a protocol.
pub trait ServerDialect {
    /// What the dialect has to remember of a command or a mode switch until it is answered: an id,
    /// or the spelling that decides the answer.
    type Note: fmt::Debug;

    /// Finds the end of the first frame in `input`, of which the first `searched` bytes have been
    /// searched by an earlier call.
    fn frame(&mut self, input: &[u8], searched: usize) -> Framing;

    /// Says what a frame of the client's is, in view of where the client stands.
    fn hear(&mut self, frame: &[u8], standing: Standing) -> Heard<Self::Note>;

    /// Writes a reply.
    ///
    /// # Errors
    ///
    /// When it cannot be written so that the client takes it for just that.
    fn reply(
        &self,
        note: &Self::Note,
        reply: Reply<&[u8]>,
        line: &mut Encoder<'_>,
    ) -> Result<(), Refusal>;

    /// Writes the acknowledgement of a mode switch, the end of the mode's answer where it has one
    /// ([`Lasts::UntilNews`]), or the end of a command list's.
    fn acknowledge(&self, note: &Self::Note, line: &mut Encoder<'_>);

    /// Writes a notification.
    ///
    /// # Errors
    ///
    /// When the topic cannot be written so that the client takes it for just that.
    fn notify(&self, topic: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal>;

    /// Says what to make of a line that is longer than the limit; what follows of it is dropped.
    fn too_long(&self) -> Heard<Self::Note>;

    /// Writes the greeting, where the server speaks first.
    fn greet(&self, line: &mut Encoder<'_>) {
        let _ = line;
    }

    /// How long the notification mode lasts.
    fn lasts(&self) -> Lasts {
        Lasts::UntilLeft
    }

    /// Whether a client that has `entered` the mode is to be told of this topic.
    fn wants(&self, entered: &Self::Note, topic: &[u8]) -> bool {
        let _ = (entered, topic);
        true
    }

    /// Where a topic stands among those that are told together; equals stand in the order in which
    /// they were announced first.
    fn rank(&self, topic: &[u8]) -> usize {
        let _ = topic;
        0
    }

    /// Where a secret begins in what a client has said: a frame without its end, the beginning of one, or
    /// the text of a command. Logs, errors, `Debug` and transcripts' `>` lines show `***` instead of it and
    /// of all that follows; the program gets it whole. It may be no frame that would be
    /// [heard](Self::hear) as a command: whoever misspells it has said a secret as well.
    fn secret(&self, said: &[u8]) -> Option<usize> {
        let _ = said;
        None
    }

    /// Says what `text` of the server's, whole lines with their ends, begins with, as
    /// [`Transcript`](crate::Transcript)s show them.
    fn said(&self, text: &[u8]) -> Said;
}

/// Where a client stands when it says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Outside the notification mode, and outside a command list.
    Outside,
    /// In the notification mode, as far as the client has asked for it.
    Listening,
    /// In a command list that has not ended yet.
    Listing,
    /// The line is one of a command list that has ended, and is carried out now.
    Member {
        /// Its place in the list, from 0.
        index: usize,
        /// Whether the end of each reply is marked, as [`Heard::ListBegin`] said.
        marked: bool,
    },
}

/// What the server has said: a status and a place in it, or a place alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Said {
    /// A reply, with its text at this place.
    Reply(Status, Range<usize>),
    /// A notification, with its topic at this place.
    Notification(Range<usize>),
}

/// What a frame of the client's is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard<N> {
    /// A command.
    Command {
        /// To remember until it is answered.
        note: N,
        /// Where its text is in the frame.
        text: Range<usize>,
        /// Where the topic is of which it reads what is unread, if it does.
        reads: Option<Range<usize>>,
    },
    /// Asks for notifications.
    Enter(N),
    /// Asks for no more notifications.
    Leave(N),
    /// Acknowledges a notification; is not answered.
    Acknowledge,
    /// No command. It is answered with an error.
    Rejected(N, &'static str),
    /// No command, and no client of this protocol. It is answered with an error, and the connection
    /// ends.
    Expelled(N, &'static str),
    /// The client has nothing more to say. The connection ends when all that it asked before is
    /// answered.
    Goodbye,
    /// What no client may say. The connection ends at once, without a word.
    Violation(&'static str),
    /// Begins a command list, of which nothing is carried out before its end.
    ListBegin {
        /// Whether the end of each reply in it is marked.
        marked: bool,
    },
    /// A line of a command list. It is heard again, as a [`Standing::Member`], when the list has
    /// ended and all commands before it have been done; if one is refused, it is not.
    Listed,
    /// Ends the command list. It is [acknowledged](ServerDialect::acknowledge) when all commands of
    /// it have been done.
    ListEnd(N),
    /// Nothing. It is not answered, and not told to the program.
    Ignored,
}
