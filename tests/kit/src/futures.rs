//! The peer over an asynchronous stream.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bellwire::transcript::play::Mismatch;
use futures_io::{AsyncRead, AsyncWrite};

use crate::Peer;

impl Peer {
    /// Plays on a stream of any runtime, in the time that it is given: `now` since a moment of the
    /// caller's choice, and `sleep`, which ends after a while. With tokio, these are
    /// `|| start.elapsed()` and `tokio::time::sleep`, and the test may pause the clock.
    ///
    /// Without a [patience](Self::with_patience), it waits for as long as it takes. `<EOF>` closes the
    /// stream for writing. `<RESET>` returns, for futures-io has no word for it, and the caller does what
    /// [`closing`](Self::closing) says.
    ///
    /// # Errors
    ///
    /// Where the other end, or the stream, differs from the transcript.
    ///
    /// # Cancel safety
    ///
    /// What was said, what was heard, and the time that has passed are the peer's, not the future's: it
    /// may be dropped, and another one goes on.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use bellwire_testkit::{Peer, Pipe};
    /// use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
    ///
    /// let (mut near, mut far) = Pipe::pair(4096);
    /// let mut server = Peer::server("C: random?\nS: 456902234\nS: <EOF>")?;
    /// let start = Instant::now();
    /// let never = |_: Duration| future::pending();
    /// let played = server.play_async(&mut far, || start.elapsed(), never);
    /// // The client under test.
    /// let client = async move {
    ///     near.write_all(b"random?\r\n").await?;
    ///     let mut said = String::new();
    ///     near.read_to_string(&mut said).await?;
    ///     Ok::<_, std::io::Error>(said)
    /// };
    /// let (played, said) = future::block_on(future::zip(played, client));
    /// assert_eq!(said?, "456902234\r\n");
    /// played?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn play_async<S, T>(
        &mut self,
        stream: &mut S,
        now: impl Fn() -> Duration,
        sleep: impl Fn(Duration) -> T,
    ) -> Result<(), Mismatch>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        T: Future<Output = ()>,
    {
        let mut stream = Pin::new(stream);
        loop {
            self.tick(now());
            if let Some(outcome) = self.outcome().filter(|_| !self.closes()) {
                return outcome.clone();
            }
            let left = self.deadline().map(|at| at.saturating_sub(self.now()));
            let mut timer = pin!(async {
                match left {
                    Some(left) => sleep(left).await,
                    None => std::future::pending().await,
                }
            });
            poll_fn(|context| match self.poll_stream(stream.as_mut(), &now, context) {
                Poll::Pending => timer.as_mut().poll(context),
                Poll::Ready(()) => Poll::Ready(()),
            })
            .await;
        }
    }

    /// Says and hears what can be said and heard; ready when anything has changed.
    fn poll_stream<S: AsyncRead + AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        now: impl Fn() -> Duration,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut changed = Poll::Pending;
        if self.closes() {
            if let Poll::Ready(closed) = stream.as_mut().poll_close(context) {
                self.closing();
                self.has_closed(closed);
                changed = Poll::Ready(());
            }
        } else if !self.output().is_empty() {
            if let Poll::Ready(written) = stream.as_mut().poll_write(context, self.output()) {
                self.wrote(written);
                changed = Poll::Ready(());
            }
        } else if let Poll::Ready(flushed) = stream.as_mut().poll_flush(context) {
            self.flushed(flushed);
            if self.outcome().is_some() {
                changed = Poll::Ready(());
            }
        }
        // Also while a write is blocked, or the other end's may be.
        let mut chunk = [0; 4096];
        if self.hears()
            && let Poll::Ready(read) = stream.poll_read(context, &mut chunk)
        {
            // Time first: what comes in the same instant has not come too early.
            self.tick(now());
            self.read(read.map(|count| &chunk[..count]));
            changed = Poll::Ready(());
        }
        changed
    }
}
