//! An asynchronous stream, seen as one that fails where it would have to wait.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bellwire_adapter::Transport;
use futures_io::AsyncWrite;

use crate::runtime::Stream;

/// A stream whose tasks are woken by one and the same waker, whoever reads or writes.
pub(crate) struct Polled<S> {
    stream: S,
    waker: Waker,
    private: bool,
    /// It has taken bytes that it may not have sent.
    unsent: bool,
}

impl<S: Stream> Polled<S> {
    pub(crate) fn new(stream: S, waker: Waker) -> Self {
        Self { stream, waker, private: false, unsent: false }
    }

    /// Nobody can listen in.
    pub(crate) fn private(self) -> Self {
        Self { private: true, ..self }
    }

    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        match poll(Pin::new(&mut self.stream), &mut Context::from_waker(&self.waker)) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S: Stream> Read for Polled<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.poll(|stream, context| stream.poll_read(context, buffer))
    }
}

impl<S: Stream> Write for Polled<S> {
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

impl<S: Stream> Transport for Polled<S> {
    fn is_private(&self) -> bool {
        self.private
    }

    fn awaits_write(&self, due: bool) -> bool {
        due || self.unsent
    }

    fn shutdown(&mut self) {
        // If it has to wait, dropping the stream ends the connection as well.
        let _ = self.poll(AsyncWrite::poll_close);
    }
}
