//! IMAP's. The mode is acknowledged by `+`, and ended by the reply to what entered it; `DONE` waits for `+`.

use bellwire::dialect::imap::Imap;
use bellwire_conformance::{Runtime, on_each_runtime};

const GREETED: &str = "S: * PREAUTH ready\n> greeting * PREAUTH ready\n";
const OFF: &str = "";
const ENTERING: &str = "! listen\nC: A1 IDLE\n";
const ON: &str = "! listen\nC: A1 IDLE\nS: + idling\n> listening\n";
const LEAVING: &str = "! listen\nC: A1 IDLE\nS: + idling\n> listening\n! unlisten\nC: DONE\n";
const PHASES: [&str; 4] = [OFF, ENTERING, ON, LEAVING];

/// What brings a client out of a phase, and asks a last question to see that it is well; `NUMBER` is that
/// question's.
fn way_out(phase: &str) -> &'static str {
    match phase {
        OFF => "C: A1 NOOP\nS: A1 OK done\n> reply NUMBER OK done\n",
        ENTERING => "S: + idling\n> listening\nS: * 9 EXISTS\n> notification EXISTS\n",
        ON => "S: * 9 EXISTS\n> notification EXISTS\n",
        _ => "S: A1 OK Idle completed\n> not listening\nC: A2 NOOP\nS: A2 OK\n> reply NUMBER OK\n",
    }
}

fn plays(runtime: Runtime, texts: impl IntoIterator<Item = String>) {
    let texts: Vec<_> = texts.into_iter().map(|text| format!("{GREETED}{text}")).collect();
    super::all::<Imap>(runtime, &texts);
}

on_each_runtime! {
    /// G7: data before `+`; whose it is while a command is under way, nobody guesses.
    crossing_1_data_before_the_acknowledgement => |it| plays(it, crossing_1()),
    /// G6, G8: data, or the end of IDLE, crosses `DONE`, which is never said twice.
    crossing_2_data_or_end_of_idle_crosses_done => |it| plays(it, crossing_2()),
    /// G7, G16, G18: NO, BAD, goodbye, nothing at all.
    crossing_3_refused_or_closed => |it| plays(it, crossing_3()),
    /// What counts is what was asked last, and nothing is said twice.
    crossing_4_listen_and_unlisten_again => |it| plays(it, crossing_4()),
    /// G9: a command waits for `+`, then for what `DONE` does; others ride along.
    crossing_5_command_in_each_phase => |it| plays(it, crossing_5()),
    /// G3: abandoned in each of the phases, before it was sent and later; no reply is shifted.
    crossing_6_abandoned_in_each_phase => |it| plays(it, crossing_6()),
    /// G6, G11: many in one read, one in many, with literals, and glued to replies.
    crossing_7_many_in_one_read_and_one_in_many => |it| plays(it, crossing_7()),
    /// G2, G4: `+`, or a tagged reply, that answers nothing.
    crossing_9_unsolicited_in_each_phase => |it| plays(it, crossing_9()),
    /// G1, G18: each command has its outcome, and the end is told for what it was.
    crossing_10_end_in_each_phase => |it| plays(it, crossing_10()),
}

fn crossing_1() -> Vec<String> {
    let data = "S: * 4 EXISTS
        S| * OK Still here
        > notification EXISTS
        > notification OK
        S: + idling
        S| * 5 EXISTS
        > listening
        > notification EXISTS";
    let pipelined = "= in-flight 8
        ! command NOOP
        ! listen
        C: A1 NOOP
        C| A2 IDLE
        S: * 4 EXISTS
        S| A1 OK done
        S| * 5 EXISTS
        S| + idling
        > data * 4 EXISTS
        > reply 1 OK done
        > notification EXISTS
        > listening";
    let spellings = ["+", "+ ", "+ OK {5}"]
        .map(|it| format!("{ENTERING}{}", way_out(ENTERING).replace("+ idling", it)));
    let texts = [format!("{ENTERING}{data}"), pipelined.to_owned()];
    texts.into_iter().chain(spellings).collect()
}

fn crossing_2() -> Vec<String> {
    let data = "S: * 1 EXPUNGE
        S| * 4 FETCH (FLAGS (\\\\Seen))
        S| * 4 EXISTS
        S| A1 OK Idle completed
        > notification EXPUNGE
        > notification FETCH
        > notification EXISTS
        > not listening";
    let mut texts = vec![format!("{LEAVING}{data}")];
    // One `DONE` too many is answered untagged, or by a tag of its own: nobody's.
    for (kind, stray) in
        [("unsolicited", "DONE BAD Error in IMAP command"), ("data", "* BAD Error in IMAP tag")]
    {
        texts.push(format!(
            "{ON}! command NOOP
            C: DONE
            S: A1 OK Idle timed out
            S| {stray}
            > not listening
            > {kind} {stray}
            C: A2 NOOP
            S: A2 OK done
            > reply 1 OK done
            C: A3 IDLE
            S: + idling
            > listening"
        ));
    }
    for end in ["OK Idle timed out", "BAD Expected DONE", "NO not any more"] {
        texts.push(format!(
            "{ON}S: * 4 EXISTS
            S| A1 {end}
            > notification EXISTS
            > not listening
            C: A2 IDLE
            S: + idling
            > listening"
        ));
    }
    texts
}

fn crossing_3() -> Vec<String> {
    let mut texts = Vec::new();
    for answer in ["NO not now", "BAD what?", "OK Idle completed"] {
        texts.push(format!(
            "{ENTERING}! command NOOP
            S: * 4 EXISTS
            S| A1 {answer}
            > notification EXISTS
            > switch refused {answer}
            C: A2 NOOP
            S: A2 OK done
            > reply 1 OK done
            ! listen
            C: A3 IDLE
            S: + idling
            > listening"
        ));
    }
    for phase in [ENTERING, LEAVING] {
        texts.push(format!(
            "{phase}S: * BYE Server shutting down.
            > goodbye * BYE Server shutting down.
            S: <EOF>
            > closed: the connection was closed"
        ));
        texts.push(format!(
            "= switch 30s
            {phase}! command NOOP
            .. 29s
            S: * OK Still here
            > notification OK
            .. 1s
            > never-sent 1 the connection ended
            > error: timed out: no acknowledgement of a mode switch came"
        ));
    }
    texts
}

fn crossing_4() -> Vec<String> {
    let there_and_back = [
        (OFF, "! unlisten\n! unlisten\n"),
        (ENTERING, "! listen\n! unlisten\n! listen\n! unlisten\n! unlisten\n! listen\n"),
        (ON, "! listen\n! listen\n"),
        (LEAVING, "! unlisten\n! listen\n! unlisten\n! listen\n! listen\n! unlisten\n"),
    ];
    let same = there_and_back
        .map(|(phase, same)| format!("{phase}{same}{}", way_out(phase).replace("NUMBER", "1")));
    let other = [
        (OFF, "! listen\nC: A1 IDLE\n! listen\nS: + idling\n> listening"),
        (ENTERING, "! unlisten\nS: + idling\n> listening\nC: DONE\nS: A1 OK\n> not listening"),
        (ON, "! unlisten\nC: DONE\n! unlisten\nS: A1 OK\n> not listening"),
        (LEAVING, "! listen\nS: A1 OK\n> not listening\nC: A2 IDLE\nS: + idling\n> listening"),
    ];
    let other = other.map(|(phase, rest)| format!("{phase}{rest}"));
    let interrupted =
        "! command NOOP\nC: DONE\nS: A1 OK\n> not listening\nC: A2 NOOP\n! unlisten\n";
    let interrupted = format!("{ON}{interrupted}S: A2 OK\n> reply 1 OK");
    same.into_iter().chain(other).chain([interrupted]).collect()
}

fn crossing_5() -> Vec<String> {
    let leave_ask_enter = "C: DONE
        S: * 4 EXISTS
        S| A1 OK Idle completed
        > notification EXISTS
        > not listening
        C: A2 NOOP
        ! command CHECK
        S: * 5 EXISTS
        S| A2 OK done
        > data * 5 EXISTS
        > reply 1 OK done
        C: A3 CHECK
        S: A3 OK done
        > reply 2 OK done
        C: A4 IDLE
        S: + idling
        > listening";
    let leaving = "S: A1 OK Idle completed
        > not listening
        C: A2 NOOP
        S: A2 OK done
        > reply 1 OK done";
    let pipelined = "C: DONE
        C| A2 NOOP
        S: * 4 EXISTS
        S| A1 OK Idle completed
        S| * 5 EXISTS
        S| A2 OK done
        > notification EXISTS
        > not listening
        > data * 5 EXISTS
        > reply 1 OK done
        C: A3 IDLE
        S: + idling
        > listening";
    vec![
        "! command NOOP\nC: A1 NOOP\nS: A1 OK\n> reply 1 OK".to_owned(),
        format!("{ENTERING}! command NOOP\nS: + idling\n> listening\n{leave_ask_enter}"),
        format!("{ON}! command NOOP\n{leave_ask_enter}"),
        format!("{LEAVING}! command NOOP\n{leaving}"),
        format!("= in-flight 8\n{ON}! command NOOP\n{pipelined}"),
    ]
}

fn crossing_6() -> Vec<String> {
    let gone = "! command NOOP\n! abandon 1\n> withdrawn 1\n";
    let mut texts: Vec<_> = [ENTERING, LEAVING]
        .map(|it| format!("{it}{gone}{}", way_out(it).replace("NUMBER", "2")))
        .into();
    // The mode was left for it already: it is entered again.
    let left = "! command NOOP\nC: DONE\n! abandon 1\n> withdrawn 1\n";
    let again = "S: A1 OK\n> not listening\nC: A2 IDLE\nS: + idling\n> listening";
    texts.push(format!("{ON}{left}{again}"));
    let off = "= in-flight 8
        C: A1 NOOP
        ! abandon 1
        > held 1
        C: A2 CHECK
        S: A1 OK done
        S| A2 OK done
        > late 1 OK done
        > reply 2 OK done";
    texts.push(off.to_owned());
    // Behind `DONE`; its answer comes when the mode is entered again, and when it is on.
    for (answers, events) in [
        ("A2 OK done\nS| + idling", "late 1 OK done\n> listening"),
        ("+ idling\nS| A2 OK done", "listening\n> late 1 OK done"),
    ] {
        texts.push(format!(
            "= in-flight 8
            {ON}! command NOOP
            C: DONE
            C| A2 NOOP
            ! abandon 1
            > held 1
            S: A1 OK Idle completed
            > not listening
            C: A3 IDLE
            S: {answers}
            > {events}
            S: * 4 EXISTS
            > notification EXISTS"
        ));
    }
    texts
}

fn crossing_7() -> Vec<String> {
    let many = "S: * 4 EXISTS
        S| * 4 FETCH (BODY[] {12}
        S| A1 OK fake
        S| )
        S| * 4 EXPUNGE
        > notification EXISTS
        > notification FETCH
        > notification EXPUNGE
        S: * 5 EX\\
        S: IST\\
        S: S\\r\\
        S: \\n\\
        > notification EXISTS
        ";
    [ENTERING, ON, LEAVING]
        .map(|it| format!("{it}{many}{}", way_out(it).replace("NUMBER", "1")))
        .into()
}

fn crossing_9() -> Vec<String> {
    let mut texts = Vec::new();
    for phase in PHASES {
        // While entering, `+` is the acknowledgement.
        let strays: &[&str] = match phase {
            ENTERING => &["A9 OK done", "DONE BAD what?"],
            _ => &["A9 OK done", "+ go on", "DONE BAD what?"],
        };
        for stray in strays {
            let rest = way_out(phase).replace("NUMBER", "1");
            texts.push(format!("{phase}S: {stray}\n> unsolicited {stray}\n{rest}"));
            texts.push(format!("= unsolicited ignore\n{phase}S: {stray}\n{rest}"));
            texts.push(format!(
                "= unsolicited fatal\n{phase}S: {stray}\n> error: protocol error: \
                 a reply that answers no command: \"{stray}\""
            ));
        }
    }
    let twice = "S: A1 OK Idle completed\nS| A1 OK Idle completed\n> not listening\n\
                 > unsolicited A1 OK Idle completed\n";
    texts.push(format!("{LEAVING}{twice}"));
    texts
}

fn crossing_10() -> Vec<String> {
    let ends = [
        ("S: <EOF>", "the connection was closed"),
        ("S: * BYE Too long\n> goodbye * BYE Too long\nS: <EOF>", "the connection was closed"),
        (
            "S: * 4 EX\\\nS: <EOF>",
            "the connection was closed in the middle of a frame, after 6 bytes of it",
        ),
        (
            "S: * 1 FETCH (BODY[] {9}\nS| abc\\\nS: <EOF>",
            "the connection was closed in the middle of a frame, after 26 bytes of it",
        ),
        ("S: <RESET>", "the connection was reset"),
        ("S: * 4 EX\\\nS: <RESET>", "the connection was reset"),
    ];
    let phases = [
        (OFF, "C: A1 NOOP\n", "unanswered"),
        (ENTERING, "! command NOOP\n", "never-sent"),
        (ON, "! command NOOP\nC: DONE\n", "never-sent"),
        (LEAVING, "! command NOOP\n", "never-sent"),
    ];
    let sessions = phases.iter().flat_map(|(phase, asked, first)| {
        ends.map(|(end, how)| {
            format!(
                "{phase}{asked}! command NOOP
                {end}
                > {first} 1 the connection ended
                > never-sent 2 the connection ended
                > closed: {how}"
            )
        })
    });
    sessions.collect()
}
