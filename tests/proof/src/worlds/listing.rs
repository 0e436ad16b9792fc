//! What was found, written down: a file for each protocol.

use std::fmt::Write;

use super::explore::Found;
use super::state::{OWED, PHASES, Stand, State, WANTS};

pub(crate) fn listing(name: &str, found: &Found) -> String {
    let Found { worlds, transitions, .. } = found;
    let mut text = format!(
        "The notification mode of {name}'s client, in {worlds} worlds with {transitions} transitions \
         between them.\nWritten by `{REWRITE}`.\n"
    );
    text.push_str(STATES);
    states(&mut text, found);
    text.push_str("\nSteps, and how many transitions have them.\n\n");
    for ((before, kind, after), count) in &found.steps {
        let kind = format!("{kind:?}");
        writeln!(text, "{before} {kind:<15} {after}: {count}").unwrap();
    }
    writeln!(text, "\n{UNREACHABLE}\n").unwrap();
    unreachable(&mut text, found);
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

const STATES: &str = "
States, and how many worlds are in each by what comes next from the server.

rearm: to leave the mode and enter it again is due. owed: acknowledgements. spool: a command waits.
flight: what is on the wire and unanswered, in order: Enter, Leave, Command, Held (abandoned), Probe.

phase               rearm  owed  spool  flight worlds
";

fn states(text: &mut String, found: &Found) {
    let mut row = String::new();
    for (state, count) in &found.states {
        let begins = state.to_string();
        let next = format!("{:?} {count}", state.wire).to_lowercase();
        if row == begins {
            write!(text, ", {next}").unwrap();
        } else {
            let end = if row.is_empty() { "" } else { "\n" };
            write!(text, "{end}{begins} {next}").unwrap();
            row = begins;
        }
    }
    text.push('\n');
}

/// Of what is never reached in any way, it says so once.
fn unreachable(text: &mut String, found: &Found) {
    for (phase, want) in PHASES.into_iter().flat_map(|phase| WANTS.map(|want| (phase, want))) {
        let stand = Stand { phase, want, closed: false };
        let there = |is: &dyn Fn(&State) -> bool| {
            found.states.keys().any(|state| state.stand == stand && is(state))
        };
        if !there(&|_| true) {
            writeln!(text, "{stand}").unwrap();
            continue;
        }
        for rearm in [false, true] {
            let name = if rearm { "due" } else { "-" };
            if !there(&|state| state.rearm == rearm) {
                writeln!(text, "{stand} {name}").unwrap();
                continue;
            }
            let owed = (0..3).filter(|owed| !there(&|it| (it.rearm, it.owed) == (rearm, *owed)));
            for owed in owed {
                writeln!(text, "{stand} {name:<6} {}", OWED[owed]).unwrap();
            }
        }
    }
}

/// The text of a page with a table of how much was found, in which the row that begins like this is as
/// it is now: two cells for the depth that is always tried, and two for two operations deeper.
pub(crate) fn tabled(text: &str, begins: &str, found: &Found, deeper: usize) -> String {
    let first = match deeper {
        0 => 2,
        2 => 4,
        _ => return text.to_owned(),
    };
    let is_it = |line: &&str| line.to_lowercase().starts_with(begins);
    let row = text.lines().find(is_it).unwrap_or_else(|| panic!("no row begins with {begins:?}"));
    let mut cells: Vec<_> = row.split('|').map(str::to_owned).collect();
    for (cell, count) in cells[first..].iter_mut().zip([found.worlds, found.transitions]) {
        *cell = format!(" {} ", grouped(count));
    }
    text.replace(row, &cells.join("|"))
}

/// With a comma between thousands.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

pub(crate) const REWRITE: &str = "BELLWIRE_WRITE=1 cargo test -p bellwire-proof worlds";

pub(crate) const UNREACHABLE: &str = "Unreachable.";
