//! The adapter with a real MPD: what the player does, what others do to it, and what crosses `noidle`.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwire::dialect::mpd::{Add, Ask, CurrentSong, PlayState, Queue, SetVolume, Song, Status};
use bellwire_test_servers::Mpd;

use real::{Driven, in_time};
use session::{next, other, prove, session, watched};

#[path = "mpd/commands.rs"]
mod commands;
mod common;
#[path = "mpd/life.rs"]
mod life;
mod real;
#[path = "mpd/records.rs"]
mod records;
#[path = "mpd/session.rs"]
mod session;

/// G9: questions and changes of one's own, while idling.
#[test]
fn a_player_is_watched_and_driven() {
    let Some(mpd) = Mpd::options().songs(20).start() else { return };
    let (client, mut notifications) = session(&mpd);
    client.listen();
    assert_eq!(client.request(CurrentSong).unwrap(), None);
    assert_eq!(client.request(Queue).unwrap(), []);
    client.request(Add("one.wav")).unwrap();
    assert_eq!(next(&mut notifications), "playlist");
    client.request(Add("album")).unwrap();
    assert_eq!(next(&mut notifications), "playlist");
    client.request(SetVolume(30)).unwrap();
    assert_eq!(next(&mut notifications), "mixer");
    client.request(Ask::new("play").arg("1")).unwrap();
    assert_eq!(next(&mut notifications), "player");
    let queue: Vec<_> = client.request(Queue).unwrap().into_iter().map(|song| song.uri).collect();
    assert_eq!(queue, ["one.wav", "album/three.wav"]);
    let status = client.request(Status).unwrap();
    assert_eq!((status.volume, status.queue_length), (Some(30), Some(2)));
    assert_eq!((status.state, status.song.unwrap().position), (PlayState::Play, 1));
    let song = client.request(CurrentSong).unwrap().unwrap();
    assert_eq!((song.uri.as_str(), song.position), ("album/three.wav", Some(1)));
    assert_eq!(song.duration, Some(Duration::from_secs(30)));
    let found = client.request(Ask::new("find").arg("(album == \"Album 2\")")).unwrap();
    let titles: Vec<_> =
        Song::all(found).iter().map(|song| song.title().unwrap().to_owned()).collect();
    assert_eq!(titles, (11..=20).map(|number| format!("Title {number}")).collect::<Vec<_>>());
    assert_eq!(client.unsolicited(), 0);
}

/// G6, G10.
#[test]
fn changes_by_another_client() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, mut notifications, wire) = watched(&mpd);
    client.listen();
    let other = other(&mpd);
    for (command, topic) in [
        (Ask::new("add").arg("one.wav"), "playlist"),
        (Ask::new("random").arg("1"), "options"),
        (Ask::new("setvol").arg("11"), "mixer"),
        (Ask::new("save").arg("Lieblingslieder \u{fc}"), "stored_playlist"),
        (Ask::new("sticker").arg("set").arg("song").arg("one.wav").arg("a").arg("b"), "sticker"),
        (Ask::new("subscribe").arg("somebody"), "subscription"),
        (Ask::new("newpartition").arg("second"), "partition"),
        (Ask::new("clear"), "playlist"),
    ] {
        other.request(command).unwrap();
        assert_eq!(next(&mut notifications), topic);
    }
    assert_eq!(wire.said(), [""; 9].map(|_| "idle"));
    assert_eq!(client.unsolicited(), 0);
}

/// G8: what changes while a client does not idle is kept for it, and told at once when it does.
#[test]
fn changes_while_others_are_asked_for() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, mut notifications) = session(&mpd);
    let (other, pause) = (other(&mpd), client.pause());
    for command in ["setvol 11", "random 1", "add one.wav", "setvol 12", "random 0"] {
        client.listen();
        client.request(Status).unwrap();
        other.request(command).unwrap();
    }
    drop(pause);
    let told: BTreeSet<_> = (0..3).map(|_| next(&mut notifications)).collect();
    assert_eq!(told, ["mixer", "options", "playlist"].map(str::to_owned).into());
    assert_eq!(notifications.wait(Duration::ZERO), Ok(None));
}

/// G8, G10: either `idle` has ended by itself when `noidle` comes, or what has changed is kept for the
/// next: there is one OK in each case, and each change is told once.
#[test]
fn changes_in_the_instant_of_noidle() {
    in_time(|| {
        let Some(mpd) = Mpd::options().songs(20).start() else { return };
        let (client, mut notifications, wire) = watched(&mpd);
        let (other, driven) = (other(&mpd), Driven::new(&client));
        client.listen();
        for round in 0..500 {
            let volume = 1 + (round % 2) as u8;
            let set = other.send(SetVolume(volume)).unwrap();
            prove(&client, 1 + round % 20);
            set.wait().unwrap();
            assert_eq!(next(&mut notifications), "mixer");
            assert_eq!(client.request(Status).unwrap().volume, Some(volume));
        }
        assert_eq!(notifications.wait(Duration::ZERO), Ok(None), "told twice");
        drop(driven);
        assert!(wire.said().contains(&"noidle".to_owned()));
        assert_eq!(client.unsolicited(), 0);
    });
}
