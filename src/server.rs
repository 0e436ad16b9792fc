//! The server's machine.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use crate::clock::{Clock, Timer};
use crate::command::Encoder;
use crate::config::ServerConfig;
use crate::dialect::ServerDialect;
use crate::error::{Closed, Error, Refused};
use crate::event::{Reply, ServerEvent};
use crate::frame::Input;
use crate::output::Output;
use crate::peak::Peak;
use crate::ticket::{Ticket, Tickets};
use crate::topics::{Notify, Topics};
use list::List;

mod end;
mod hear;
mod list;
mod say;

/// The server's machine for one connection: it takes bytes, replies and notifications in, and gives
/// commands and bytes out. It does no I/O and reads no clock.
///
/// Its verbs may be called in any order, also between two events (guarantee G5). Replies may be
/// given in any order; the wire sees one for each command, in the order of the commands, and no
/// notification inside a reply or outside the mode (guarantee G24).
///
/// ```
/// use bellwire::dialect::notif::Notif;
/// use bellwire::{Reply, Server, ServerConfig, ServerEvent};
///
/// let mut server = Server::new(Notif::default(), ServerConfig::default());
/// server.notify("classified").unwrap(); // held: nobody listens yet
/// let mut events = server.feed(b"random?\r\nnotif\r\n");
/// let Ok(Some(ServerEvent::Command { ticket, text: b"random?", .. })) = events.next() else { panic!() };
/// assert!(matches!(events.next(), Ok(Some(ServerEvent::Listening(_)))));
/// server.reply(ticket, Reply::done("456902234")).unwrap();
/// assert_eq!(server.output(), b"456902234\r\nOK\r\nnotif: classified\r\n");
/// ```
#[derive(Debug)]
pub struct Server<D: ServerDialect> {
    dialect: D,
    config: ServerConfig,
    tickets: Tickets,
    input: Input,
    output: Output,
    slots: VecDeque<Slot<D::Note>>,
    peak: Peak<4>,
    topics: Topics,
    list: Option<Box<List<D::Note>>>,
    /// What the mode was entered with, until it ends.
    entered: Option<D::Note>,
    /// As the client will see it when it has read all of the output.
    listening: bool,
    /// As the client has asked for.
    asked: bool,
    clock: Clock,
    patience: Patience,
    end: End,
}

/// What was said to the client, or will be.
#[derive(Debug)]
struct Slot<N> {
    note: N,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    /// The program's, for the command with this ticket.
    Awaited(Ticket),
    /// The program's, given before it was its turn.
    Ready(Vec<u8>),
    /// An error of the machine's own.
    Rejection(&'static str),
    /// The end of a command list's answer.
    Acknowledgement,
    /// The acknowledgement of a mode switch.
    Switch { listening: bool },
}

#[derive(Debug, Default)]
struct Patience {
    /// The client's silence, in the mode or outside it.
    silence: Timer,
    write: Timer,
    ticked: bool,
}

#[derive(Debug)]
enum End {
    Open,
    Eof(Option<Closed>),
    Over,
    Fault(Error),
}

impl<D: ServerDialect> Server<D> {
    /// A machine for a new connection.
    #[must_use]
    pub fn new(dialect: D, config: ServerConfig) -> Self {
        let silence = Timer::start(config.timers.silence);
        let mut output = Output::new();
        dialect.greet(&mut Encoder::new(output.buffer()));
        Self {
            tickets: Tickets::new(),
            input: Input::new(),
            output,
            slots: VecDeque::new(),
            peak: Peak::new(),
            topics: Topics::new(),
            list: None,
            entered: None,
            listening: false,
            asked: false,
            clock: Clock::new(config.timers.suspend),
            patience: Patience { silence, ..Patience::default() },
            end: End::Open,
            dialect,
            config,
        }
    }

    /// Takes in bytes that came, in chunks of any size. It stores them and never fails; what they
    /// mean is told by the events. They are told later if the cursor is dropped.
    pub fn feed(&mut self, bytes: &[u8]) -> ServerEvents<'_, D> {
        if matches!(self.end, End::Open) && !bytes.is_empty() {
            self.input.push(bytes);
            self.watch_silence();
        }
        self.events()
    }

    /// The client has closed the connection, or its half of it. Replies may still be given.
    pub fn feed_eof(&mut self) -> ServerEvents<'_, D> {
        self.finish(None)
    }

    /// The connection broke, also behind its [end](Self::feed_eof). Nothing is said any more.
    pub fn feed_reset(&mut self) -> ServerEvents<'_, D> {
        self.finish(Some(Closed::Reset))
    }

    /// The events that are not told yet.
    pub fn events(&mut self) -> ServerEvents<'_, D> {
        ServerEvents { server: self }
    }

    /// Answers a command.
    ///
    /// # Errors
    ///
    /// Hands the reply back when it cannot be written as one reply (a line end in it, or the look
    /// of a notification; guarantee G13), when no command with this ticket waits, or when the
    /// connection has ended. After a refused reply the command still waits for one.
    pub fn reply<T>(&mut self, ticket: Ticket, reply: Reply<T>) -> Result<(), Refused<Reply<T>>>
    where
        T: AsRef<[u8]> + core::fmt::Debug,
    {
        let borrowed = Reply { status: reply.status, text: reply.text.as_ref() };
        match self.answer(ticket, borrowed) {
            Ok(()) => Ok(()),
            Err(why) => Err(Refused { value: reply, why }),
        }
    }

    /// Announces that there is something new about `topic`. It stays unread until the client asks
    /// for it: it is announced now or as soon as the client listens, and again whenever the client
    /// enters the mode. At most one notification for each topic waits (guarantee G25). Where the mode
    /// ends with its news ([`Lasts::UntilNews`](crate::mode::Lasts)), having been told is all.
    ///
    /// # Errors
    ///
    /// Hands the topic back when it cannot be written as one notification, when there are too many
    /// topics, or when the connection has ended.
    pub fn notify<T>(&mut self, topic: T) -> Result<Notify, Refused<T>>
    where
        T: AsRef<[u8]> + core::fmt::Debug,
    {
        match self.announce(topic.as_ref()) {
            Ok(how) => Ok(how),
            Err(why) => Err(Refused { value: topic, why }),
        }
    }

    /// Nothing is unread about `topic` any more. What was announced already stays announced.
    pub fn retract(&mut self, topic: impl AsRef<[u8]>) {
        self.topics.read(topic.as_ref());
    }

    /// The bytes that are due. They stay due until [`written`](Self::written) says how many the
    /// transport took, so a write that was cancelled loses nothing.
    pub fn output(&mut self) -> &[u8] {
        self.flush();
        if self.output.is_empty() {
            self.patience.write.stop();
        } else {
            self.patience.write.start_if_off(self.config.timers.write);
        }
        self.output.due()
    }

    /// The transport took the first `count` bytes of [`output`](Self::output).
    pub fn written(&mut self, count: usize) {
        if count > 0 {
            self.output.take(count);
            self.patience.write.stop();
        }
    }

    /// Whether more bytes should be read. While a client does not take its replies, no more of its
    /// commands are taken either, so that it costs a bounded amount (guarantee G25); nor while what
    /// they mean depends on an answer.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        matches!(self.end, End::Open) && !self.is_full() && !self.is_held_up()
    }

    /// Whether all is said and done: the client has ended the connection, or said goodbye, and every
    /// command that can be answered has been, with the answers taken by the transport. Close it.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self.end {
            End::Open | End::Eof(_) => false,
            End::Over => self.slots.is_empty() && self.output.is_empty(),
            End::Fault(_) => true,
        }
    }

    /// When to call [`tick`](Self::tick) next: a duration since the same moment that `tick`'s is
    /// counted from. `None`: not before something else happened.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.earliest()
    }

    /// Whether a deadline passes at `now`; see [`Client::is_overdue`](crate::Client::is_overdue).
    #[must_use]
    pub fn is_overdue(&self, now: Duration) -> bool {
        let Patience { silence, write, .. } = self.patience;
        self.clock.any_passes(now, [silence, write].into_iter())
    }

    /// Moves time to `now`, counted since any moment that the caller chose and keeps to. A tick too
    /// many is a no-op.
    pub fn tick(&mut self, now: Duration) -> ServerEvents<'_, D> {
        let Patience { silence, write, .. } = self.patience;
        let moved = self.clock.advance(now, Clock::asked([silence, write].into_iter()));
        self.clock.arm(&mut self.patience.silence, &moved);
        self.clock.arm(&mut self.patience.write, &moved);
        self.patience.ticked = true;
        self.input.shrink();
        self.output.shrink();
        if let Some(capacity) = self.peak.excess(self.slots.len(), self.slots.capacity()) {
            self.slots.shrink_to(capacity);
        }
        self.events()
    }

    /// Whether the client is in the notification mode, once it has read what is due.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listening
    }

    /// Whether bytes are due that [`output`](Self::output) has shown before.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> &D {
        &self.dialect
    }

    /// Commands received and not answered; those of a command list, once it has ended.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.slots.len() + self.list.as_ref().map_or(0, |list| list.waiting())
    }
}

/// A cursor over what happened; see [`Events`](crate::client::Events).
#[derive(Debug)]
pub struct ServerEvents<'s, D: ServerDialect> {
    server: &'s mut Server<D>,
}

impl<D: ServerDialect> ServerEvents<'_, D> {
    /// The next event; `None` when nothing more has happened.
    ///
    /// # Errors
    ///
    /// When the connection must be given up; each further call says the same (guarantee G18).
    #[expect(clippy::should_implement_trait, reason = "the events borrow from the cursor")]
    pub fn next(&mut self) -> Result<Option<ServerEvent<&[u8]>>, Error> {
        let event = self.server.take_event()?;
        Ok(event.map(|event| event.map(|place| self.server.bytes(&place))))
    }
}

impl<D: ServerDialect> Deref for ServerEvents<'_, D> {
    type Target = Server<D>;

    fn deref(&self) -> &Server<D> {
        self.server
    }
}

impl<D: ServerDialect> DerefMut for ServerEvents<'_, D> {
    fn deref_mut(&mut self) -> &mut Server<D> {
        self.server
    }
}
