//! Lists of operations, time included, on a machine, beside a naive model of it and against its
//! guarantees. A case is made of any bytes; where one fails, it panics with the case as a transcript.

use crate::model::Verdict;
use crate::model::client_side::{ClientCase, properties};
use crate::model::desk;
use crate::model::draw::Case;
use crate::model::host::Host;
use crate::model::host::mpd::MpdHost;
use crate::model::host::notif::NotifHost;
use crate::model::tongue::Tongue;
use crate::model::tongue::imap::InImap;
use crate::model::tongue::mpd::InMpd;
use crate::model::tongue::notif::InNotif;

/// notif's client, with a server that may say anything.
pub fn notif_client(data: &[u8]) {
    client::<InNotif>(data);
}

/// MPD's client.
pub fn mpd_client(data: &[u8]) {
    client::<InMpd>(data);
}

/// IMAP's client.
pub fn imap_client(data: &[u8]) {
    client::<InImap>(data);
}

/// notif's server, with a client that may say anything.
pub fn notif_server(data: &[u8]) {
    server::<NotifHost>(data);
}

/// MPD's server.
pub fn mpd_server(data: &[u8]) {
    server::<MpdHost>(data);
}

fn server<H: Host>(data: &[u8]) {
    succeed(desk::beside_the_naive::<H>(&Case::of(data)));
}

/// Beside the naive client, and one of the other properties.
fn client<T: Tongue>(data: &[u8]) {
    let case = ClientCase::<T>::of(data);
    let [(naive, _), others @ ..] = properties::<T>();
    let (other, _) = others[usize::from(case.more[0]) % others.len()];
    succeed(naive(case.clone()));
    succeed(other(case));
}

fn succeed(verdict: Verdict) {
    if let Err(failed) = verdict {
        panic!("{failed:?}");
    }
}
