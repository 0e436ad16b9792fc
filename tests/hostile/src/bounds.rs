//! What a peer may cost at most, as the table of [`bellwire_adapter`] says; here, it is computed from the limits.
//!
//! [`bellwire_adapter`]: ../../bellwire_adapter/index.html#what-a-peer-can-cost

use bellwire::{Limits, ServerLimits};
use bellwire_any::Runtime;

const KIB: usize = 1024;

/// What a process takes by itself when it first does something: code that is loaded, stacks of threads, what the
/// allocator has in reserve.
pub const PROGRAM: usize = 8 * 1024 * KIB;

/// A connection of a server that says nothing.
#[must_use]
pub fn silent(runtime: Runtime) -> usize {
    match runtime {
        Runtime::Blocking => 32 * KIB,
        _ => 8 * KIB,
    }
}

/// A connection of a server, whatever the client does. `answer`: the longest that the service gives.
#[must_use]
pub fn connection(runtime: Runtime, limits: &ServerLimits, answer: usize) -> usize {
    let input = 4 * limits.frame.max(64 * KIB);
    let refusals = 150 * limits.pending;
    let output = 2 * (limits.output + answer);
    silent(runtime) + input + refusals + output
}

/// A command list, where a dialect has them.
#[must_use]
pub fn list(limits: &ServerLimits) -> usize {
    10 * limits.list
}

/// A client without TLS that waits for nothing, whatever the server does.
#[must_use]
pub fn client(limits: &Limits) -> usize {
    80 * KIB + 4 * limits.frame + 2 * limits.output
}

/// What TLS takes besides: for a connection, and for what lets the next one to the same server resume its session.
#[must_use]
pub fn tls() -> usize {
    2 * 1024 * KIB + 8 * 1024 * KIB
}

/// What is gathered of an answer: for each request, as long as its answer is awaited; and for each command that
/// connections begin with, until the next one begins.
#[must_use]
pub fn answer(limits: &Limits) -> usize {
    2 * limits.reply + 100 * limits.parts
}

/// What waits for one reader of notifications, each of which has at most `largest` bytes: `queue` of them, and
/// `queue_bytes`.
#[must_use]
pub fn queue(queue: usize, queue_bytes: usize, largest: usize) -> usize {
    2 * queue_bytes + 200 * queue + 8 * largest
}
