//! A short tour of a real MPD on each runtime: idle, what another client changes, questions while idling, a
//! picture (G6, G9).

use bellwire::dialect::mpd::{
    Add, AlbumArt, CommandList, CurrentSong, Mpd as Protocol, Ping, Queue, SetVolume, Status,
};
use bellwire_any::{Client, Connector, Notifications, Reconnect};
use bellwire_conformance::{Log, Runtime, on_each_runtime};
use bellwire_test_servers::Mpd;
use bellwire_testkit::PATIENCE;

on_each_runtime! {
    /// G6, G9.
    tour => a_tour,
    /// G8, G22: the player is restarted.
    restart => restarted,
}

type Session = (Client<Protocol>, Notifications<Protocol>, Log);

fn session(runtime: Runtime, mpd: &Mpd) -> Session {
    let (mut connector, log) = (Connector::new(runtime, Protocol::default()), Log::default());
    connector.observer = Some(Box::new(log.clone()));
    connector.reconnect = Some(Reconnect::default());
    let (client, notifications) = connector.tcp(mpd.address()).unwrap();
    (client, notifications, log)
}

fn next(notifications: &mut Notifications<Protocol>) -> String {
    let notice = notifications.wait(PATIENCE).unwrap().expect("no notice came");
    match notice.notification() {
        Some(it) => it.topic().into_owned(),
        None => format!("{notice:?}"),
    }
}

fn a_tour(runtime: Runtime) {
    let Some(mpd) = Mpd::start() else { return };
    let (client, mut notifications, log) = session(runtime, &mpd);
    let (other, _, _) = session(runtime, &mpd);
    client.listen();
    assert_eq!(client.request(CurrentSong).unwrap(), None);
    other.request(Add("one.wav")).unwrap();
    assert_eq!(next(&mut notifications), "playlist");
    other.request(SetVolume(30)).unwrap();
    assert_eq!(next(&mut notifications), "mixer");
    // In idle, which it leaves for that.
    let (ping, status, queue) = client.request(CommandList((Ping, Status, Queue))).unwrap();
    assert_eq!((ping, status.unwrap().volume), (Ok(()), Some(30)));
    assert_eq!(queue.unwrap()[0].uri, "one.wav");
    assert_eq!(picture(&client), Mpd::cover());
    let refused = client.request(Add("no such.wav"));
    assert!(refused.is_err(), "{refused:?}");
    {
        let _pause = client.pause();
        other.request(SetVolume(40)).unwrap();
        assert_eq!(client.request(Status).unwrap().volume, Some(40));
    }
    assert_eq!(next(&mut notifications), "mixer", "what happens meanwhile is told afterwards");
    assert!(log.said().contains(&"noidle".to_owned()));
    assert_eq!(client.unsolicited(), 0);
    client.shutdown();
    assert_eq!(notifications.next(), None);
}

fn picture(client: &Client<Protocol>) -> Vec<u8> {
    let (mut picture, mut next) = (Vec::new(), Some(0));
    while let Some(offset) = next {
        let chunk = client.request(AlbumArt { uri: "album/three.wav", offset }).unwrap().unwrap();
        picture.extend_from_slice(&chunk.data);
        next = chunk.next();
    }
    picture
}

fn restarted(runtime: Runtime) {
    let Some(mut mpd) = Mpd::start() else { return };
    let (client, mut notifications, log) = session(runtime, &mpd);
    client.listen();
    log.wait_said("idle", 1);
    mpd.restart();
    assert!(next(&mut notifications).starts_with("Gap"));
    assert_eq!(next(&mut notifications), "Resumed");
    client.resending().request(SetVolume(20)).unwrap();
    while next(&mut notifications) != "mixer" {}
    client.close();
}
