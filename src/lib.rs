//! Replies and notifications on one wire, never confused.
//!
//! Many protocols put two conversations on one connection: the client's commands with their replies,
//! and the server's own notifications. Bellwire is the state machine that keeps them apart: sans-IO,
//! for both ends, for any protocol that can be described as a [`Dialect`].
//!
//! ```
//! use bellwire::dialect::notif::{Notif, Random};
//! use bellwire::{Client, Config, Event};
//!
//! let mut client = Client::new(Notif::default(), Config::default());
//! client.listen();
//! assert_eq!(client.output(), b"notif\r\n");
//! client.written(7);
//!
//! // What the server says, however it is split over reads.
//! let mut events = client.feed(b"OK\r\nnotif: random\r\n");
//! assert!(matches!(events.next(), Ok(Some(Event::Listening(_)))));
//! assert!(matches!(events.next(), Ok(Some(Event::Notification(n))) if n.topic() == "random"));
//! // A command, given in the middle of it all: the mode is left for it, and entered again.
//! events.command(Random)?;
//! assert_eq!(client.output(), b"stop_notif\r\n");
//! # Ok::<(), bellwire::Refused<Random>>(())
//! ```
//!
//! # The rooms
//!
//! | question | room |
//! |---|---|
//! | how do I drive a client? a server? | [`client`], [`server`] |
//! | what can happen? | [`event`] |
//! | how do I speak another protocol? | [`dialect`], with [`frame`], [`mode`] and [`command`] |
//! | what does the notif protocol look like? MPD's? IMAP's? | [`dialect::notif`], [`dialect::mpd`], [`dialect::imap`] |
//! | what does an IMAP server's response say? | `dialect::imap::response`, with the feature `imap-response` |
//! | how do I write a session down, replay it, test with it? | [`transcript`] |
//! | what is limited, and when is patience lost? | [`Config`], [`Limits`], [`Timers`]; [`ServerConfig`] |
//! | what can go wrong, and whose fault is it? | [`Error`] (the peer's), [`Refused`] (the caller's), [`Failure`] (a command's) |
//!
//! # Which replies can be told apart
//!
//! A reply reaches only the command that it answers (guarantee G2), as far as the wire can tell:
//!
//! | what happens | spooled (the default) | pipelined, in order | with tags or ids |
//! |---|---|---|---|
//! | a reply comes twice | unsolicited, if it comes before the next command is on the wire; else taken for the next one's reply, unless that waits for something of another kind | taken for the next one's reply, unless that waits for something of another kind | unsolicited |
//! | a reply never comes | its command times out; nothing more is sent until the reply is there, or until [`Timers::held`] has passed: then the connection is desynchronised | replies shift by one command, until one times out; the connection is desynchronised after [`Timers::held`] | that command times out; no other is touched |
//! | a reply comes late | swallowed, and the next command is sent | swallowed, in its place | swallowed; unsolicited if more than [`Limits::held`] are awaited |
//!
//! "Of another kind": where the dialect can see it. In notif, `random?` waits for a number, and a mode
//! switch for its acknowledgement, so that `3007` never acknowledges `notif`.
//!
//! # Without std
//!
//! The crate needs `alloc` only; the default feature `std` adds nothing but faster searching. The
//! feature `imap-response` needs `std`, and two libraries more.
//!
#![no_std]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod client;
pub mod command;
pub mod dialect;
pub mod event;
pub mod frame;
pub mod mode;
pub mod server;
pub mod transcript;

mod clock;
mod config;
mod error;
mod flight;
mod output;
mod peak;
mod spool;
mod ticket;
mod topics;

pub use client::{Abandoned, Client};
pub use command::{Answer, Command, Encoder};
pub use config::{Config, Limits, ServerConfig, ServerLimits, ServerTimers, Timers, Unsolicited};
pub use dialect::{Dialect, ServerDialect};
pub use error::{
    BadReply, Cause, Closed, Error, Excerpt, Failure, LimitKind, Refusal, Refused, Wait,
};
pub use event::{Event, Notification, Reply, ServerEvent, Status};
pub use frame::Framing;
pub use mode::{Mode, Phase};
pub use server::Server;
pub use ticket::Ticket;
pub use topics::Notify;
pub use transcript::Transcript;
