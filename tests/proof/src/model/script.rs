//! What is tried on a client: random configurations, and random lists of things that happen.

use std::time::Duration;

use bellwire::transcript::{Configured, Recorder, Settings};
use bellwire::{Config, Unsolicited};

use super::ALL;
use super::draw::{Draw, Drawn, simpler_list};
use super::tongue::Tongue;

/// How a client is configured, and which dialect of the protocol it speaks. The defaults are what a
/// failing case is made simpler to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup<T> {
    pub(crate) in_flight: usize,
    pub(crate) ride: usize,
    pub(crate) unsolicited: Unsolicited,
    pub(crate) limits: Limits,
    pub(crate) times: Times,
    pub(crate) tongue: T,
    /// What the server begins with, if it does.
    pub(crate) greeting: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    pub(crate) frame: usize,
    pub(crate) parts: usize,
    pub(crate) reply: usize,
    pub(crate) pending: usize,
    pub(crate) held: usize,
}

/// In seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Times {
    pub(crate) reply: Option<u64>,
    pub(crate) held: Option<u64>,
    pub(crate) switch: Option<u64>,
    pub(crate) greeting: Option<u64>,
    pub(crate) rearm: Option<u64>,
    pub(crate) silence: Option<u64>,
    pub(crate) probe: Option<u64>,
    pub(crate) write: Option<u64>,
}

impl<T: Tongue> Default for Setup<T> {
    fn default() -> Self {
        Self {
            in_flight: 1,
            ride: 64,
            unsolicited: Unsolicited::Report,
            limits: Limits { frame: 1000, parts: 1000, reply: 10_000, pending: 1000, held: 1000 },
            times: Times::default(),
            tongue: T::default(),
            greeting: Some(0),
        }
    }
}

impl<T: Tongue> Setup<T> {
    /// The same, with a client that waits for ever and knows no bounds worth mentioning, and a server
    /// that greets properly.
    pub(crate) fn patient(self) -> Self {
        let Self { limits, times, .. } = Self::default();
        let greeting = self.greeting.filter(|which| *which < T::PROPER_GREETINGS).or(Some(0));
        Self { limits, times, greeting, unsolicited: Unsolicited::Report, ..self }
    }

    pub(crate) fn config(&self) -> Config {
        let seconds = |time: Option<u64>| time.map(Duration::from_secs);
        let mut config = Config::default();
        config.in_flight = self.in_flight;
        config.ride = self.ride;
        config.unsolicited = self.unsolicited;
        config.limits.frame = self.limits.frame;
        config.limits.parts = self.limits.parts;
        config.limits.reply = self.limits.reply;
        config.limits.pending = self.limits.pending;
        config.limits.held = self.limits.held;
        config.timers.reply = seconds(self.times.reply);
        config.timers.held = seconds(self.times.held);
        config.timers.switch = seconds(self.times.switch);
        config.timers.greeting = seconds(self.times.greeting);
        config.timers.rearm = seconds(self.times.rearm);
        config.timers.silence = seconds(self.times.silence);
        config.timers.probe = seconds(self.times.probe);
        config.timers.write = seconds(self.times.write);
        // No jump of time counts as a suspend here; that rule has a property of its own.
        config.timers.suspend = Duration::from_secs(NEVER);
        config
    }

    /// A recorder that has noted what a replay needs to know.
    pub(crate) fn tape(&self) -> Recorder {
        let mut tape = Recorder::new(T::Dialect::NAME, T::Dialect::LF);
        for (name, value) in Settings::of(&self.config(), &self.tongue.dialect()) {
            tape.setting(name, value);
        }
        if let Some(reply) = self.times.reply {
            tape.setting("reply", format_args!("{reply}s"));
        }
        tape
    }
}

/// Longer than any test, in seconds.
pub(crate) const NEVER: u64 = 1_000_000_000;

impl<T: Tongue> Drawn for Setup<T> {
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
            limits: Limits {
                frame: draw.one_of(&[1000, 1000, T::SHORT]),
                parts: draw.one_of(&[1000, 1000, 1, 3]),
                reply: draw.one_of(&[10_000, 10_000, 20, 60]),
                pending: draw.one_of(&[1000, 1000, 3]),
                held: draw.one_of(&[1000, 1000, 0, 2]),
            },
            times: Times {
                reply: time(draw),
                held: time(draw),
                switch: time(draw),
                greeting: time(draw),
                rearm: time(draw),
                silence: time(draw),
                probe: time(draw),
                write: time(draw),
            },
            tongue: T::draw(draw),
            greeting: match draw.below(T::GREETINGS.len() + 10) {
                proper @ 0..10 => Some(proper % T::PROPER_GREETINGS.max(1)),
                10 => None,
                any => Some(any - 10),
            },
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let plain = Self::default();
        let mut tamer = vec![self.clone(); 6];
        tamer[0].times = plain.times;
        tamer[1].limits = plain.limits;
        tamer[2].in_flight = plain.in_flight;
        tamer[3].ride = plain.ride;
        tamer[4].unsolicited = plain.unsolicited;
        tamer[5].greeting = plain.greeting;
        let tongues = self.tongue.simpler().into_iter();
        tamer.extend(tongues.map(|tongue| Self { tongue, ..self.clone() }));
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

/// Numbers say which of what a [`Tongue`] has to choose from.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The program gives a command: a usual one, or one that is asked only once.
    Usual(usize),
    Get,
    /// The same, with a deadline in seconds.
    Within(u64),
    /// A command that is more unusual, or none at all.
    Odd(usize),
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
    /// The stream has changed, if it is to.
    Upgrade,
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
    Notify,
    /// It asks for more.
    GoOn,
    /// Something out of turn.
    Stray(usize),
    /// A greeting.
    Greet(usize),
}

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
            0..9 => Self::Usual(draw.below(16)),
            9..18 => Self::Get,
            18..22 => Self::Within(draw.one_of(&[1, 3, 20])),
            22..25 => Self::Odd(draw.below(64)),
            25..31 => Self::Abandon(draw.one_of(&[0, 0, 1, 2, 5])),
            31..39 => Self::Listen,
            39..43 => Self::Unlisten,
            43..63 => Self::Write(draw.one_of(&[ALL, ALL, 1, 9])),
            63..89 => Self::Hear {
                lines: (0..draw.one_of(&[1, 1, 2, 3, 5])).map(|_| Line::draw(draw)).collect(),
                lf: draw.yes(),
                kept: draw.one_of(&[0, 0, 0, 1, 2, 7]),
            },
            89..96 => Self::Pass(draw.one_of(&[1, 1, 2, 4, 15, 70])),
            96..98 => Self::Upgrade,
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
        match draw.below(50) {
            0..22 => Self::Answer,
            22..26 => Self::AnswerLater(draw.one_of(&[1, 2, 3])),
            26 | 27 => Self::Refuse,
            28 | 29 => Self::Again,
            30..39 => Self::Notify,
            39..45 => Self::GoOn,
            45..49 => Self::Stray(draw.below(64)),
            _ => Self::Greet(draw.below(16)),
        }
    }
}

fn time(draw: &mut Draw<'_>) -> Option<u64> {
    draw.one_of(&[None, None, Some(3), Some(10), Some(60)])
}
