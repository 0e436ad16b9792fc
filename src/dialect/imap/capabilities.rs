//! What a server says that it can do.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// A server's capabilities (RFC 9051 section 7.2.2).
///
/// ```
/// use bellwire::dialect::imap::Capabilities;
///
/// let capabilities = Capabilities::parse(b"IMAP4rev1 IDLE LITERAL+ AUTH=PLAIN");
/// assert!(capabilities.has("idle") && capabilities.has("AUTH=PLAIN"));
/// assert!(!capabilities.has("STARTTLS"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Box<[u8]>>);

impl Capabilities {
    /// Reads the words of a capability list.
    #[must_use]
    pub fn parse(list: &[u8]) -> Self {
        let words = list.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        Self(words.map(Into::into).collect())
    }

    /// Whether the server has said nothing about what it can do.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the server has said that it can do this; upper and lower case are the same.
    #[must_use]
    pub fn has(&self, name: impl AsRef<[u8]>) -> bool {
        self.0.iter().any(|word| word.eq_ignore_ascii_case(name.as_ref()))
    }

    /// The words, as the server wrote them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}
