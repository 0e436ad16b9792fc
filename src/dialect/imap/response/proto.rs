//! Hands one item of FETCH over to `imap_proto`, which reads whole responses only.

use alloc::vec::Vec;
use core::ops::Range;

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
    let start = reader.clone();
    let response = [HEAD, name.as_bytes(), b" "].concat();
    let mut copied = Copied { value: response.len(), response, strings: Vec::new() };
    copied.list(reader)?;
    copied.response.extend_from_slice(TAIL);
    match copied.trap() {
        Some(trap) if !copied.is_read_without_traps() => Err(start.error(trap)),
        _ => Ok(copied.response),
    }
}

/// Where these words stand first, in any case.
fn find(bytes: &[u8], words: &[u8]) -> Option<usize> {
    bytes.windows(words.len()).position(|bytes| bytes.eq_ignore_ascii_case(words))
}

#[derive(Clone)]
struct Copied {
    response: Vec<u8>,
    /// Where the value of its item begins.
    value: usize,
    /// Where strings stand.
    strings: Vec<Range<usize>>,
}

impl Copied {
    fn list(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        reader.open()?;
        self.response.push(b'(');
        let mut open: usize = 1;
        while open > 0 {
            match reader.rest().first() {
                Some(b'(') if open == MAX_NESTING => {
                    return Err(reader.error("lists are nested too deeply"));
                }
                Some(b'(') => {
                    open += 1;
                    self.response.extend_from_slice(reader.take(1));
                }
                Some(b')') => {
                    open -= 1;
                    self.response.extend_from_slice(reader.take(1));
                }
                Some(b' ') => self.response.extend_from_slice(reader.take(1)),
                Some(_) => self.value(reader)?,
                None => return Err(reader.error("a list is not closed")),
            }
        }
        Ok(())
    }

    fn value(&mut self, reader: &mut Reader<'_>) -> Result<(), ParseError> {
        let mut start = reader.clone();
        let at = self.response.len();
        match reader.value()? {
            Value::Quoted(_, true) | Value::Literal(_) => {
                let text = start.text()?.unwrap_or_default();
                self.response
                    .extend_from_slice(alloc::format!("{{{}}}\r\n", text.len()).as_bytes());
                self.response.extend_from_slice(&text);
            }
            Value::Quoted(_, false) => {
                self.response.extend_from_slice(start.take(reader.at() - start.at()));
            }
            _ => {
                self.response.extend_from_slice(start.take(reader.at() - start.at()));
                return Ok(());
            }
        }
        self.strings.push(at..self.response.len());
        Ok(())
    }

    /// Why `imap_proto` must not be handed this, if it cannot read it.
    fn trap(&self) -> Option<&'static str> {
        let value = &self.response[self.value..];
        if find(value, NO_DATE).is_some() {
            return Some("it holds INTERNALDATE NIL, which cannot be read here");
        }
        let behind = &value[find(value, ANOTHER_STRUCTURE)? + ANOTHER_STRUCTURE.len()..];
        let opened = behind.iter().filter(|byte| **byte == b'(').count();
        (opened >= MAX_NESTING)
            .then_some("it holds BODYSTRUCTURE and many lists, which cannot be read here")
    }

    /// Whether `imap_proto` reads it all, strings as strings, so that it never comes to what stands in
    /// them. It is asked about the same with something else there: anybody may write to a mailbox about
    /// a trap, and that mail has to be read like others.
    fn is_read_without_traps(&self) -> bool {
        let mut harmless = self.clone();
        for string in &self.strings {
            for words in [NO_DATE, ANOTHER_STRUCTURE] {
                let mut at = string.start;
                while let Some(found) = find(&self.response[at..string.end], words) {
                    harmless.response[at + found..][..words.len()].fill(b'x');
                    at += found + words.len();
                }
            }
        }
        harmless.trap().is_none() && item(&harmless.response).is_some()
    }
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
