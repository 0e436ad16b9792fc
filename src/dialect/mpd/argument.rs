//! The words of a command: how arguments are quoted, and how a line is read.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::Code;
use crate::command::Encoder;
use crate::error::Refusal;

/// Writes an argument, in quotes where it needs them.
///
/// # Errors
///
/// When it holds CR, LF or NUL: MPD has no way to write these (guarantee G13).
pub fn quote(argument: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
    if !argument.is_empty() && argument.iter().all(|byte| is_plain(*byte)) {
        return line.text(argument);
    }
    if let Some(at) = argument.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(Refusal::Forbidden { byte: argument[at], at });
    }
    line.push(b"\"");
    for part in argument.split_inclusive(|byte| matches!(byte, b'"' | b'\\')) {
        match part {
            [plain @ .., last @ (b'"' | b'\\')] => {
                line.push(plain);
                line.push(&[b'\\', *last]);
            }
            plain => line.push(plain),
        }
    }
    line.push(b"\"");
    Ok(())
}

/// Reads a line: the command's name, and its arguments without quotes.
///
/// ```
/// use bellwire::dialect::mpd::argument::words;
///
/// assert_eq!(words(br#"add "Say \"please\".flac""#)?, [&b"add"[..], b"Say \"please\".flac"]);
/// # Ok::<(), bellwire::dialect::mpd::argument::BadLine>(())
/// ```
///
/// # Errors
///
/// As MPD's, in its words.
pub fn words(line: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, BadLine> {
    let (name, mut arguments) = split(line)?;
    let mut words = Vec::new();
    words.push(Cow::Borrowed(name));
    while let Some(argument) = arguments.next()? {
        words.push(argument);
    }
    Ok(words)
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
#[non_exhaustive]
pub enum BadLine {
    /// It does not begin with a letter.
    Letter,
    /// The command's name holds more than letters, digits and `_`.
    Word,
    /// An argument without quotes holds one.
    Unquoted,
    /// A quote is not closed.
    Unclosed,
    /// There is more behind a closing quote than a blank.
    Space,
    /// There are more than 63 arguments.
    TooMany,
}

impl BadLine {
    /// What MPD says about it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Letter => "Letter expected",
            Self::Word => "Invalid word character",
            Self::Unquoted => "Invalid unquoted character",
            Self::Unclosed => "Missing closing '\"'",
            Self::Space => "Space expected after closing '\"'",
            Self::TooMany => "Too many arguments",
        }
    }

    /// The code that MPD gives it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::TooMany => Code::Arg,
            _ => Code::Unknown,
        }
    }

    /// Whether MPD takes it for a sign that the client speaks another protocol.
    pub(super) const fn is_fatal(self) -> bool {
        matches!(self, Self::Letter | Self::Word)
    }
}

/// The name of a line's command, and its arguments, not read yet.
pub(super) fn split(line: &[u8]) -> Result<(&[u8], Arguments<'_>), BadLine> {
    if !line.first().is_some_and(u8::is_ascii_alphabetic) {
        return Err(BadLine::Letter);
    }
    let end = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return Err(BadLine::Word);
    }
    Ok((name, Arguments { rest, taken: 0 }))
}

/// The arguments of a command.
#[derive(Clone, Debug)]
pub(super) struct Arguments<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Arguments<'a> {
    /// As many as MPD takes.
    const MOST: usize = 63;

    pub(super) fn next(&mut self) -> Result<Option<Cow<'a, [u8]>>, BadLine> {
        let blanks = self.rest.iter().take_while(|byte| is_blank(**byte)).count();
        self.rest = &self.rest[blanks..];
        let argument = match self.rest {
            [] => return Ok(None),
            [b'"', quoted @ ..] => self.unquote(quoted)?,
            plain => {
                let end = plain.iter().position(|byte| is_blank(*byte)).unwrap_or(plain.len());
                let (argument, rest) = plain.split_at(end);
                if !argument.iter().all(|byte| is_plain(*byte)) {
                    return Err(BadLine::Unquoted);
                }
                self.rest = rest;
                Cow::Borrowed(argument)
            }
        };
        self.taken += 1;
        if self.taken > Self::MOST { Err(BadLine::TooMany) } else { Ok(Some(argument)) }
    }

    /// Reads up to the closing quote.
    fn unquote(&mut self, quoted: &'a [u8]) -> Result<Cow<'a, [u8]>, BadLine> {
        let mut argument = Cow::Borrowed(&quoted[..0]);
        let mut rest = quoted;
        loop {
            let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0));
            let (plain, behind) = rest.split_at(special.ok_or(BadLine::Unclosed)?);
            if argument.is_empty() {
                argument = Cow::Borrowed(plain);
            } else {
                argument.to_mut().extend_from_slice(plain);
            }
            match behind {
                [b'"', after @ ..] => {
                    if after.first().is_some_and(|byte| !is_blank(*byte)) {
                        return Err(BadLine::Space);
                    }
                    self.rest = after;
                    return Ok(argument);
                }
                [b'\\', escaped, after @ ..] if *escaped != 0 => {
                    argument.to_mut().push(*escaped);
                    rest = after;
                }
                // To MPD, a NUL is where the line ends.
                _ => return Err(BadLine::Unclosed),
            }
        }
    }
}

/// What MPD takes for a blank: control characters, too.
fn is_blank(byte: u8) -> bool {
    (1..=b' ').contains(&byte)
}

/// What an argument without quotes may hold.
fn is_plain(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'\'')
}
