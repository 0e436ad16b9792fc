//! The server's guarantees, each as a property of all dialects.

use super::desk::{Act, Desk};
use super::draw::Case;
use super::host::Host;
use super::server::NaiveServer;
use super::server_script::{Setup, Turn};
use super::{ALL, Verdict, chunks};

/// What happens to a server.
pub(crate) type ServerCase<H> = Case<Setup<H>, Turn>;

/// A property, and how many cases are tried when nobody asks for more.
pub(crate) type Property<H> = (fn(ServerCase<H>) -> Verdict, u64);

/// All of them, the one that says the most first.
pub(crate) const fn properties<H: Host>() -> [Property<H>; 4] {
    [
        (g24_g25_the_server_does_what_a_naive_one_does, 1000),
        (g11_splits_change_nothing, 300),
        (g15_no_deadline_stays_in_the_past, 200),
        (g17_ticks_too_many_change_nothing, 200),
    ]
}

/// The server says and tells what a page of plain code says and tells, whatever happens to it.
fn g24_g25_the_server_does_what_a_naive_one_does<H: Host>(case: ServerCase<H>) -> Verdict {
    let mut desk = Desk::play(&case.setup, &case.turns);
    desk.deliver(0);
    let mut naive = NaiveServer::new(&case.setup);
    for (index, (act, real)) in desk.acts.iter().zip(&desk.log).enumerate() {
        let naive = naive.act(act);
        if *real != naive {
            let what = format!("the machine: {real:?}\n# the naive one: {naive:?}");
            return desk.fails(index + 1, what);
        }
    }
    Ok(())
}

/// G11: the same bytes give the same events, the same errors and the same answers, however they are
/// split.
fn g11_splits_change_nothing<H: Host>(case: ServerCase<H>) -> Verdict {
    let Case { setup, turns, more: cuts } = case;
    let drained = turns.into_iter().map(|turn| Turn { take: ALL, ..turn });
    let mut desk = Desk::play(&setup, &drained.collect::<Vec<_>>());
    for act in [Act::Take(ALL), Act::Eof, Act::Take(ALL), Act::Write(ALL)] {
        desk.act(act);
    }
    let mut split = Vec::new();
    let mut cuts = cuts.iter().copied().cycle();
    for act in &desk.acts {
        match act {
            Act::Feed(bytes) => {
                let chunks = chunks(bytes, &mut cuts).into_iter();
                split.extend(chunks.flat_map(|chunk| [Act::Feed(chunk), Act::Take(ALL)]));
            }
            act => split.push(act.clone()),
        }
    }
    let other = Desk::replay(&setup, &split);
    let (told, expected) = (other.told(), desk.told());
    desk.holds(told == expected, format_args!("split: {told:?}\n# whole: {expected:?}"))?;
    desk.holds(other.lines(false) == desk.lines(false), "the answers are the same")?;
    desk.holds(other.log.last() == desk.log.last(), "the state is the same")
}

/// G15: a deadline that has passed is acted on, and asked for no more: nobody who sleeps until the
/// deadline is kept awake.
fn g15_no_deadline_stays_in_the_past<H: Host>(case: ServerCase<H>) -> Verdict {
    let mut desk = Desk::play(&case.setup, &case.turns);
    for _ in 0..5 {
        desk.act(Act::Take(ALL));
        let due = desk.server.deadline();
        desk.holds(due.is_none_or(|due| due > desk.now), format_args!("still due: {due:?}"))?;
        desk.act(Act::Write(0));
        desk.act(Act::Pass(10));
    }
    Ok(())
}

/// G17: a tick too many is a no-op, and so is one to the past.
fn g17_ticks_too_many_change_nothing<H: Host>(case: ServerCase<H>) -> Verdict {
    let desk = Desk::play(&case.setup, &case.turns);
    let mut other = Desk::new(&case.setup);
    for (index, act) in desk.acts.iter().enumerate() {
        other.act(act.clone());
        other.server.tick(other.now);
        other.server.tick(other.now / 2);
        if other.log[index] != desk.log[index] {
            return desk.fails(index + 1, format_args!("ticked: {:?}", other.log[index]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod each {
    use super::{Property, properties};
    use crate::model::check;
    use crate::model::host::Host;
    use crate::model::host::mpd::MpdHost;
    use crate::model::host::notif::NotifHost;

    fn tried<H: Host>(property: usize) {
        let (holds, tests): Property<H> = properties()[property];
        check(tests, holds);
    }

    macro_rules! on_each_dialect {
        ($($index:literal $property:ident)*) => {
            mod notif {
                $(#[test] fn $property() { super::tried::<super::NotifHost>($index); })*
            }
            mod mpd {
                $(#[test] fn $property() { super::tried::<super::MpdHost>($index); })*
            }
        };
    }

    on_each_dialect! {
        0 g24_g25_the_server_does_what_a_naive_one_does
        1 g11_splits_change_nothing
        2 g15_no_deadline_stays_in_the_past
        3 g17_ticks_too_many_change_nothing
    }
}
