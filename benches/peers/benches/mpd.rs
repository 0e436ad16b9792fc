//! `listallinfo` of 10,000 songs: `cargo bench -p bellwire-peers --bench mpd`.

use bellwire_peers::{compare, is_test, mpd};

fn main() {
    let songs = if is_test() { 100 } else { 10_000 };
    let Some(server) = mpd::server(songs) else { return };
    let address = server.address();
    let mut contenders = [
        mpd::limit(address),
        mpd::core(address),
        mpd::blocking_parts(address),
        mpd::blocking_fields(address),
        mpd::blocking_songs(address),
        mpd::mpd_protocol(address),
        mpd::mpd_client(address),
    ];
    compare(&format!("listallinfo of {songs} songs"), 51, 4, &mut contenders);
}
