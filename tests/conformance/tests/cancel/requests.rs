//! `request`, and waiting for notifications: the checks that other clients are put to, too.

use crate::checks::{Report, dropped_asks, dropped_burst, dropped_waits};
use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};

/// Puts a client to a check, in each dialect.
macro_rules! in_each_dialect {
    ($check:expr) => {
        $check(&spooled());
        $check(&pipelined());
        $check(&numbered());
        $check(&player());
        $check(&mailbox());
    };
}
pub(crate) use in_each_dialect;

fn finds_nothing(name: &str, report: &Report, least: usize) {
    assert_eq!(report.findings, [], "{name}");
    assert!(report.dropped >= least, "{name}: dropped {} times only", report.dropped);
}

/// G3, G19: a request that is dropped at any moment takes no other's reply, and no notification, with it.
#[test]
fn a_dropped_request_shifts_nothing() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let report = dropped_asks(spoken.wire, async |near| spoken.connect(near).await);
        finds_nothing(spoken.name, &report, 5);
    }
    in_each_dialect!(check);
}

/// G3: also several of them in a row.
#[test]
fn dropped_requests_shift_nothing() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let report = dropped_burst(spoken.wire, async |near| spoken.connect(near).await);
        finds_nothing(spoken.name, &report, 5);
    }
    in_each_dialect!(check);
}

/// G8, G19: a wait for a notification that is dropped at any moment loses none.
#[test]
fn a_dropped_wait_loses_no_notification() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let report = dropped_waits(spoken.wire, async |near| spoken.connect(near).await);
        finds_nothing(spoken.name, &report, 5);
    }
    in_each_dialect!(check);
}
