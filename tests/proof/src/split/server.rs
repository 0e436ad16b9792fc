//! A server that hears what a script says.

use std::collections::VecDeque;
use std::time::Duration;

use bellwire::dialect::ServerDialect;
use bellwire::transcript::{Act, Configured, Said};
use bellwire::{Reply, Server, ServerConfig, ServerEvent, Status, Ticket};

use super::given_up::GivenUp;
use super::{Ear, Log, Takes};

pub(super) struct Serving<D: ServerDialect> {
    server: Server<D>,
    dialect: D,
    config: ServerConfig,
    /// Commands without a reply, the oldest first.
    waiting: VecDeque<Ticket>,
    last: Option<Ticket>,
    now: Duration,
    given_up: GivenUp,
}

impl<D: ServerDialect + Configured> Serving<D> {
    pub(super) fn new(dialect: D, config: ServerConfig) -> Self {
        Self {
            server: Server::new(dialect.clone(), config.clone()),
            dialect,
            config,
            waiting: VecDeque::new(),
            last: None,
            now: Duration::ZERO,
            given_up: GivenUp::default(),
        }
    }

    /// Whether the answer was accepted.
    fn reply(&mut self, index: usize, status: Status, text: &[u8], log: &mut Log) -> bool {
        let Some(ticket) = self.waiting.get(index).copied() else { return false };
        log.tape(|tape| {
            tape.act(&match status {
                Status::Done => Act::Reply(ticket.number(), text.into()),
                Status::Refused => Act::Refuse(ticket.number(), text.into()),
            });
        });
        let given = self.server.reply(ticket, Reply { status, text });
        let given = given.map_err(|refused| refused.why);
        log.note(given);
        match given {
            Ok(()) => {
                self.given_up.not_yet("accepted");
                self.waiting.remove(index);
                let again = self.server.reply(ticket, Reply { status, text });
                assert!(again.is_err(), "G24: answered twice: {ticket}");
            }
            Err(why) => log.tape(|tape| tape.event(format_args!("refused: {why}"))),
        }
        given.is_ok()
    }

    fn write(&mut self, most: usize, log: &mut Log) {
        let due = self.server.output();
        let count = due.len().min(most);
        let written = due[..count].to_vec();
        self.server.written(count);
        log.note(&written);
        if count > 0 {
            log.tape(|tape| tape.server(&Said::Bytes(written)));
        }
        self.tick(0, log);
    }

    fn tick(&mut self, seconds: u64, log: &mut Log) {
        self.now += Duration::from_secs(seconds);
        let now = self.now;
        log.tape(|tape| tape.tick(now));
        // What an event has started runs from now.
        for _ in 0..2 {
            self.server.tick(now);
            self.events(log);
        }
    }

    fn events(&mut self, log: &mut Log) {
        let Self { server, waiting, last, given_up, .. } = self;
        let mut events = server.events();
        loop {
            match events.next() {
                Ok(None) => return given_up.not_yet("nothing"),
                Ok(Some(event)) => {
                    given_up.not_yet(event);
                    log.tape(|tape| tape.event(event));
                    if let ServerEvent::Command { ticket, .. } = event {
                        assert!(last.replace(ticket) < Some(ticket), "used twice: {ticket}");
                        waiting.push_back(ticket);
                    }
                    let shape = event.map(|text| {
                        log.told.extend_from_slice(text);
                        []
                    });
                    log.note(shape);
                }
                Err(error) => {
                    given_up.says(&error, log);
                    return;
                }
            }
        }
    }
}

impl<D: ServerDialect + Configured> Ear for Serving<D> {
    fn settings(&self) -> Vec<(&'static str, String)> {
        let limits = &self.config.limits;
        let limits = [
            ("frame", limits.frame),
            ("pending", limits.pending),
            ("output", limits.output),
            ("topics", limits.topics),
        ];
        let limits = limits.into_iter().map(|(name, limit)| (name, limit.to_string()));
        self.dialect.settings().into_iter().chain(limits).collect()
    }

    fn hear(&mut self, bytes: &[u8], log: &mut Log) {
        log.tape(|tape| tape.client(&bytes.into()));
        self.server.feed(bytes);
        self.events(log);
    }

    /// | letter | what the program does |
    /// |---|---|
    /// | `r`, `q` | answers the oldest command with the text, or the second |
    /// | `f` | refuses the oldest with it |
    /// | `n`, `t` | announces the topic of this name, or takes it back |
    /// | `w`, `v` | the transport takes all that is due, or three bytes |
    /// | `0` to `9` | time passes, from nothing to two hours |
    /// | `E`, `R` | the connection ends, or breaks |
    fn act(&mut self, letter: u8, text: &[u8], log: &mut Log) -> Option<Takes> {
        const SECONDS: [u64; 10] = [0, 1, 5, 10, 30, 60, 300, 1680, 1800, 7200];
        let mut takes = Takes::Text;
        match letter {
            b'r' => drop(self.reply(0, Status::Done, text, log)),
            b'q' => drop(self.reply(1, Status::Done, text, log)),
            b'f' => drop(self.reply(0, Status::Refused, text, log)),
            b'n' => {
                log.tape(|tape| tape.act(&Act::Notify(text.into())));
                let announced = self.server.notify(text);
                log.note(announced.map_err(|refused| refused.why));
            }
            b't' => {
                log.tape(|tape| tape.act(&Act::Retract(text.into())));
                self.server.retract(text);
            }
            _ => takes = Takes::Nothing,
        }
        match letter {
            b'r' | b'q' | b'f' | b'n' | b't' => {}
            b'w' => self.write(usize::MAX, log),
            b'v' => self.write(3, log),
            b'0'..=b'9' => self.tick(SECONDS[usize::from(letter - b'0')], log),
            b'E' => {
                log.tape(|tape| tape.client(&Said::Eof));
                self.server.feed_eof();
            }
            b'R' => {
                log.tape(|tape| tape.client(&Said::Reset));
                self.server.feed_reset();
            }
            _ => return None,
        }
        self.events(log);
        Some(takes)
    }

    fn look(&mut self, log: &mut Log) {
        let server = &self.server;
        log.note((server.is_listening(), server.is_finished(), server.wants_input()));
        log.note((server.pending(), server.deadline()));
    }

    fn end(&mut self, log: &mut Log) {
        self.act(b'E', b"", log);
        // What waits for an answer, or for room in the output, holds up what comes behind it.
        while !self.server.output().is_empty() || self.reply(0, Status::Done, b"", log) {
            self.write(usize::MAX, log);
            self.look(log);
        }
        if !self.given_up.has() && self.waiting.is_empty() {
            assert!(self.server.is_finished(), "G24: all is answered, and it is not finished");
            assert_eq!(self.server.pending(), 0, "G24");
        }

        // G18: nothing moves it any more.
        let told = log.told.len();
        self.hear(b"random?\r\nping\r\n", log);
        assert!(self.server.notify("player").is_err(), "G18: accepted behind the end");
        for _ in 0..3 {
            self.tick(7200, log);
        }
        assert_eq!(log.told.len(), told, "G18: it goes on behind the end");
        assert_eq!(self.server.deadline(), None, "G18");
        assert!(self.server.output().is_empty(), "G18");
    }
}
