//! What SEARCH finds.

use alloc::vec::Vec;

use bytes::Bytes;

use super::reader::{Reader, lossy};
use super::{Others, ParseError, Set};

/// A `SEARCH` response (RFC 3501, section 7.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Search {
    /// Sequence numbers, or UIDs if the command was UID SEARCH.
    pub numbers: Vec<u32>,
    /// The highest mod-sequence among them (RFC 7162, section 3.1.5).
    pub mod_seq: Option<u64>,
}

impl Search {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut search = Self::default();
        while !reader.is_at_end() {
            if reader.rest().starts_with(b"(") {
                reader.open()?;
                if !reader.take_word("MODSEQ") {
                    return Err(reader.error("MODSEQ is expected"));
                }
                search.mod_seq = Some(reader.number()?);
                if !reader.close()? {
                    return Err(reader.error("one number is expected"));
                }
                break;
            }
            search.numbers.push(reader.number()?);
        }
        Ok(search)
    }
}

/// An `ESEARCH` response (RFC 9051, section 7.3.4; RFC 4731).
///
/// ```
/// use bellwire::dialect::imap::response::Untagged;
///
/// let Untagged::Esearch(found) = Untagged::parse(b"* ESEARCH (TAG \"a7\") UID COUNT 4 ALL 2,5:7")?
/// else { panic!("no ESEARCH") };
/// assert_eq!((found.tag.as_deref(), found.uid, found.count), (Some(&b"a7"[..]), true, Some(4)));
/// assert_eq!(found.all, [2..=2, 5..=7]);
/// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Esearch {
    /// The tag of the command that this answers.
    pub tag: Option<Bytes>,
    /// Whether the numbers are UIDs.
    pub uid: bool,
    /// The least.
    pub min: Option<u32>,
    /// The greatest.
    pub max: Option<u32>,
    /// How many there are.
    pub count: Option<u32>,
    /// All of them; none if they were not asked for.
    pub all: Set,
    /// The highest mod-sequence among them (RFC 7162, section 3.1.10).
    pub mod_seq: Option<u64>,
    /// What else was returned, as it came.
    pub others: Others,
}

impl Esearch {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut found = Self::default();
        reader.blanks();
        if reader.rest().starts_with(b"(") {
            reader.open()?;
            if !reader.take_word("TAG") {
                return Err(reader.error("TAG is expected"));
            }
            found.tag = reader.text()?.map(|tag| tag.into_owned().into());
            if !reader.close()? {
                return Err(reader.error("one tag is expected"));
            }
        }
        found.uid = reader.take_word("UID");
        while !reader.is_at_end() {
            let name = reader.word()?;
            match name.to_ascii_uppercase().as_slice() {
                b"MIN" => found.min = Some(reader.number()?),
                b"MAX" => found.max = Some(reader.number()?),
                b"COUNT" => found.count = Some(reader.number()?),
                b"ALL" => found.all = reader.set()?,
                b"MODSEQ" => found.mod_seq = Some(reader.number()?),
                _ => found.others.push((lossy(name), reader.raw()?)),
            }
        }
        Ok(found)
    }
}
