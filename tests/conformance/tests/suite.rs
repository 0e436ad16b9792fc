//! What every adapter must do, on each runtime; a test's name says on which, and in which dialect, it failed.
//!
//! | subject | rooms |
//! |---|---|
//! | what crosses on the wire, in each phase (G10) | `crossings`, `transcripts` |

#[path = "suite/crossings.rs"]
mod crossings;
#[path = "suite/transcripts.rs"]
mod transcripts;
