//! Keys and values: what most replies of MPD's are made of.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::command::Answer;
use crate::error::BadReply;

const SEPARATOR: &str = ": ";

/// Where the key of a line ends, if it is one of a key and a value.
pub(super) fn colon(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b':', line).find(|at| *at > 0 && line.get(at + 1) == Some(&b' '))
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
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq)]
struct Line {
    text: String,
    /// Where the key ends.
    colon: usize,
}

impl Line {
    fn pair(&self) -> (&str, &str) {
        let (key, rest) = self.text.split_at(self.colon);
        (key, rest.get(SEPARATOR.len()..).unwrap_or_default())
    }
}

impl Fields {
    /// The first value with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key).next()
    }

    /// All values with this key.
    pub fn get_all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(found, _)| *found == key).map(|(_, value)| value)
    }

    /// The keys with their values.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + ExactSizeIterator {
        self.lines.iter().map(Line::pair)
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
        let mut groups: Vec<Self> = Vec::new();
        for line in self.lines {
            match groups.last_mut() {
                Some(group) if !first.contains(&line.pair().0) => group.lines.push(line),
                _ => groups.push(Self { lines: Vec::from([line]) }),
            }
        }
        groups
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
        let lines = answer.done()?.parts.into_iter().map(|part| {
            match (colon(&part), core::str::from_utf8(&part)) {
                (Some(colon), Ok(text)) => Ok(Line { text: text.to_owned(), colon }),
                _ => {
                    Err(BadReply::Unexpected { expected: "a key and a value in UTF-8", text: part })
                }
            }
        });
        Ok(Self { lines: lines.collect::<Result<_, _>>()? })
    }
}
