//! The machines of both ends beside naive models of them, over random lists of things that happen;
//! and the guarantees one by one, each as a property that needs no model.
//!
//! `QUICKCHECK_TESTS=100000 cargo test -p bellwire-proof` tries more cases. A case that fails is printed
//! as a transcript, after quickcheck has made it as short as it can.
//!
//! | room | what is in it |
//! |---|---|
//! | `client_side`, `server_side` | the properties |
//! | `client` and `asked`, `server` | the naive models |
//! | `script`, `real`, `session` | what happens to a client, the real one, and a server made up for it |
//! | `server_script`, `desk` | what happens to a server, the real one, and a client made up for it |

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use std::fmt;

use quickcheck::{QuickCheck, Testable};

mod asked;
mod client;
mod client_side;
mod desk;
mod real;
mod script;
mod server;
mod server_script;
mod server_side;
mod session;

/// As many events, or bytes, as there are.
const ALL: usize = usize::MAX;

/// Tries a property on so many cases, or on as many as `QUICKCHECK_TESTS` says.
fn check(tests: u64, property: impl Testable) {
    let asked = std::env::var("QUICKCHECK_TESTS").ok().and_then(|tests| tests.parse().ok());
    let tests = asked.unwrap_or(tests);
    QuickCheck::new().tests(tests).max_tests(tests.saturating_mul(10)).quickcheck(property);
}

/// What became of one case.
type Verdict = Result<(), Failed>;

/// The transcript of a case that failed, and what was expected of it.
struct Failed(String);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the case as a transcript:\n{}", self.0)
    }
}

/// The lines in `bytes`, without their ends.
fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| without_end(line).to_vec()).collect()
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
