//! MPD, as the tests get it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use bellwire_test_servers::Mpd;

mod common;

use common::{Wire, members};

#[test]
fn an_idling_client_hears_of_changes() {
    let Some(mpd) = Mpd::start() else { return };
    let mut idle = Wire::to(mpd.address()).greeted();
    let mut other = Wire::over(UnixStream::connect(mpd.socket()).unwrap()).greeted();
    other.mpd("ping");
    idle.say("idle");
    other.mpd("add one.wav");
    assert_eq!([idle.hear(), idle.hear()], ["changed: playlist", "OK"]);
}

/// It does nothing on its own, which a test might take for its own doing.
#[test]
fn nothing_changes_untold() {
    let Some(mpd) = Mpd::start() else { return };
    let mut wire = Wire::to(mpd.address()).greeted();
    wire.say("idle");
    wire.say("noidle");
    assert_eq!(wire.hear(), "OK");
}

/// The database is right: an update finds nothing, but for what is new.
#[test]
fn an_update_finds_what_is_new() {
    let Some(mpd) = Mpd::start() else { return };
    let mut wire = Wire::to(mpd.address()).greeted();
    let old = ["file: one.wav", "file: two.wav", "directory: album", "file: album/three.wav"];
    assert_eq!(wire.mpd("listall"), old);
    assert_eq!(wire.mpd("update"), ["updating_db: 1"]);
    let changed = updated(&mut wire);
    assert!(changed.iter().all(|it| it == "changed: update"), "{changed:#?}");
    mpd.add_song("new/four.wav");
    wire.mpd("update");
    assert!(updated(&mut wire).contains(&"changed: database".to_owned()));
    assert!(wire.mpd("listall").contains(&"file: new/four.wav".to_owned()));
}

/// All that changes from the beginning of an update to its end.
fn updated<S: Read + Write>(wire: &mut Wire<S>) -> Vec<String> {
    let mut changed = Vec::new();
    while wire.mpd("status").iter().any(|line| line.starts_with("updating_db")) {
        changed.extend(wire.mpd("idle"));
    }
    // What is left, if anything: either of the two ends the mode, and there is one OK.
    changed.extend(wire.mpd("idle\nnoidle"));
    changed
}

#[test]
fn ten_thousand_songs() {
    let Some(mpd) = Mpd::options().songs(10_000).start() else { return };
    let mut wire = Wire::to(mpd.address()).greeted();
    let listed = wire.mpd("listallinfo");
    let songs: Vec<_> = listed.iter().filter_map(|it| it.strip_prefix("file: many/")).collect();
    assert_eq!(songs.len(), 10_000);
    assert_eq!([songs[0], songs[9_999]], ["00001.wav", "10000.wav"]);
    assert!(listed.contains(&"Title: Title 10000".to_owned()));
}

#[test]
fn the_cover_comes_byte_by_byte() {
    let Some(mpd) = Mpd::start() else { return };
    let mut wire = Wire::to(mpd.address()).greeted();
    wire.mpd("binarylimit 4096");
    let mut cover = Vec::new();
    while cover.len() < 30_000 {
        wire.say(&format!("albumart album/three.wav {}", cover.len()));
        assert_eq!(wire.hear(), "size: 30000");
        let count = wire.hear().strip_prefix("binary: ").unwrap().parse().unwrap();
        cover.extend(wire.hear_bytes(count));
        assert_eq!([wire.hear(), wire.hear()], ["", "OK"]);
    }
    assert_eq!(cover, Mpd::cover());
    let traps: [&[u8]; 3] = [b"\nOK\n", b"\nACK ", b"\0\n"];
    assert!(traps.iter().all(|trap| cover.windows(trap.len()).any(|it| it == *trap)));
}

#[test]
fn a_song_is_played_to_its_end() {
    let Some(mpd) = Mpd::start() else { return };
    let mut wire = Wire::to(mpd.address()).greeted();
    wire.mpd("add one.wav");
    wire.mpd("play");
    while !wire.mpd("status").contains(&"state: stop".to_owned()) {
        wire.mpd("idle player");
    }
    let status = wire.mpd("status");
    assert!(!status.iter().any(|line| line.starts_with("error")), "{status:#?}");
}

#[test]
fn a_password_is_asked_for() {
    let Some(mpd) = Mpd::options().password("sesame").start() else { return };
    let tcp = Wire::to(mpd.address()).greeted();
    let local = Wire::over(UnixStream::connect(mpd.socket()).unwrap()).greeted();
    check_password(tcp);
    check_password(local);
    if let Some(mut mpc) = mpd.mpc() {
        assert!(mpc.args(["add", "one.wav"]).status().unwrap().success());
    }
}

fn check_password<S: Read + Write>(mut wire: Wire<S>) {
    wire.mpd("status");
    wire.say("add one.wav");
    assert!(wire.hear().starts_with("ACK [4@0] {add}"));
    wire.mpd("password sesame");
    for command in ["add one.wav", "play", "stop", "clear"] {
        wire.mpd(command);
    }
}

#[test]
fn mpc_talks_to_it() {
    let Some(mpd) = Mpd::start() else { return };
    let Some(mut mpc) = mpd.mpc() else { return };
    let listed = mpc.args(["listall"]).output().unwrap().stdout;
    let listed = String::from_utf8(listed).unwrap();
    assert_eq!(listed.lines().collect::<Vec<_>>(), ["one.wav", "two.wav", "album/three.wav"]);
}

#[test]
fn the_silent_are_thrown_out() {
    let options = Mpd::options().connection_timeout(Duration::from_secs(1));
    let Some(mpd) = options.start() else { return };
    let mut silent = Wire::to(mpd.address()).greeted();
    let mut idle = Wire::to(mpd.address()).greeted();
    idle.say("idle");
    assert!(silent.ends());
    assert_eq!(idle.mpd("noidle"), [""; 0]);
}

/// Two may come, which shows that the look at its greeting is over; a third may not.
#[test]
fn too_many_are_turned_away() {
    let Some(mpd) = Mpd::options().max_connections(2).start() else { return };
    let _two = [(); 2].map(|()| Wire::to(mpd.address()).greeted());
    assert!(Wire::to(mpd.address()).ends());
}

#[test]
fn killed_and_started_again() {
    let Some(mut mpd) = Mpd::start() else { return };
    for _ in 0..3 {
        let mut wire = Wire::to(mpd.address()).greeted();
        let group = mpd.process_group().unwrap();
        mpd.kill();
        assert_eq!(members(group), [""; 0]);
        assert!(wire.ends());
        assert!(TcpStream::connect(mpd.address()).is_err());
        mpd.restart();
        Wire::over(UnixStream::connect(mpd.socket()).unwrap()).greeted();
    }
}

#[test]
fn stopped_and_started_again() {
    let Some(mut mpd) = Mpd::start() else { return };
    let mut wire = Wire::to(mpd.address()).greeted();
    wire.mpd("add two.wav");
    mpd.stop();
    assert!(wire.ends());
    assert!(TcpStream::connect(mpd.address()).is_err());
    mpd.restart();
    let mut wire = Wire::to(mpd.address()).greeted();
    assert_eq!(wire.mpd("playlist"), ["0:file: two.wav"]);
    // It runs.
    mpd.restart();
    Wire::to(mpd.address()).greeted();
}

#[test]
fn many_at_once() {
    thread::scope(|scope| {
        for songs in 1..=8 {
            scope.spawn(move || {
                let Some(mpd) = Mpd::options().songs(songs).start() else { return };
                let listed = Wire::to(mpd.address()).greeted().mpd("listall many");
                assert_eq!(listed.len(), 1 + songs);
            });
        }
    });
}
