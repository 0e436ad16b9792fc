//! A script played on the real client, with a server at the other end that is made up as it goes on.

use std::fmt;

use super::client::NaiveClient;
use super::draw::Case;
use super::real::{Act, Machine, Real, Seen, State, Told, replay, told};
use super::script::{Line, Op, Setup, Turn};
use super::{ALL, Failed, Verdict, lines, without_end};

/// The client says and tells what a page of plain code says and tells, whatever happens to it.
pub(crate) fn beside_the_naive(case: &Case<Setup, Turn>) -> Verdict {
    let mut session = Session::play(&case.setup, &case.turns);
    session.close();
    let naive = replay(NaiveClient::new(&case.setup), &session.acts);
    for (index, (real, naive)) in session.log.iter().zip(&naive).enumerate() {
        if real != naive {
            let what = format!("the machine: {real:?}\n# the naive one: {naive:?}");
            return session.fails(index + 1, what);
        }
    }
    Ok(())
}

/// The real client at one end, and at the other a server that is made up as the script goes on.
pub(crate) struct Session {
    pub(crate) setup: Setup,
    pub(crate) real: Real,
    /// What was done, what was seen after each, and how a transcript shows that.
    pub(crate) acts: Vec<Act>,
    pub(crate) log: Vec<Vec<Seen>>,
    tapes: Vec<String>,
    /// The commands on the wire, in order, each with the one proper answer to it.
    pub(crate) asked: Vec<(Vec<u8>, Vec<u8>)>,
    /// The lines of the client's that wait for an answer, with the proper one, and a beginning.
    unanswered: Vec<Vec<u8>>,
    unfinished: Vec<u8>,
    /// What the server says last, and what of it has not come.
    said: Vec<u8>,
    kept: Vec<u8>,
    questions: u64,
    given: u64,
}

impl Session {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            real: Real::new(setup),
            acts: Vec::new(),
            log: Vec::new(),
            tapes: Vec::new(),
            asked: Vec::new(),
            unanswered: Vec::new(),
            unfinished: Vec::new(),
            said: Vec::new(),
            kept: Vec::new(),
            questions: 0,
            given: 0,
        }
    }

    pub(crate) fn play(setup: &Setup, turns: &[Turn]) -> Self {
        let mut session = Self::new(setup);
        for turn in turns {
            session.turn(turn);
        }
        session
    }

    pub(crate) fn turn(&mut self, turn: &Turn) {
        match &turn.op {
            Op::Random => self.ask(b"random?".to_vec(), None),
            Op::Odd(text) => self.ask(text.as_bytes().to_vec(), None),
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
                lines.iter().for_each(|line| self.say(line, if *lf { b"\n" } else { b"\r\n" }));
                self.deliver(*kept);
            }
            Op::Pass(seconds) => self.act(Act::Pass(*seconds)),
            Op::Eof => self.act(Act::Eof),
            Op::Reset => self.act(Act::Reset),
        }
        self.act(Act::Take(turn.take));
    }

    fn get(&mut self, within: Option<u64>) {
        self.questions += 1;
        self.ask(format!("question {}?", self.questions).into_bytes(), within);
    }

    fn ask(&mut self, text: Vec<u8>, within: Option<u64>) {
        self.act(Act::Ask(text, within));
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
        while let Some(end) = self.unfinished.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unfinished.drain(..=end).collect();
            let line = without_end(&line);
            let id = match line.iter().position(|byte| *byte == b' ') {
                Some(blank) if self.setup.ids && line[0] == b'#' => &line[..=blank],
                _ => b"",
            };
            let text = &line[id.len()..];
            let answer = match text {
                b"OK" => continue,
                _ if text == self.setup.enter() && text != b"notif" => b"will send notifs".to_vec(),
                _ if text == self.setup.enter() || text == self.setup.leave() => b"OK".to_vec(),
                _ => {
                    let nth = self.asked.len();
                    let answer = match text.trim_ascii() {
                        b"random?" => format!("{}", 1000 + nth).into_bytes(),
                        _ => [b"re: ", text].concat(),
                    };
                    self.asked.push((text.to_vec(), answer.clone()));
                    answer
                }
            };
            self.unanswered.push([id, &answer].concat());
        }
    }

    fn say(&mut self, line: &Line, end: &[u8]) {
        let oldest = (!self.unanswered.is_empty()).then_some(0);
        match line {
            Line::Answer | Line::Refuse if oldest.is_none() => return,
            Line::AnswerLater(index) if *index >= self.unanswered.len() => return,
            Line::Answer => self.said = self.unanswered.remove(0),
            Line::AnswerLater(index) => self.said = self.unanswered.remove(*index),
            Line::Refuse => {
                let answer = self.unanswered.remove(0);
                let blank = answer.iter().position(|byte| *byte == b' ');
                let id = blank.filter(|_| self.setup.ids).map_or(0, |blank| blank + 1);
                self.said = [&answer[..id], b"error: no"].concat();
            }
            Line::Again => {}
            Line::Notify(topic) => self.said = format!("notif: {topic}").into_bytes(),
            Line::Stray(text) => self.said = text.to_vec(),
        }
        self.kept.extend(&self.said);
        self.kept.extend(end);
    }

    /// What the server says with these lines; none of it comes by itself.
    pub(crate) fn speak(&mut self, lines: &[Line]) -> Vec<u8> {
        lines.iter().for_each(|line| self.say(line, b"\r\n"));
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
        for _ in 0..1000 {
            self.deliver(0);
            self.act(Act::Take(ALL));
            self.act(Act::Write(ALL));
            if self.unanswered.is_empty() {
                return;
            }
            while !self.unanswered.is_empty() {
                self.say(&Line::Answer, b"\r\n");
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
