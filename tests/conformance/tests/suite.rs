//! What every adapter must do, on each runtime; a test's name says on which, and in which dialect, it failed.
//!
//! | subject | rooms |
//! |---|---|
//! | what crosses on the wire, in each phase (G10) | `crossings`, `transcripts` |
//! | much data, and readers who sleep (G8, G20, G21) | `flow` |
//! | handles dropped in every order (G21) | `handles` |
//! | a server that is killed in each phase (G1, G8, G18, G22) | `kills` |
//! | nobody drives, or many do (G19) | `undriven` |
//! | deadlines, and a suspend (G15 to G17) | `time` |

#[path = "suite/crossings.rs"]
mod crossings;
#[path = "suite/flow.rs"]
mod flow;
#[path = "suite/handles.rs"]
mod handles;
#[path = "suite/kills.rs"]
mod kills;
#[path = "suite/time.rs"]
mod time;
#[path = "suite/transcripts.rs"]
mod transcripts;
#[path = "suite/undriven.rs"]
mod undriven;
