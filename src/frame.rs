//! Framing: the bytes that came, cut into frames. No byte is searched twice (guarantee G14).

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use crate::error::Excerpt;
use crate::peak::Peak;

/// What a dialect sees at the beginning of the bytes that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A whole frame.
    Frame {
        /// The frame without its end: the first so many bytes.
        body: usize,
        /// The frame with its end (CR LF, say): the first so many bytes.
        end: usize,
    },
    /// A piece of a frame that is too large to be told whole: the dialect streams it. Pieces must be
    /// cut at places that depend on the bytes alone, never on how much has come (guarantee G11).
    Piece {
        /// The piece without the frame's end, if it is the last.
        body: usize,
        /// The piece, with the frame's end if it is the last.
        end: usize,
        /// The frame ends with it.
        last: bool,
    },
    /// No whole frame yet. The first so many bytes need not be searched again.
    More {
        /// How many bytes have been searched; more than have come, where some are to be skipped.
        searched: usize,
    },
    /// What no peer may send.
    Broken {
        /// What is wrong.
        what: &'static str,
        /// How many bytes it takes to see that it is, without the frame's end.
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

/// Frames lines in which counted bytes stand: IMAP's literals, MPD's binary parts.
///
/// A frame is told whole if its counted bytes end within the first `whole` bytes of it; a larger one
/// comes in pieces: what stands before the counted bytes, then these in pieces of `whole` bytes, then
/// the rest of the line, which may hold further counted bytes. Nothing is allocated, or even waited
/// for, because a peer declared a size (guarantee G12).
///
/// ```
/// use bellwire::Framing;
/// use bellwire::frame::{Counted, CountedAt};
///
/// // `#N` at the end of a line: N bytes follow, and then the rest of the line.
/// let count = |at: CountedAt<'_>| {
///     let number = at.text.rsplit(|byte| *byte == b'#').next().unwrap_or_default();
///     Ok(str::from_utf8(number).ok().and_then(|number| number.parse().ok()))
/// };
/// let mut framing = Counted::default();
/// let whole = framing.frame(b"a #3\n\n\n\nb\n", 0, 16, count);
/// assert_eq!(whole, Framing::Frame { body: 9, end: 10 });
/// let piece = framing.frame(b"a #300\n\n\n", 0, 16, count);
/// assert_eq!(piece, Framing::Piece { body: 7, end: 7, last: false });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Where the text begins whose line end is searched.
    text: usize,
    /// So many counted bytes come next, in pieces.
    left: usize,
    /// Counted bytes stand before the text.
    behind: bool,
    /// A piece of the frame has been told.
    pieces: bool,
}

/// Where a line may say how many counted bytes follow its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedAt<'a> {
    /// The line, from its beginning or from behind the counted bytes before it.
    pub text: &'a [u8],
    /// Counted bytes of the same frame stand before it.
    pub behind: bool,
}

impl Counted {
    /// Finds the end of the first frame, or piece, in `input`. `count` says of a line how many bytes
    /// follow its end, if any do; or what is wrong with it.
    pub fn frame(
        &mut self,
        input: &[u8],
        searched: usize,
        whole: usize,
        count: impl Fn(CountedAt<'_>) -> Result<Option<usize>, &'static str>,
    ) -> Framing {
        if self.left > 0 {
            return self.counted_piece(input, whole);
        }
        while searched.max(self.text) < input.len() {
            let Framing::Frame { body, end } = line(input, searched.max(self.text)) else {
                return Framing::More { searched: input.len() };
            };
            let body = body.max(self.text);
            let text = &input[self.text..body];
            match count(CountedAt { text, behind: self.behind }) {
                Ok(None) => return self.end(body, end),
                Ok(Some(bytes)) if bytes <= whole.saturating_sub(end) => {
                    self.text = end + bytes;
                    self.behind = true;
                }
                Ok(Some(bytes)) => {
                    *self = Self { text: 0, left: bytes, behind: true, pieces: true };
                    return Framing::Piece { body: end, end, last: false };
                }
                Err(what) => return Framing::Broken { what, seen: body },
            }
        }
        Framing::More { searched: searched.max(self.text) }
    }

    fn end(&mut self, body: usize, end: usize) -> Framing {
        let pieces = self.pieces;
        *self = Self::default();
        if pieces { Framing::Piece { body, end, last: true } } else { Framing::Frame { body, end } }
    }

    fn counted_piece(&mut self, input: &[u8], whole: usize) -> Framing {
        let piece = self.left.min(whole.max(1));
        if input.len() < piece {
            return Framing::More { searched: piece };
        }
        self.left -= piece;
        Framing::Piece { body: piece, end: piece, last: false }
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

    /// See [`part`].
    #[inline]
    pub(crate) fn part(self, range: Range<usize>) -> Self {
        let Range { start, end } = part(self.start..self.end, range);
        Self { start, end }
    }
}

/// The part of `whole` that `range`, counted from its beginning, names; nothing if it names more than
/// there is.
#[inline]
pub(crate) fn part(whole: Range<usize>, range: Range<usize>) -> Range<usize> {
    if range.start <= range.end && range.end <= whole.len() {
        whole.start + range.start..whole.start + range.end
    } else {
        0..0
    }
}

/// The bytes that came and were not taken yet.
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
    /// Nothing more is taken; what comes is kept here, as far as messages show it.
    sealed: Option<Vec<u8>>,
    peak: Peak<64>,
}

/// Mails and songs, that is; they are not for logs.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut input = f.debug_struct("Input");
        input.field("received", &self.received()).field("pending", &self.pending());
        input.field("searched", &self.searched).field("sealed", &self.is_sealed());
        input.finish_non_exhaustive()
    }
}

/// What to do next with the input.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    Frame(Span),
    Piece { text: Span, last: bool },
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
            sealed: None,
            peak: Peak::new(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Some(behind) = &mut self.sealed {
            let room = Excerpt::ENOUGH.saturating_sub(behind.len());
            behind.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return;
        }
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

    /// How many bytes were taken, in all.
    #[inline]
    pub(crate) fn taken(&self) -> u64 {
        self.gone + self.start as u64
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
            Framing::Piece { body, end, last } if body <= limit => {
                let text = Span { start: self.start, end: self.start + body.min(pending.len()) };
                self.start += end.min(pending.len());
                self.searched = 0;
                Cut::Piece { text, last }
            }
            // One byte more than the limit may be the CR of an end whose LF has not come.
            Framing::More { searched } if pending.len() <= limit.saturating_add(1) => {
                self.searched = searched;
                Cut::Nothing
            }
            Framing::Broken { what, seen } if seen <= limit => {
                Cut::Broken(what, self.beginning(seen))
            }
            _ => Cut::TooLong(self.beginning(limit)),
        }
    }

    /// Drops what has come of the current line and what will come of it.
    pub(crate) fn drop_line(&mut self) {
        self.skipping = true;
    }

    /// Takes nothing more, also of what has come, until [`unseal`](Self::unseal) is called.
    pub(crate) fn seal(&mut self) {
        let behind = &self.buffer[self.start..];
        let behind = behind[..behind.len().min(Excerpt::ENOUGH)].to_vec();
        self.clear();
        self.sealed = Some(behind);
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// The beginning of what came while nothing was taken.
    pub(crate) fn unseal(&mut self) -> Vec<u8> {
        self.sealed.take().unwrap_or_default()
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
