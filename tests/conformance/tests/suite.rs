//! What every adapter must do, on each runtime; a test's name says on which, and in which dialect, it failed.
//!
//! | subject | rooms |
//! |---|---|
//! | what crosses on the wire, in each phase (G10) | `crossings`, `transcripts` |
//! | much data, and readers who sleep (G8, G20, G21) | `flow` |
//! | handles dropped in every order (G21) | `handles` |
//! | a server that is killed in each phase (G1, G8, G18, G22) | `kills` |
//! | a server that closes at once, again and again (G22) | `storms` |
//! | a program that ends its connection (G1) | `endings` |
//! | requests without a connection, and deadlines (G1, G16, G22) | `resending` |
//! | asked for, and not, a thousand times (G6, G8) | `toggles` |
//! | real servers | `mpd`, `dovecot` |
//! | servers of our own, by raw sockets and by clients of all runtimes (G13, G24, G26) | `serve`, `servers` |
//! | nobody drives, or many do (G19) | `undriven` |
//! | deadlines, and a suspend (G15 to G17) | `time` |

#[path = "suite/crossings.rs"]
mod crossings;
#[path = "suite/dovecot.rs"]
mod dovecot;
#[path = "suite/endings.rs"]
mod endings;
#[path = "suite/flow.rs"]
mod flow;
#[path = "suite/handles.rs"]
mod handles;
#[path = "suite/kills.rs"]
mod kills;
#[path = "suite/mpd.rs"]
mod mpd;
#[path = "suite/resending.rs"]
mod resending;
#[path = "suite/serve.rs"]
mod serve;
#[path = "suite/servers.rs"]
mod servers;
#[path = "suite/storms.rs"]
mod storms;
#[path = "suite/time.rs"]
mod time;
#[path = "suite/toggles.rs"]
mod toggles;
#[path = "suite/transcripts.rs"]
mod transcripts;
#[path = "suite/undriven.rs"]
mod undriven;
