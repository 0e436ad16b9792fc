//! What is done to a client, what it answers, and the real one with everything it says written down.
//! The same acts can be done again: to the naive client, or to a real one that is treated differently.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use bellwire::client::Events;
use bellwire::transcript::{self, Recorder, Said};
use bellwire::{
    Abandoned, Cause, Client, Closed, Dialect, Error, Event, Failure, Phase, Refusal, Refused,
    Status, Ticket,
};
use bytes::Bytes;

use super::script::Setup;
use super::tongue::Tongue;
use super::without_words;

/// What is done to a client; an [`Op`] with all that was left open in it decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    Ask(Vec<u8>, Option<u64>),
    /// The connection has to begin with something; with this; and has begun.
    Open,
    Opening(Vec<u8>),
    Opened,
    Abandon(u64),
    Listen,
    Unlisten,
    Write(usize),
    Feed(Vec<u8>),
    Take(usize),
    Pass(u64),
    Upgrade,
    Eof,
    Reset,
}

/// What it answers to that.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Gave(u64),
    Refused(Discriminant<Refusal>, Bytes),
    Abandoned(u64, Abandoned),
    Output { due: Bytes, count: usize },
    Upgraded(bool),
    Told(Told),
    State(State),
}

impl Seen {
    pub(crate) fn refused(why: Refusal, value: &[u8]) -> Self {
        Self::Refused(discriminant(&why), Bytes::copy_from_slice(value))
    }
}

/// An event, or the error that ends them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Greeting(Bytes),
    Part(u64, Bytes),
    Reply(u64, Bytes),
    Refused(u64, Bytes),
    Late(u64, Bytes),
    NeverSent(u64, Cause),
    Unanswered(u64, Cause),
    /// The topic, and the whole line.
    Notification(Bytes, Bytes),
    /// The topic, the whole line, and whether it may be news.
    Data(Bytes, Bytes, bool),
    Piece(Option<u64>, Bytes),
    Unsolicited(Bytes),
    Goodbye(Bytes),
    Listening(Bytes),
    NotListening(Bytes),
    SwitchRefused(Bytes),
    Closed(Closed),
    Fault(Error),
}

impl Told {
    fn event(event: Event<&[u8]>) -> Self {
        match event.map(Bytes::copy_from_slice) {
            Event::Greeting(text) => Self::Greeting(text),
            Event::Part { ticket, text } => Self::Part(ticket.number(), text),
            Event::Data { topic, text, news } => Self::Data(topic, text, news),
            Event::Piece { ticket, text, .. } => Self::Piece(ticket.map(Ticket::number), text),
            Event::Goodbye(text) => Self::Goodbye(text),
            Event::Reply { ticket, reply } => match reply.status {
                Status::Done => Self::Reply(ticket.number(), reply.text),
                Status::Refused => Self::Refused(ticket.number(), reply.text),
            },
            Event::Late { ticket, text } => Self::Late(ticket.number(), text),
            Event::Failed { ticket, why } => match why {
                Failure::NeverSent(cause) => Self::NeverSent(ticket.number(), cause),
                Failure::SentUnanswered(cause) => Self::Unanswered(ticket.number(), cause),
            },
            Event::Notification(notification) => {
                Self::Notification(notification.topic, notification.text)
            }
            Event::Unsolicited(text) => Self::Unsolicited(text),
            Event::Listening(text) => Self::Listening(text),
            Event::NotListening(text) => Self::NotListening(text),
            Event::SwitchRefused(text) => Self::SwitchRefused(text),
            Event::Closed(how) => Self::Closed(how),
            event => panic!("there is a new event: {event:?}"),
        }
    }

    /// The line that it tells of, if it tells of one.
    pub(crate) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Greeting(text)
            | Self::Goodbye(text)
            | Self::Part(_, text)
            | Self::Data(_, text, _)
            | Self::Piece(_, text)
            | Self::Reply(_, text)
            | Self::Refused(_, text)
            | Self::Late(_, text)
            | Self::Notification(_, text)
            | Self::Unsolicited(text)
            | Self::Listening(text)
            | Self::NotListening(text)
            | Self::SwitchRefused(text) => Some(text),
            _ => None,
        }
    }
}

/// What can be asked of a client at any time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) listening: bool,
    pub(crate) refused: bool,
    pub(crate) greeted: bool,
    pub(crate) upgrading: bool,
    pub(crate) opening: bool,
    pub(crate) pending: usize,
    pub(crate) unsolicited: u64,
    pub(crate) closed: bool,
    pub(crate) deadline: Option<u64>,
}

/// At most `count` of what a machine has to tell; nothing behind its last word.
pub(crate) fn take<T>(
    count: usize,
    mut next: impl FnMut() -> Option<T>,
    is_last: impl Fn(&T) -> bool,
) -> Vec<T> {
    let mut told = Vec::new();
    while told.len() < count
        && !told.last().is_some_and(&is_last)
        && let Some(more) = next()
    {
        told.push(more);
    }
    told
}

/// The real client, and the naive one.
pub(crate) trait Machine {
    fn act(&mut self, act: &Act) -> Vec<Seen>;
}

/// The real client.
pub(crate) struct Real<T: Tongue> {
    pub(crate) client: Client<T::Dialect>,
    tickets: Vec<Ticket>,
    pub(crate) now: Duration,
    pub(crate) tape: Recorder,
}

impl<T: Tongue> Real<T> {
    pub(crate) fn new(setup: &Setup<T>) -> Self {
        let tape = setup.tape();
        let mut client = Client::new(setup.tongue.dialect(), setup.config());
        client.tick(Duration::ZERO);
        Self { client, tickets: Vec::new(), now: Duration::ZERO, tape }
    }

    fn ask(&mut self, text: &[u8], within: Option<u64>) -> Seen {
        let asked = match within.map(Duration::from_secs) {
            None => {
                self.tape.act(&transcript::Act::Command(text.into()));
                self.client.command(text)
            }
            Some(within) => {
                self.tape.act(&transcript::Act::Within(within, text.into()));
                self.client.command_within(text, Some(within))
            }
        };
        self.gave(asked)
    }

    fn ask_first(&mut self, text: &[u8]) -> Seen {
        self.tape.act(&transcript::Act::Opening(text.into()));
        let asked = self.client.opening_command(text);
        self.gave(asked)
    }

    fn gave(&mut self, asked: Result<Ticket, Refused<&[u8]>>) -> Seen {
        match asked {
            Ok(ticket) => {
                self.tickets.push(ticket);
                Seen::Gave(ticket.number())
            }
            Err(refused) => {
                self.tape.event(format_args!("refused: {}", refused.why));
                Seen::refused(refused.why, refused.value)
            }
        }
    }

    fn abandon(&mut self, number: u64) -> Seen {
        self.tape.act(&transcript::Act::Abandon(number));
        let ticket = self.tickets.iter().find(|ticket| ticket.number() == number).unwrap();
        let how = self.client.abandon(*ticket);
        self.tape.event(format_args!("{how:?} {number}").to_string().to_lowercase());
        Seen::Abandoned(number, how)
    }

    fn write(&mut self, count: usize) -> Seen {
        let due = Bytes::copy_from_slice(self.client.output());
        let count = due.len().min(count);
        self.client.written(count);
        if count > 0 {
            self.tape.client(&Said::from(&due[..count]));
        } else if !due.is_empty() {
            self.tape.act(&transcript::Act::Decide);
        }
        Seen::Output { due, count }
    }

    fn take(&mut self, count: usize, seen: &mut Vec<Seen>) {
        let mut events = self.client.events();
        for _ in 0..count {
            match next(&mut events, &mut self.tape) {
                None => return,
                Some(told) => {
                    events.tick(self.now);
                    let last = matches!(told, Told::Fault(_));
                    seen.push(Seen::Told(told));
                    if last {
                        return;
                    }
                }
            }
        }
    }

    /// Ticks that change nothing: one to the present, one to the past.
    pub(crate) fn tick_too_often(&mut self) {
        self.client.tick(self.now);
        self.client.tick(self.now / 2);
    }

    pub(crate) fn state(&self) -> State {
        State {
            phase: self.client.phase(),
            listening: self.client.is_listening(),
            refused: self.client.is_refused(),
            greeted: self.client.is_greeted(),
            upgrading: self.client.is_upgrading(),
            opening: self.client.is_opening(),
            pending: self.client.pending(),
            unsolicited: self.client.unsolicited(),
            closed: self.client.is_closed(),
            deadline: self.client.deadline().map(|deadline| deadline.as_secs()),
        }
    }
}

fn next<D: Dialect>(events: &mut Events<'_, D>, tape: &mut Recorder) -> Option<Told> {
    match events.next() {
        Ok(None) => None,
        Ok(Some(event)) => {
            tape.event(event);
            Some(Told::event(event))
        }
        Err(error) => {
            tape.event(format_args!("error: {error}"));
            Some(Told::Fault(without_words(error)))
        }
    }
}

impl<T: Tongue> Machine for Real<T> {
    fn act(&mut self, act: &Act) -> Vec<Seen> {
        let mut seen = Vec::new();
        match act {
            Act::Ask(text, within) => seen.push(self.ask(text, *within)),
            Act::Open => {
                self.tape.act(&transcript::Act::Open);
                self.client.open();
            }
            Act::Opening(text) => seen.push(self.ask_first(text)),
            Act::Opened => {
                self.tape.act(&transcript::Act::Opened);
                self.client.opened();
            }
            Act::Abandon(ticket) => seen.push(self.abandon(*ticket)),
            Act::Listen => {
                self.tape.act(&transcript::Act::Listen);
                self.client.listen();
            }
            Act::Unlisten => {
                self.tape.act(&transcript::Act::Unlisten);
                self.client.unlisten();
            }
            Act::Write(count) => seen.push(self.write(*count)),
            Act::Feed(bytes) => {
                self.tape.server(&Said::from(bytes.as_slice()));
                self.client.feed(bytes);
            }
            Act::Pass(seconds) => {
                self.now += Duration::from_secs(*seconds);
                self.tape.tick(self.now);
            }
            Act::Upgrade => {
                if self.client.is_upgrading() {
                    self.tape.act(&transcript::Act::Upgrade);
                }
                let upgraded = self.client.upgrade();
                seen.push(Seen::Upgraded(upgraded.is_ok()));
            }
            Act::Eof => {
                self.tape.server(&Said::Eof);
                self.client.feed_eof();
            }
            Act::Reset => {
                self.tape.server(&Said::Reset);
                self.client.feed_reset();
            }
            Act::Take(count) => self.take(*count, &mut seen),
        }
        // What begins now begins at this time.
        self.client.tick(self.now);
        seen.push(Seen::State(self.state()));
        seen
    }
}

/// Plays acts on a machine; what is seen, act by act.
pub(crate) fn replay(mut machine: impl Machine, acts: &[Act]) -> Vec<Vec<Seen>> {
    acts.iter().map(|act| machine.act(act)).collect()
}

/// What the events told, in order; a fault, which is told again and again, once.
pub(crate) fn told(log: &[Vec<Seen>]) -> Vec<Told> {
    let told = log.iter().flatten().filter_map(|seen| match seen {
        Seen::Told(told) => Some(told.clone()),
        _ => None,
    });
    let mut told: Vec<_> = told.collect();
    told.dedup_by(|one, other| one == other && matches!(one, Told::Fault(_)));
    told
}
