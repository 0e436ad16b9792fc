//! One connection of a server, as its own task drives it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use bellwire::{ServerConfig, ServerDialect};
use bellwire_adapter::{Ended, ServerHandle, Serving};

use super::Service;
use super::signal::Signal;
use crate::polled::Polled;
use crate::runtime::{BoxFuture, Runtime, Stream};

/// A connection, as its task sees it.
pub(super) struct Connection<D: ServerDialect, T, R> {
    serving: Serving<D, Polled<T>>,
    /// Wakes the task.
    signal: Arc<Signal>,
    sleep: Option<Sleep>,
    /// So many turns may be taken before others have theirs: commands heard, and reads.
    turns: u8,
    runtime: PhantomData<fn() -> R>,
    /// The last to be dropped: it tells that the connection counts no more.
    _ended: Ends,
}

/// One that is too short serves as well, and is kept: most deadlines only ever move on.
struct Sleep {
    until: Instant,
    over: BoxFuture<()>,
}

/// Wakes somebody when it is dropped.
struct Ends(Waker);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}

impl<D, T, R> Connection<D, T, R>
where
    D: ServerDialect,
    T: Stream,
    R: Runtime,
{
    const TURNS: u8 = 32;

    /// `ended` is woken when it has ended, however that comes about.
    pub(super) fn new(
        server: &ServerHandle<D>,
        dialect: D,
        config: ServerConfig,
        stream: T,
        ended: Waker,
    ) -> Self {
        let signal = Arc::new(Signal::default());
        let stream = Polled::new(stream, Arc::clone(&signal).into());
        let wake = Arc::clone(&signal).into();
        Self {
            serving: Serving::new(server, dialect, config, stream, wake, R::now),
            signal,
            sleep: None,
            turns: Self::TURNS,
            runtime: PhantomData,
            _ended: Ends(ended),
        }
    }

    /// Serves until the connection ends.
    pub(super) async fn run(mut self, service: &impl Service) {
        let Err(how) = self.serve(service).await;
        self.serving.end(&how);
    }

    async fn serve(&mut self, service: &impl Service) -> Result<Infallible, Ended> {
        let mut peer = self.serving.peer();
        let mut session = self.meanwhile(service.open(&mut peer)).await?;
        self.serving.announce(&mut peer);
        loop {
            let (ticket, command) = poll_fn(|context| self.poll(context, Serving::next)).await?;
            let answer = service.answer(&mut session, &command, &mut peer);
            let reply = self.meanwhile(answer).await?;
            self.serving.reply(ticket, reply);
            self.serving.announce(&mut peer);
        }
    }

    /// Goes on while the service takes its time, which ends when the connection does.
    async fn meanwhile<F: Future>(&mut self, service: F) -> Result<F::Output, Ended> {
        let mut service = pin!(service);
        poll_fn(|context| match service.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending => self.poll(context, |serving| serving.go_on().map(|()| None)),
        })
        .await
    }

    /// Takes turns until one of them comes to something.
    fn poll<V>(
        &mut self,
        context: &mut Context<'_>,
        turn: impl Fn(&mut Serving<D, Polled<T>>) -> Result<Option<V>, Ended>,
    ) -> Poll<Result<V, Ended>> {
        self.signal.watch(context.waker());
        loop {
            if self.turns == 0 {
                // A client that never stops is no reason for others to wait (guarantee G26).
                context.waker().wake_by_ref();
                break;
            }
            self.turns -= 1;
            if let Some(value) = turn(&mut self.serving)? {
                return Poll::Ready(Ok(value));
            }
            let wanted = self.serving.wanted();
            let moved = wanted.read && self.serving.read()?;
            if !moved && self.poll_deadline(context, wanted.until).is_pending() {
                break;
            }
        }
        self.turns = Self::TURNS;
        Poll::Pending
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>, until: Option<Instant>) -> Poll<()> {
        let Some(until) = until else { return Poll::Pending };
        if self.sleep.as_ref().is_none_or(|sleep| sleep.until > until) {
            self.sleep = Some(Sleep { until, over: R::sleep_until(until) });
        }
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.over.as_mut().poll(context));
        }
        self.sleep = None;
        Poll::Ready(())
    }
}
