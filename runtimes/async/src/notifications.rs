//! Reading notifications.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bellwire::Dialect;
use bellwire_adapter::{Ended, Error, Notice, QueueId};
use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::drive::Handle;

/// The notifications of one client: all of them, or those about one topic.
///
/// Waiting for the next one asks the server for notifications; when the last such value is dropped,
/// they are asked for no more. What comes while nobody waits is kept, up to a bound, past which a
/// [`Gap`](crate::Gap) takes its place (guarantee G8).
///
/// It is a [`Stream`], which ends with an error when the connection is lost for good, and with `None`
/// when this program closed it.
#[derive(Debug)]
pub struct Notifications<D: Dialect + Clone> {
    handle: Handle<D>,
    queue: QueueId,
    /// The end has been told.
    ended: bool,
}

impl<D: Dialect + Clone> Notifications<D> {
    pub(crate) fn open(handle: Handle<D>, topic: Option<Bytes>) -> Self {
        let queue = handle.lock().drive.session.inbox.open(topic);
        Self { handle, queue, ended: false }
    }

    /// The notifications about `topic`, which from now on come there and nowhere else.
    #[must_use]
    pub fn topic(&self, topic: impl AsRef<[u8]>) -> Self {
        Self::open(self.handle.clone(), Some(Bytes::copy_from_slice(topic.as_ref())))
    }

    /// Waits for the next notice.
    ///
    /// # Cancel safety
    ///
    /// No notice is lost if it is dropped: it is taken only when it is given.
    ///
    /// # Errors
    ///
    /// When the connection is lost for good. `None` comes behind that, and when this program closed it.
    pub async fn next(&mut self) -> Option<Result<Notice, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Notice, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let queue = self.queue;
        let next = self.handle.note(|state| {
            let session = &mut state.drive.session;
            session.listen(true);
            if let Some(notice) = session.inbox.take(queue) {
                return Poll::Ready(Ok(notice));
            }
            session.inbox.watch(queue, context.waker());
            state.drive.over().map_or(Poll::Pending, |ended| Poll::Ready(Err(ended.clone())))
        });
        next.map(|notice| match notice {
            Ok(notice) => Some(Ok(notice)),
            Err(ended) => {
                self.ended = true;
                (ended != Ended::ByProgram).then_some(Err(Error::NotConnected(ended)))
            }
        })
    }
}

impl<D: Dialect + Clone> Stream for Notifications<D> {
    type Item = Result<Notice, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(context)
    }
}

impl<D: Dialect + Clone> FusedStream for Notifications<D> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<D: Dialect + Clone> Unpin for Notifications<D> {}

impl<D: Dialect + Clone> Drop for Notifications<D> {
    fn drop(&mut self) {
        let queue = self.queue;
        self.handle.note(|state| state.drive.session.stop_reading(queue));
    }
}
