//! Two real machines back to back, on a link that splits what they say at random and loses nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire::transcript::{self, Recorder, Said};
use bellwire::{Abandoned, Client, Event, Reply, Server, ServerConfig, ServerEvent, Ticket};

use super::draw::{Case, Draw, Drawn};
use super::script::Setup;
use super::tongue::Tongue;
use super::tongue::notif::InNotif;
use super::{ALL, Failed, Verdict, check};

const TOPICS: &[&str] = &["random", "classified", "weather", "ünïcode topic"];

/// What happens on either side, and between.
#[derive(Clone, Debug)]
enum Op {
    Random,
    Get(&'static str),
    Abandon(usize),
    Listen,
    Unlisten,
    /// The program of the server answers one of the commands that wait.
    Answer(usize),
    Notify(&'static str),
    /// So many bytes go onto the link; or come from it, to the client or else to the server.
    Send(bool, usize),
    Come(bool, usize),
    Pass(u64),
}

impl Drawn for Op {
    fn draw(draw: &mut Draw<'_>) -> Self {
        let count = draw.one_of(&[ALL, ALL, ALL, 1, 3, 10]);
        match draw.below(100) {
            0..8 => Self::Random,
            8..18 => Self::Get(draw.one_of(TOPICS)),
            18..23 => Self::Abandon(draw.one_of(&[0, 0, 1, 3])),
            23..31 => Self::Listen,
            31..36 => Self::Unlisten,
            36..50 => Self::Answer(draw.one_of(&[0, 0, 1, 2])),
            50..58 => Self::Notify(draw.one_of(TOPICS)),
            58..76 => Self::Send(draw.yes(), count),
            76..97 => Self::Come(draw.yes(), count),
            _ => Self::Pass(draw.one_of(&[1, 5, 20])),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Send(way, 0..100) => vec![Self::Send(*way, ALL)],
            Self::Come(way, 0..100) => vec![Self::Come(*way, ALL)],
            _ => Vec::new(),
        }
    }
}

struct World {
    client: Client<Notif>,
    server: Server<Notif>,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    now: Duration,
    /// The client's commands; those that were not taken back, with what they ask.
    tickets: Vec<Ticket>,
    given: BTreeMap<u64, String>,
    replies: BTreeMap<u64, String>,
    late: BTreeMap<u64, String>,
    abandoned: Vec<u64>,
    /// What the server heard, in order, with its answers; and what waits for one.
    heard: Vec<(String, String)>,
    waiting: Vec<(Ticket, usize)>,
    /// For each topic with something unread, whether the client was told since it came.
    unread: BTreeMap<String, bool>,
    tape: Recorder,
    wrong: Option<String>,
}

impl World {
    fn new(setup: &Setup<InNotif>) -> Self {
        let tape = setup.tape();
        let mut server = ServerConfig::default();
        server.timers.suspend = Duration::MAX;
        server.timers.autologout = None;
        Self {
            client: Client::new(setup.tongue.dialect(), setup.config()),
            server: Server::new(setup.tongue.dialect(), server),
            to_server: Vec::new(),
            to_client: Vec::new(),
            now: Duration::ZERO,
            tickets: Vec::new(),
            given: BTreeMap::new(),
            replies: BTreeMap::new(),
            late: BTreeMap::new(),
            abandoned: Vec::new(),
            heard: Vec::new(),
            waiting: Vec::new(),
            unread: BTreeMap::new(),
            tape,
            wrong: None,
        }
    }

    fn act(&mut self, op: &Op) {
        match op {
            Op::Random => self.ask("random?".into()),
            Op::Get(topic) => self.ask(format!("{topic}?")),
            Op::Abandon(back) => {
                if let Some(index) = self.tickets.len().checked_sub(back + 1) {
                    self.abandon(self.tickets[index]);
                }
            }
            Op::Listen => {
                self.tape.act(&transcript::Act::Listen);
                self.client.listen();
            }
            Op::Unlisten => {
                self.tape.act(&transcript::Act::Unlisten);
                self.client.unlisten();
            }
            Op::Answer(index) => {
                if *index < self.waiting.len() {
                    self.answer(*index);
                }
            }
            Op::Notify(topic) => {
                self.tape.act(&transcript::Act::Notify((*topic).into()));
                self.server.notify(topic).unwrap();
                self.unread.insert((*topic).into(), false);
            }
            Op::Send(true, count) => {
                let due = self.server.output();
                let count = due.len().min(*count);
                self.to_client.extend(&due[..count]);
                self.server.written(count);
            }
            Op::Send(false, count) => {
                let due = self.client.output();
                let count = due.len().min(*count);
                if count > 0 {
                    self.tape.client(&Said::from(&due[..count]));
                }
                self.to_server.extend(&due[..count]);
                self.client.written(count);
            }
            Op::Come(true, count) => {
                let count = self.to_client.len().min(*count);
                let bytes: Vec<u8> = self.to_client.drain(..count).collect();
                if count > 0 {
                    self.tape.server(&Said::from(&bytes[..]));
                }
                self.client.feed(&bytes);
                self.hear_client();
            }
            Op::Come(false, count) => {
                let count = self.to_server.len().min(*count);
                let bytes: Vec<u8> = self.to_server.drain(..count).collect();
                self.server.feed(&bytes);
                self.hear_server();
            }
            Op::Pass(seconds) => {
                self.now += Duration::from_secs(*seconds);
                self.tape.tick(self.now);
            }
        }
        self.client.tick(self.now);
        self.server.tick(self.now);
        self.hear_client();
        self.hear_server();
    }

    fn ask(&mut self, question: String) {
        self.tape.act(&transcript::Act::Command(question.clone().into()));
        let ticket = self.client.command(question.as_str()).unwrap();
        self.tickets.push(ticket);
        self.given.insert(ticket.number(), question);
    }

    fn abandon(&mut self, ticket: Ticket) {
        let number = ticket.number();
        self.tape.act(&transcript::Act::Abandon(number));
        match self.client.abandon(ticket) {
            Abandoned::Withdrawn => drop(self.given.remove(&number)),
            Abandoned::Held => self.abandoned.push(number),
            Abandoned::Settled => {}
        }
    }

    fn answer(&mut self, index: usize) {
        let (ticket, nth) = self.waiting.remove(index);
        let answer = &self.heard[nth].1;
        self.tape.act(&transcript::Act::Reply(ticket.number(), answer.clone().into()));
        self.server.reply(ticket, Reply::done(answer)).unwrap();
    }

    fn hear_client(&mut self) {
        let mut events = self.client.events();
        loop {
            match events.next() {
                Ok(None) => return,
                Ok(Some(event)) => {
                    self.tape.event(event);
                    match event {
                        Event::Reply { ticket, reply } => {
                            self.replies.insert(ticket.number(), text(reply.text));
                        }
                        Event::Late { ticket, text: late } => {
                            self.late.insert(ticket.number(), text(late));
                        }
                        Event::Notification(notification) => {
                            let topic = notification.topic().into_owned();
                            self.unread.entry(topic).and_modify(|told| *told = true);
                        }
                        Event::Listening(_) | Event::NotListening(_) => {}
                        event => self.wrong = Some(format!("the client was told: {event}")),
                    }
                }
                Err(error) => {
                    self.wrong = Some(format!("the client gave up: {error}"));
                    return;
                }
            }
        }
    }

    fn hear_server(&mut self) {
        let mut events = self.server.events();
        loop {
            match events.next() {
                Ok(None) => return,
                Ok(Some(ServerEvent::Command { ticket, text: question })) => {
                    let question = text(question);
                    let nth = self.heard.len();
                    let answer = match question.strip_suffix('?') {
                        Some("random") => format!("{}", 1000 + nth),
                        _ => format!("{question} {nth}"),
                    };
                    self.unread.remove(question.trim_end_matches('?'));
                    self.heard.push((question, answer));
                    self.waiting.push((ticket, nth));
                }
                Ok(Some(event @ (ServerEvent::Rejected { .. } | ServerEvent::Closed(_)))) => {
                    self.wrong = Some(format!("the server was told: {event}"));
                }
                Ok(Some(_)) => {}
                Err(error) => {
                    self.wrong = Some(format!("the server gave up: {error}"));
                    return;
                }
            }
        }
    }

    /// All that is due goes and comes and is answered, until nothing is due.
    fn settle(&mut self) -> Verdict {
        for _ in 0..1000 {
            for op in [Op::Send(false, ALL), Op::Come(false, ALL)] {
                self.act(&op);
            }
            while !self.waiting.is_empty() {
                self.answer(0);
            }
            for op in [Op::Send(true, ALL), Op::Come(true, ALL)] {
                self.act(&op);
            }
            if self.client.output().is_empty() && self.server.output().is_empty() {
                return Ok(());
            }
        }
        self.holds(false, "they talk for ever")
    }

    fn holds(&mut self, holds: bool, what: impl fmt::Display) -> Verdict {
        if holds { Ok(()) } else { Err(Failed(format!("{}# {what}\n", self.tape.take()))) }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn play(setup: Setup<InNotif>, ops: &[Op]) -> Result<World, Failed> {
    let mut world = World::new(&setup.patient());
    ops.iter().for_each(|op| world.act(op));
    world.settle()?;
    Ok(world)
}

/// G1, G2, G3, G7, G24: between two machines every command gets its own answer and no other, and
/// neither end ever hears what it did not expect, wherever the link splits what they say.
#[test]
fn g2_two_machines_understand_each_other() {
    fn property(case: Case<Setup<InNotif>, Op>) -> Verdict {
        let mut world = play(case.setup, &case.turns)?;
        let wrong = world.wrong.take();
        world.holds(wrong.is_none(), format_args!("{wrong:?}"))?;
        let asked: Vec<_> = world.heard.iter().map(|(question, _)| question.clone()).collect();
        let given: Vec<_> = world.given.values().cloned().collect();
        world.holds(asked == given, format_args!("given: {given:?}\n# heard: {asked:?}"))?;

        let answers = world.heard.iter().map(|(_, answer)| answer.clone());
        let (late, replies): (BTreeMap<_, _>, _) = (world.given.keys().copied().zip(answers))
            .partition(|(ticket, _)| world.abandoned.contains(ticket));
        let same = (world.replies == replies) && (world.late == late);
        world.holds(same, format_args!("expected: {replies:?}\n# and for nobody: {late:?}"))
    }
    check(1000, property as fn(_) -> _);
}

/// G8, G24, G25: what is unread is announced to a client that listens in the end, whatever the two
/// machines were doing when it came; and once more to a client that listens again.
#[test]
fn g8_what_is_unread_is_announced() {
    fn property(case: Case<Setup<InNotif>, Op>) -> Verdict {
        let mut world = play(case.setup, &case.turns)?;
        for _ in 0..2 {
            world.act(&Op::Listen);
            world.settle()?;
            let wrong = world.wrong.take();
            world.holds(wrong.is_none(), format_args!("{wrong:?}"))?;
            let listens = world.server.is_listening();
            world.holds(listens, "the server does not know that the client listens")?;
            let unread = world.unread.clone();
            let all = unread.values().all(|told| *told);
            world.holds(all, format_args!("(unread, announced): {unread:?}"))?;

            world.act(&Op::Unlisten);
            world.settle()?;
            world.unread.values_mut().for_each(|told| *told = false);
        }
        Ok(())
    }
    check(1000, property as fn(_) -> _);
}
