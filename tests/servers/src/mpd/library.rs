//! The music, and the database that says what is there, so that a server need not look.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::server::Server;

/// All tags that MPD 0.23 keeps unless configured otherwise. It rebuilds a database that lacks one.
const TAGS: &str = "Artist ArtistSort Album AlbumSort AlbumArtist AlbumArtistSort Title Track Name \
    Genre Date OriginalDate Composer ComposerSort Performer Conductor Work Movement MovementNumber \
    Ensemble Location Grouping Disc Label MUSICBRAINZ_ARTISTID MUSICBRAINZ_ALBUMID \
    MUSICBRAINZ_ALBUMARTISTID MUSICBRAINZ_TRACKID MUSICBRAINZ_RELEASETRACKID MUSICBRAINZ_WORKID";

/// Samples of a byte, of which each second has so many.
const RATE: u32 = 8000;

/// What a client that does not count bytes might take for more than it is.
const TRAPS: [&[u8]; 6] = [
    b"\nOK\n",
    b"\nACK [5@0] {} \n",
    b"\nlist_OK\n",
    b"\nbinary: 3\n",
    b"\nchanged: player\n",
    b"\0\n\r\n",
];

/// Writes the files and the database of a server with so many songs more than there are files.
pub(super) fn make(server: &Server, more: usize) {
    fs::create_dir(server.folder().join("playlists")).expect("a folder of ours");
    for (name, seconds) in [("one.wav", 1), ("two.wav", 30), ("album/three.wav", 30)] {
        server.write(&format!("music/{name}"), wav(seconds));
    }
    server.write("music/album/cover.png", cover());
    server.write("database", database(server, more));
}

/// Silence, as a WAV file.
pub(super) fn wav(seconds: u32) -> Vec<u8> {
    let samples = RATE * seconds;
    let mut file = Vec::with_capacity(44 + samples as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + samples).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes()); // PCM
    file.extend_from_slice(&1_u16.to_le_bytes()); // mono
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes()); // bytes per second
    file.extend_from_slice(&1_u16.to_le_bytes()); // bytes per sample
    file.extend_from_slice(&8_u16.to_le_bytes()); // bits per sample
    file.extend_from_slice(b"data");
    file.extend_from_slice(&samples.to_le_bytes());
    file.resize(44 + samples as usize, 0x80);
    file
}

/// Not really a picture, for which MPD does not look: chance, the same each time, full of traps.
pub(super) fn cover() -> Vec<u8> {
    const SIZE: usize = 30_000;
    let mut chance = fastrand::Rng::with_seed(0);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    while file.len() < SIZE {
        file.extend((0..chance.usize(..200)).map(|_| chance.u8(..)));
        file.extend_from_slice(TRAPS[chance.usize(..TRAPS.len())]);
    }
    file.truncate(SIZE);
    file
}

fn database(server: &Server, more: usize) -> String {
    let mut text = String::from("info_begin\nformat: 2\nmpd_version: 0.23\nfs_charset: UTF-8\n");
    for tag in TAGS.split(' ') {
        text += &format!("tag: {tag}\n");
    }
    text += "info_end\n";
    folder(&mut text, "album", modified(server, "album"), |text| {
        file(text, "three.wav", 30, modified(server, "album/three.wav"));
    });
    if more > 0 {
        folder(&mut text, "many", 0, |text| (1..=more).for_each(|number| song(text, number)));
    }
    file(&mut text, "one.wav", 1, modified(server, "one.wav"));
    file(&mut text, "two.wav", 30, modified(server, "two.wav"));
    text
}

fn modified(server: &Server, name: &str) -> i64 {
    let path = server.folder().join("music").join(name);
    path.metadata().expect("it was written").mtime()
}

fn folder(text: &mut String, name: &str, modified: i64, content: impl FnOnce(&mut String)) {
    text.push_str(&format!("directory: {name}\nmtime: {modified}\nbegin: {name}\n"));
    content(text);
    text.push_str(&format!("end: {name}\n"));
}

fn file(text: &mut String, name: &str, seconds: u32, modified: i64) {
    text.push_str(&format!(
        "song_begin: {name}\nTime: {seconds}.000000\nFormat: {RATE}:8:1\nmtime: {modified}\nsong_end\n"
    ));
}

fn song(text: &mut String, number: usize) {
    let album = number.div_ceil(10);
    let written = write!(
        text,
        "song_begin: {number:05}.wav\n\
         Time: 180.000000\n\
         Artist: Artist {album}\n\
         Album: Album {album}\n\
         Title: Title {number}\n\
         Track: {track}\n\
         mtime: 0\n\
         song_end\n",
        track = (number - 1) % 10 + 1,
    );
    written.expect("memory is not full");
}
