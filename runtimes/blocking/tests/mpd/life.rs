//! How a connection begins, lives and ends.

use std::time::Duration;

use bellwire::dialect::mpd::{Ack, Add, Code, Mpd as Protocol, Password, Ping, SetVolume, Status};
use bellwire::{Closed, Error as Fault, Wait};
use bellwire_blocking::{Connector, Ended, Error, Gap, Notice, Reconnect};
use bellwire_test_servers::Mpd;

use super::common::plays;
use super::real::{Driven, PATIENCE, Wire, stand_still};
use super::session::{Notifications, connector, next, other, session, watch, watched};

const SECOND: Duration = Duration::from_secs(1);

fn persistent() -> Connector<Protocol> {
    let mut policy = Reconnect::default();
    (policy.first, policy.longest) = (SECOND / 50, SECOND / 10);
    let mut connector = connector();
    connector.reconnect = Some(policy);
    connector
}

fn with_password(password: &'static str) -> Connector<Protocol> {
    let mut connector = persistent();
    connector.opening = vec![Box::new(Password(password))];
    connector
}

#[track_caller]
fn assert_lost(notifications: &mut Notifications) {
    let told = next(notifications);
    assert!(told.starts_with("Gap(Disconnected("), "{told}");
}

#[test]
fn passwords() {
    let Some(mpd) = Mpd::options().password("sesame").start() else { return };
    let (client, mut notifications, wire) = watch(with_password("sesame"), &mpd);
    client.request(Add("one.wav")).unwrap();
    assert_eq!(next(&mut notifications), "playlist");
    // Without one, this may be done and that not.
    let (stranger, _) = session(&mpd);
    assert_eq!(stranger.request(Status).unwrap().queue_length, Some(1));
    let Err(Error::BadReply(refused)) = stranger.request(SetVolume(1)) else { panic!() };
    assert_eq!(Ack::try_from(&refused).unwrap().code, Code::Permission);
    stranger.request(Password("sesame")).unwrap();
    stranger.request(SetVolume(1)).unwrap();
    assert_eq!(wire.said()[..2], ["password ***", "add one.wav"]);
}

#[test]
fn a_wrong_password_is_for_good() {
    let Some(mpd) = Mpd::options().password("sesame").start() else { return };
    let (mut connector, wire) = (with_password("open"), Wire::default());
    connector.observer = Some(Box::new(wire.clone()));
    let refused = match connector.tcp(mpd.address()) {
        Err(error) => error,
        Ok(_) => panic!("connected"),
    };
    assert!(!refused.is_transient());
    let Error::NotConnected(Ended::Opening(why)) = refused else { panic!("{refused:?}") };
    let Error::BadReply(why) = *why else { panic!("{why:?}") };
    assert_eq!(Ack::try_from(&why).unwrap().code, Code::Password);
    assert_eq!(wire.said(), ["password ***"]);
}

/// The server accepts the connection, and closes it without a word.
#[test]
fn too_many_connections() {
    let Some(mpd) = Mpd::options().max_connections(1).start() else { return };
    let (first, _) = session(&mpd);
    assert_eq!(first.request(Ping), Ok(()));
    let closed = Ended::Closed(Closed::Cleanly);
    for connector in [persistent(), with_password("")] {
        match connector.tcp(mpd.address()) {
            Err(error) => {
                assert!(error.is_transient());
                assert_eq!(error, Error::NotConnected(closed.clone()));
            }
            Ok(_) => panic!("connected"),
        }
    }
    assert_eq!(first.request(Ping), Ok(()));
}

#[test]
fn what_is_no_mpd_is_found_out_at_once() {
    let peer = plays(&["S: SSH-2.0-OpenSSH_9.2\nC: <EOF>"]);
    match persistent().tcp(peer.address) {
        Err(Error::NotConnected(Ended::Fault(fault @ Fault::Protocol { .. }))) => {
            assert!(!fault.is_transient());
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("connected"),
    }
    peer.finish().unwrap();
}

/// G16: MPD closes the connection of a client that is silent and does not idle.
#[test]
fn a_connection_outlives_the_servers_patience() {
    let options = Mpd::options().connection_timeout(2 * SECOND);
    let Some(mpd) = options.start() else { return };
    let mut connector = connector();
    connector.dialect.silence = Some(SECOND / 2);
    let (client, _notifications, wire) = watch(connector, &mpd);
    let driven = Driven::new(&client);
    wire.wait_for("C: ping", 9);
    assert_eq!(client.request(Ping), Ok(()));
    assert_eq!(wire.lines("#").len(), 1);
    drop(driven);
}

/// The test before this one would see it.
#[test]
fn the_servers_patience_is_as_configured() {
    let options = Mpd::options().connection_timeout(2 * SECOND);
    let Some(mpd) = options.start() else { return };
    let mut connector = connector();
    connector.dialect.silence = None;
    let (client, _notifications, wire) = watch(connector, &mpd);
    let closed = Error::NotConnected(Ended::Closed(Closed::Cleanly));
    assert_eq!(client.drive(), Err(closed));
    assert_eq!(wire.said(), [""; 0]);
}

/// One that idles may be silent: nothing is said for longer than the server would have patience.
#[test]
fn who_idles_may_be_silent() {
    let options = Mpd::options().connection_timeout(2 * SECOND);
    let Some(mpd) = options.start() else { return };
    let mut connector = connector();
    connector.dialect.silence = None;
    let (_client, mut notifications, wire) = watch(connector, &mpd);
    assert_eq!(notifications.wait(4 * SECOND), Ok(None));
    other(&mpd).request(SetVolume(9)).unwrap();
    assert_eq!(next(&mut notifications), "mixer");
    assert_eq!(wire.said(), ["idle", "idle"]);
}

/// G16: a server that says nothing is asked, by leaving `idle`, and what changes then is told, too.
#[test]
fn a_silent_server_is_asked_whether_it_lives() {
    let Some(mpd) = Mpd::start() else { return };
    let mut connector = connector();
    connector.dialect.silence = Some(SECOND / 5);
    let (client, mut notifications, wire) = watch(connector, &mpd);
    let (other, driven) = (other(&mpd), Driven::new(&client));
    client.listen();
    for round in 1..=20 {
        wire.wait_for("C: noidle", round);
        other.request(SetVolume(round as u8)).unwrap();
        assert_eq!(next(&mut notifications), "mixer");
    }
    drop(driven);
    assert_eq!(client.unsolicited(), 0);
}

/// G16, G22: a server that stands still is given up, and the next connection waits for it.
#[test]
fn a_server_that_stands_still_is_noticed() {
    let Some(mpd) = Mpd::start() else { return };
    let mut connector = persistent();
    connector.dialect.silence = Some(SECOND / 2);
    let timers = &mut connector.config.timers;
    (timers.probe, timers.greeting) = (Some(SECOND / 2), Some(SECOND / 2));
    let (client, mut notifications, wire) = watch(connector, &mpd);
    client.listen();
    let driven = Driven::new(&client);
    stand_still(mpd.process_group(), || {
        let lost = Gap::Disconnected(Ended::Fault(Fault::TimedOut(Wait::Probe)));
        assert_eq!(notifications.wait(PATIENCE), Ok(Some(Notice::Gap(lost))));
        wire.wait_for("> fault: timed out: no greeting came", 1);
    });
    assert_eq!(next(&mut notifications), "Resumed");
    other(&mpd).request(SetVolume(9)).unwrap();
    assert_eq!(next(&mut notifications), "mixer");
    drop(driven);
}

/// G8, G22.
#[test]
fn a_server_that_is_killed_and_started_again() {
    let Some(mut mpd) = Mpd::options().password("sesame").start() else { return };
    let (client, mut notifications, wire) = watch(with_password("sesame"), &mpd);
    client.request(SetVolume(50)).unwrap();
    assert_eq!(next(&mut notifications), "mixer");
    for volume in 1..=3 {
        mpd.kill();
        assert_lost(&mut notifications);
        mpd.restart();
        assert_eq!(next(&mut notifications), "Resumed");
        client.request(SetVolume(volume)).unwrap();
        assert_eq!(next(&mut notifications), "mixer");
    }
    assert_eq!(wire.said().iter().filter(|line| *line == "password ***").count(), 4);
    assert_eq!(client.unsolicited(), 0);
}

#[test]
fn over_a_unix_socket() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, mut notifications) = connector().unix(mpd.socket()).unwrap();
    client.listen();
    other(&mpd).request(SetVolume(9)).unwrap();
    assert_eq!(next(&mut notifications), "mixer");
    assert_eq!(client.request(Status).unwrap().volume, Some(9));
}

#[test]
fn the_version_is_known() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, _notifications, wire) = watched(&mpd);
    client.request(Ping).unwrap();
    assert!(wire.lines("> greeting OK MPD 0.").len() == 1);
}
