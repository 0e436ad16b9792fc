//! The client's guarantees, each as a property.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire::{Abandoned, Cause, Client, Config, Error, Event, Unsolicited, Wait};

use super::draw::{Case, Draw};
use super::real::{Act, Machine, Real, Seen, Told, replay, told};
use super::script::{Line, Op, Setup, Turn};
use super::session::{Session, beside_the_naive};
use super::{ALL, Verdict, check};

/// The client says and tells what a page of plain code says and tells, whatever happens to it: in
/// all phases, with any configuration, and with the cursor over events dropped at any place.
#[test]
fn g1_to_g7_the_client_does_what_a_naive_one_does() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        beside_the_naive(&case)
    }
    check(2000, property as fn(_) -> _);
}

/// G1: every accepted command ends in exactly one outcome: its reply, `NeverSent`,
/// `SentUnanswered`, or the caller abandoned it.
#[test]
fn g1_every_command_has_exactly_one_outcome() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let mut session = Session::play(&setup, &turns);
        session.close();
        let mut outcomes = BTreeMap::new();
        for seen in session.log.iter().flatten() {
            match seen {
                Seen::Gave(ticket) => drop(outcomes.insert(*ticket, 0)),
                Seen::Abandoned(ticket, Abandoned::Withdrawn | Abandoned::Held)
                | Seen::Told(
                    Told::Reply(ticket, _)
                    | Told::Refused(ticket, _)
                    | Told::NeverSent(ticket, _)
                    | Told::Unanswered(ticket, _),
                ) => *outcomes.entry(*ticket).or_default() += 1,
                _ => {}
            }
        }
        let wrong = outcomes.iter().find(|(_, count)| **count != 1);
        session.holds(wrong.is_none(), format_args!("(ticket, outcomes): {wrong:?}"))
    }
    check(1000, property as fn(_) -> _);
}

/// G2: a reply reaches only the command it answers. The server answers in order, or by id in any
/// order, and each of its answers says which question it is for.
#[test]
fn g2_a_reply_reaches_only_the_command_it_answers() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let setup = setup.patient();
        let asks = |turn: &Turn| !matches!(turn.op, Op::Abandon(_) | Op::Within(_));
        let turns = well_behaved(&setup, turns).into_iter().filter(asks);
        answers_find_their_questions(Session::play(&setup, &turns.collect::<Vec<_>>()))
    }
    check(1000, property as fn(_) -> _);
}

/// G3: abandoning a command never shifts a reply, in whatever phase it is abandoned, by the caller
/// or by its deadline.
#[test]
fn g3_abandoning_never_shifts_a_reply() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let setup = setup.patient();
        let mut session = Session::new(&setup);
        for (index, turn) in well_behaved(&setup, turns).iter().enumerate() {
            session.turn(turn);
            if index % 3 == 0 {
                session.turn(&Turn { op: Op::Abandon(index % 4), take: ALL });
            }
        }
        answers_find_their_questions(session)
    }
    check(1000, property as fn(_) -> _);
}

/// The same turns, with a server that answers every question once and properly.
fn well_behaved(setup: &Setup, turns: Vec<Turn>) -> Vec<Turn> {
    let proper = |line| match line {
        Line::AnswerLater(_) if setup.ids => line,
        Line::Answer | Line::Notify(_) => line,
        _ => Line::Answer,
    };
    let turns = turns.into_iter().filter_map(|turn| match turn.op {
        Op::Eof | Op::Reset => None,
        Op::Hear { lines, lf, kept } => {
            let lines = lines.into_iter().map(proper).collect();
            Some(Turn { op: Op::Hear { lines, lf, kept }, ..turn })
        }
        _ => Some(turn),
    });
    turns.collect()
}

/// Lets the server answer all, and looks whom the answers reached.
fn answers_find_their_questions(mut session: Session) -> Verdict {
    session.settle();
    let mut sent = BTreeMap::new();
    let mut outcomes: Vec<(u64, Option<Vec<u8>>)> = Vec::new();
    for (act, seen) in session.acts.iter().zip(&session.log) {
        for seen in seen {
            match (act, seen) {
                (Act::Ask(text, _), Seen::Gave(ticket)) => drop(sent.insert(*ticket, text)),
                (_, Seen::Abandoned(ticket, Abandoned::Withdrawn))
                | (_, Seen::Told(Told::NeverSent(ticket, _))) => drop(sent.remove(ticket)),
                (_, Seen::Told(Told::Reply(ticket, text) | Told::Late(ticket, text))) => {
                    outcomes.push((*ticket, Some(text.to_vec())));
                }
                (_, Seen::Told(Told::Unsolicited(text))) => {
                    return session.holds(false, format_args!("unsolicited: {text:?}"));
                }
                _ => {}
            }
        }
    }
    let asked: Vec<_> = session.asked.iter().map(|(question, _)| question).collect();
    session.holds(
        asked == sent.values().copied().collect::<Vec<_>>(),
        "what was given and not taken back is what was asked, in this order",
    )?;
    let answers = session.asked.iter().map(|(_, answer)| Some(answer.clone()));
    let expected: Vec<_> = sent.keys().copied().zip(answers).collect();
    outcomes.sort();
    let what = format!("the answers: {outcomes:?}\n# expected: {expected:?}");
    session.holds(outcomes == expected, what)
}

/// G4: what answers no command is counted, and reported, ignored or fatal as configured; nothing
/// else changes with that.
#[test]
fn g4_unsolicited_lines_are_counted_and_reported_ignored_or_fatal() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let with = |unsolicited| Setup { unsolicited, ..setup.clone() };
        let mut session = Session::play(&with(Unsolicited::Report), &drained(turns));
        session.close();
        let is_report = |told: &Told| matches!(told, Told::Unsolicited(_));
        let reported = session.told();
        let counted = reported.iter().filter(|told| is_report(told)).count();
        session
            .holds(session.real.client.unsolicited() == counted as u64, "counted as reported")?;

        let mut ignoring = replay(Real::new(&with(Unsolicited::Ignore)), &session.acts);
        let mut log = session.log.clone();
        for seen in ignoring.iter_mut().chain(&mut log) {
            seen.retain(|seen| !matches!(seen, Seen::Told(told) if is_report(told)));
        }
        session.holds(ignoring == log, "ignored, all else is the same, the counter too")?;

        let mut fatal = Real::new(&with(Unsolicited::Fatal));
        let mut told: Vec<Told> = Vec::new();
        for act in &session.acts {
            if !matches!(told.last(), Some(Told::Fault(_))) {
                told.extend(self::told(&[fatal.act(act)]));
            }
        }
        let first = reported.iter().position(is_report);
        let same = first.unwrap_or(reported.len());
        session.holds(told[..same] == reported[..same], "fatal, the same until the first")?;
        let ended = told.iter().any(|told| matches!(told, Told::Fault(Error::Protocol { .. })));
        session.holds(ended == first.is_some(), "fatal is the first, and nothing but it")?;
        session.holds(fatal.client.unsolicited() == u64::from(ended), "fatal is counted, too")
    }
    check(700, property as fn(_) -> _);
}

/// The same turns, with all events looked at after each.
fn drained(turns: Vec<Turn>) -> Vec<Turn> {
    turns.into_iter().map(|turn| Turn { take: ALL, ..turn }).collect()
}

/// G5: any verb may be called between two events, and the cursor be dropped: in the end the events
/// are the same as if they had all been looked at before, and so is what the machine says.
#[test]
fn g5_verbs_between_events_change_no_event() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns: mut before, more } = case;
        let verbs = before.split_off(before.len() / 2);
        let lines: Vec<Line> = Draw::new(&more).list(4);
        let session = Session::play(&setup.patient(), &drained(before));
        let verbs = verbs.into_iter().filter_map(|turn| {
            let verb = match turn.op {
                Op::Random => Act::Ask(b"random?".to_vec(), None),
                Op::Get => Act::Ask(b"weather?".to_vec(), None),
                Op::Odd(text) => Act::Ask(text.into(), None),
                Op::Listen => Act::Listen,
                Op::Unlisten => Act::Unlisten,
                Op::Pass(_) => Act::Pass(0),
                _ => return None,
            };
            Some((verb, turn.take % 4))
        });
        later_is_the_same(session, &lines, verbs.collect(), true)
    }
    check(700, property as fn(_) -> _);
}

/// G5: more may be said between two events, too, while the server speaks in turn only. What comes
/// next may be said at another time then, but the events are the same.
#[test]
fn g5_output_between_events_changes_no_event() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns: mut before, more } = case;
        let verbs = before.split_off(before.len() / 2);
        let lines: Vec<Line> = Draw::new(&more).list(4);
        let setup = setup.patient();
        let session = Session::play(&setup, &drained(well_behaved(&setup, before)));
        let hear = Turn { op: Op::Hear { lines, lf: false, kept: 0 }, take: ALL };
        let lines = match well_behaved(&setup, vec![hear]).remove(0).op {
            Op::Hear { lines, .. } => lines,
            _ => unreachable!(),
        };
        let verbs = verbs.into_iter().filter_map(|turn| {
            let verb = match turn.op {
                Op::Random => Act::Ask(b"random?".to_vec(), None),
                Op::Get => Act::Ask(b"weather?".to_vec(), None),
                Op::Listen => Act::Listen,
                Op::Unlisten => Act::Unlisten,
                Op::Write(count) => Act::Write(count),
                _ => return None,
            };
            Some((verb, turn.take % 4))
        });
        later_is_the_same(session, &lines, verbs.collect(), false)
    }
    check(700, property as fn(_) -> _);
}

/// Feeds what the server says with `lines`, and calls the verbs: after all events were looked at, and
/// again with only so many looked at before each.
fn later_is_the_same(
    mut session: Session,
    lines: &[Line],
    verbs: Vec<(Act, usize)>,
    output: bool,
) -> Verdict {
    session.act(Act::Take(ALL));
    let before = session.acts.clone();
    let bytes = session.speak(lines);
    let feed = || [Act::Feed(bytes.clone())];
    let drain = [Act::Take(ALL), Act::Write(ALL)];
    let at_once = verbs.iter().map(|(verb, _)| verb.clone());
    let at_once = feed().into_iter().chain([Act::Take(ALL)]).chain(at_once).chain(drain.clone());
    let between = verbs.iter().flat_map(|(verb, taken)| [Act::Take(*taken), verb.clone()]);
    let between = feed().into_iter().chain(between).chain(drain);

    let between: Vec<_> = before.iter().cloned().chain(between).collect();
    let between = replay(Real::new(&session.setup), &between);
    at_once.for_each(|act| session.act(act));
    let (expected, told) = (session.told(), told(&between));
    let what = format!("looked at late: {told:?}\n# at once: {expected:?}");
    session.holds(told == expected, what)?;
    // A refusal of the mode counts until it is asked for again, so it matters which came first.
    let refused = told.iter().any(|told| matches!(told, Told::SwitchRefused(_)));
    let same = between.last() == session.log.last();
    session.holds(!output || refused || same, "it says the same in the end")
}

/// The same turns, but that the connection does not end in their midst.
fn endless(mut turns: Vec<Turn>) -> Vec<Turn> {
    turns.retain(|turn| !matches!(turn.op, Op::Eof | Op::Reset));
    turns
}

/// G6: each line is told once, and in the order of the wire, be it a reply or a notification.
#[test]
fn g6_replies_and_notifications_come_in_wire_order() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
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
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
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

/// G11: the same bytes give the same events and the same errors, however they are split.
#[test]
fn g11_splits_change_nothing_for_the_client() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, more: cuts } = case;
        let mut session = Session::play(&setup, &drained(turns));
        session.close();
        let mut split = Vec::new();
        let mut cuts = cuts.iter().map(|cut| usize::from(cut % 8) + 1).cycle();
        for act in &session.acts {
            match act {
                Act::Feed(bytes) => {
                    let mut rest = bytes.as_slice();
                    while !rest.is_empty() {
                        let (chunk, after) =
                            rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                        split.extend([Act::Feed(chunk.to_vec()), Act::Take(ALL)]);
                        rest = after;
                    }
                }
                act => split.push(act.clone()),
            }
        }
        let log = replay(Real::new(&session.setup), &split);
        let (expected, told) = (session.told(), told(&log));
        session.holds(told == expected, format_args!("split: {told:?}\n# whole: {expected:?}"))?;
        session.holds(log.last() == session.log.last(), "the state is the same")
    }
    check(700, property as fn(_) -> _);
}

/// G15: a deadline that has passed is acted on, and asked for no more: nobody who sleeps until the
/// deadline is kept awake.
#[test]
fn g15_no_deadline_stays_in_the_past() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let mut session = Session::play(&setup, &turns);
        for _ in 0..5 {
            session.act(Act::Take(ALL));
            let due = session.real.client.deadline();
            let later = due.is_none_or(|due| due > session.real.now);
            session.holds(later, format_args!("still due: {due:?}"))?;
            session.act(Act::Write(0));
            session.act(Act::Pass(10));
        }
        Ok(())
    }
    check(500, property as fn(_) -> _);
}

/// G16: a server that says nothing more is found out, whatever is on the wire and in whatever phase,
/// if the client was told to lose its patience.
#[test]
fn g16_a_silent_server_is_found_out() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let mut setup = setup.patient();
        (setup.times.silence, setup.times.probe) = (Some(10), Some(3));
        setup.times.switch = Some(30);
        let mut session = Session::play(&setup, &well_behaved(&setup, turns));
        for seconds in [0, 10, 10, 10, 30, 30] {
            session.act(Act::Write(ALL));
            session.act(Act::Pass(seconds));
            session.act(Act::Take(ALL));
        }
        let found = [Wait::Probe, Wait::Switch].map(|wait| Told::Fault(Error::TimedOut(wait)));
        let told = session.told();
        session.holds(
            found.iter().any(|one| told.contains(one)),
            "nothing was heard for longer than the client has patience",
        )
    }
    check(500, property as fn(_) -> _);
}

/// G17: bytes that were fed are handled before a deadline that passed meanwhile: whoever reads late
/// does not find its replies expired.
#[test]
fn g17_bytes_come_before_deadlines() {
    fn property(deadlines: Vec<u8>, answered: usize, ids: bool) -> Verdict {
        let setup = Setup { in_flight: 1000, ids, ..Setup::default() };
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

/// G17: a tick too many is a no-op, and so is one to the past.
#[test]
fn g17_ticks_too_many_change_nothing() {
    fn property(case: Case<Setup, Turn>) -> Verdict {
        let Case { setup, turns, .. } = case;
        let mut session = Session::play(&setup, &turns);
        session.close();
        let mut real = Real::new(&setup);
        for (index, act) in session.acts.iter().enumerate() {
            let seen = real.act(act);
            real.tick_too_often();
            if seen != session.log[index] || Some(&real.state()) != session.state(index) {
                return session.fails(index + 1, format_args!("ticked too often: {seen:?}"));
            }
        }
        Ok(())
    }
    check(700, property as fn(_) -> _);
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
