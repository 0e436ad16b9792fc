//! Framing: the bytes that came, cut into frames. No byte is searched twice (guarantee G14).

use alloc::vec::Vec;
use core::ops::Range;

use crate::peak::Peak;

/// What a dialect sees at the beginning of the bytes that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A whole frame, or one piece of a large one that the dialect streams. Pieces must be cut at
    /// places that depend on the bytes alone, never on how much has come (guarantee G11).
    Frame {
        /// The frame without its end: the first so many bytes.
        body: usize,
        /// The frame with its end (CR LF, say): the first so many bytes.
        end: usize,
    },
    /// No whole frame yet. The first so many bytes need not be searched again.
    More {
        /// How many bytes have been searched.
        searched: usize,
    },
    /// What no peer may send.
    Broken {
        /// What is wrong.
        what: &'static str,
        /// How many bytes it takes to see that it is.
        seen: usize,
    },
}

/// Frames lines that end in LF or CR LF.
///
/// `searched` is how many bytes of `input` an earlier call has searched already.
///
/// ```
/// use bellwire::{Framing, frame::line};
///
/// assert_eq!(line(b"random?\r\nclass", 0), Framing::Frame { body: 7, end: 9 });
/// assert_eq!(line(b"class", 0), Framing::More { searched: 5 });
/// ```
#[inline]
#[must_use]
pub fn line(input: &[u8], searched: usize) -> Framing {
    match memchr::memchr(b'\n', &input[searched..]) {
        Some(found) => {
            let lf = searched + found;
            let body = lf - usize::from(input[..lf].ends_with(b"\r"));
            Framing::Frame { body, end: lf + 1 }
        }
        None => Framing::More { searched: input.len() },
    }
}

/// A range of the input buffer, valid until more bytes are pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// The part of this span that begins `offset` bytes into it.
    #[inline]
    pub(crate) fn from(self, offset: usize) -> Self {
        Self { start: (self.start + offset).min(self.end), end: self.end }
    }

    /// The part of this span that `range`, counted from its beginning, names; nothing if it names
    /// more than there is.
    #[inline]
    pub(crate) fn part(self, range: Range<usize>) -> Self {
        if range.start <= range.end && range.end <= self.end - self.start {
            Self { start: self.start + range.start, end: self.start + range.end }
        } else {
            Self::default()
        }
    }
}

/// The bytes that came and were not taken yet.
#[derive(Debug)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    /// So many bytes came before those in the buffer.
    gone: u64,
    /// Bytes before this one are taken.
    start: usize,
    /// So many bytes after `start` have been searched for the end of a frame.
    searched: usize,
    /// Bytes up to the next LF are dropped.
    skipping: bool,
    peak: Peak<64>,
}

/// What to do next with the input.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    Frame(Span),
    TooLong(Span),
    Broken(&'static str, Span),
    Nothing,
}

impl Input {
    pub(crate) const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            gone: 0,
            start: 0,
            searched: 0,
            skipping: false,
            peak: Peak::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let left = self.buffer.len() - self.start;
        if left <= self.start {
            // Moves at most as many bytes as were taken since the last move: linear in all.
            self.buffer.copy_within(self.start.., 0);
            self.buffer.truncate(left);
            self.gone += self.start as u64;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
        self.peak.note(self.buffer.len());
    }

    /// Bytes that have come and belong to no frame taken yet.
    pub(crate) fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// How many bytes have come, in all.
    pub(crate) fn received(&self) -> u64 {
        self.gone + self.buffer.len() as u64
    }

    /// How many bytes had come before `span`, in all.
    #[inline]
    pub(crate) fn position(&self, span: Span) -> u64 {
        self.gone + span.start as u64
    }

    #[inline]
    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        &self.buffer[span.start..span.end]
    }

    /// Takes the next frame, as `framing` cuts it, of at most `limit` bytes.
    #[inline(always)]
    pub(crate) fn cut(
        &mut self,
        limit: usize,
        framing: impl FnOnce(&[u8], usize) -> Framing,
    ) -> Cut {
        let pending = &self.buffer[self.start..];
        if pending.is_empty() {
            return Cut::Nothing;
        }
        match framing(pending, self.searched) {
            Framing::Frame { body, end } if body <= limit => {
                let span = Span { start: self.start, end: self.start + body };
                self.start += end.min(pending.len());
                self.searched = 0;
                Cut::Frame(span)
            }
            // One byte more than the limit may be the CR of an end whose LF has not come.
            Framing::More { searched } if pending.len() <= limit + 1 => {
                self.searched = searched;
                Cut::Nothing
            }
            Framing::Frame { .. } | Framing::More { .. } => Cut::TooLong(self.beginning(limit)),
            Framing::Broken { what, seen } => Cut::Broken(what, self.beginning(seen)),
        }
    }

    /// Drops what has come of the current line and what will come of it.
    pub(crate) fn drop_line(&mut self) {
        self.skipping = true;
    }

    /// Forgets all that has come.
    pub(crate) fn clear(&mut self) {
        self.start = self.buffer.len();
        self.searched = 0;
        self.skipping = false;
    }

    /// Gives memory back after a burst. To be called now and then.
    pub(crate) fn shrink(&mut self) {
        if let Some(capacity) = self.peak.excess(self.pending(), self.buffer.capacity()) {
            self.buffer.drain(..self.start);
            self.gone += self.start as u64;
            self.start = 0;
            self.buffer.shrink_to(capacity);
        }
    }

    /// Goes on dropping, as [`drop_line`](Self::drop_line) said. Whether all is dropped.
    pub(crate) fn skip_line(&mut self) -> bool {
        if !self.skipping {
            return true;
        }
        match memchr::memchr(b'\n', &self.buffer[self.start..]) {
            Some(lf) => {
                self.start += lf + 1;
                self.searched = 0;
                self.skipping = false;
                true
            }
            None => {
                self.start = self.buffer.len();
                self.searched = 0;
                false
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn beginning(&self, limit: usize) -> Span {
        let end = self.buffer.len().min(self.start.saturating_add(limit));
        Span { start: self.start, end }
    }
}
