//! Lists of operations, time included, on a machine and a naive model of it. A case is made of any
//! bytes; where the two differ, it panics with the case as a transcript.

use crate::model::Verdict;
use crate::model::desk;
use crate::model::draw::Case;
use crate::model::session;

/// notif's client, with a server that may say anything.
pub fn notif_client(data: &[u8]) {
    succeed(session::beside_the_naive(&Case::of(data)));
}

/// notif's server, with a client that may say anything.
pub fn notif_server(data: &[u8]) {
    succeed(desk::beside_the_naive(&Case::of(data)));
}

fn succeed(verdict: Verdict) {
    if let Err(failed) = verdict {
        panic!("{failed:?}");
    }
}
