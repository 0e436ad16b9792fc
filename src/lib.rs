#![doc = include_str!("tour.md")]
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
