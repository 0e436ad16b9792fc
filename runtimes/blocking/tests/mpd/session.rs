//! What the tests with a real MPD share.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use bellwire::dialect::mpd::{Ask, Mpd as Protocol, Song};
use bellwire_blocking::{Connector, Error, Notice};
use bellwire_test_servers::Mpd;

use crate::real::{PATIENCE, Wire};

pub(crate) type Client = bellwire_blocking::Client<Protocol>;
pub(crate) type Notifications = bellwire_blocking::Notifications<Protocol>;

pub(crate) fn connector() -> Connector<Protocol> {
    let mut connector = Connector::new(Protocol::default());
    connector.config.timers.reply = Some(PATIENCE);
    connector
}

pub(crate) fn session(mpd: &Mpd) -> (Client, Notifications) {
    connector().tcp(mpd.address()).unwrap()
}

/// The same, and what is to be seen of it.
pub(crate) fn watched(mpd: &Mpd) -> (Client, Notifications, Wire) {
    watch(connector(), mpd)
}

pub(crate) fn watch(
    mut connector: Connector<Protocol>,
    mpd: &Mpd,
) -> (Client, Notifications, Wire) {
    let wire = Wire::default();
    connector.observer = Some(Box::new(wire.clone()));
    let (client, notifications) = connector.tcp(mpd.address()).unwrap();
    (client, notifications, wire)
}

/// Another client, who only asks.
pub(crate) fn other(mpd: &Mpd) -> Client {
    session(mpd).0
}

/// The next notice, as text.
#[track_caller]
pub(crate) fn next(notifications: &mut Notifications) -> String {
    match notifications.wait(PATIENCE) {
        Ok(Some(Notice::Notification(it))) => it.topic().into_owned(),
        Ok(Some(notice)) => format!("{notice:?}"),
        Ok(None) => panic!("no notice came"),
        Err(error) => error.to_string(),
    }
}

/// A song that exists in the database only.
pub(crate) fn many(number: u32) -> String {
    format!("many/{number:05}.wav")
}

/// What only this song can be the answer to.
pub(crate) fn question(number: u32) -> Ask {
    Ask::new("find").arg(format!("(file == '{}')", many(number)))
}

/// Asks that.
#[track_caller]
pub(crate) fn prove(client: &Client, number: u32) {
    assert_found(number, client.request(question(number)));
}

#[track_caller]
pub(crate) fn assert_found(number: u32, found: Result<bellwire::dialect::mpd::Fields, Error>) {
    let songs: Vec<_> = Song::all(found.unwrap()).into_iter().map(|song| song.uri).collect();
    assert_eq!(songs, [many(number)]);
}
