//! Whether the server still lives, and whether it takes us for living: silence, probes, and IDLE that
//! must be entered again before it is over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwire::dialect::imap::Imap;
use bellwire::transcript::Said;
use bellwire::{Error as Fault, Wait};
use bellwire_blocking::{Connector, Ended, Gap, Notice, Observer, Reconnect};
use bellwire_test_servers::Dovecot;

use super::real::{Driven, PATIENCE, stand_still};
use super::session::{append, connector, next, other, watch};

const SECOND: Duration = Duration::from_secs(1);

/// How long the server had said nothing each time that IDLE was left.
#[derive(Clone, Default)]
struct Silences(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    /// When, if the clock was told since.
    last: Option<Duration>,
    now: Duration,
    silences: Vec<Duration>,
}

impl Observer for Silences {
    fn server(&mut self, _: &Said) {
        self.0.lock().unwrap().last = None;
    }

    fn tick(&mut self, now: Duration) {
        let mut heard = self.0.lock().unwrap();
        heard.last.get_or_insert(now);
        heard.now = now;
    }

    fn client(&mut self, said: &Said) {
        let mut heard = self.0.lock().unwrap();
        if *said == Said::from(&b"DONE\r\n"[..]) {
            let silence = heard.now - heard.last.unwrap_or(heard.now);
            heard.silences.push(silence);
        }
    }
}

fn asking_after(silence: Duration) -> Connector<Imap> {
    let mut connector = connector();
    connector.dialect.silence = Some(silence);
    connector
}

/// G16: `* OK Still here` is life, and no probe is sent while the server says it.
#[test]
fn a_server_that_says_that_it_lives_is_not_asked() {
    let options = Dovecot::options().notify_interval(SECOND);
    let Some(dovecot) = options.start() else { return };
    let (silence, silences) = (3 * SECOND, Silences::default());
    let mut connector = asking_after(silence);
    connector.observer = Some(Box::new(silences.clone()));
    let (_client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
    for _ in 0..6 {
        assert_eq!(next(&mut notifications), "* OK Still here");
    }
    let heard = silences.0.lock().unwrap();
    assert!(heard.now > silence, "too short to see anything");
    assert!(heard.silences.iter().all(|it| *it >= silence), "{:?}", heard.silences);
}

/// G16: a server that says nothing is asked: IDLE is left and entered again; and the session goes on.
#[test]
fn a_silent_server_is_asked_whether_it_lives() {
    let Some(dovecot) = Dovecot::start() else { return };
    let (client, mut notifications, wire) = watch(asking_after(SECOND / 4), &dovecot);
    client.listen();
    let _driven = Driven::new(&client);
    wire.wait_listening(4);
    other(&dovecot).request(append("news")).unwrap();
    assert_eq!(next(&mut notifications), "* 1 EXISTS");
    let mut said = wire.said();
    let probes = said.split_off(2);
    assert_eq!(said, ["LOGIN test \"***\"", "SELECT INBOX"]);
    let expected = ["IDLE", "DONE"].into_iter().cycle().take(probes.len());
    assert!(probes.iter().eq(expected) && probes.len() >= 7, "{probes:?}");
}

/// G16, G22: a server that stands still is given up, and the next connection waits for it.
#[test]
fn a_server_that_stands_still_is_noticed() {
    let Some(dovecot) = Dovecot::start() else { return };
    let mut connector = asking_after(SECOND / 2);
    let timers = &mut connector.config.timers;
    // Long enough for a machine that is busy.
    (timers.probe, timers.greeting) = (Some(3 * SECOND), Some(3 * SECOND));
    let mut policy = Reconnect::default();
    (policy.first, policy.longest) = (SECOND / 20, SECOND / 10);
    connector.reconnect = Some(policy);
    let (client, mut notifications, wire) = watch(connector, &dovecot);
    client.listen();
    let _driven = Driven::new(&client);
    stand_still(dovecot.process_group(), || {
        let lost = Gap::Disconnected(Ended::Fault(Fault::TimedOut(Wait::Probe)));
        assert_eq!(notifications.wait(PATIENCE), Ok(Some(Notice::Gap(lost))));
        // It accepts connections, for the kernel does, and does not greet.
        wire.wait_for("> fault: timed out: no greeting came", 1);
    });
    assert_eq!(next(&mut notifications), "Resumed");
    other(&dovecot).request(append("news")).unwrap();
    assert_eq!(next(&mut notifications), "* 1 EXISTS");
}

/// G16: own silence. Servers log out whoever idles for half an hour.
#[test]
fn idle_is_entered_again_before_it_is_over() {
    let Some(dovecot) = Dovecot::start() else { return };
    let mut connector = connector();
    connector.dialect.rearm = Some(SECOND / 4);
    let (_client, mut notifications, wire) = watch(connector, &dovecot);
    let other = other(&dovecot);
    for round in 1..=8 {
        other.request(append("news")).unwrap();
        assert_eq!(next(&mut notifications), format!("* {round} EXISTS"));
    }
    let said = wire.said();
    let expected = ["IDLE", "DONE"].into_iter().cycle();
    assert!(said.len() > 8 && said[2..].iter().zip(expected).all(|(a, b)| a == b), "{said:?}");
}
