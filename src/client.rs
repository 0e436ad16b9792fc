//! The client's machine.

use core::mem;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use crate::clock::{Clock, Moment, Moved, Timer};
use crate::command::{Command, Encoder};
use crate::config::{Config, Unsolicited};
use crate::dialect::{Class, Dialect, To, Word};
use crate::error::{Cause, Closed, Error, Excerpt, Failure, LimitKind, Refusal, Refused, Wait};
use crate::event::{Event, Notification, Reply, Status};
use crate::flight::{Awaiting, Flight, Role};
use crate::frame::{Cut, Input, Span};
use crate::mode::{Entered, Facts, Phase, Step, Switch};
use crate::output::Output;
use crate::spool::Spool;
use crate::ticket::{Ticket, Tickets};

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
        let timers = &config.timers;
        let greeted = !dialect.greets();
        let greeting = if greeted { None } else { timers.greeting };
        let patience = Patience {
            greeting: Timer::start(greeting),
            silence: Timer::start(timers.silence),
            ..Patience::default()
        };
        Self {
            tickets: Tickets::new(),
            input: Input::new(),
            spool: Spool::new(),
            output: Output::new(),
            flight: Flight::new(),
            switch: Switch::new(dialect.mode(), config.ride),
            clock: Clock::new(timers.suspend),
            patience,
            greeted,
            unsolicited: 0,
            end: End::Open,
            dialect,
            config,
        }
    }

    /// Takes in bytes that came, in chunks of any size. It stores them and never fails; what they
    /// mean is told by the events. They are told later if the cursor is dropped.
    pub fn feed(&mut self, bytes: &[u8]) -> Events<'_, D> {
        if matches!(self.end, End::Open) && !bytes.is_empty() {
            self.input.push(bytes);
            self.patience.probe.stop();
            self.patience.probe_due = false;
            self.patience.silence = Timer::start(self.config.timers.silence);
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
        match self.accept(&command, timeout) {
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
        if matches!(self.end, End::Open) && self.greeted {
            while self.say_next() {}
        }
        if self.output.is_empty() {
            self.patience.write.stop();
        } else {
            self.patience.write.start_if_off(self.config.timers.write);
        }
        self.output.due()
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
        self.earliest().map(Moment::since_start)
    }

    /// Moves time to `now`, counted since any moment that the caller chose and keeps to. A tick too
    /// many is a no-op.
    pub fn tick(&mut self, now: Duration) -> Events<'_, D> {
        let moved = self.clock.advance(now, self.earliest());
        if matches!(moved, Moved::Jumped) && self.config.timers.silence.is_some() {
            self.patience.probe_due = true;
        }
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

    /// How many replies came that answer no command (guarantee G4).
    #[must_use]
    pub fn unsolicited(&self) -> u64 {
        self.unsolicited
    }

    /// Commands given and not answered, those abandoned on the wire included.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.spool.len() + self.flight.len()
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
    /// A machine for the next connection: with the same dialect and configuration, tickets that go
    /// on where these end, and notifications asked for if they are asked for here.
    ///
    /// `fresh` is the dialect as it was before it saw this connection.
    #[must_use]
    pub fn successor(&self, fresh: D) -> Self {
        let mut next = Self::new(fresh, self.config.clone());
        next.tickets = self.tickets.clone();
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
    #[inline]
    pub fn next(&mut self) -> Result<Option<Event<&[u8]>>, Error> {
        let event = self.client.take_event()?;
        Ok(event.map(|event| event.map(|span| self.client.input.bytes(span))))
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

/// Hearing: from frames to events.
impl<D: Dialect> Client<D> {
    #[inline]
    fn take_event(&mut self) -> Result<Option<Event<Span>>, Error> {
        loop {
            if matches!(self.end, End::Fault(_) | End::Over) {
                return self.finish_events();
            }
            let dialect = &mut self.dialect;
            let cut = self
                .input
                .cut(self.config.limits.frame, |input, searched| dialect.frame(input, searched));
            match cut {
                Cut::Frame(frame) => {
                    if let Some(event) = self.hear(frame) {
                        return Ok(Some(event));
                    }
                }
                Cut::TooLong(frame) => self.over_limit(LimitKind::Frame, frame),
                Cut::Broken(what, frame) => self.violation(what, frame),
                Cut::Nothing => match self.quiet_events()? {
                    Some(event) => return Ok(Some(event)),
                    None if matches!(self.end, End::Fault(_)) => {}
                    None => return Ok(None),
                },
            }
        }
    }

    /// Takes a frame. `None`: it is of no interest to the caller, or a fault was found.
    #[inline]
    fn hear(&mut self, frame: Span) -> Option<Event<Span>> {
        let mut awaiting = Awaiting::new(&mut self.flight, self.switch.phase, self.greeted);
        match self.dialect.classify(self.input.bytes(frame), &mut awaiting) {
            Class::Notification { topic } => {
                self.switch.notified();
                let topic = frame.part(topic);
                Some(Event::Notification(Notification { topic, text: frame }))
            }
            Class::Reply { to, status, text } => {
                self.hear_reply(to, Reply { status, text: frame.from(text) })
            }
            Class::Part { to, text } => self.hear_part(to, frame.from(text)),
            Class::Data => Some(Event::Data(frame)),
            Class::Greeting => {
                self.greeted = true;
                self.patience.greeting.stop();
                Some(Event::Greeting(frame))
            }
            Class::Continue => self.hear_continue(frame),
            Class::Goodbye => Some(Event::Goodbye(frame)),
            Class::Unsolicited => self.hear_unsolicited(frame),
            Class::Violation(what) => {
                self.violation(what, frame);
                None
            }
        }
    }

    #[inline]
    fn hear_reply(&mut self, to: To, reply: Reply<Span>) -> Option<Event<Span>> {
        let Some(index) = self.flight.find(to) else { return self.hear_unsolicited(reply.text) };
        match self.flight.remove(index)? {
            Role::Command(ticket) => Some(Event::Reply { ticket, reply }),
            Role::Held(ticket) => Some(Event::Late { ticket, text: reply.text }),
            Role::Probe => None,
            Role::Enter => Some(self.hear_enter_answered(reply)),
            Role::Leave => Some(self.hear_left(reply)),
        }
    }

    fn hear_part(&mut self, to: To, text: Span) -> Option<Event<Span>> {
        let size = self.input.bytes(text).len();
        let slot = self.flight.find(to).and_then(|index| self.flight.get_mut(index));
        let Some(slot) = slot else { return self.hear_unsolicited(text) };
        slot.parts += 1;
        slot.size += size;
        let limits = &self.config.limits;
        if slot.parts > limits.parts {
            self.over_limit(LimitKind::Parts, text);
            None
        } else if slot.size > limits.reply {
            self.over_limit(LimitKind::Reply, text);
            None
        } else {
            match slot.role {
                Role::Command(ticket) => Some(Event::Part { ticket, text }),
                Role::Held(ticket) => Some(Event::Late { ticket, text }),
                Role::Enter | Role::Leave | Role::Probe => None,
            }
        }
    }

    fn hear_enter_answered(&mut self, reply: Reply<Span>) -> Event<Span> {
        let at_once = self.switch.mode.is_some_and(|mode| mode.entered == Entered::AtOnce);
        let entering = self.switch.phase == Phase::Entering || at_once;
        self.patience.rearm.stop();
        match reply.status {
            Status::Refused if entering => {
                self.switch.refused();
                Event::SwitchRefused(reply.text)
            }
            Status::Done if !self.switch.holds_enter() => self.enter_mode(reply.text),
            _ => {
                self.switch.left();
                Event::NotListening(reply.text)
            }
        }
    }

    fn hear_left(&mut self, reply: Reply<Span>) -> Event<Span> {
        self.switch.left();
        self.patience.rearm.stop();
        match reply.status {
            Status::Done => Event::NotListening(reply.text),
            Status::Refused => Event::SwitchRefused(reply.text),
        }
    }

    fn hear_continue(&mut self, frame: Span) -> Option<Event<Span>> {
        if self.switch.phase == Phase::Entering && self.switch.holds_enter() {
            for slot in self.flight.iter_mut().filter(|slot| slot.role == Role::Enter) {
                slot.timer.stop();
            }
            Some(self.enter_mode(frame))
        } else {
            self.hear_unsolicited(frame)
        }
    }

    fn enter_mode(&mut self, text: Span) -> Event<Span> {
        self.switch.phase = Phase::On;
        self.patience.rearm = Timer::start(self.rearm_after());
        Event::Listening(text)
    }

    fn hear_unsolicited(&mut self, frame: Span) -> Option<Event<Span>> {
        self.unsolicited += 1;
        match self.config.unsolicited {
            Unsolicited::Report => Some(Event::Unsolicited(frame)),
            Unsolicited::Ignore => None,
            Unsolicited::Fatal => {
                self.violation("a reply that answers no command", frame);
                None
            }
        }
    }

    fn violation(&mut self, what: &'static str, frame: Span) {
        let excerpt = Excerpt::new(self.input.bytes(frame));
        self.fault(Error::Protocol { what, excerpt });
    }

    fn over_limit(&mut self, limit: LimitKind, frame: Span) {
        let limits = &self.config.limits;
        let allowed = match limit {
            LimitKind::Frame => limits.frame,
            LimitKind::Parts => limits.parts,
            LimitKind::Reply => limits.reply,
        };
        let excerpt = Excerpt::new(self.input.bytes(frame));
        self.fault(Error::Limit { limit, allowed, excerpt });
    }
}

/// Time and endings: what happens when no frame is left.
impl<D: Dialect> Client<D> {
    /// Bytes come before deadlines (guarantee G17), and deadlines before nothing.
    fn quiet_events(&mut self) -> Result<Option<Event<Span>>, Error> {
        match self.end {
            End::Open if self.patience.ticked => {
                let event = self.expire();
                self.patience.ticked = event.is_some();
                Ok(event)
            }
            End::Open => Ok(None),
            _ => self.finish_events(),
        }
    }

    /// Acts on one deadline that has passed. `None`: there is none, or a fault was found.
    fn expire(&mut self) -> Option<Event<Span>> {
        let now = self.clock.now();
        if let Some(fault) = self.fatal_deadline() {
            self.fault(fault);
            return None;
        }
        if self.patience.silence.passed(now) {
            self.patience.silence.stop();
            self.patience.probe_due = true;
        }
        if self.patience.rearm.passed(now) {
            self.patience.rearm.stop();
            self.switch.rearm = true;
        }
        self.expire_held();
        self.expire_command()
    }

    fn fatal_deadline(&self) -> Option<Error> {
        let now = self.clock.now();
        let patience = &self.patience;
        let switch_passed = || {
            let mut switches =
                self.flight.iter().filter(|slot| matches!(slot.role, Role::Enter | Role::Leave));
            switches.any(|slot| slot.timer.passed(now))
        };
        let wait = if patience.greeting.passed(now) {
            Wait::Greeting
        } else if patience.write.passed(now) {
            Wait::Write
        } else if patience.probe.passed(now) {
            Wait::Probe
        } else if switch_passed() {
            Wait::Switch
        } else {
            return None;
        };
        Some(Error::TimedOut(wait))
    }

    fn expire_command(&mut self) -> Option<Event<Span>> {
        let now = self.clock.now();
        let late = |slot: &crate::flight::Slot<D::Expect>| match slot.role {
            Role::Command(ticket) if slot.timer.passed(now) => Some(ticket),
            _ => None,
        };
        let on_wire = self.flight.iter().enumerate().find_map(|(at, slot)| Some((at, late(slot)?)));
        if let Some((index, ticket)) = on_wire {
            self.hold(index);
            return Some(Event::Failed { ticket, why: Failure::SentUnanswered(Cause::TimedOut) });
        }
        let ticket = self.spool.iter().find(|entry| entry.timer.passed(now))?.ticket;
        self.spool.withdraw(ticket);
        Some(Event::Failed { ticket, why: Failure::NeverSent(Cause::TimedOut) })
    }

    /// A reply that stays away shifts those after it, unless replies carry numbers.
    fn expire_held(&mut self) {
        let now = self.clock.now();
        let expired = self
            .flight
            .iter()
            .position(|slot| matches!(slot.role, Role::Held(_)) && slot.timer.passed(now));
        let Some(index) = expired else { return };
        if self.dialect.numbered() {
            self.flight.remove(index);
            self.expire_held();
        } else {
            self.fault(Error::Desynchronised { held: self.flight.held() });
        }
    }

    fn finish(&mut self, how: Option<Closed>) -> Events<'_, D> {
        if matches!(self.end, End::Open) {
            self.end = End::Eof(how);
        }
        self.events()
    }

    fn fault(&mut self, error: Error) {
        if matches!(self.end, End::Open | End::Eof(_)) {
            self.end = End::Fault(error);
            self.input.clear();
        }
    }

    /// The last events: outcomes first, then how it ended.
    fn finish_events(&mut self) -> Result<Option<Event<Span>>, Error> {
        self.output.clear();
        while let Some(role) = self.flight.remove(0) {
            if let Role::Command(ticket) = role {
                let why = Failure::SentUnanswered(Cause::ConnectionLost);
                return Ok(Some(Event::Failed { ticket, why }));
            }
        }
        let first = self.spool.iter().next().map(|entry| entry.ticket);
        if let Some(ticket) = first {
            self.spool.withdraw(ticket);
            let why = Failure::NeverSent(Cause::ConnectionLost);
            return Ok(Some(Event::Failed { ticket, why }));
        }
        self.switch.left();
        self.patience = Patience::default();
        match mem::replace(&mut self.end, End::Over) {
            End::Fault(error) => {
                self.end = End::Fault(error.clone());
                Err(error)
            }
            End::Eof(how) => {
                let cut_off = self.input.pending();
                let how = how.unwrap_or(match cut_off {
                    0 => Closed::Cleanly,
                    bytes => Closed::MidFrame { bytes },
                });
                Ok(Some(Event::Closed(how)))
            }
            End::Open | End::Over => Ok(None),
        }
    }

    fn earliest(&self) -> Option<Moment> {
        if self.is_closed() {
            return None;
        }
        let Patience { greeting, rearm, silence, probe, write, .. } = self.patience;
        let own = [greeting, rearm, silence, probe, write];
        let sent = self.flight.iter().map(|slot| slot.timer);
        let spooled = self.spool.iter().map(|entry| entry.timer);
        self.clock.earliest(own.into_iter().chain(sent).chain(spooled))
    }
}

/// Saying: from what is wanted to bytes.
impl<D: Dialect> Client<D> {
    fn accept<C: Command<D>>(
        &mut self,
        command: &C,
        timeout: Option<Duration>,
    ) -> Result<Ticket, Refusal> {
        let limits = &self.config.limits;
        if self.is_closed() {
            return Err(Refusal::Closed);
        }
        if self.pending() >= limits.pending {
            return Err(Refusal::Full { allowed: limits.pending });
        }
        if self.spool.size() + self.output.len() >= limits.output {
            return Err(Refusal::Full { allowed: limits.output });
        }
        let Self { dialect, spool, tickets, .. } = self;
        spool.push(
            limits.frame,
            |line| command.encode(dialect, line),
            || tickets.issue(),
            Timer::start(timeout),
        )
    }

    fn hold(&mut self, index: usize) {
        self.flight.hold(index, Timer::start(self.config.timers.held));
        if self.flight.held() <= self.config.limits.held {
            return;
        }
        if self.dialect.numbered() {
            let oldest = self.flight.iter().position(|slot| matches!(slot.role, Role::Held(_)));
            if let Some(oldest) = oldest {
                self.flight.remove(oldest);
            }
        } else {
            self.fault(Error::Desynchronised { held: self.flight.held() });
        }
    }

    /// Says one thing, if there is one to say.
    fn say_next(&mut self) -> bool {
        if self.output.len() >= self.config.limits.output {
            return false;
        }
        let facts = Facts {
            spooled: !self.spool.is_empty(),
            room: self.in_flight() < self.config.in_flight.max(1),
            probe: self.patience.probe_due,
        };
        match self.switch.next(facts) {
            Step::Nothing => false,
            Step::Command => self.say_command(),
            Step::Enter => self.say_enter(),
            Step::Leave => self.say_leave(),
            Step::Acknowledge => self.say_acknowledge(),
            Step::Probe => self.say_probe(),
        }
    }

    /// What counts as on the wire: not the command that holds the mode open, and where replies
    /// carry numbers, not what was abandoned.
    fn in_flight(&self) -> usize {
        let holding = self.switch.phase == Phase::On && self.switch.holds_enter();
        let abandoned = if self.dialect.numbered() { self.flight.held() } else { 0 };
        self.flight.len() - abandoned - usize::from(holding)
    }

    fn say_command(&mut self) -> bool {
        let out = self.output.buffer();
        self.dialect.tag(self.flight.next_number(), out);
        if let Some(entry) = self.spool.send(out) {
            self.flight.push(Role::Command(entry.ticket), entry.expect, entry.timer);
            self.switch.command_sent();
        }
        true
    }

    fn say_enter(&mut self) -> bool {
        let Some(expect) = self.say(Word::Enter) else {
            self.switch.refused();
            return false;
        };
        self.switch.enter_sent();
        let at_once = self.switch.phase == Phase::On;
        let timeout = if at_once { None } else { self.config.timers.switch };
        self.flight.push(Role::Enter, expect, Timer::start(timeout));
        if at_once {
            self.patience.rearm = Timer::start(self.rearm_after());
        }
        true
    }

    fn say_leave(&mut self) -> bool {
        self.patience.rearm.stop();
        let timer = Timer::start(self.config.timers.switch);
        match self.say(Word::Leave) {
            Some(expect) => self.flight.push(Role::Leave, expect, timer),
            None => {
                for slot in self.flight.iter_mut().filter(|slot| slot.role == Role::Enter) {
                    slot.timer = timer;
                }
            }
        }
        self.switch.leave_sent();
        if mem::take(&mut self.patience.probe_due) {
            // Leaving is answered, which is all that a probe asks for.
            self.patience.probe = Timer::start(self.config.timers.probe);
        }
        true
    }

    fn say_acknowledge(&mut self) -> bool {
        let before = self.output.len();
        self.say(Word::Acknowledge);
        self.switch.acknowledged();
        if self.output.len() == before {
            self.switch.nothing_to_acknowledge();
        }
        true
    }

    fn say_probe(&mut self) -> bool {
        self.patience.probe_due = false;
        if let Some(expect) = self.say(Word::Probe) {
            self.flight.push(Role::Probe, expect, Timer::Off);
            self.patience.probe = Timer::start(self.config.timers.probe);
        }
        true
    }

    /// Writes a word of the machine's own, with its tag if it is answered.
    fn say(&mut self, word: Word) -> Option<D::Expect> {
        let out = self.output.buffer();
        let before = out.len();
        let expect = self.dialect.say(word, &mut Encoder::new(out));
        if expect.is_some() {
            let end = out.len();
            self.dialect.tag(self.flight.next_number(), out);
            let tag = out.len() - end;
            out[before..].rotate_right(tag);
        }
        expect
    }

    fn rearm_after(&self) -> Option<Duration> {
        let dialects = || self.switch.mode.and_then(|mode| mode.rearm);
        self.config.timers.rearm.or_else(dialects)
    }
}
