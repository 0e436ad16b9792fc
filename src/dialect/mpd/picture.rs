//! Pictures, chunk by chunk.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};

use bytes::Bytes;

use super::client::{BINARY, number};
use super::{Ack, Ask, Code, Expect, Mpd};
use crate::command::{Answer, Command, Encoder};
use crate::error::{BadReply, Refusal};

/// `albumart`: asks for a chunk of the picture in a song's directory. `None` when there is no such
/// picture, or no such song: MPD does not tell the two apart.
///
/// ```
/// use bellwire::command::{self, Answer, Command};
/// use bellwire::dialect::mpd::{AlbumArt, Mpd};
/// use bellwire::{BadReply, Reply};
///
/// let mut next = AlbumArt { uri: "album/one.flac", offset: 8192 };
/// assert_eq!(command::encode(&Mpd::default(), &next).unwrap(),
///     b"albumart album/one.flac 8192\n");
///
/// let parts = ["size: 8194", "binary: 2\nxy"].map(Into::into).to_vec();
/// let chunk = next.decode(Answer { parts, reply: Reply::done("".into()) })?.unwrap();
/// assert_eq!((chunk.size, &chunk.data[..]), (8194, &b"xy"[..]));
/// assert_eq!(chunk.next(), None); // that was all
/// # Ok::<(), BadReply>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlbumArt<T> {
    /// The song.
    pub uri: T,
    /// From which byte of the picture on.
    pub offset: usize,
}

impl<T: AsRef<[u8]>> Command<Mpd> for AlbumArt<T> {
    type Reply = Option<PictureChunk>;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        let ask = Ask::new("albumart").arg(&self.uri).arg(self.offset.to_string());
        ask.encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<Option<PictureChunk>, BadReply> {
        match PictureChunk::read(self.offset, answer) {
            Err(why) if Ack::try_from(&why).is_ok_and(|ack| ack.code == Code::NoExist) => Ok(None),
            chunk => chunk,
        }
    }
}

/// `readpicture`: asks for a chunk of the picture in a song's file. `None` when there is none in it;
/// no such song is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadPicture<T> {
    /// The song.
    pub uri: T,
    /// From which byte of the picture on.
    pub offset: usize,
}

impl<T: AsRef<[u8]>> Command<Mpd> for ReadPicture<T> {
    type Reply = Option<PictureChunk>;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        let ask = Ask::new("readpicture").arg(&self.uri).arg(self.offset.to_string());
        ask.encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<Option<PictureChunk>, BadReply> {
        PictureChunk::read(self.offset, answer)
    }
}

/// A chunk of a picture, as large as [`BinaryLimit`](super::BinaryLimit) allows or as is left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PictureChunk {
    /// How many bytes the picture has in all.
    pub size: usize,
    /// Where in the picture the chunk begins.
    pub offset: usize,
    /// The picture's media type, where its file says it: `image/jpeg`.
    pub mime: Option<String>,
    /// The chunk.
    pub data: Bytes,
}

impl PictureChunk {
    /// The offset to ask for next; `None`: this was the end of the picture.
    #[must_use]
    pub fn next(&self) -> Option<usize> {
        let next = self.offset.saturating_add(self.data.len());
        (next < self.size && !self.data.is_empty()).then_some(next)
    }

    fn read(offset: usize, answer: Answer) -> Result<Option<Self>, BadReply> {
        let answer = answer.done()?;
        if answer.parts.is_empty() {
            return Ok(None);
        }
        match Self::from_parts(offset, &answer.parts) {
            None => {
                Err(BadReply::Unexpected { expected: "a chunk of a picture", text: answer.text()? })
            }
            chunk => Ok(chunk),
        }
    }

    fn from_parts(offset: usize, parts: &[Bytes]) -> Option<Self> {
        let (mut size, mut mime, mut data) = (None, None, None);
        for part in parts {
            if part.starts_with(BINARY) {
                data = Some(counted(part)?);
            } else if let Some(text) = part.strip_prefix(b"size: ") {
                size = Some(number(core::str::from_utf8(text).ok()?)?);
            } else if let Some(text) = part.strip_prefix(b"type: ") {
                mime = Some(core::str::from_utf8(text).ok()?.to_owned());
            }
        }
        Some(Self { size: size?, offset, mime, data: data? })
    }
}

/// The bytes in a part of a count, a line end, and so many bytes.
fn counted(part: &Bytes) -> Option<Bytes> {
    let line = memchr::memchr(b'\n', part)?;
    let count: usize = number(core::str::from_utf8(part.get(BINARY.len()..line)?).ok()?)?;
    let data = part.slice(line + 1..);
    (data.len() == count).then_some(data)
}
