//! What can happen in a small world, and where the wire may be cut.

use super::peer::Which;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Listen,
    Unlisten,
    Ask,
    /// Gives up one of the commands that have no outcome.
    Abandon(Which),
    /// Lines reach the server.
    Up(Cut),
    /// Bytes reach the client, which looks at all that is whole.
    Down(Cut),
    /// All bytes reach the client, which looks at the first line alone: what comes next comes between
    /// two events.
    Peek,
    /// A line reaches the client in the instant in which a deadline passes.
    DownLate,
    Answer(Which),
    Refuse,
    Notify,
    /// The server ends the mode by itself.
    End,
    /// The server closes the connection, behind all that it has said.
    Close,
    /// The connection breaks, and what is on the wire is lost.
    Break,
    /// The transport takes no more bytes of the client's; or takes them again.
    Stall,
    /// Time passes, up to the next deadline of either end.
    Pass,
    /// The client's machine sleeps for an hour.
    Sleep,
    /// Everything is delivered and answered.
    Settle,
}

/// How much is delivered: a byte, for what is in the middle of a line; all but the line feed, for what
/// may be a line already; lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Byte,
    Short,
    Line,
    All,
}

pub(crate) const OPS: [Op; 24] = [
    Op::Listen,
    Op::Unlisten,
    Op::Ask,
    Op::Abandon(Which::First),
    Op::Abandon(Which::Last),
    Op::Up(Cut::Line),
    Op::Up(Cut::All),
    Op::Down(Cut::Byte),
    Op::Down(Cut::Short),
    Op::Down(Cut::Line),
    Op::Down(Cut::All),
    Op::Peek,
    Op::DownLate,
    Op::Answer(Which::First),
    Op::Answer(Which::Second),
    Op::Answer(Which::Last),
    Op::Refuse,
    Op::Notify,
    Op::End,
    Op::Close,
    Op::Break,
    Op::Stall,
    Op::Pass,
    Op::Sleep,
];

/// What is on its way in one direction.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) bytes: Vec<u8>,
    /// A part of the first line has been delivered.
    begun: bool,
}

impl Way {
    pub(crate) fn lines(&self) -> usize {
        self.bytes.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The length of the first line.
    fn line(&self) -> usize {
        self.bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1)
    }

    /// Whether this is another cut than those without it.
    pub(crate) fn can(&self, cut: Cut) -> bool {
        match cut {
            Cut::Byte => self.line() > 2 && !self.begun,
            Cut::Short => self.line() > 1,
            Cut::Line => self.line() > 0,
            Cut::All => self.lines() > 1,
        }
    }

    pub(crate) fn take(&mut self, cut: Cut) -> Vec<u8> {
        let count = match cut {
            Cut::Byte => 1,
            Cut::Short => self.line().saturating_sub(1),
            Cut::Line => self.line(),
            Cut::All => self.bytes.len(),
        };
        self.begun = matches!(cut, Cut::Byte | Cut::Short);
        self.bytes.drain(..count).collect()
    }
}
