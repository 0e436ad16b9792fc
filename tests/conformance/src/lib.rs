//! What every adapter must do, written once and run on each of them: blocking, tokio, async-std, smol.
//!
//! | question | room |
//! |---|---|
//! | how does a test run on each runtime, and how is it called? | [`on_each_runtime!`] |
//! | how is a transcript played on a live client? | [`play`], [`Plan`] |
//! | which transcripts can be? | [`Plan::of`] says why not |
//! | who moves the clock? | [`Moved`]: any asynchronous runtime, with a clock that is moved by hand |
//! | what has happened on a connection? | [`Log`] |
//! | how are futures run? | [`Run`], [`on_async!`] |
//! | how is a client had over a stream that holds little? | [`over`]; the client is then whoever [`Asks`] |
//!
//! What is dropped halfway, on each runtime and at every await point, is in `tests/cancel`; the same under load,
//! through a faulty proxy, in `tests/fire`; and a client that fails both in `tests/naive`.

mod asks;
mod each;
mod live;
mod log;
mod moved;
mod over;
mod plan;
mod play;

pub use asks::{Asks, Reads};
pub use bellwire_any::Runtime;
pub use each::{LONG, Run, run};
pub use live::{Driven, Live};
pub use log::Log;
pub use moved::{Clock, Moved, watched};
pub use over::{Far, Over, over, over_a_socket};
pub use plan::{Does, Plan, Step, Unplayable};
pub use play::{play, settings};
