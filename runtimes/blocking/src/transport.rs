//! What a connection runs over.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

/// A stream of bytes that a client can be driven over (guarantee G23).
pub trait Transport: Read + Write + Send + 'static {
    /// What to poll before reading or writing; the stream must then be in non-blocking mode.
    /// `None`: the stream cannot be polled, and its reads block.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Makes the stream ready to be driven.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    fn prepare(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether nobody can listen in: TLS, or a socket that never leaves the machine. Some dialects
    /// send no password otherwise.
    fn is_private(&self) -> bool {
        false
    }

    /// Whether something can be read at once that polling the descriptor does not tell of: bytes
    /// that the transport has taken from it already, as TLS does, or the end of them.
    fn has_input(&self) -> bool {
        false
    }

    /// Whether to wait until the descriptor may be written; `due` is whether anything is left that
    /// [`write`](Write::write) would not take. A transport that has bytes of its own to write, or
    /// that must read before it takes any, says so here; the former are written by
    /// [`flush`](Write::flush).
    fn awaits_write(&self, due: bool) -> bool {
        due
    }

    /// From here on, speaks TLS (STARTTLS): both ends have just agreed to.
    ///
    /// The transport has read no further than what [`read`](Read::read) gave. Whatever of that
    /// comes behind the agreement is no part of the secured conversation, and may be an attacker's:
    /// the caller must refuse it (RFC 9051, section 11.1; RFC 3207, section 5).
    ///
    /// # Errors
    ///
    /// When the transport has no such form, or speaks TLS already.
    fn upgrade(&mut self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this transport cannot be upgraded to TLS"))
    }

    /// Whether it has to be [upgraded](Self::upgrade) before it is used for anything but what the
    /// connection begins with, because TLS was asked for.
    fn must_upgrade(&self) -> bool {
        false
    }

    /// Ends the connection in both directions, and wakes whoever polls it.
    fn shutdown(&mut self) {}
}

impl Transport for TcpStream {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        // The second of two small writes would wait for the peer's delayed acknowledgement.
        self.set_nodelay(true)?;
        self.set_nonblocking(true)
    }

    fn shutdown(&mut self) {
        // It may be gone already.
        let _ = TcpStream::shutdown(self, Shutdown::Both);
    }
}

impl Transport for UnixStream {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.set_nonblocking(true)
    }

    fn is_private(&self) -> bool {
        true
    }

    fn shutdown(&mut self) {
        let _ = UnixStream::shutdown(self, Shutdown::Both);
    }
}

/// Any `Read + Write`: a serial port, an in-memory pipe.
///
/// It cannot be polled, so a wait lasts until its read returns: deadlines are looked at only then
/// (give the stream a read timeout of its own), reading stops while a write is blocked, and other
/// threads wait meanwhile.
#[derive(Debug)]
pub struct Plain<S>(
    /// The stream.
    pub S,
);

impl<S: Read> Read for Plain<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Write> Write for Plain<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Read + Write + Send + 'static> Transport for Plain<S> {}

/// Which directions to wait for, or are ready.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ready {
    pub(crate) read: bool,
    pub(crate) write: bool,
    /// The connection is gone in both directions; it need not be waited for.
    pub(crate) hung_up: bool,
}

impl Ready {
    pub(crate) fn to_read() -> Self {
        Self { read: true, ..Self::default() }
    }

    fn flags(self) -> PollFlags {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.read);
        flags.set(PollFlags::OUT, self.write);
        flags
    }
}

/// Waits until `socket` is ready for what is wanted, `waker` has something to read, or `timeout` has
/// passed.
pub(crate) fn poll(
    socket: &OwnedFd,
    wanted: Ready,
    waker: &Waker,
    timeout: Option<Duration>,
) -> io::Result<Ready> {
    let mut polled =
        [PollFd::new(socket, wanted.flags()), PollFd::new(&waker.receiver, PollFlags::IN)];
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(&mut polled, timeout.as_ref()) {
        Ok(_) => {
            if polled[1].revents().contains(PollFlags::IN) {
                waker.drain();
            }
            let ready = polled[0].revents();
            let hung_up = ready.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
            Ok(Ready {
                // How the connection ended is found out by reading.
                read: hung_up || ready.contains(PollFlags::IN),
                write: ready.contains(PollFlags::OUT),
                hung_up,
            })
        }
        Err(rustix::io::Errno::INTR) => Ok(Ready::default()),
        Err(error) => Err(error.into()),
    }
}

/// The same, where nobody else is to wake: who is interested finds out what is ready.
#[cfg(feature = "tls")]
pub(crate) fn poll_alone(
    socket: BorrowedFd<'_>,
    wanted: Ready,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(&mut [PollFd::new(&socket, wanted.flags())], timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Ends another thread's [`poll`].
#[derive(Debug)]
pub(crate) struct Waker {
    sender: UnixStream,
    receiver: UnixStream,
}

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        let (sender, receiver) = UnixStream::pair()?;
        sender.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        Ok(Self { sender, receiver })
    }

    pub(crate) fn wake(&self) {
        // If it is full, enough is there to wake.
        let _ = (&self.sender).write(&[1]);
    }

    fn drain(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.receiver).read(&mut bytes), Ok(count) if count == bytes.len()) {}
    }
}

/// What reading or writing without blocking came to.
pub(crate) enum Moved {
    Bytes(usize),
    Nothing,
    Eof,
    Failed(io::Error),
}

impl From<io::Result<usize>> for Moved {
    fn from(result: io::Result<usize>) -> Self {
        match result {
            Ok(0) => Self::Eof,
            Ok(count) => Self::Bytes(count),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => Self::Nothing,
                _ => Self::Failed(error),
            },
        }
    }
}
