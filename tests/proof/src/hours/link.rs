//! A link on which bytes take their time, and come in the order in which they were sent.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwire_adapter::Transport;

/// What is on its way in one direction.
#[derive(Debug, Default)]
pub(crate) struct Way {
    flying: VecDeque<(Duration, Sent)>,
    last: Duration,
}

#[derive(Debug)]
pub(crate) enum Sent {
    Bytes(Vec<u8>),
    Eof,
    Reset,
}

impl Way {
    /// It arrives after `latency`, but not before what was sent before.
    pub(crate) fn send(&mut self, now: Duration, latency: Duration, sent: Sent) {
        self.last = self.last.max(now + latency);
        self.flying.push_back((self.last, sent));
    }

    /// When the next of it arrives.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.flying.front().map(|(at, _)| *at)
    }

    pub(crate) fn arrived(&mut self, now: Duration) -> Option<Sent> {
        if self.next()? > now {
            return None;
        }
        self.flying.pop_front().map(|(_, sent)| sent)
    }

    /// All that is on its way is lost.
    pub(crate) fn clear(&mut self) {
        self.flying.clear();
    }
}

/// The client's end of the link, as its system has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Socket(Arc<Mutex<Buffers>>);

#[derive(Debug, Default)]
struct Buffers {
    come: VecDeque<u8>,
    end: Option<Sent>,
    due: Vec<u8>,
    shut: bool,
}

impl Socket {
    pub(crate) fn arrive(&self, sent: Sent) {
        let mut buffers = self.0.lock().unwrap();
        match sent {
            Sent::Bytes(bytes) => buffers.come.extend(bytes),
            end => buffers.end = Some(end),
        }
    }

    /// What was written since.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap().due)
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.0.lock().unwrap().shut
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffers = self.0.lock().unwrap();
        match (buffers.come.read(buffer)?, &buffers.end) {
            (0, None) => Err(ErrorKind::WouldBlock.into()),
            (0, Some(Sent::Reset)) => Err(ErrorKind::ConnectionReset.into()),
            (count, _) => Ok(count),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().due.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Socket {
    fn shutdown(&mut self) {
        self.0.lock().unwrap().shut = true;
    }
}
