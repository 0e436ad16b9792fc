//! What an IMAP server's responses mean, as values (RFC 9051 and RFC 3501, section 7). Feature
//! `imap-response`.
//!
//! ```
//! use bellwire::dialect::imap::response::Untagged;
//!
//! let response = b"* 1 FETCH (UID 2 BODY[] {20}\r\nSubject: t\r\n\r\nbody\r\n)";
//! let Untagged::Fetch(message) = Untagged::parse(response)? else { panic!("no FETCH") };
//! assert_eq!((message.seq, message.uid), (1, Some(2)));
//! assert_eq!(message.section("BODY[]"), Some(&b"Subject: t\r\n\r\nbody\r\n"[..]));
//! # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
//! ```
//!
//! [`Untagged::parse`] reads one whole response, [`Condition::parse`] the end of a reply, and
//! [`Mailbox`] gathers what the answer to SELECT says. [`Envelope`]s come with their encoded words
//! (RFC 2047) decoded. Nothing that a server says is an error because it is unknown: extensions are
//! kept as bytes.
//!
//! # What reads what
//!
//! The two large grammars, ENVELOPE and BODYSTRUCTURE, are read by [`imap_proto`]: it reads what
//! servers really send, NIL and blanks in wrong places and bytes that are no UTF-8, and is what the
//! `async-imap` and `imap` clients use. `imap-codec` keeps closer to the RFCs (quotes hold ASCII only),
//! refuses a response for what it does not know, ESEARCH say, and its 2.0 is an alpha.
//!
//! What is around them is read here: `imap_proto` 0.17 panics at `* OK [ALERT]\xff`, drops the names
//! and values of items that it does not know, refuses a response for one item (`STATUS … SIZE`,
//! `BINARY[1]`), and recurses without a bound, which is why [`MAX_NESTING`] is checked first.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bytes::Bytes;

use crate::error::Excerpt;

mod condition;
mod envelope;
mod fetch;
mod found;
mod mailbox;
mod proto;
mod reader;
mod structure;
mod words;

pub use condition::{Code, Condition, State};
pub use envelope::{Address, Envelope};
pub use fetch::{Fetch, Section};
pub use found::{Esearch, Search};
pub use mailbox::{Listed, Mailbox, MailboxStatus};
pub use structure::{Disposition, MAX_NESTING, Structure};
pub use words::Words;

use reader::Reader;

/// Sequence numbers or UIDs (RFC 9051, section 9, `sequence-set`), as ascending ranges in the order of
/// the server. They are never written out: `1:4294967295` is one range.
pub type Set = Vec<RangeInclusive<u32>>;

/// An untagged response (RFC 9051, section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Untagged {
    /// `OK`, `NO`, `BAD`, `BYE` or `PREAUTH` (section 7.1).
    Condition(Condition),
    /// `CAPABILITY`: what the server can do (section 7.2.2).
    Capability(Words),
    /// `ENABLED`: what ENABLE has switched on (section 7.2.1).
    Enabled(Words),
    /// `FLAGS`: the flags that may occur in the mailbox (section 7.3.5).
    Flags(Words),
    /// `EXISTS`: so many messages are in the mailbox (section 7.4.1).
    Exists(u32),
    /// `RECENT`: so many of them are new to this session (RFC 3501, section 7.3.2).
    Recent(u32),
    /// `EXPUNGE`: the message with this sequence number is gone, and those after it have moved up
    /// (section 7.5.1).
    Expunge(u32),
    /// `VANISHED`: the messages with these UIDs are gone (RFC 7162, section 3.2.10).
    Vanished {
        /// Whether they were gone before the mailbox was selected, so that no sequence number
        /// changes.
        earlier: bool,
        /// Their UIDs; with `earlier`, of messages that may never have been.
        uids: Set,
    },
    /// `FETCH`: a message, or what has changed of it (section 7.5.2).
    Fetch(Fetch),
    /// `SEARCH` (RFC 3501, section 7.2.5).
    Search(Search),
    /// `ESEARCH` (section 7.3.4).
    Esearch(Esearch),
    /// `STATUS`: of a mailbox, selected or not (section 7.3.3).
    Status(MailboxStatus),
    /// `LIST` (section 7.3.1).
    List(Listed),
    /// `LSUB` (RFC 3501, section 7.2.3).
    Lsub(Listed),
    /// Any other, whole, as it came.
    Other(Bytes),
}

impl Untagged {
    /// Reads one response as it stood on the wire, with its literals, without its last line end.
    ///
    /// # Errors
    ///
    /// When it does not begin with `* `, or is of a known kind and breaks its syntax.
    ///
    /// ```
    /// use bellwire::dialect::imap::response::Untagged;
    ///
    /// assert_eq!(Untagged::parse(b"* 9 EXISTS")?, Untagged::Exists(9));
    /// let broken = Untagged::parse(b"* 1 FETCH (UID x)").unwrap_err();
    /// assert_eq!(broken.at, 15);
    /// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
    /// ```
    pub fn parse(response: &[u8]) -> Result<Self, ParseError> {
        Self::from_bytes(&Bytes::copy_from_slice(response))
    }

    /// As [`parse`](Self::parse), but copies no message: body sections share the response's memory,
    /// and keep it.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_bytes(response: &Bytes) -> Result<Self, ParseError> {
        let mut reader = Reader::new(response);
        if reader.take(2) != b"* " {
            return Err(Reader::new(response).error("no asterisk and blank at the beginning"));
        }
        if let Some(state) = State::of(reader.rest()) {
            return Ok(Self::Condition(Condition::behind(state, reader.rest())));
        }
        let here = reader.clone();
        match reader.word() {
            Ok(number) if number.iter().all(u8::is_ascii_digit) => {
                let number = reader::number(number);
                let number = number.ok_or_else(|| here.error("a number of 32 bits is expected"))?;
                Self::numbered(number, &mut reader, response)
            }
            Ok(kind) => Self::named(kind, &mut reader, response),
            Err(_) => Ok(Self::Other(response.clone())),
        }
    }

    fn numbered(
        number: u32,
        reader: &mut Reader<'_>,
        response: &Bytes,
    ) -> Result<Self, ParseError> {
        let simple = if reader.take_word("FETCH") {
            return Fetch::read(number, reader, response).map(Self::Fetch);
        } else if reader.take_word("EXISTS") {
            Self::Exists(number)
        } else if reader.take_word("RECENT") {
            Self::Recent(number)
        } else if reader.take_word("EXPUNGE") {
            Self::Expunge(number)
        } else {
            return Ok(Self::Other(response.clone()));
        };
        reader.end()?;
        Ok(simple)
    }

    fn named(kind: &[u8], reader: &mut Reader<'_>, response: &Bytes) -> Result<Self, ParseError> {
        let known = match kind.to_ascii_uppercase().as_slice() {
            b"CAPABILITY" => Self::Capability(Words::rest(reader)?),
            b"ENABLED" => Self::Enabled(Words::rest(reader)?),
            b"FLAGS" => Self::Flags(Words::list(reader)?),
            b"VANISHED" => Self::vanished(reader)?,
            b"SEARCH" => Self::Search(Search::read(reader)?),
            b"ESEARCH" => Self::Esearch(Esearch::read(reader)?),
            b"STATUS" => Self::Status(MailboxStatus::read(reader)?),
            b"LIST" => Self::List(Listed::read(reader)?),
            b"LSUB" => Self::Lsub(Listed::read(reader)?),
            _ => return Ok(Self::Other(response.clone())),
        };
        reader.end()?;
        Ok(known)
    }

    fn vanished(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.blanks();
        let earlier = reader.rest().starts_with(b"(");
        if earlier && !reader.words()?.iter().all(|word| word.eq_ignore_ascii_case("EARLIER")) {
            return Err(reader.error("only (EARLIER) may stand before the UIDs"));
        }
        Ok(Self::Vanished { earlier, uids: reader.set()? })
    }
}

/// A response that breaks the syntax of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at byte {at}: \"{excerpt}\"")]
#[non_exhaustive]
pub struct ParseError {
    /// What is wrong.
    pub what: &'static str,
    /// Where: at this byte, counted from the beginning of what was parsed.
    pub at: usize,
    /// The bytes from there on.
    pub excerpt: Excerpt,
}

impl ParseError {
    fn new(what: &'static str, bytes: &[u8], at: usize) -> Self {
        let at = at.min(bytes.len());
        Self { what, at, excerpt: Excerpt::new(&bytes[at..]) }
    }
}

/// Names and values that no field is there for.
type Others = Vec<(String, Bytes)>;
