//! A scripted peer and a fault proxy: what it takes to test a client, a server, or a [`Dialect`] of one's
//! own, without the other end and without waiting.
//!
//! | question | answer |
//! |---|---|
//! | does my client say what it should, and take what it hears? | [`Script`]: a server of transcripts on a socket |
//! | on any stream, of any runtime, at either end? | [`Peer`], over threads or tasks |
//! | in time that passes as fast as the test wants? | [`Peer::tick`] is told what time it is |
//! | does it hold up when the network does not? | [`Proxy`], before any server; [`Wire`], without I/O |
//! | when the other end does not read? | [`Pipe`]: a connection that holds as little as one byte |
//! | what if it hangs? | [`in_time`]; and all that waits here has patience, and says for what it waited |
//!
//! A transcript is a session as one would write it down; bellwire's [`transcript`](bellwire::transcript)
//! says how. `bellwire watch --record` writes one of a real session, which is then a test.
//!
//! [`Dialect`]: bellwire::Dialect
//!
//! # A dialect of one's own
//!
//! ```
//! use bellwire::dialect::{Awaiting, Class, Dialect, To};
//! use bellwire::{Client, Config, Encoder, Event, Framing, Refusal, Status, frame};
//! use bellwire_testkit::Peer;
//!
//! /// Each line is answered by a line; a line that begins with `!` is a notification.
//! #[derive(Clone, Debug)]
//! struct Bang;
//!
//! impl Dialect for Bang {
//!     type Expect = ();
//!
//!     fn frame(&mut self, input: &[u8], searched: usize, _: &mut Awaiting<'_, ()>) -> Framing {
//!         frame::line(input, searched)
//!     }
//!
//!     fn classify(&mut self, frame: &[u8], _: &mut Awaiting<'_, ()>) -> Class {
//!         match frame {
//!             [b'!', topic @ ..] => Class::Notification { topic: 1..1 + topic.len() },
//!             _ => Class::Reply { to: To::Oldest, status: Status::Done, text: 0 },
//!         }
//!     }
//!
//!     fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
//!         line.text(text)?;
//!         line.end(b"\n");
//!         Ok(())
//!     }
//! }
//!
//! let mut server = Peer::server("
//!     = newline lf
//!     C: time
//!     S: !door
//!     .. 2s
//!     S: 12:30
//! ")?;
//! let mut client = Client::new(Bang, Config::default());
//! client.command("time").unwrap();
//! let mut told = Vec::new();
//! // The wire between them, and the time that passes.
//! while told.len() < 2 {
//!     let said = client.output().len();
//!     server.feed(client.output());
//!     client.written(said);
//!     let mut events = client.feed(server.output());
//!     while let Some(event) = events.next()? {
//!         told.push(event.to_string());
//!     }
//!     server.written(server.output().len());
//!     if let Some(now) = server.deadline() {
//!         server.tick(now);
//!         client.tick(now);
//!     }
//! }
//! assert_eq!(told, ["notification door", "reply 1 12:30"]);
//! server.feed_eof();
//! assert_eq!(server.outcome(), Some(&Ok(())));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocking;
mod faults;
mod futures;
mod peer;
mod pipe;
mod proxy;
mod scripted;
mod wait;
mod wire;

pub use bellwire::transcript::play::Mismatch;

pub use blocking::BlockingStream;
pub use faults::{Counts, Faults};
pub use peer::{Closing, End, Peer};
pub use pipe::Pipe;
pub use proxy::{Proxy, ProxyCounts, ProxyOptions};
pub use scripted::{Script, ScriptError, Scripted};
pub use wait::{PATIENCE, accept, in_time};
pub use wire::Wire;
