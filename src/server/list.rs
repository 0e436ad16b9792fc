//! Command lists: lines that wait until the last of them has come, and are then heard one by one.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;
use core::{fmt, mem};

use crate::dialect::Standing;
use crate::frame::{Input, Span, part};

/// A command list, from its first word to the answer of its last command.
pub(super) struct List<N> {
    /// The lines, without their ends.
    lines: Vec<u8>,
    /// How long they are that were not heard yet.
    lengths: VecDeque<usize>,
    /// Where the next is that was not heard yet.
    next: usize,
    heard: usize,
    marked: bool,
    phase: Phase<N>,
}

/// May hold secrets, so it shows how much only.
impl<N> fmt::Debug for List<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_struct("List");
        list.field("size", &self.size()).field("heard", &self.heard).finish_non_exhaustive()
    }
}

enum Phase<N> {
    /// More lines may come.
    Written,
    /// All have come. The note is for the list's own answer.
    Running(N),
    Over,
}

impl<N> List<N> {
    pub(super) const fn new(marked: bool) -> Self {
        Self {
            lines: Vec::new(),
            lengths: VecDeque::new(),
            next: 0,
            heard: 0,
            marked,
            phase: Phase::Written,
        }
    }

    /// Keeps a line, if all lines, each with its end, have at most `limit` bytes.
    pub(super) fn keep(&mut self, line: &[u8], limit: usize) -> bool {
        self.lines.extend_from_slice(line);
        self.lengths.push_back(line.len());
        self.size() <= limit
    }

    /// Bytes of all lines; an end counts as one.
    pub(super) fn size(&self) -> usize {
        self.lines.len() + self.lengths.len()
    }

    pub(super) fn is_written(&self) -> bool {
        matches!(self.phase, Phase::Written)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Whether one of its commands has been told.
    pub(super) fn has_begun(&self) -> bool {
        self.heard > 0
    }

    pub(super) fn run(&mut self, end: N) {
        self.phase = Phase::Running(end);
    }

    /// So many of its commands wait for those before them.
    pub(super) fn waiting(&self) -> usize {
        if self.is_running() { self.lengths.len() } else { 0 }
    }

    /// The next line to be heard.
    pub(super) fn take(&mut self) -> Option<(Range<usize>, Standing)> {
        if !self.is_running() {
            return None;
        }
        let length = self.lengths.pop_front()?;
        let line = self.next..self.next + length;
        let standing = Standing::Member { index: self.heard, marked: self.marked };
        self.next = line.end;
        self.heard += 1;
        Some((line, standing))
    }

    /// The rest is not heard, and the list is not answered.
    pub(super) fn cut_short(&mut self) {
        self.phase = Phase::Over;
    }

    /// The note for the list's own answer, if it is due.
    pub(super) fn end(&mut self) -> Option<N> {
        if !self.lengths.is_empty() || !self.is_running() {
            return None;
        }
        match mem::replace(&mut self.phase, Phase::Over) {
            Phase::Running(note) => Some(note),
            Phase::Written | Phase::Over => None,
        }
    }

    fn bytes(&self, line: Range<usize>) -> &[u8] {
        &self.lines[line]
    }
}

/// Where a line is that is heard: among the bytes that came, or in a list.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Input(Span),
    List(Range<usize>),
}

impl Place {
    /// See [`part`].
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        match self {
            Self::Input(span) => Self::Input(span.part(range)),
            Self::List(line) => Self::List(part(line.clone(), range)),
        }
    }

    pub(super) fn bytes<'a, N>(&self, input: &'a Input, list: Option<&'a List<N>>) -> &'a [u8] {
        match (self, list) {
            (Self::Input(span), _) => input.bytes(*span),
            (Self::List(line), Some(list)) => list.bytes(line.clone()),
            (Self::List(_), None) => &[],
        }
    }
}
