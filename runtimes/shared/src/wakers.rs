//! Whom to wake, for adapters that wait with wakers.

use std::task::Waker;

/// Wakers that are to be woken, or are needed no more. Waking or dropping one can run any code, such as
/// dropping a future of this very session: it is done when no lock is held.
#[derive(Debug, Default)]
#[must_use = "somebody waits to be woken"]
pub struct Wakers {
    due: Vec<Waker>,
    dropped: Vec<Waker>,
}

impl Wakers {
    /// Wakes those who wait.
    pub fn wake(self) {
        self.due.into_iter().for_each(Waker::wake);
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.due.is_empty() && self.dropped.is_empty()
    }

    /// Takes those of `others`, too.
    pub(crate) fn append(&mut self, others: &mut Self) {
        self.due.append(&mut others.due);
        self.dropped.append(&mut others.dropped);
    }

    pub(crate) fn wake_later(&mut self, waker: impl IntoIterator<Item = Waker>) {
        self.due.extend(waker);
    }

    pub(crate) fn drop_later(&mut self, waker: Option<Waker>) {
        self.dropped.extend(waker);
    }

    /// Whoever waits in `place` is `waker` from now on.
    pub(crate) fn watch(&mut self, place: &mut Option<Waker>, waker: &Waker) {
        if !place.as_ref().is_some_and(|old| old.will_wake(waker)) {
            self.dropped.extend(place.replace(waker.clone()));
        }
    }
}
