//! A script played on the real server, with everything it says written down, and with a client at
//! the other end that is made up as it goes on.

use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use bellwire::dialect::ServerDialect;
use bellwire::server::ServerEvents;
use bellwire::transcript::{self, Configured, Recorder, Said};
use bellwire::{
    Closed, Error, Notify, Refusal, Reply, Server, ServerConfig, ServerEvent, Status, Ticket,
};
use bytes::Bytes;

use super::host::Host;
use super::server_script::{Op, Setup, Turn};
use super::{ALL, Failed, Verdict, lines, without_words};

/// What is done to a server.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Feed(Vec<u8>),
    Reply(u64, Status, Vec<u8>),
    Notify(&'static str),
    Retract(&'static str),
    Write(usize),
    Take(usize),
    Pass(u64),
    Eof,
    Reset,
}

/// What it answers to that.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Replied(Result<(), Discriminant<Refusal>>),
    Notified(Result<Notify, Discriminant<Refusal>>),
    Output { due: Bytes, count: usize },
    Told(Told),
    State(State),
}

impl Seen {
    pub(crate) fn replied(how: Result<(), Refusal>) -> Self {
        Self::Replied(how.map_err(|why| discriminant(&why)))
    }

    pub(crate) fn notified(how: Result<Notify, Refusal>) -> Self {
        Self::Notified(how.map_err(|why| discriminant(&why)))
    }
}

/// An event, or the error that ends them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Command(u64, Bytes),
    Listening(Bytes),
    NotListening(Bytes),
    Acknowledged(Bytes),
    Rejected(Bytes, &'static str),
    Goodbye(Bytes),
    Closed(Closed),
    Fault(Error),
}

/// What can be asked of a server at any time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) listening: bool,
    pub(crate) pending: usize,
    pub(crate) wants_input: bool,
    pub(crate) finished: bool,
    pub(crate) deadline: Option<u64>,
}

/// The real server, and what a client that is made up says to it.
pub(crate) struct Desk<H: Host> {
    setup: Setup<H>,
    pub(crate) server: Server<H::Dialect>,
    pub(crate) now: Duration,
    pub(crate) acts: Vec<Act>,
    pub(crate) log: Vec<Vec<Seen>>,
    tape: Recorder,
    tapes: Vec<String>,
    /// All tickets, and those whose commands wait for a reply.
    tickets: Vec<Ticket>,
    waiting: Vec<u64>,
    ids: u64,
    kept: Vec<u8>,
}

impl<H: Host> Desk<H> {
    pub(crate) fn new(setup: &Setup<H>) -> Self {
        let mut tape = Recorder::new(H::Dialect::NAME, H::Dialect::LF);
        let seconds = |time: Option<u64>| time.map(Duration::from_secs);
        let mut config = ServerConfig::default();
        config.limits.frame = setup.frame;
        config.limits.reply = setup.reply;
        config.limits.list = setup.list;
        config.limits.pending = setup.pending;
        config.limits.output = setup.output;
        config.timers.autologout = seconds(setup.autologout);
        config.timers.silence = seconds(setup.silence);
        config.timers.write = seconds(setup.write);
        config.timers.suspend = Duration::from_secs(setup.suspend);
        let dialect = setup.host.dialect();
        let plain = H::Dialect::default().settings();
        for (name, value) in dialect.settings().into_iter().filter(|it| !plain.contains(it)) {
            tape.setting(name, value);
        }
        for (name, limit) in
            [("frame", setup.frame), ("pending", setup.pending), ("output", setup.output)]
        {
            tape.setting(name, limit);
        }
        for (name, time) in [
            ("autologout", setup.autologout),
            ("silence", setup.silence),
            ("write", setup.write),
            ("suspend", Some(setup.suspend)),
        ] {
            tape.setting(name, time.map_or("never".into(), |seconds| format!("{seconds}s")));
        }
        let mut server = Server::new(dialect, config);
        server.tick(Duration::ZERO);
        Self {
            setup: setup.clone(),
            server,
            now: Duration::ZERO,
            acts: Vec::new(),
            log: Vec::new(),
            tape,
            tapes: Vec::new(),
            tickets: Vec::new(),
            waiting: Vec::new(),
            ids: 0,
            kept: Vec::new(),
        }
    }

    pub(crate) fn play(setup: &Setup<H>, turns: &[Turn]) -> Self {
        let mut desk = Self::new(setup);
        turns.iter().for_each(|turn| desk.turn(turn));
        desk
    }

    pub(crate) fn replay(setup: &Setup<H>, acts: &[Act]) -> Self {
        let mut desk = Self::new(setup);
        acts.iter().for_each(|act| desk.act(act.clone()));
        desk
    }

    fn turn(&mut self, turn: &Turn) {
        match &turn.op {
            Op::Hear { lines, lf, kept } => {
                for (id, line) in lines {
                    self.ids += 1;
                    if *id {
                        self.kept.extend(self.setup.host.tag(self.ids).bytes());
                    }
                    self.kept.extend(H::HEARD[line % H::HEARD.len()]);
                    self.kept.extend(if *lf { &b"\n"[..] } else { b"\r\n" });
                }
                self.deliver(*kept);
            }
            Op::Reply(which, status, text) => {
                if let Some(ticket) = self.waiting.get(*which) {
                    self.act(Act::Reply(*ticket, *status, reply::<H>(*text)));
                }
            }
            Op::Again(status, text) => {
                if let Some(ticket) = self.tickets.first() {
                    self.act(Act::Reply(ticket.number(), *status, reply::<H>(*text)));
                }
            }
            Op::Notify(sensible, topic) => {
                let among = if *sensible { H::SENSIBLE_TOPICS } else { H::TOPICS.len() };
                self.act(Act::Notify(H::TOPICS[topic % among]));
            }
            Op::Retract(topic) => self.act(Act::Retract(H::TOPICS[topic % H::SENSIBLE_TOPICS])),
            Op::Write(count) => self.act(Act::Write(*count)),
            Op::Pass(seconds) => self.act(Act::Pass(*seconds)),
            Op::Eof => self.act(Act::Eof),
            Op::Reset => self.act(Act::Reset),
        }
        self.act(Act::Take(turn.take));
    }

    pub(crate) fn deliver(&mut self, kept: usize) {
        let come = self.kept.len().saturating_sub(kept);
        if come > 0 {
            let bytes = self.kept.drain(..come).collect();
            self.act(Act::Feed(bytes));
        }
    }

    /// Everything comes, is answered and taken, until there is nothing left to do.
    pub(crate) fn settle(&mut self) {
        self.deliver(0);
        for _ in 0..1000 {
            self.act(Act::Take(ALL));
            self.act(Act::Write(ALL));
            match self.waiting.last() {
                // The newest first: answers out of order.
                Some(ticket) => self.act(Act::Reply(*ticket, Status::Done, reply::<H>(0))),
                None if self.server.pending() == 0 && !self.server.has_output() => return,
                None => {}
            }
        }
        panic!("the server is never done\n{}", self.tapes.concat());
    }

    pub(crate) fn act(&mut self, act: Act) {
        let mut seen = Vec::new();
        match &act {
            Act::Feed(bytes) => {
                self.tape.client(&Said::from(bytes.as_slice()));
                self.server.feed(bytes);
            }
            Act::Reply(ticket, status, text) => seen.push(self.reply(*ticket, *status, text)),
            Act::Notify(topic) => {
                self.tape.act(&transcript::Act::Notify((*topic).into()));
                let how = self.server.notify(*topic).map_err(|refused| refused.why);
                self.tape.event(format_args!("{how:?}"));
                seen.push(Seen::notified(how));
            }
            Act::Retract(topic) => {
                self.tape.act(&transcript::Act::Retract((*topic).into()));
                self.server.retract(topic);
            }
            Act::Write(count) => {
                let due = Bytes::copy_from_slice(self.server.output());
                let count = due.len().min(*count);
                self.server.written(count);
                if count > 0 {
                    self.tape.server(&Said::from(&due[..count]));
                }
                seen.push(Seen::Output { due, count });
            }
            Act::Take(count) => self.take(*count, &mut seen),
            Act::Pass(seconds) => {
                self.now += Duration::from_secs(*seconds);
                self.tape.tick(self.now);
            }
            Act::Eof => {
                self.tape.client(&Said::Eof);
                self.server.feed_eof();
            }
            Act::Reset => {
                self.tape.client(&Said::Reset);
                self.server.feed_reset();
            }
        }
        self.server.tick(self.now);
        seen.push(Seen::State(self.state()));
        self.tapes.push(self.tape.take());
        self.log.push(seen);
        self.acts.push(act);
    }

    fn reply(&mut self, number: u64, status: Status, text: &[u8]) -> Seen {
        let ticket = self.tickets[number as usize - 1];
        self.tape.act(&match status {
            Status::Done => transcript::Act::Reply(number, text.into()),
            Status::Refused => transcript::Act::Refuse(number, text.into()),
        });
        let how = self.server.reply(ticket, Reply { status, text });
        match how {
            Ok(()) => self.waiting.retain(|waiting| *waiting != number),
            Err(ref refused) => self.tape.event(format_args!("refused: {}", refused.why)),
        }
        Seen::replied(how.map_err(|refused| refused.why))
    }

    fn take(&mut self, count: usize, seen: &mut Vec<Seen>) {
        let mut events = self.server.events();
        for _ in 0..count {
            let Some(told) = next(&mut events, &mut self.tape, &mut self.tickets) else { return };
            if let Told::Command(ticket, _) = told {
                self.waiting.push(ticket);
            }
            let last = matches!(told, Told::Fault(_));
            seen.push(Seen::Told(told));
            if last {
                return;
            }
        }
    }

    fn state(&self) -> State {
        State {
            listening: self.server.is_listening(),
            pending: self.server.pending(),
            wants_input: self.server.wants_input(),
            finished: self.server.is_finished(),
            deadline: self.server.deadline().map(|deadline| deadline.as_secs()),
        }
    }

    /// What the events told, in order; a fault, which is told again and again, once.
    pub(crate) fn told(&self) -> Vec<Told> {
        let told = self.log.iter().flatten().filter_map(|seen| match seen {
            Seen::Told(told) => Some(told.clone()),
            _ => None,
        });
        let mut told: Vec<_> = told.collect();
        told.dedup_by(|one, other| one == other && matches!(one, Told::Fault(_)));
        told
    }

    /// The lines that came, or went, without end.
    pub(crate) fn lines(&self, came: bool) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        for (act, seen) in self.acts.iter().zip(&self.log) {
            match (act, seen.first()) {
                (Act::Feed(fed), _) if came => bytes.extend(fed),
                (_, Some(Seen::Output { due, count })) if !came => bytes.extend(&due[..*count]),
                _ => {}
            }
        }
        lines(&bytes)
    }

    pub(crate) fn holds(&self, holds: bool, what: impl fmt::Display) -> Verdict {
        if holds { Ok(()) } else { self.fails(self.tapes.len(), what) }
    }

    pub(crate) fn fails(&self, acts: usize, what: impl fmt::Display) -> Verdict {
        Err(Failed(format!("{}# {what}\n", self.tapes[..acts].concat())))
    }
}

fn reply<H: Host>(which: usize) -> Vec<u8> {
    H::REPLIES[which % H::REPLIES.len()].into()
}

fn next<D: ServerDialect>(
    events: &mut ServerEvents<'_, D>,
    tape: &mut Recorder,
    tickets: &mut Vec<Ticket>,
) -> Option<Told> {
    let event = match events.next() {
        Ok(event) => event?,
        Err(error) => {
            tape.event(format_args!("error: {error}"));
            return Some(Told::Fault(without_words(error)));
        }
    };
    tape.event(event);
    Some(match event.map(Bytes::copy_from_slice) {
        ServerEvent::Command { ticket, text, .. } => {
            tickets.push(ticket);
            Told::Command(ticket.number(), text)
        }
        ServerEvent::Listening(text) => Told::Listening(text),
        ServerEvent::NotListening(text) => Told::NotListening(text),
        ServerEvent::Acknowledged(text) => Told::Acknowledged(text),
        ServerEvent::Rejected { text, why, .. } => Told::Rejected(text, why),
        ServerEvent::Goodbye(text) => Told::Goodbye(text),
        ServerEvent::Closed(how) => Told::Closed(how),
        event => panic!("there is a new event: {event:?}"),
    })
}
