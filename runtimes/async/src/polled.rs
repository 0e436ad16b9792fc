//! A stream of the ecosystem as a transport that does not wait.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bellwire_adapter::Transport;
use futures_io::{AsyncRead, AsyncWrite};

/// A stream that says `WouldBlock` where it is pending, and wakes `waker` when it is no more.
pub(crate) struct Polled<S> {
    stream: S,
    waker: Waker,
    /// It has taken bytes that it may not have sent.
    unsent: bool,
}

impl<S> Polled<S> {
    pub(crate) fn new(stream: S, waker: Waker) -> Self {
        Self { stream, waker, unsent: false }
    }

    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T>
    where
        S: Unpin,
    {
        match poll(Pin::new(&mut self.stream), &mut Context::from_waker(&self.waker)) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S: AsyncRead + Unpin> Read for Polled<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.poll(|stream, context| stream.poll_read(context, buffer))
    }
}

impl<S: AsyncWrite + Unpin> Write for Polled<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unsent = true;
        self.poll(|stream, context| stream.poll_write(context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.poll(AsyncWrite::poll_flush)?;
        self.unsent = false;
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for Polled<S> {
    fn awaits_write(&self, due: bool) -> bool {
        due || self.unsent
    }

    fn shutdown(&mut self) {
        // What has to wait for that is lost: nobody waits any more.
        let _ = self.poll(AsyncWrite::poll_close);
    }
}
