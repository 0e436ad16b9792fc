//! The peer over a stream that blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use bellwire::transcript::play::Mismatch;
use rustix::net::{Shutdown, sockopt};

use crate::pipe::Pipe;
use crate::wait::PATIENCE;
use crate::{Closing, Peer};

/// A stream that a peer can [play](Peer::play) on.
///
/// Each socket is one, and whatever is above a socket and gives its descriptor, as TLS does; and so is a
/// [`Pipe`]. Any other `Read + Write` becomes one by `impl BlockingStream for MyStream {}`, if that has no
/// patience of its own and its ends need not be played.
pub trait BlockingStream: Read + Write {
    /// From now on, reads and writes that take longer fail with `TimedOut` or `WouldBlock`. A stream that
    /// cannot does nothing: reads then block for as long as they want.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        let _ = patience;
        Ok(())
    }

    /// Ends what this end says.
    ///
    /// # Errors
    ///
    /// When the stream cannot, or the system refuses.
    fn half_close(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    /// Resets the connection, as soon as the stream is dropped at the latest.
    ///
    /// # Errors
    ///
    /// When the stream cannot, or the system refuses.
    fn reset(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// A Unix socket cannot be reset: dropping it is a reset for the other end if this one has left something
/// unread.
impl<S: Read + Write + AsFd> BlockingStream for S {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        for direction in [sockopt::Timeout::Recv, sockopt::Timeout::Send] {
            match sockopt::set_socket_timeout(&*self, direction, Some(patience)) {
                // A terminal, a pair of pipes.
                Ok(()) | Err(rustix::io::Errno::NOTSOCK) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn half_close(&mut self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&*self, Shutdown::Write)?)
    }

    fn reset(&mut self) -> io::Result<()> {
        Ok(sockopt::set_socket_linger(&*self, Some(Duration::ZERO))?)
    }
}

impl BlockingStream for Pipe {
    fn set_patience(&mut self, patience: Duration) -> io::Result<()> {
        self.set_timeout(Some(patience));
        Ok(())
    }

    fn half_close(&mut self) -> io::Result<()> {
        Pipe::half_close(self);
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        Pipe::reset(self);
        Ok(())
    }
}

impl Peer {
    /// Plays on a stream that blocks, with real time: a `..` line is a pause, in which the stream is not
    /// read, so that it does not matter whose clock is faster. Without another
    /// [patience](Self::with_patience), it is [`PATIENCE`]. The stream is dropped at the end.
    ///
    /// # Errors
    ///
    /// Where the other end, or the stream, differs from the transcript.
    ///
    /// ```
    /// use std::io::{BufRead, BufReader, Write};
    /// use std::thread;
    /// use bellwire_testkit::{Peer, Pipe};
    ///
    /// let (near, far) = Pipe::pair(4096);
    /// let server = Peer::server("C: random?\nS: 456902234\nC: <EOF>")?;
    /// let server = thread::spawn(|| server.play(far));
    /// // The client under test.
    /// let mut near = BufReader::new(near);
    /// near.get_mut().write_all(b"random?\r\n")?;
    /// let mut reply = String::new();
    /// near.read_line(&mut reply)?;
    /// assert_eq!(reply, "456902234\r\n");
    /// drop(near);
    /// server.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn play(mut self, mut stream: impl BlockingStream) -> Result<(), Mismatch> {
        let patience = self.patience_or(PATIENCE);
        let start = Instant::now();
        if let Err(why) = stream.set_patience(patience) {
            self.fail(&why.to_string());
        }
        let mut chunk = [0; 4096];
        loop {
            self.tick(start.elapsed());
            match self.closing() {
                Some(Closing::Eof) => self.has_closed(stream.half_close()),
                Some(Closing::Reset) => self.has_closed(stream.reset()),
                None => {}
            }
            if let Some(outcome) = self.outcome() {
                return outcome.clone();
            }
            if let Some(pause) = self.pause() {
                thread::sleep(pause);
            } else if !self.output().is_empty() {
                let written = stream.write(self.output());
                self.wrote(written);
                self.flushed(stream.flush());
            } else {
                let read = stream.read(&mut chunk);
                self.tick(start.elapsed());
                self.read(read.map(|count| &chunk[..count]));
            }
        }
    }

    /// This is what came of ending the connection, in the step before.
    pub(crate) fn has_closed(&mut self, result: io::Result<()>) {
        match result {
            // The other end has gone, and need not be told.
            Err(why) if is_end(&why) || why.kind() == ErrorKind::NotConnected => {}
            Err(why) => self.failed_to_close(&why.to_string()),
            Ok(()) => {}
        }
    }

    /// This is what came of writing.
    pub(crate) fn wrote(&mut self, written: io::Result<usize>) {
        match written {
            Ok(0) => self.fail("the stream takes no more"),
            Ok(count) => self.written(count),
            Err(why) if is_no_end(&why) => {}
            Err(why) => self.fail(&why.to_string()),
        }
    }

    /// This is what came of flushing what was written.
    pub(crate) fn flushed(&mut self, flushed: io::Result<()>) {
        match flushed {
            // How the connection has ended is found out by reading.
            Err(why) if !is_no_end(&why) && !is_end(&why) => self.fail(&why.to_string()),
            _ => {}
        }
    }

    /// This is what came of reading.
    pub(crate) fn read(&mut self, read: io::Result<&[u8]>) {
        match read {
            Ok([]) => self.feed_eof(),
            Ok(bytes) => self.feed(bytes),
            Err(why) if is_no_end(&why) => {}
            Err(why) if is_end(&why) => self.feed_reset(),
            Err(why) => self.fail(&why.to_string()),
        }
    }
}

/// Whether the connection is gone.
fn is_end(why: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(why.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// Whether a read or write may just be tried again.
fn is_no_end(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
