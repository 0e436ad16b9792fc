//! Waiting for descriptors, and for other ends, with patience.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// For how long whoever plays on a real stream waits for the other end, unless it is told otherwise: 10 s,
/// longer than anything may take that happens on one machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a test that something broken would hang, and fails it instead. Its thread has the name of the caller's, which is
/// the test's.
///
/// ```
/// use bellwire_testkit::{PATIENCE, in_time};
/// use std::thread;
///
/// let name = thread::current().name().map(str::to_owned);
/// in_time(PATIENCE, move || assert_eq!(thread::current().name(), name.as_deref()));
/// ```
///
/// # Panics
///
/// When the test takes longer than `patience`, and when it panics itself.
pub fn in_time(patience: Duration, test: impl FnOnce() + Send + 'static) {
    let (done, end) = channel::<()>();
    // Whoever is asked for the test's name looks there.
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let thread = thread::Builder::new().name(name).spawn(move || {
        // Told in any case: if the test panics, the sender is dropped.
        let _done = done;
        test();
    });
    let thread = thread.expect("there is no thread for the test");
    if end.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        panic!("the test takes longer than {patience:?}");
    }
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

/// Accepts a connection, if one comes in time. What is written to it goes out at once (`TCP_NODELAY`).
///
/// # Errors
///
/// [`TimedOut`](io::ErrorKind::TimedOut) when none comes, and what else the system says.
pub fn accept(listener: &TcpListener, patience: Duration) -> io::Result<TcpStream> {
    await_readable(listener, None, patience)?;
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Waits until `descriptor` can be read, or accepted on.
///
/// # Errors
///
/// `TimedOut` when it cannot for so long, `Interrupted` when the other end of `over` is dropped before.
pub(crate) fn await_readable(
    descriptor: &impl AsFd,
    over: Option<&UnixStream>,
    patience: Duration,
) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    let mut polled = vec![PollFd::new(descriptor, PollFlags::IN)];
    polled.extend(over.map(|over| PollFd::new(over, PollFlags::empty())));
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        poll(&mut polled, Some(left))?;
        if is_ready(&polled[0]) {
            return Ok(());
        }
        if polled.get(1).is_some_and(is_ready) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// Waits until one of these is [ready](is_ready), `timeout` has passed, or a signal has come.
pub(crate) fn poll(polled: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(polled, timeout.as_ref()) {
        Ok(_) => Ok(()),
        Err(Errno::INTR) => {
            polled.iter_mut().for_each(PollFd::clear_revents);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether it is ready for what is wanted of it, or broken: then that will tell how.
pub(crate) fn is_ready(polled: &PollFd<'_>) -> bool {
    !polled.revents().is_empty()
}
