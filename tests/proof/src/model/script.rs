//! What is tried on a client: random configurations, and random lists of things that happen.

use std::time::Duration;

use bellwire::dialect::notif::{Notif, Spelling};
use bellwire::transcript::Recorder;
use bellwire::{Config, Unsolicited};

use super::ALL;
use super::draw::{Draw, Drawn, simpler_list};

/// How a client is configured, and which dialect of the protocol it speaks. The defaults are what a
/// failing case is shrunk to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub(crate) in_flight: usize,
    pub(crate) ride: usize,
    pub(crate) unsolicited: Unsolicited,
    pub(crate) ids: bool,
    pub(crate) ask_in_mode: bool,
    pub(crate) acknowledge: bool,
    pub(crate) spelling: Spelling,
    pub(crate) limits: Limits,
    pub(crate) times: Times,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) frame: usize,
    pub(crate) pending: usize,
    pub(crate) held: usize,
}

/// In seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Times {
    pub(crate) reply: Option<u64>,
    pub(crate) held: Option<u64>,
    pub(crate) switch: Option<u64>,
    pub(crate) rearm: Option<u64>,
    pub(crate) silence: Option<u64>,
    pub(crate) probe: Option<u64>,
    pub(crate) write: Option<u64>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            in_flight: 1,
            ride: 64,
            unsolicited: Unsolicited::Report,
            ids: false,
            ask_in_mode: false,
            acknowledge: false,
            spelling: Spelling::Plain,
            limits: Limits { frame: 1000, pending: 1000, held: 1000 },
            times: Times::default(),
        }
    }
}

impl Setup {
    /// The same, with a client that waits for ever and knows no bounds worth mentioning.
    pub(crate) fn patient(self) -> Self {
        let Self { limits, times, .. } = Self::default();
        Self { limits, times, unsolicited: Unsolicited::Report, ..self }
    }

    pub(crate) fn notif(&self) -> Notif {
        let mut notif = Notif::default();
        notif.ids = self.ids;
        notif.ask_in_mode = self.ask_in_mode;
        notif.acknowledge = self.acknowledge;
        notif.spelling = self.spelling;
        notif
    }

    pub(crate) fn config(&self) -> Config {
        let seconds = |time: Option<u64>| time.map(Duration::from_secs);
        let mut config = Config::default();
        config.in_flight = self.in_flight;
        config.ride = self.ride;
        config.unsolicited = self.unsolicited;
        config.limits.frame = self.limits.frame;
        config.limits.pending = self.limits.pending;
        config.limits.held = self.limits.held;
        config.timers.reply = seconds(self.times.reply);
        config.timers.held = seconds(self.times.held);
        config.timers.switch = seconds(self.times.switch);
        config.timers.rearm = seconds(self.times.rearm);
        config.timers.silence = seconds(self.times.silence);
        config.timers.probe = seconds(self.times.probe);
        config.timers.write = seconds(self.times.write);
        // No jump of time counts as a suspend here; that rule has a property of its own.
        config.timers.suspend = Duration::from_secs(NEVER);
        config
    }

    /// Notes what a replay needs to know.
    pub(crate) fn note(&self, tape: &mut Recorder) {
        tape.setting("in-flight", self.in_flight);
        tape.setting("ride", self.ride);
        tape.setting("unsolicited", format!("{:?}", self.unsolicited).to_lowercase());
        tape.setting("spelling", format!("{:?}", self.spelling).to_lowercase());
        let options = [
            ("ids", self.ids),
            ("ask-in-mode", self.ask_in_mode),
            ("acknowledge", self.acknowledge),
        ];
        options.iter().filter(|(_, on)| *on).for_each(|(name, _)| tape.setting(name, ""));
        tape.setting("frame", self.limits.frame);
        tape.setting("pending", self.limits.pending);
        tape.setting("held", self.limits.held);
        let Times { reply, held, switch, rearm, silence, probe, write } = self.times;
        for (name, time) in [
            ("reply", reply),
            ("held-for", held),
            ("switch", switch),
            ("rearm", rearm),
            ("silence", silence),
            ("probe", probe),
            ("write", write),
            ("suspend", Some(NEVER)),
        ] {
            tape.setting(name, time.map_or("never".into(), |seconds| format!("{seconds}s")));
        }
    }
}

impl Setup {
    pub(crate) fn enter(&self) -> &'static [u8] {
        if self.spelling == Spelling::Plain { b"notif" } else { b"_notif_" }
    }

    pub(crate) fn leave(&self) -> &'static [u8] {
        match self.spelling {
            Spelling::Plain | Spelling::Session => b"stop_notif",
            Spelling::Underscored => b"_stop_notif_",
            Spelling::Notify => b"_stop_notify_",
        }
    }
}

/// Longer than any test, in seconds.
pub(crate) const NEVER: u64 = 1_000_000_000;

impl Drawn for Setup {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self {
            in_flight: draw.one_of(&[1, 1, 0, 2, 3, 1000]),
            ride: draw.one_of(&[64, 0, 1, 2]),
            unsolicited: draw.one_of(&[
                Unsolicited::Report,
                Unsolicited::Report,
                Unsolicited::Ignore,
                Unsolicited::Fatal,
            ]),
            ids: draw.yes(),
            ask_in_mode: draw.yes(),
            acknowledge: draw.yes(),
            spelling: draw.one_of(&[
                Spelling::Plain,
                Spelling::Session,
                Spelling::Underscored,
                Spelling::Notify,
            ]),
            limits: Limits {
                frame: draw.one_of(&[1000, 1000, 30]),
                pending: draw.one_of(&[1000, 1000, 3]),
                held: draw.one_of(&[1000, 1000, 0, 2]),
            },
            times: Times {
                reply: time(draw),
                held: time(draw),
                switch: time(draw),
                rearm: time(draw),
                silence: time(draw),
                probe: time(draw),
                write: time(draw),
            },
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let plain = Self::default();
        let mut tamer = vec![self.clone(); 9];
        tamer[0].times = plain.times;
        tamer[1].limits = plain.limits;
        tamer[2].in_flight = plain.in_flight;
        tamer[3].ride = plain.ride;
        tamer[4].unsolicited = plain.unsolicited;
        tamer[5].ids = plain.ids;
        tamer[6].ask_in_mode = plain.ask_in_mode;
        tamer[7].acknowledge = plain.acknowledge;
        tamer[8].spelling = plain.spelling;
        tamer.retain(|setup| setup != self);
        tamer
    }
}

/// One thing that happens, and how many of the events that wait are looked at after it. The cursor
/// is dropped then; most often nothing is left.
#[derive(Clone, Debug)]
pub(crate) struct Turn<O = Op> {
    pub(crate) op: O,
    pub(crate) take: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The program gives a command: `random?`, or a getter that is asked only once.
    Random,
    Get,
    /// The same, with a deadline in seconds.
    Within(u64),
    /// A command that is more unusual, or none at all.
    Odd(&'static str),
    /// It abandons the command that it gave so many commands ago.
    Abandon(usize),
    Listen,
    Unlisten,
    /// The transport takes so many bytes, if there are so many.
    Write(usize),
    /// The server says these lines, of which all but the last few bytes come now.
    Hear {
        lines: Vec<Line>,
        lf: bool,
        kept: usize,
    },
    /// So many seconds pass.
    Pass(u64),
    Eof,
    Reset,
}

/// What the server says.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// The proper answer to the oldest line that waits for one.
    Answer,
    /// The proper answer to a later one.
    AnswerLater(usize),
    /// An error instead of the proper answer.
    Refuse,
    /// What it said before, again.
    Again,
    Notify(&'static str),
    /// Something out of turn.
    Stray(&'static [u8]),
}

const ODD: &[&str] = &[
    "random?\r\nrandom?",
    "random\n?",
    "cr\rcr?",
    "nul\0?",
    "",
    " \t ",
    "\r\n",
    "notif",
    "_notif_ ",
    "stop_notif",
    "_stop_notify_\r\n",
    "OK",
    "OK\r\n",
    " random?",
    "random? ",
    "no question",
    "ünïcode?",
    "#1 random?",
];

const STRAY: &[&[u8]] = &[
    b"7",
    b" 8 ",
    b"OK",
    b"OK ",
    b"notif: OK",
    b"notif:OK ",
    b"will send notifs",
    b"error: out of turn",
    b"error:",
    b"",
    b"notif",
    b"notif:",
    b"notif:tight ",
    b"hello",
    b"\xff\xfe\x00 not UTF-8",
    b"carriage\rreturn",
    b"#1 5",
    b"#2 OK",
    b"#3 error: late",
    b"#3 ",
    b"#04 4",
    b"#99 1",
    b"a line of exactly thirty bytes",
    b"a line that is longer than thirty bytes",
];

pub(crate) const TOPICS: &[&str] = &["random", "classified", "weather", "ünïcode topic"];

impl<O: Drawn + Clone> Drawn for Turn<O> {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self { op: O::draw(draw), take: draw.one_of(&[ALL, ALL, ALL, ALL, ALL, 0, 1, 2]) }
    }

    fn simpler(&self) -> Vec<Self> {
        let take = self.take;
        let drained = (take != ALL).then(|| Self { take: ALL, ..self.clone() });
        let ops = self.op.simpler().into_iter().map(|op| Self { op, take });
        drained.into_iter().chain(ops).collect()
    }
}

impl Drawn for Op {
    fn draw(draw: &mut Draw<'_>) -> Self {
        match draw.below(100) {
            0..10 => Self::Random,
            10..20 => Self::Get,
            20..24 => Self::Within(draw.one_of(&[1, 3, 20])),
            24..27 => Self::Odd(draw.one_of(ODD)),
            27..34 => Self::Abandon(draw.one_of(&[0, 0, 1, 2, 5])),
            34..42 => Self::Listen,
            42..46 => Self::Unlisten,
            46..66 => Self::Write(draw.one_of(&[ALL, ALL, 1, 9])),
            66..90 => Self::Hear {
                lines: (0..draw.one_of(&[1, 1, 2, 3, 5])).map(|_| Line::draw(draw)).collect(),
                lf: draw.yes(),
                kept: draw.one_of(&[0, 0, 0, 1, 2, 7]),
            },
            90..98 => Self::Pass(draw.one_of(&[1, 1, 2, 4, 15, 70])),
            98 => Self::Eof,
            _ => Self::Reset,
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Hear { lines, lf, kept } => {
                let (lf, kept) = (*lf, *kept);
                let whole = Self::Hear { lines: lines.clone(), lf: false, kept: 0 };
                let whole = (kept > 0 || lf).then_some(whole);
                let fewer = simpler_list(lines).into_iter();
                let fewer = fewer.map(|lines| Self::Hear { lines, lf, kept });
                whole.into_iter().chain(fewer).collect()
            }
            Self::Write(count) if *count != ALL => vec![Self::Write(ALL)],
            Self::Pass(seconds) if *seconds > 1 => {
                vec![Self::Pass(seconds / 2), Self::Pass(seconds - 1)]
            }
            _ => Vec::new(),
        }
    }
}

impl Drawn for Line {
    fn draw(draw: &mut Draw<'_>) -> Self {
        match draw.below(20) {
            0..10 => Self::Answer,
            10 | 11 => Self::AnswerLater(draw.one_of(&[1, 2, 3])),
            12 => Self::Refuse,
            13 => Self::Again,
            14..18 => Self::Notify(draw.one_of(TOPICS)),
            _ => Self::Stray(draw.one_of(STRAY)),
        }
    }
}

fn time(draw: &mut Draw<'_>) -> Option<u64> {
    draw.one_of(&[None, None, Some(3), Some(10), Some(60)])
}
