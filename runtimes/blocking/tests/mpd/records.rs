//! Sessions that were recorded replay to the same events (G6), with a password that nobody can read.

use std::time::Duration;

use bellwire::dialect::mpd::{
    Add, AlbumArt, BinaryLimit, CommandList, Mpd as Protocol, Password, Ping, SetVolume, Status,
};
use bellwire_blocking::Reconnect;
use bellwire_test_servers::Mpd;

use super::real::records::{Records, replay};
use super::real::{in_time, stand_still};
use super::session::{Notifications, connector, next, other, prove};

#[track_caller]
fn wait_for(notifications: &mut Notifications, topic: &str) {
    while next(notifications) != topic {}
}

#[test]
fn sessions() {
    in_time(|| {
        let options = Mpd::options().songs(20).password("sesame");
        let Some(mut mpd) = options.start() else { return };
        let mut connector = connector();
        connector.dialect.whole = 1000;
        connector.dialect.silence = Some(Duration::from_millis(100));
        connector.opening.push(Box::new(Password("sesame")));
        connector.reconnect = Some(Reconnect::default());
        let records = Records::of(&mut connector);
        let (client, mut notifications) = connector.tcp(mpd.address()).unwrap();
        let other = other(&mpd);
        other.request(Password("sesame")).unwrap();
        client.listen();
        for number in 1..=20 {
            let set = other.send(SetVolume(number)).unwrap();
            prove(&client, number.into());
            set.wait().unwrap();
            wait_for(&mut notifications, "mixer");
        }
        let list = CommandList((Ping, Add("no such"), Status));
        assert!(client.request(list).unwrap().1.is_err());
        client.request(BinaryLimit(20_000)).unwrap();
        let art = AlbumArt { uri: "album/three.wav", offset: 0 };
        assert_eq!(client.request(art).unwrap().unwrap().data.len(), 20_000);
        // Out of the mode, what is asked is sent at once; the reply to what was abandoned comes late.
        let pause = client.pause();
        client.request(Ping).unwrap();
        drop(client.send(art).unwrap());
        client.request(Ping).unwrap();
        stand_still(mpd.process_group(), || {
            let hasty = client.within(Some(Duration::from_millis(50)));
            assert!(hasty.request(Status).is_err());
        });
        drop(pause);
        prove(&client, 20);
        mpd.restart();
        wait_for(&mut notifications, "Resumed");
        client.request(Status).unwrap();
        client.close();
        let texts = records.take();
        assert!(texts.len() >= 2, "{texts:?}");
        for text in &texts {
            assert!(!text.contains("sesame"), "{text}");
            replay::<Protocol>(text);
        }
        for part in ["! opening password ***", "\n> piece", "\n> late", "C: noidle", "> unanswered"]
        {
            assert!(texts[0].contains(part), "there is no {part:?}");
        }
    });
}
