//! What is tried on a server: random configurations, and random lists of things that happen.

use bellwire::{Refusal, Status};

use super::draw::{Draw, Drawn};
use super::host::Host;
use super::{ALL, script, without_end};

/// How the server is configured. Times are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup<H> {
    pub(crate) host: H,
    pub(crate) frame: usize,
    pub(crate) reply: usize,
    pub(crate) list: usize,
    pub(crate) pending: usize,
    pub(crate) output: usize,
    pub(crate) autologout: Option<u64>,
    pub(crate) silence: Option<u64>,
    pub(crate) write: Option<u64>,
}

/// One thing that happens, and how many of the events that wait are looked at after it.
pub(crate) type Turn = script::Turn<Op>;

/// Numbers say which of what a [`Host`] has to choose from.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The client says these lines, each with an id or without; all but the last few bytes come.
    Hear {
        lines: Vec<(bool, usize)>,
        lf: bool,
        kept: usize,
    },
    /// The program answers one of the commands that wait, or one that waits no more.
    Reply(usize, Status, usize),
    Again(Status, usize),
    /// It announces something sensible, or anything.
    Notify(bool, usize),
    Retract(usize),
    Write(usize),
    Pass(u64),
    Eof,
    Reset,
}

impl<H: Host> Default for Setup<H> {
    fn default() -> Self {
        Self {
            host: H::default(),
            frame: 1000,
            reply: 10_000,
            list: 1000,
            pending: 64,
            output: 10_000,
            autologout: None,
            silence: None,
            write: None,
        }
    }
}

impl<H> Setup<H> {
    /// Whether what the program says is within the limits: each line, and all of them.
    pub(crate) fn fits(&self, lines: &[u8]) -> Result<(), Refusal> {
        let longest = lines.split(|byte| *byte == b'\n').map(|line| without_end(line).len()).max();
        match longest {
            Some(length) if length > self.frame => Err(Refusal::TooLong { allowed: self.frame }),
            _ if lines.len() > self.reply => Err(Refusal::TooLong { allowed: self.reply }),
            _ => Ok(()),
        }
    }
}

impl<H: Host> Drawn for Setup<H> {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self {
            host: H::draw(draw),
            frame: draw.one_of(&[1000, 1000, 30]),
            reply: draw.one_of(&[10_000, 10_000, 60]),
            list: draw.one_of(&[1000, 1000, 20]),
            pending: draw.one_of(&[64, 64, 1, 3]),
            output: draw.one_of(&[10_000, 10_000, 50]),
            autologout: draw.one_of(&[None, Some(5), Some(30)]),
            silence: draw.one_of(&[None, None, Some(10)]),
            write: draw.one_of(&[None, None, Some(10)]),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let plain = Self::default();
        let mut tamer = vec![self.clone(); 6];
        tamer[0].frame = plain.frame;
        tamer[1].reply = plain.reply;
        tamer[2].list = plain.list;
        tamer[3].pending = plain.pending;
        tamer[4].output = plain.output;
        tamer[5] = Self { autologout: None, silence: None, write: None, ..self.clone() };
        tamer.extend(self.host.simpler().into_iter().map(|host| Self { host, ..self.clone() }));
        tamer.retain(|setup| setup != self);
        tamer
    }
}

impl Drawn for Op {
    fn draw(draw: &mut Draw<'_>) -> Self {
        let status = draw.one_of(&[Status::Done, Status::Done, Status::Refused]);
        match draw.below(100) {
            0..30 => Self::Hear {
                lines: (0..draw.one_of(&[1, 1, 2, 3, 5]))
                    .map(|_| (draw.yes(), draw.below(64)))
                    .collect(),
                lf: draw.yes(),
                kept: draw.one_of(&[0, 0, 0, 1, 2, 7]),
            },
            30..52 => Self::Reply(draw.one_of(&[0, 0, 1, 2, 5]), status, draw.below(32)),
            52..54 => Self::Again(status, draw.below(32)),
            54..68 => Self::Notify(true, draw.below(16)),
            68..71 => Self::Notify(false, draw.below(16)),
            71..74 => Self::Retract(draw.below(16)),
            74..92 => Self::Write(draw.one_of(&[ALL, ALL, 1, 9, 40])),
            92..98 => Self::Pass(draw.one_of(&[1, 2, 4, 7, 40])),
            98 => Self::Eof,
            _ => Self::Reset,
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let Self::Hear { lines, lf, kept } = self else { return Vec::new() };
        let (lf, kept) = (*lf, *kept);
        let whole = Self::Hear { lines: lines.clone(), lf: false, kept: 0 };
        let fewer = (0..lines.len()).map(|index| {
            let mut lines = lines.clone();
            lines.remove(index);
            Self::Hear { lines, lf, kept }
        });
        (kept > 0 || lf).then_some(whole).into_iter().chain(fewer).collect()
    }
}
