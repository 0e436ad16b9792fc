//! Flags, capabilities and the like.

use alloc::string::String;
use alloc::vec::Vec;

use super::ParseError;
use super::reader::{Reader, lossy};

/// Words whose case does not matter, in the order of the server: flags, capabilities, attributes.
///
/// ```
/// use bellwire::dialect::imap::response::Untagged;
///
/// let Untagged::Capability(can) = Untagged::parse(b"* CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN")?
/// else { panic!("no CAPABILITY") };
/// assert!(can.has("idle") && can.has("AUTH=PLAIN") && !can.has("NOTIFY"));
/// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Whether this word is among them, in any case.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(word))
    }

    /// The words, in the order of the server.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left of a line.
    pub(super) fn rest(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut words = Vec::new();
        while !reader.is_at_end() {
            words.push(lossy(reader.word()?));
        }
        Ok(Self(words))
    }

    pub(super) fn list(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.words().map(Self)
    }
}

impl FromIterator<String> for Words {
    fn from_iter<I: IntoIterator<Item = String>>(words: I) -> Self {
        Self(words.into_iter().collect())
    }
}
