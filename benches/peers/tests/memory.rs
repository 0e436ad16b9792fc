//! The most that each has on the heap while it does the work: `cargo test -p bellwire-peers --
//! --nocapture`. Who takes a reply as it comes needs the same for any (guarantee G12); who asks for
//! all of it at once gets all of it.

use allocation_counter::measure;
use bellwire_peers::imap::{self, Sets};
use bellwire_peers::{Contender, mpd};

const KIB: u64 = 1024;
const BOUND: u64 = 128 * KIB;

/// The peak, in bytes, from here on: what the connection has taken before does not count.
fn peak(contender: &mut Contender) -> u64 {
    let mut read = None;
    let peak = measure(|| read = contender.work()).bytes_max;
    let things = read.map_or(0, |tally| tally.things);
    println!("{}: at most {} KiB for {things}", contender.name, peak.div_ceil(KIB));
    peak
}

#[test]
fn headers_of_many_mails() {
    const MAILS: usize = 10_000;
    let Some(dovecot) = imap::server(MAILS) else { return };
    let address = dovecot.address();
    for mails in [MAILS / 10, MAILS] {
        let sets = Sets::split(mails, 1);
        for mut streaming in [
            imap::core(address, &sets),
            imap::core_typed(address, &sets),
            imap::blocking_parts(address, &sets),
        ] {
            let peak = peak(&mut streaming);
            assert!(peak <= BOUND, "{}: {peak} bytes for {mails}", streaming.name);
        }
        for mut other in [
            imap::blocking_raw(address, &sets),
            imap::blocking_typed(address, &sets),
            imap::async_imap(address, &sets),
            imap::imap(address, &sets),
        ] {
            peak(&mut other);
        }
    }
}

#[test]
fn listallinfo_of_many_songs() {
    for songs in [1_000, 10_000] {
        let Some(server) = mpd::server(songs) else { return };
        let address = server.address();
        for mut streaming in [mpd::core(address), mpd::blocking_parts(address)] {
            let peak = peak(&mut streaming);
            assert!(peak <= BOUND, "{}: {peak} bytes for {songs}", streaming.name);
        }
        for mut other in [
            mpd::blocking_fields(address),
            mpd::blocking_songs(address),
            mpd::mpd_protocol(address),
            mpd::mpd_client(address),
        ] {
            peak(&mut other);
        }
    }
}
