//! What to do, in order, to play a transcript on a live client.
//!
//! A live client says at once what it has to say: nothing can be taken back meanwhile, and nobody sees what it
//! would have said. So a transcript can be played on one if a machine that does the same says and takes what
//! stands there; that machine also finds out what is only implied.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bellwire::dialect::Spoken;
use bellwire::transcript::{Act, Configured, Said, Settings, What, escape};
use bellwire::{Client, Dialect, Ticket, Transcript};

/// A transcript, ready to be played.
#[derive(Clone, Debug)]
pub struct Plan<D> {
    /// The dialect, and the client's configuration.
    pub settings: Settings<D>,
    /// What the connection begins with.
    pub opening: Vec<Vec<u8>>,
    /// Whether nobody may listen in.
    pub private: bool,
    /// What happens.
    pub steps: Vec<Step>,
    /// Whether the client may say no more than stands there.
    pub strict: bool,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// In which line of the transcript.
    pub line: usize,
    /// What.
    pub does: Does,
    /// So many bytes the client has said by then, all in all, whether or not they stand there yet.
    pub said: usize,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// The server says something, or ends.
    Server(Said),
    /// The client says this.
    Client(Vec<u8>),
    /// The program does something.
    Act(Act),
    /// Time passes.
    Pass(Duration),
    /// The machine tells this, and nothing else.
    Told(Vec<String>),
}

/// Why no live client can play a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplayable {
    /// In which line.
    pub line: usize,
    /// Why.
    pub why: String,
}

impl fmt::Display for Unplayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl<D: Dialect + Configured> Plan<D> {
    /// Makes a plan.
    ///
    /// # Errors
    ///
    /// When a live client would say or take something else.
    pub fn of(transcript: &Transcript) -> Result<Self, Unplayable> {
        let strict = transcript.steps.iter().any(|step| matches!(step.what, What::Taken(_)));
        let settings = transcript.configure::<D>().map_err(|why| Unplayable { line: 0, why })?;
        let mut model = Model {
            client: Client::new(settings.dialect.clone(), settings.client.clone()),
            tickets: Vec::new(),
            now: Duration::ZERO,
            due: VecDeque::new(),
            said: 0,
            faulty: false,
            expected: VecDeque::new(),
            strict,
            plan: Self { settings, opening: Vec::new(), private: false, steps: Vec::new(), strict },
        };
        model.settle();
        for step in &transcript.steps {
            let line = step.line;
            model.step(line, &step.what).map_err(|why| Unplayable { line, why })?;
        }
        let end = transcript.steps.last().map_or(0, |step| step.line);
        model.at_rest().map_err(|why| Unplayable { line: end, why })?;
        Ok(model.plan)
    }

    /// Whether time passes.
    pub fn takes_time(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.does, Does::Pass(_)))
    }
}

/// A machine whose transport takes all at once.
struct Model<D: Dialect> {
    client: Client<D>,
    tickets: Vec<Ticket>,
    now: Duration,
    /// What it has said, and stands in no line yet.
    due: VecDeque<u8>,
    said: usize,
    faulty: bool,
    /// What it has told, and stands in no line yet.
    expected: VecDeque<String>,
    strict: bool,
    plan: Plan<D>,
}

impl<D: Dialect> Model<D> {
    fn step(&mut self, line: usize, what: &What) -> Result<(), String> {
        match what {
            What::Taken(taken) => {
                return match self.expected.pop_front() {
                    Some(told) if told == *taken => Ok(()),
                    told => Err(format!("it tells {told:?}, not {taken:?}")),
                };
            }
            What::Client(Said::Bytes(bytes)) => return self.say(line, bytes),
            What::Client(_) => return Ok(()),
            _ => self.nothing_told()?,
        }
        let does = match what {
            What::Server(said) => {
                match said {
                    Said::Bytes(bytes) => self.client.feed(bytes),
                    Said::Eof => self.client.feed_eof(),
                    Said::Reset => self.client.feed_reset(),
                };
                Does::Server(said.clone())
            }
            What::Passed(time) => {
                self.now += *time;
                Does::Pass(*time)
            }
            What::Act(act) => return self.act(line, act),
            What::Client(_) | What::Taken(_) => return Ok(()),
        };
        self.does(line, does);
        Ok(())
    }

    /// The client says this; if it does not want to, its program has asked for it.
    fn say(&mut self, line: usize, bytes: &[u8]) -> Result<(), String> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.due.is_empty() {
                self.imply(line, rest)?;
            }
            let count = rest.len().min(self.due.len());
            let due: Vec<u8> = self.due.drain(..count).collect();
            if let (0, Some(told)) = (count, self.expected.front()) {
                return Err(format!("it tells {told:?}"));
            }
            if due != rest[..count] || count == 0 {
                return Err(format!("it says {:?}, not {:?}", escape(&due), escape(rest)));
            }
            rest = &rest[count..];
        }
        self.push(line, Does::Client(bytes.to_vec()));
        Ok(())
    }

    fn imply(&mut self, line: usize, said: &[u8]) -> Result<(), String> {
        self.nothing_told()?;
        let text = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match self.client.dialect().spoken(text) {
            Spoken::Enter if !self.strict => self.act(line, &Act::Listen),
            Spoken::Leave if !self.strict => self.act(line, &Act::Unlisten),
            Spoken::Command { text: place } => self.act(line, &Act::Command(text[place].to_vec())),
            _ => Err(format!("it does not say {:?}", escape(text))),
        }
    }

    fn act(&mut self, line: usize, act: &Act) -> Result<(), String> {
        let opens = matches!(act, Act::Open | Act::Opening(_) | Act::Opened | Act::Secured);
        if !opens && (!self.client.is_greeted() || self.client.is_opening()) {
            return Err("there is no client before the connection has begun".to_owned());
        }
        match act {
            Act::Command(text) => {
                self.command(text, self.client.config().timers.reply)?;
            }
            Act::Within(time, text) => self.command(text, Some(*time))?,
            Act::Abandon(number) => {
                let ticket = self.tickets.iter().find(|it| it.number() == *number);
                let how = self.client.abandon(*ticket.ok_or("no such ticket")?);
                self.expected.push_back(format!("{how} {number}"));
            }
            Act::Listen => self.client.listen(),
            Act::Unlisten => self.client.unlisten(),
            Act::Open => self.client.open(),
            Act::Opening(text) => {
                let given = self.client.opening_command(text.as_slice());
                self.tickets.push(given.map_err(|refused| refused.to_string())?);
                self.plan.opening.push(text.clone());
            }
            Act::Opened => self.client.opened(),
            Act::Secured => {
                self.client.secured();
                self.plan.private = true;
            }
            act => return Err(format!("a live client does not {act}")),
        }
        if opens {
            // The adapter does that by itself, without being told.
            self.settle();
        } else {
            self.does(line, Does::Act(act.clone()));
        }
        Ok(())
    }

    fn command(&mut self, text: &[u8], within: Option<Duration>) -> Result<(), String> {
        match self.client.command_within(text, within) {
            Ok(ticket) => self.tickets.push(ticket),
            Err(refused) => self.expected.push_back(refused.to_string()),
        }
        Ok(())
    }

    fn does(&mut self, line: usize, does: Does) {
        self.settle();
        self.push(line, does);
        if !self.expected.is_empty() {
            let told = self.expected.iter().cloned().collect();
            self.push(line, Does::Told(told));
        }
        if !self.strict {
            self.expected.clear();
        }
    }

    fn push(&mut self, line: usize, does: Does) {
        self.plan.steps.push(Step { line, does, said: self.said });
    }

    /// Tells and says all that there is.
    fn settle(&mut self) {
        loop {
            let mut events = self.client.tick(self.now);
            loop {
                match events.next() {
                    Ok(Some(event)) => self.expected.push_back(event.to_string()),
                    Ok(None) => break,
                    Err(error) => {
                        let told = (!self.faulty).then(|| format!("error: {error}"));
                        self.expected.extend(told);
                        self.faulty = true;
                        break;
                    }
                }
            }
            let count = self.client.output().len();
            if count == 0 {
                self.client.tick(self.now);
                return;
            }
            self.due.extend(self.client.output());
            self.said += count;
            self.client.written(count);
        }
    }

    /// All that it has told stands there.
    fn nothing_told(&self) -> Result<(), String> {
        self.expected.front().map_or(Ok(()), |told| Err(format!("it also tells {told:?}")))
    }

    /// And all that it has said.
    fn at_rest(&self) -> Result<(), String> {
        self.nothing_told()?;
        if self.due.is_empty() || !self.strict {
            return Ok(());
        }
        let due: Vec<u8> = self.due.iter().copied().collect();
        Err(format!("it also says {:?}", escape(&due)))
    }
}
