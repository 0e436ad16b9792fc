//! What crosses on the wire, for IMAP: each row of the crossing table (G10), in each of the mode's phases.
//! The mode is acknowledged by `+`, and ended by the reply to what entered it.
//!
//! Each session is played as it stands, and again with the bytes cut in other places (G11).

use bellwire::dialect::imap::Imap;
use bellwire::mode::Phase;
use bellwire::{Client, Config};

mod common;
#[path = "imap_crossings/time.rs"]
mod time;

use common::{sent, told};

const PHASES: [Phase; 4] = [Phase::Off, Phase::Entering, Phase::On, Phase::Leaving];

/// What brings a client into a phase.
fn way_to(phase: Phase) -> &'static str {
    match phase {
        Phase::Off => "",
        Phase::Entering => "! listen\nC: A1 IDLE\n",
        Phase::On => "! listen\nC: A1 IDLE\nS: + idling\n> listening\n",
        Phase::Leaving => "! listen\nC: A1 IDLE\nS: + idling\n> listening\n! unlisten\nC: DONE\n",
    }
}

/// What brings it out of it, and asks a last question to see that it is well. `NUMBER` is the command's.
fn way_out(phase: Phase) -> &'static str {
    match phase {
        Phase::Off => "C: A1 NOOP\nS: A1 OK done\n> reply NUMBER OK done\n",
        Phase::Entering => "S: + idling\n> listening\nS: * 9 EXISTS\n> notification EXISTS\n",
        Phase::On => "S: * 9 EXISTS\n> notification EXISTS\n",
        Phase::Leaving => {
            "S: A1 OK Idle completed\n> not listening\nC: A2 NOOP\nS: A2 OK\n> reply NUMBER OK\n"
        }
    }
}

/// Plays a session with a server that has greeted.
fn off(session: &str) -> Client<Imap> {
    let greeting = "S: * PREAUTH ready\n> greeting * PREAUTH ready\n";
    common::client_of(&Imap::default(), &format!("{greeting}{session}"))
}

/// Plays `session` in `phase`.
fn within(phase: Phase, session: &str) -> Client<Imap> {
    off(&format!("{}{session}", way_to(phase)))
}

/// The same, idling.
fn idling(session: &str) -> Client<Imap> {
    within(Phase::On, session)
}

/// G7, crossing 1: data before `+`. It is a notification when no other command can have caused it.
#[test]
fn crossing_1_data_before_the_acknowledgement() {
    within(
        Phase::Entering,
        "S: * 4 EXISTS
        S| * OK Still here
        > notification EXISTS
        > notification OK
        S: + idling
        S| * 5 EXISTS
        > listening
        > notification EXISTS",
    );
    for acknowledgement in ["+", "+ ", "+ OK {5}"] {
        let session = way_out(Phase::Entering).replace("+ idling", acknowledgement);
        within(Phase::Entering, &session);
    }
    off("= in-flight 8
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
        > listening");
    // A server that answers out of order: as long as the other command is, whose it is nobody knows.
    off("= in-flight 8
        ! command NOOP
        ! listen
        C: A1 NOOP
        C| A2 IDLE
        S: + idling
        S| * 4 EXISTS
        S| A1 OK done
        S| * 5 EXISTS
        > listening
        > data * 4 EXISTS
        > reply 1 OK done
        > notification EXISTS");
}

/// G6, G8, crossing 2: data between `DONE` and the tagged reply is still told.
#[test]
fn crossing_2_data_crosses_done() {
    let session = "S: * 1 EXPUNGE
        S| * 4 FETCH (FLAGS (\\\\Seen))
        S| * 4 EXISTS
        S| A1 OK Idle completed
        > notification EXPUNGE
        > notification FETCH
        > notification EXISTS
        > not listening";
    assert_eq!(within(Phase::Leaving, session).phase(), Phase::Off);
}

/// G10, crossing 2: the server ends IDLE by itself, here as `DONE` goes out. One `DONE` too many is
/// answered untagged, or by a tag of its own: nobody's. There are never two of them.
#[test]
fn crossing_2_end_of_idle_crosses_done() {
    for stray in ["DONE BAD Error in IMAP command: Invalid command name", "* BAD Error in IMAP tag"]
    {
        let kind = if stray.starts_with('*') { "data" } else { "unsolicited" };
        idling(&format!(
            "! command NOOP
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
}

/// G10: the server ends IDLE by itself: it is entered again.
#[test]
fn crossing_2_the_mode_ends_by_itself() {
    for end in ["OK Idle timed out", "BAD Expected DONE", "NO not any more"] {
        let session = "S: * 4 EXISTS
            S| A1 END
            > notification EXISTS
            > not listening
            C: A2 IDLE
            S: + idling
            > listening";
        assert_eq!(idling(&session.replace("END", end)).phase(), Phase::On);
    }
    within(Phase::Leaving, "S: A1 BAD Expected DONE\n> not listening");
}

/// G7, G10, crossing 3: NO or BAD instead of `+`. The client does not insist. Neither does it if the mode is
/// over before it began: to ask again at once, and again, would never end.
#[test]
fn crossing_3_entering_is_refused() {
    for answer in ["NO not now", "BAD what?", "OK Idle completed"] {
        let session = "! command NOOP
            S: * 4 EXISTS
            S| A1 ANSWER
            > notification EXISTS
            > switch refused ANSWER
            C: A2 NOOP
            S: A2 OK done
            > reply 1 OK done
            .. 4min
            ! listen
            C: A3 IDLE
            S: + idling
            > listening";
        assert!(!within(Phase::Entering, &session.replace("ANSWER", answer)).is_refused());
        let refused =
            within(Phase::Entering, &format!("S: A1 {answer}\n> switch refused {answer}"));
        assert!(refused.is_refused());
    }
}

/// G18, crossing 3: goodbye, or the end, instead of `+`, and instead of the tagged reply.
#[test]
fn crossing_3_goodbye() {
    for phase in [Phase::Entering, Phase::Leaving] {
        let session = "S: * BYE Server shutting down.
            > goodbye * BYE Server shutting down.
            S: <EOF>
            > closed: the connection was closed";
        within(phase, session);
    }
}

/// G10, crossing 4: what counts is what was asked last, and nothing is said twice. `DONE` waits for `+`.
#[test]
fn crossing_4_listen_and_unlisten_again() {
    for phase in PHASES {
        let listening = matches!(phase, Phase::Entering | Phase::On);
        let (same, other) =
            if listening { ("! listen\n", "! unlisten\n") } else { ("! unlisten\n", "! listen\n") };
        let there_and_back = format!("{same}{same}{other}{same}{other}{other}{same}");
        let rest = way_out(phase).replace("NUMBER", "1");
        let client = within(phase, &format!("{there_and_back}{rest}"));
        assert_eq!(client.is_listening(), listening);
        let rest = match phase {
            Phase::Off => "C: A1 IDLE\nS: + idling\n> listening",
            Phase::Entering => "S: + idling\n> listening\nC: DONE\nS: A1 OK\n> not listening",
            Phase::On => "C: DONE\nS: A1 OK\n> not listening",
            Phase::Leaving => "S: A1 OK\n> not listening\nC: A2 IDLE\nS: + idling\n> listening",
        };
        let client = within(phase, &format!("{other}{same}{other}{rest}"));
        assert_eq!(client.is_listening(), !listening);
    }
}

/// G9, G10, crossing 5: a command in each phase. It waits for `+`, then for `DONE`'s effect, as a server
/// eats what is said in between. Others ride along.
#[test]
fn crossing_5_command_in_each_phase() {
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
    idling(&format!("! command NOOP\n{leave_ask_enter}"));
    let entering = format!("! command NOOP\nS: + idling\n> listening\n{leave_ask_enter}");
    within(Phase::Entering, &entering);
    let leaving = "! command NOOP
        S: A1 OK Idle completed
        > not listening
        C: A2 NOOP
        S: A2 OK done
        > reply 1 OK done";
    within(Phase::Leaving, leaving);
    // In a pipeline it need not wait for the tagged reply: the server has left IDLE when it reads on.
    let pipelined = "= in-flight 8
        ! command NOOP
        C: DONE
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
    idling(pipelined);
    // Wanted no more while the command has interrupted it.
    let interrupted =
        "! command NOOP\nC: DONE\nS: A1 OK\n> not listening\nC: A2 NOOP\n! unlisten\n";
    let client = idling(&format!("{interrupted}S: A2 OK\n> reply 1 OK"));
    assert_eq!(client.phase(), Phase::Off);
}

/// G10, crossings 4 and 5: between `IDLE` and `+` a transport that asks is given nothing: a `DONE` there
/// hangs some servers. And `DONE` is said once.
#[test]
fn crossing_5_nothing_is_said_while_entering() {
    let mut config = Config::default();
    config.in_flight = 8;
    let mut client = Client::new(Imap::default(), config);
    client.feed(b"* PREAUTH ready\r\n");
    client.listen();
    assert_eq!(told(&mut client).len(), 1);
    assert_eq!(sent(&mut client), "A1 IDLE\r\n");
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "");
    client.unlisten();
    assert_eq!(sent(&mut client), "");
    client.feed(b"+ idling\r\n+ idling\r\n");
    assert_eq!(told(&mut client), ["listening", "unsolicited + idling"]);
    assert_eq!(sent(&mut client), "DONE\r\nA2 NOOP\r\n");
    client.command("CHECK").unwrap();
    client.listen();
    client.unlisten();
    assert_eq!(sent(&mut client), "A3 CHECK\r\n");
}

/// G3, crossing 6: abandoned before it was sent, in each phase: it leaves no trace, and the mode is not even
/// left for it.
#[test]
fn crossing_6_abandoned_before_it_was_sent() {
    for phase in PHASES {
        let gone = "! command NOOP\n! abandon 1\n> withdrawn 1\n! abandon 1\n> settled 1\n";
        let client = within(phase, &format!("{gone}{}", way_out(phase).replace("NUMBER", "2")));
        assert_eq!(client.pending(), 0);
    }
    // The mode was left for it already: it is entered again.
    let left = "! command NOOP\nC: DONE\n! abandon 1\n> withdrawn 1\n";
    idling(&format!("{left}S: A1 OK\n> not listening\nC: A2 IDLE\nS: + idling\n> listening"));
}

/// G3, crossing 6: abandoned when it was on the wire, in each phase in which one can be.
#[test]
fn crossing_6_abandoned_on_the_wire() {
    off("C: A1 NOOP
        ! abandon 1
        > held 1
        C: A2 CHECK
        S: A1 OK done
        S| A2 OK done
        > late 1 OK done
        > reply 2 OK done
        ! abandon 2
        > settled 2");
    let entering = "= in-flight 8
        ! command NOOP
        ! listen
        C: A1 NOOP
        C| A2 IDLE
        ! abandon 1
        > held 1
        S: A1 OK done
        S| + idling
        S| * 4 EXISTS
        > late 1 OK done
        > listening
        > notification EXISTS";
    off(entering);
    // Behind `DONE`; its answer comes when the mode is entered again, and when it is on.
    for (answers, events) in [
        ("A2 OK done\nS| + idling", "late 1 OK done\n> listening"),
        ("+ idling\nS| A2 OK done", "listening\n> late 1 OK done"),
    ] {
        idling(&format!(
            "= in-flight 8
            ! command NOOP
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
}

/// G6, G11, crossing 7: several in one read, one split over reads, with literals, and glued to replies. (All
/// other tests are played in pieces, too.)
#[test]
fn crossing_7_many_in_one_read_and_one_in_many() {
    for phase in [Phase::Entering, Phase::On, Phase::Leaving] {
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
        within(phase, &format!("{many}{}", way_out(phase).replace("NUMBER", "1")));
    }
}

/// G2, G4, crossing 9: `+`, or a tagged reply, that answers nothing, in each phase. It is reported, and the
/// phase stays what it is.
#[test]
fn crossing_9_unsolicited_in_each_phase() {
    for phase in PHASES {
        // While entering, `+` is the acknowledgement.
        let strays: &[&str] = match phase {
            Phase::Entering => &["A9 OK done", "DONE BAD what?"],
            _ => &["A9 OK done", "+ go on", "DONE BAD what?"],
        };
        for stray in strays {
            let rest = way_out(phase).replace("NUMBER", "1");
            let client = within(phase, &format!("S: {stray}\n> unsolicited {stray}\n{rest}"));
            assert_eq!(client.unsolicited(), 1);
            within(phase, &format!("= unsolicited ignore\nS: {stray}\n{rest}"));
            within(
                phase,
                &format!(
                    "= unsolicited fatal\nS: {stray}\n> error: protocol error: \
                     a reply that answers no command: \"{stray}\""
                ),
            );
        }
    }
    let twice = "S: A1 OK Idle completed\nS| A1 OK Idle completed\n> not listening\n\
                 > unsolicited A1 OK Idle completed\n";
    within(Phase::Leaving, twice);
    let twice = "S: + idling\nS| + idling\n> listening\n> unsolicited + idling";
    within(Phase::Entering, twice);
}

/// G1, G18, crossing 10: the end in each phase, announced by the server and not, between two lines, within
/// one, within a literal, and by a reset.
#[test]
fn crossing_10_eof_in_each_phase() {
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
    for phase in PHASES {
        for (end, how) in ends {
            let session = format!(
                "! command NOOP
                ! command NOOP
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
