//! What the naive client says and awaits an answer to.

use bellwire::Cause;

use super::real::Told;

/// A command, or one of the client's own words.
pub(crate) struct Asked {
    pub(crate) who: Who,
    pub(crate) line: Vec<u8>,
    pub(crate) id: u64,
    pub(crate) due: Option<u64>,
    /// So many bytes had come when it was said: what came before is no answer to it.
    pub(crate) after: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Who {
    Caller(u64),
    Nobody(u64),
    Enter,
    Leave,
    Probe,
}

impl Asked {
    pub(crate) fn never_sent(self, why: Cause) -> Option<Told> {
        let Who::Caller(ticket) = self.who else { return None };
        Some(Told::NeverSent(ticket, why))
    }

    /// Whether a server could answer this so.
    pub(crate) fn is_answer(&self, text: &[u8]) -> bool {
        let number =
            || !text.trim_ascii().is_empty() && text.trim_ascii().iter().all(u8::is_ascii_digit);
        text.starts_with(b"error:")
            || match self.who {
                Who::Enter => matches!(text.trim_ascii_end(), b"OK" | b"will send notifs"),
                Who::Leave | Who::Probe => text.trim_ascii_end() == b"OK",
                _ => self.line.trim_ascii() != b"random?" || number(),
            }
    }
}
