//! Plays transcripts on the machines, and plays them again with the heard bytes in other pieces.
//!
//! `play::client` and `play::server` compare each line with what the machine says and takes. The
//! second player below is simpler, knows only the machines' public verbs, and is stricter in one
//! way: when one end has said something, it must have said all that it had to say.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::collections::VecDeque;
use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire::dialect::{Dialect, Said as Sort, ServerDialect, Spoken};
use bellwire::transcript::play::{self, Shown};
use bellwire::transcript::{Act, Said, Settings, Step, What, escape};
use bellwire::{Client, Config, Reply, Server, ServerEvent, Ticket, Transcript};

/// Plays `text` on a notif client, in all ways.
pub(crate) fn client(text: &str) -> Client<Notif> {
    client_of(&read(text).1.dialect, text)
}

/// Plays `text` on a client of this dialect, in all ways (guarantee G11).
pub(crate) fn client_of<D: Dialect + Clone>(dialect: &D, text: &str) -> Client<D> {
    let (transcript, settings) = read(text);
    let fresh = || Client::new(dialect.clone(), settings.client.clone());
    let played = play::client(&transcript, fresh(), &mut |_| {});
    let played = played.unwrap_or_else(|why| panic!("{why}, in\n{}", numbered(text)));
    in_pieces::<Asking<D>>(text, &transcript, |cut| {
        if is_strict(&transcript) {
            return retell(cut, Asking { client: fresh(), tickets: Vec::new() });
        }
        let mut told = Vec::new();
        play::client(&bare(cut), fresh(), &mut |shown| note(&mut told, &shown)).unwrap();
        told
    });
    played
}

/// Plays `text` on a notif server, in all ways.
pub(crate) fn server(text: &str) -> Server<Notif> {
    server_of(&read(text).1.dialect, text)
}

/// Plays `text` on a server of this dialect, in all ways (guarantee G11).
pub(crate) fn server_of<D: ServerDialect + Clone>(dialect: &D, text: &str) -> Server<D> {
    let (transcript, settings) = read(text);
    let fresh = || Server::new(dialect.clone(), settings.server.clone());
    let played = play::server(&transcript, fresh(), &mut |_| {});
    let played = played.unwrap_or_else(|why| panic!("{why}, in\n{}", numbered(text)));
    in_pieces::<Answering<D>>(text, &transcript, |cut| {
        if is_strict(&transcript) {
            return retell(cut, Answering { server: fresh(), waiting: VecDeque::new() });
        }
        let mut told = Vec::new();
        play::server(&bare(cut), fresh(), &mut |shown| note(&mut told, &shown)).unwrap();
        told
    });
    played
}

/// A client of the default dialect, with one thing configured.
pub(crate) fn plain(change: impl FnOnce(&mut Config)) -> Client<Notif> {
    let mut config = Config::default();
    change(&mut config);
    Client::new(Notif::default(), config)
}

pub(crate) fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// All that is due is taken by the transport.
pub(crate) fn sent<D: Dialect>(client: &mut Client<D>) -> String {
    let due = String::from_utf8(client.output().to_vec()).unwrap();
    client.written(due.len());
    due
}

/// The events that are not told yet; the final error, too.
pub(crate) fn told<D: Dialect>(client: &mut Client<D>) -> Vec<String> {
    let mut told = Vec::new();
    let mut events = client.events();
    while let Some(event) = events.next().transpose() {
        match event {
            Ok(event) => told.push(event.to_string()),
            Err(error) => {
                told.push(format!("error: {error}"));
                break;
            }
        }
    }
    told
}

fn read(text: &str) -> (Transcript, Settings<Notif>) {
    let transcript: Transcript = text.parse().unwrap_or_else(|why| panic!("{why}, in\n{text}"));
    let settings = transcript.configure().unwrap_or_else(|why| panic!("{why}, in\n{text}"));
    (transcript, settings)
}

/// Whether the transcript says what everything is taken for.
fn is_strict(transcript: &Transcript) -> bool {
    transcript.steps.iter().any(|step| matches!(step.what, What::Taken(_)))
}

fn bare(cut: &[What]) -> Transcript {
    let steps = cut.iter().cloned().enumerate().map(|(line, what)| Step { line, what }).collect();
    Transcript { settings: Vec::new(), steps }
}

fn note(told: &mut Vec<String>, shown: &Shown<'_>) {
    if let Shown::Taken(taken) = shown {
        told.push((*taken).to_owned());
    }
}

fn numbered(text: &str) -> String {
    let lines = text.lines().enumerate();
    lines.map(|(index, line)| format!("{:>4}  {line}\n", index + 1)).collect()
}

/// The same bytes give the same events however they are cut: as written, in two at each position,
/// byte by byte, and with neighbouring reads glued together.
fn in_pieces<E: End>(text: &str, transcript: &Transcript, retell: impl Fn(&[What]) -> Vec<String>) {
    let whole: Vec<What> = transcript.steps.iter().map(|step| step.what.clone()).collect();
    let told = retell(&whole);
    let same = |cut: &[What], how: &str| {
        assert_eq!(retell(cut), told, "{how}, in\n{}", numbered(text));
    };
    let mut bytewise = Vec::new();
    for (at, what) in whole.iter().enumerate() {
        let Some(Said::Bytes(bytes)) = E::hears(what) else {
            bytewise.push(what.clone());
            continue;
        };
        bytewise.extend(bytes.chunks(1).map(E::heard));
        for cut in 1..bytes.len() {
            let mut halves = whole.clone();
            halves[at] = E::heard(&bytes[..cut]);
            halves.insert(at + 1, E::heard(&bytes[cut..]));
            same(&halves, &format!("step {at} cut at byte {cut}"));
        }
    }
    same(&bytewise, "byte by byte");
    same(&glued::<E>(&whole), "with reads glued together");
}

fn glued<E: End>(whole: &[What]) -> Vec<What> {
    let mut steps: Vec<What> = Vec::new();
    for what in whole.iter().filter(|what| !matches!(what, What::Taken(_))) {
        match (steps.last().and_then(E::hears), E::hears(what)) {
            (Some(Said::Bytes(before)), Some(Said::Bytes(more))) => {
                let both = E::heard(&[before.as_slice(), more].concat());
                steps.pop();
                steps.push(both);
            }
            _ => steps.push(what.clone()),
        }
    }
    steps
}

/// Plays the steps and says what happened.
fn retell<E: End>(steps: &[What], mut end: E) -> Vec<String> {
    let mut now = Duration::ZERO;
    let mut told = end.tick(now);
    let steps: Vec<_> = steps.iter().filter(|what| !matches!(what, What::Taken(_))).collect();
    for (at, what) in steps.iter().enumerate() {
        match what {
            What::Passed(time) => now += *time,
            What::Act(act) => told.extend(end.act(act)),
            what => match (E::hears(what), E::says(what)) {
                (Some(said), _) => end.hear(said),
                (None, Some(Said::Bytes(bytes))) => {
                    let mut text = bytes.as_slice();
                    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                        end.say(text, line);
                        text = &text[line.len()..];
                    }
                    let goes_on = steps.get(at + 1).is_some_and(|next| E::says(next).is_some());
                    if bytes.ends_with(b"\n") && !goes_on {
                        let more = String::from_utf8_lossy(end.output());
                        assert!(more.is_empty(), "the machine goes on to say {more:?}: {steps:#?}");
                    }
                }
                (None, Some(Said::Eof)) => assert!(end.hangs_up(), "it does not end: {steps:#?}"),
                _ => {}
            },
        }
        told.extend(end.tick(now));
    }
    // A machine that has given up says so each time.
    told.dedup_by(|again, error| again == error && error.starts_with("error: "));
    told
}

/// One end, as this player drives it.
trait End {
    fn hears(what: &What) -> Option<&Said>;
    fn says(what: &What) -> Option<&Said>;
    fn heard(bytes: &[u8]) -> What;
    fn hear(&mut self, said: &Said);
    /// Says `line`, with which `text` begins.
    fn say(&mut self, text: &[u8], line: &[u8]);
    /// Whether this end may close the connection now.
    fn hangs_up(&self) -> bool;
    fn output(&mut self) -> &[u8];
    /// Does what the program does; says what came of it.
    fn act(&mut self, act: &Act) -> Option<String>;
    /// Starts the timers; says what happened.
    fn tick(&mut self, now: Duration) -> Vec<String>;
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

struct Asking<D: Dialect> {
    client: Client<D>,
    tickets: Vec<Ticket>,
}

impl<D: Dialect> Asking<D> {
    fn command(&mut self, text: &[u8], timeout: Option<Duration>) -> Option<String> {
        match self.client.command_within(text, timeout) {
            Ok(ticket) => {
                self.tickets.push(ticket);
                None
            }
            Err(refused) => Some(refused.to_string()),
        }
    }
}

impl<D: Dialect> End for Asking<D> {
    fn hears(what: &What) -> Option<&Said> {
        if let What::Server(said) = what { Some(said) } else { None }
    }

    fn says(what: &What) -> Option<&Said> {
        if let What::Client(said) = what { Some(said) } else { None }
    }

    fn heard(bytes: &[u8]) -> What {
        What::Server(bytes.into())
    }

    fn hear(&mut self, said: &Said) {
        match said {
            Said::Bytes(bytes) => self.client.feed(bytes),
            Said::Eof => self.client.feed_eof(),
            Said::Reset => self.client.feed_reset(),
        };
    }

    fn hangs_up(&self) -> bool {
        true
    }

    fn say(&mut self, _: &[u8], line: &[u8]) {
        if self.client.output().is_empty() {
            match self.client.dialect().spoken(without_end(line)) {
                Spoken::Command { text } => {
                    let timeout = self.client.config().timers.reply;
                    assert_eq!(self.command(&line[text], timeout), None);
                }
                // The mode is switched because the program or a deadline wants it, never because the
                // transcript does.
                _ => panic!("nothing is due, not {}", escape(line)),
            }
        }
        let due = self.client.output();
        assert!(due.starts_with(line), "due: {}, not {}", escape(due), escape(line));
        self.client.written(line.len());
    }

    fn output(&mut self) -> &[u8] {
        self.client.output()
    }

    fn act(&mut self, act: &Act) -> Option<String> {
        match act {
            Act::Command(text) => self.command(text, self.client.config().timers.reply),
            Act::Within(timeout, text) => self.command(text, Some(*timeout)),
            Act::Abandon(number) => {
                let ticket = self.tickets.iter().find(|ticket| ticket.number() == *number);
                Some(format!("{:?} {number}", self.client.abandon(*ticket?)))
            }
            Act::Listen => {
                self.client.listen();
                None
            }
            Act::Unlisten => {
                self.client.unlisten();
                None
            }
            act => panic!("a client does not {act}"),
        }
    }

    fn tick(&mut self, now: Duration) -> Vec<String> {
        self.client.tick(now);
        let mut told = told(&mut self.client);
        // What was told may have started a timer, which asks for a tick at once.
        self.client.tick(now);
        told.extend(self::told(&mut self.client));
        told
    }
}

struct Answering<D: ServerDialect> {
    server: Server<D>,
    waiting: VecDeque<Ticket>,
}

impl<D: ServerDialect> Answering<D> {
    fn reply(&mut self, ticket: Option<Ticket>, reply: Reply<&[u8]>) -> Option<String> {
        let refused = self.server.reply(ticket?, reply).err();
        if refused.is_none() {
            self.waiting.retain(|waiting| Some(*waiting) != ticket);
        }
        refused.map(|refused| refused.why.to_string())
    }

    fn numbered(&self, number: u64) -> Option<Ticket> {
        self.waiting.iter().copied().find(|ticket| ticket.number() == number)
    }
}

impl<D: ServerDialect> End for Answering<D> {
    fn hears(what: &What) -> Option<&Said> {
        Asking::<Notif>::says(what)
    }

    fn says(what: &What) -> Option<&Said> {
        Asking::<Notif>::hears(what)
    }

    fn heard(bytes: &[u8]) -> What {
        What::Client(bytes.into())
    }

    fn hear(&mut self, said: &Said) {
        match said {
            Said::Bytes(bytes) => self.server.feed(bytes),
            Said::Eof => self.server.feed_eof(),
            Said::Reset => self.server.feed_reset(),
        };
    }

    fn hangs_up(&self) -> bool {
        self.server.is_finished()
    }

    fn say(&mut self, text: &[u8], line: &[u8]) {
        if self.server.output().is_empty() {
            match self.server.dialect().said(text) {
                // What is new is the program's act, never the transcript's.
                Sort::Notification(_) => panic!("nothing is due, not {}", escape(line)),
                Sort::Reply(status, at) => {
                    let ticket = self.waiting.front().copied();
                    assert_eq!(self.reply(ticket, Reply { status, text: &text[at] }), None);
                }
                sort => panic!("{sort:?}"),
            }
        }
        let due = self.server.output();
        assert!(due.starts_with(line), "due: {}, not {}", escape(due), escape(line));
        self.server.written(line.len());
    }

    fn output(&mut self) -> &[u8] {
        self.server.output()
    }

    fn act(&mut self, act: &Act) -> Option<String> {
        match act {
            Act::Reply(number, text) => self.reply(self.numbered(*number), Reply::done(text)),
            Act::Refuse(number, text) => self.reply(self.numbered(*number), Reply::refused(text)),
            Act::Notify(topic) => Some(format!("{:?}", self.server.notify(topic))),
            Act::Retract(topic) => {
                self.server.retract(topic);
                None
            }
            act => panic!("a server does not {act}"),
        }
    }

    fn tick(&mut self, now: Duration) -> Vec<String> {
        let mut told = Vec::new();
        let mut events = self.server.tick(now);
        loop {
            match events.next() {
                Ok(Some(event)) => {
                    if let ServerEvent::Command { ticket, .. } = event {
                        self.waiting.push_back(ticket);
                    }
                    told.push(event.to_string());
                }
                Ok(None) => return told,
                Err(error) => {
                    told.push(format!("error: {error}"));
                    return told;
                }
            }
        }
    }
}
