//! G11: the same bytes mean the same, however they are cut. A machine hears them whole, byte by byte, and
//! cut at random; all that it tells and says has to be the same. What one look at it shows is checked by
//! the way: outcomes (G1, G3), limits (G12), the end (G18).
//!
//! A case is some bytes of settings, and a script. That is what the other end says, in which each `0xff`
//! begins something else: a letter says what the program does there (see `Ear::act` of each end), and up
//! to the next `0xff` stands the text that belongs to it, or what the other end says after it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use arbitrary::Unstructured;
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::{Newline, Notif, Spelling};
use bellwire::transcript::{Configured, Recorder};
use bellwire::{Config, ServerConfig, Unsolicited};

mod client;
mod given_up;
mod response;
mod server;

pub use response::{imap_response, mpd_response};

use crate::cases::{self, Tape, one_of};
use client::Hearing;
use server::Serving;

/// What begins a step of a script.
pub const STEP: u8 = 0xff;

/// Any bytes, heard by a client of the notif protocol.
pub fn notif_client(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (config, dialect) = (config(&mut u), notif(&mut u));
    heard_alike::<Notif, _>(u, || Hearing::new(dialect.clone(), config.clone()));
}

/// Any bytes, heard by a server of the notif protocol.
pub fn notif_server(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (config, dialect) = (server_config(&mut u), notif(&mut u));
    heard_alike::<Notif, _>(u, || Serving::new(dialect.clone(), config.clone()));
}

/// Any bytes, heard by a client of MPD's.
pub fn mpd_client(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (config, dialect) = (config(&mut u), mpd(&mut u));
    heard_alike::<Mpd, _>(u, || Hearing::new(dialect.clone(), config.clone()));
}

/// Any bytes, heard by a server for MPD's clients.
pub fn mpd_server(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (config, dialect) = (server_config(&mut u), mpd(&mut u));
    heard_alike::<Mpd, _>(u, || Serving::new(dialect.clone(), config.clone()));
}

/// Any bytes, heard by a client of IMAP's.
pub fn imap_client(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let config = config(&mut u);
    let mut dialect = Imap::default();
    dialect.whole = one_of(&mut u, &[16 * 1024, 12, 0, 40]);
    dialect.insecure = one_of(&mut u, &[true, false]);
    heard_alike::<Imap, _>(u, || Hearing::new(dialect.clone(), config.clone()));
}

fn notif(u: &mut Unstructured<'_>) -> Notif {
    let mut notif = Notif::default();
    notif.newline = one_of(u, &[Newline::CrLf, Newline::Lf]);
    notif.spelling =
        one_of(u, &[Spelling::Plain, Spelling::Session, Spelling::Underscored, Spelling::Notify]);
    (notif.ids, notif.ask_in_mode, notif.acknowledge) = one_of(
        u,
        &[
            (false, false, false),
            (true, false, false),
            (false, true, true),
            (true, true, false),
            (false, false, true),
        ],
    );
    notif
}

fn mpd(u: &mut Unstructured<'_>) -> Mpd {
    let mut mpd = Mpd::default();
    mpd.whole = one_of(u, &[16 * 1024, 12, 0, 40]);
    mpd.answers_stray_noidle = one_of(u, &[false, true]);
    mpd
}

fn config(u: &mut Unstructured<'_>) -> Config {
    let mut config = Config::default();
    config.in_flight = one_of(u, &[1, 8, 2]);
    config.ride = one_of(u, &[64, 1]);
    config.unsolicited = one_of(u, &[Unsolicited::Report, Unsolicited::Ignore, Unsolicited::Fatal]);
    let limits = &mut config.limits;
    limits.frame = one_of(u, &[limits.frame, 40, 9]);
    (limits.parts, limits.reply) = one_of(u, &[(limits.parts, limits.reply), (2, 1000), (9, 30)]);
    (limits.pending, limits.held) = one_of(u, &[(limits.pending, limits.held), (3, 0), (8, 1)]);
    limits.output = one_of(u, &[limits.output, 20]);
    config
}

fn server_config(u: &mut Unstructured<'_>) -> ServerConfig {
    let mut config = ServerConfig::default();
    let limits = &mut config.limits;
    limits.frame = one_of(u, &[limits.frame, 40, 9]);
    (limits.reply, limits.list) = one_of(u, &[(limits.reply, limits.list), (30, 40)]);
    limits.pending = one_of(u, &[limits.pending, 1, 3]);
    limits.output = one_of(u, &[limits.output, 20]);
    limits.topics = one_of(u, &[limits.topics, 2]);
    config
}

/// A machine, and the program that uses it.
trait Ear {
    /// How it is configured, as a transcript says it.
    fn settings(&self) -> Vec<(&'static str, String)>;

    /// Hears this.
    fn hear(&mut self, bytes: &[u8], log: &mut Log);

    /// The program does what this letter stands for, with the text behind it. Says whether it is the
    /// text's, or nothing at all if the letter stands for nothing.
    fn act(&mut self, letter: u8, text: &[u8], log: &mut Log) -> Option<Takes>;

    /// Notes all that can be seen of the machine.
    fn look(&mut self, log: &mut Log);

    /// The connection ends, and nothing is left open.
    fn end(&mut self, log: &mut Log);
}

/// What is done about the text behind a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// It was needed for what the letter stands for.
    Text,
    /// It was not, so the other end says it.
    Nothing,
}

/// All that a machine told, in few bytes; and if somebody is to read it, a transcript.
struct Log {
    told: Vec<u8>,
    tape: Tape,
}

impl Log {
    fn new<D: Configured>(settings: &[(&str, String)], shown: bool) -> Self {
        Self { told: Vec::new(), tape: shown.then(|| cases::tape::<D>(settings)).flatten() }
    }

    fn note(&mut self, what: impl std::fmt::Debug) {
        use std::io::Write;
        // Writing to memory does not fail.
        let _ = writeln!(self.told, "{what:?}");
    }

    fn tape(&mut self, record: impl FnOnce(&mut Recorder)) {
        if let Some(tape) = &mut self.tape {
            record(tape);
        }
    }
}

/// How what the other end says is cut.
#[derive(Clone, Copy, Debug)]
enum Cuts {
    Not,
    Everywhere,
    /// In pieces as long as the bytes of this say.
    Somewhere([u8; 4]),
}

impl Cuts {
    fn pieces(self, mut said: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut nth = 0;
        std::iter::from_fn(move || {
            let length = match self {
                Self::Not => said.len(),
                Self::Everywhere => 1,
                Self::Somewhere(lengths) => usize::from(lengths[nth % 4] % 32) + 1,
            };
            nth += 1;
            let (piece, rest) = said.split_at(length.min(said.len()));
            said = rest;
            (!piece.is_empty()).then_some(piece)
        })
    }
}

fn heard_alike<D: Configured, E: Ear>(mut u: Unstructured<'_>, fresh: impl Fn() -> E) {
    let cuts = Cuts::Somewhere(u.arbitrary().unwrap_or_default());
    let script = u.take_rest();
    let play = |cuts: Cuts, shown: bool| {
        let mut ear = fresh();
        let mut log = Log::new::<D>(&ear.settings(), shown);
        let played = catch_unwind(AssertUnwindSafe(|| play(&mut ear, script, cuts, &mut log)));
        (log, played)
    };
    let show = |cuts| play(cuts, true).0.tape.map(|mut tape| tape.take()).unwrap_or_default();
    let told = |cuts| match play(cuts, false) {
        (log, Ok(())) => log.told,
        (_, Err(panic)) => {
            eprintln!("cut {cuts:?}:\n{}", show(cuts));
            resume_unwind(panic)
        }
    };

    let mut whole = Vec::new();
    let allocated = allocation_counter::measure(|| whole = told(Cuts::Not));
    for cuts in [Cuts::Everywhere, cuts] {
        let same = whole == told(cuts);
        assert!(same, "whole:\n{}\ncut {cuts:?}:\n{}", show(Cuts::Not), show(cuts));
    }
    // G12: no bytes that somebody speaks of, only those that came, and what is noted here of each.
    let bound = 64 * 1024 + 1024 * script.len() as u64;
    let peak = allocated.bytes_max;
    assert!(peak <= bound, "{peak} bytes allocated, for {}:\n{}", script.len(), show(Cuts::Not));
}

fn play(ear: &mut impl Ear, script: &[u8], cuts: Cuts, log: &mut Log) {
    let hear = |ear: &mut dyn Ear, said: &[u8], log: &mut Log| {
        for piece in cuts.pieces(said) {
            ear.hear(piece, log);
        }
        ear.look(log);
    };
    let mut steps = script.split(|byte| *byte == STEP);
    hear(ear, steps.next().unwrap_or_default(), log);
    for step in steps {
        let Some((letter, text)) = step.split_first() else { continue };
        let said = match ear.act(*letter, text, log) {
            Some(Takes::Text) => &[][..],
            Some(Takes::Nothing) => text,
            None => step,
        };
        hear(ear, said, log);
    }
    ear.end(log);
}
