//! Round trips on each runtime: by a bare loop of write and read, and by Bellwire's client, to the same
//! server in the same run.

use std::net::SocketAddr;
use std::time::Duration;

mod asynchronous;
mod blocking;
mod executor;
pub mod servers;

pub use asynchronous::{bare, driven, undriven};
pub use blocking::{bare as blocking_bare, client as blocking_client};
pub use executor::Executor;

/// What is asked of a server.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// The server.
    pub server: SocketAddr,
    /// So many round trips.
    pub count: usize,
    /// So many at a time.
    pub depth: usize,
}

/// What is asked. Both servers answer it with a line: one with the same, the other with a number.
const QUESTION: &str = "answer?";

impl Work {
    fn batches(&self) -> usize {
        self.count / self.depth
    }

    /// What a bare loop writes at once.
    fn batch(&self) -> Vec<u8> {
        [QUESTION.as_bytes(), b"\r\n"].concat().repeat(self.depth)
    }
}

/// The median of some times, in seconds.
#[must_use]
pub fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}
