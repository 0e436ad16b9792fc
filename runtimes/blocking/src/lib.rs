//! Bellwire on blocking sockets: a client for plain threads, and a server for small daemons.
//!
//! ```no_run
//! use bellwire::dialect::notif::{Notif, Random};
//!
//! let (client, mut notifications) = bellwire_blocking::connect("127.0.0.1:6789", Notif::default())?;
//! println!("{}", client.request(Random)?); // typed: a u64
//! while let Some(notice) = notifications.next() {
//!     if notice?.is("random") {
//!         println!("{}", client.request(Random)?); // leaves the mode, asks, enters it again
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! There is no thread behind this: whoever waits drives the connection, for all who wait. Nothing
//! happens while nobody waits. A [`Client`] is cheap to clone and may be used from many threads.
//!
//! With the feature `tls`, connections are secured by rustls: `Connector::tls`, and `tls`.
//!
//! Sockets (TCP, Unix) are polled, so that reading goes on while a write is blocked (guarantee G20)
//! and every deadline of the machine is kept. Any other `Read + Write` works through [`Plain`], with
//! its limits.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod client;
mod connector;
mod drive;
mod notifications;
pub mod serve;
#[cfg(feature = "tls")]
pub mod tls;
mod transport;

pub use bellwire_adapter::{
    Ended, Error, Gap, Notice, Observer, Opening, Reconnect, Recording, Settings, Transport,
};

pub use client::{Client, Pause, Pending};
pub use connector::{Connector, connect};
pub use notifications::Notifications;
pub use serve::{Peer, Server, ServerHandle, Service};
pub use transport::{Plain, Pollable};
