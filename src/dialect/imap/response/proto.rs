//! Hands one item of FETCH over to `imap_proto`, which reads whole responses only.

use alloc::vec::Vec;

use imap_proto::{AttributeValue, Response};

use super::reader::{Reader, Value};
use super::{MAX_NESTING, ParseError};

const HEAD: &[u8] = b"* 1 FETCH (";
const TAIL: &[u8] = b")\r\n";

// What `imap_proto` 0.17 cannot read ends for it at the first `)`, or at a blank, and another item may
// follow that: so it comes to these also within the one item that it is handed, and within a string there.

/// It panics at this.
const NO_DATE: &[u8] = b"INTERNALDATE NIL";

/// It recurses into this, as deep as parentheses open, which nobody has counted in a string.
const ANOTHER_STRUCTURE: &[u8] = b"BODYSTRUCTURE (";

/// A response of its own for the item `name` with the list that is next.
///
/// `imap_proto` leaves backslashes in quoted strings, so these become literals; and it recurses into
/// lists, so that these must not be nested too deeply.
pub(super) fn response(name: &str, reader: &mut Reader<'_>) -> Result<Vec<u8>, ParseError> {
    let mut out = [HEAD, name.as_bytes(), b" "].concat();
    let start = reader.clone();
    reader.open()?;
    out.push(b'(');
    let mut open: usize = 1;
    while open > 0 {
        match reader.rest().first() {
            Some(b'(') if open == MAX_NESTING => {
                return Err(reader.error("lists are nested too deeply"));
            }
            Some(b'(') => {
                open += 1;
                out.extend_from_slice(reader.take(1));
            }
            Some(b')') => {
                open -= 1;
                out.extend_from_slice(reader.take(1));
            }
            Some(b' ') => out.extend_from_slice(reader.take(1)),
            Some(_) => copy_value(reader, &mut out)?,
            None => return Err(reader.error("a list is not closed")),
        }
    }
    out.extend_from_slice(TAIL);
    let value = &out[HEAD.len() + name.len()..];
    if behind(value, NO_DATE).is_some() {
        return Err(start.error("it holds INTERNALDATE NIL, which cannot be read here"));
    }
    let opened = behind(value, ANOTHER_STRUCTURE)
        .map_or(0, |rest| rest.iter().filter(|byte| **byte == b'(').count());
    if opened >= MAX_NESTING {
        return Err(start.error("it holds BODYSTRUCTURE and many lists, which cannot be read here"));
    }
    Ok(out)
}

/// What stands behind these words, in any case, where they stand first.
fn behind<'a>(value: &'a [u8], words: &[u8]) -> Option<&'a [u8]> {
    let at = value.windows(words.len()).position(|bytes| bytes.eq_ignore_ascii_case(words))?;
    Some(&value[at + words.len()..])
}

fn copy_value(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), ParseError> {
    let mut start = reader.clone();
    match reader.value()? {
        Value::Quoted(_, true) | Value::Literal(_) => {
            let text = start.text()?.unwrap_or_default();
            out.extend_from_slice(alloc::format!("{{{}}}\r\n", text.len()).as_bytes());
            out.extend_from_slice(&text);
        }
        _ => out.extend_from_slice(start.take(reader.at() - start.at())),
    }
    Ok(())
}

/// The one item in what [`response`] made.
pub(super) fn item(response: &[u8]) -> Option<AttributeValue<'_>> {
    match Response::parse(response) {
        Ok((rest, Response::Fetch(_, mut items))) if rest.is_empty() && items.len() == 1 => {
            items.pop()
        }
        _ => None,
    }
}
