//! Futures that are dropped at some poll.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Polls a future so many times, whether it is woken or not, and drops it if it goes on.
pub(crate) async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    drop_at(polls, future, true).await
}

/// The same, but polls it only when it is woken.
pub(crate) async fn at_most_woken<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    drop_at(polls, future, false).await
}

async fn drop_at<F: Future>(polls: usize, future: F, at_once: bool) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        let polled = future.as_mut().poll(context).map(Some);
        if polled.is_pending() && (at_once || left == 0) {
            context.waker().wake_by_ref();
        }
        polled
    })
    .await
}
