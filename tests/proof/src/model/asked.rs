//! What the naive client says and awaits an answer to.

use bellwire::Cause;

use super::real::Told;

/// A command, or one of the client's own words.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) who: Who,
    pub(crate) line: Vec<u8>,
    /// What goes over the wire, up to each pause.
    pub(crate) parts: Vec<Vec<u8>>,
    pub(crate) number: u64,
    pub(crate) due: Option<u64>,
    /// So many bytes had come when it was said: what came before is no answer to it.
    pub(crate) after: usize,
    /// Parts of the answer that have come, their bytes, and how many ends of members of a list.
    pub(crate) heard: usize,
    pub(crate) size: usize,
    pub(crate) ended: usize,
    /// A change was told, and the word that leaves the mode will be answered, too.
    pub(crate) changed: bool,
    pub(crate) twice: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Who {
    #[default]
    Probe,
    Caller(u64),
    Nobody(u64),
    Enter,
    Leave,
}

impl Asked {
    pub(crate) fn never_sent(self, why: Cause) -> Option<Told> {
        let Who::Caller(ticket) = self.who else { return None };
        Some(Told::NeverSent(ticket, why))
    }

    /// A good answer to it changes the stream.
    pub(crate) fn is_barrier(&self) -> bool {
        matches!(self.who, Who::Caller(_) | Who::Nobody(_))
            && self.line.eq_ignore_ascii_case(b"STARTTLS")
    }
}
