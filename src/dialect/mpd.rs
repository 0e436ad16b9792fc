//! The protocol of the Music Player Daemon, MPD: version 0.23 and newer, client and server.
//!
//! | client says | server answers |
//! |---|---|
//! | nothing yet | `OK MPD 0.23.5`: the protocol's version, not the program's |
//! | `status` | `volume: 50` and more lines of a key and a value, then `OK` |
//! | what it cannot or may not do | `ACK [50@0] {play} No such song` |
//! | `albumart "a.flac" 0` | `binary: 8192`, then so many bytes and a line end, then `OK` |
//! | `command_list_begin`, commands, `command_list_end` | each one's lines, and one `OK` |
//! | `command_list_ok_begin`, commands, `command_list_end` | the same, with `list_OK` behind the lines of each |
//! | `idle`, or `idle player mixer` | nothing, until one of these [subsystems](SUBSYSTEMS) has changed: then `changed: mixer` for each, and `OK` |
//! | `noidle` | nothing of its own: `idle` ends with its `OK`, if it has not ended by itself |
//! | `close` | nothing; the connection is closed |
//! | any but `noidle` in `idle`; a line that does not begin with a lower-case letter | nothing; the connection is closed |
//!
//! So there is exactly one `OK` for each `idle`, whatever crosses on the wire. What has changed while a
//! client does not idle is kept for it, and told as soon as it does.
//!
//! The client says `idle` again whenever it has ended, and always asks for all subsystems: an `idle`
//! that names some forgets what the others announced in the same moment. Which notifications matter
//! is for their reader to say.
//!
//! ```
//! use bellwire::dialect::mpd::{Ask, Mpd};
//! use bellwire::{Client, Config, Event};
//!
//! let mut client = Client::new(Mpd::default(), Config::default());
//! client.listen();
//! client.feed(b"OK MPD 0.23.5\n").next()?;
//! assert_eq!(client.output(), b"idle\n");
//! client.written(5);
//!
//! let mut events = client.feed(b"changed: player\nOK\n");
//! assert!(matches!(events.next()?, Some(Event::Notification(it)) if it.topic() == "player"));
//! assert!(matches!(events.next()?, Some(Event::NotListening(_))));
//! events.command(Ask::new("find").arg("album").arg("Post (1995)")).unwrap();
//! assert_eq!(client.output(), b"find album \"Post (1995)\"\n");
//! # Ok::<(), bellwire::Error>(())
//! ```
//!
//! Lines end in LF; the server reads CR LF, too. Where it is said what MPD does, that is its
//! documentation's [chapter on the protocol](https://mpd.readthedocs.io/en/stable/protocol.html), and
//! what MPD 0.23.12 was seen to do.

use core::time::Duration;

use crate::frame::Counted;

pub mod ack;
pub mod argument;
mod ask;
mod client;
mod control;
mod fields;
mod list;
mod picture;
mod player;
pub mod server;
mod song;

pub use ack::{Ack, Code};
pub use ask::Ask;
pub use client::{Expect, Version};
pub use control::{Add, BinaryLimit, Password, Ping, SetVolume};
pub use fields::Fields;
pub use list::{CommandList, Members, NotDone, Outcomes};
pub use picture::{AlbumArt, PictureChunk, ReadPicture};
pub use player::{Place, PlayState, PlayerStatus, Single, Status};
pub use song::{CurrentSong, ListAllInfo, Queue, Song};

/// What MPD says may have changed, in the order in which it says so.
pub const SUBSYSTEMS: &[&str] = &[
    "database",
    "stored_playlist",
    "playlist",
    "player",
    "mixer",
    "output",
    "options",
    "sticker",
    "update",
    "subscription",
    "message",
    "neighbor",
    "mount",
    "partition",
];

/// MPD's protocol, as its client and its server speak it.
///
/// ```
/// use bellwire::dialect::mpd::Mpd;
///
/// let mut dialect = Mpd::default();
/// dialect.answers_stray_noidle = true; // as OwnTone 28.4, by its issue 1611
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mpd {
    /// Binary parts that end within so many bytes are told whole, larger ones in pieces of so many
    /// bytes; at most [`Limits::frame`](crate::Limits::frame) make sense. Default: 16 KiB, twice what
    /// MPD sends if it is not asked for more ([`BinaryLimit`]).
    pub whole: usize,
    /// After how much silence to ask whether the server lives. Default: 30 s, for MPD closes silent
    /// connections after its `connection_timeout`, 60 s if not configured otherwise.
    pub silence: Option<Duration>,
    /// The server answers a `noidle` that finds no `idle` to end, with an `OK` of its own: where
    /// changes end `idle` and `noidle` is on its way, two `OK`s follow them. MPD says one whatever
    /// crosses; with it, the client would wait for the other in vain.
    pub answers_stray_noidle: bool,
    /// What the server greets with: the version of the protocol. Default: `0.23.5`.
    pub greets_as: &'static str,
    /// What the server may announce, and a client of it wait for. Default: [`SUBSYSTEMS`]; at most 64,
    /// of which the order is the order on the wire.
    pub subsystems: &'static [&'static str],
    framing: Counted,
    greeting: Option<Version>,
}

impl Default for Mpd {
    fn default() -> Self {
        Self {
            whole: 16 * 1024,
            silence: Some(Duration::from_secs(30)),
            answers_stray_noidle: false,
            greets_as: "0.23.5",
            subsystems: SUBSYSTEMS,
            framing: Counted::default(),
            greeting: None,
        }
    }
}
