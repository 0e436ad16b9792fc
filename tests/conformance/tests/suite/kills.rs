//! A server that is killed, in each phase: what was asked has the outcome that is so (G1, G18), readers are told
//! where something may be missing and when it goes on (G8, G22), and no command is sent twice.

use std::time::Duration;

use bellwire::dialect::imap::{Imap, Select};
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire::{Cause, Closed, Failure};
use bellwire_adapter::{Ended, Error, Gap, Notice, Reconnect};
use bellwire_any::{Connector, Notifications, Wire};
use bellwire_conformance::{Driven, Log, Runtime, on_each_runtime};
use bellwire_testkit::{PATIENCE, Script};
use bytes::Bytes;

on_each_runtime! {
    /// G1, G18: before the greeting, and in it; the first connection is not tried again.
    before_the_greeting => |it| {
        never_begins::<Mpd>(it, &["S: <EOF>", "S: OK MPD 0.2\\\nS: <EOF>", "S: <RESET>"]);
        never_begins::<Imap>(it, &["S: <EOF>", "S: * PREAUTH rea\\\nS: <EOF>", "S: <RESET>"]);
    },
    /// G18, G22: before the next greeting: it is tried again until there is one.
    before_the_next_greeting => next_greeting,
    /// G22: where nothing confirms the mode, it is told that it is on as soon as it was asked for, though nothing
    /// is new.
    resumed_without_news => without_news,
    /// G18, G22: while a connection begins; the next begins with the same.
    during_the_opening => opening,
    /// G1, G18: who fetches an outcome when there is another connection already is told why all the same.
    an_outcome_that_is_fetched_late => fetched_late,
    /// G1, G8, G22: each phase of notif's mode.
    in_each_phase_notif => |it| NOTIF.iter().for_each(|kill| kill.play::<Notif>(it)),
    /// G1, G8, G22: each phase of MPD's.
    in_each_phase_mpd => |it| MPD.iter().for_each(|kill| kill.play::<Mpd>(it)),
    /// G1, G8, G22: each phase of IMAP's.
    in_each_phase_imap => |it| IMAP.iter().for_each(|kill| kill.play::<Imap>(it)),
}

const LOST: Failure = Failure::SentUnanswered(Cause::ConnectionLost);
const NEVER_SENT: Failure = Failure::NeverSent(Cause::ConnectionLost);
const CLEANLY: Closed = Closed::Cleanly;

fn reconnect() -> Option<Reconnect> {
    let mut policy = Reconnect::default();
    policy.first = Duration::from_millis(1);
    policy.longest = Duration::from_millis(2);
    Some(policy)
}

fn connector<D: Wire + Default>(runtime: Runtime) -> Connector<D> {
    let mut connector = Connector::new(runtime, D::default());
    connector.reconnect = reconnect();
    connector
}

fn never_begins<D: Wire + Default>(runtime: Runtime, texts: &[&str]) {
    for text in texts {
        let peer = Script::new(&[text]).tcp().unwrap();
        let connected = connector::<D>(runtime).tcp(peer.address).map(|_| ());
        assert!(matches!(connected, Err(Error::NotConnected(_))), "{text}: {connected:?}");
        peer.finish().unwrap();
    }
}

fn next_greeting(runtime: Runtime) {
    let ends = ["S: <EOF>", "S: OK M\\\nS: <EOF>", "S: <RESET>", "S: OK MPD 0.23.5\nS: <EOF>"];
    let greeted = "S: OK MPD 0.23.5\nC: idle\nS: changed: mixer\n";
    let mut texts = vec!["S: OK MPD 0.23.5\nC: idle\nS: <EOF>"];
    texts.extend(ends);
    texts.push(greeted);
    let texts: Vec<_> = texts.iter().map(|text| format!("= newline lf\n{text}")).collect();
    let peer = Script::new(&texts).tcp().unwrap();
    let (client, mut notifications) = connector::<Mpd>(runtime).tcp(peer.address).unwrap();
    assert_eq!(next(&mut notifications), gap(CLEANLY));
    // MPD confirms nothing: it is told as soon as one was greeted and has asked for it.
    let mut told = vec![next(&mut notifications)];
    while told.last().is_some_and(|last| last != "mixer") {
        told.push(next(&mut notifications));
    }
    told.dedup();
    assert_eq!(told.first().map(String::as_str), Some("Resumed"));
    assert!(told.len() <= 4, "{told:?}");
    client.close();
    peer.finish().unwrap();
}

fn without_news(runtime: Runtime) {
    let greeted = "= newline lf\nS: OK MPD 0.23.5\nC: idle\n";
    let peer = Script::new(&[format!("{greeted}S: <EOF>"), greeted.to_owned()]).tcp().unwrap();
    let (client, mut notifications) = connector::<Mpd>(runtime).tcp(peer.address).unwrap();
    assert_eq!(next(&mut notifications), gap(CLEANLY));
    assert_eq!(next(&mut notifications), "Resumed");
    client.close();
    peer.finish().unwrap();
}

fn opening(runtime: Runtime) {
    let begins = "S: * PREAUTH ready\nC: A1 SELECT INBOX\n";
    let begun = "S: * 3 EXISTS\nS| A1 OK selected\nC: A2 IDLE\nS: + idling\n";
    let texts = [
        format!("{begins}{begun}S: <EOF>"),
        format!("{begins}S: <EOF>"),
        format!("{begins}S: * 3 EXI\\\nS: <RESET>"),
        format!("{begins}S: * 3 EXISTS\nS: <EOF>"),
        format!("{begins}{begun}S: * 4 EXISTS"),
    ];
    let peer = Script::new(&texts).tcp().unwrap();
    let mut connector = connector::<Imap>(runtime);
    connector.opening.push(Box::new(Select("INBOX".into())));
    let (client, mut notifications) = connector.tcp(peer.address).unwrap();
    let told: Vec<_> = (0..3).map(|_| next(&mut notifications)).collect();
    assert_eq!(told, [&gap(CLEANLY), "Resumed", "* 4 EXISTS"]);
    assert_eq!(client.opened()[0].parts, ["* 3 EXISTS"]);
    client.close();
    peer.finish().unwrap();
    // The first time it is not tried again.
    let peer = Script::new(&[format!("{begins}S: <EOF>")]).tcp().unwrap();
    let mut connector = self::connector::<Imap>(runtime);
    connector.opening.push(Box::new(Select("INBOX".into())));
    assert!(matches!(connector.tcp(peer.address).map(|_| ()), Err(Error::NotConnected(_))));
    peer.finish().unwrap();
}

fn fetched_late(runtime: Runtime) {
    let peer = Script::new(&["C: random?\nS: <EOF>", "C: random?\nS: 2"]).held().tcp().unwrap();
    let (mut connector, log) = (connector::<Notif>(runtime), Log::default());
    connector.observer = Some(Box::new(log.clone()));
    let (client, _notifications) = connector.tcp(peer.address).unwrap();
    let lost = client.send("random?").unwrap();
    let driven = Driven::new(&client);
    peer.release();
    log.wait_connections(2);
    assert_eq!(client.request("random?").unwrap(), "2");
    let ended = Some(Ended::Closed(CLEANLY));
    assert_eq!(lost.wait(), Err(Error::Unanswered { failure: LOST, ended }));
    drop(driven);
    peer.finish().unwrap();
}

/// A connection on which commands are asked, and which then ends.
struct Kill {
    /// Whether notifications are asked for before, and asked for no more before the commands.
    listens: bool,
    leaves: bool,
    /// What the program asks, twice where the server can be held until then; nothing, where that would end the
    /// phase.
    asks: Option<&'static str>,
    /// The server's connection, up to where it is killed.
    text: &'static str,
    how: How,
    /// What becomes of them.
    outcomes: [Failure; 2],
    /// The next connection.
    next: &'static str,
    /// What readers are told then.
    told: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum How {
    Cleanly,
    MidFrame(u64),
    Reset,
}

const BOTH_NEVER: [Failure; 2] = [NEVER_SENT, NEVER_SENT];
const ONE_LOST: [Failure; 2] = [LOST, NEVER_SENT];

const NOTIF_NEXT: &str = "C: notif\nS: OK\nS| notif: random";
const NOTIF_TOLD: &[&str] = &["Resumed", "random"];

const fn notif(listens: bool, text: &'static str, how: How, outcomes: [Failure; 2]) -> Kill {
    let (asks, next, told) = (Some("random?"), NOTIF_NEXT, NOTIF_TOLD);
    Kill { listens, leaves: false, asks, text, how, outcomes, next, told }
}

const NOTIF: &[Kill] = &[
    // Off; in the middle of a reply.
    notif(false, "C: random?\nS: <EOF>", How::Cleanly, ONE_LOST),
    notif(false, "C: random?\nS: 123\\\nS: <EOF>", How::MidFrame(3), ONE_LOST),
    notif(false, "C: random?\nS: <RESET>", How::Reset, ONE_LOST),
    // Entering.
    notif(true, "C: notif\nS: <EOF>", How::Cleanly, BOTH_NEVER),
    notif(true, "C: notif\nS: O\\\nS: <EOF>", How::MidFrame(1), BOTH_NEVER),
    // On, and nothing asked.
    Kill { asks: None, ..notif(true, "C: notif\nS: OK\nS: <EOF>", How::Cleanly, BOTH_NEVER) },
    Kill {
        asks: None,
        ..notif(true, "C: notif\nS: OK\nS: notif: ra\\\nS: <EOF>", How::MidFrame(9), BOTH_NEVER)
    },
    Kill { asks: None, ..notif(true, "C: notif\nS: OK\nS: <RESET>", How::Reset, BOTH_NEVER) },
    // Leaving for the first; and behind that.
    notif(true, "C: notif\nS: OK\nC: stop_notif\nS: <EOF>", How::Cleanly, BOTH_NEVER),
    notif(true, "C: notif\nS: OK\nC: stop_notif\nS: <RESET>", How::Reset, BOTH_NEVER),
    notif(
        true,
        "C: notif\nS: OK\nC: stop_notif\nS: OK\nC: random?\nS: 1\\\nS: <EOF>",
        How::MidFrame(1),
        ONE_LOST,
    ),
    // Leaving, as it is not wanted any more.
    Kill {
        leaves: true,
        ..notif(true, "C: notif\nS: OK\nC: stop_notif\nS: <EOF>", How::Cleanly, BOTH_NEVER)
    },
];

const fn mpd(listens: bool, text: &'static str, how: How, outcomes: [Failure; 2]) -> Kill {
    let next = "S: OK MPD 0.23.5\nC: idle\nS: changed: mixer\n";
    let told = &["Resumed", "mixer"];
    Kill { listens, leaves: false, asks: Some("status"), text, how, outcomes, next, told }
}

const MPD: &[Kill] = &[
    mpd(false, "S: OK MPD 0.23.5\nC: status\nS: <EOF>", How::Cleanly, ONE_LOST),
    mpd(
        false,
        "S: OK MPD 0.23.5\nC: status\nS: state: stop\nS| vol\\\nS: <EOF>",
        How::MidFrame(3),
        ONE_LOST,
    ),
    Kill {
        asks: None,
        ..mpd(true, "S: OK MPD 0.23.5\nC: idle\nS: <EOF>", How::Cleanly, BOTH_NEVER)
    },
    Kill {
        asks: None,
        ..mpd(true, "S: OK MPD 0.23.5\nC: idle\nS: chan\\\nS: <EOF>", How::MidFrame(4), BOTH_NEVER)
    },
    mpd(true, "S: OK MPD 0.23.5\nC: idle\nC: noidle\nS: <EOF>", How::Cleanly, BOTH_NEVER),
    mpd(true, "S: OK MPD 0.23.5\nC: idle\nC: noidle\nS: <RESET>", How::Reset, BOTH_NEVER),
    mpd(
        true,
        "S: OK MPD 0.23.5\nC: idle\nC: noidle\nS: OK\nC: status\nS: <EOF>",
        How::Cleanly,
        ONE_LOST,
    ),
    Kill {
        leaves: true,
        ..mpd(true, "S: OK MPD 0.23.5\nC: idle\nC: noidle\nS: <EOF>", How::Cleanly, BOTH_NEVER)
    },
];

const fn imap(listens: bool, text: &'static str, how: How, outcomes: [Failure; 2]) -> Kill {
    let next = "S: * PREAUTH ready\nC: A1 IDLE\nS: + idling\nS| * 5 EXISTS";
    let told = &["Resumed", "* 5 EXISTS"];
    Kill { listens, leaves: false, asks: Some("NOOP"), text, how, outcomes, next, told }
}

const IMAP: &[Kill] = &[
    imap(false, "S: * PREAUTH ready\nC: A1 NOOP\nS: <EOF>", How::Cleanly, ONE_LOST),
    imap(
        false,
        "S: * PREAUTH ready\nC: A1 NOOP\nS: * 1 FETCH (BODY[] {9}\nS| abc\\\nS: <EOF>",
        How::MidFrame(26),
        ONE_LOST,
    ),
    Kill {
        asks: None,
        ..imap(true, "S: * PREAUTH ready\nC: A1 IDLE\nS: <EOF>", How::Cleanly, BOTH_NEVER)
    },
    Kill {
        asks: None,
        ..imap(true, "S: * PREAUTH ready\nC: A1 IDLE\nS: <RESET>", How::Reset, BOTH_NEVER)
    },
    Kill {
        asks: None,
        ..imap(
            true,
            "S: * PREAUTH ready\nC: A1 IDLE\nS: + idling\nS: <EOF>",
            How::Cleanly,
            BOTH_NEVER,
        )
    },
    Kill {
        asks: None,
        ..imap(
            true,
            "S: * PREAUTH ready\nC: A1 IDLE\nS: + idling\nS: * 4 EX\\\nS: <EOF>",
            How::MidFrame(6),
            BOTH_NEVER,
        )
    },
    imap(
        true,
        "S: * PREAUTH ready\nC: A1 IDLE\nS: + idling\nC: DONE\nS: <EOF>",
        How::Cleanly,
        BOTH_NEVER,
    ),
    imap(
        true,
        "S: * PREAUTH ready\nC: A1 IDLE\nS: + idling\nC: DONE\nS: A1 OK\nC: A2 NOOP\nS: <EOF>",
        How::Cleanly,
        ONE_LOST,
    ),
];

impl Kill {
    fn play<D: Wire + Default>(&self, runtime: Runtime) {
        let newline = if self.text.contains("OK MPD") { "= newline lf\n" } else { "" };
        let texts = [self.text, self.next].map(|text| format!("{newline}{text}"));
        // What greets has to do so before there is a client; what does not is held.
        let greets = self.text.starts_with("S:");
        let script = Script::new(&texts);
        let peer = if greets { script.tcp() } else { script.held().tcp() }.unwrap();
        let (mut connector, log) = (connector::<D>(runtime), Log::default());
        connector.observer = Some(Box::new(log.clone()));
        let (client, mut notifications) = connector.tcp(peer.address).unwrap();
        if self.listens {
            client.listen();
            // A command that comes before that is said goes first.
            log.wait_last_said(if !greets {
                "notif"
            } else if newline.is_empty() {
                "IDLE"
            } else {
                "idle"
            });
        }
        if self.leaves {
            let driven = Driven::new(&client);
            peer.release();
            client.unlisten();
            log.wait_connections(2);
            // Whoever waits for notifications wants them again.
            self.reads_on(&mut notifications);
            drop(driven);
            return peer.finish().unwrap();
        }
        // What is not held may be killed before the second is asked.
        let count = if greets { 1 } else { 2 };
        let asks = self.asks.iter().flat_map(|it| std::iter::repeat_n(*it, count));
        let asked: Vec<_> = asks.map(|it| client.send(it)).collect();
        peer.release();
        self.compare(asked.into_iter().map(|sent| match sent {
            Ok(pending) => pending.wait(),
            Err(why) => Err(why),
        }));
        self.reads_on(&mut notifications);
        client.close();
        peer.finish().unwrap_or_else(|why| panic!("{why}, in\n{}", self.text));
    }

    fn compare(&self, outcomes: impl Iterator<Item = Result<Bytes, Error>>) {
        for (outcome, expected) in outcomes.zip(self.outcomes) {
            let ended = Some(self.ended());
            match outcome {
                Err(Error::Unanswered { failure, ended: told }) if self.is_reset() => {
                    assert_eq!(failure, expected, "{}", self.text);
                    assert!(matches!(told, Some(Ended::Io { .. })), "{told:?}");
                }
                other => {
                    let expected = Error::Unanswered { failure: expected, ended };
                    assert_eq!(other, Err(expected), "{}", self.text);
                }
            }
        }
    }

    fn reads_on<D: Wire>(&self, notifications: &mut Notifications<D>) {
        let told = next(notifications);
        match self.how {
            How::Reset => assert!(told.starts_with("Disconnected(Io"), "{told}"),
            _ => assert_eq!(told, format!("{:?}", Gap::Disconnected(self.ended()))),
        }
        for expected in self.told {
            assert_eq!(next(notifications), *expected, "{}", self.text);
        }
    }

    fn is_reset(&self) -> bool {
        matches!(self.how, How::Reset)
    }

    fn ended(&self) -> Ended {
        match self.how {
            How::MidFrame(bytes) => Ended::Closed(Closed::MidFrame { bytes: bytes as usize }),
            _ => Ended::Closed(CLEANLY),
        }
    }
}

fn gap(how: Closed) -> String {
    format!("{:?}", Gap::Disconnected(Ended::Closed(how)))
}

/// The next notice, as text.
fn next<D: Wire>(notifications: &mut Notifications<D>) -> String {
    match notifications.wait(PATIENCE) {
        Ok(Some(Notice::Notification(it))) if it.text.starts_with(b"* ") => {
            String::from_utf8_lossy(&it.text).into_owned()
        }
        Ok(Some(Notice::Notification(it))) => it.topic().into_owned(),
        Ok(Some(Notice::Gap(gap))) => format!("{gap:?}"),
        Ok(Some(notice)) => format!("{notice:?}"),
        Ok(None) => panic!("no notice came"),
        Err(error) => error.to_string(),
    }
}
