//! One connection: its transport, and what is on its way between that and the session.

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::transport::{Transport, is_pause};

/// A connection. It can be read and written without its session, see
/// [`Drive::take`](crate::Drive::take).
pub struct Link<T: ?Sized> {
    since: Instant,
    /// Its reads wait for something to come.
    waits: bool,
    input: Vec<u8>,
    /// A copy of what is due, or of its beginning.
    output: Vec<u8>,
    /// Something was written since the last flush.
    unflushed: bool,
    alive: Arc<()>,
    transport: Box<T>,
}

/// So much is read at once.
const READ: usize = 16 * 1024;
/// So much is written at once.
const WRITE: usize = 64 * 1024;

impl<T: Transport + ?Sized> Link<T> {
    pub(crate) fn new(transport: Box<T>, waits: bool, since: Instant) -> Self {
        let (input, output) = (vec![0; READ], Vec::new());
        Self { since, waits, input, output, unflushed: false, alive: Arc::default(), transport }
    }

    /// Reads what has come.
    pub fn read(&mut self) -> Moved {
        match self.transport.read(&mut self.input) {
            // A read timeout of the stream's own, or, where there is none, of the connection.
            Err(error) if error.kind() == io::ErrorKind::TimedOut && !self.waits => {
                Moved::Failed(error)
            }
            read => Moved::from(read),
        }
    }

    /// Writes what is due, or, if that is nothing, gets on its way what was written.
    pub fn write(&mut self) -> Moved {
        if !self.output.is_empty() {
            self.unflushed = true;
            return Moved::from(self.transport.write(&self.output));
        }
        match self.transport.flush() {
            Ok(()) => {
                self.unflushed = false;
                Moved::Nothing
            }
            Err(error) => Err(error).into(),
        }
    }

    /// These bytes are due. Whether there is something to [`write`](Self::write).
    pub(crate) fn load(&mut self, due: &[u8]) -> bool {
        if due.is_empty() && self.output.capacity() > READ {
            self.output = Vec::new();
        }
        self.output.clear();
        self.output.extend_from_slice(&due[..due.len().min(WRITE)]);
        !due.is_empty() || self.unflushed || self.transport.awaits_write(false)
    }

    /// The first `count` bytes of what was read last.
    pub(crate) fn input(&self, count: usize) -> &[u8] {
        &self.input[..count]
    }

    /// Upgrades as long as the link is there.
    pub(crate) fn life(&self) -> Weak<()> {
        Arc::downgrade(&self.alive)
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    pub(crate) fn has_input(&self) -> bool {
        self.transport.has_input()
    }

    pub(crate) fn awaits_write(&self, due: bool) -> bool {
        self.transport.awaits_write(due)
    }

    pub(crate) fn must_upgrade(&self) -> bool {
        self.transport.must_upgrade()
    }

    pub(crate) fn upgrade(&mut self) -> io::Result<()> {
        self.transport.upgrade()
    }

    pub(crate) fn shutdown(&mut self) {
        self.transport.shutdown();
    }
}

/// What reading or writing without waiting came to.
#[derive(Debug)]
pub enum Moved {
    /// So many bytes.
    Bytes(usize),
    /// It would have to wait, or there was nothing to do.
    Nothing,
    /// The stream has ended.
    Eof,
    /// It failed.
    Failed(io::Error),
}

impl From<io::Result<usize>> for Moved {
    fn from(result: io::Result<usize>) -> Self {
        match result {
            Ok(0) => Self::Eof,
            Ok(count) => Self::Bytes(count),
            Err(error) if is_pause(&error) || error.kind() == io::ErrorKind::TimedOut => {
                Self::Nothing
            }
            Err(error) => Self::Failed(error),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("since", &self.since).finish_non_exhaustive()
    }
}
