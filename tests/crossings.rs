//! What crosses on the wire, for the notif protocol: each row of the crossing table (G10), in each of
//! the mode's phases; then time and endings (`time`), limits and abandoned commands (`limits`).
//!
//! | | what crosses | what comes of it |
//! |---|---|---|
//! | 1 | a notification comes between entering and its acknowledgement | both are told, neither for the other |
//! | 2 | a notification, or the mode's own end, crosses the leave | the notification is told; what answers the leave is known |
//! | 3 | a refusal, or the connection's end, comes instead of the acknowledgement | it is told; the mode is not asked for again before `listen` is |
//! | 4 | `listen` and `unlisten`, before, during and after the switch | the last one counts |
//! | 5 | a command is given in any phase | the mode makes room for it, and is entered again |
//! | 6 | a command is abandoned in any phase | its reply, if one comes, reaches nobody |
//! | 7 | much comes in one read, or one thing in many | the same events |
//! | 8 | the re-enter deadline passes as data arrives | the data first, then the mode is entered again |
//! | 9 | a reply that answers nothing comes in any phase | it is counted, and shifts nothing |
//! | 10 | the connection ends in any phase | each command has its outcome, and the end is told |
//!
//! Each session is played as it stands, and again with the bytes cut in other places (G11).

use bellwire::Client;
use bellwire::dialect::notif::{Notif, Random};
use bellwire::mode::Phase;

use common::{client, plain, sent, told};

mod common;
#[path = "crossings/limits.rs"]
mod limits;
#[path = "crossings/time.rs"]
mod time;

const PHASES: [Phase; 4] = [Phase::Off, Phase::Entering, Phase::On, Phase::Leaving];

/// What brings a client into a phase.
fn way_to(phase: Phase) -> &'static str {
    match phase {
        Phase::Off => "",
        Phase::Entering => "! listen\nC: notif\n",
        Phase::On => "! listen\nC: notif\nS: OK\n> listening\n",
        Phase::Leaving => "! listen\nC: notif\nS: OK\n> listening\n! unlisten\nC: stop_notif\n",
    }
}

/// What brings it out of it, and asks a last question to see that it is well.
fn way_out(phase: Phase) -> &'static str {
    match phase {
        Phase::Off => "C: random?\nS: 99\n> reply 1 99\n",
        Phase::Entering => "S: OK\n> listening\n",
        Phase::On => "S: notif: last\n> notification last\n",
        Phase::Leaving => "S: OK\n> not listening\nC: random?\nS: 99\n> reply 1 99\n",
    }
}

/// Plays `session` in `phase`.
fn within(phase: Phase, session: &str) -> Client<Notif> {
    client(&format!("{}{session}", way_to(phase)))
}

/// Plays `session` with commands one at a time, and in a pipeline: it must not make a difference.
fn spooled_and_pipelined(session: &str) {
    client(&format!("= in-flight 1\n{session}"));
    client(&format!("= in-flight 8\n{session}"));
}

/// G7, crossing 1: a notification between `notif` and its acknowledgement, in each spelling of that.
#[test]
fn crossing_1_notification_before_the_acknowledgement() {
    for acknowledgement in ["OK", "will send notifs", "notif: OK", "OK\\x20"] {
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
        spooled_and_pipelined(&session.replace("ACKNOWLEDGEMENT", acknowledgement));
    }
}

/// G6, G8, crossing 2: notifications, or the server's autologout, cross `stop_notif`.
#[test]
fn crossing_2_notification_or_end_of_the_mode_crosses_the_leave() {
    spooled_and_pipelined(
        "! listen
        C: notif
        S: OK
        > listening
        ! unlisten
        C: stop_notif
        S: notif: random
        > notification random
        S: notif: classified
        S| OK
        > notification classified
        > not listening",
    );
    // Commands wait for the leave, or ride behind it, which the server has not read when it closes.
    client(
        "! listen
        C: notif
        S: OK
        > listening
        ! command random?
        C: stop_notif
        S: notif: random
        > notification random
        S: <EOF>
        > never-sent 1 the connection ended
        > closed: the connection was closed",
    );
    client(
        "= in-flight 8
        ! listen
        C: notif
        S: OK
        > listening
        ! command random?
        C: stop_notif
        C: random?
        S: notif: random
        > notification random
        S: <EOF>
        > unanswered 1 the connection ended
        > closed: the connection was closed",
    );
}

/// G7, G10, crossing 3: the server refuses to enter the mode. It is not pestered: the client asks
/// again only when its program does.
#[test]
fn crossing_3_entering_is_refused() {
    spooled_and_pipelined(
        "! listen
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
        > listening",
    );
}

/// G9, crossing 3: the server refuses to leave the mode. What had to wait for that goes on.
#[test]
fn crossing_3_leaving_is_refused() {
    client(
        "! listen
        C: notif
        S: OK
        > listening
        ! command random?
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
        > listening",
    );
}

/// G7, G16, G18, crossing 3: no acknowledgement at all. Another line is none, and after a while the
/// client gives up.
#[test]
fn crossing_3_no_acknowledgement() {
    for phase in [Phase::Entering, Phase::Leaving] {
        within(
            phase,
            "= switch 30s
            ! command random?
            S: 3007
            > unsolicited 3007
            S: notif: random
            > notification random
            .. 30s
            > never-sent 1 the connection ended
            > error: timed out: no acknowledgement of a mode switch came",
        );
        within(phase, "S: <EOF>\n> closed: the connection was closed");
    }
}

/// G10, crossing 4: `listen` and `unlisten` again, before, during and after the switch: what counts
/// is what was asked last, and nothing is said twice.
#[test]
fn crossing_4_listen_and_unlisten_again() {
    for phase in PHASES {
        let listening = matches!(phase, Phase::Entering | Phase::On);
        let (same, other) =
            if listening { ("! listen\n", "! unlisten\n") } else { ("! unlisten\n", "! listen\n") };
        // The same again, and another and back: as if nothing had been said.
        let there_and_back = format!("{same}{same}{other}{same}{other}{other}{same}");
        let client = within(phase, &format!("{there_and_back}{}", way_out(phase)));
        assert_eq!(client.is_listening(), listening);
        // Another: one switch more, when the one under way is acknowledged.
        let rest = match phase {
            Phase::Off => "C: notif\nS: OK\n> listening",
            Phase::Entering => "S: OK\n> listening\nC: stop_notif\nS: OK\n> not listening",
            Phase::On => "C: stop_notif\nS: OK\n> not listening",
            Phase::Leaving => "S: OK\n> not listening\nC: notif\nS: OK\n> listening",
        };
        let client = within(phase, &format!("{other}{same}{other}{rest}"));
        assert_eq!(client.is_listening(), !listening);
    }
}

/// G9, G10, crossing 4: not wanted any more while a command has interrupted the mode, or wanted again.
#[test]
fn crossing_4_while_a_command_has_interrupted_the_mode() {
    let interrupted = "! command random?\nC: stop_notif\nS: OK\n> not listening\nC: random?\n";
    let client = within(Phase::On, &format!("{interrupted}! unlisten\nS: 1\n> reply 1 1"));
    assert_eq!(client.phase(), Phase::Off);
    let again = "! unlisten\n! listen\nS: 1\n> reply 1 1\nC: notif\nS: OK\n> listening";
    within(Phase::On, &format!("{interrupted}{again}"));
}

/// G9, G10, crossing 5: a command in each of the phases, one at a time. The mode goes on afterwards
/// where it is wanted.
#[test]
fn crossing_5_command_in_each_phase_spooled() {
    let leave_ask_enter = "C: stop_notif
        S: OK
        > not listening
        C: random?
        S: 1
        > reply 1 1
        C: notif
        S: OK
        > listening";
    within(Phase::Off, "! command random?\nC: random?\nS: 1\n> reply 1 1");
    let on_the_way = "! command random?\nS: OK\n> listening\n";
    within(Phase::Entering, &format!("{on_the_way}{leave_ask_enter}"));
    within(Phase::On, &format!("! command random?\n{leave_ask_enter}"));
    let on_the_way = "! command random?\nS: OK\n> not listening\n";
    within(Phase::Leaving, &format!("{on_the_way}C: random?\nS: 1\n> reply 1 1"));
}

/// G9, G10, crossing 5: the same in a pipeline. Behind `stop_notif` a command need not wait; behind
/// `notif` it must, as the server may refuse commands in the mode.
#[test]
fn crossing_5_command_in_each_phase_pipelined() {
    let leave_ask = "C: stop_notif
        C: random?
        S: OK
        > not listening
        C: notif
        S: 1
        S| OK
        > reply 1 1
        > listening";
    within(Phase::Off, "= in-flight 8\n! command random?\nC: random?\nS: 1\n> reply 1 1");
    let on_the_way = "= in-flight 8\n! command random?\nS: OK\n> listening\n";
    within(Phase::Entering, &format!("{on_the_way}{leave_ask}"));
    within(Phase::On, &format!("= in-flight 8\n! command random?\n{leave_ask}"));
    let leaving = "= in-flight 8
        ! command random?
        C: random?
        S: OK
        S| 1
        > not listening
        > reply 1 1";
    within(Phase::Leaving, leaving);
}

/// G10, crossing 5: while entering, a transport that asks is given nothing: the command waits.
#[test]
fn crossing_5_nothing_is_said_while_entering() {
    let mut client = plain(|config| config.in_flight = 8);
    client.listen();
    assert_eq!(sent(&mut client), "notif\r\n");
    client.command(Random).unwrap();
    assert_eq!(sent(&mut client), "");
    client.feed(b"OK\r\n");
    assert_eq!(told(&mut client), ["listening"]);
    assert_eq!(sent(&mut client), "stop_notif\r\nrandom?\r\n");
}

/// G9, G10, crossing 5: the same with a server that answers commands in the mode.
#[test]
fn crossing_5_command_in_each_phase_asked_in_the_mode() {
    let entering = "! command random?
        S: OK
        > listening
        C: random?
        S: 1
        > reply 1 1";
    within(Phase::Entering, &format!("= ask-in-mode\n{entering}"));
    let entering = "! command random?
        C: random?
        S: notif: classified
        S| OK
        S| 1
        > notification classified
        > listening
        > reply 1 1";
    within(Phase::Entering, &format!("= ask-in-mode\n= in-flight 8\n{entering}"));
    within(Phase::On, "= ask-in-mode\nC: random?\nS: 1\n> reply 1 1");
    let leaving = "! command random?\nS: OK\n> not listening\nC: random?\nS: 1\n> reply 1 1";
    within(Phase::Leaving, &format!("= ask-in-mode\n{leaving}"));
}

/// G3, crossing 6: abandoned before it was shown to the transport, in each phase: it leaves no trace,
/// and the mode is not even left for it.
#[test]
fn crossing_6_abandoned_before_it_was_sent() {
    for phase in PHASES {
        let gone = "! command classified?\n! abandon 1\n> withdrawn 1\n! abandon 1\n> settled 1\n";
        let rest = way_out(phase).replace("reply 1", "reply 2");
        let client = within(phase, &format!("{gone}{rest}"));
        assert_eq!(client.pending(), 0);
    }
    // The mode was left for it already: it is entered again.
    let left = "! command random?\nC: stop_notif\n! abandon 1\n> withdrawn 1\n";
    within(Phase::On, &format!("{left}S: OK\n> not listening\nC: notif\nS: OK\n> listening"));
}

/// G3, crossing 6: abandoned when it was on the wire, in each phase in which one can be: its reply is
/// swallowed, and the next command gets its own.
#[test]
fn crossing_6_abandoned_on_the_wire() {
    let off = "C: classified?
        ! abandon 1
        > held 1
        ! command random?
        S: Nice appart in the 11e.
        > late 1 Nice appart in the 11e.
        C: random?
        S: 2
        > reply 2 2
        ! abandon 2
        > settled 2";
    within(Phase::Off, off);
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
    within(Phase::Off, pipelined);
    // Entering and on, with a server that answers there.
    let asked =
        "= in-flight 8\n= ask-in-mode\n! command random?\nC: random?\n! abandon 1\n> held 1\n";
    within(Phase::Entering, &format!("{asked}S: OK\nS| 1\n> listening\n> late 1 1"));
    within(Phase::On, &format!("{asked}S: notif: x\nS| 1\n> notification x\n> late 1 1"));
    // Leaving, where it went out behind `stop_notif`.
    let behind = "= in-flight 8\n! command random?\nC: random?\n! abandon 1\n> held 1\n";
    within(Phase::Leaving, &format!("{behind}S: OK\nS| 1\n> not listening\n> late 1 1"));
}

/// G6, G11, crossing 7: several notifications in one read, one split over reads, and replies glued to
/// notifications, in all phases. (All other tests are played in pieces, too.)
#[test]
fn crossing_7_many_in_one_read_and_one_in_many() {
    for phase in PHASES {
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
        within(phase, &format!("{many}{}", way_out(phase)));
    }
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
        ! unlisten";
    client(glued);
}

/// G2, G4, crossing 9: a line that answers nothing, or answers twice, in each phase. It is reported,
/// and the phase stays what it is.
#[test]
fn crossing_9_unsolicited_in_each_phase() {
    for phase in PHASES {
        // Where an acknowledgement of leaving is due, a second one of entering is told apart only if
        // it is spelled otherwise.
        let stray = match phase {
            Phase::Off | Phase::On => "OK",
            Phase::Entering => "456902234",
            Phase::Leaving => "will send notifs",
        };
        let mut reported = format!("S: {stray}\n> unsolicited {stray}\n");
        if phase != Phase::Entering {
            reported += "S: notif: OK\n> unsolicited notif: OK\n";
        }
        let client = within(phase, &format!("{reported}{}", way_out(phase)));
        assert!(client.unsolicited() > 0);
        within(phase, &format!("= unsolicited ignore\nS: {stray}\n{}", way_out(phase)));
        let fatal = "= unsolicited fatal\nS: STRAY\n> error: protocol error: \
                     a reply that answers no command: \"STRAY\"";
        within(phase, &fatal.replace("STRAY", stray));
    }
    // What cannot be told apart without ids: one `OK` too many while leaving. No command is harmed.
    let twice = "S: OK\nS| OK\n> not listening\n> unsolicited OK\n";
    within(Phase::Leaving, &format!("{twice}C: random?\nS: 1\n> reply 1 1"));
}

/// G1, G18, crossing 10: the end in each phase, between two lines, within one, and by a reset. Each
/// command has its outcome before.
#[test]
fn crossing_10_eof_in_each_phase() {
    let ends = [
        ("S: <EOF>", "the connection was closed"),
        (
            "S: notif: ran\\\nS: <EOF>",
            "the connection was closed in the middle of a frame, after 10 bytes of it",
        ),
        ("S: <RESET>", "the connection was reset"),
        ("S: notif: ran\\\nS: <RESET>", "the connection was reset"),
    ];
    for phase in PHASES {
        for (end, how) in ends {
            let session = format!(
                "! command random?
                ! command random?
                S: notif: random
                > notification random
                {end}
                > never-sent 1 the connection ended
                > never-sent 2 the connection ended
                > closed: {how}"
            );
            let client = within(phase, &session);
            assert_eq!((client.phase(), client.pending()), (Phase::Off, 0));
        }
    }
}
