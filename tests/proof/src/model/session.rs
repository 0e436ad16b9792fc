//! A script played on the real client, with a server at the other end that is made up as it goes on.

use std::fmt;

use super::real::{Act, Machine, Real, Seen, State, Told, told};
use super::script::{Line, Op, Setup, Turn};
use super::tongue::{Ledger, Owed, Tongue};
use super::{ALL, Failed, Verdict, lines};

/// The real client at one end, and at the other a server that is made up as the script goes on.
pub(crate) struct Session<T: Tongue> {
    pub(crate) setup: Setup<T>,
    pub(crate) real: Real<T>,
    /// What was done, what was seen after each, and how a transcript shows that.
    pub(crate) acts: Vec<Act>,
    pub(crate) log: Vec<Vec<Seen>>,
    tapes: Vec<String>,
    /// The server says nothing that no server would say.
    proper: bool,
    /// What the client has said of which the server made nothing yet, and what it made of the rest.
    unfinished: Vec<u8>,
    ledger: Ledger,
    /// The commands of the caller's that it has heard, each with what only their answer has in it.
    pub(crate) asked: Vec<(Vec<u8>, Vec<u8>)>,
    /// What the server says last, and what of it has not come.
    said: Vec<u8>,
    kept: Vec<u8>,
    questions: u64,
    pub(crate) notified: u64,
    given: u64,
}

impl<T: Tongue> Session<T> {
    pub(crate) fn new(setup: &Setup<T>) -> Self {
        let mut session = Self {
            setup: setup.clone(),
            real: Real::new(setup),
            acts: Vec::new(),
            log: Vec::new(),
            tapes: Vec::new(),
            proper: false,
            unfinished: Vec::new(),
            ledger: Ledger::default(),
            asked: Vec::new(),
            said: Vec::new(),
            kept: Vec::new(),
            questions: 0,
            notified: 0,
            given: 0,
        };
        if let Some(which) = setup.greeting {
            session.say(&Line::Greet(which), T::END.as_bytes());
            session.deliver(0);
            session.act(Act::Take(ALL));
        }
        session
    }

    /// A session in which the server says nothing that no server would say.
    pub(crate) fn proper(setup: &Setup<T>) -> Self {
        Self { proper: true, ..Self::new(setup) }
    }

    pub(crate) fn play(setup: &Setup<T>, turns: &[Turn]) -> Self {
        let mut session = Self::new(setup);
        for turn in turns {
            session.turn(turn);
        }
        session
    }

    pub(crate) fn turn(&mut self, turn: &Turn) {
        match &turn.op {
            // A proper server says nothing more before the stream has changed; nobody changes it here.
            Op::Usual(which) if self.proper && T::USUAL[which % T::USUAL.len()] == "STARTTLS" => {}
            Op::Usual(which) => self.ask(T::USUAL[which % T::USUAL.len()].into(), None),
            Op::Odd(_) if self.proper => {}
            Op::Odd(which) => self.ask(T::ODD[which % T::ODD.len()].into(), None),
            Op::Get => self.get(None),
            Op::Within(seconds) => self.get(Some(*seconds)),
            Op::Abandon(back) => {
                if let Some(ticket) = self.given.checked_sub(*back as u64).filter(|n| *n > 0) {
                    self.act(Act::Abandon(ticket));
                }
            }
            Op::Listen => self.act(Act::Listen),
            Op::Unlisten => self.act(Act::Unlisten),
            Op::Write(count) => {
                // What is not looked at may still be taken for the answer to what is said now.
                self.act(Act::Take(ALL));
                self.act(Act::Write(*count));
            }
            Op::Hear { lines, lf, kept } => {
                let end = if *lf { "\n" } else { T::END };
                lines.iter().for_each(|line| self.say(line, end.as_bytes()));
                self.deliver(*kept);
            }
            Op::Pass(seconds) => self.act(Act::Pass(*seconds)),
            Op::Upgrade => self.act(Act::Upgrade),
            Op::Eof => self.act(Act::Eof),
            Op::Reset => self.act(Act::Reset),
        }
        self.act(Act::Take(turn.take));
    }

    fn get(&mut self, within: Option<u64>) {
        self.questions += 1;
        self.ask(T::question(self.questions), within);
    }

    fn ask(&mut self, text: String, within: Option<u64>) {
        self.act(Act::Ask(text.into_bytes(), within));
    }

    pub(crate) fn act(&mut self, act: Act) {
        let seen = self.real.act(&act);
        for seen in &seen {
            match seen {
                Seen::Gave(ticket) => self.given = *ticket,
                Seen::Output { due, count } => self.hear(&due[..*count]),
                _ => {}
            }
        }
        let mut tape = self.real.tape.take();
        if let Act::Take(count @ 0..1000) = act {
            tape.push_str(&format!("# the cursor is dropped after {count} events\n"));
        }
        self.tapes.push(tape);
        self.log.push(seen);
        self.acts.push(act);
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.unfinished.extend(bytes);
        let mut before = usize::MAX;
        while self.unfinished.len() < before {
            before = self.unfinished.len();
            let owed = self.ledger.owed.len();
            self.setup.tongue.take(&mut self.unfinished, &mut self.ledger);
            let new = self.ledger.owed.iter().skip(owed);
            self.asked.extend(new.filter_map(|it| Some((it.question.clone(), it.proof.clone()?))));
        }
    }

    fn say(&mut self, line: &Line, end: &[u8]) {
        match line {
            Line::Answer | Line::AnswerLater(_) | Line::Refuse => {
                let Some(owed) = self.take_owed(line) else { return };
                let answer = match line {
                    // A server that has told what has changed refuses no more.
                    Line::Refuse if !(self.proper && owed.changed) => {
                        self.setup.tongue.refusal(&owed)
                    }
                    _ => owed.answer,
                };
                self.said = [owed.data, owed.tag, answer].concat();
            }
            Line::Notify => {
                if self.proper && !self.setup.tongue.may_notify(&mut self.ledger) {
                    return;
                }
                self.notified += 1;
                self.said = T::notification(self.notified).into_bytes();
            }
            Line::GoOn => {
                if T::GO_ON.is_empty() || self.proper && self.ledger.asks == 0 {
                    return;
                }
                self.ledger.asks = self.ledger.asks.saturating_sub(1);
                self.said = T::GO_ON.into();
            }
            Line::Again | Line::Stray(_) if self.proper => return,
            Line::Greet(_) if self.proper || T::GREETINGS.is_empty() => return,
            Line::Again => {}
            Line::Stray(which) => self.said = T::STRAY[which % T::STRAY.len()].to_vec(),
            Line::Greet(which) => self.said = T::GREETINGS[which % T::GREETINGS.len()].into(),
        }
        self.kept.extend(&self.said);
        self.kept.extend(end);
    }

    /// The answer that a server would say that says a proper one, or any.
    fn take_owed(&mut self, line: &Line) -> Option<Owed> {
        let in_order = self.proper && !self.setup.tongue.numbered();
        let nth = if let Line::AnswerLater(later) = line { *later } else { 0 };
        let which = self.which(if in_order { 0 } else { nth })?;
        Some(self.ledger.owed.remove(which))
    }

    fn which(&self, nth: usize) -> Option<usize> {
        let due = |owed: &Owed| owed.due || !self.proper;
        let owed = self.ledger.owed.iter().enumerate().filter(|(_, owed)| due(owed));
        owed.map(|(index, _)| index).nth(nth)
    }

    /// What the server says with these lines; none of it comes by itself.
    pub(crate) fn speak(&mut self, lines: &[Line]) -> Vec<u8> {
        lines.iter().for_each(|line| self.say(line, T::END.as_bytes()));
        std::mem::take(&mut self.kept)
    }

    /// What the server said comes, but for the last few bytes.
    fn deliver(&mut self, kept: usize) {
        let come = self.kept.len().saturating_sub(kept);
        if come > 0 {
            let bytes = self.kept.drain(..come).collect();
            self.act(Act::Feed(bytes));
        }
    }

    /// All that was said comes, and then the end.
    pub(crate) fn close(&mut self) {
        self.deliver(0);
        for act in [Act::Take(ALL), Act::Eof, Act::Take(ALL)] {
            self.act(act);
        }
    }

    /// The server answers whatever it is asked, until nothing is left to ask.
    pub(crate) fn settle(&mut self) {
        self.proper = true;
        for _ in 0..1000 {
            self.deliver(0);
            self.act(Act::Take(ALL));
            self.act(Act::Upgrade);
            self.act(Act::Write(ALL));
            if self.ledger.asks > 0 {
                self.say(&Line::GoOn, T::END.as_bytes());
            } else if self.which(0).is_some() {
                self.say(&Line::Answer, T::END.as_bytes());
            } else {
                return;
            }
        }
        panic!("the client goes on asking for ever\n{}", self.tape(self.tapes.len()));
    }

    /// The transcript of the first so many acts.
    pub(crate) fn tape(&self, acts: usize) -> String {
        self.tapes[..acts].concat()
    }

    /// The state after that act.
    pub(crate) fn state(&self, act: usize) -> Option<&State> {
        self.log[act].iter().find_map(|seen| match seen {
            Seen::State(state) => Some(state),
            _ => None,
        })
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        told(&self.log)
    }

    /// The whole lines that came, in order, without end.
    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        let fed = self.acts.iter().filter_map(|act| match act {
            Act::Feed(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        let bytes: Vec<u8> = fed.flatten().copied().collect();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        lines(&bytes[..whole])
    }

    pub(crate) fn holds(&self, holds: bool, what: impl fmt::Display) -> Verdict {
        if holds { Ok(()) } else { self.fails(self.tapes.len(), what) }
    }

    pub(crate) fn fails(&self, acts: usize, what: impl fmt::Display) -> Verdict {
        Err(Failed(format!("{}# {what}\n", self.tape(acts))))
    }
}
