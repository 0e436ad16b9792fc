//! One small world: a client, the other end, and what is on the wire between them.

use std::fmt::{Debug, Write};
use std::time::Duration;

use bellwire::dialect::{Dialect, Spoken};
use bellwire::{Client, Event, Phase};

use super::fingerprint::{Fingerprint, fingerprint};
use super::ledger::Ledger;
use super::op::{Cut, Op, Way};
use super::peer::{Peer, Which};
use super::state::{Kind, Stand, State, Wire, entered, is_probe};

/// How often what is told may be new, what is asked may be refused, the caller may ask, …
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) asked: usize,
    pub(crate) news: usize,
    pub(crate) refused: usize,
    /// Whether time passes.
    pub(crate) time: bool,
}

pub(crate) struct World<D: Dialect> {
    pub(crate) client: Client<D>,
    pub(crate) peer: Box<dyn Peer>,
    bounds: Bounds,
    up: Way,
    down: Way,
    /// What the client has of a line that is not whole, or not looked at.
    inside: Vec<u8>,
    now: Duration,
    stalled: bool,
    news: usize,
    refused: usize,
    /// The client has not looked at all that came.
    peeked: bool,
    pub(crate) ledger: Ledger,
    /// Each step of the mode machine, as it happened.
    pub(crate) steps: Vec<(Stand, Kind, Stand)>,
}

impl<D: Dialect + Clone + Debug> World<D> {
    pub(crate) fn new(client: Client<D>, peer: Box<dyn Peer>, bounds: Bounds) -> Self {
        let mut world = Self {
            client,
            peer,
            bounds,
            up: Way::default(),
            down: Way::default(),
            inside: Vec::new(),
            now: Duration::ZERO,
            stalled: false,
            news: 0,
            refused: 0,
            peeked: false,
            ledger: Ledger::default(),
            steps: Vec::new(),
        };
        world.go_on();
        world
    }

    /// Whether this can happen here and changes anything.
    pub(crate) fn can(&self, op: Op) -> bool {
        if self.client.is_closed() {
            return false;
        }
        match op {
            Op::Listen => !self.client.is_listening() || self.client.is_refused(),
            Op::Unlisten => self.client.is_listening(),
            Op::Ask => self.ledger.asked() < self.bounds.asked,
            Op::Abandon(which) => which.is_one_of(self.ledger.outcomes.open().count()),
            Op::Up(cut) => self.up.can(cut),
            Op::Down(cut) => self.down.can(cut),
            Op::Peek => self.down.lines() > 1,
            Op::DownLate => {
                let due = self.client.deadline().is_some_and(|due| due > self.now);
                self.bounds.time && due && self.down.lines() > 0
            }
            Op::Answer(which) => which.is_one_of(self.peer.owes()),
            Op::Refuse => self.peer.may_refuse() && self.refused < self.bounds.refused,
            Op::Notify => self.news < self.bounds.news,
            Op::End => self.peer.may_end(),
            Op::Close | Op::Break => true,
            Op::Stall => true,
            Op::Pass => self.bounds.time && self.next_deadline().is_some(),
            Op::Sleep => self.bounds.time,
            Op::Settle => true,
        }
    }

    pub(crate) fn act(&mut self, op: Op) {
        self.steps.clear();
        match op {
            Op::Listen => {
                let before = self.stand();
                self.client.listen();
                self.note(before, Kind::Listen);
            }
            Op::Unlisten => {
                let before = self.stand();
                self.client.unlisten();
                self.note(before, Kind::Unlisten);
            }
            Op::Ask => {
                let text = self.ledger.next_question();
                let ticket = self.client.command(text.as_str()).unwrap();
                self.ledger.ask(ticket, text);
            }
            Op::Abandon(which) => {
                let ticket = which.of(self.ledger.outcomes.open()).unwrap();
                let how = self.client.abandon(ticket);
                self.ledger.outcomes.abandoned(ticket, how);
            }
            Op::Up(cut) => {
                let bytes = self.up.take(cut);
                self.peer.hear(&bytes);
            }
            Op::Down(cut) => {
                let bytes = self.down.take(cut);
                self.feed(&bytes);
            }
            Op::Peek => {
                let bytes = self.down.take(Cut::All);
                self.feed(&bytes);
                self.hear(1);
                self.peeked = true;
            }
            Op::DownLate => {
                let bytes = self.down.take(Cut::Line);
                self.now = self.client.deadline().unwrap();
                self.feed(&bytes);
                self.client.tick(self.now);
            }
            Op::Answer(which) => self.peer.answer(which),
            Op::Refuse => {
                self.refused += 1;
                self.peer.refuse();
            }
            Op::Notify => {
                self.news += 1;
                self.peer.notify();
                self.ledger.news();
            }
            Op::End => self.peer.end(),
            Op::Close => {
                let bytes = self.down.take(Cut::All);
                self.feed(&bytes);
                self.client.feed_eof();
            }
            Op::Break => {
                self.client.feed_reset();
            }
            Op::Stall => self.stalled = !self.stalled,
            Op::Pass => self.now = self.next_deadline().unwrap(),
            Op::Sleep => self.now += Duration::from_secs(3600),
            Op::Settle => self.settle(),
        }
        if op != Op::Peek {
            self.peeked = false;
        }
        self.go_on();
    }

    /// Both ends do what they can by themselves.
    fn go_on(&mut self) {
        for _ in 0..20 {
            self.client.tick(self.now);
            self.peer.tick(self.now);
            if !self.peeked {
                self.hear(usize::MAX);
            }
            let said = self.peer.say();
            self.down.bytes.extend_from_slice(&said);
            if !self.write() && said.is_empty() {
                break;
            }
        }
        if self.peer.is_over() && !self.client.is_closed() {
            self.act(Op::Close);
        }
        // Time that begins now begins now.
        self.client.tick(self.now);
        if !self.peeked {
            self.hear(usize::MAX);
        }
        self.check();
    }

    fn next_deadline(&self) -> Option<Duration> {
        let both = self.client.deadline().into_iter().chain(self.peer.deadline());
        both.filter(|due| *due > self.now).min()
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.inside.extend_from_slice(bytes);
        self.client.feed(bytes);
    }

    /// The client tells at most so many events.
    fn hear(&mut self, count: usize) {
        let mut given_up = false;
        for _ in 0..count {
            let before = self.stand();
            let mut events = self.client.events();
            let (kind, last) = match events.next() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    let kind = Kind::heard(&event);
                    self.ledger.hear(&event);
                    (kind, matches!(event, Event::Closed(_)))
                }
                Err(error) => {
                    assert!(self.now > Duration::ZERO && error.is_transient(), "{error}");
                    self.ledger.outcomes.all_told();
                    given_up = true;
                    (Kind::GivenUp, true)
                }
            };
            self.note(before, kind);
            if last {
                break;
            }
        }
        let whole = self.inside.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if count > 1 {
            let lines: Vec<u8> = self.inside.drain(..whole).collect();
            self.ledger.came(&lines);
            self.ledger.compare(given_up);
        }
    }

    fn stand(&self) -> Stand {
        // Whoever has not told the end has not come to it.
        Stand { closed: false, ..Stand::of(&self.client) }
    }

    fn note(&mut self, before: Stand, kind: Kind) {
        let closed = matches!(kind, Kind::Closed | Kind::GivenUp);
        self.steps.push((before, kind, Stand { closed, ..self.stand() }));
    }

    /// Whether the client had anything to say.
    fn write(&mut self) -> bool {
        if self.stalled || self.client.is_closed() {
            return false;
        }
        let due = self.client.is_due();
        let before = self.stand();
        let said = self.client.output().to_vec();
        assert_eq!(due, !said.is_empty(), "is_due() is wrong");
        self.client.written(said.len());
        let mode = self.client.dialect().mode().unwrap();
        let mut phase = before.phase;
        for line in said.split_inclusive(|byte| *byte == b'\n') {
            let line = line.trim_ascii_end();
            let (kind, next) = match self.client.dialect().spoken(line) {
                Spoken::Enter => (Kind::SaidEnter, entered(mode)),
                // A probe is a leave that is said outside the mode.
                Spoken::Leave if phase == Phase::Off => (Kind::SaidProbe, phase),
                Spoken::Leave => (Kind::SaidLeave, Phase::Leaving),
                Spoken::Acknowledge => (Kind::SaidAcknowledge, phase),
                Spoken::Command { text } if is_probe(&line[text.clone()]) => {
                    (Kind::SaidProbe, phase)
                }
                _ => (Kind::SaidCommand, phase),
            };
            let (from, to) = (Stand { phase, ..before }, Stand { phase: next, ..before });
            self.steps.push((from, kind, to));
            phase = next;
        }
        assert_eq!(Stand { phase, ..before }, self.stand(), "the words said do not lead there");
        self.up.bytes.extend_from_slice(&said);
        !said.is_empty()
    }

    fn check(&mut self) {
        if let Some(due) = self.client.deadline() {
            assert!(due > self.now, "a deadline stays due: {due:?} at {:?}", self.now);
        }
        if self.client.is_closed() && !self.peeked {
            self.ledger.outcomes.all_told();
            assert_eq!(self.client.pending(), 0);
            assert_eq!(self.client.deadline(), None);
            assert!(self.client.output().is_empty());
            assert_eq!(self.client.phase(), Phase::Off);
            assert!(self.client.command("late").is_err());
        }
    }

    /// Everything is delivered and answered, without any more time; then nothing may be missing.
    pub(crate) fn settle(&mut self) {
        if self.client.is_closed() {
            return;
        }
        if self.stalled {
            self.act(Op::Stall);
        }
        self.peeked = false;
        self.go_on();
        for round in 0.. {
            assert!(round < 100, "they talk for ever");
            let next = [Op::Up(Cut::All), Op::Down(Cut::All), Op::Answer(Which::First)];
            let Some(op) = next.into_iter().find(|op| self.can_settle(*op)) else { break };
            self.act(op);
            if self.client.is_closed() {
                return;
            }
        }
        self.ledger.outcomes.all_told();
        assert_eq!(self.client.pending(), 0, "a command hangs");
        assert_eq!(self.client.asking().count(), 0);
        let wanted = self.client.is_listening() && !self.client.is_refused();
        let phase = if wanted { Phase::On } else { Phase::Off };
        assert_eq!(self.client.phase(), phase, "the mode is not what it should be (G9)");
        assert_eq!(self.peer.is_listening(), wanted, "the ends differ about the mode");
        assert!(!wanted || !self.ledger.has_news(), "a notification is missing (G8)");
    }

    fn can_settle(&self, op: Op) -> bool {
        match op {
            Op::Up(_) => !self.up.bytes.is_empty(),
            Op::Down(_) => !self.down.bytes.is_empty(),
            op => self.can(op),
        }
    }

    /// What [`Op::Up`] or [`Op::Down`] delivers, byte by byte, each looked at before the next comes.
    pub(crate) fn act_bytewise(&mut self, op: Op) {
        self.steps.clear();
        match op {
            Op::Up(cut) => self.up.take(cut).iter().for_each(|byte| self.peer.hear(&[*byte])),
            Op::Down(cut) => {
                for byte in self.down.take(cut) {
                    self.feed(&[byte]);
                    self.hear(usize::MAX);
                }
            }
            op => panic!("{op:?} delivers no bytes"),
        }
        self.peeked = false;
        self.go_on();
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut text = String::with_capacity(4096);
        write!(text, "{:?}", self.client).unwrap();
        self.peer.describe(&mut text);
        let rest = (self.stalled, self.peeked, self.news, self.refused, &self.ledger);
        write!(text, "{rest:?}").unwrap();
        for bytes in [&self.up.bytes, &self.down.bytes, &self.inside] {
            text.push('|');
            // Numbers in it count.
            text.push_str(&String::from_utf8_lossy(bytes));
        }
        fingerprint(&text, self.now, self.client.dialect().numbered())
    }

    /// What of it concerns the mode.
    pub(crate) fn state(&self) -> State {
        State::of(&self.client, Wire::of(&[&self.inside[..], &self.down.bytes].concat()))
    }
}
