//! MPD's. `idle` is not acknowledged: it is on as soon as it was said. It ends with one `OK`, whatever crosses.

use bellwire::dialect::mpd::Mpd;
use bellwire_conformance::{Runtime, on_each_runtime};

const GREETED: &str = "= newline lf\nS: OK MPD 0.23.5\n> greeting OK MPD 0.23.5\n";
const OFF: &str = "";
const ON: &str = "! listen\nC: idle\n";
const LEAVING: &str = "! listen\nC: idle\n! unlisten\nC: noidle\n";
const PHASES: [&str; 3] = [OFF, ON, LEAVING];

/// What brings a client out of a phase, and asks a last question to see that it is well; `NUMBER` is that
/// question's.
fn way_out(phase: &str) -> &'static str {
    match phase {
        OFF => "C: ping\nS: OK\n> reply NUMBER\n",
        ON => "S: changed: mixer\n> notification mixer\nS: OK\n> not listening\nC: idle\n",
        _ => "S: OK\n> not listening\nC: ping\nS: OK\n> reply NUMBER\n",
    }
}

fn plays(runtime: Runtime, texts: impl IntoIterator<Item = String>) {
    let texts: Vec<_> = texts.into_iter().map(|text| format!("{GREETED}{text}")).collect();
    super::all::<Mpd>(runtime, &texts);
}

on_each_runtime! {
    /// G6: what has changed before `idle` is told at once, all of it, and `idle` is asked for again.
    crossing_1_changes_right_behind_idle => |it| plays(it, crossing_1()),
    /// G2: `idle` ends by itself as `noidle` goes out: one `OK`, and no answer is shifted.
    crossing_2_end_of_idle_crosses_noidle => |it| plays(it, crossing_2()),
    /// G7, G16, G18: refused, not answered, closed.
    crossing_3_refused_or_closed => |it| plays(it, crossing_3()),
    /// What counts is what was asked last, and nothing is said twice.
    crossing_4_listen_and_unlisten_again => |it| plays(it, crossing_4()),
    /// G9: a command in each of the phases; others ride along.
    crossing_5_command_in_each_phase => |it| plays(it, crossing_5()),
    /// G3: abandoned in each of the phases, before it was sent and later; no reply is shifted.
    crossing_6_abandoned_in_each_phase => |it| plays(it, crossing_6()),
    /// G6, G11: many in one read, one in many, and glued to replies.
    crossing_7_many_in_one_read_and_one_in_many => |it| plays(it, crossing_7()),
    /// G2, G4: what answers nothing is reported, ignored or fatal.
    crossing_9_unsolicited_in_each_phase => |it| plays(it, crossing_9()),
    /// G1, G18: each command has its outcome, and the end is told for what it was.
    crossing_10_end_in_each_phase => |it| plays(it, crossing_10()),
}

/// The same with commands one at a time, and in a pipeline: it must not make a difference.
fn spooled_and_pipelined(session: &str) -> [String; 2] {
    [1, 8].map(|in_flight| format!("= in-flight {in_flight}\n{session}"))
}

fn crossing_1() -> Vec<String> {
    let session = "S: changed: player
        S| changed: mixer
        S| OK
        > notification player
        > notification mixer
        > not listening
        C: idle
        S: changed: player
        > notification player
        S: OK
        > not listening
        C: idle";
    spooled_and_pipelined(&format!("{ON}{session}")).into()
}

fn crossing_2() -> Vec<String> {
    let mut texts = Vec::new();
    for changes in [&[][..], &["mixer"], &["mixer", "player"]] {
        let lines: String = changes.iter().map(|it| format!("S| changed: {it}\n")).collect();
        let lines = format!("{lines}S| OK\n").replacen("S|", "S:", 1);
        let taken: String = changes.iter().map(|it| format!("> notification {it}\n")).collect();
        texts.push(format!(
            "{ON}! command status
            C: noidle
            {lines}{taken}> not listening
            C: status
            S: state: stop
            S| OK
            > part 1 state: stop
            > reply 1
            C: idle"
        ));
        texts.push(format!(
            "= in-flight 8
            {ON}! command status
            C: noidle
            C: status
            {lines}S| state: stop
            S| OK
            {taken}> not listening
            C: idle
            > part 1 state: stop
            > reply 1"
        ));
    }
    let between = "S: changed: mixer
        > notification mixer
        ! command status
        C: noidle
        S: changed: player
        S| OK
        > notification player
        > not listening
        C: status
        S: OK
        > reply 1
        C: idle";
    texts.push(format!("{ON}{between}"));
    texts
}

fn crossing_3() -> Vec<String> {
    let refused = "S: ACK [5@0] {} unknown command \"idle\"
        > switch refused [5@0] {} unknown command \"idle\"
        C: status
        S: OK
        > reply 1
        C: status
        S: OK
        > reply 2
        ! listen
        C: idle";
    let while_leaving = "! command status
        C: noidle
        S: ACK [5@0] {} unknown command \"idle\"
        > switch refused [5@0] {} unknown command \"idle\"
        C: status
        S: OK
        > reply 1";
    let silent = "! command status
        S: changed: mixer
        > notification mixer
        .. 30s
        > never-sent 1 the connection ended
        > error: timed out: no acknowledgement of a mode switch came";
    let closed = "S: <EOF>\n> closed: the connection was closed";
    let mut texts = spooled_and_pipelined(&format!("{ON}{refused}")).to_vec();
    texts.push(format!("{ON}{while_leaving}"));
    texts.push(format!("= silence 5min\n= switch 30s\n{LEAVING}{silent}"));
    texts.extend(PHASES.map(|phase| format!("{phase}{closed}")));
    texts
}

fn crossing_4() -> Vec<String> {
    let there_and_back = [
        (OFF, "! unlisten\n! unlisten\n"),
        (ON, "! listen\n! listen\n"),
        (LEAVING, "! unlisten\n! listen\n! unlisten\n! listen\n! listen\n! unlisten\n"),
    ];
    let same = there_and_back
        .map(|(phase, same)| format!("{phase}{same}{}", way_out(phase).replace("NUMBER", "1")));
    let other = [
        (OFF, "! listen\nC: idle\n! listen"),
        (ON, "! unlisten\nC: noidle\n! unlisten\nS: OK\n> not listening"),
        (LEAVING, "! listen\nS: OK\n> not listening\nC: idle"),
    ];
    let other = other.map(|(phase, rest)| format!("{phase}{rest}"));
    // While a command has interrupted idle.
    let interrupted = "! command status\nC: noidle\nS: OK\n> not listening\nC: status\n";
    let rest = ["! unlisten\nS: OK\n> reply 1", "! unlisten\n! listen\nS: OK\n> reply 1\nC: idle"];
    let interrupted = rest.map(|rest| format!("{ON}{interrupted}{rest}"));
    same.into_iter().chain(other).chain(interrupted).collect()
}

fn crossing_5() -> Vec<String> {
    let ended = "S: OK\n> not listening\nC: status\nS: OK\n> reply 1\n";
    let piped = "C: status\nS: OK\nS| OK\n> not listening\n> reply 1\n";
    let mut texts = spooled_and_pipelined("! command status\nC: status\nS: OK\n> reply 1").to_vec();
    texts.push(format!("{ON}! command status\nC: noidle\n{ended}C: idle"));
    texts.push(format!("{LEAVING}! command status\n{ended}"));
    texts.push(format!("= in-flight 8\n{ON}! command status\nC: noidle\n{piped}C: idle"));
    texts.push(format!("= in-flight 8\n{LEAVING}! command status\n{piped}"));
    let along = "! command status
        C: noidle
        ! command currentsong
        S: OK
        > not listening
        C: status
        S: OK
        > reply 1
        C: currentsong
        S: OK
        > reply 2
        C: idle";
    texts.push(format!("{ON}{along}"));
    texts
}

fn crossing_6() -> Vec<String> {
    let gone = "! command status\n! abandon 1\n> withdrawn 1\n";
    let rest = way_out(LEAVING).replace("NUMBER", "2");
    let left = "! command status\nC: noidle\n! abandon 1\n> withdrawn 1\n";
    let off = "C: status
        ! abandon 1
        > held 1
        ! command currentsong
        S: state: stop
        S| OK
        > late 1 state: stop
        > late 1
        C: currentsong
        S: OK
        > reply 2";
    let behind = "= in-flight 8
        ! command status
        C: status
        ! abandon 1
        > held 1
        S: changed: mixer
        S| OK
        S| OK
        > notification mixer
        > not listening
        > late 1";
    vec![
        format!("{LEAVING}{gone}{rest}"),
        format!("{ON}{left}S: OK\n> not listening\nC: idle"),
        off.to_owned(),
        format!("{LEAVING}{behind}"),
    ]
}

fn crossing_7() -> Vec<String> {
    let many = "S: changed: player
        S| changed: mixer
        S| chan\\
        > notification player
        > notification mixer
        S: ged: sticker
        > notification sticker";
    let split = "S: chan\\
        S: ged: pla\\
        S: yer\\
        S: \\n\\
        > notification player
        S: O\\
        S: K\\
        S: \\n\\
        > not listening
        C: idle";
    let glued = "! command status
        C: noidle
        C: status
        S: changed: player
        S| OK
        S| state: play
        S| OK
        > notification player
        > not listening
        > part 1 state: play
        > reply 1
        C: idle
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: idle";
    let glued = format!("= in-flight 8\n{ON}{glued}");
    [many, split].map(|it| format!("{ON}{it}")).into_iter().chain([glued]).collect()
}

fn crossing_9() -> Vec<String> {
    let mut texts = Vec::new();
    for stray in ["OK", "state: stop"] {
        let rest = way_out(OFF).replace("NUMBER", "1");
        texts.push(format!("S: {stray}\n> unsolicited {stray}\n{rest}"));
        texts.push(format!("= unsolicited ignore\nS: {stray}\n{rest}"));
        texts.push(format!(
            "= unsolicited fatal\nS: {stray}\n> error: protocol error: \
             a reply that answers no command: \"{stray}\""
        ));
    }
    // In idle there is but one thing that may come besides its end, which is an `OK`.
    for phase in [ON, LEAVING] {
        texts.push(format!(
            "{phase}S: state: stop\n> error: protocol error: \
             only what has changed is told in idle: \"state: stop\""
        ));
    }
    let twice = "C: ping\nS: OK\nS| OK\n> reply 1\n> unsolicited OK\nC: ping\nS: OK\n> reply 2";
    texts.push(twice.to_owned());
    texts
}

fn crossing_10() -> Vec<String> {
    let ends = [
        ("S: <EOF>", "the connection was closed"),
        (
            "S: chan\\\nS: <EOF>",
            "the connection was closed in the middle of a frame, after 4 bytes of it",
        ),
        ("S: <RESET>", "the connection was reset"),
        ("S: chan\\\nS: <RESET>", "the connection was reset"),
    ];
    let phases = [
        (OFF, "C: status\n", "unanswered"),
        (ON, "! command status\nC: noidle\n", "never-sent"),
        (LEAVING, "! command status\n", "never-sent"),
    ];
    let sessions = phases.iter().flat_map(|(phase, asked, first)| {
        ends.map(|(end, how)| {
            format!(
                "{phase}{asked}! command ping
                {end}
                > {first} 1 the connection ended
                > never-sent 2 the connection ended
                > closed: {how}"
            )
        })
    });
    sessions.collect()
}
