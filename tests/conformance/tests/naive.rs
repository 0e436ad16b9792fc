//! The checks, on a client that is known to fail them: they see it, and name it. Without this, nobody
//! knew whether they can fail at all.

#[path = "cancel/answers.rs"]
#[allow(dead_code, reason = "it speaks more than this client")]
mod answers;
#[path = "cancel/checks.rs"]
mod checks;
#[path = "naive/client.rs"]
mod client;
#[path = "cancel/world.rs"]
#[allow(dead_code, reason = "nothing here has a clock")]
mod world;

use answers::Wire;
use checks::{Report, Subject, dropped_asks, dropped_burst, dropped_waits};
use client::Naive;
use world::{Peer, finish};

const WIRE: Wire = Wire::Notif { ids: false };

/// So that what the checks find is the fault of what was dropped, and of nothing else.
#[test]
fn undisturbed_it_works() {
    let (near, mut peer) = Peer::pair(WIRE, 1);
    let mut naive = finish(&mut peer, Naive::connect(near)).unwrap();
    for number in 1..10 {
        peer.answers.notify(number);
        assert_eq!(finish(&mut peer, naive.ask(100 + number)), Some(Some(100 + number)));
        assert_eq!(finish(&mut peer, naive.next()), Some(Some(number)));
    }
    assert_eq!(finish(&mut peer, naive.next()), None, "of what is not sent, nothing comes");
}

#[test]
fn the_reply_of_a_dropped_question_is_given_to_the_next() {
    let report = dropped_asks(WIRE, Naive::connect);
    finds(&report, "reply of 1 given to 11");
    finds(&report, "reply of 11 given to 12");
}

#[test]
fn the_replies_of_dropped_questions_are_given_to_others() {
    let report = dropped_burst(WIRE, Naive::connect);
    finds(&report, "reply of 101 given to 11");
    finds(&report, "reply of 103 given to 13");
}

#[test]
fn a_notification_is_lost_with_a_dropped_wait() {
    let report = dropped_waits(WIRE, Naive::connect);
    finds(&report, "notification lost: 1");
    assert!(report.dropped > 5, "{}", report.dropped);
}

/// A question that was said by halves takes the next one with it.
#[test]
fn a_question_is_lost_with_a_dropped_one() {
    let report = dropped_asks(WIRE, Naive::connect);
    finds(&report, "the server was asked \"1?11?\"");
    finds(&report, "no reply to 11");
}

fn finds(report: &Report, what: &str) {
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|it| it == what), "{what:?} is not among {found:?}");
}
