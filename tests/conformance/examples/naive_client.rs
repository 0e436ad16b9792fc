//! The client that everybody writes first, and what is wrong with it.
//!
//! [`Naive`](naive::Naive) writes a question, and reads lines until one is the reply: all within the
//! future of its `ask`. That works, until somebody drops the future: because a user went away, because
//! `select!` chose another branch, because a timeout passed. The question is then on its way, and its
//! reply comes all the same, to whoever asks next. In March 2023, strangers saw each other's chats for
//! that reason. And what had come of a line, in the middle of which the future was dropped, is gone with
//! it: so is the notification that the line was.
//!
//! This program puts the client to the very checks that Bellwire's clients pass, and prints what they
//! find:
//!
//! ```console
//! $ cargo run -p bellwire-conformance --example naive_client
//! ```
//!
//! Bellwire keeps no state of the protocol in a future: a dropped one leaves a note, and its reply is
//! swallowed when it comes (guarantees G3 and G19).

#[path = "../tests/cancel/answers.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod answers;
#[path = "../tests/cancel/checks.rs"]
mod checks;
#[path = "../tests/naive/client.rs"]
mod naive;
#[path = "../tests/cancel/ours.rs"]
mod ours;
#[path = "../tests/cancel/proof.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod proof;
#[path = "../tests/cancel/world.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod world;

use answers::Wire;
use checks::{Report, dropped_asks, dropped_burst, dropped_waits};
use naive::Naive;

/// So many things that went wrong are enough to see.
const SHOWN: usize = 8;

fn main() {
    let wire = Wire::Notif { ids: false };
    println!("A client that reads within its futures:");
    print("one question is dropped", &dropped_asks(wire, Naive::connect));
    print("three questions are dropped", &dropped_burst(wire, Naive::connect));
    print("a wait for a notification is dropped", &dropped_waits(wire, Naive::connect));

    println!("\nBellwire:");
    let spoken = proof::spooled();
    let ours = async |near| spoken.connect(near).await;
    print("one question is dropped", &dropped_asks(wire, ours));
    print("three questions are dropped", &dropped_burst(wire, ours));
    print("a wait for a notification is dropped", &dropped_waits(wire, ours));
}

fn print(what: &str, report: &Report) {
    println!("  {what}, at each of {} places:", report.dropped);
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for finding in &report.findings {
        let finding = finding.to_string();
        match kinds.iter_mut().find(|(known, _)| *known == finding) {
            Some((_, count)) => *count += 1,
            None => kinds.push((finding, 1)),
        }
    }
    if kinds.is_empty() {
        println!("    nothing is wrong");
    }
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (finding, count) in kinds.iter().take(SHOWN) {
        println!("    {count:2} x {finding}");
    }
    if kinds.len() > SHOWN {
        println!("    and {} things more", kinds.len() - SHOWN);
    }
}
