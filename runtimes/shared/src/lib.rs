//! What Bellwire's adapters share, so that no runtime repeats it: a client's session and a
//! server's connections without their I/O. An adapter adds a transport, a clock and a way to wait.
//!
//! Users of an adapter meet these types through it.
//!
//! # What a peer can cost
//!
//! Nothing that a peer says or leaves unsaid makes a process grow without bound (guarantees G12, G25): so many bytes
//! at most, where the names are those of [`Limits`](bellwire::Limits), [`ServerLimits`](bellwire::ServerLimits) and
//! [`Settings`]. `tests/hostile` computes the same, attacks processes on each runtime, and measures them.
//!
//! | what | at most | with the defaults |
//! |---|---|---|
//! | a server's connection whose client says nothing | 8 KiB; on plain threads 32 KiB, with the thread | 4 MiB for all 512; 16 MiB |
//! | a server's connection, whatever its client does | that, and 4 × the larger of `frame` and 64 KiB, 150 × `pending`, and 2 × (`output` + the longest answer that the service gives) | 0.8 MiB, and 2 × the longest answer |
//! | besides, where there are command lists (MPD) | 10 × `list`: the worst case, in which each line is as short as can be | 20 MiB |
//! | a client without TLS that waits for nothing, whatever its server does | 80 KiB + 4 × `frame` + 2 × `output` | 2.3 MiB |
//! | besides, with TLS | 2 MiB; and 8 MiB for each name of a server | 10 MiB |
//! | besides, each request whose answer is awaited | 2 × `reply` + 100 × `parts` | 223 MiB |
//! | besides, each command of `opening` | the same, until the next connection begins | 223 MiB |
//! | besides, each reader of notifications | 2 × `queue_bytes` + 200 × `queue` + 8 × the largest notification, its topic and text together | 129 MiB, and 8 × the largest |
//!
//! With TLS, rustls keeps up to eight tickets for a server, with which later connections resume a session, each with a
//! copy of the certificates that the server has shown; all connections of one `TlsConfig` share them.
//!
//! An allocator may keep what was given back to it: twice the bytes of a queue have been seen to stay. What a system
//! keeps of what was written and not read is its own affair, too. What a service remembers of its clients is
//! the service's; so are its topics, each of which every connection knows by name.
//!
//! A silent client has its place until [`ServerTimers::silence`](bellwire::ServerTimers::silence) or `autologout` has
//! passed, which is half an hour; or for ever where it waits for news that do not come (MPD's `idle`). Those beyond
//! `connections` are closed at once: choose that, and these times, for as many clients as there are. A connection
//! takes a descriptor, three on plain threads; where there are no more, clients wait to be accepted.

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
