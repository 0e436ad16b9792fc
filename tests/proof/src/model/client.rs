//! The naive client: the same verbs as the machine's, in code that is too plain to be wrong.

use bellwire::{
    Abandoned, Cause, Closed, Error, Excerpt, LimitKind, Phase, Refusal, Unsolicited, Wait,
};
use bytes::Bytes;

use super::asked::{Asked, Who};
use super::real::{Act, Machine, Seen, State, Told, take};
use super::script::Setup;
use super::without_end;

#[derive(Default)]
pub(crate) struct NaiveClient {
    setup: Setup,
    now: u64,
    /// What came and was not looked at.
    input: Vec<u8>,
    came: usize,
    /// Where the line began that is heard.
    at: usize,
    given: u64,
    /// Commands not shown to the transport, then what is on the wire without an answer.
    spool: Vec<Asked>,
    wire: Vec<Asked>,
    sent: u64,
    output: Vec<u8>,
    phase: Phase,
    wanted: bool,
    refused: bool,
    owed: usize,
    ride: usize,
    unsolicited: u64,
    end: End,
    rearm: Option<u64>,
    silence: Option<u64>,
    probe: Option<u64>,
    write: Option<u64>,
    must_rearm: bool,
    must_probe: bool,
}

#[derive(Default)]
enum End {
    #[default]
    Open,
    Closing(Option<Closed>),
    Closed,
    Fault(Error),
}

impl NaiveClient {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            ride: setup.ride.max(1),
            silence: setup.times.silence,
            setup: setup.clone(),
            ..Self::default()
        }
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

    fn ask(&mut self, text: &[u8], within: Option<u64>) -> Result<u64, Refusal> {
        if !self.open() {
            return Err(Refusal::Closed);
        }
        if self.pending() >= self.setup.limits.pending {
            return Err(Refusal::Full { allowed: self.setup.limits.pending });
        }
        match text.trim_ascii_end() {
            b"" => return Err(Refusal::Empty),
            b"OK" | b"notif" | b"_notif_" | b"stop_notif" | b"_stop_notif_" | b"_stop_notify_" => {
                return Err(Refusal::Reserved(""));
            }
            _ => {}
        }
        if let Some(at) = text.iter().position(|byte| b"\r\n\0".contains(byte)) {
            return Err(Refusal::Forbidden { byte: text[at], at });
        }
        self.given += 1;
        let due = self.after(within.or(self.setup.times.reply));
        let who = Who::Caller(self.given);
        self.spool.push(Asked { who, line: text.into(), id: 0, due, after: 0 });
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
        self.wire[index].due = self.answer_due();
        if self.held() <= self.setup.limits.held {
            return;
        }
        if self.setup.ids {
            let oldest = self.wire.iter().position(|asked| matches!(asked.who, Who::Nobody(_)));
            self.wire.remove(oldest.unwrap());
        } else {
            self.fault(Error::Desynchronised { held: self.held() });
        }
    }

    /// When an answer that nobody waits for must have come, lest it be taken for another's.
    fn answer_due(&self) -> Option<u64> {
        if self.setup.ids { None } else { self.after(self.setup.times.held) }
    }

    /// The commands of the caller's.
    fn pending(&self) -> usize {
        let callers = |asked: &&Asked| matches!(asked.who, Who::Caller(_) | Who::Nobody(_));
        self.spool.len() + self.wire.iter().filter(callers).count()
    }

    fn room(&self) -> bool {
        let on_wire = self.wire.len() - if self.setup.ids { self.held() } else { 0 };
        on_wire < self.setup.in_flight.max(1)
    }

    fn held(&self) -> usize {
        self.wire.iter().filter(|asked| matches!(asked.who, Who::Nobody(_))).count()
    }

    fn fault(&mut self, error: Error) {
        if !matches!(self.end, End::Closed | End::Fault(_)) {
            self.end = End::Fault(error);
            self.input.clear();
        }
    }

    fn output(&mut self) -> Vec<u8> {
        while self.open() && self.say_something() {}
        if self.output.is_empty() {
            self.write = None;
        } else if self.write.is_none() {
            self.write = self.after(self.setup.times.write);
        }
        self.output.clone()
    }

    fn say_something(&mut self) -> bool {
        let room = self.room();
        let enter = self.wanted && !self.refused;
        let ask = !self.spool.is_empty();
        let ride = ask && !(enter && self.ride == 0);
        let leave =
            !self.wanted || self.must_rearm || self.must_probe || ask && !self.setup.ask_in_mode;
        match self.phase {
            Phase::Off if ride => room && self.say_command(),
            Phase::Off if enter => room && self.say_enter(),
            Phase::Off if self.must_probe => room && self.say_probe(),
            Phase::On if leave => room && self.say_leave(),
            Phase::On if self.owed > 0 => self.say_acknowledgement(),
            Phase::On | Phase::Entering if ask && self.setup.ask_in_mode => {
                room && self.say_command()
            }
            Phase::Leaving if ride => room && self.say_command(),
            _ => false,
        }
    }

    fn say(&mut self, who: Who, line: &[u8], due: Option<u64>) -> bool {
        // Whatever is answered will do as a probe.
        if self.must_probe {
            self.must_probe = false;
            self.probe = self.after(self.setup.times.probe);
        }
        self.sent += 1;
        let asked = Asked { who, line: line.into(), id: self.sent, due, after: self.came };
        if self.setup.ids {
            self.output.extend(format!("#{} ", asked.id).bytes());
        }
        self.output.extend(line);
        self.output.extend(b"\r\n");
        self.wire.push(asked);
        true
    }

    fn say_command(&mut self) -> bool {
        let Asked { who, line, due, .. } = self.spool.remove(0);
        self.ride = self.ride.saturating_sub(1);
        self.say(who, &line, due)
    }

    fn say_enter(&mut self) -> bool {
        self.phase = Phase::Entering;
        self.ride = self.setup.ride.max(1);
        self.owed = 0;
        self.must_rearm = false;
        self.say(Who::Enter, self.setup.enter(), self.after(self.setup.times.switch))
    }

    fn say_leave(&mut self) -> bool {
        self.phase = Phase::Leaving;
        self.must_rearm = false;
        self.rearm = None;
        self.say(Who::Leave, self.setup.leave(), self.after(self.setup.times.switch))
    }

    fn say_probe(&mut self) -> bool {
        self.say(Who::Probe, self.setup.leave(), self.answer_due())
    }

    fn say_acknowledgement(&mut self) -> bool {
        self.owed -= 1;
        self.output.extend(b"OK\r\n");
        true
    }

    fn written(&mut self, count: usize) {
        if count > 0 {
            self.output.drain(..count);
            self.write = None;
            if self.phase == Phase::On {
                self.rearm = self.after(self.setup.times.rearm);
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        if self.open() && !bytes.is_empty() {
            self.input.extend(bytes);
            self.came += bytes.len();
            self.probe = None;
            self.must_probe = false;
            self.silence = self.after(self.setup.times.silence);
        }
    }

    /// Lines first, deadlines then, and the end last.
    fn next(&mut self) -> Option<Told> {
        while let Some(line) = self.line() {
            if let Some(told) = self.hear(&line) {
                return Some(told);
            }
        }
        if self.open()
            && let Some(told) = self.expire()
        {
            return Some(told);
        }
        if self.open() { None } else { self.last_words() }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let allowed = self.setup.limits.frame;
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(self.input.len().saturating_sub(1), |end| {
            without_end(&self.input[..=end]).len()
        });
        if length > allowed {
            let excerpt = Excerpt::new(&self.input[..allowed]);
            self.fault(Error::Limit { limit: LimitKind::Frame, allowed, excerpt });
            return None;
        }
        self.at = self.came - self.input.len();
        let line: Vec<u8> = self.input.drain(..=end?).collect();
        Some(without_end(&line).into())
    }

    fn hear(&mut self, line: &[u8]) -> Option<Told> {
        if let Some(rest) = line.strip_prefix(b"notif:") {
            let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
            return match rest[blanks..].trim_ascii_end() {
                b"OK" if self.asked(0).is_some_and(|asked| asked.who == Who::Enter) => {
                    self.answered(0, line)
                }
                b"OK" => self.hear_unsolicited(line),
                topic => {
                    let owed = self.setup.acknowledge && self.phase == Phase::On;
                    self.owed += usize::from(owed);
                    Some(Told::Notification(copy(topic), copy(line)))
                }
            };
        }
        for (index, asked) in self.wire.iter().enumerate() {
            let id = if self.setup.ids { format!("#{} ", asked.id) } else { String::new() };
            if let Some(text) = line.strip_prefix(id.as_bytes()) {
                return match asked.after <= self.at && asked.is_answer(text) {
                    true => self.answered(index, text),
                    false => self.hear_unsolicited(line),
                };
            }
        }
        self.hear_unsolicited(line)
    }

    fn asked(&self, index: usize) -> Option<&Asked> {
        self.wire.get(index).filter(|asked| asked.after <= self.at)
    }

    fn answered(&mut self, index: usize, text: &[u8]) -> Option<Told> {
        let refused = text.starts_with(b"error:");
        let text = copy(text);
        match self.wire.remove(index).who {
            Who::Caller(ticket) if refused => Some(Told::Refused(ticket, text)),
            Who::Caller(ticket) => Some(Told::Reply(ticket, text)),
            Who::Nobody(ticket) => Some(Told::Late(ticket, text)),
            Who::Probe => None,
            Who::Enter if refused => {
                self.left();
                self.refused = true;
                Some(Told::SwitchRefused(text))
            }
            Who::Enter => {
                self.phase = Phase::On;
                self.rearm = self.after(self.setup.times.rearm);
                Some(Told::Listening(text))
            }
            Who::Leave => {
                self.left();
                Some(if refused { Told::SwitchRefused(text) } else { Told::NotListening(text) })
            }
        }
    }

    fn left(&mut self) {
        self.phase = Phase::Off;
        self.owed = 0;
        self.must_rearm = false;
        self.rearm = None;
    }

    fn hear_unsolicited(&mut self, line: &[u8]) -> Option<Told> {
        self.unsolicited += 1;
        match self.setup.unsolicited {
            Unsolicited::Report => return Some(Told::Unsolicited(copy(line))),
            Unsolicited::Ignore => {}
            Unsolicited::Fatal => self.fault(Error::Protocol {
                what: "a reply that answers no command",
                excerpt: Excerpt::new(line),
            }),
        }
        None
    }

    fn expire(&mut self) -> Option<Told> {
        let switches = |asked: &&Asked| matches!(asked.who, Who::Enter | Who::Leave);
        let waits = [
            (self.late(self.write), Wait::Write),
            (self.late(self.probe), Wait::Probe),
            (self.wire.iter().filter(switches).any(|asked| self.late(asked.due)), Wait::Switch),
        ];
        if let Some((_, wait)) = waits.iter().find(|(late, _)| *late) {
            self.fault(Error::TimedOut(*wait));
            return None;
        }
        if self.late(self.silence) {
            self.silence = None;
            self.must_probe = self.room();
            if !self.must_probe {
                // The answer to what is on the wire will do.
                self.probe = self.after(self.setup.times.probe);
            }
        }
        if self.late(self.rearm) {
            self.rearm = None;
            self.must_rearm = true;
        }
        let lost = |asked: &Asked| {
            matches!(asked.who, Who::Nobody(_) | Who::Probe) && self.late(asked.due)
        };
        if self.wire.iter().any(lost) {
            // One command that is late in the same moment may still be told so.
            self.fault(Error::Desynchronised { held: self.held() });
        }
        for index in 0..self.wire.len() {
            if let Asked { who: Who::Caller(ticket), due, .. } = self.wire[index]
                && self.late(due)
            {
                self.hold(index, ticket);
                return Some(Told::Unanswered(ticket, Cause::TimedOut));
            }
        }
        let index = self.spool.iter().position(|asked| self.late(asked.due))?;
        self.spool.remove(index).never_sent(Cause::TimedOut)
    }

    fn last_words(&mut self) -> Option<Told> {
        self.output.clear();
        while !self.wire.is_empty() {
            if let Who::Caller(ticket) = self.wire.remove(0).who {
                return Some(Told::Unanswered(ticket, Cause::ConnectionLost));
            }
        }
        if !self.spool.is_empty() {
            return self.spool.remove(0).never_sent(Cause::ConnectionLost);
        }
        self.left();
        match self.end {
            End::Fault(ref error) => Some(Told::Fault(error.clone())),
            End::Closing(how) => {
                self.end = End::Closed;
                Some(Told::Closed(how.unwrap_or(match self.input.len() {
                    0 => Closed::Cleanly,
                    bytes => Closed::MidFrame { bytes },
                })))
            }
            End::Open | End::Closed => None,
        }
    }

    fn close(&mut self, how: Option<Closed>) {
        if self.open() {
            self.end = End::Closing(how);
        }
    }

    fn state(&self) -> State {
        let own = [self.rearm, self.silence, self.probe, self.write];
        let commands = self.wire.iter().chain(&self.spool).map(|asked| asked.due);
        let deadline = own.into_iter().chain(commands).flatten().min();
        State {
            phase: self.phase,
            listening: self.wanted,
            pending: self.pending(),
            unsolicited: self.unsolicited,
            closed: !self.open(),
            deadline: deadline.filter(|_| self.open()),
        }
    }
}

fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

impl Machine for NaiveClient {
    fn act(&mut self, act: &Act) -> Vec<Seen> {
        let mut seen = Vec::new();
        match act {
            Act::Ask(text, within) => seen.push(match self.ask(text, *within) {
                Ok(ticket) => Seen::Gave(ticket),
                Err(why) => Seen::refused(why, text),
            }),
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
            Act::Pass(seconds) => self.now += seconds,
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
