//! One way of a connection.

use std::collections::VecDeque;
use std::time::Duration;

/// Bytes on their way: they come in order, each not before its time.
#[derive(Debug, Default)]
pub(super) struct Link(VecDeque<(Duration, u8)>);

impl Link {
    /// Takes bytes that come not before `at`.
    pub(super) fn send(&mut self, bytes: &[u8], at: Duration) {
        let at = self.0.back().map_or(at, |(last, _)| at.max(*last));
        self.0.extend(bytes.iter().map(|byte| (at, *byte)));
    }

    /// At most so many of the bytes that are there by now.
    pub(super) fn come(&mut self, most: usize, now: Duration) -> Vec<u8> {
        let there = self.0.iter().take_while(|(at, _)| *at <= now).count();
        self.0.drain(..there.min(most)).map(|(_, byte)| byte).collect()
    }

    /// When the last of them will be there.
    pub(super) fn last(&self) -> Option<Duration> {
        self.0.back().map(|(at, _)| *at)
    }
}
