//! G1, G2, G3, G7, G8, G24: the two machines of a dialect back to back, on a link that takes its time,
//! splits what they say, and may break. Neither ever hears what it did not expect; each command has its one
//! outcome, and its own answer and no other; what is announced shows.
//!
//! With the patience that is configured by default, or less, either may give the other up; without an end to
//! patience, none may.

use std::time::Duration;

use arbitrary::Unstructured;
use bellwire::dialect::ServerDialect;
use bellwire::dialect::mpd::{Mpd, SUBSYSTEMS};
use bellwire::dialect::notif::{Notif, Spelling};
use bellwire::transcript::{Configured, Settings};
use bellwire::{Config, Dialect, Reply, ServerConfig, Status};

mod link;
mod world;

use crate::cases::{one_of, shown};
use world::World;

/// The client and the server of the notif protocol.
pub fn notif(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut dialect = Notif::default();
    dialect.spelling = one_of(
        &mut u,
        &[Spelling::Plain, Spelling::Session, Spelling::Underscored, Spelling::Notify],
    );
    (dialect.ids, dialect.ask_in_mode, dialect.acknowledge) = one_of(
        &mut u,
        &[(false, false, false), (true, false, false), (false, true, true), (true, true, false)],
    );
    play(u, &dialect);
}

/// The client and the server of MPD's protocol.
pub fn mpd(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut dialect = Mpd::default();
    dialect.whole = one_of(&mut u, &[16 * 1024, 12, 0]);
    play(u, &dialect);
}

/// A dialect, as the programs at both ends use it.
trait Spoken: Dialect + ServerDialect + Configured {
    /// What a server announces.
    const TOPICS: &'static [&'static str];

    /// Whether a topic is announced until somebody has asked for it.
    const UNTIL_ASKED: bool;

    /// What the client's machine itself asks to hear that the server lives, if the server's program has
    /// to answer it.
    const PROBE: &'static [u8];

    /// One of some commands; each is asked only once where the wire allows it.
    fn question(kind: usize, nth: usize) -> Vec<u8>;

    /// What a server hears of it: more than one in a command list.
    fn heard(question: &[u8]) -> Vec<Vec<u8>>;

    /// The topic that is read by what a server has heard.
    fn reads(heard: &[u8]) -> Option<&str>;

    /// What the program of the server answers to the `nth` that it hears.
    fn answer(heard: &[u8], nth: usize, status: Status) -> Reply<Vec<u8>>;

    /// All that a client is told of these answers, which are those to one question.
    fn told(question: &[u8], answers: &[Reply<Vec<u8>>]) -> Reply<Vec<u8>>;
}

impl Spoken for Notif {
    const TOPICS: &'static [&'static str] = &["random", "classified", "weather"];
    const UNTIL_ASKED: bool = true;
    const PROBE: &'static [u8] = b"";

    fn question(kind: usize, nth: usize) -> Vec<u8> {
        match kind % 5 {
            0 => format!("question {nth}?").into_bytes(),
            1 => b"set weather".to_vec(),
            topic => format!("{}?", Self::TOPICS[topic - 2]).into_bytes(),
        }
    }

    fn heard(question: &[u8]) -> Vec<Vec<u8>> {
        vec![question.to_vec()]
    }

    fn reads(heard: &[u8]) -> Option<&str> {
        str::from_utf8(heard).ok()?.strip_suffix('?')
    }

    fn answer(heard: &[u8], nth: usize, status: Status) -> Reply<Vec<u8>> {
        let text = match (status, heard) {
            (Status::Refused, _) => format!("error: no {nth}").into_bytes(),
            (_, b"random?") => (1000 + nth).to_string().into_bytes(),
            _ => [heard, format!(" {nth}").as_bytes()].concat(),
        };
        Reply { status, text }
    }

    fn told(_: &[u8], answers: &[Reply<Vec<u8>>]) -> Reply<Vec<u8>> {
        answers[0].clone()
    }
}

impl Spoken for Mpd {
    const TOPICS: &'static [&'static str] = SUBSYSTEMS;
    const UNTIL_ASKED: bool = false;
    const PROBE: &'static [u8] = b"ping";

    fn question(kind: usize, nth: usize) -> Vec<u8> {
        let text = match kind % 4 {
            0 => format!("find \"OK {nth}\""),
            1 => "status".into(),
            2 => format!("albumart x {nth}"),
            _ => format!(
                "command_list_ok_begin\nfind {nth}\nreadpicture {nth} 0\nstatus\ncommand_list_end"
            ),
        };
        text.into_bytes()
    }

    fn heard(question: &[u8]) -> Vec<Vec<u8>> {
        let lines = question.split(|byte| *byte == b'\n');
        lines.filter(|line| !line.starts_with(b"command_list_")).map(<[u8]>::to_vec).collect()
    }

    fn reads(_: &[u8]) -> Option<&str> {
        None
    }

    fn answer(heard: &[u8], nth: usize, status: Status) -> Reply<Vec<u8>> {
        let picture = heard.starts_with(b"albumart") || heard.starts_with(b"readpicture");
        let text = match status {
            Status::Refused => format!("[50] no {nth}"),
            // What looks like the end of it is none.
            Status::Done if picture => {
                let bytes = format!("OK\nchanged: {nth}\n").repeat(nth % 4);
                format!("size: {}\nbinary: {}\n{bytes}\n", 9 * nth, bytes.len())
            }
            Status::Done => format!("answer: {}\nOutput: {nth}\n", String::from_utf8_lossy(heard)),
        };
        Reply { status, text: text.into_bytes() }
    }

    fn told(question: &[u8], answers: &[Reply<Vec<u8>>]) -> Reply<Vec<u8>> {
        let (mut text, heard) = (Vec::new(), Self::heard(question));
        for (index, answer) in answers.iter().enumerate() {
            match answer.status {
                Status::Done => text.extend_from_slice(&answer.text),
                Status::Refused => {
                    let name = heard[index].split(|byte| *byte == b' ').next().unwrap_or_default();
                    let name = String::from_utf8_lossy(name);
                    let why = String::from_utf8_lossy(&answer.text[b"[50] ".len()..]).into_owned();
                    text.extend(format!("[50@{index}] {{{name}}} {why}").into_bytes());
                    return Reply::refused(text);
                }
            }
            if question.starts_with(b"command_list_") {
                text.extend_from_slice(b"list_OK\n");
            }
        }
        Reply::done(text)
    }
}

fn configs(u: &mut Unstructured<'_>) -> (Config, ServerConfig, bool) {
    let (mut client, mut server) = (Config::default(), ServerConfig::default());
    client.in_flight = one_of(u, &[1, 8, 2]);
    client.ride = one_of(u, &[64, 1]);
    server.limits.pending = one_of(u, &[64, 1, 3]);
    server.limits.output = one_of(u, &[256 * 1024, 40]);
    let patient = one_of(u, &[true, false]);
    let timers = &mut client.timers;
    if patient {
        // No jump of time counts as a suspend.
        (timers.suspend, server.timers.suspend) = (Duration::MAX, Duration::MAX);
        (timers.held, timers.switch, timers.greeting, timers.probe) = (None, None, None, None);
        (timers.write, server.timers.write) = (None, None);
        (server.timers.silence, server.timers.autologout) = (None, None);
        (client.limits.held, client.limits.pending) = (usize::MAX, usize::MAX);
    } else {
        timers.reply = one_of(u, &[None, Some(Duration::from_secs(5))]);
        timers.silence = one_of(u, &[None, Some(Duration::from_secs(20))]);
        timers.rearm = one_of(u, &[None, Some(Duration::from_secs(50))]);
        server.timers.silence = one_of(u, &[None, Some(Duration::from_secs(40))]);
        server.timers.autologout = one_of(u, &[None, Some(Duration::from_secs(60))]);
    }
    (client, server, patient)
}

fn play<D: Spoken>(mut u: Unstructured<'_>, dialect: &D) {
    let (mut client, server, patient) = configs(&mut u);
    if dialect.numbered() {
        // Whose number is forgotten, as one too many is, is answered as if nobody had asked.
        client.limits.held = usize::MAX;
    }
    let script = u.take_rest();
    shown::<D>(&Settings::of(&client, dialect), |tape| {
        let mut world = World::new(dialect, &client, &server, patient, tape);
        let mut u = Unstructured::new(script);
        while !u.is_empty() {
            world.step(&mut u);
        }
        world.end();
    });
}
