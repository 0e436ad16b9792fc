//! Real servers for the tests: each test starts its own, on loopback, in a folder of its own.
//!
//! Nothing is installed and no service of the system is touched. Who lets go of a server, panicking or
//! not, ends all its processes before he goes on; they end, too, when the test itself is killed.
//!
//! A server whose program is missing is `None`, and the test is to end there: standard error has been
//! told, in sight even if the test passes. With `CI` in the environment, that is a panic instead.
//!
//! Whatever else goes wrong here is a panic as well, with the last lines of the server's log.

mod dovecot;
mod mpd;
mod ports;
mod process;
mod program;
mod server;
mod skip;

pub use dovecot::{Dovecot, DovecotOptions};
pub use mpd::{Mpd, MpdOptions};
pub use program::program;
pub use skip::{skip, skip_some};
