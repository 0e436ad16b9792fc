//! Sessions that were recorded replay to the same events (G6), with a password that nobody can read.

use std::time::Duration;

use bellwire::dialect::imap::{Append, Authenticate, Imap, Select};
use bellwire_blocking::Reconnect;
use bellwire_test_servers::Dovecot;

use super::real::records::{Records, replay};
use super::real::{in_time, stand_still};
use super::session::{append, ask, connector, fill, mail, next, other, prove};

#[test]
fn a_session_with_all_that_there_is() {
    in_time(|| {
        let Some(dovecot) = Dovecot::start() else { return };
        fill(&dovecot, 9);
        let mut connector = connector();
        connector.dialect.whole = 200;
        connector.dialect.rearm = Some(Duration::from_millis(200));
        let records = Records::of(&mut connector);
        let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
        let other = other(&dovecot);
        client.listen();
        for uid in 1..=9 {
            prove(&client, uid);
            other.request(append("news")).unwrap();
            while !next(&mut notifications).ends_with("EXISTS") {}
            let changed = other.request(ask("STORE", &format!(r"{uid} FLAGS (\Seen \Deleted)")));
            changed.unwrap();
            while !next(&mut notifications).contains(r"\Deleted") {}
        }
        other.request(ask("EXPUNGE", "")).unwrap();
        while next(&mut notifications) != "* 1 EXPUNGE" {}
        let pause = client.pause();
        drop(client.send(ask("FETCH", "1:9 (BODY.PEEK[])")).unwrap());
        stand_still(dovecot.process_group(), || {
            let hasty = client.within(Some(Duration::from_millis(50)));
            assert!(hasty.request(ask("FETCH", "1:9 (BODY.PEEK[])")).is_err());
        });
        let message = mail("\u{fc}", &"line\r\n".repeat(1000)).into();
        client.request(Append { mailbox: "INBOX".into(), message }).unwrap();
        client.request(ask("FETCH", "10 (FLAGS BODY.PEEK[])")).unwrap();
        assert!(client.request(Select("no such".into())).is_err());
        drop(pause);
        client.close();
        let [text] = &records.take()[..] else { panic!("one connection") };
        assert!(text.contains("LOGIN test \"***\"") && !text.contains("secret"), "{text}");
        assert!(text.contains("\n> piece"), "{text}");
        replay::<Imap>(text);
    });
}

/// However a connection ends, and whatever the next begins with.
#[test]
fn sessions_that_are_lost() {
    in_time(|| {
        let Some(mut dovecot) = Dovecot::start() else { return };
        let mut connector = connector();
        connector.opening[0] = Box::new(Authenticate::plain("test", "secret"));
        connector.reconnect = Some(Reconnect::default());
        let records = Records::of(&mut connector);
        let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
        client.listen();
        for _ in 0..3 {
            dovecot.restart();
            while next(&mut notifications) != "Resumed" {}
        }
        client.close();
        let texts = records.take();
        assert!(texts.len() >= 4, "{texts:?}");
        for text in texts {
            assert!(!text.contains("c2VjcmV0") && !text.contains("secret"), "{text}");
            replay::<Imap>(&text);
        }
    });
}
