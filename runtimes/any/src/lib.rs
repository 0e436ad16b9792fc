//! Bellwire on any of its runtimes, which is chosen when the program runs: for programs that let their
//! users compare, and for tests of all adapters.
//!
//! The caller blocks, as with `bellwire-blocking`; on the other runtimes, a task drives the connection
//! meanwhile.
//!
//! ```no_run
//! use bellwire::dialect::notif::{Notif, Random};
//! use bellwire_any::{Connector, Runtime};
//!
//! let runtime: Runtime = "smol".parse()?;
//! let (client, notifications) = Connector::new(runtime, Notif::default()).tcp("127.0.0.1:6789")?;
//! println!("{}", client.request(Random)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod client;
mod connector;
mod runtime;
mod serve;

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

pub use bellwire_adapter::{
    Ended, Error, Gap, Notice, Observer, Opening, Peer, Reconnect, Recording, ServerHandle,
    Settings, tls,
};
pub use bellwire_blocking::Service;

pub use client::{Client, Notifications, Pause, Pending};
pub use connector::{Connected, Connector, Wire};
pub use runtime::{Runtime, UnknownRuntime};
pub use serve::Server;
