//! MPD's protocol: the Music Player Daemon's.
//!
//! | client says | server answers |
//! |---|---|
//! | nothing yet | `OK MPD 0.23.5`, the version of the protocol |
//! | a command | `key: value` lines, and `OK`; or `ACK [50@0] {add} No such directory` |
//! | `idle`, or `idle player mixer` | nothing, until one of these [subsystems](SUBSYSTEMS) has changed: then `changed: mixer` for each, and `OK` |
//! | `noidle` | `OK`, which ends `idle`; outside `idle` nothing at all |
//! | `command_list_begin`, commands, `command_list_end` | the replies of all, and one `OK` |
//! | `command_list_ok_begin`, commands, `command_list_end` | the same, with `list_OK` behind the reply of each |
//! | `close` | nothing; the connection is closed |
//! | any but `noidle` in `idle`; a line that does not begin with a lower-case letter | nothing; the connection is closed |
//!
//! So there is exactly one `OK` for each `idle`, whatever crosses on the wire. What has changed while a
//! client does not idle is kept for it, and told as soon as it does.
//!
//! Lines end in LF; the server reads CR LF, too. A line `binary: 5` is followed by five bytes of any
//! kind, and LF. The protocol is described in MPD's documentation, at
//! <https://mpd.readthedocs.io/en/latest/protocol.html>; what that leaves open follows MPD 0.23.12.

pub mod ack;
pub mod argument;
pub mod server;

pub use ack::{Ack, Code};

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
/// dialect.version = "0.24.0";
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mpd {
    /// The version of the protocol that the server greets with. Default: `0.23.5`.
    pub version: &'static str,
    /// What a server may announce, and a client of it wait for. Default: [`SUBSYSTEMS`]; at most 64,
    /// of which the order is the order on the wire.
    pub subsystems: &'static [&'static str],
}

impl Default for Mpd {
    fn default() -> Self {
        Self { version: "0.23.5", subsystems: SUBSYSTEMS }
    }
}
