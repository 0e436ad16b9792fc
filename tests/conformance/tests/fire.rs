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
    ($($name:ident => $fire:expr;)*) => {$(
        #[test]
        fn $name() {
            in_each_dialect(stringify!($name), $fire, $fire, $fire);
        }
    )*};
}

under_fire! {
    blocking => threads::fire;
    tokio => futures::fire::<Tokio, _>;
    async_std => futures::fire::<AsyncStd, _>;
    smol => futures::fire::<Smol, _>;
}

type Fires<D> = fn(Fire<D>);

fn in_each_dialect(
    adapter: &'static str,
    notif: Fires<bellwire::dialect::notif::Notif>,
    mpd: Fires<bellwire::dialect::mpd::Mpd>,
    imap: Fires<bellwire::dialect::imap::Imap>,
) {
    // What one after the other waits for, another can use.
    notif(fire(adapter, spooled(), false, 6));
    notif(fire(adapter, pipelined(), false, 1));
    notif(fire(adapter, numbered(), true, 1));
    mpd(fire(adapter, player(), false, 1));
    imap(fire(adapter, mailbox(), true, 1));
}

/// `repeats`: the wire has ids or tags, so that a line may come twice.
fn fire<D: Proof>(adapter: &'static str, spoken: Spoken<D>, repeats: bool, divide: u64) -> Fire<D> {
    Fire { adapter, spoken, repeats, requests: requests() / divide, seed: seed() }
}
