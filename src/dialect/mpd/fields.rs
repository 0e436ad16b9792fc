//! Keys and values: what most replies of MPD's are made of.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::command::Answer;
use crate::error::BadReply;

const SEPARATOR: &str = ": ";

/// Where the key of a line ends, if it is one of a key and a value.
pub(super) fn colon(line: &[u8]) -> Option<usize> {
    // Keys are short: a search that is made for long texts takes longer to begin.
    let pair = line.windows(SEPARATOR.len()).skip(1).position(|pair| pair == SEPARATOR.as_bytes());
    pair.map(|before| before + 1)
}

/// The lines of a reply, each of a key and a value, in the order in which they came. A key may come
/// more than once.
///
/// ```
/// use bellwire::dialect::mpd::{Ask, Mpd};
/// use bellwire::{Command, Config, command::Answer, Reply};
///
/// let parts = ["file: a.flac", "Title: A", "file: b.flac", "Artist: B", "Artist: C"];
/// let parts = parts.map(|part| part.as_bytes().to_vec().into()).to_vec();
/// let fields = Ask::new("listallinfo").decode(Answer { parts, reply: Reply::done("".into()) })?;
/// assert_eq!(fields.get("Title"), Some("A"));
/// assert_eq!(fields.get_all("file").collect::<Vec<_>>(), ["a.flac", "b.flac"]);
///
/// let songs = fields.groups(&["file"]);
/// assert_eq!(songs.len(), 2);
/// assert_eq!(songs[1].iter().collect::<Vec<_>>(),
///     [("file", "b.flac"), ("Artist", "B"), ("Artist", "C")]);
/// # Ok::<(), bellwire::BadReply>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// The lines, one behind the other: replies of a hundred thousand lines are no rarity.
    text: String,
    lines: Vec<Line>,
}

/// Places in the text.
#[derive(Clone, PartialEq, Eq)]
struct Line {
    /// Where the key ends.
    colon: usize,
    end: usize,
}

impl Fields {
    /// The first value with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key).next()
    }

    /// All values with this key.
    pub fn get_all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        let lines = (0..self.len()).filter(move |line| self.key(*line) == key.as_bytes());
        lines.map(|line| self.pair(line).1)
    }

    /// The keys with their values.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + ExactSizeIterator {
        (0..self.len()).map(|line| self.pair(line))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What describes one thing each: a group begins with each of the keys in `first`. What comes
    /// before is a group as well.
    #[must_use]
    pub fn groups(self, first: &[&str]) -> Vec<Self> {
        let is_first = |key: &[u8]| first.iter().any(|first| first.as_bytes() == key);
        let begins = |line: &usize| *line == 0 || is_first(self.key(*line));
        let mut begins = (0..self.len()).filter(begins).peekable();
        let mut groups = Vec::new();
        while let Some(begin) = begins.next() {
            groups.push(self.group(begin..begins.peek().copied().unwrap_or(self.len())));
        }
        groups
    }

    fn group(&self, lines: Range<usize>) -> Self {
        let start = self.start(lines.start);
        let text = self.text[start..self.start(lines.end)].to_owned();
        let moved = |line: &Line| Line { colon: line.colon - start, end: line.end - start };
        Self { text, lines: self.lines[lines].iter().map(moved).collect() }
    }

    /// Where a line begins, or would.
    fn start(&self, line: usize) -> usize {
        line.checked_sub(1).map_or(0, |before| self.lines[before].end)
    }

    /// As bytes: to compare them, nobody has to see that they are text.
    fn key(&self, line: usize) -> &[u8] {
        &self.text.as_bytes()[self.start(line)..self.lines[line].colon]
    }

    fn pair(&self, line: usize) -> (&str, &str) {
        let Line { colon, end } = self.lines[line];
        (&self.text[self.start(line)..colon], &self.text[colon + SEPARATOR.len()..end])
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The parts of a good answer. The text of MPD's protocol is UTF-8; what is not, is handed over in
/// the error.
impl TryFrom<Answer> for Fields {
    type Error = BadReply;

    fn try_from(answer: Answer) -> Result<Self, BadReply> {
        let parts = answer.done()?.parts;
        let mut text = Vec::with_capacity(parts.iter().map(Bytes::len).sum());
        let mut lines = Vec::with_capacity(parts.len());
        for part in &parts {
            let Some(colon) = colon(part) else { break };
            let colon = text.len() + colon;
            text.extend_from_slice(part);
            lines.push(Line { colon, end: text.len() });
        }
        // All at once is much faster than line by line.
        match String::from_utf8(text) {
            Ok(text)
                if lines.len() == parts.len()
                    && lines.iter().all(|line| text.is_char_boundary(line.end)) =>
            {
                Ok(Self { text, lines })
            }
            _ => Err(unexpected(parts)),
        }
    }
}

/// What there is to say of parts that are no fields.
#[cold]
fn unexpected(parts: Vec<Bytes>) -> BadReply {
    let bad = |part: &Bytes| colon(part).is_none() || core::str::from_utf8(part).is_err();
    let text = parts.into_iter().find(bad).unwrap_or_default();
    BadReply::Unexpected { expected: "a key and a value in UTF-8", text }
}
