//! Crossings on the wire (G10), 1 to 5 and 7 of the table: notifications, the mode's own end, refusals,
//! and commands, in each of the stages.

use bellwire::mode::Phase;

use super::idling;
use super::stages::{STAGES, Stage, at, way_out};

/// Plays `session` while idling, with commands one at a time, and in a pipeline: it must not make a
/// difference.
fn spooled_and_pipelined(session: &str) {
    for in_flight in [1, 8] {
        idling(&format!("= in-flight {in_flight}\n{session}"));
    }
}

/// G6, crossings 1 and 7: what has changed before `idle` is told at once, all that has changed is told,
/// and `idle` is asked for again.
#[test]
fn crossing_1_changes_right_behind_idle() {
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
    spooled_and_pipelined(session);
    assert_eq!(idling(session).phase(), Phase::On);
}

/// G2, G10, crossing 2: idle ends by itself, and `noidle` is on the wire already. The server ignores
/// it: there is one `OK` for idle in either case, and the next answer is the command's.
#[test]
fn crossing_2_end_of_idle_crosses_noidle() {
    for changes in [&[][..], &["mixer"], &["mixer", "player"]] {
        let lines: String = changes.iter().map(|it| format!("S| changed: {it}\n")).collect();
        let lines = format!("{lines}S| OK\n").replacen("S|", "S:", 1);
        let taken: String = changes.iter().map(|it| format!("> notification {it}\n")).collect();
        let session = format!(
            "! command status
            C: noidle
            {lines}{taken}> not listening
            C: status
            S: state: stop
            S| OK
            > part 1 state: stop
            > reply 1
            C: idle"
        );
        idling(&session);
        let pipelined = format!(
            "= in-flight 8
            ! command status
            C: noidle
            C: status
            {lines}S| state: stop
            S| OK
            {taken}> not listening
            > part 1 state: stop
            > reply 1
            C: idle"
        );
        idling(&pipelined);
    }
}

/// G2, G10, crossing 2: some is told before `noidle` is said, and the end of it crosses.
#[test]
fn crossing_2_noidle_between_the_changes_and_their_end() {
    let session = "S: changed: mixer
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
    idling(session);
}

/// G10, crossing 2: it ended before `noidle` was said, though a command is to go: it is not said.
#[test]
fn crossing_2_ended_just_before_noidle() {
    let session = "! command status
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: status
        ENTER1
        S: OK
        > reply 1
        ENTER2";
    // In a pipeline, `idle` need not wait for the reply.
    idling(&session.replace("ENTER1", "").replace("ENTER2", "C: idle"));
    let pipelined = session.replace("ENTER1", "C: idle").replace("ENTER2", "");
    idling(&format!("= in-flight 8\n{pipelined}"));
}

/// G10, crossing 3: refused, or closed. The server is not pestered.
#[test]
fn crossing_3_idle_is_refused() {
    let session = "S: ACK [5@0] {} unknown command \"idle\"
        > switch refused [5@0] {} unknown command \"idle\"
        C: status
        S: OK
        > reply 1
        C: status
        S: OK
        > reply 2
        ! listen
        C: idle";
    spooled_and_pipelined(session);
    let while_leaving = "! command status
        C: noidle
        S: ACK [5@0] {} unknown command \"idle\"
        > switch refused [5@0] {} unknown command \"idle\"
        C: status
        S: OK
        > reply 1";
    idling(while_leaving);
}

/// G7, G16, crossing 3: idle that does not end, though it should. After a while the client gives up.
#[test]
fn crossing_3_noidle_is_not_answered() {
    let silent = ".. 30s
        > never-sent 1 the connection ended
        > error: timed out: no acknowledgement of a mode switch came";
    at(Stage::Leaving, &format!("= silence 5min\n= switch 30s\n! command status\n{silent}"));
    // What has changed is no end.
    let changes = "S: changed: mixer\n> notification mixer\n";
    at(
        Stage::Leaving,
        &format!("= silence 5min\n= switch 30s\n! command status\n{changes}{silent}"),
    );
}

/// G10, crossing 4: `listen` and `unlisten` again, before, during and after: what counts is what was
/// asked last, and nothing is said twice.
#[test]
fn crossing_4_listen_and_unlisten_again() {
    for stage in STAGES {
        let listening = matches!(stage, Stage::Before | Stage::On);
        let (same, other) =
            if listening { ("! listen\n", "! unlisten\n") } else { ("! unlisten\n", "! listen\n") };
        let there_and_back = format!("{same}{same}{other}{same}{other}{other}{same}");
        let client = at(stage, &format!("{there_and_back}{}", way_out(stage)));
        assert_eq!(client.is_listening(), listening);
        let rest = match stage {
            Stage::Before => "S: OK MPD 0.23.5\n> greeting OK MPD 0.23.5",
            Stage::Off => "C: idle",
            Stage::On => "C: noidle\nS: OK\n> not listening",
            Stage::Leaving => "S: OK\n> not listening\nC: idle",
        };
        let client = at(stage, &format!("{other}{same}{other}{rest}"));
        assert_eq!(client.is_listening(), !listening);
    }
}

/// G9, G10, crossing 4: not wanted any more while a command has interrupted idle, or wanted again.
#[test]
fn crossing_4_while_a_command_has_interrupted_idle() {
    let interrupted = "! command status\nC: noidle\nS: OK\n> not listening\nC: status\n";
    let client = idling(&format!("{interrupted}! unlisten\nS: OK\n> reply 1"));
    assert_eq!(client.phase(), Phase::Off);
    idling(&format!("{interrupted}! unlisten\n! listen\nS: OK\n> reply 1\nC: idle"));
}

/// G9, G10, crossing 5: a command in each of the phases. Idle goes on where it is wanted.
#[test]
fn crossing_5_command_in_each_phase() {
    for in_flight in [1, 8] {
        let ask = format!("= in-flight {in_flight}\n! command status\n");
        let before =
            "S: OK MPD 0.23.5\n> greeting OK MPD 0.23.5\nC: status\nS: OK\n> reply 1\nC: idle";
        // In a pipeline, `idle` need not wait for the reply.
        let before = match in_flight {
            1 => before.to_owned(),
            _ => before.replace("S: OK\n> reply 1\nC: idle", "C: idle\nS: OK\n> reply 1"),
        };
        at(Stage::Before, &format!("{ask}{before}"));
        at(Stage::Off, &format!("{ask}C: status\nS: OK\n> reply 1"));
    }
    let ended = "S: OK\n> not listening\nC: status\nS: OK\n> reply 1\n";
    at(Stage::On, &format!("! command status\nC: noidle\n{ended}C: idle"));
    at(Stage::Leaving, &format!("! command status\n{ended}"));
    let piped = "C: status\nS: OK\nS| OK\n> not listening\n> reply 1\n";
    at(Stage::On, &format!("= in-flight 8\n! command status\nC: noidle\n{piped}C: idle"));
    at(Stage::Leaving, &format!("= in-flight 8\n! command status\n{piped}"));
}

/// G9, crossing 5: several commands, and more that come meanwhile, ride on one `noidle`.
#[test]
fn crossing_5_commands_ride_along() {
    let pipelined = "= in-flight 8
        ! command status
        ! command currentsong
        C: noidle
        C: status
        C: currentsong
        S: OK
        S| state: stop
        S| OK
        > not listening
        > part 1 state: stop
        > reply 1
        C: idle
        S: OK
        S| changed: mixer
        > reply 2
        > notification mixer
        ! command ping
        C: noidle
        C: ping
        S: OK
        S| OK
        > not listening
        > reply 3
        C: idle";
    idling(pipelined);
    let spooled = "! command status
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
    idling(spooled);
}

/// G6, G11, crossing 7: several notifications in one read, one split over reads, and replies glued to
/// notifications. (All other tests are played in pieces, too.)
#[test]
fn crossing_7_many_in_one_read_and_one_in_many() {
    let many = "S: changed: player
        S| changed: mixer
        S| chan\\
        > notification player
        > notification mixer
        S: ged: sticker
        > notification sticker";
    idling(many);
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
    idling(split);
    let glued = "= in-flight 8
        ! command status
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
    idling(glued);
}

/// Who asks whether to write is not told so for nothing: all waits for the greeting.
#[test]
fn nothing_is_due_before_the_greeting() {
    let mut client = at(Stage::Before, "");
    client.command("status").unwrap();
    assert!(!client.is_due());
    assert_eq!(client.output(), b"");
    client.feed(b"OK MPD 0.23.5\n").next().unwrap();
    assert!(client.is_due());
    assert_eq!(client.output(), b"status\n");
}
