//! The core's transcripts, on live clients: whatever of them a live client can play.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bellwire::dialect::imap::Imap;
use bellwire::dialect::notif::Notif;
use bellwire::transcript::Configured;
use bellwire::{Dialect, Transcript};
use bellwire_any::Wire;
use bellwire_conformance::{Plan, Runtime, on_each_runtime, play};

/// They show what happens before anything was sent, which a live client does at once; or what a program asks
/// before the client acknowledges by itself.
const NOT_LIVE: [&str; 7] = [
    "a_fatal",
    "a_reported_before_sent",
    "h_back_before_it_shows",
    "h_no_trace",
    "j_own_silence",
    "l_spooled",
    "session_events",
];

on_each_runtime! {
    /// G1 to G18: the questions of the tutorial, and its sessions.
    notif => |it| {
        plays::<Notif>(it, "notif/client", "", &NOT_LIVE);
        plays::<Notif>(it, "notif/both", "", &["session_as_recorded"]);
    },
    /// G6, G10: sessions that were recorded, literals, a pipeline.
    imap => |it| {
        // Its LOGOUT comes in the instant in which a live client has entered the mode again already.
        plays::<Imap>(it, "imap", "= insecure\n", &["dovecot"]);
    },
}

/// Plays all transcripts of a folder but these, which no live client can play.
fn plays<D: Wire + Dialect + Configured>(
    runtime: Runtime,
    folder: &str,
    settings: &str,
    not: &[&str],
) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../transcripts").join(folder);
    let (mut left, mut played) = (BTreeSet::new(), 0);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = format!("{settings}{}", fs::read_to_string(&path).unwrap());
        let transcript: Transcript = text.parse().unwrap();
        match Plan::<D>::of(&transcript) {
            Err(why) => {
                println!("{name}: {why}");
                left.insert(name);
            }
            // The clock of threads cannot be moved.
            Ok(plan) if plan.takes_time() && runtime == Runtime::Blocking => {}
            Ok(_) => {
                println!("{name}");
                play::<D>(runtime, &text);
                played += 1;
            }
        }
    }
    assert!(played > 0, "nothing was played");
    assert_eq!(left, not.iter().map(|name| (*name).to_owned()).collect());
}
