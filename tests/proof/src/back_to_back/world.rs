//! A client, a server, the programs that use them, and what is between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arbitrary::Unstructured;
use bellwire::transcript::{Act, Said, escape};
use bellwire::{
    Client, Closed, Config, Error, Event, Failure, Reply, Server, ServerConfig, ServerEvent,
    Status, Ticket,
};

use super::Spoken;
use super::link::Link;
use crate::cases::{Tape, one_of};
use crate::outcomes::{Outcome, Outcomes};

const ALL: usize = usize::MAX;

pub(super) struct World<'a, D: Spoken> {
    dialect: &'a D,
    configured: (&'a Config, &'a ServerConfig),
    /// Neither end gives the other up.
    patient: bool,
    client: Client<D>,
    server: Server<D>,
    to_server: Link,
    to_client: Link,
    /// The connection has ended, or one of them has given up.
    lost: bool,
    now: Duration,
    /// What was asked, and what the client was told about it.
    asked: BTreeMap<Ticket, Asked>,
    outcomes: Outcomes,
    questions: usize,
    /// What the server heard, in order, with its answers.
    heard: Vec<Heard>,
    waiting: Vec<(Ticket, usize)>,
    /// For each topic that is announced, whether the client was told since.
    news: BTreeMap<&'static str, bool>,
    announced: BTreeSet<&'static str>,
    tape: &'a mut Tape,
}

struct Heard {
    question: Vec<u8>,
    answer: Option<Reply<Vec<u8>>>,
}

struct Asked {
    question: Vec<u8>,
    told: Vec<u8>,
    reply: Option<Reply<Vec<u8>>>,
    /// What came when nobody wanted it any more.
    late: Vec<Vec<u8>>,
}

impl<'a, D: Spoken> World<'a, D> {
    pub(super) fn new(
        dialect: &'a D,
        client: &'a Config,
        server: &'a ServerConfig,
        patient: bool,
        tape: &'a mut Tape,
    ) -> Self {
        Self {
            dialect,
            configured: (client, server),
            patient,
            client: Client::new(dialect.clone(), client.clone()),
            server: Server::new(dialect.clone(), server.clone()),
            to_server: Link::default(),
            to_client: Link::default(),
            lost: false,
            now: Duration::ZERO,
            asked: BTreeMap::new(),
            outcomes: Outcomes::default(),
            questions: 0,
            heard: Vec::new(),
            waiting: Vec::new(),
            news: BTreeMap::new(),
            announced: BTreeSet::new(),
            tape,
        }
    }

    /// Something happens.
    pub(super) fn step(&mut self, u: &mut Unstructured<'_>) {
        const SOME: &[usize] = &[ALL, 1, 2, 3, 10];
        const LATER: &[u64] = &[0, 5, 200, 3000];
        let index = |u: &mut Unstructured<'_>| one_of(u, &[0, 1, 2, 3]);
        match u.int_in_range(0..=15).unwrap_or_default() {
            0 | 1 => self.ask(u.arbitrary::<u8>().unwrap_or_default().into()),
            2 => self.abandon(index(u)),
            3 => self.listen(),
            4 => self.unlisten(),
            5 | 6 => {
                let status = one_of(u, &[Status::Done, Status::Done, Status::Refused]);
                self.answer(index(u), status);
            }
            7 | 8 => self.announce(one_of(u, D::TOPICS)),
            9 | 10 => self.client_says(one_of(u, SOME), one_of(u, LATER)),
            11 => self.server_says(one_of(u, SOME), one_of(u, LATER)),
            12 => self.client_hears(one_of(u, SOME)),
            13 => self.server_hears(one_of(u, SOME)),
            14 => {
                let millis = [0, 5, 200, 3000, 11_000, 31_000, 70_000, 2_000_000];
                self.now += Duration::from_millis(one_of(u, &millis));
            }
            _ => match u.arbitrary().unwrap_or_default() {
                0_u8..4 => self.connect_anew(),
                4..40 => self.lose(one_of(u, &[false, true])),
                // A good moment for all that is due.
                _ => self.settle(),
            },
        }
        self.tick();
    }

    fn ask(&mut self, kind: usize) {
        self.questions += 1;
        let question = D::question(kind, self.questions);
        self.show(|tape| tape.act(&Act::Command(question.clone())));
        match self.client.command(question.as_slice()) {
            Ok(ticket) => {
                self.outcomes.given(ticket);
                self.asked.insert(
                    ticket,
                    Asked { question, told: Vec::new(), reply: None, late: Vec::new() },
                );
            }
            Err(_) => assert!(self.lost || !self.patient, "refused: {}", escape(&question)),
        }
    }

    fn abandon(&mut self, back: usize) {
        let Some(ticket) = self.asked.keys().rev().nth(back).copied() else { return };
        self.show(|tape| tape.act(&Act::Abandon(ticket.number())));
        self.outcomes.abandoned(ticket, self.client.abandon(ticket));
    }

    fn listen(&mut self) {
        self.show(|tape| tape.act(&Act::Listen));
        self.client.listen();
    }

    fn unlisten(&mut self) {
        self.show(|tape| tape.act(&Act::Unlisten));
        self.client.unlisten();
    }

    fn answer(&mut self, index: usize, status: Status) {
        if index >= self.waiting.len() {
            return;
        }
        let (ticket, nth) = self.waiting.remove(index);
        let heard = &mut self.heard[nth];
        let reply = D::answer(&heard.question, nth, status);
        heard.answer = Some(reply.clone());
        let number = ticket.number();
        self.show(|tape| {
            let text = reply.text.clone();
            tape.act(&match reply.status {
                Status::Done => Act::Reply(number, text),
                Status::Refused => Act::Refuse(number, text),
            });
        });
        let given = self.server.reply(ticket, reply.clone());
        assert!(given.is_ok() || self.lost, "refused: {}", escape(&reply.text));
    }

    fn announce(&mut self, topic: &'static str) {
        self.show(|tape| tape.act(&Act::Notify(topic.into())));
        let announced = self.server.notify(topic);
        assert!(announced.is_ok() || self.lost, "refused: {topic}");
        self.news.insert(topic, false);
        self.announced.insert(topic);
    }

    fn client_says(&mut self, most: usize, later: u64) {
        let due = self.client.output();
        let due = due[..due.len().min(most)].to_vec();
        self.client.written(due.len());
        if !due.is_empty() {
            self.show(|tape| tape.client(&Said::from(&*due)));
            self.to_server.send(&due, self.now + Duration::from_millis(later));
        }
    }

    fn server_says(&mut self, most: usize, later: u64) {
        let due = self.server.output();
        let due = due[..due.len().min(most)].to_vec();
        self.server.written(due.len());
        self.to_client.send(&due, self.now + Duration::from_millis(later));
    }

    fn client_hears(&mut self, most: usize) {
        let come = self.to_client.come(most, self.now);
        if !come.is_empty() {
            self.show(|tape| tape.server(&Said::from(&*come)));
        }
        self.client.feed(&come);
        self.client_told();
    }

    fn server_hears(&mut self, most: usize) {
        if !self.server.wants_input() {
            return;
        }
        let come = self.to_server.come(most, self.now);
        self.server.feed(&come);
        self.server_told();
    }

    fn tick(&mut self) {
        let now = self.now;
        self.show(|tape| tape.tick(now));
        for _ in 0..2 {
            self.client.tick(now);
            self.client_told();
            self.server.tick(now);
            self.server_told();
        }
    }

    fn client_told(&mut self) {
        let mut gone = false;
        let mut events = self.client.events();
        loop {
            let event = match events.next() {
                Ok(None) => break,
                Ok(Some(event)) => event,
                Err(error) => {
                    let gave_up =
                        matches!(error, Error::TimedOut(_) | Error::Desynchronised { .. });
                    assert!(gave_up && (self.lost || !self.patient), "the client: {error}");
                    self.outcomes.all_told();
                    gone = true;
                    break;
                }
            };
            if let Some(tape) = &mut *self.tape {
                tape.event(event);
            }
            self.outcomes.told(&event);
            match event {
                Event::Part { ticket, text } => {
                    let told = &mut self.asked.get_mut(&ticket).expect("it was given").told;
                    told.extend_from_slice(text);
                    told.push(b'\n');
                }
                Event::Piece { ticket: Some(ticket), text, .. } => {
                    if let Some(asked) = self.asked.get_mut(&ticket) {
                        asked.told.extend_from_slice(text);
                    }
                }
                Event::Reply { ticket, reply } => {
                    let asked = self.asked.get_mut(&ticket).expect("it was given");
                    let text = [&asked.told, reply.text].concat();
                    asked.reply = Some(Reply { status: reply.status, text });
                }
                Event::Notification(it) => {
                    let topic = it.topic();
                    assert!(self.announced.contains(&*topic), "nobody has announced {topic}");
                    if let Some(told) = self.news.get_mut(&*topic) {
                        *told = true;
                    }
                }
                Event::Closed(Closed::Cleanly | Closed::MidFrame { .. } | Closed::Reset) => {
                    assert!(self.lost, "it was not lost");
                }
                Event::Greeting(_) | Event::Listening(_) | Event::NotListening(_) => {}
                Event::Late { ticket, text } => {
                    let asked = self.asked.get_mut(&ticket).expect("it was given");
                    asked.late.push(text.to_vec());
                }
                Event::Failed { why, .. } => {
                    assert!(self.lost || !self.patient, "without need: {why}");
                }
                event => panic!("the client was told: {event}"),
            }
        }
        self.lost |= gone;
    }

    fn server_told(&mut self) {
        let mut events = self.server.events();
        loop {
            match events.next() {
                Ok(None) => return,
                Ok(Some(ServerEvent::Command { ticket, text, .. })) if text == D::PROBE => {
                    let alive = events.reply(ticket, Reply::done(""));
                    alive.expect("it waits");
                }
                Ok(Some(ServerEvent::Command { ticket, text, .. })) => {
                    if let Some(topic) = D::reads(text) {
                        self.news.remove(topic);
                    }
                    self.waiting.push((ticket, self.heard.len()));
                    self.heard.push(Heard { question: text.to_vec(), answer: None });
                }
                Ok(Some(ServerEvent::Closed(_))) => assert!(self.lost, "it was not lost"),
                Ok(Some(event @ (ServerEvent::Rejected { .. } | ServerEvent::Goodbye(_)))) => {
                    panic!("the server was told: {event}");
                }
                Ok(Some(_)) => {}
                Err(error) => {
                    let gave_up = matches!(error, Error::TimedOut(_));
                    assert!(gave_up && (self.lost || !self.patient), "the server: {error}");
                    self.lost = true;
                    return;
                }
            }
        }
    }

    /// All that is due goes and comes and is answered, until nothing is due.
    fn settle(&mut self) {
        // With little room, each command takes its own way in and out of the mode.
        for _ in 0..100 + 10 * self.client.pending() {
            self.client_says(ALL, 0);
            self.server_says(ALL, 0);
            let last = self.to_server.last().max(self.to_client.last());
            self.now = self.now.max(last.unwrap_or_default());
            self.tick();
            self.server_hears(ALL);
            self.client_hears(ALL);
            while !self.waiting.is_empty() && !self.lost {
                self.answer(0, Status::Done);
            }
            self.tick();
            let links = self.to_server.last().or(self.to_client.last());
            let quiet = self.client.output().is_empty() && self.server.output().is_empty();
            if self.lost || (quiet && links.is_none() && self.server.pending() == 0) {
                return;
            }
        }
        panic!("they talk for ever");
    }

    /// The connection breaks, with what is on it.
    fn lose(&mut self, reset: bool) {
        self.lost = true;
        (self.to_server, self.to_client) = (Link::default(), Link::default());
        self.show(|tape| tape.server(if reset { &Said::Reset } else { &Said::Eof }));
        if reset {
            self.client.feed_reset();
            self.server.feed_reset();
        } else {
            self.client.feed_eof();
            self.server.feed_eof();
        }
        self.tick();
    }

    /// The next connection. What was announced and not asked for is announced again (G22).
    fn connect_anew(&mut self) {
        self.close();
        self.client = self.client.successor(self.dialect.clone());
        self.server = Server::new(self.dialect.clone(), self.configured.1.clone());
        self.lost = false;
        (self.now, self.outcomes) = (Duration::ZERO, Outcomes::default());
        self.asked.clear();
        self.heard.clear();
        self.waiting.clear();
        let topics: Vec<_> = self.news.keys().copied().collect();
        topics.into_iter().for_each(|topic| self.announce(topic));
    }

    /// The connection ends, and all has its outcome.
    fn close(&mut self) {
        self.lose(false);
        self.outcomes.all_told();
        assert_eq!(self.client.pending(), 0, "G1");
        self.check_answers();
    }

    /// The end of the case: all is told, and the connection ends.
    pub(super) fn end(&mut self) {
        self.settle();
        if !self.lost {
            assert_eq!(self.client.pending(), 0, "G1: not all is answered");
            self.check_news();
        }
        self.close();
    }

    /// G2, G3, G24: the server has heard what was sent, in that order, and each answer has reached its
    /// question.
    fn check_answers(&self) {
        let mut heard = self.heard.iter();
        for (ticket, asked) in &self.asked {
            let outcome = self.outcomes.of(*ticket);
            let never_sent = matches!(outcome, Outcome::Failed(Failure::NeverSent(_)));
            if never_sent || outcome == Outcome::Withdrawn {
                continue;
            }
            let mut answers = Vec::new();
            for expected in D::heard(&asked.question) {
                let Some(Heard { question, answer }) = heard.next() else { break };
                assert_eq!(escape(question), escape(&expected), "G24: out of order");
                let Some(answer) = answer else { continue };
                answers.push(answer.clone());
                if answer.status == Status::Refused {
                    break;
                }
            }
            if asked.reply.is_none() && asked.late.is_empty() {
                continue;
            }
            let right = D::told(&asked.question, &answers);
            for late in &asked.late {
                let part = escape(&right.text).contains(&escape(late));
                assert!(part, "G3: to {ticket}: {}", escape(late));
            }
            if let Some(reply) = &asked.reply {
                assert_eq!(escape(&reply.text), escape(&right.text), "G2: to {ticket}");
                assert_eq!(reply.status, right.status, "G2: to {ticket}");
            }
        }
        assert!(heard.next().is_none(), "the server has heard what nobody has said");
    }

    /// G8, G25: whoever listens is told of all that is new, whatever was under way when it came; where it
    /// is announced until it is asked for, again whenever he listens again.
    fn check_news(&mut self) {
        for _ in 0..if D::UNTIL_ASKED { 2 } else { 1 } {
            self.listen();
            self.settle();
            if self.lost {
                return;
            }
            assert!(self.server.is_listening(), "the server does not know that somebody listens");
            let told = self.news.values().all(|told| *told);
            assert!(told, "G8: announced, and whether it was told: {:?}", self.news);
            self.unlisten();
            self.settle();
            self.news.values_mut().for_each(|told| *told = false);
        }
    }

    fn show(&mut self, record: impl FnOnce(&mut bellwire::transcript::Recorder)) {
        if let Some(tape) = &mut *self.tape {
            record(tape);
        }
    }
}
