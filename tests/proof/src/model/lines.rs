//! What more there is to say of notif's client, where each line is an event; and of jumps of time.

use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire::{Cause, Client, Config, Event};

use super::client_side::{ClientCase, endless};
use super::real::{Act, Told};
use super::script::{Line, Op, Setup, Turn};
use super::session::Session;
use super::tongue::notif::InNotif;
use super::{ALL, Verdict, check};

/// G6: each line is told once, and in the order of the wire, be it a reply or a notification.
#[test]
fn g6_replies_and_notifications_come_in_wire_order() {
    fn property(case: ClientCase<InNotif>) -> Verdict {
        let ClientCase { setup, turns, .. } = case;
        let mut session = Session::play(&setup.patient(), &endless(turns));
        session.close();
        let lines = session.heard();
        let told = session.told();
        let texts: Vec<_> = told.iter().filter_map(Told::text).collect();
        session.holds(lines.len() == texts.len(), "as many events as lines")?;
        let same = lines.iter().zip(&texts).all(|(line, text)| line.ends_with(text));
        session.holds(same, format_args!("the lines: {lines:?}\n# the events: {told:?}"))
    }
    check(1000, property as fn(_) -> _);
}

/// G7: a notification is never taken for a reply, nor a reply for a notification, in any phase. Only
/// `notif: OK` is none: it acknowledges the mode, and answers nothing else.
#[test]
fn g7_notifications_and_replies_are_never_confused() {
    fn property(case: ClientCase<InNotif>) -> Verdict {
        let ClientCase { setup, turns, .. } = case;
        let mut session = Session::play(&setup.patient(), &endless(turns));
        session.close();
        let told = session.told().into_iter().filter(|told| told.text().is_some());
        for (line, told) in session.heard().iter().zip(told) {
            let topic = line.strip_prefix(b"notif:").map(<[u8]>::trim_ascii);
            let expected = topic.filter(|topic| topic != b"OK");
            let taken = match &told {
                Told::Notification(topic, _) => Some(topic.as_ref()),
                _ => None,
            };
            let answers = matches!(told, Told::Reply(..) | Told::Late(..));
            session.holds(
                taken == expected && !(topic.is_some() && answers),
                format_args!("\"{}\" was taken for {told:?}", line.escape_ascii()),
            )?;
        }
        Ok(())
    }
    check(1000, property as fn(_) -> _);
}

/// G17: bytes that were fed are handled before a deadline that passed meanwhile: whoever reads late
/// does not find its replies expired.
#[test]
fn g17_bytes_come_before_deadlines() {
    fn property(deadlines: Vec<u8>, answered: usize, ids: bool) -> Verdict {
        let tongue = InNotif { ids, ..InNotif::default() };
        let setup = Setup { in_flight: 1000, tongue, ..Setup::default() };
        let mut session = Session::new(&setup);
        for deadline in &deadlines {
            session.turn(&Turn { op: Op::Within(u64::from(*deadline) + 1), take: ALL });
        }
        session.act(Act::Write(ALL));
        let answered = answered % (deadlines.len() + 1);
        let bytes = session.speak(&vec![Line::Answer; answered]);
        session.act(Act::Feed(bytes));
        session.act(Act::Pass(1000));
        session.act(Act::Take(ALL));
        let told = session.told();
        let (replies, late) = told.split_at(answered.min(told.len()));
        let in_time = replies.iter().all(|told| matches!(told, Told::Reply(..)));
        let expired = late.iter().all(|told| matches!(told, Told::Unanswered(_, Cause::TimedOut)));
        session.holds(in_time && expired && told.len() == deadlines.len(), format!("{told:?}"))
    }
    check(300, property as fn(_, _, _) -> _);
}

/// G17: after a large jump of time, as when the computer was asleep, nothing expires at once. The
/// server is probed first, and what has passed is put off, but only once.
#[test]
fn g17_a_jump_of_time_expires_nothing_at_once() {
    fn property(deadlines: Vec<u8>, jump: u8, suspend: u8) -> bool {
        let seconds = |seconds: u8| Duration::from_secs(u64::from(seconds));
        let (jump, suspend) = (seconds(jump), seconds(suspend.max(1)));
        let deadlines: Vec<_> = deadlines.into_iter().map(|one| seconds(one.max(1))).collect();
        let mut config = Config::default();
        config.in_flight = deadlines.len() + 1;
        config.timers.write = None;
        config.timers.held = None;
        config.limits.held = deadlines.len();
        config.timers.silence = Some(Duration::from_secs(1000));
        config.timers.suspend = suspend;
        let mut client = Client::new(Notif::default(), config);
        for deadline in &deadlines {
            client.command_within("question?", Some(*deadline)).unwrap();
        }
        let due = client.output().len();
        client.written(due);
        client.tick(Duration::ZERO);

        let asleep = deadlines.iter().min().is_some_and(|first| jump > *first + suspend);
        let passed = deadlines.iter().filter(|one| **one <= jump).count();
        let at_once = expired(&mut client, jump);
        let probed = client.output() == b"stop_notif\r\n";
        let put_off = expired(&mut client, jump + suspend);
        let meanwhile = deadlines.iter().filter(|one| **one <= jump + suspend).count() - passed;
        if asleep {
            probed && at_once == 0 && put_off == passed + meanwhile
        } else {
            // The second tick asks for less than `suspend` past the first.
            !probed && at_once == passed && put_off <= meanwhile
        }
    }
    check(1000, property as fn(_, _, _) -> _);
}

/// How many commands expire when it is `now`.
fn expired(client: &mut Client<Notif>, now: Duration) -> usize {
    let mut count = 0;
    let mut events = client.tick(now);
    while let Some(event) = events.next().unwrap() {
        assert!(matches!(event, Event::Failed { .. }), "{event}");
        count += 1;
    }
    count
}
