//! Songs.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::client::number;
use super::player::seconds;
use super::{Ask, Expect, Fields, Mpd};
use crate::command::{Answer, Command, Encoder};
use crate::dialect::Dialect;
use crate::error::{BadReply, Refusal};

/// `currentsong`: asks for the song that is played, or that the player stopped at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurrentSong;

impl Command<Mpd> for CurrentSong {
    type Reply = Option<Song>;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        dialect.encode_text(b"currentsong", line)
    }

    fn decode(&self, answer: Answer) -> Result<Option<Song>, BadReply> {
        Ok(Song::all(Fields::try_from(answer)?).pop())
    }
}

/// `playlistinfo`: asks for the songs in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue;

impl Command<Mpd> for Queue {
    type Reply = Vec<Song>;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        dialect.encode_text(b"playlistinfo", line)
    }

    fn decode(&self, answer: Answer) -> Result<Vec<Song>, BadReply> {
        Fields::try_from(answer).map(Song::all)
    }
}

/// `listallinfo`: asks for the songs in a directory and those below it. MPD's documentation
/// discourages it where the database is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListAllInfo<T>(
    /// The directory's place in the music directory; empty for all of it.
    pub T,
);

impl<T: AsRef<[u8]>> Command<Mpd> for ListAllInfo<T> {
    type Reply = Vec<Song>;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        Ask::new("listallinfo").arg(&self.0).encode(dialect, line)
    }

    fn decode(&self, answer: Answer) -> Result<Vec<Song>, BadReply> {
        Fields::try_from(answer).map(Song::all)
    }
}

/// A song, in the queue or in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Song {
    /// Its place in the music directory, or its URL.
    pub uri: String,
    /// Its position in the queue, from 0, until the queue changes.
    pub position: Option<u32>,
    /// Its id in the queue, which stays.
    pub id: Option<u32>,
    /// How long it is.
    pub duration: Option<Duration>,
    /// All that was said of it, with its tags: `Title`, `Artist`, `Album` and the like. There may be
    /// several of each.
    pub fields: Fields,
}

impl Song {
    /// The songs in what commands as `find`, `search` and `lsinfo` answer. Directories and playlists
    /// are left out.
    ///
    /// ```
    /// use bellwire::Reply;
    /// use bellwire::command::{Answer, Command};
    /// use bellwire::dialect::mpd::{Ask, Song};
    ///
    /// let parts = ["directory: live", "file: a.flac", "Title: A", "duration: 61.5"];
    /// let parts = parts.map(Into::into).to_vec();
    /// let fields = Ask::new("lsinfo").decode(Answer { parts, reply: Reply::done("".into()) })?;
    /// let songs = Song::all(fields);
    /// assert_eq!((songs.len(), songs[0].uri.as_str(), songs[0].title()), (1, "a.flac", Some("A")));
    /// # Ok::<(), bellwire::BadReply>(())
    /// ```
    #[must_use]
    pub fn all(fields: Fields) -> Vec<Self> {
        let groups = fields.groups(&["file", "directory", "playlist"]).into_iter();
        groups.filter_map(Self::read).collect()
    }

    fn read(fields: Fields) -> Option<Self> {
        let (_, uri) = fields.iter().next().filter(|(key, _)| *key == "file")?;
        Some(Self {
            uri: uri.to_owned(),
            position: fields.get("Pos").and_then(number),
            id: fields.get("Id").and_then(number),
            duration: seconds(&fields, "duration"),
            fields,
        })
    }

    /// Its title, the first if it has several.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.fields.get("Title")
    }

    /// Its artist, the first if it has several.
    #[must_use]
    pub fn artist(&self) -> Option<&str> {
        self.fields.get("Artist")
    }

    /// Its album, the first if it has several.
    #[must_use]
    pub fn album(&self) -> Option<&str> {
        self.fields.get("Album")
    }
}
