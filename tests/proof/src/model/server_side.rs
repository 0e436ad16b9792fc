//! The server's guarantees, each as a property.

use std::collections::BTreeMap;

use bellwire::dialect::notif::Notif;
use bellwire::{Reply, Server, ServerConfig, ServerEvent, Status};

use super::desk::{Act, Desk, Seen, Told, beside_the_naive};
use super::draw::Case;
use super::host::Host;
use super::host::mpd::MpdHost;
use super::host::notif::{NotifHost, split_id};
use super::server_script::{Op, Setup, Turn};
use super::{ALL, Verdict, check};

/// The server says and tells what a page of plain code says and tells, whatever happens to it.
#[test]
fn g24_g25_the_server_does_what_a_naive_one_does() {
    fn property<H: Host>(case: Case<Setup<H>, Turn>) -> Verdict {
        beside_the_naive(&case)
    }
    check(1000, property::<NotifHost> as fn(_) -> _);
    check(2000, property::<MpdHost> as fn(_) -> _);
}

/// G24: the wire sees one answer for each line that asks for one, in the order of the questions and
/// with their ids, in whatever order the program answers; and notifications only in the mode, between
/// the acknowledgement of entering and that of leaving.
#[test]
fn g24_one_answer_each_in_order_and_notifications_only_in_the_mode() {
    fn property(case: Case<Setup<NotifHost>, Turn>) -> Verdict {
        let Case { setup, mut turns, .. } = case;
        let setup = Setup { pending: setup.pending, host: setup.host, ..Setup::default() };
        turns.retain(|turn| !matches!(turn.op, Op::Eof | Op::Reset));
        let mut desk = Desk::play(&setup, &turns);
        desk.settle();
        let mut replies = BTreeMap::new();
        for (act, seen) in desk.acts.iter().zip(&desk.log) {
            if let (Act::Reply(ticket, status, text), Seen::Replied(Ok(()))) = (act, &seen[0]) {
                let error = if *status == Status::Refused && !text.starts_with(b"error:") {
                    &b"error: "[..]
                } else {
                    b""
                };
                replies.insert(*ticket, [error, text].concat());
            }
        }
        let mut said = desk.lines(false).into_iter();
        let mut listening = false;
        for (heard, told) in desk.lines(true).iter().zip(desk.told()) {
            let (id, text) = if setup.host.ids { split_id(heard) } else { (&b""[..], &heard[..]) };
            let answer = match &told {
                Told::Acknowledged(_) => continue,
                Told::Command(ticket, _) => replies.remove(ticket).unwrap_or_default(),
                Told::Listening(_) if text.starts_with(b"_") => b"will send notifs".to_vec(),
                Told::Listening(_) | Told::NotListening(_) => b"OK".to_vec(),
                Told::Rejected(_, why) => format!("error: {why}").into_bytes(),
                told => return desk.holds(false, format_args!("unexpected: {told:?}")),
            };
            let line = loop {
                match said.next() {
                    Some(line) if line.starts_with(b"notif: ") => {
                        desk.holds(listening, format_args!("out of the mode: {line:?}"))?;
                    }
                    line => break line,
                }
            };
            let what = format!("{told:?} was answered {line:?}, not {answer:?}");
            desk.holds(line == Some([id, &answer].concat()), what)?;
            match told {
                Told::Listening(_) => listening = true,
                Told::NotListening(_) => listening = false,
                _ => {}
            }
        }
        let rest = said.collect::<Vec<_>>();
        let notifications = rest.iter().all(|line| listening && line.starts_with(b"notif: "));
        desk.holds(notifications, format_args!("more was said: {rest:?}"))
    }
    check(700, property as fn(_) -> _);
}

/// G25: between two looks at the output a topic is announced at most once, and what the transport
/// does not take stays bounded. Nothing is lost: the last news of each topic is announced.
#[test]
fn g25_at_most_one_notification_for_each_topic_waits() {
    /// The longest notification, behind the bytes that others may fill.
    const BOUND: usize = 512 + "notif: classified\r\n".len();

    fn property(news: Vec<(usize, bool)>) -> bool {
        let mut server = Server::new(Notif::default(), ServerConfig::default());
        assert!(matches!(server.feed(b"notif\n").next(), Ok(Some(ServerEvent::Listening(_)))));
        let mut seen = server.output().len();
        let mut told = Vec::new();
        let mut lasts = BTreeMap::new();
        for (topic, look) in news {
            let topic = NotifHost::TOPICS[topic % NotifHost::SENSIBLE_TOPICS];
            server.notify(topic).unwrap();
            lasts.insert(topic, told.len());
            if look {
                let due = server.output();
                let fresh = topics(&due[seen..]);
                if due.len() > BOUND || fresh.iter().any(|one| count(&fresh, one) > 1) {
                    return false;
                }
                seen = due.len();
                told.extend(fresh);
            }
        }
        loop {
            let due = server.output();
            if due.is_empty() {
                break;
            }
            let length = due.len();
            told.extend(topics(&due[seen..]));
            server.written(length);
            seen = 0;
        }
        lasts.iter().all(|(topic, at)| told[*at..].iter().any(|one| one == topic))
    }
    check(500, property as fn(_) -> _);
}

fn topics(due: &[u8]) -> Vec<String> {
    let lines = std::str::from_utf8(due).unwrap().lines();
    lines.map(|line| line.strip_prefix("notif: ").unwrap().to_string()).collect()
}

fn count(among: &[String], one: &String) -> usize {
    among.iter().filter(|other| *other == one).count()
}

/// G25: a client that asks and asks and reads nothing costs a bounded amount, whether the program
/// answers or not, if no more is read than the machine wants.
#[test]
fn g25_a_client_that_does_not_read_is_not_read() {
    fn property(pending: u8, output: u16, answer: Vec<u8>, answers: bool) -> bool {
        let mut config = ServerConfig::default();
        config.limits.pending = usize::from(pending);
        config.limits.output = usize::from(output).max(1);
        let limits = config.limits.clone();
        let mut server = Server::new(Notif::default(), config);
        let answer = format!("{answer:?}");
        for _ in 0..100_000 {
            if !server.wants_input() {
                return server.pending() <= limits.pending.max(1)
                    && server.output().len() < limits.output + answer.len() + 2;
            }
            let mut events = server.feed(b"random?\n");
            while let Some(event) = events.next().unwrap() {
                if let ServerEvent::Command { ticket, .. } = event
                    && answers
                {
                    events.reply(ticket, Reply::done(&answer)).unwrap();
                }
            }
        }
        false
    }
    check(100, property as fn(_, _, _, _) -> _);
}

/// G11: the same bytes give the same events, the same errors and the same answers, however they are
/// split.
#[test]
fn g11_splits_change_nothing_for_the_server() {
    fn property<H: Host>(case: Case<Setup<H>, Turn>) -> Verdict {
        let Case { setup, turns, more: cuts } = case;
        let drained = turns.into_iter().map(|turn| Turn { take: ALL, ..turn });
        let mut desk = Desk::play(&setup, &drained.collect::<Vec<_>>());
        for act in [Act::Take(ALL), Act::Eof, Act::Take(ALL), Act::Write(ALL)] {
            desk.act(act);
        }
        let mut cuts = cuts.iter().map(|cut| usize::from(cut % 8) + 1).cycle();
        let mut split = Vec::new();
        for act in &desk.acts {
            let Act::Feed(bytes) = act else {
                split.push(act.clone());
                continue;
            };
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                split.extend([Act::Feed(chunk.to_vec()), Act::Take(ALL)]);
                rest = after;
            }
        }
        let other = Desk::replay(&setup, &split);
        let (told, expected) = (other.told(), desk.told());
        desk.holds(told == expected, format_args!("split: {told:?}\n# whole: {expected:?}"))?;
        desk.holds(other.lines(false) == desk.lines(false), "the answers are the same")?;
        desk.holds(other.log.last() == desk.log.last(), "the state is the same")
    }
    check(300, property::<NotifHost> as fn(_) -> _);
    check(300, property::<MpdHost> as fn(_) -> _);
}

/// G15: a deadline that has passed is acted on, and asked for no more: nobody who sleeps until the
/// deadline is kept awake.
#[test]
fn g15_no_deadline_stays_in_the_past() {
    fn property<H: Host>(case: Case<Setup<H>, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let mut desk = Desk::play(&setup, &turns);
        for _ in 0..5 {
            desk.act(Act::Take(ALL));
            let due = desk.server.deadline();
            desk.holds(due.is_none_or(|due| due > desk.now), format_args!("still due: {due:?}"))?;
            desk.act(Act::Write(0));
            desk.act(Act::Pass(10));
        }
        Ok(())
    }
    check(200, property::<NotifHost> as fn(_) -> _);
    check(200, property::<MpdHost> as fn(_) -> _);
}
