//! The bytes that are due: one ordered buffer, because replies cause output too.

use alloc::vec::Vec;

use crate::peak::Peak;

/// Bytes shown to the transport and not taken by it yet.
#[derive(Debug)]
pub(crate) struct Output {
    buffer: Vec<u8>,
    written: usize,
    peak: Peak<64>,
}

impl Output {
    pub(crate) const fn new() -> Self {
        Self { buffer: Vec::new(), written: 0, peak: Peak::new() }
    }

    /// The buffer to append to.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        if self.written > 0 && self.written >= self.len() {
            // Moves at most as many bytes as were written since the last move: linear in all.
            self.buffer.drain(..self.written);
            self.written = 0;
        }
        &mut self.buffer
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
        self.written = (self.written + count).min(self.buffer.len());
        if self.is_empty() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.written = 0;
    }

    /// Gives memory back after a burst. To be called now and then.
    pub(crate) fn shrink(&mut self) {
        if let Some(capacity) = self.peak.excess(self.len(), self.buffer.capacity()) {
            self.buffer.drain(..self.written);
            self.written = 0;
            self.buffer.shrink_to(capacity);
        }
    }
}
