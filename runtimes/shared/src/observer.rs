//! Watching a connection: every byte, event and act, for logs, recordings and demonstrations.

use std::time::Duration;

use bellwire::transcript::{Act, Said, escape};
use bellwire::{Abandoned, Event};

/// Sees everything that happens on a client's connections, in order. It is called while the session
/// is locked, so it must not use the client, and should be quick.
pub trait Observer: Send {
    /// A connection is up; the number names it in logs.
    fn connected(&mut self, connection: u64) {
        let _ = connection;
    }

    /// The client sent this.
    fn client(&mut self, said: &Said) {
        let _ = said;
    }

    /// The server sent this.
    fn server(&mut self, said: &Said) {
        let _ = said;
    }

    /// The machine said that this happened.
    fn event(&mut self, event: &Event<&[u8]>) {
        let _ = event;
    }

    /// The machine gave the connection up.
    fn fault(&mut self, error: &bellwire::Error) {
        let _ = error;
    }

    /// The program did something.
    fn act(&mut self, act: &Act) {
        let _ = act;
    }

    /// What it came to that the program gave up the command with this ticket.
    fn abandoned(&mut self, ticket: u64, how: Abandoned) {
        let _ = (ticket, how);
    }

    /// The machine was told the time, counted from when the connection was made.
    fn tick(&mut self, now: Duration) {
        let _ = now;
    }
}

/// Logs what one end (`C` or `S`) sent on a connection, a line for each line.
pub fn log_lines(connection: u64, end: char, bytes: &[u8]) {
    if log::log_enabled!(log::Level::Trace) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, whole) = match line.strip_suffix(b"\n") {
                Some(text) => (text.strip_suffix(b"\r").unwrap_or(text), true),
                None => (line, false),
            };
            log::trace!("#{connection} {end}: {}{}", escape(text), if whole { "" } else { "\\" });
        }
    }
}
