//! G18: a machine that has given up says so again and again, and nothing else.

use std::fmt::Display;

use bellwire::Error;

use super::Log;

/// Why a machine has given up, if it has.
#[derive(Default)]
pub(super) struct GivenUp(Option<Error>);

impl GivenUp {
    /// It has done or told this, which it does no more once it has given up.
    pub(super) fn not_yet(&self, what: impl Display) {
        assert!(!self.has(), "G18: {what} behind the end");
    }

    /// It says that it has given up.
    pub(super) fn says(&mut self, error: &Error, log: &mut Log) {
        if !self.has() {
            log.note(error);
            log.tape(|tape| tape.event(format_args!("error: {error}")));
        }
        let first = self.0.get_or_insert_with(|| error.clone());
        assert_eq!(first, error, "G18: it says something else now");
    }

    pub(super) fn has(&self) -> bool {
        self.0.is_some()
    }
}
