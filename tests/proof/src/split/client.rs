//! A client that hears what a script says.

use std::time::Duration;

use bellwire::dialect::Dialect;
use bellwire::transcript::{Act, Configured, Said, Settings};
use bellwire::{Client, Config, Ticket};

use super::given_up::GivenUp;
use super::{Ear, Log, Takes};
use crate::outcomes::Outcomes;

pub(super) struct Hearing<D: Dialect> {
    client: Client<D>,
    dialect: D,
    given: Vec<Ticket>,
    outcomes: Outcomes,
    now: Duration,
    given_up: GivenUp,
}

impl<D: Dialect + Configured> Hearing<D> {
    pub(super) fn new(dialect: D, config: Config) -> Self {
        Self {
            client: Client::new(dialect.clone(), config),
            dialect,
            given: Vec::new(),
            outcomes: Outcomes::default(),
            now: Duration::ZERO,
            given_up: GivenUp::default(),
        }
    }

    fn give(&mut self, text: &[u8], within: Option<u64>, log: &mut Log) {
        let timeout = within.map(Duration::from_secs);
        log.tape(|tape| {
            tape.act(&match timeout {
                Some(timeout) => Act::Within(timeout, text.into()),
                None => Act::Command(text.into()),
            });
        });
        let given = self.client.command_within(text, timeout);
        self.given_as(given.map_err(|refused| refused.why), log);
    }

    fn given_as(&mut self, given: Result<Ticket, bellwire::Refusal>, log: &mut Log) {
        log.note(given);
        match given {
            Ok(ticket) => {
                self.given_up.not_yet("accepted");
                self.given.push(ticket);
                self.outcomes.given(ticket);
            }
            Err(why) => log.tape(|tape| tape.event(format_args!("refused: {why}"))),
        }
    }

    fn abandon(&mut self, back: usize, log: &mut Log) {
        let Some(ticket) = self.given.iter().rev().nth(back).copied() else { return };
        let became = self.client.abandon(ticket);
        log.note(became);
        log.tape(|tape| tape.act(&Act::Abandon(ticket.number())));
        self.outcomes.abandoned(ticket, became);
    }

    fn write(&mut self, most: usize, log: &mut Log) {
        let due = self.client.output();
        let count = due.len().min(most);
        let written = due[..count].to_vec();
        self.client.written(count);
        log.note(&written);
        if count > 0 {
            log.tape(|tape| tape.client(&Said::Bytes(written)));
        }
        self.tick(0, log);
    }

    fn tick(&mut self, millis: u64, log: &mut Log) {
        self.now += Duration::from_millis(millis);
        let now = self.now;
        log.tape(|tape| tape.tick(now));
        // What an event has started runs from now.
        for _ in 0..2 {
            self.client.tick(now);
            self.events(log);
        }
    }

    fn events(&mut self, log: &mut Log) {
        let Self { client, outcomes, given_up, .. } = self;
        let mut events = client.events();
        loop {
            match events.next() {
                Ok(None) => return given_up.not_yet("nothing"),
                Ok(Some(event)) => {
                    given_up.not_yet(event);
                    log.tape(|tape| tape.event(event));
                    outcomes.told(&event);
                    let shape = event.map(|text| log.told.extend_from_slice(text));
                    log.note(shape);
                }
                Err(error) => {
                    given_up.says(&error, log);
                    outcomes.all_told();
                    return;
                }
            }
        }
    }
}

impl<D: Dialect + Configured> Ear for Hearing<D> {
    fn settings(&self) -> Vec<(&'static str, String)> {
        Settings::of(self.client.config(), &self.dialect)
    }

    fn hear(&mut self, bytes: &[u8], log: &mut Log) {
        log.tape(|tape| tape.server(&bytes.into()));
        self.client.feed(bytes);
        self.events(log);
    }

    /// | letter | what the program does |
    /// |---|---|
    /// | `c`, `C` | gives the text as a command, without a deadline or with one of 5 s |
    /// | `l`, `u` | listens, listens no more |
    /// | `a`, `b` | abandons the last command, the last but one |
    /// | `w`, `v` | the transport takes all that is due, or three bytes |
    /// | `o` | looks at what is due |
    /// | `0` to `9` | time passes, from nothing to two hours |
    /// | `O`, `Q`, `P` | it has to begin, with this text as a command, has begun |
    /// | `S`, `U` | nobody can listen in, the stream has changed |
    /// | `E`, `R` | the connection ends, or breaks |
    fn act(&mut self, letter: u8, text: &[u8], log: &mut Log) -> Option<Takes> {
        const MILLIS: [u64; 10] =
            [0, 1, 1000, 5000, 10_000, 30_000, 60_000, 300_000, 1_680_000, 7_200_000];
        match letter {
            b'c' | b'C' => {
                self.give(text, (letter == b'C').then_some(5), log);
                self.tick(0, log);
                return Some(Takes::Text);
            }
            b'Q' => {
                log.tape(|tape| tape.act(&Act::Opening(text.into())));
                let given = self.client.opening_command(text);
                self.given_as(given.map_err(|refused| refused.why), log);
                return Some(Takes::Text);
            }
            b'l' => {
                log.tape(|tape| tape.act(&Act::Listen));
                self.client.listen();
            }
            b'u' => {
                log.tape(|tape| tape.act(&Act::Unlisten));
                self.client.unlisten();
            }
            b'a' | b'b' => self.abandon(usize::from(letter - b'a'), log),
            b'w' => self.write(usize::MAX, log),
            b'v' => self.write(3, log),
            b'o' => {
                log.tape(|tape| tape.act(&Act::Decide));
                self.client.output();
            }
            b'0'..=b'9' => self.tick(MILLIS[usize::from(letter - b'0')], log),
            b'O' => {
                log.tape(|tape| tape.act(&Act::Open));
                self.client.open();
            }
            b'P' => {
                log.tape(|tape| tape.act(&Act::Opened));
                self.client.opened();
            }
            b'S' => {
                log.tape(|tape| tape.act(&Act::Secured));
                self.client.secured();
            }
            b'U' => {
                log.tape(|tape| tape.act(&Act::Upgrade));
                let upgraded = self.client.upgrade();
                log.note(upgraded);
            }
            b'E' => {
                log.tape(|tape| tape.server(&Said::Eof));
                self.client.feed_eof();
            }
            b'R' => {
                log.tape(|tape| tape.server(&Said::Reset));
                self.client.feed_reset();
            }
            _ => return None,
        }
        self.events(log);
        Some(Takes::Nothing)
    }

    fn look(&mut self, log: &mut Log) {
        let client = &self.client;
        log.note((client.phase(), client.is_listening(), client.is_refused()));
        log.note((client.unsolicited(), client.pending(), client.deadline()));
        log.note((client.is_greeted(), client.is_closed(), client.is_upgrading()));
        log.note(client.asking().collect::<Vec<_>>());
    }

    fn end(&mut self, log: &mut Log) {
        self.write(usize::MAX, log);
        self.look(log);
        self.act(b'E', b"", log);
        self.look(log);
        self.outcomes.all_told();
        assert_eq!(self.client.pending(), 0, "G1");

        // G18: nothing moves it any more.
        let told = log.told.len();
        for bytes in [&b"OK\r\n"[..], b"A1 OK\r\n", b"random?\r\n"] {
            self.hear(bytes, log);
        }
        self.client.listen();
        assert!(self.client.command(&b"status"[..]).is_err(), "G18: accepted behind the end");
        for _ in 0..3 {
            self.tick(7_200_000, log);
        }
        assert_eq!(log.told.len(), told, "G18: it goes on behind the end");
        assert_eq!(self.client.deadline(), None, "G18");
        assert!(self.client.output().is_empty(), "G18");
    }
}
