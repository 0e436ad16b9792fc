//! What Bellwire's asynchronous adapters share, so that no runtime repeats it.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod polled;
mod runtime;
pub mod serve;

pub use runtime::Runtime;
pub use serve::{Peer, Server, ServerHandle, Service};
