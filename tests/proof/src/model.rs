//! The machines of both ends beside naive models of them, over random lists of things that happen;
//! and the guarantees one by one, each as a property that needs no model.
//!
//! `QUICKCHECK_TESTS=100000 cargo test -p bellwire-proof` tries more cases. A case that fails is printed
//! as a transcript, after quickcheck has made it as short as it can.
//!
//! Left to tests of their own: typed commands, what redacts secrets, limits on output, memory, and
//! `give_up`. The words of a protocol error are not compared, what it shows of the bytes is.
//!
//! | room | what is in it |
//! |---|---|
//! | `draw` | cases out of bytes, a fuzzer's or random ones |
//! | `tongue` | what differs between protocols: a page for each |
//! | `client_side`, `server_side` | the properties of all dialects |
//! | `lines`, `subscribers` | what more there is to say of notif |
//! | `client` and `asked`, `server` | the naive models |
//! | `script`, `real`, `session` | what happens to a client, the real one, and a server made up for it |
//! | `host` | the same of the server's side |
//! | `server_script`, `desk` | what happens to a server, the real one, and a client made up for it |

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]
#![cfg_attr(not(test), expect(dead_code, reason = "some properties are tests only"))]

use std::fmt;

use bellwire::{Closed, Error, Excerpt};
#[cfg(test)]
use quickcheck::{QuickCheck, Testable};

mod asked;
mod client;
pub(crate) mod client_side;
mod desk;
pub(crate) mod draw;
pub(crate) mod host;
#[cfg(test)]
mod lines;
mod real;
mod script;
mod server;
mod server_script;
pub(crate) mod server_side;
mod session;
#[cfg(test)]
mod subscribers;
pub(crate) mod tongue;

/// As many events, or bytes, as there are.
const ALL: usize = usize::MAX;

/// Tries a property on so many cases, or on as many as `QUICKCHECK_TESTS` says.
#[cfg(test)]
fn check(tests: u64, property: impl Testable) {
    let asked = std::env::var("QUICKCHECK_TESTS").ok().and_then(|tests| tests.parse().ok());
    let tests = asked.unwrap_or(tests);
    QuickCheck::new().tests(tests).max_tests(tests.saturating_mul(10)).quickcheck(property);
}

/// What became of one case.
pub(crate) type Verdict = Result<(), Failed>;

/// The transcript of a case that failed, and what was expected of it.
pub(crate) struct Failed(String);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the case as a transcript:\n{}", self.0)
    }
}

/// How far the connection of a naive model has come to its end.
#[derive(Default)]
enum End {
    #[default]
    Open,
    Closing(Option<Closed>),
    Closed,
    Fault(Error),
}

/// The lines in `bytes`, without their ends.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| without_end(line).to_vec()).collect()
}

/// The same bytes in chunks of one to eight.
fn chunks(mut bytes: &[u8], cuts: &mut impl Iterator<Item = u8>) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(cuts.next().unwrap_or(0) % 8) + 1;
        let (chunk, rest) = bytes.split_at(length.min(bytes.len()));
        chunks.push(chunk.to_vec());
        bytes = rest;
    }
    chunks
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What a machine says of bytes that no peer may say, but for the words.
fn violation(bytes: &[u8]) -> Error {
    Error::Protocol { what: "", excerpt: Excerpt::new(bytes) }
}

/// How a protocol error is put into words is not the model's to say.
fn without_words(error: Error) -> Error {
    match error {
        Error::Protocol { excerpt, .. } => Error::Protocol { what: "", excerpt },
        error => error,
    }
}
