//! What is tried on a server: random configurations, and random lists of things that happen.

use bellwire::Status;

use super::draw::{Draw, Drawn};
use super::{ALL, script};

/// How the server is configured. Times are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub(crate) ids: bool,
    pub(crate) frame: usize,
    pub(crate) pending: usize,
    pub(crate) output: usize,
    pub(crate) autologout: Option<u64>,
    pub(crate) silence: Option<u64>,
    pub(crate) write: Option<u64>,
}

/// One thing that happens, and how many of the events that wait are looked at after it.
pub(crate) type Turn = script::Turn<Op>;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The client says these lines, each with an id or without; all but the last few bytes come.
    Hear {
        lines: Vec<(bool, &'static [u8])>,
        lf: bool,
        kept: usize,
    },
    /// The program answers one of the commands that wait, or one that waits no more.
    Reply(usize, Status, &'static str),
    Again(Status, &'static str),
    Notify(&'static str),
    Retract(&'static str),
    Write(usize),
    Pass(u64),
    Eof,
    Reset,
}

const HEARD: &[&[u8]] = &[
    b"random?",
    b"random?",
    b"classified? ",
    b"weather?",
    b"weather?",
    b"set weather",
    b"notif",
    b"notif ",
    b"_notif_",
    b"stop_notif",
    b"_stop_notify_",
    b"OK",
    b"OK",
    b"",
    b"  ",
    b"\xff?",
    b"nul\0?",
    b"#1 random?",
    b"#02 notif",
    b"#3 ",
    b"#4",
    b"a line of exactly 30 bytes or?",
    b"a line that is longer than thirty bytes?",
];

const REPLIES: &[&str] = &[
    "42",
    "",
    "a fine flat",
    "error: none",
    "notif: random",
    "two\nlines",
    "carriage\r",
    "a reply of more than thirty bytes",
];

pub(crate) const TOPICS: &[&str] = &["random", "classified", "weather"];
const ODD_TOPICS: &[&str] = &["", "OK", " random", "random\n", "a\rb", "set weather", "#1 random"];

impl Default for Setup {
    fn default() -> Self {
        let (autologout, silence, write) = (None, None, None);
        Self { ids: false, frame: 1000, pending: 64, output: 10_000, autologout, silence, write }
    }
}

impl Drawn for Setup {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self {
            ids: draw.yes(),
            frame: draw.one_of(&[1000, 1000, 30]),
            pending: draw.one_of(&[64, 64, 1, 3]),
            output: draw.one_of(&[10_000, 10_000, 50]),
            autologout: draw.one_of(&[None, Some(5), Some(30)]),
            silence: draw.one_of(&[None, None, Some(10)]),
            write: draw.one_of(&[None, None, Some(10)]),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let plain = Self::default();
        let mut tamer = vec![self.clone(); 5];
        tamer[0].ids = plain.ids;
        tamer[1].frame = plain.frame;
        tamer[2].pending = plain.pending;
        tamer[3].output = plain.output;
        tamer[4] = Self { autologout: None, silence: None, write: None, ..self.clone() };
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
                    .map(|_| (draw.yes(), draw.one_of(HEARD)))
                    .collect(),
                lf: draw.yes(),
                kept: draw.one_of(&[0, 0, 0, 1, 2, 7]),
            },
            30..52 => Self::Reply(draw.one_of(&[0, 0, 1, 2, 5]), status, draw.one_of(REPLIES)),
            52..54 => Self::Again(status, draw.one_of(REPLIES)),
            54..68 => Self::Notify(draw.one_of(TOPICS)),
            68..71 => Self::Notify(draw.one_of(ODD_TOPICS)),
            71..74 => Self::Retract(draw.one_of(TOPICS)),
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
