//! How fast a client asks, as a part of what a bare loop of write and read does on the same runtime, one
//! at a time and 64 in flight: `cargo bench -p bellwire-round-trips --bench round_trips`.
//!
//! All take turns, and each figure is a ratio of medians.

use std::time::Duration;

use bellwire_async_std::AsyncStd;
use bellwire_round_trips::{
    Executor, Work, bare, blocking_bare, blocking_client, driven, median, servers, undriven,
};
use bellwire_smol::Smol;
use bellwire_tokio::Tokio;

fn main() {
    if servers::serve() {
        return;
    }
    for name in servers::NAMES {
        let server = servers::start(name);
        for (depth, count) in [(1, 2_000), (64, 64 * 200)] {
            let count = if is_test() { depth } else { count };
            println!("{name}, {depth} at a time, as a part of a bare loop:");
            compare(Work { server: server.address, count, depth });
        }
    }
}

fn is_test() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// Somebody who does the work, and says how long it took.
type Contender = Box<dyn Fn(Work) -> Duration>;

fn compare(work: Work) {
    let blocking: [Contender; 2] = [Box::new(blocking_bare), Box::new(blocking_client)];
    turns("blocking", work, &["whoever waits drives"], &blocking);
    turns("tokio, in a task", work, &["driven"], &in_tasks::<Tokio>());
    turns("tokio, one thread", work, &["driven", "undriven"], &on_this_thread::<Tokio>());
    turns("smol, in a task", work, &["driven"], &in_tasks::<Smol>());
    turns("smol, block_on", work, &["driven", "undriven"], &on_this_thread::<Smol>());
    turns("async-std, in a task", work, &["driven"], &in_tasks::<AsyncStd>());
    turns("async-std, block_on", work, &["driven", "undriven"], &on_this_thread::<AsyncStd>());
}

fn in_tasks<E: Executor>() -> [Contender; 2] {
    [Box::new(|work| E::run(bare::<E>(work))), Box::new(|work| E::run(driven::<E>(work)))]
}

fn on_this_thread<E: Executor>() -> [Contender; 3] {
    [
        Box::new(|work| E::block_on(bare::<E>(work))),
        Box::new(|work| E::block_on(driven::<E>(work))),
        Box::new(|work| E::block_on(undriven::<E>(work))),
    ]
}

/// The first contender is the bare loop.
fn turns(on: &str, work: Work, names: &[&str], contenders: &[Contender]) {
    let rounds = if is_test() { 1 } else { 21 };
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (contender, times) in contenders.iter().zip(&mut times) {
            times.push(contender(work));
        }
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    let parts = names.iter().zip(&medians[1..]);
    let parts = parts.map(|(name, ours)| format!("{name} {:.2}", medians[0] / ours));
    println!("  {on}: {}", parts.collect::<Vec<_>>().join(", "));
}
