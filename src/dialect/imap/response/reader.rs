//! The words that responses are made of: atoms, strings, literals, numbers and lists.
//!
//! A list within a list costs no stack here, and no byte is read twice.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use core::str::FromStr;

use bytes::Bytes;

use super::ParseError;

/// A place in a response. What it returns borrows from the response, not from the reader.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// One value, as the place where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `NIL`.
    Nil,
    /// A word or a number.
    Atom(Range<usize>),
    /// What stands between quotes; whether backslashes are among it.
    Quoted(Range<usize>, bool),
    /// What a literal holds.
    Literal(Range<usize>),
    /// A list, with its parentheses.
    List(Range<usize>),
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// What is wrong with the response, here.
    pub(super) fn error(&self, what: &'static str) -> ParseError {
        ParseError::new(what, self.bytes, self.at)
    }

    /// Takes so many bytes, or all that are left.
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let rest = self.rest();
        let taken = &rest[..count.min(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Takes `word` in any case, if it is next and ends there.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let here = self.clone();
        let found = self.word().is_ok_and(|next| next.eq_ignore_ascii_case(word.as_bytes()));
        if !found {
            *self = here;
        }
        found
    }

    pub(super) fn blanks(&mut self) {
        let count = self.rest().iter().take_while(|byte| **byte == b' ').count();
        self.at += count;
    }

    /// Nothing but blanks may follow: some servers end a response with one.
    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        self.blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.error("nothing more is expected")) }
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.blanks();
        self.rest().is_empty()
    }

    /// An atom, or what passes for one: all up to a blank, a parenthesis, a quote or a line end.
    pub(super) fn word(&mut self) -> Result<&'a [u8], ParseError> {
        self.blanks();
        match self.rest().iter().take_while(|byte| is_in_word(**byte)).count() {
            0 => Err(self.error("a word is expected")),
            count => Ok(self.take(count)),
        }
    }

    /// The name of an item of FETCH: a word whose brackets may hold anything
    /// (`BODY[HEADER.FIELDS (SUBJECT)]<0>`).
    pub(super) fn item_name(&mut self) -> Result<&'a [u8], ParseError> {
        self.blanks();
        let start = self.at;
        let mut within = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' | b'{' if within => {
                    self.value()?;
                }
                b'\r' | b'\n' => break,
                _ if !within && !is_in_word(byte) => break,
                _ => {
                    within = byte == b'[' || within && byte != b']';
                    self.at += 1;
                }
            }
        }
        match &self.bytes[start..self.at] {
            _ if within => Err(self.error("a section is not closed")),
            [] => Err(self.error("the name of an item is expected")),
            name => Ok(name),
        }
    }

    pub(super) fn number<N: FromStr>(&mut self) -> Result<N, ParseError> {
        self.blanks();
        let here = self.clone();
        let number = self.word().ok().and_then(number);
        number.ok_or_else(|| here.error("a number is expected, not larger than its kind may be"))
    }

    /// Opens a list.
    pub(super) fn open(&mut self) -> Result<(), ParseError> {
        self.blanks();
        if self.peek() != Some(b'(') {
            return Err(self.error("a list is expected"));
        }
        self.at += 1;
        Ok(())
    }

    /// Closes the list, if that is what is next.
    pub(super) fn close(&mut self) -> Result<bool, ParseError> {
        self.blanks();
        match self.peek() {
            Some(b')') => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(self.error("a list is not closed")),
        }
    }

    /// Any value at all.
    pub(super) fn value(&mut self) -> Result<Value, ParseError> {
        self.blanks();
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(),
            // RFC 3516, section 4.2: literal8.
            Some(b'~') if self.rest().starts_with(b"~{") => {
                self.at += 1;
                self.literal()
            }
            Some(b'(') => self.list(),
            Some(_) => {
                let start = self.at;
                let nil = self.word()?.eq_ignore_ascii_case(b"NIL");
                Ok(if nil { Value::Nil } else { Value::Atom(start..self.at) })
            }
            None => Err(self.error("a value is expected")),
        }
    }

    fn quoted(&mut self) -> Result<Value, ParseError> {
        let opening = self.clone();
        self.at += 1;
        let (start, mut escaped) = (self.at, false);
        loop {
            let text = self.rest();
            let special = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\r' | b'\n'));
            self.at += special.unwrap_or(text.len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Value::Quoted(start..self.at - 1, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.take(2);
                }
                Some(_) => return Err(self.error("a line ends within quotes")),
                None => return Err(opening.error("a quote is not closed")),
            }
        }
    }

    /// RFC 9051, section 4.3: so many bytes, whatever they are.
    fn literal(&mut self) -> Result<Value, ParseError> {
        let opening = self.clone();
        self.at += 1;
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let count: Option<usize> = number(self.take(digits));
        let head = match self.rest() {
            [b'}', b'\r', b'\n', ..] => 3,
            [b'}', b'\n', ..] => 2,
            _ => return Err(opening.error("a literal does not begin with {COUNT} and a line end")),
        };
        self.take(head);
        match count {
            Some(count) if count <= self.rest().len() => {
                self.at += count;
                Ok(Value::Literal(self.at - count..self.at))
            }
            _ => Err(opening.error("a literal is shorter than it says")),
        }
    }

    fn list(&mut self) -> Result<Value, ParseError> {
        let opening = self.clone();
        let mut open: usize = 0;
        loop {
            match self.peek() {
                Some(b'(') => {
                    open += 1;
                    self.at += 1;
                }
                Some(b')') => {
                    open -= 1;
                    self.at += 1;
                    if open == 0 {
                        return Ok(Value::List(opening.at..self.at));
                    }
                }
                Some(b' ') => self.at += 1,
                // No list: that is the first arm.
                Some(_) => {
                    self.value()?;
                }
                None => return Err(opening.error("a list is not closed")),
            }
        }
    }

    /// The bytes of a string or an atom; `None` for `NIL`.
    pub(super) fn text(&mut self) -> Result<Option<Cow<'a, [u8]>>, ParseError> {
        self.blanks();
        let here = self.clone();
        match self.value()? {
            Value::Nil => Ok(None),
            Value::Quoted(place, true) => Ok(Some(unescape(&self.bytes[place]).into())),
            Value::Quoted(place, false) | Value::Literal(place) | Value::Atom(place) => {
                Ok(Some(self.bytes[place].into()))
            }
            Value::List(_) => Err(here.error("a string is expected, not a list")),
        }
    }

    /// Any value, as it stands on the wire.
    pub(super) fn raw(&mut self) -> Result<Bytes, ParseError> {
        self.blanks();
        let start = self.at;
        self.value()?;
        Ok(Bytes::copy_from_slice(&self.bytes[start..self.at]))
    }

    /// The words of a list.
    pub(super) fn words(&mut self) -> Result<Vec<String>, ParseError> {
        let mut words = Vec::new();
        self.open()?;
        while !self.close()? {
            words.push(lossy(self.word()?));
        }
        Ok(words)
    }

    /// RFC 9051, section 9: sequence-set, with each range in ascending order.
    pub(super) fn set(&mut self) -> Result<super::Set, ParseError> {
        self.blanks();
        let here = self.clone();
        let range = |part: &[u8]| {
            let (first, last) = match part.iter().position(|byte| *byte == b':') {
                Some(colon) => (number::<u32>(&part[..colon])?, number(&part[colon + 1..])?),
                None => (number(part)?, number(part)?),
            };
            Some(first.min(last)..=first.max(last))
        };
        let ranges = self.word()?.split(|byte| *byte == b',').map(range).collect::<Option<_>>();
        ranges.ok_or_else(|| here.error("a set of numbers is expected"))
    }
}

const fn is_in_word(byte: u8) -> bool {
    !matches!(byte, b' ' | b'(' | b')' | b'"' | b'\r' | b'\n')
}

/// A number in decimal digits and nothing else.
pub(super) fn number<N: FromStr>(digits: &[u8]) -> Option<N> {
    let plain = digits.iter().all(u8::is_ascii_digit);
    plain.then(|| core::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// Text as it is, with what is no UTF-8 replaced.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// RFC 9051, section 4.3: `\"` and `\\` within quotes.
pub(super) fn unescape(quoted: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(quoted.len());
    let mut escaped = false;
    for byte in quoted {
        escaped = *byte == b'\\' && !escaped;
        if !escaped {
            text.push(*byte);
        }
    }
    text
}
