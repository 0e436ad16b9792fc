//! The naive client: the same verbs as the machine's, in code that is too plain to be wrong.
//!
//! | room | what is in it |
//! |---|---|
//! | `say` | what is said next |
//! | `hear` | what a line does |
//! | `end` | deadlines, and the last words |

use bellwire::{Abandoned, Closed, Error, Phase, Refusal};
use bytes::Bytes;

use super::End;
use super::asked::{Asked, Who};
use super::real::{Act, Machine, Seen, State, Told, take};
use super::script::Setup;
use super::tongue::{Meaning, Tongue};

mod end;
mod hear;
mod say;

#[derive(Default)]
pub(crate) struct NaiveClient<T: Tongue> {
    setup: Setup<T>,
    /// Knows what it was told.
    tongue: T,
    now: u64,
    /// What came and was not looked at.
    input: Vec<u8>,
    came: usize,
    /// Where the line began that is heard.
    at: usize,
    /// So many counted bytes are still to come, of a line that comes in pieces: where it began, and
    /// what it is.
    counted: usize,
    pieces: Option<(usize, Meaning)>,
    given: u64,
    /// Commands not shown to the transport, then what is on the wire without an answer.
    spool: Vec<Asked>,
    wire: Vec<Asked>,
    sent: u64,
    /// The number of the command that waits for the server to ask for more, and the rest of it.
    paused: Option<(u64, Vec<Vec<u8>>)>,
    /// The stream is to change.
    sealed: bool,
    output: Vec<u8>,
    greeted: bool,
    /// The connection has to begin with something.
    opening: bool,
    phase: Phase,
    wanted: bool,
    refused: bool,
    owed: usize,
    ride: usize,
    unsolicited: u64,
    end: End,
    greeting: Option<u64>,
    rearm: Option<u64>,
    silence: Option<u64>,
    probe: Option<u64>,
    write: Option<u64>,
    must_rearm: bool,
    must_probe: bool,
    /// Time has jumped, when it moved last.
    jumped: bool,
}

impl<T: Tongue> NaiveClient<T> {
    pub(crate) fn new(setup: &Setup<T>) -> Self {
        let greeted = T::GREETINGS.is_empty();
        let mut client = Self {
            ride: setup.ride.max(1),
            greeted,
            greeting: setup.times.greeting.filter(|_| !greeted),
            setup: setup.clone(),
            tongue: setup.tongue.clone(),
            ..Self::default()
        };
        client.hear_something();
        client
    }

    fn open(&self) -> bool {
        matches!(self.end, End::Open)
    }

    fn after(&self, time: Option<u64>) -> Option<u64> {
        time.map(|time| self.now + time)
    }

    fn late(&self, due: Option<u64>) -> bool {
        due.is_some_and(|due| due <= self.now)
    }

    /// What the connection begins with goes before all else that waits.
    fn ask(&mut self, text: &[u8], within: Option<u64>, first: bool) -> Result<u64, Refusal> {
        if !self.open() {
            return Err(Refusal::Closed);
        }
        if self.pending() >= self.setup.limits.pending && !first {
            return Err(Refusal::Full { allowed: self.setup.limits.pending });
        }
        let parts = self.tongue.parts(text)?;
        self.given += 1;
        let due = self.after(within.or(self.setup.times.reply));
        let who = Who::Caller(self.given);
        let asked = Asked { who, line: text.into(), parts, due, first, ..Asked::default() };
        let place = self.spool.iter().position(|other| first && !other.first);
        self.spool.insert(place.unwrap_or(self.spool.len()), asked);
        Ok(self.given)
    }

    fn abandon(&mut self, ticket: u64) -> Abandoned {
        let who = Who::Caller(ticket);
        if let Some(index) = self.spool.iter().position(|asked| asked.who == who) {
            self.spool.remove(index);
            return Abandoned::Withdrawn;
        }
        match self.wire.iter().position(|asked| asked.who == who) {
            Some(index) => {
                self.hold(index, ticket);
                Abandoned::Held
            }
            None => Abandoned::Settled,
        }
    }

    /// The reply will come and be swallowed; too many such replies are a danger where only their
    /// order says whom they are for.
    fn hold(&mut self, index: usize, ticket: u64) {
        self.wire[index].who = Who::Nobody(ticket);
        self.wire[index].due = self.answer_due(self.wire[index].number);
        if self.wire[index].is_barrier() {
            // Nobody would change the stream when the server does.
            return self.fault(Error::Desynchronised { held: self.held() });
        }
        if self.held() <= self.setup.limits.held {
            return;
        }
        if self.tongue.numbered() {
            let spare = |asked: &Asked| {
                matches!(asked.who, Who::Nobody(_)) && !self.is_paused(asked.number)
            };
            if let Some(oldest) = self.wire.iter().position(spare) {
                self.wire.remove(oldest);
            }
        } else {
            self.fault(Error::Desynchronised { held: self.held() });
        }
    }

    /// When an answer that nobody waits for must have come, lest it be taken for another's, or nothing
    /// more be said before it.
    fn answer_due(&self, number: u64) -> Option<u64> {
        let harmless = self.tongue.numbered() && !self.is_paused(number);
        if harmless { None } else { self.after(self.setup.times.held) }
    }

    fn is_paused(&self, number: u64) -> bool {
        self.paused.as_ref().is_some_and(|(paused, _)| *paused == number)
    }

    /// The commands of the caller's.
    fn pending(&self) -> usize {
        let callers = |asked: &&Asked| matches!(asked.who, Who::Caller(_) | Who::Nobody(_));
        self.spool.len() + self.wire.iter().filter(callers).count()
    }

    fn held(&self) -> usize {
        self.wire.iter().filter(|asked| matches!(asked.who, Who::Nobody(_))).count()
    }

    fn fault(&mut self, error: Error) {
        if !matches!(self.end, End::Closed | End::Fault(_)) {
            self.end = End::Fault(error);
            self.forget_input();
        }
    }

    /// What came before the stream has changed is for `upgrade` to find.
    fn forget_input(&mut self) {
        if !self.sealed {
            self.input.clear();
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        if self.open() && !bytes.is_empty() {
            self.input.extend(bytes);
            self.came += bytes.len();
            self.probe = None;
            self.must_probe = false;
            self.hear_something();
        }
    }

    fn hear_something(&mut self) {
        self.silence = self.after(self.setup.times.silence.or(self.tongue.silence()));
    }

    fn close(&mut self, how: Option<Closed>) {
        if self.open() {
            self.end = End::Closing(how);
        }
    }

    /// The stream has changed; nothing may have come before it did.
    fn upgrade(&mut self) -> bool {
        if !self.sealed {
            return true;
        }
        self.sealed = false;
        if !self.input.is_empty() {
            let behind = std::mem::take(&mut self.input);
            self.fault(super::violation(&behind));
            return false;
        }
        self.tongue.upgraded();
        self.hear_something();
        true
    }

    /// Whoever is looked at much later than he asked for was asleep, and so was the server's last word:
    /// it is asked for another one, and what has passed is put off. But only once.
    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let suspend = self.setup.times.suspend;
        let late = self.deadline().is_some_and(|due| self.now > due + suspend);
        self.jumped = late && !self.jumped;
        if self.jumped {
            self.must_probe = true;
            let now = self.now;
            for due in self.deadlines().into_iter().flatten().filter(|due| **due <= now) {
                *due = now + suspend;
            }
        }
    }

    fn deadlines(&mut self) -> Vec<Option<&mut u64>> {
        let own = [
            &mut self.greeting,
            &mut self.rearm,
            &mut self.silence,
            &mut self.probe,
            &mut self.write,
        ];
        let commands = self.wire.iter_mut().chain(&mut self.spool).map(|asked| &mut asked.due);
        own.into_iter().chain(commands).map(Option::as_mut).collect()
    }

    fn deadline(&mut self) -> Option<u64> {
        self.deadlines().into_iter().flatten().map(|due| *due).min()
    }

    fn state(&mut self) -> State {
        let deadline = self.deadline();
        State {
            phase: self.phase,
            listening: self.wanted,
            refused: self.refused,
            greeted: self.greeted,
            upgrading: self.sealed,
            opening: self.opening,
            pending: self.pending(),
            unsolicited: self.unsolicited,
            closed: !self.open(),
            deadline: deadline.filter(|_| self.open()),
        }
    }
}

fn gave(asked: Result<u64, Refusal>, text: &[u8]) -> Seen {
    match asked {
        Ok(ticket) => Seen::Gave(ticket),
        Err(why) => Seen::refused(why, text),
    }
}

fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

impl<T: Tongue> Machine for NaiveClient<T> {
    fn act(&mut self, act: &Act) -> Vec<Seen> {
        let mut seen = Vec::new();
        match act {
            Act::Ask(text, within) => seen.push(gave(self.ask(text, *within, false), text)),
            Act::Open => self.opening = true,
            Act::Opening(text) => seen.push(gave(self.ask(text, None, true), text)),
            Act::Opened => {
                self.opening = false;
                self.hear_something();
            }
            Act::Abandon(ticket) => seen.push(Seen::Abandoned(*ticket, self.abandon(*ticket))),
            Act::Listen => (self.wanted, self.refused) = (true, false),
            Act::Unlisten => (self.wanted, self.refused) = (false, false),
            Act::Write(count) => {
                let due = copy(&self.output());
                let count = due.len().min(*count);
                self.written(count);
                seen.push(Seen::Output { due, count });
            }
            Act::Feed(bytes) => self.feed(bytes),
            Act::Pass(seconds) => self.pass(*seconds),
            Act::Upgrade => seen.push(Seen::Upgraded(self.upgrade())),
            Act::Eof => self.close(None),
            Act::Reset => self.close(Some(Closed::Reset)),
            Act::Take(count) => {
                let told = take(*count, || self.next(), |told| matches!(told, Told::Fault(_)));
                seen.extend(told.into_iter().map(Seen::Told));
            }
        }
        seen.push(Seen::State(self.state()));
        seen
    }
}
