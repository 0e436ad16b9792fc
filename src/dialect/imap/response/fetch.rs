//! What FETCH tells of a message.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::reader::{self, Reader, Value, lossy};
use super::{Envelope, Others, ParseError, Structure, Words};

/// A `FETCH` response: a message, or what of it was asked for or has changed (RFC 9051, section
/// 7.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetch {
    /// The message's sequence number.
    pub seq: u32,
    /// `UID`.
    pub uid: Option<u32>,
    /// `FLAGS`.
    pub flags: Option<Words>,
    /// `INTERNALDATE`: when the message came, as the server wrote it (`18-Jul-2026 02:44:25 -0700`).
    pub internal_date: Option<String>,
    /// `RFC822.SIZE`, in bytes.
    pub size: Option<u64>,
    /// `MODSEQ` (RFC 7162, section 3.1.4).
    pub mod_seq: Option<u64>,
    /// `ENVELOPE`.
    pub envelope: Option<Box<Envelope>>,
    /// `BODY[…]`, `BINARY[…]`, `RFC822`, `RFC822.HEADER`, `RFC822.TEXT`, in the order of the server.
    pub sections: Vec<Section>,
    /// What else the server told, by name, as it stood on the wire; BODYSTRUCTURE is here, too.
    pub others: Others,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Which part, as the server wrote it: `BODY[HEADER.FIELDS (SUBJECT)]`, `BODY[]<1000>`.
    pub name: String,
    /// Its bytes; `None` if the message has no such part.
    pub data: Option<Bytes>,
}

impl Fetch {
    /// The bytes of a section, by its name in any case.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        let section = self.sections.iter().find(|own| own.name.eq_ignore_ascii_case(name))?;
        section.data.as_deref()
    }

    /// What the server told of an item that has no field here, as it stood on the wire.
    ///
    /// ```
    /// use bellwire::dialect::imap::response::Untagged;
    ///
    /// let Untagged::Fetch(message) = Untagged::parse(b"* 7 FETCH (X-GM-MSGID 1278455344230334865)")?
    /// else { panic!("no FETCH") };
    /// assert_eq!(message.other("X-GM-MSGID"), Some(&b"1278455344230334865"[..]));
    /// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
    /// ```
    #[must_use]
    pub fn other(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.others.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// `BODYSTRUCTURE`, or `BODY` without a section: the message's parts (RFC 9051, section 7.5.2).
    /// `None` if the server told neither.
    ///
    /// It is read when it is asked for: servers get it wrong more often than anything else, and the
    /// rest of a response should not suffer.
    ///
    /// # Errors
    ///
    /// When it breaks the syntax, or is nested deeper than [`MAX_NESTING`](super::MAX_NESTING). The
    /// place is counted from its beginning.
    pub fn structure(&self) -> Option<Result<Structure, ParseError>> {
        let value = self.other("BODYSTRUCTURE").or_else(|| self.other("BODY"))?;
        Some(Structure::parse(value))
    }

    pub(super) fn read(
        seq: u32,
        reader: &mut Reader<'_>,
        response: &Bytes,
    ) -> Result<Self, ParseError> {
        let mut message = Self { seq, ..Self::default() };
        reader.open()?;
        while !reader.close()? {
            message.read_item(reader, response)?;
        }
        reader.end()?;
        Ok(message)
    }

    fn read_item(&mut self, reader: &mut Reader<'_>, response: &Bytes) -> Result<(), ParseError> {
        let name = reader.item_name()?;
        let is = |item: &str| name.eq_ignore_ascii_case(item.as_bytes());
        if is("UID") {
            self.uid = Some(reader.number()?);
        } else if is("FLAGS") {
            self.flags = Some(Words::list(reader)?);
        } else if is("INTERNALDATE") {
            self.internal_date = reader.text()?.map(|date| lossy(&date));
        } else if is("RFC822.SIZE") {
            self.size = Some(reader.number()?);
        } else if is("MODSEQ") {
            self.mod_seq = Some(mod_seq(reader)?);
        } else if is("ENVELOPE") {
            self.envelope = Some(Box::new(Envelope::read(reader)?));
        } else if is_section(name) {
            let data = section(reader, response)?;
            self.sections.push(Section { name: lossy(name), data });
        } else {
            reader.blanks();
            let start = reader.at();
            reader.value()?;
            self.others.push((lossy(name), response.slice(start..reader.at())));
        }
        Ok(())
    }
}

/// RFC 7162, section 7: `"MODSEQ" SP "(" permsg-modsequence ")"`.
fn mod_seq(reader: &mut Reader<'_>) -> Result<u64, ParseError> {
    reader.open()?;
    let number = reader.number()?;
    if reader.close()? { Ok(number) } else { Err(reader.error("one number is expected")) }
}

fn is_section(name: &[u8]) -> bool {
    let is = |section: &&[u8]| name.eq_ignore_ascii_case(section);
    let begins =
        |start: &&[u8]| name.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start));
    [&b"BODY["[..], b"BINARY["].iter().any(begins)
        || [&b"RFC822"[..], b"RFC822.HEADER", b"RFC822.TEXT"].iter().any(is)
}

fn section(reader: &mut Reader<'_>, response: &Bytes) -> Result<Option<Bytes>, ParseError> {
    reader.blanks();
    let here = reader.clone();
    Ok(match reader.value()? {
        Value::Nil => None,
        Value::Quoted(place, true) => Some(reader::unescape(&response[place]).into()),
        Value::Quoted(place, false) | Value::Literal(place) => Some(response.slice(place)),
        Value::Atom(_) | Value::List(_) => return Err(here.error("a string or NIL is expected")),
    })
}
