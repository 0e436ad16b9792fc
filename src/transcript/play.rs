//! Playing a transcript on a machine: does it say what the transcript says, and take what it hears
//! for what the transcript takes it for?

use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use super::{Act, Said, Step, Transcript, What};
use crate::client::Client;
use crate::dialect::{self, Dialect, ServerDialect, Spoken};
use crate::error::{Error, Refusal, Refused, escape};
use crate::event::{Reply, ServerEvent};
use crate::frame::{self, Framing};
use crate::mode;
use crate::server::Server;
use crate::ticket::Ticket;
use crate::topics::Notify;

/// What a play shows to whoever watches it.
#[derive(Debug)]
pub enum Shown<'a> {
    /// A step of the transcript.
    Step(&'a Step),
    /// What the machine took it for.
    Taken(&'a str),
}

/// Where a machine and a transcript differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Mismatch {
    /// The line of the transcript, from 1; one past the last if something is missing at the end.
    pub line: usize,
    /// What differs.
    pub what: String,
}

/// Plays the client's end of `transcript` on `client`.
///
/// What the client says is compared with what the machine says. Where the machine has nothing to
/// say, the line is taken for the program's doing: a command is given, and in a transcript without
/// `>` lines, `notif` means [`listen`](Client::listen), and so on.
///
/// # Errors
///
/// At the first difference.
pub fn client<D: Dialect>(
    transcript: &Transcript,
    client: Client<D>,
    watch: &mut dyn FnMut(Shown<'_>),
) -> Result<Client<D>, Mismatch> {
    let mut player =
        Player::new(transcript, ClientEnd { client, tickets: Vec::new(), faulty: false }, watch);
    player.play()?;
    Ok(player.end.client)
}

/// Plays the server's end of `transcript` on `server`.
///
/// What the server says is compared with what the machine says. Where the machine has nothing to
/// say, the line is taken for the program's doing: a reply to the oldest command, or a topic that
/// has something new.
///
/// # Errors
///
/// At the first difference.
pub fn server<D: ServerDialect>(
    transcript: &Transcript,
    server: Server<D>,
    watch: &mut dyn FnMut(Shown<'_>),
) -> Result<Server<D>, Mismatch> {
    let mut player = Player::new(
        transcript,
        ServerEnd { server, waiting: VecDeque::new(), faulty: false },
        watch,
    );
    player.play()?;
    Ok(player.end.server)
}

/// The machine of one end.
trait End {
    /// Whether a step is this end's saying; `None` when it is neither's.
    fn says(what: &What) -> Option<(bool, &Said)>;
    fn hear(&mut self, said: &Said);
    fn tick(&mut self, now: Duration);
    /// Does what the program must have done before the machine says what `write`, the rest of one
    /// write, begins with; `said` is all that this end says from here on. In a strict transcript, the
    /// program's wishes about the mode and its news are acts.
    fn prompt(&mut self, write: &[u8], said: &[u8], strict: bool) -> Result<(), String>;
    fn output(&mut self) -> &[u8];
    fn written(&mut self, count: usize);
    /// Whether this end may close the connection now.
    fn hangs_up(&mut self) -> bool;
    /// Does what the program does; says what came of it.
    fn act(&mut self, act: &Act) -> Result<Option<String>, String>;
    /// What happened, in the words of a transcript.
    fn events(&mut self) -> Vec<String>;
}

struct Player<'t, 'w, E> {
    transcript: &'t Transcript,
    end: E,
    watch: &'w mut dyn FnMut(Shown<'_>),
    now: Duration,
    /// All that this end says, and how much of it has been said.
    said: (Vec<u8>, usize),
    taken: VecDeque<String>,
    /// Whether the transcript says what everything is taken for.
    strict: bool,
}

impl<'t, 'w, E: End> Player<'t, 'w, E> {
    fn new(transcript: &'t Transcript, end: E, watch: &'w mut dyn FnMut(Shown<'_>)) -> Self {
        let strict = transcript.steps.iter().any(|step| matches!(step.what, What::Taken(_)));
        let mut said = Vec::new();
        for step in &transcript.steps {
            if let Some((true, Said::Bytes(bytes))) = E::says(&step.what) {
                said.extend_from_slice(bytes);
            }
        }
        let (now, said, taken) = (Duration::ZERO, (said, 0), VecDeque::new());
        Self { transcript, end, watch, now, said, taken, strict }
    }

    fn play(&mut self) -> Result<(), Mismatch> {
        self.tick();
        let mut line = 0;
        for step in &self.transcript.steps {
            line = step.line;
            (self.watch)(Shown::Step(step));
            self.step(&step.what).map_err(|what| Mismatch { line, what })?;
        }
        let end = Mismatch { line: line + 1, what: String::new() };
        self.nothing_taken().map_err(|what| Mismatch { what, ..end.clone() })?;
        match self.end.output() {
            [] => Ok(()),
            more if self.strict => {
                Err(Mismatch { what: format!("the machine also says: {}", escape(more)), ..end })
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, what: &What) -> Result<(), String> {
        if let What::Taken(expected) = what {
            return match self.taken.pop_front() {
                Some(taken) if taken == *expected => Ok(()),
                Some(taken) => Err(format!("taken for: {taken}; expected: {expected}")),
                None => Err(format!("nothing happened; expected: {expected}")),
            };
        }
        self.nothing_taken()?;
        match what {
            What::Passed(time) => {
                self.now += *time;
                self.tick();
            }
            What::Act(act) => {
                let outcome = self.end.act(act)?;
                self.taken.extend(outcome.filter(|_| self.strict));
                self.tick();
            }
            what => match E::says(what) {
                Some((true, Said::Bytes(bytes))) => self.say(bytes)?,
                Some((true, Said::Eof)) if self.strict && !self.end.hangs_up() => {
                    return Err("the machine does not end the connection".to_owned());
                }
                Some((true, _)) => {}
                Some((false, said)) => {
                    self.end.hear(said);
                    self.tick();
                }
                None => {}
            },
        }
        Ok(())
    }

    /// Starts timers, and shows what happened.
    fn tick(&mut self) {
        self.end.tick(self.now);
        let events = self.end.events();
        // An event may have started a timer, which runs from now.
        self.end.tick(self.now);
        for event in &events {
            (self.watch)(Shown::Taken(event));
        }
        if self.strict {
            self.taken.extend(events);
        }
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut text = bytes;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (said, at) = &mut self.said;
            self.end.prompt(text, said.get(*at..).unwrap_or_default(), self.strict)?;
            *at += line.len();
            text = &text[line.len()..];
            let due = self.end.output();
            if !due.starts_with(line) {
                let due = escape(due);
                return Err(match due.is_empty() {
                    true => format!("the machine does not say: {}", escape(line)),
                    false => format!("the machine says: {due}; expected: {}", escape(line)),
                });
            }
            self.end.written(line.len());
            self.tick();
        }
        Ok(())
    }

    fn nothing_taken(&self) -> Result<(), String> {
        match self.taken.front() {
            Some(taken) => Err(format!("this happened, too: {taken}")),
            None => Ok(()),
        }
    }
}

/// The first line, without its end.
fn first_line(text: &[u8]) -> &[u8] {
    match frame::line(text, 0) {
        Framing::Frame { body, .. } => &text[..body],
        _ => text,
    }
}

struct ClientEnd<D: Dialect> {
    client: Client<D>,
    tickets: Vec<Ticket>,
    /// A fault is told once, though the machine says so each time.
    faulty: bool,
}

impl<D: Dialect> ClientEnd<D> {
    fn command(&mut self, text: &[u8], timeout: Option<Duration>) -> Result<(), String> {
        let given = self.client.command_within(text, timeout);
        self.tickets.push(given.map_err(|refused| refused.to_string())?);
        Ok(())
    }

    /// Gives the command whose first line is at `text` in `said`. One that pauses, or holds literals,
    /// goes on in the lines behind it.
    fn command_of(&mut self, said: &[u8], text: Range<usize>) -> Result<(), String> {
        let timeout = self.client.config().timers.reply;
        let mut end = text.end;
        loop {
            let mut more = said[end..].split_inclusive(|byte| *byte == b'\n');
            let (newline, line) = (more.next(), more.next().map(first_line));
            if !line.is_some_and(|line| self.is_continuation(line)) {
                match self.client.command_within(&said[text.start..end], timeout) {
                    Ok(ticket) => {
                        self.tickets.push(ticket);
                        return Ok(());
                    }
                    Err(Refused { why: Refusal::Incomplete(_), .. }) if line.is_some() => {}
                    Err(refused) => return Err(refused.to_string()),
                }
            }
            end += newline.map_or(0, <[u8]>::len) + line.map_or(0, <[u8]>::len);
        }
    }

    /// Whether a line has no tag, where each command has one.
    fn is_continuation(&self, line: &[u8]) -> bool {
        let dialect = self.client.dialect();
        let untagged = matches!(dialect.spoken(line), Spoken::Command { text } if text.start == 0);
        dialect.numbered() && untagged
    }
}

impl<D: Dialect> End for ClientEnd<D> {
    fn says(what: &What) -> Option<(bool, &Said)> {
        match what {
            What::Client(said) => Some((true, said)),
            What::Server(said) => Some((false, said)),
            _ => None,
        }
    }

    fn hear(&mut self, said: &Said) {
        match said {
            Said::Bytes(bytes) => self.client.feed(bytes),
            Said::Eof => self.client.feed_eof(),
            Said::Reset => self.client.feed_reset(),
        };
    }

    fn tick(&mut self, now: Duration) {
        self.client.tick(now);
    }

    fn prompt(&mut self, write: &[u8], said: &[u8], strict: bool) -> Result<(), String> {
        if self.client.has_output() {
            return Ok(());
        }
        let intent = self.client.intent();
        let line = first_line(write);
        match self.client.dialect().spoken(line) {
            Spoken::Enter | Spoken::Leave if strict => {}
            Spoken::Enter if intent != mode::Step::Enter => self.client.listen(),
            Spoken::Leave if !matches!(intent, mode::Step::Leave | mode::Step::Probe) => {
                self.client.unlisten();
            }
            Spoken::Command { text }
                if !matches!(intent, mode::Step::Command | mode::Step::Probe) =>
            {
                self.command_of(said, text)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn output(&mut self) -> &[u8] {
        self.client.output()
    }

    fn written(&mut self, count: usize) {
        self.client.written(count);
    }

    fn hangs_up(&mut self) -> bool {
        true
    }

    fn act(&mut self, act: &Act) -> Result<Option<String>, String> {
        match act {
            Act::Command(text) => {
                let timeout = self.client.config().timers.reply;
                Ok(self.command(text, timeout).err())
            }
            Act::Within(timeout, text) => Ok(self.command(text, Some(*timeout)).err()),
            Act::Listen => {
                self.client.listen();
                Ok(None)
            }
            Act::Unlisten => {
                self.client.unlisten();
                Ok(None)
            }
            Act::Open => {
                self.client.open();
                Ok(None)
            }
            Act::Opening(text) => {
                let given = self.client.opening_command(text.as_slice());
                let given = given.map(|ticket| self.tickets.push(ticket));
                Ok(given.err().map(|refused| refused.to_string()))
            }
            Act::Opened => {
                self.client.opened();
                Ok(None)
            }
            Act::Secured => {
                self.client.secured();
                Ok(None)
            }
            Act::Upgrade => {
                // If it fails, the machine says so with its events.
                let _ = self.client.upgrade();
                Ok(None)
            }
            Act::Abandon(number) => {
                let ticket = self.tickets.iter().find(|ticket| ticket.number() == *number);
                let ticket = *ticket.ok_or("no such ticket was given")?;
                Ok(Some(format!("{} {number}", self.client.abandon(ticket))))
            }
            act => Err(format!("a client does not {act}")),
        }
    }

    fn events(&mut self) -> Vec<String> {
        let mut events = self.client.events();
        tell(&mut self.faulty, || Ok(events.next()?.map(|event| event.to_string())))
    }
}

/// All that a machine has to tell.
fn tell(faulty: &mut bool, mut next: impl FnMut() -> Result<Option<String>, Error>) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        match next() {
            Ok(Some(event)) => told.push(event),
            Ok(None) => return told,
            Err(error) => {
                told.extend((!*faulty).then(|| format!("error: {error}")));
                *faulty = true;
                return told;
            }
        }
    }
}

struct ServerEnd<D: ServerDialect> {
    server: Server<D>,
    /// Commands without a reply, the oldest first.
    waiting: VecDeque<Ticket>,
    /// A fault is told once, though the machine says so each time.
    faulty: bool,
}

impl<D: ServerDialect> ServerEnd<D> {
    fn reply(&mut self, ticket: Ticket, reply: Reply<&[u8]>) -> Result<(), String> {
        self.server.reply(ticket, reply).map_err(|refused| format!("refused: {}", refused.why))?;
        self.waiting.retain(|waiting| *waiting != ticket);
        Ok(())
    }

    fn numbered(&self, number: u64) -> Result<Ticket, String> {
        let found = self.waiting.iter().find(|ticket| ticket.number() == number);
        found.copied().ok_or_else(|| format!("no command {number} waits for a reply"))
    }

    fn notify(&mut self, topic: &[u8]) -> Result<Notify, String> {
        self.server.notify(topic).map_err(|refused| format!("refused: {}", refused.why))
    }
}

impl<D: ServerDialect> End for ServerEnd<D> {
    fn says(what: &What) -> Option<(bool, &Said)> {
        match what {
            What::Client(said) => Some((false, said)),
            What::Server(said) => Some((true, said)),
            _ => None,
        }
    }

    fn hear(&mut self, said: &Said) {
        match said {
            Said::Bytes(bytes) => self.server.feed(bytes),
            Said::Eof => self.server.feed_eof(),
            Said::Reset => self.server.feed_reset(),
        };
    }

    fn tick(&mut self, now: Duration) {
        self.server.tick(now);
    }

    fn prompt(&mut self, text: &[u8], _: &[u8], strict: bool) -> Result<(), String> {
        if !self.server.output().is_empty() {
            return Ok(());
        }
        match self.server.dialect().said(text) {
            dialect::Said::Notification(_) if strict => Ok(()),
            dialect::Said::Notification(topic) => self.notify(&text[topic]).map(drop),
            dialect::Said::Reply(status, at) => match self.waiting.front() {
                Some(ticket) => self.reply(*ticket, Reply { status, text: &text[at] }),
                None => Ok(()),
            },
        }
    }

    fn output(&mut self) -> &[u8] {
        self.server.output()
    }

    fn written(&mut self, count: usize) {
        self.server.written(count);
    }

    fn hangs_up(&mut self) -> bool {
        self.server.is_finished()
    }

    fn act(&mut self, act: &Act) -> Result<Option<String>, String> {
        let outcome = match act {
            Act::Reply(number, text) => {
                self.numbered(*number).and_then(|ticket| self.reply(ticket, Reply::done(text)))
            }
            Act::Refuse(number, text) => {
                self.numbered(*number).and_then(|ticket| self.reply(ticket, Reply::refused(text)))
            }
            Act::Notify(topic) => match self.notify(topic) {
                Ok(how) => {
                    return Ok(Some(format!(
                        "{} {}",
                        format!("{how:?}").to_lowercase(),
                        escape(topic)
                    )));
                }
                Err(why) => Err(why),
            },
            Act::Retract(topic) => {
                self.server.retract(topic);
                Ok(())
            }
            act => return Err(format!("a server does not {act}")),
        };
        Ok(outcome.err())
    }

    fn events(&mut self) -> Vec<String> {
        let Self { server, waiting, faulty } = self;
        let mut events = server.events();
        tell(faulty, || {
            let event = events.next()?;
            if let Some(ServerEvent::Command { ticket, .. }) = event {
                waiting.push_back(ticket);
            }
            Ok(event.map(|event| event.to_string()))
        })
    }
}
