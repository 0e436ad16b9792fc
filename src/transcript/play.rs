//! Playing a transcript on a machine: does it say what the transcript says, and take what it hears
//! for what the transcript takes it for?

use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Act, Said, Step, Transcript, What};
use crate::client::Client;
use crate::dialect::{Dialect, ServerDialect};
use crate::error::{Error, escape};
use crate::frame::{self, Framing};
use crate::server::Server;

mod client_end;
mod server_end;

use client_end::ClientEnd;
use server_end::ServerEnd;

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
    let mut player = Player::new(transcript, ClientEnd::new(client), watch);
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
    let mut player = Player::new(transcript, ServerEnd::new(server), watch);
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
