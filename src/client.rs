//! The client's machine.

use alloc::borrow::Cow;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use crate::clock::{Clock, Moved, Timer};
use crate::command::Command;
use crate::config::Config;
use crate::dialect::{Class, Dialect};
use crate::error::{Closed, Error, Refused};
use crate::event::{Event, Notification, Reply};
use crate::flight::Flight;
use crate::frame::Input;
use crate::mode::{Phase, Switch};
use crate::output::Output;
use crate::spool::{Paused, Spool};
use crate::ticket::{Ticket, Tickets};

mod begin;
mod end;
mod hear;
mod say;

use hear::Frequent;

/// The client's machine for one connection: it takes bytes and commands in, and gives events and
/// bytes out. It does no I/O and reads no clock.
///
/// Its verbs may be called in any order, also between two events (guarantee G5).
///
/// | when | call |
/// |---|---|
/// | bytes came | [`feed`](Self::feed), and go through the events |
/// | the connection ended | [`feed_eof`](Self::feed_eof) or [`feed_reset`](Self::feed_reset), and go through the events |
/// | there is something to ask | [`command`](Self::command) |
/// | notifications are wanted, or not | [`listen`](Self::listen), [`unlisten`](Self::unlisten) |
/// | the transport can take bytes | [`output`](Self::output), then [`written`](Self::written) |
/// | the [`deadline`](Self::deadline) has passed | [`tick`](Self::tick), and go through the events |
///
/// ```
/// use bellwire::dialect::notif::{Notif, Random};
/// use bellwire::{Client, Config, Event};
///
/// let mut client = Client::new(Notif::default(), Config::default());
/// let ticket = client.command(Random)?;
/// assert_eq!(client.output(), b"random?\r\n");
/// client.written(9);
///
/// let mut events = client.feed(b"notif: classified\r\n456902234\r\n");
/// assert!(matches!(events.next(), Ok(Some(Event::Notification(n))) if n.topic() == "classified"));
/// match events.next() {
///     Ok(Some(Event::Reply { ticket: of, reply })) => {
///         assert_eq!((of, reply.text), (ticket, &b"456902234"[..]));
///     }
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), bellwire::Refused<Random>>(())
/// ```
#[derive(Debug)]
pub struct Client<D: Dialect> {
    dialect: D,
    config: Config,
    tickets: Tickets,
    input: Input,
    spool: Spool<D::Expect>,
    output: Output,
    flight: Flight<D::Expect>,
    switch: Switch,
    clock: Clock,
    patience: Patience,
    greeted: bool,
    /// What the connection begins with goes before everything else.
    opening: bool,
    /// The command that the server has to ask for more of.
    paused: Option<Paused>,
    /// What the frame is of which a piece has come, and where it began.
    in_pieces: Option<(Class, u64)>,
    unsolicited: u64,
    end: End,
}

/// The deadlines that belong to no command.
#[derive(Debug, Default)]
struct Patience {
    greeting: Timer,
    /// Own silence, in the mode.
    rearm: Timer,
    /// Peer silence.
    silence: Timer,
    /// The answer to a probe that was sent.
    probe: Timer,
    /// The output's progress.
    write: Timer,
    /// A probe is due.
    probe_due: bool,
    /// Time has moved, and what passed meanwhile is not acted on yet.
    ticked: bool,
}

/// How the connection ended.
#[derive(Debug)]
enum End {
    Open,
    /// The transport said so; the events that this causes are not all told yet.
    Eof(Option<Closed>),
    /// All is told.
    Over,
    /// The machine has given up.
    Fault(Error),
}

impl<D: Dialect> Client<D> {
    /// A machine for a new connection.
    #[must_use]
    pub fn new(dialect: D, config: Config) -> Self {
        let greeted = !dialect.greets();
        let greeting = if greeted { None } else { config.timers.greeting };
        let patience = Patience { greeting: Timer::start(greeting), ..Patience::default() };
        let mut client = Self {
            tickets: Tickets::new(),
            input: Input::new(),
            spool: Spool::new(),
            output: Output::new(),
            flight: Flight::new(),
            switch: Switch::new(dialect.mode(), Self::acknowledges(&dialect), config.ride),
            clock: Clock::new(config.timers.suspend),
            patience,
            greeted,
            opening: false,
            paused: None,
            in_pieces: None,
            unsolicited: 0,
            end: End::Open,
            dialect,
            config,
        };
        client.listen_for_silence();
        client
    }

    fn listen_for_silence(&mut self) {
        let silence = self.config.timers.silence.or_else(|| self.dialect.silence());
        self.patience.silence = Timer::start(silence);
    }

    /// Takes in bytes that came, in chunks of any size. It stores them and never fails; what they
    /// mean is told by the events. They are told later if the cursor is dropped.
    pub fn feed(&mut self, bytes: &[u8]) -> Events<'_, D> {
        if matches!(self.end, End::Open) && !bytes.is_empty() {
            self.input.push(bytes);
            self.patience.probe.stop();
            self.patience.probe_due = false;
            self.listen_for_silence();
        }
        self.events()
    }

    /// The server has closed the connection.
    pub fn feed_eof(&mut self) -> Events<'_, D> {
        self.finish(None)
    }

    /// The connection broke.
    pub fn feed_reset(&mut self) -> Events<'_, D> {
        self.finish(Some(Closed::Reset))
    }

    /// Gives the connection up for a reason that the machine cannot see: more was gathered than there
    /// is room for, say. What has come is dropped; outcomes and the reason are told by the events.
    pub fn give_up(&mut self, reason: Error) {
        self.fault(reason);
    }

    /// The events that are not told yet.
    pub fn events(&mut self) -> Events<'_, D> {
        Events { client: self }
    }

    /// Accepts a command. Its bytes are in [`output`](Self::output) as soon as they may be sent, and
    /// its outcome comes with the events.
    ///
    /// # Errors
    ///
    /// Hands the command back when it cannot be one command on this wire, too much is waiting, or
    /// the connection has ended.
    pub fn command<C>(&mut self, command: C) -> Result<Ticket, Refused<C>>
    where
        C: Command<D> + core::fmt::Debug,
    {
        self.command_within(command, self.config.timers.reply)
    }

    /// Accepts a command whose reply must come within `timeout`, counted from now and including the
    /// time in the spool; after that it is abandoned. `None`: it may take for ever.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub fn command_within<C>(
        &mut self,
        command: C,
        timeout: Option<Duration>,
    ) -> Result<Ticket, Refused<C>>
    where
        C: Command<D> + core::fmt::Debug,
    {
        match self.accept(&command, timeout, false) {
            Ok(ticket) => Ok(ticket),
            Err(why) => Err(Refused { value: command, why }),
        }
    }

    /// Gives up a command: its reply reaches nobody, and no other command (guarantee G3).
    pub fn abandon(&mut self, ticket: Ticket) -> Abandoned {
        if self.spool.withdraw(ticket).is_some() {
            Abandoned::Withdrawn
        } else if let Some(index) = self.flight.find_command(ticket) {
            self.hold(index);
            Abandoned::Held
        } else {
            Abandoned::Settled
        }
    }

    /// Asks for notifications: enters the mode, now and again whenever it had to be left. Does
    /// nothing where the protocol has no mode, or if they were asked for already.
    pub fn listen(&mut self) {
        self.switch.want(true);
    }

    /// Asks for no more notifications. Those on the way still come.
    pub fn unlisten(&mut self) {
        self.switch.want(false);
    }

    /// The bytes that are due. They stay due until [`written`](Self::written) says how many the
    /// transport took, so a write that was cancelled loses nothing.
    ///
    /// What is not due yet is decided here: a command that [`abandon`](Self::abandon) takes back, or
    /// a [`listen`](Self::listen) that [`unlisten`](Self::unlisten) follows, leaves no trace on the
    /// wire before this is called.
    pub fn output(&mut self) -> &[u8] {
        if matches!(self.end, End::Open) {
            while self.say_next() {}
        }
        if self.output.is_empty() {
            self.patience.write.stop();
        } else {
            self.patience.write.start_if_off(self.config.timers.write);
        }
        self.output.due()
    }

    /// The first `count` bytes of [`output`](Self::output), as logs may show them: what the commands
    /// mark as [secret](crate::Encoder::secret) is replaced.
    #[must_use]
    pub fn redacted(&self, count: usize) -> Cow<'_, [u8]> {
        self.output.redacted(count)
    }

    /// The transport took the first `count` bytes of [`output`](Self::output).
    pub fn written(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        self.output.take(count);
        self.patience.write.stop();
        if self.switch.phase == Phase::On {
            self.patience.rearm = Timer::start(self.rearm_after());
        }
    }

    /// When to call [`tick`](Self::tick) next: a duration since the same moment that `tick`'s is
    /// counted from. `None`: not before something else happened.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.earliest()
    }

    /// Whether a deadline passes at `now`. Bytes that came before it count (guarantee G17), so read
    /// what waits in the transport before the next [`tick`](Self::tick).
    #[must_use]
    pub fn is_overdue(&self, now: Duration) -> bool {
        !self.is_closed() && self.clock.any_passes(now, self.timers())
    }

    /// Moves time to `now`, counted since any moment that the caller chose and keeps to. A tick too
    /// many is a no-op.
    pub fn tick(&mut self, now: Duration) -> Events<'_, D> {
        let moved = self.clock.advance(now, Clock::asked(self.timers()));
        self.patience.probe_due |= matches!(moved, Moved::Jumped);
        let clock = &self.clock;
        for timer in self.flight.iter_mut().map(|slot| &mut slot.timer) {
            clock.arm(timer, &moved);
        }
        for timer in self.spool.iter_mut().map(|entry| &mut entry.timer) {
            clock.arm(timer, &moved);
        }
        let Patience { greeting, rearm, silence, probe, write, .. } = &mut self.patience;
        for timer in [greeting, rearm, silence, probe, write] {
            clock.arm(timer, &moved);
        }
        self.patience.ticked = true;
        self.input.shrink();
        self.output.shrink();
        self.spool.shrink();
        self.flight.shrink();
        self.events()
    }

    /// Where the client stands with the notification mode.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.switch.phase
    }

    /// Whether notifications are asked for.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.switch.wanted()
    }

    /// Whether the server has refused to enter the notification mode. It is asked again when
    /// [`listen`](Self::listen) is called.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.switch.is_refused()
    }

    /// How many replies came that answer no command (guarantee G4).
    #[must_use]
    pub fn unsolicited(&self) -> u64 {
        self.unsolicited
    }

    /// Commands given and not answered, those abandoned on the wire included.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.spool.len() + self.flight.commands()
    }

    /// The caller's commands on the wire, the oldest first, without those he has abandoned.
    pub fn asking(&self) -> impl Iterator<Item = Ticket> {
        self.flight.iter().filter_map(|slot| slot.role.waiting())
    }

    /// Whether the greeting has come, where the dialect has one.
    #[must_use]
    pub fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// Whether the connection has ended, or should be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !matches!(self.end, End::Open)
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> &D {
        &self.dialect
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl<D: Dialect + Clone> Client<D> {
    /// A machine for the next connection: with the same configuration, the count of unsolicited
    /// replies going on, and notifications asked for if they are asked for here. Tickets start anew.
    ///
    /// `fresh` is the dialect as it was before it saw this connection.
    #[must_use]
    pub fn successor(&self, fresh: D) -> Self {
        let mut next = Self::new(fresh, self.config.clone());
        next.unsolicited = self.unsolicited;
        next.switch.want(self.switch.wanted());
        next
    }
}

/// What became of an abandoned command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// It was not shown to the transport, and never will be.
    Withdrawn,
    /// It is on the wire; its reply will be swallowed.
    Held,
    /// It had its outcome already, or was never given.
    Settled,
}

/// In the words of a [`Transcript`](crate::Transcript)'s `>` lines.
impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Withdrawn => "withdrawn",
            Self::Held => "held",
            Self::Settled => "settled",
        })
    }
}

/// A cursor over what happened.
///
/// State is complete before an event is seen, so any verb of the [`Client`] may be called between
/// two events, through this cursor; dropping it loses none (guarantee G5).
#[derive(Debug)]
pub struct Events<'c, D: Dialect> {
    client: &'c mut Client<D>,
}

impl<D: Dialect> Events<'_, D> {
    /// The next event; `None` when nothing more has happened.
    ///
    /// # Errors
    ///
    /// When the connection must be given up. By then every pending command has had its outcome, and
    /// each further call says the same (guarantee G18).
    #[expect(clippy::should_implement_trait, reason = "the events borrow from the cursor")]
    #[inline(always)]
    pub fn next(&mut self) -> Result<Option<Event<&[u8]>>, Error> {
        match self.client.take_frequent() {
            Ok(Frequent::Notification { topic, text }) => {
                let text = self.client.input.bytes(text);
                let topic = text.get(topic).unwrap_or_default();
                Ok(Some(Event::Notification(Notification { topic, text })))
            }
            Ok(Frequent::Reply { ticket, status, text }) => {
                let text = self.client.input.bytes(text);
                Ok(Some(Event::Reply { ticket, reply: Reply { status, text } }))
            }
            Ok(Frequent::Part { ticket, text }) => {
                let text = self.client.input.bytes(text);
                Ok(Some(Event::Part { ticket, text }))
            }
            // A helper that returned what this function returns would have the frequent events share
            // its place in memory: written there and read back, at twice the time.
            Err(seldom) => match self.client.take_seldom(seldom) {
                Ok(Some(event)) => Ok(Some(event.map(|span| self.client.input.bytes(span)))),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

impl<D: Dialect> Deref for Events<'_, D> {
    type Target = Client<D>;

    fn deref(&self) -> &Client<D> {
        self.client
    }
}

impl<D: Dialect> DerefMut for Events<'_, D> {
    fn deref_mut(&mut self) -> &mut Client<D> {
        self.client
    }
}
