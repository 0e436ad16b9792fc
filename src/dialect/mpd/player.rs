//! What the player does.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::time::Duration;

use super::client::number;
use super::{Expect, Fields, Mpd};
use crate::command::{Answer, Command, Encoder};
use crate::dialect::Dialect;
use crate::error::{BadReply, Refusal};

/// `status`: asks what the player does.
///
/// ```
/// use std::time::Duration;
///
/// use bellwire::Reply;
/// use bellwire::command::{Answer, Command};
/// use bellwire::dialect::mpd::{PlayState, Status};
///
/// let parts = ["volume: 54", "single: oneshot", "state: play", "song: 0", "songid: 6",
///     "elapsed: 1.250"];
/// let parts = parts.map(Into::into).to_vec();
/// let status = Status.decode(Answer { parts, reply: Reply::done("".into()) })?;
/// assert_eq!((status.volume, status.state), (Some(54), PlayState::Play));
/// assert_eq!(status.song.map(|song| song.id), Some(Some(6)));
/// assert_eq!(status.elapsed, Some(Duration::from_millis(1250)));
/// assert_eq!(status.fields.get("single"), Some("oneshot"));
/// # Ok::<(), bellwire::BadReply>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status;

impl Command<Mpd> for Status {
    type Reply = PlayerStatus;

    fn encode(&self, dialect: &Mpd, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        dialect.encode_text(b"status", line)
    }

    fn decode(&self, answer: Answer) -> Result<PlayerStatus, BadReply> {
        Fields::try_from(answer).map(PlayerStatus::from)
    }
}

/// What the player does. What the server did not say is `None`, and so is what this library cannot
/// read; [`fields`](Self::fields) has all as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlayerStatus {
    /// In percent. `None` where there is no mixer.
    pub volume: Option<u8>,
    /// Whether the queue is played again when it ends.
    pub repeat: bool,
    /// Whether songs are played in random order.
    pub random: bool,
    /// Whether playing stops behind each song.
    pub single: Single,
    /// Whether a song leaves the queue once it is played.
    pub consume: bool,
    /// Whether it plays.
    pub state: PlayState,
    /// Counts the changes of the queue.
    pub queue_version: Option<u32>,
    /// So many songs are in the queue.
    pub queue_length: Option<u32>,
    /// The song that is played, or that it stopped at.
    pub song: Option<Place>,
    /// The song that comes next.
    pub next_song: Option<Place>,
    /// How far into the song.
    pub elapsed: Option<Duration>,
    /// How long the song is.
    pub duration: Option<Duration>,
    /// In kbit/s, at this moment.
    pub bitrate: Option<u32>,
    /// What is played: `44100:16:2`, samples per second, bits, channels.
    pub audio: Option<String>,
    /// The job that updates the database.
    pub updating: Option<u32>,
    /// What went wrong last.
    pub error: Option<String>,
    /// The partition that this connection is in.
    pub partition: Option<String>,
    /// All that was said.
    pub fields: Fields,
}

/// A song's place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Its position, from 0, until the queue changes.
    pub position: u32,
    /// Its id, which stays.
    pub id: Option<u32>,
}

/// Whether something is played.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlayState {
    /// It plays.
    Play,
    /// It pauses.
    Pause,
    /// It stands still.
    Stop,
    /// Something else, or nothing was said about it.
    Other(String),
}

/// Whether playing stops behind each song.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Single {
    /// It does not.
    Off,
    /// It does.
    On,
    /// It does behind this one.
    Oneshot,
    /// Something else, or nothing was said about it.
    Other(String),
}

impl From<Fields> for PlayerStatus {
    fn from(fields: Fields) -> Self {
        let text = |key: &str| fields.get(key).unwrap_or_default().to_owned();
        let some = |key: &str| fields.get(key).map(ToOwned::to_owned);
        let count = |key: &str| fields.get(key).and_then(number::<u32>);
        let place =
            |position: &str, id: &str| Some(Place { position: count(position)?, id: count(id) });
        Self {
            volume: fields.get("volume").and_then(number),
            repeat: fields.get("repeat") == Some("1"),
            random: fields.get("random") == Some("1"),
            single: match text("single").as_str() {
                "0" => Single::Off,
                "1" => Single::On,
                "oneshot" => Single::Oneshot,
                other => Single::Other(other.to_owned()),
            },
            consume: matches!(fields.get("consume"), Some("1" | "oneshot")),
            state: match text("state").as_str() {
                "play" => PlayState::Play,
                "pause" => PlayState::Pause,
                "stop" => PlayState::Stop,
                other => PlayState::Other(other.to_owned()),
            },
            queue_version: count("playlist"),
            queue_length: count("playlistlength"),
            song: place("song", "songid"),
            next_song: place("nextsong", "nextsongid"),
            elapsed: seconds(&fields, "elapsed"),
            duration: seconds(&fields, "duration"),
            bitrate: count("bitrate"),
            audio: some("audio"),
            updating: count("updating_db"),
            error: some("error"),
            partition: some("partition"),
            fields,
        }
    }
}

/// A time in seconds, with or without a fraction.
pub(super) fn seconds(fields: &Fields, key: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(fields.get(key)?.parse().ok()?).ok()
}
