//! The client's guarantees, each as a property of all dialects.

use std::collections::BTreeMap;

use bellwire::{Abandoned, Error, Unsolicited, Wait};

use super::client::NaiveClient;
use super::draw::{Case, Draw};
use super::real::{Act, Machine, Real, Seen, Told, replay, told};
use super::script::{Line, Op, Setup, Turn};
use super::session::Session;
use super::tongue::Tongue;
use super::{ALL, Verdict};

/// What happens to a client.
pub(crate) type ClientCase<T> = Case<Setup<T>, Turn>;

/// A property, and how many cases are tried when nobody asks for more.
pub(crate) type Property<T> = (fn(ClientCase<T>) -> Verdict, u64);

/// All of them, the one that says the most first.
pub(crate) const fn properties<T: Tongue>() -> [Property<T>; 10] {
    [
        (g1_to_g18_the_client_does_what_a_naive_one_does, 800),
        (g1_every_command_has_exactly_one_outcome, 150),
        (g2_g3_g8_answers_and_notifications_arrive_where_they_belong, 400),
        (g4_unsolicited_lines_are_counted_and_reported_ignored_or_fatal, 150),
        (g5_verbs_between_events_change_no_event, 150),
        (g5_output_between_events_changes_no_event, 150),
        (g11_splits_change_nothing, 200),
        (g15_no_deadline_stays_in_the_past, 100),
        (g16_a_silent_server_is_found_out, 100),
        (g17_ticks_too_many_change_nothing, 150),
    ]
}

/// The client says and tells what a page of plain code says and tells, whatever happens to it: in
/// all phases, with any configuration, and with the cursor over events dropped at any place.
pub(crate) fn g1_to_g18_the_client_does_what_a_naive_one_does<T: Tongue>(
    case: ClientCase<T>,
) -> Verdict {
    let mut session = Session::play(&case.setup, &case.turns);
    session.close();
    let naive = replay(NaiveClient::new(&case.setup), &session.acts);
    for (index, (real, naive)) in session.log.iter().zip(&naive).enumerate() {
        if real != naive {
            let what = format!("the machine: {real:?}\n# the naive one: {naive:?}");
            return session.fails(index + 1, what);
        }
    }
    Ok(())
}

/// G1: every accepted command ends in exactly one outcome: its reply, `NeverSent`,
/// `SentUnanswered`, or the caller abandoned it.
fn g1_every_command_has_exactly_one_outcome<T: Tongue>(case: ClientCase<T>) -> Verdict {
    let mut session = Session::play(&case.setup, &case.turns);
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

/// G2, G3, G8: the server says which question each of its answers is for, and numbers its
/// notifications. Each answer reaches the command it answers, abandoned or not, and no other; each
/// notification is told, once and in order; and nothing is unsolicited.
fn g2_g3_g8_answers_and_notifications_arrive_where_they_belong<T: Tongue>(
    case: ClientCase<T>,
) -> Verdict {
    let mut session = Session::proper(&case.setup.patient());
    endless(case.turns).iter().for_each(|turn| session.turn(turn));
    session.settle();
    let (mut sent, mut ends) = (BTreeMap::new(), BTreeMap::<u64, usize>::new());
    let (mut texts, mut notified) = (BTreeMap::<u64, Vec<u8>>::new(), Vec::new());
    for (act, seen) in session.acts.iter().zip(&session.log) {
        for seen in seen {
            match (act, seen) {
                (Act::Ask(text, _), Seen::Gave(ticket)) => drop(sent.insert(*ticket, text)),
                (_, Seen::Abandoned(ticket, Abandoned::Withdrawn))
                | (_, Seen::Told(Told::NeverSent(ticket, _))) => drop(sent.remove(ticket)),
                (_, Seen::Told(Told::Part(ticket, text) | Told::Piece(Some(ticket), text))) => {
                    texts.entry(*ticket).or_default().extend(text);
                }
                (_, Seen::Told(Told::Late(ticket, text))) => {
                    texts.entry(*ticket).or_default().extend(text);
                    ends.insert(*ticket, 1);
                }
                (_, Seen::Told(Told::Reply(ticket, text) | Told::Refused(ticket, text))) => {
                    texts.entry(*ticket).or_default().extend(text);
                    *ends.entry(*ticket).or_default() += 1;
                }
                (_, Seen::Told(Told::Notification(_, text) | Told::Data(_, text, _))) => {
                    notified.push(text.to_vec());
                }
                (_, Seen::Told(told @ (Told::Unsolicited(_) | Told::Fault(_)))) => {
                    return session.holds(false, format_args!("{told:?}"));
                }
                _ => {}
            }
        }
    }
    let asked = session.asked.iter().map(|(question, _)| question);
    let same = sent.len() == session.asked.len()
        && sent.values().zip(asked).all(|(text, question)| text.starts_with(question));
    let what = "what was given and not taken back is what was asked, in this order";
    session.holds(same, format_args!("{what}\n# {sent:?}\n# {:?}", session.asked))?;
    for (ticket, (_, proof)) in sent.keys().zip(&session.asked) {
        let text = texts.remove(ticket).unwrap_or_default();
        let proven = proof.is_empty() || contains(&text, proof);
        session.holds(proven, format_args!("command {ticket} was not told {proof:?}"))?;
        session.holds(ends.remove(ticket) == Some(1), format_args!("{ticket} ends once"))?;
    }
    session.holds(ends.is_empty(), format_args!("nobody asked for {ends:?}"))?;
    let said = (1..=session.notified).map(|number| T::notification(number).into_bytes());
    let said: Vec<_> = said.collect();
    notified.retain(|text| said.contains(text));
    session.holds(notified == said, format_args!("{} notifications were said", said.len()))
}

fn contains(text: &[u8], proof: &[u8]) -> bool {
    text.windows(proof.len()).any(|at| at == proof)
}

/// G4: what answers no command is counted, and reported, ignored or fatal as configured; nothing
/// else changes with that.
fn g4_unsolicited_lines_are_counted_and_reported_ignored_or_fatal<T: Tongue>(
    case: ClientCase<T>,
) -> Verdict {
    let with = |unsolicited| Setup { unsolicited, ..case.setup.clone() };
    let mut session = Session::play(&with(Unsolicited::Report), &drained(case.turns));
    session.close();
    let is_report = |told: &Told| matches!(told, Told::Unsolicited(_));
    let reported = session.told();
    let counted = reported.iter().filter(|told| is_report(told)).count();
    session.holds(session.real.client.unsolicited() == counted as u64, "counted as reported")?;

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
    let Some(first) = reported.iter().position(is_report) else {
        session.holds(fatal.client.unsolicited() == 0, "there is nothing to count")?;
        return session.holds(told == reported, "nothing was fatal");
    };
    session.holds(told[..first] == reported[..first], "fatal, the same until the first")?;
    let ended = matches!(told.last(), Some(Told::Fault(Error::Protocol { .. })));
    session.holds(ended, "the first is fatal")?;
    session.holds(fatal.client.unsolicited() == 1, "what was fatal is counted, too")
}

/// The same turns, with all events looked at after each.
fn drained(turns: Vec<Turn>) -> Vec<Turn> {
    turns.into_iter().map(|turn| Turn { take: ALL, ..turn }).collect()
}

/// The same turns, but that the connection does not end in their midst.
pub(crate) fn endless(mut turns: Vec<Turn>) -> Vec<Turn> {
    turns.retain(|turn| !matches!(turn.op, Op::Eof | Op::Reset));
    turns
}

/// G5: any verb may be called between two events, and the cursor be dropped: in the end the events
/// are the same as if they had all been looked at before, and so is what the machine says.
fn g5_verbs_between_events_change_no_event<T: Tongue>(case: ClientCase<T>) -> Verdict {
    later_is_the_same(case, |op| match op {
        Op::Pass(_) => Some(Act::Pass(0)),
        _ => None,
    })
}

/// G5: more may be said between two events, too. What comes next may be said at another time then,
/// but the events are the same.
fn g5_output_between_events_changes_no_event<T: Tongue>(case: ClientCase<T>) -> Verdict {
    let tongue = case.setup.tongue.terse();
    let case = Case { setup: Setup { tongue, ..case.setup }, ..case };
    later_is_the_same(case, |op| match op {
        Op::Write(count) => Some(Act::Write(*count)),
        _ => None,
    })
}

/// Feeds what a server says, and calls verbs: after all events were looked at, and again with only so
/// many looked at before each. The server speaks in turn only.
fn later_is_the_same<T: Tongue>(case: ClientCase<T>, also: impl Fn(&Op) -> Option<Act>) -> Verdict {
    let Case { setup, turns, more } = case;
    let mut before = endless(drained(turns));
    let verbs = before.split_off(before.len() / 2);
    let lines: Vec<Line> = Draw::new(&more).list(4);
    let verb = |turn: &Turn| match &turn.op {
        Op::Get => Some(Act::Ask(T::question(0).into_bytes(), None)),
        Op::Listen => Some(Act::Listen),
        Op::Unlisten => Some(Act::Unlisten),
        op => also(op),
    };
    let takes = more.iter().map(|byte| usize::from(byte % 4)).cycle();
    let verbs: Vec<_> = verbs.iter().filter_map(verb).zip(takes).collect();
    let output = verbs.iter().any(|(verb, _)| matches!(verb, Act::Write(_)));

    let mut session = Session::proper(&setup.patient());
    before.iter().for_each(|turn| session.turn(turn));
    session.act(Act::Take(ALL));
    let before = session.acts.clone();
    let bytes = session.speak(&lines);
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
    session.holds(output || refused || same, "it says the same in the end")
}

/// G11: the same bytes give the same events and the same errors, however they are split.
fn g11_splits_change_nothing<T: Tongue>(case: ClientCase<T>) -> Verdict {
    let mut session = Session::play(&case.setup, &drained(case.turns));
    session.close();
    let mut split = Vec::new();
    let mut cuts = case.more.iter().map(|cut| usize::from(cut % 8) + 1).cycle();
    for act in &session.acts {
        match act {
            Act::Feed(bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (chunk, after) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
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

/// G15: a deadline that has passed is acted on, and asked for no more: nobody who sleeps until the
/// deadline is kept awake.
fn g15_no_deadline_stays_in_the_past<T: Tongue>(case: ClientCase<T>) -> Verdict {
    let mut session = Session::play(&case.setup, &case.turns);
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

/// G16: a server that says nothing more is found out, whatever is on the wire and in whatever phase,
/// if the client was told to lose its patience.
fn g16_a_silent_server_is_found_out<T: Tongue>(case: ClientCase<T>) -> Verdict {
    let mut setup = case.setup.patient();
    (setup.times.silence, setup.times.probe) = (Some(10), Some(3));
    setup.times.switch = Some(30);
    let mut session = Session::proper(&setup);
    endless(case.turns).iter().for_each(|turn| session.turn(turn));
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

/// G17: a tick too many is a no-op, and so is one to the past.
fn g17_ticks_too_many_change_nothing<T: Tongue>(case: ClientCase<T>) -> Verdict {
    let mut session = Session::play(&case.setup, &case.turns);
    session.close();
    let mut real = Real::new(&case.setup);
    for (index, act) in session.acts.iter().enumerate() {
        let seen = real.act(act);
        real.tick_too_often();
        if seen != session.log[index] || Some(&real.state()) != session.state(index) {
            return session.fails(index + 1, format_args!("ticked too often: {seen:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod each {
    use super::{Property, properties};
    use crate::model::check;
    use crate::model::tongue::Tongue;
    use crate::model::tongue::{imap::InImap, mpd::InMpd, notif::InNotif};

    fn tried<T: Tongue>(property: usize) {
        let (holds, tests): Property<T> = properties()[property];
        check(tests, holds);
    }

    macro_rules! on_each_dialect {
        ($($index:literal $property:ident)*) => {
            mod notif {
                $(#[test] fn $property() { super::tried::<super::InNotif>($index); })*
            }
            mod mpd {
                $(#[test] fn $property() { super::tried::<super::InMpd>($index); })*
            }
            mod imap {
                $(#[test] fn $property() { super::tried::<super::InImap>($index); })*
            }
        };
    }

    on_each_dialect! {
        0 g1_to_g18_the_client_does_what_a_naive_one_does
        1 g1_every_command_has_exactly_one_outcome
        2 g2_g3_g8_answers_and_notifications_arrive_where_they_belong
        3 g4_unsolicited_lines_are_counted_and_reported_ignored_or_fatal
        4 g5_verbs_between_events_change_no_event
        5 g5_output_between_events_changes_no_event
        6 g11_splits_change_nothing
        7 g15_no_deadline_stays_in_the_past
        8 g16_a_silent_server_is_found_out
        9 g17_ticks_too_many_change_nothing
    }
}
