//! Whom to wake, where that changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// A waker that wakes whichever task waits: a future may move from one to the other.
#[derive(Debug, Default)]
pub(super) struct Signal(Mutex<Option<Waker>>);

impl Signal {
    /// From now on, it is `waker` that waits. What it waits for is to be looked at after this.
    pub(super) fn watch(&self, waker: &Waker) {
        let mut watcher = self.lock();
        if !watcher.as_ref().is_some_and(|old| old.will_wake(waker)) {
            let old = watcher.replace(waker.clone());
            drop(watcher);
            // Dropping a waker may run any code.
            drop(old);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let watcher = self.lock().clone();
        if let Some(watcher) = watcher {
            watcher.wake();
        }
    }
}
