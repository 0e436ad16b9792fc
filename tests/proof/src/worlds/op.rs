//! What can happen in a small world, and where the wire may be cut.

use super::peer::Which;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Listen,
    Unlisten,
    Ask,
    /// Gives up the oldest command that has no outcome.
    Abandon,
    /// Bytes reach the server.
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
    Op::Abandon,
    Op::Up(Cut::Byte),
    Op::Up(Cut::Short),
    Op::Up(Cut::Line),
    Op::Up(Cut::All),
    Op::Down(Cut::Byte),
    Op::Down(Cut::Short),
    Op::Down(Cut::Line),
    Op::Down(Cut::All),
    Op::Peek,
    Op::DownLate,
    Op::Answer(Which::First),
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

pub(crate) fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

pub(crate) fn can_cut(wire: &[u8], cut: Cut) -> bool {
    let line = wire.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    match cut {
        // Cuts of a line's rest are no other cuts.
        Cut::Byte => line > 2 && wire[0] != b'\r' && line_begins(wire),
        Cut::Short => line > 1,
        Cut::Line => line > 0,
        Cut::All => lines(wire) > 1,
    }
}

/// Whether the wire begins with a line of which nothing has been delivered. Lines that a world holds
/// begin with these.
fn line_begins(wire: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 17] = [
        b"notif", b"stop_", b"OK", b"ask", b"#", b"idle", b"noidle", b"ping", b"A", b"DONE",
        b"proof", b"error", b"changed", b"ACK", b"* ", b"+", b"will",
    ];
    BEGINNINGS.iter().any(|beginning| wire.starts_with(beginning))
}

pub(crate) fn take(wire: &mut Vec<u8>, cut: Cut) -> Vec<u8> {
    let line = wire.iter().position(|byte| *byte == b'\n').map_or(wire.len(), |at| at + 1);
    let count = match cut {
        Cut::Byte => 1,
        Cut::Short => line - 1,
        Cut::Line => line,
        Cut::All => wire.len(),
    };
    wire.drain(..count).collect()
}
