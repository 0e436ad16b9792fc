//! Lists of operations, time included, on a machine, beside a naive model of it and against its
//! guarantees. A case is made of any bytes; where one fails, it panics with the case as a transcript.

use crate::model::Verdict;
use crate::model::client_side::{self, ClientCase};
use crate::model::host::Host;
use crate::model::host::mpd::MpdHost;
use crate::model::host::notif::NotifHost;
use crate::model::server_side::{self, ServerCase};
use crate::model::tongue::Tongue;
use crate::model::tongue::imap::InImap;
use crate::model::tongue::mpd::InMpd;
use crate::model::tongue::notif::InNotif;

/// notif's client, with a server that may say anything.
pub fn notif_client(data: &[u8]) {
    client::<InNotif>(data);
}

/// notif's server, with a client that may say anything.
pub fn notif_server(data: &[u8]) {
    server::<NotifHost>(data);
}

/// MPD's client.
pub fn mpd_client(data: &[u8]) {
    client::<InMpd>(data);
}

/// MPD's server.
pub fn mpd_server(data: &[u8]) {
    server::<MpdHost>(data);
}

/// IMAP's client.
pub fn imap_client(data: &[u8]) {
    client::<InImap>(data);
}

/// Beside the naive client, and one of the other properties.
fn client<T: Tongue>(data: &[u8]) {
    let case = ClientCase::<T>::of(data);
    let [(naive, _), others @ ..] = client_side::properties::<T>();
    let (other, _) = others[usize::from(case.more[0]) % others.len()];
    succeed(naive(case.clone()));
    succeed(other(case));
}

/// The same, of the server's side.
fn server<H: Host>(data: &[u8]) {
    let case = ServerCase::<H>::of(data);
    let [(naive, _), others @ ..] = server_side::properties::<H>();
    let (other, _) = others[usize::from(case.more[0]) % others.len()];
    succeed(naive(case.clone()));
    succeed(other(case));
}

fn succeed(verdict: Verdict) {
    if let Err(failed) = verdict {
        panic!("{failed:?}");
    }
}

#[cfg(test)]
mod tests {
    use quickcheck::QuickCheck;

    /// Also what is no case at all, or ends in the midst of one.
    #[test]
    #[expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]
    fn any_bytes_are_a_case() {
        fn plays(bytes: Vec<u8>) -> bool {
            super::notif_client(&bytes);
            super::notif_server(&bytes);
            super::mpd_client(&bytes);
            super::mpd_server(&bytes);
            super::imap_client(&bytes);
            true
        }
        plays(Vec::new());
        QuickCheck::new().quickcheck(plays as fn(_) -> _);
    }
}
