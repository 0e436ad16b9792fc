//! Who waits for what, for adapters that wait with wakers.

use std::task::Waker;

use bellwire::Dialect;

use super::{Request, RequestId, Session};
use crate::wakers::Wakers;

impl<D: Dialect> Session<D> {
    /// Has `waker` woken when the request has its outcome.
    pub fn watch_outcome(&mut self, id: RequestId, waker: &Waker) {
        self.watch(id, false, waker);
    }

    /// Has `waker` woken when the request gets a part of its reply, or has its outcome.
    pub fn watch_part(&mut self, id: RequestId, waker: &Waker) {
        self.watch(id, true, waker);
    }

    fn watch(&mut self, id: RequestId, wants_part: bool, waker: &Waker) {
        if let Some(request) = self.requests.get_mut(id) {
            request.wants_part = wants_part;
            self.wakers.watch(&mut request.waker, waker);
        }
    }

    /// Has `waker` woken when there is another connection, or there will be none.
    pub fn watch_connection(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|it| it.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }

    /// Those whose wait has come to an end since this was asked last.
    pub fn wakers(&mut self) -> Wakers {
        let mut wakers = std::mem::take(&mut self.wakers);
        wakers.append(&mut self.inbox.wakers);
        wakers
    }

    /// Whether each request has its outcome, and all that is due was written.
    pub fn is_done(&self) -> bool {
        let waits = |request: &Request| request.outcome.is_none();
        !self.requests.iter().any(waits) && !self.client.has_output()
    }

    /// There will be no other connection.
    pub fn over(&mut self) {
        self.wakers.wake_later(self.waiting.drain(..));
        self.inbox.over();
    }
}
