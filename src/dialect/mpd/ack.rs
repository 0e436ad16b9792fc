//! Refusals, as MPD writes them: `ACK [50@0] {add} No such directory`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::{self, FromStr};

use crate::event::Reply;

/// A refusal: `[50@0] {add} No such directory`.
///
/// ```
/// use bellwire::dialect::mpd::{Ack, Code};
///
/// let ack: Ack = "ACK [50@0] {add} No such directory".parse()?;
/// assert_eq!((ack.code, ack.index), (Code::NoExist, 0));
/// assert_eq!((&*ack.command, &*ack.text), ("add", "No such directory"));
/// assert_eq!(ack.to_string(), "[50@0] {add} No such directory");
/// # Ok::<(), bellwire::dialect::mpd::ack::NoAck>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// What is wrong, for programs.
    pub code: Code,
    /// Which command of a command list was refused, from 0; 0 outside a list.
    pub index: usize,
    /// The command's name. Empty when the server does not know it.
    pub command: String,
    /// What is wrong, for people.
    pub text: String,
}

impl Ack {
    /// How MPD refuses a command that it does not know.
    ///
    /// ```
    /// use bellwire::dialect::mpd::Ack;
    ///
    /// assert_eq!(Ack::unknown("play!").to_string(), "[5@0] {} unknown command \"play!\"");
    /// ```
    #[must_use]
    pub fn unknown(command: &str) -> Self {
        let text = alloc::format!("unknown command \"{command}\"");
        Self { code: Code::Unknown, index: 0, command: String::new(), text }
    }

    /// Reads an `ACK` line of any bytes, with or without the word itself. Bytes that are no UTF-8 are
    /// replaced. `None`: it is no such line.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let parts = Parts::of(line)?;
        Some(Self {
            code: parts.code.into(),
            index: parts.index,
            command: String::from_utf8_lossy(parts.command).into_owned(),
            text: String::from_utf8_lossy(parts.text).into_owned(),
        })
    }
}

/// What a server's program answers with it.
impl From<Ack> for Reply<Vec<u8>> {
    fn from(ack: Ack) -> Self {
        Self::refused(ack.to_string().into_bytes())
    }
}

impl FromStr for Ack {
    type Err = NoAck;

    fn from_str(line: &str) -> Result<Self, NoAck> {
        Self::parse(line.as_bytes()).ok_or(NoAck)
    }
}

/// Without the word `ACK`.
impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, index, command, text } = self;
        write!(f, "[{code}@{index}] {{{command}}} {text}")
    }
}

impl core::error::Error for Ack {}

/// What was read has not the form `[50@0] {add} No such directory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form [code@index] {{command}} text")]
pub struct NoAck;

/// MPD's codes, from its `src/protocol/Ack.hxx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 1
    NotList,
    /// 2: an argument is wrong, or there are too many or too few.
    Arg,
    /// 3: wrong password.
    Password,
    /// 4: the client may not do this.
    Permission,
    /// 5: MPD does not know the command, or anything else is wrong.
    Unknown,
    /// 50: there is no such song, playlist, or whatever the command is about.
    NoExist,
    /// 51: the playlist is full.
    PlaylistMax,
    /// 52: the system failed.
    System,
    /// 53: the playlist could not be loaded.
    PlaylistLoad,
    /// 54: the database is being updated already.
    UpdateAlready,
    /// 55: the player does not do what it is told.
    PlayerSync,
    /// 56: there is one already.
    Exist,
    /// Any other number. One that has a name is not kept here.
    Other(u32),
}

impl Code {
    const NAMED: [(u32, Self); 12] = [
        (1, Self::NotList),
        (2, Self::Arg),
        (3, Self::Password),
        (4, Self::Permission),
        (5, Self::Unknown),
        (50, Self::NoExist),
        (51, Self::PlaylistMax),
        (52, Self::System),
        (53, Self::PlaylistLoad),
        (54, Self::UpdateAlready),
        (55, Self::PlayerSync),
        (56, Self::Exist),
    ];

    /// What a server's program answers with this code. The command's name is filled in when it is
    /// written.
    ///
    /// ```
    /// use bellwire::dialect::mpd::Code;
    ///
    /// assert_eq!(Code::NoExist.refuse("No such song").text, b"[50] No such song");
    /// ```
    #[must_use]
    pub fn refuse(self, text: impl fmt::Display) -> Reply<Vec<u8>> {
        Reply::refused(alloc::format!("[{self}] {text}").into_bytes())
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Other(number) => number,
            code => Self::NAMED.iter().find(|named| named.1 == code).map_or(0, |named| named.0),
        }
    }
}

impl From<u32> for Code {
    fn from(number: u32) -> Self {
        let named = Self::NAMED.iter().find(|named| named.0 == number);
        named.map_or(Self::Other(number), |named| named.1)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// What an `ACK` line is made of.
pub(super) struct Parts<'a> {
    pub(super) code: u32,
    pub(super) index: usize,
    pub(super) command: &'a [u8],
    pub(super) text: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_prefix(b"ACK ").unwrap_or(line).strip_prefix(b"[")?;
        let (numbers, rest) = split(line, b"] {")?;
        let (code, index) = split(numbers, b"@")?;
        let (command, text) = split(rest, b"} ")?;
        Some(Self { code: number(code)?, index: number(index)?, command, text })
    }

    /// Reads `[50] No such directory`, where only the code is said.
    pub(super) fn code_and_text(line: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let (code, text) = split(line.strip_prefix(b"[")?, b"] ")?;
        Some((number(code)?, text))
    }
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = text.windows(at.len()).position(|window| window == at)?;
    Some((&text[..found], &text[found + at.len()..]))
}

pub(super) fn number<T: FromStr>(digits: &[u8]) -> Option<T> {
    // No sign, which the standard library would read.
    let plain = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}
