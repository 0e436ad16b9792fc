//! What Bellwire's adapters for async runtimes share: the client, the server, and the loops that
//! drive them. Users meet it through `bellwire-tokio`, `bellwire-async-std` and `bellwire-smol`, which add
//! a [`Runtime`].
//!
//! A [`Client`] is the same type on every runtime, and needs none once it is connected.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod client;
mod connector;
mod drive;
mod drivers;
mod notifications;
mod polled;
pub mod runtime;
pub mod serve;

#[cfg(feature = "tls")]
pub use bellwire_adapter::tls;
pub use bellwire_adapter::{
    Ended, Error, Gap, Notice, Observer, Opening, Reconnect, Recording, Settings,
};

pub use client::{Client, Pause, Pending};
pub use connector::{Connected, Connector};
pub use notifications::Notifications;
pub use runtime::Runtime;
pub use serve::{Peer, Server, ServerHandle, Service};
