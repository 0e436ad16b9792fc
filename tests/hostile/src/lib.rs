//! Peers that mean ill, against clients and servers on each runtime: what they may do, what becomes of them, and
//! what they cost.
//!
//! | question | room |
//! |---|---|
//! | who is attacked? | `victim`, a process of its own: [`Victim`] |
//! | how much may an attack cost? | [`bounds`], which computes what the table of [`bellwire_adapter`] says |
//! | who attacks a client? | [`Peer`]: a server that says what no server should |
//! | who attacks a server? | [`Crowd`]: many clients in one thread |
//! | are others served meanwhile? | [`Honest`], whose answers prove their questions |
//! | how long may anything take? | [`GENEROUS`], [`patiently`] |
//! | what becomes of a hostile server, on each runtime and dialect? | `tests/client` |
//! | what becomes of a hostile client? | `tests/server` |
//! | what becomes of ten thousand of them? | `tests/crowds` |
//!
//! [`bellwire_adapter`]: ../bellwire_adapter/index.html#what-a-peer-can-cost
//!
//! With `BELLWIRE_HOSTILE=long`, answers and floods are as long as the default limits allow.

pub mod bounds;
mod crowd;
mod honest;
mod memory;
mod patience;
mod peer;
mod victim;

pub use crowd::Crowd;
pub use honest::{Honest, Latencies};
pub use memory::{Growth, Memory};
pub use patience::{GENEROUS, patiently};
pub use peer::{Attacked, Peer};
pub use victim::Victim;

use std::env;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Has as many descriptors as the system allows. How many that are.
pub fn raise_descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // If that fails, those that there were are left.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current.or(current).unwrap_or(u64::MAX)
}

/// Random bytes of which nobody knows before what they are; printed, so that they can come again.
///
/// # Panics
///
/// If `BELLWIRE_SEED` is set, and no number.
#[must_use]
pub fn random() -> fastrand::Rng {
    let seed = match env::var("BELLWIRE_SEED") {
        Ok(seed) => seed.parse().expect("BELLWIRE_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("BELLWIRE_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// Whether tests may take long.
#[must_use]
pub fn is_long() -> bool {
    env::var("BELLWIRE_HOSTILE").is_ok_and(|how| how == "long")
}
