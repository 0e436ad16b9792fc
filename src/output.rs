//! The bytes that are due: one ordered buffer, because replies cause output too.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::{fmt, mem};

use crate::command::{Secret, redact};
use crate::peak::Peak;

/// Bytes shown to the transport and not taken by it yet.
pub(crate) struct Output {
    buffer: Vec<u8>,
    written: usize,
    /// Places in the buffer.
    secrets: Vec<Secret>,
    peak: Peak<64>,
}

/// May hold secrets, so it shows how much only.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("due", &self.len()).finish_non_exhaustive()
    }
}

impl Output {
    pub(crate) const fn new() -> Self {
        Self { buffer: Vec::new(), written: 0, secrets: Vec::new(), peak: Peak::new() }
    }

    /// The buffer to append to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.written > 0 && self.written >= self.len() {
            // Moves at most as many bytes as were written since the last move: linear in all.
            self.drop_written();
        }
        &mut self.buffer
    }

    /// Appends bytes that hold secrets, at places counted from their beginning.
    pub(crate) fn push(&mut self, bytes: &[u8], secrets: impl IntoIterator<Item = Secret>) {
        let buffer = self.buffer();
        let start = buffer.len();
        buffer.extend_from_slice(bytes);
        self.secrets.extend(secrets.into_iter().map(|secret| secret.moved(start)));
    }

    /// The first `count` bytes that are due, as logs may show them.
    pub(crate) fn redacted(&self, count: usize) -> Cow<'_, [u8]> {
        let part = self.written..self.written.saturating_add(count).min(self.buffer.len());
        let secrets = self.secrets.iter().filter_map(|secret| secret.within(&part));
        redact(&self.buffer[part.clone()], &secrets.collect::<Vec<_>>())
    }

    fn drop_written(&mut self) {
        let written = mem::take(&mut self.written);
        self.buffer.drain(..written);
        let left = written..usize::MAX;
        self.secrets = self.secrets.iter().filter_map(|secret| secret.within(&left)).collect();
    }

    pub(crate) fn due(&mut self) -> &[u8] {
        self.peak.note(self.buffer.len());
        &self.buffer[self.written..]
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.written
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The transport has taken so many bytes, at most all.
    pub(crate) fn take(&mut self, count: usize) {
        self.written = self.written.saturating_add(count).min(self.buffer.len());
        if self.is_empty() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.secrets.clear();
        self.written = 0;
    }

    /// Gives memory back after a burst. To be called now and then.
    pub(crate) fn shrink(&mut self) {
        if let Some(capacity) = self.peak.excess(self.len(), self.buffer.capacity()) {
            self.drop_written();
            self.buffer.shrink_to(capacity);
        }
    }
}
