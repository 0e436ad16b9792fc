//! All that fuzzing tries, by name.

use crate::{back_to_back, encoders, operations, split, transcripts};

/// What a target does with the bytes of one case: it panics if something is wrong.
pub type Target = fn(&[u8]);

/// The targets, each with the name that `fuzz/` has for it.
pub const TARGETS: &[(&str, Target)] = &[
    ("imap_client_operations", operations::imap_client),
    ("imap_client_split", split::imap_client),
    ("imap_encoder", encoders::imap),
    ("imap_response", split::imap_response),
    ("mpd_back_to_back", back_to_back::mpd),
    ("mpd_client_operations", operations::mpd_client),
    ("mpd_client_split", split::mpd_client),
    ("mpd_encoder", encoders::mpd),
    ("mpd_response", split::mpd_response),
    ("mpd_server_operations", operations::mpd_server),
    ("mpd_server_split", split::mpd_server),
    ("notif_back_to_back", back_to_back::notif),
    ("notif_client_operations", operations::notif_client),
    ("notif_client_split", split::notif_client),
    ("notif_encoder", encoders::notif),
    ("notif_server_operations", operations::notif_server),
    ("notif_server_split", split::notif_server),
    ("transcripts", transcripts::transcripts),
];
