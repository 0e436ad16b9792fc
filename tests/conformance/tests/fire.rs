//! G1, G2, G3, G8 under fire: on every adapter and in every dialect, many ask at once through a proxy on
//! which things go wrong, a third of them give up at random, and each reply must prove whose it is.
//!
//! All that is left to chance depends on a seed, which a failure tells: `BELLWIRE_SEED` sets it.
//! `BELLWIRE_FIRE` sets how many ask in each dialect, on each adapter.

#[path = "cancel/answers.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod answers;
#[path = "fire/futures.rs"]
mod futures;
#[path = "fire/polls.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod polls;
#[path = "cancel/proof.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod proof;
#[path = "fire/runtimes.rs"]
mod runtimes;
#[path = "fire/server.rs"]
mod server;
#[path = "fire/tally.rs"]
mod tally;
#[path = "fire/threads.rs"]
mod threads;

use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_tokio::Tokio;

use proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use tally::{Fire, requests, seed};

/// So many ask at the same time.
const CALLERS: u64 = 64;

macro_rules! under_fire {
    ($($adapter:ident => $fire:expr;)*) => {$(
        mod $adapter {
            use super::*;

            const ADAPTER: &str = stringify!($adapter);

            /// What one after the other waits for, another can use.
            #[test]
            fn notif_spooled() {
                $fire(fire(ADAPTER, spooled(), false, 6));
            }

            #[test]
            fn notif_pipelined() {
                $fire(fire(ADAPTER, pipelined(), false, 1));
            }

            #[test]
            fn notif_with_ids() {
                $fire(fire(ADAPTER, numbered(), true, 1));
            }

            #[test]
            fn mpd() {
                $fire(fire(ADAPTER, player(), false, 1));
            }

            #[test]
            fn imap() {
                $fire(fire(ADAPTER, mailbox(), true, 1));
            }
        }
    )*};
}

under_fire! {
    blocking => crate::threads::fire;
    tokio => crate::futures::fire::<Tokio, _>;
    async_std => crate::futures::fire::<AsyncStd, _>;
    smol => crate::futures::fire::<Smol, _>;
}

/// `repeats`: the wire has ids or tags, so that a line may come twice.
fn fire<D: Proof>(adapter: &'static str, spoken: Spoken<D>, repeats: bool, divide: u64) -> Fire<D> {
    Fire { adapter, spoken, repeats, requests: requests() / divide, seed: seed() }
}
