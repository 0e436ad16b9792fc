//! What has happened on a client's connections.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bellwire::transcript::{Said, escape};
use bellwire::{Abandoned, Event};
use bellwire_adapter::Observer;
use bellwire_testkit::PATIENCE;

/// Sees what happens on a client's connections, in the words of a transcript. Whoever waits for something
/// loses patience, and says for what he waited.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<(Mutex<Seen>, Condvar)>);

#[derive(Debug, Default)]
struct Seen {
    events: Vec<String>,
    /// What the client has said, a line each.
    said: Vec<String>,
    /// Bytes of the server's.
    heard: usize,
    connections: usize,
    over: bool,
}

impl Log {
    /// All events, in the words of a transcript's `>` lines; a fault as `error: …`.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        self.seen().events.clone()
    }

    /// What the client has said, a line each, without line ends.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        self.seen().said.clone()
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen().connections
    }

    /// Waits for so many events at least.
    #[track_caller]
    pub fn wait_events(&self, count: usize) {
        self.wait(&format!("{count} events"), |seen| seen.events.len() >= count);
    }

    /// Waits until an event was told so many times.
    #[track_caller]
    pub fn wait_for(&self, event: &str, times: usize) {
        self.wait(&format!("{times} times {event:?}"), |seen| {
            seen.events.iter().filter(|it| *it == event).count() >= times
        });
    }

    /// Waits until the client has said a line so many times.
    #[track_caller]
    pub fn wait_said(&self, line: &str, times: usize) {
        self.wait(&format!("{times} times {line:?} of the client's"), |seen| {
            seen.said.iter().filter(|it| *it == line).count() >= times
        });
    }

    /// Waits until the last that the client has said is a line with this end.
    #[track_caller]
    pub fn wait_last_said(&self, end: &str) {
        self.wait(&format!("{end:?}, and nothing behind it,"), |seen| {
            seen.said.last().is_some_and(|last| last.split(' ').next_back() == Some(end))
        });
    }

    /// Waits until so many bytes of the server's have come, or the connection has ended.
    #[track_caller]
    pub fn wait_heard(&self, bytes: usize) {
        self.wait(&format!("{bytes} bytes of the server's"), |seen| {
            seen.heard >= bytes || seen.over
        });
    }

    /// Waits until so many connections were made.
    #[track_caller]
    pub fn wait_connections(&self, count: usize) {
        self.wait(&format!("{count} connections"), |seen| seen.connections >= count);
    }

    #[track_caller]
    fn wait(&self, what: &str, done: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen();
        while !done(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seen = format!("{:?}", *seen);
                panic!("{what} did not come; this has happened: {seen}");
            }
            let waited = self.0.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen());
        self.0.1.notify_all();
    }
}

impl Observer for Log {
    fn connected(&mut self, _: u64) {
        self.note(|seen| {
            seen.connections += 1;
            seen.over = false;
        });
    }

    fn client(&mut self, said: &Said) {
        let Said::Bytes(bytes) = said else { return };
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        self.note(|seen| seen.said.extend(lines.map(|line| escape(line.trim_ascii_end()))));
    }

    fn server(&mut self, said: &Said) {
        self.note(|seen| match said {
            Said::Bytes(bytes) => seen.heard += bytes.len(),
            _ => seen.over = true,
        });
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        self.note(|seen| seen.events.push(event.to_string()));
    }

    fn fault(&mut self, error: &bellwire::Error) {
        self.note(|seen| {
            seen.events.push(format!("error: {error}"));
            seen.over = true;
        });
    }

    fn abandoned(&mut self, ticket: u64, how: Abandoned) {
        self.note(|seen| seen.events.push(format!("{how} {ticket}")));
    }
}
