//! What a machine has to say after bytes were fed or time has passed.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use bytes::Bytes;

use crate::command::redact_from;
use crate::error::{Closed, Failure, escape};
use crate::ticket::Ticket;

/// What happened on a client's connection, in wire order (guarantee G6).
///
/// From [`Events::next`](crate::client::Events::next) it comes as `Event<&[u8]>`, borrowing from the
/// machine's buffer; [`into_owned`](Event::into_owned) makes an `Event<Bytes>` that may travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<B> {
    /// The server's greeting. Commands given before were kept until now.
    Greeting(B),
    /// A part of a reply; its end is a later [`Event::Reply`] with the same ticket.
    Part {
        /// The command that is being answered.
        ticket: Ticket,
        /// This part.
        text: B,
    },
    /// The reply to a command, or the end of a reply that had parts.
    Reply {
        /// The command that is answered.
        ticket: Ticket,
        /// What the server answered.
        reply: Reply<B>,
    },
    /// The command ends without a reply.
    Failed {
        /// The command.
        ticket: Ticket,
        /// Whether it was sent, and what kept the reply away.
        why: Failure,
    },
    /// The reply to an abandoned command, or a part of it. It reaches nobody (guarantee G3).
    Late {
        /// The command that was abandoned.
        ticket: Ticket,
        /// What came.
        text: B,
    },
    /// The server's notification.
    Notification(Notification<B>),
    /// Data that came while commands were in flight and belongs to none of them in particular
    /// (IMAP's untagged responses): it is never guessed which has asked for it.
    Data {
        /// What it is about: IMAP's `EXISTS`, `FETCH` and the like. Behind [pieces](Event::Piece), which have told it,
        /// it is empty.
        topic: B,
        /// All of it, without line end.
        text: B,
        /// It may be news: nobody needs to have asked for it.
        news: bool,
    },
    /// A piece of what is too large to be told whole: a frame with counted bytes, such as IMAP's
    /// literals and MPD's pictures. Further pieces follow, one after the other, and then the event
    /// that the frame is, with the last piece (a notification is told as data then).
    Piece {
        /// The command that is being answered, where that can be told.
        ticket: Option<Ticket>,
        /// What the frame is about, in the first piece of data or of a notification, and empty in all others:
        /// the event at its end cannot tell any more.
        topic: B,
        /// The piece, with the line ends that belong to it: all pieces together are the frame.
        text: B,
    },
    /// What answers no command: a duplicate reply, or a server talking out of turn (guarantee G4).
    /// Not reported when [`Unsolicited::Ignore`](crate::Unsolicited::Ignore) is set.
    Unsolicited(B),
    /// The server has confirmed the notification mode.
    Listening(B),
    /// The server has confirmed that the notification mode is left, or ended it by itself.
    NotListening(B),
    /// The server refused to enter the notification mode; it is not asked again before
    /// [`listen`](crate::Client::listen) is called. Or it refused to leave it, which counts as left.
    SwitchRefused(B),
    /// The server says that it is about to close the connection.
    Goodbye(B),
    /// The connection has ended. Nothing follows.
    Closed(Closed),
}

impl<B> Event<B> {
    /// The same event with its bytes turned into something else.
    #[inline(always)]
    pub fn map<C>(self, mut f: impl FnMut(B) -> C) -> Event<C> {
        match self {
            Self::Greeting(text) => Event::Greeting(f(text)),
            Self::Part { ticket, text } => Event::Part { ticket, text: f(text) },
            Self::Reply { ticket, reply } => Event::Reply { ticket, reply: reply.map(f) },
            Self::Failed { ticket, why } => Event::Failed { ticket, why },
            Self::Late { ticket, text } => Event::Late { ticket, text: f(text) },
            Self::Notification(notification) => Event::Notification(notification.map(f)),
            Self::Data { topic, text, news } => {
                Event::Data { topic: f(topic), text: f(text), news }
            }
            Self::Piece { ticket, topic, text } => {
                Event::Piece { ticket, topic: f(topic), text: f(text) }
            }
            Self::Unsolicited(text) => Event::Unsolicited(f(text)),
            Self::Listening(text) => Event::Listening(f(text)),
            Self::NotListening(text) => Event::NotListening(f(text)),
            Self::SwitchRefused(text) => Event::SwitchRefused(f(text)),
            Self::Goodbye(text) => Event::Goodbye(f(text)),
            Self::Closed(how) => Event::Closed(how),
        }
    }
}

impl<B: AsRef<[u8]>> Event<B> {
    /// A copy that owns its bytes and may outlive the machine's buffer.
    pub fn into_owned(self) -> Event<Bytes> {
        self.map(|text| Bytes::copy_from_slice(text.as_ref()))
    }
}

/// In the words of a [`Transcript`](crate::Transcript)'s `>` lines.
impl<B: AsRef<[u8]>> fmt::Display for Event<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting(text) => say(f, "greeting", text),
            Self::Part { ticket, text } => say(f, format_args!("part {ticket}"), text),
            Self::Reply { ticket, reply } => match reply.status {
                Status::Done => say(f, format_args!("reply {ticket}"), &reply.text),
                Status::Refused => say(f, format_args!("refused {ticket}"), &reply.text),
            },
            Self::Failed { ticket, why } => match why {
                Failure::NeverSent(cause) => write!(f, "never-sent {ticket} {cause}"),
                Failure::SentUnanswered(cause) => write!(f, "unanswered {ticket} {cause}"),
            },
            Self::Late { ticket, text } => say(f, format_args!("late {ticket}"), text),
            Self::Notification(notification) => say(f, "notification", &notification.topic),
            Self::Data { text, .. } => say(f, "data", text),
            Self::Piece { ticket: Some(ticket), text, .. } => {
                say(f, format_args!("piece {ticket}"), text)
            }
            Self::Piece { ticket: None, text, .. } => say(f, "piece", text),
            Self::Unsolicited(text) => say(f, "unsolicited", text),
            Self::Listening(_) => f.write_str("listening"),
            Self::NotListening(_) => f.write_str("not listening"),
            Self::SwitchRefused(text) => say(f, "switch refused", text),
            Self::Goodbye(text) => say(f, "goodbye", text),
            Self::Closed(how) => write!(f, "closed: {how}"),
        }
    }
}

fn say<B: AsRef<[u8]>>(
    f: &mut fmt::Formatter<'_>,
    what: impl fmt::Display,
    text: &B,
) -> fmt::Result {
    match text.as_ref() {
        [] => write!(f, "{what}"),
        text => write!(f, "{what} {}", escape(text)),
    }
}

/// What a server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<B> {
    /// Whether the server did what it was asked.
    pub status: Status,
    /// The answer, without line end, tag or id.
    pub text: B,
}

impl<B> Reply<B> {
    /// A reply of a command that was carried out.
    pub const fn done(text: B) -> Self {
        Self { status: Status::Done, text }
    }

    /// A reply of a command that was refused.
    pub const fn refused(text: B) -> Self {
        Self { status: Status::Refused, text }
    }

    /// The same reply with its bytes turned into something else.
    pub fn map<C>(self, mut f: impl FnMut(B) -> C) -> Reply<C> {
        Reply { status: self.status, text: f(self.text) }
    }
}

/// Whether a server did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did.
    Done,
    /// It did not: `error: …`, `ACK`, `NO`, `BAD`.
    Refused,
}

/// What a server says unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification<B> {
    /// What it is about: notif's topic, MPD's subsystem.
    pub topic: B,
    /// All of it, as it came, without line end.
    pub text: B,
}

impl<B> Notification<B> {
    /// The same notification with its bytes turned into something else.
    pub fn map<C>(self, mut f: impl FnMut(B) -> C) -> Notification<C> {
        Notification { topic: f(self.topic), text: f(self.text) }
    }
}

impl<B: AsRef<[u8]>> Notification<B> {
    /// The topic as text; bytes that are no UTF-8 are replaced.
    pub fn topic(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.topic.as_ref())
    }
}

/// What happened on a server's side of a connection, in wire order.
///
/// From [`ServerEvents::next`](crate::server::ServerEvents::next) it comes as `ServerEvent<&[u8]>`,
/// borrowing from the machine's buffer; [`into_owned`](ServerEvent::into_owned) makes a
/// `ServerEvent<Bytes>` that may travel. `Debug` and `Display` show `***` instead of what is secret.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent<B> {
    /// The client asks. Answer with [`Server::reply`](crate::Server::reply), at any time and in any
    /// order; the wire sees the answers in the order of the questions (guarantee G24).
    Command {
        /// Names the command in the answer.
        ticket: Ticket,
        /// The command, without line end, tag or id.
        text: B,
        /// Where in it a secret begins, of which logs must show nothing.
        secret: Option<usize>,
    },
    /// The client has asked for notifications.
    Listening(B),
    /// The client has asked for no more notifications. A mode that ends by itself ends without an
    /// event.
    NotListening(B),
    /// The client has acknowledged a notification.
    Acknowledged(B),
    /// The client said what is no command; it has been answered with an error.
    Rejected {
        /// The beginning of what it said.
        text: B,
        /// Where in it a secret begins, of which logs must show nothing.
        secret: Option<usize>,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The client has said that it has no more to say. Close the connection when
    /// [`Server::is_finished`](crate::Server::is_finished). Nothing follows.
    Goodbye(B),
    /// The connection has ended for reading. What is due in
    /// [`output`](crate::Server::output) may still be written.
    Closed(Closed),
}

impl<B> ServerEvent<B> {
    /// The same event with its bytes turned into something else.
    pub fn map<C>(self, mut f: impl FnMut(B) -> C) -> ServerEvent<C> {
        match self {
            Self::Command { ticket, text, secret } => {
                ServerEvent::Command { ticket, text: f(text), secret }
            }
            Self::Listening(text) => ServerEvent::Listening(f(text)),
            Self::NotListening(text) => ServerEvent::NotListening(f(text)),
            Self::Acknowledged(text) => ServerEvent::Acknowledged(f(text)),
            Self::Rejected { text, secret, why } => {
                ServerEvent::Rejected { text: f(text), secret, why }
            }
            Self::Goodbye(text) => ServerEvent::Goodbye(f(text)),
            Self::Closed(how) => ServerEvent::Closed(how),
        }
    }
}

/// In the words of a [`Transcript`](crate::Transcript)'s `>` lines.
impl<B: AsRef<[u8]>> fmt::Display for ServerEvent<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { ticket, .. } => say(f, format_args!("command {ticket}"), &self.shown()),
            Self::Listening(_) => f.write_str("listening"),
            Self::NotListening(_) => f.write_str("not listening"),
            Self::Acknowledged(_) => f.write_str("acknowledged"),
            Self::Rejected { why, .. } => write!(f, "rejected: {why}"),
            Self::Goodbye(_) => say(f, "goodbye", &self.shown()),
            Self::Closed(how) => write!(f, "closed: {how}"),
        }
    }
}

/// As `Display`, with what the client said.
impl<B: AsRef<[u8]>> fmt::Debug for ServerEvent<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerEvent({self}: \"{}\")", escape(&self.shown()))
    }
}

impl<B: AsRef<[u8]>> ServerEvent<B> {
    /// What the client said, as logs may show it: with `***` instead of what is secret. Empty if it
    /// has not said anything.
    pub fn shown(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Command { text, secret, .. } | Self::Rejected { text, secret, .. } => {
                redact_from(text.as_ref(), *secret)
            }
            Self::Listening(text)
            | Self::NotListening(text)
            | Self::Acknowledged(text)
            | Self::Goodbye(text) => Cow::Borrowed(text.as_ref()),
            Self::Closed(_) => Cow::Borrowed(b""),
        }
    }

    /// A copy that owns its bytes and may outlive the machine's buffer.
    pub fn into_owned(self) -> ServerEvent<Bytes> {
        self.map(|text| Bytes::copy_from_slice(text.as_ref()))
    }
}
