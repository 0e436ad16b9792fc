//! What crosses on the wire, on live clients: each row of the crossing table (G10), in each of the mode's
//! phases, for each dialect that can have it.
//!
//! A live client says at once what it has to say, so that these sessions are not quite the core's. Those in
//! which time passes are not for threads, whose clock cannot be moved: `time` is about them.

use bellwire::transcript::Configured;
use bellwire::{Dialect, Transcript};
use bellwire_any::Wire;
use bellwire_conformance::{Plan, Runtime, play};

#[path = "crossings/imap.rs"]
mod imap;
#[path = "crossings/mpd.rs"]
mod mpd;
#[path = "crossings/notif.rs"]
mod notif;

/// Plays all of these.
fn all<D: Wire + Dialect + Configured>(runtime: Runtime, texts: &[String]) {
    let mut played = 0;
    for text in texts {
        let transcript: Transcript = text.parse().unwrap_or_else(|why| panic!("{why}, in\n{text}"));
        let waits = Plan::<D>::of(&transcript).is_ok_and(|plan| plan.takes_time());
        if runtime != Runtime::Blocking || !waits {
            play::<D>(runtime, text);
            played += 1;
        }
    }
    assert!(played > 0, "nothing was played");
}
