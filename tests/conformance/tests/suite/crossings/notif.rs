//! The notif protocol's.

use bellwire::dialect::notif::Notif;
use bellwire_conformance::{Runtime, on_each_runtime};

const OFF: &str = "";
const ENTERING: &str = "! listen\nC: notif\n";
const ON: &str = "! listen\nC: notif\nS: OK\n> listening\n";
const LEAVING: &str = "! listen\nC: notif\nS: OK\n> listening\n! unlisten\nC: stop_notif\n";
const PHASES: [&str; 4] = [OFF, ENTERING, ON, LEAVING];

/// What brings a client out of a phase, and asks a last question to see that it is well; `NUMBER` is that
/// question's.
fn way_out(phase: &str) -> &'static str {
    match phase {
        OFF => "C: random?\nS: 99\n> reply NUMBER 99\n",
        ENTERING => "S: OK\n> listening\n",
        ON => "S: notif: last\n> notification last\n",
        _ => "S: OK\n> not listening\nC: random?\nS: 99\n> reply NUMBER 99\n",
    }
}

fn plays(runtime: Runtime, texts: impl IntoIterator<Item = String>) {
    super::all::<Notif>(runtime, &texts.into_iter().collect::<Vec<_>>());
}

on_each_runtime! {
    /// G7: a notification between `notif` and its acknowledgement, in each spelling of that.
    crossing_1_notification_before_the_acknowledgement => |it| plays(it, crossing_1()),
    /// G6, G8: notifications, or the server's end, cross `stop_notif`.
    crossing_2_notification_or_end_crosses_the_leave => |it| plays(it, crossing_2()),
    /// G7, G16, G18: refused to enter, or to leave; no acknowledgement at all.
    crossing_3_refused_or_closed => |it| plays(it, crossing_3()),
    /// What counts is what was asked last, and nothing is said twice.
    crossing_4_listen_and_unlisten_again => |it| plays(it, crossing_4()),
    /// G9: a command in each of the phases: one at a time, in a pipeline, and asked in the mode.
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

fn crossing_1() -> Vec<String> {
    let session = "! listen
        C: notif
        S: notif: random
        S| notif: OKAY
        > notification random
        > notification OKAY
        S: ACKNOWLEDGEMENT
        > listening
        S: notif: classified
        > notification classified";
    let spellings = ["OK", "will send notifs", "notif: OK", "OK\\x20"];
    spellings.map(|it| session.replace("ACKNOWLEDGEMENT", it)).into()
}

fn crossing_2() -> Vec<String> {
    let leaves = "S: notif: random
        > notification random
        S: notif: classified
        S| OK
        > notification classified
        > not listening
        C: random?
        S: 1
        > reply 1 1";
    let spooled = "! command random?
        C: stop_notif
        S: notif: random
        > notification random
        S: <EOF>
        > never-sent 1 the connection ended
        > closed: the connection was closed";
    let pipelined = "= in-flight 8
        ! command random?
        C: stop_notif
        C: random?
        S: notif: random
        > notification random
        S: <EOF>
        > unanswered 1 the connection ended
        > closed: the connection was closed";
    vec![format!("{LEAVING}{leaves}"), format!("{ON}{spooled}"), format!("{ON}{pipelined}")]
}

fn crossing_3() -> Vec<String> {
    let entering = "! listen
        C: notif
        ! command random?
        S: notif: random
        S| error: not today
        > notification random
        > switch refused error: not today
        C: random?
        S: 1
        > reply 1 1
        C: random?
        S: 2
        > reply 2 2
        ! listen
        C: notif
        S: OK
        > listening";
    let leaving = "! command random?
        C: stop_notif
        S: error: not today
        > switch refused error: not today
        C: random?
        S: notif: random
        S| 1
        > notification random
        > reply 1 1
        C: notif
        S: OK
        > listening";
    let mut texts = vec![entering.to_owned(), format!("{ON}{leaving}")];
    for phase in [ENTERING, LEAVING] {
        let silent = "= switch 30s
            ! command random?
            S: 3007
            > unsolicited 3007
            S: notif: random
            > notification random
            .. 30s
            > never-sent 1 the connection ended
            > error: timed out: no acknowledgement of a mode switch came";
        texts.push(format!("{phase}{silent}"));
        texts.push(format!("{phase}S: <EOF>\n> closed: the connection was closed"));
    }
    texts
}

fn crossing_4() -> Vec<String> {
    let mut texts = Vec::new();
    let there_and_back = [
        (OFF, "! unlisten\n! unlisten\n"),
        (ENTERING, "! listen\n! unlisten\n! listen\n! unlisten\n! unlisten\n! listen\n"),
        (ON, "! listen\n! listen\n"),
        (LEAVING, "! unlisten\n! listen\n! unlisten\n! listen\n! listen\n! unlisten\n"),
    ];
    for (phase, same) in there_and_back {
        texts.push(format!("{phase}{same}{}", way_out(phase).replace("NUMBER", "1")));
    }
    let other = [
        (OFF, "! listen\nC: notif\n! listen\nS: OK\n> listening"),
        (ENTERING, "! unlisten\nS: OK\n> listening\nC: stop_notif\nS: OK\n> not listening"),
        (ON, "! unlisten\nC: stop_notif\n! unlisten\nS: OK\n> not listening"),
        (LEAVING, "! listen\nS: OK\n> not listening\nC: notif\nS: OK\n> listening"),
    ];
    texts.extend(other.map(|(phase, rest)| format!("{phase}{rest}")));
    // While a command has interrupted the mode.
    let interrupted = "! command random?\nC: stop_notif\nS: OK\n> not listening\nC: random?\n";
    texts.push(format!("{ON}{interrupted}! unlisten\nS: 1\n> reply 1 1"));
    let again = "! unlisten\n! listen\nS: 1\n> reply 1 1\nC: notif\nS: OK\n> listening";
    texts.push(format!("{ON}{interrupted}{again}"));
    texts
}

fn crossing_5() -> Vec<String> {
    let ask = "! command random?\n";
    let leave_ask_enter = "C: stop_notif
        S: OK
        > not listening
        C: random?
        S: 1
        > reply 1 1
        C: notif
        S: OK
        > listening";
    let spooled = [
        (OFF, "C: random?\nS: 1\n> reply 1 1".to_owned()),
        (ENTERING, format!("S: OK\n> listening\n{leave_ask_enter}")),
        (ON, leave_ask_enter.to_owned()),
        (LEAVING, "S: OK\n> not listening\nC: random?\nS: 1\n> reply 1 1".to_owned()),
    ];
    let leave_ask = "C: stop_notif
        C: random?
        S: OK
        > not listening
        C: notif
        S: 1
        S| OK
        > reply 1 1
        > listening";
    let pipelined = [
        (OFF, "C: random?\nS: 1\n> reply 1 1".to_owned()),
        (ENTERING, format!("S: OK\n> listening\n{leave_ask}")),
        (ON, leave_ask.to_owned()),
        (LEAVING, "C: random?\nS: OK\nS| 1\n> not listening\n> reply 1 1".to_owned()),
    ];
    let in_the_mode = [
        (ENTERING, "S: OK\n> listening\nC: random?\nS: 1\n> reply 1 1"),
        (ON, "C: random?\nS: 1\n> reply 1 1"),
        (LEAVING, "S: OK\n> not listening\nC: random?\nS: 1\n> reply 1 1"),
    ];
    let spooled = spooled.iter().map(|(phase, rest)| format!("{phase}{ask}{rest}"));
    let pipelined =
        pipelined.iter().map(|(phase, rest)| format!("= in-flight 8\n{phase}{ask}{rest}"));
    let in_the_mode =
        in_the_mode.iter().map(|(phase, rest)| format!("= ask-in-mode\n{phase}{ask}{rest}"));
    spooled.chain(pipelined).chain(in_the_mode).collect()
}

fn crossing_6() -> Vec<String> {
    // Spooled: behind another command, or a switch. Nothing of it is ever sent.
    let spooled = "C: random?
        ! command classified?
        ! abandon 2
        > withdrawn 2
        S: 1
        > reply 1 1
        C: random?
        S: 99
        > reply 3 99\n";
    let mut texts = vec![spooled.to_owned()];
    let gone = "! command classified?\n! abandon 1\n> withdrawn 1\n";
    for phase in [ENTERING, LEAVING] {
        texts.push(format!("{phase}{gone}{}", way_out(phase).replace("NUMBER", "2")));
    }
    // The mode was left for it already: it is entered again.
    let left = "! command random?\nC: stop_notif\n! abandon 1\n> withdrawn 1\n";
    texts.push(format!("{ON}{left}S: OK\n> not listening\nC: notif\nS: OK\n> listening"));
    // On the wire: its reply is swallowed.
    let off = "C: classified?
        ! abandon 1
        > held 1
        ! command random?
        S: Nice appart in the 11e.
        > late 1 Nice appart in the 11e.
        C: random?
        S: 2
        > reply 2 2";
    texts.push(off.to_owned());
    let pipelined = "= in-flight 8
        C: classified?
        ! abandon 1
        > held 1
        C: random?
        S: notif: random
        S| Nice appart in the 11e.
        S| 2
        > notification random
        > late 1 Nice appart in the 11e.
        > reply 2 2";
    texts.push(pipelined.to_owned());
    let asked =
        "= in-flight 8\n= ask-in-mode\n! command random?\nC: random?\n! abandon 1\n> held 1\n";
    texts.push(format!("{ENTERING}{asked}S: OK\nS| 1\n> listening\n> late 1 1"));
    texts.push(format!("{ON}{asked}S: notif: x\nS| 1\n> notification x\n> late 1 1"));
    let behind = "= in-flight 8\n! command random?\nC: random?\n! abandon 1\n> held 1\n";
    texts.push(format!("{LEAVING}{behind}S: OK\nS| 1\n> not listening\n> late 1 1"));
    texts
}

fn crossing_7() -> Vec<String> {
    let many = "S: notif: random
        S| notif: classified
        S| notif: random
        > notification random
        > notification classified
        > notification random
        S: notif\\
        S: : ran\\
        S: dom\\r\\
        S: \\n\\
        > notification random
        ";
    let glued = "! listen
        C: notif
        S: notif: random
        S| OK
        S| notif: classified
        > notification random
        > listening
        > notification classified
        ! command classified?
        C: stop_notif
        S: notif: random
        S| OK
        > notification random
        > not listening
        C: classified?
        S: notif: random
        S| Nice appart in the 11e.
        S| notif: random
        > notification random
        > reply 1 Nice appart in the 11e.
        > notification random
        C: notif";
    let texts = PHASES.map(|it| format!("{it}{many}{}", way_out(it).replace("NUMBER", "1")));
    texts.into_iter().chain([glued.to_owned()]).collect()
}

fn crossing_9() -> Vec<String> {
    let mut texts = Vec::new();
    for phase in PHASES {
        // Where an acknowledgement of leaving is due, a second one of entering is told apart only if
        // it is spelled otherwise.
        let stray = match phase {
            OFF | ON => "OK",
            ENTERING => "456902234",
            _ => "will send notifs",
        };
        let rest = way_out(phase).replace("NUMBER", "1");
        texts.push(format!("{phase}S: {stray}\n> unsolicited {stray}\n{rest}"));
        texts.push(format!("= unsolicited ignore\n{phase}S: {stray}\n{rest}"));
        texts.push(format!(
            "= unsolicited fatal\n{phase}S: {stray}\n> error: protocol error: \
             a reply that answers no command: \"{stray}\""
        ));
    }
    let twice = "S: OK\nS| OK\n> not listening\n> unsolicited OK\n";
    texts.push(format!("{LEAVING}{twice}C: random?\nS: 1\n> reply 1 1"));
    let duplicate = "C: random?\nS: 1\nS| 1\n> reply 1 1\n> unsolicited 1\n";
    texts.push(format!("{duplicate}C: random?\nS: 2\n> reply 2 2"));
    texts
}

fn crossing_10() -> Vec<String> {
    let ends = [
        ("S: <EOF>", "the connection was closed"),
        (
            "S: notif: ran\\\nS: <EOF>",
            "the connection was closed in the middle of a frame, after 10 bytes of it",
        ),
        ("S: <RESET>", "the connection was reset"),
        ("S: notif: ran\\\nS: <RESET>", "the connection was reset"),
    ];
    let phases = [
        (OFF, "C: random?\n", "unanswered"),
        (ENTERING, "! command random?\n", "never-sent"),
        (ON, "! command random?\nC: stop_notif\n", "never-sent"),
        (LEAVING, "! command random?\n", "never-sent"),
    ];
    let sessions = phases.iter().flat_map(|(phase, asked, first)| {
        ends.map(|(end, how)| {
            format!(
                "{phase}{asked}! command random?
                S: notif: random
                > notification random
                {end}
                > {first} 1 the connection ended
                > never-sent 2 the connection ended
                > closed: {how}"
            )
        })
    });
    sessions.collect()
}
