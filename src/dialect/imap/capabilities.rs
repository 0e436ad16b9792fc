//! What a server says that it can do.

use alloc::boxed::Box;

/// A server's capabilities (RFC 9051 section 7.2.2).
///
/// ```
/// use bellwire::dialect::imap::Capabilities;
///
/// let capabilities = Capabilities::parse(b"IMAP4rev1 IDLE LITERAL+ AUTH=PLAIN");
/// assert!(capabilities.has("idle") && capabilities.has("AUTH=PLAIN"));
/// assert!(!capabilities.has("STARTTLS"));
/// ```
// The list as it was said: if each word had memory of its own, a server could choose words so short that this is
// many times as much.
#[derive(Clone, Debug, Default)]
pub struct Capabilities(Box<[u8]>);

impl Capabilities {
    /// Reads the words of a capability list.
    #[must_use]
    pub fn parse(list: &[u8]) -> Self {
        Self(list.into())
    }

    /// Whether the server has said nothing about what it can do.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether the server has said that it can do this; upper and lower case are the same.
    #[must_use]
    pub fn has(&self, name: impl AsRef<[u8]>) -> bool {
        self.iter().any(|word| word.eq_ignore_ascii_case(name.as_ref()))
    }

    /// The words, as the server wrote them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
    }
}

/// The same words in the same order, whatever stands between them.
impl PartialEq for Capabilities {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Capabilities {}
