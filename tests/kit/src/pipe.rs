//! A connection in memory.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_io::{AsyncRead, AsyncWrite};

/// One end of a connection in memory, which holds so many bytes in each direction and no more, so that
/// whoever writes has to wait for whoever reads.
///
/// It can be used by threads, as `Read + Write` that block, have a timeout, or do neither; and by tasks of
/// any runtime, as futures-io's `AsyncRead + AsyncWrite`; each end in its own way. `&Pipe` reads and writes,
/// too, so that one thread may read while another writes; of tasks, one may read and one may write. Both
/// asynchronous traits are cancel-safe: a byte is moved when a poll says so, or not at all.
///
/// Dropping an end closes it: the other one reads what is there, then its end; and its writes fail with
/// `BrokenPipe`.
///
/// ```
/// use std::io::{ErrorKind, Read, Write};
/// use bellwire_testkit::Pipe;
///
/// let (mut near, mut far) = Pipe::pair(4);
/// near.set_nonblocking(true);
/// assert_eq!(near.write(b"random?\r\n")?, 4);
/// assert_eq!(near.write(b"om?\r\n").unwrap_err().kind(), ErrorKind::WouldBlock);
/// near.half_close();
/// let mut said = String::new();
/// far.read_to_string(&mut said)?;
/// assert_eq!(said, "rand");
/// far.reset();
/// assert_eq!(near.read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::ConnectionReset);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipe {
    link: Arc<Link>,
    /// What this end writes to; it reads from the other.
    side: usize,
    mode: Mutex<Mode>,
}

/// How blocking reads and writes of one end wait.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    nonblocking: bool,
    timeout: Option<Duration>,
}

#[derive(Debug)]
struct Link {
    capacity: usize,
    flows: Mutex<[Flow; 2]>,
    moved: Condvar,
}

/// One direction.
#[derive(Debug, Default)]
struct Flow {
    bytes: VecDeque<u8>,
    /// The writer has no more to say.
    closed: bool,
    /// Nobody reads any more.
    unread: bool,
    reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    /// The two ends of a connection that holds `capacity` bytes in each direction; one, at least. They
    /// block, for as long as it takes.
    #[must_use]
    pub fn pair(capacity: usize) -> (Self, Self) {
        let (flows, moved) = (Mutex::default(), Condvar::new());
        let link = Arc::new(Link { capacity: capacity.max(1), flows, moved });
        let end = |side, link| Self { link, side, mode: Mutex::default() };
        (end(0, Arc::clone(&link)), end(1, link))
    }

    /// Says no more; and still reads. What was written is read by the other end before it reads that.
    pub fn half_close(&self) {
        let mut flows = self.link.lock();
        flows[self.side].closed = true;
        self.link.wake(flows);
    }

    /// Ends both directions at once: what was not read is lost, and reads and writes of both ends fail with
    /// `ConnectionReset`.
    pub fn reset(&self) {
        let mut flows = self.link.lock();
        for flow in flows.iter_mut() {
            flow.reset = true;
        }
        self.link.wake(flows);
    }

    /// Whether reads and writes of this end that cannot be done at once fail with `WouldBlock`.
    pub fn set_nonblocking(&self, nonblocking: bool) {
        lock(&self.mode).nonblocking = nonblocking;
    }

    /// How long reads and writes of this end block before they fail with `TimedOut`; `None`: for ever.
    pub fn set_timeout(&self, timeout: Option<Duration>) {
        lock(&self.mode).timeout = timeout;
    }

    /// Does what can be done, and waits until it can.
    fn block<T>(&self, mut attempt: impl FnMut(&mut [Flow; 2]) -> Attempt<T>) -> io::Result<T> {
        let Mode { nonblocking, timeout } = *lock(&self.mode);
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut flows = self.link.lock();
        loop {
            if let Some(done) = attempt(&mut flows) {
                self.link.wake(flows);
                return done;
            }
            if nonblocking {
                return Err(ErrorKind::WouldBlock.into());
            }
            let moved = &self.link.moved;
            flows = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => moved.wait(flows).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Err(ErrorKind::TimedOut.into()),
                Some(left) => {
                    moved.wait_timeout(flows, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// The same for a task, which is woken when it can.
    fn poll<T>(
        &self,
        mut attempt: impl FnMut(&mut [Flow; 2]) -> Attempt<T>,
        waits: impl FnOnce(&mut [Flow; 2]) -> &mut Option<Waker>,
        context: &Context<'_>,
    ) -> Poll<io::Result<T>> {
        let mut flows = self.link.lock();
        if let Some(done) = attempt(&mut flows) {
            self.link.wake(flows);
            return Poll::Ready(done);
        }
        *waits(&mut flows) = Some(context.waker().clone());
        Poll::Pending
    }
}

/// What came of it, if anything could be done at once.
type Attempt<T> = Option<io::Result<T>>;

impl Flow {
    fn read(&mut self, buffer: &mut [u8]) -> Attempt<usize> {
        if self.reset {
            return Some(Err(ErrorKind::ConnectionReset.into()));
        }
        if self.bytes.is_empty() && !self.closed && !buffer.is_empty() {
            return None;
        }
        Some(self.bytes.read(buffer))
    }

    fn write(&mut self, bytes: &[u8], capacity: usize) -> Attempt<usize> {
        if self.reset {
            return Some(Err(ErrorKind::ConnectionReset.into()));
        }
        if self.closed || self.unread {
            return Some(Err(ErrorKind::BrokenPipe.into()));
        }
        let count = bytes.len().min(capacity - self.bytes.len());
        self.bytes.extend(&bytes[..count]);
        (count > 0 || bytes.is_empty()).then_some(Ok(count))
    }

    /// Those who need not wait any longer.
    fn wakers(&mut self, capacity: usize) -> [Option<Waker>; 2] {
        let over = self.reset || self.closed;
        let read = over || !self.bytes.is_empty();
        let write = over || self.unread || self.bytes.len() < capacity;
        [self.reader.take_if(|_| read), self.writer.take_if(|_| write)]
    }
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, [Flow; 2]> {
        lock(&self.flows)
    }

    /// Wakes all who wait for what has changed.
    fn wake(&self, mut flows: MutexGuard<'_, [Flow; 2]>) {
        let wakers = flows.each_mut().map(|flow| flow.wakers(self.capacity));
        drop(flows);
        self.moved.notify_all();
        wakers.into_iter().flatten().flatten().for_each(Waker::wake);
    }
}

/// Nobody panics while he holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut flows = self.link.lock();
        flows[self.side].closed = true;
        flows[1 - self.side].unread = true;
        self.link.wake(flows);
    }
}

impl Read for &Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.block(|flows| flows[1 - self.side].read(buffer))
    }
}

impl Write for &Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.block(|flows| flows[self.side].write(bytes, self.link.capacity))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut &*self, buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut &*self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for &Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let from = 1 - self.side;
        self.poll(|flows| flows[from].read(buffer), |flows| &mut flows[from].reader, context)
    }
}

impl AsyncWrite for &Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (to, capacity) = (self.side, self.link.capacity);
        let write = |flows: &mut [Flow; 2]| flows[to].write(bytes, capacity);
        self.poll(write, |flows| &mut flows[to].writer, context)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.half_close();
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(context)
    }
}
