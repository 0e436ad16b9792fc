//! What a thread can wait for.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::Wake;
use std::time::Duration;

use bellwire_adapter::Transport;
use rustix::event::{PollFd, PollFlags, Timespec};

/// A [`Transport`] that a thread can wait for.
pub trait Pollable: Transport {
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
}

impl Pollable for TcpStream {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        // The second of two small writes would wait for the peer's delayed acknowledgement.
        self.set_nodelay(true)?;
        self.set_nonblocking(true)
    }
}

impl Pollable for UnixStream {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.set_nonblocking(true)
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

impl<S: Read + Write + Send + 'static> Pollable for Plain<S> {}

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
    socket: &impl AsFd,
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

    /// Waits until it is woken.
    pub(crate) fn wait(&self) -> io::Result<()> {
        match rustix::event::poll(&mut [PollFd::new(&self.receiver, PollFlags::IN)], None) {
            Ok(_) => self.drain(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn drain(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.receiver).read(&mut bytes), Ok(count) if count == bytes.len()) {}
    }
}

impl Wake for Waker {
    fn wake(self: Arc<Self>) {
        Self::wake(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Self::wake(self);
    }
}
