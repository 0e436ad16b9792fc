//! MPD's wire, as its server speaks it. The sessions follow what MPD 0.23.12 does, byte for byte.
//!
//! Each is played as it stands, and again with the bytes cut in other places (G11).

use bellwire::dialect::mpd::Mpd;
use bellwire::{
    Error, LimitKind, Notify, Refusal, Reply, Server, ServerConfig, ServerEvent, Status, Ticket,
};

mod common;

/// Plays a session with a client that has been greeted.
fn mpd(session: &str) -> Server<Mpd> {
    let greeted = format!("= newline lf\nS: OK MPD 0.23.5\n{session}");
    common::server_of(&Mpd::default(), &greeted)
}

/// The same, idling.
fn mpd_idling(session: &str) -> Server<Mpd> {
    mpd(&format!("C: idle\n> listening\n{session}"))
}

#[path = "mpd_server/closing.rs"]
mod closing;
#[path = "mpd_server/idle.rs"]
mod idle;
#[path = "mpd_server/lists.rs"]
mod lists;
#[path = "mpd_server/replies.rs"]
mod replies;
#[path = "mpd_server/secrets.rs"]
mod secrets;
#[path = "mpd_server/words.rs"]
mod words;
