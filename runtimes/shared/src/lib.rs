//! What Bellwire's adapters share, so that no runtime repeats it: a client's session and a
//! server's connections without their I/O. An adapter adds a transport, a clock and a way to wait.
//!
//! Users of an adapter meet these types through it.

#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod backoff;
mod drive;
mod error;
mod inbox;
mod link;
mod observer;
mod opening;
mod recording;
mod serve;
mod session;
mod settings;
#[cfg(feature = "tls")]
pub mod tls;
mod transport;
mod wakers;

pub use backoff::{Backoff, Reconnect};
pub use drive::{Drive, ENOUGH};
pub use error::{Ended, Error};
pub use inbox::{Gap, Inbox, Notice, QueueId};
pub use link::{Link, Moved};
pub use observer::{Observer, log_lines};
pub use opening::Opening;
pub use recording::Recording;
#[cfg(unix)]
pub use serve::let_many_wait;
pub use serve::{Peer, ServerHandle, Serving, Wanted, accept_again};
pub use session::{Outcome, RequestId, Session};
pub use settings::Settings;
pub use transport::{Transport, is_pause};
pub use wakers::Wakers;
