//! Crossings of a mode that is acknowledged by `+`, and ended by the reply to what entered it.

use bellwire::mode::Phase;
use bellwire::{Client, Config};

use super::common::{sent, told};
use super::{Imap, imap, imap_idling};

/// G2, G6: replies out of order, by tag; data between them is nobody's in particular.
#[test]
fn replies_out_of_order() {
    let session = "= in-flight 8
        ! command FETCH 1 FLAGS
        ! command NOOP
        ! command SEARCH ALL
        C: A1 FETCH 1 FLAGS
        C: A2 NOOP
        C: A3 SEARCH ALL
        S: * 1 FETCH (FLAGS ())
        S| * SEARCH 1
        S| * 4 EXISTS
        S| A1 OK done
        S| A3 OK done
        S| A2 NO not now
        > data * 1 FETCH (FLAGS ())
        > data * SEARCH 1
        > data * 4 EXISTS
        > reply 1 OK done
        > reply 3 OK done
        > refused 2 NO not now";
    imap(session);
}

/// G7, G10, crossing 1: data before `+`. It is a notification when no other command can have caused it.
#[test]
fn data_before_the_acknowledgement() {
    let session = "! listen
        C: A1 IDLE
        S: * 4 EXISTS
        > notification 4 EXISTS
        S: + idling
        S| * 5 EXISTS
        > listening
        > notification 5 EXISTS";
    imap(session);
    let behind_a_command = "= in-flight 8
        ! command NOOP
        ! listen
        C: A1 NOOP
        C: A2 IDLE
        S: * 4 EXISTS
        S| A1 OK done
        S| + idling
        > data * 4 EXISTS
        > reply 1 OK done
        > listening";
    imap(behind_a_command);
}

/// G6, G8, G10, crossing 2: data between `DONE` and the tagged reply is still told.
#[test]
fn data_crosses_done() {
    let session = "! unlisten
        C: DONE
        S: * 4 EXISTS
        S| A1 OK Idle completed
        > notification 4 EXISTS
        > not listening";
    assert_eq!(imap_idling(session).phase(), Phase::Off);
}

/// G10, crossing 2: the server ends IDLE by itself, here as `DONE` goes out. One `DONE` too many is
/// answered untagged, or by a tag of its own: nobody's.
#[test]
fn end_of_idle_crosses_done() {
    let session = "! command NOOP
        C: DONE
        S: A1 OK Idle timed out
        S| DONE BAD Error in IMAP command
        > not listening
        > unsolicited DONE BAD Error in IMAP command
        C: A2 NOOP
        S: A2 OK done
        > reply 1 OK done
        C: A3 IDLE
        S: + idling
        > listening";
    imap_idling(session);
}

/// G10: the server ends IDLE by itself: it is entered again.
#[test]
fn mode_ends_by_itself() {
    let session = "S: A1 OK Idle timed out
        > not listening
        C: A2 IDLE
        S: + idling
        > listening";
    assert_eq!(imap_idling(session).phase(), Phase::On);
    imap_idling("! unlisten\nC: DONE\nS: A1 BAD Expected DONE\n> not listening");
}

/// G7, G10, crossing 3: NO or BAD instead of `+`. The client does not insist.
#[test]
fn idle_is_refused() {
    for no in ["NO not now", "BAD what?"] {
        let session = "! listen
            C: A1 IDLE
            ! command NOOP
            S: A1 REFUSAL
            > switch refused REFUSAL
            C: A2 NOOP
            S: A2 OK done
            > reply 1 OK done
            ! listen
            C: A3 IDLE
            S: + idling
            > listening";
        imap(&session.replace("REFUSAL", no));
    }
}

/// G10, crossing 3: done with IDLE before it began is refused, too: to ask again at once, and again,
/// would never end.
#[test]
fn idle_is_over_before_it_began() {
    let session = "! listen
        C: A1 IDLE
        S: A1 OK Idle completed
        > switch refused OK Idle completed
        C: A2 NOOP
        S: A2 OK done
        > reply 1 OK done";
    imap(session);
}

/// G16, G18, crossing 3: nothing instead of `+`, and nothing instead of the tagged reply.
#[test]
fn no_acknowledgement() {
    let why = "error: timed out: no acknowledgement of a mode switch came";
    imap(&format!("= switch 30s\n! listen\nC: A1 IDLE\n.. 30s\n> {why}"));
    imap_idling(&format!("= switch 30s\n.. 1h\n! unlisten\nC: DONE\n.. 30s\n> {why}"));
}

/// G10, crossing 4: listened and not, in each phase. `DONE` waits for `+`.
#[test]
fn listen_and_unlisten_again() {
    let session = "! listen
        ! unlisten
        ! listen
        C: A1 IDLE
        ! unlisten
        S: + idling
        > listening
        C: DONE
        ! listen
        ! unlisten
        ! listen
        S: A1 OK Idle completed
        > not listening
        C: A2 IDLE
        ! unlisten
        ! listen
        S: + idling
        > listening
        ! unlisten
        ! listen
        S: * 4 EXISTS
        > notification 4 EXISTS";
    imap(session);
}

/// G9, G10, crossing 5: a command in each phase. It waits for `+`, then for `DONE`'s effect, as a
/// server eats what is said in between.
#[test]
fn command_in_each_phase() {
    let leave_ask_enter = "C: DONE
        S: * 4 EXISTS
        S| A1 OK Idle completed
        > notification 4 EXISTS
        > not listening
        C: A2 NOOP
        S: * 5 EXISTS
        S| A2 OK done
        > data * 5 EXISTS
        > reply 1 OK done
        C: A3 IDLE
        S: + idling
        > listening";
    imap_idling(&format!("! command NOOP\n{leave_ask_enter}"));
    let entering = "! listen\nC: A1 IDLE\n! command NOOP\nS: + idling\n> listening\n";
    imap(&format!("{entering}{leave_ask_enter}"));
    let leaving = "! unlisten
        C: DONE
        ! command NOOP
        S: A1 OK Idle completed
        > not listening
        C: A2 NOOP
        S: A2 OK done
        > reply 1 OK done";
    imap_idling(leaving);
    // In a pipeline it need not wait for the tagged reply: the server has left IDLE when it reads on.
    let pipelined = "= in-flight 8
        ! command NOOP
        C: DONE
        C: A2 NOOP
        S: A1 OK Idle completed
        S| A2 OK done
        > not listening
        > reply 1 OK done
        C: A3 IDLE
        S: + idling
        > listening";
    imap_idling(pipelined);
}

/// G10, crossings 4 and 5: between `IDLE` and `+` a transport that asks is given nothing.
#[test]
fn nothing_is_said_while_entering() {
    let mut config = Config::default();
    config.in_flight = 8;
    let mut client = Client::new(Imap, config);
    client.feed(b"* PREAUTH ready\r\n");
    client.listen();
    assert_eq!(told(&mut client).len(), 1);
    assert_eq!(sent(&mut client), "A1 IDLE\r\n");
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "");
    client.unlisten();
    assert_eq!(sent(&mut client), "");
    client.feed(b"+ idling\r\n");
    assert_eq!(told(&mut client), ["listening"]);
    assert_eq!(sent(&mut client), "DONE\r\nA2 NOOP\r\n");
}

/// G3, crossing 6: abandoned in each phase. By tag, nobody waits for what nobody wants.
#[test]
fn abandoned_in_each_phase() {
    let off = "C: A1 NOOP
        ! abandon 1
        > held 1
        C: A2 NOOP
        S: A1 OK done
        S| A2 OK done
        > late 1 OK done
        > reply 2 OK done";
    imap(off);
    let entering = "! listen
        C: A1 IDLE
        ! command NOOP
        ! abandon 1
        > withdrawn 1
        S: + idling
        > listening";
    imap(entering);
    imap_idling(
        "! command NOOP\n! abandon 1\n> withdrawn 1\nS: * 4 EXISTS\n> notification 4 EXISTS",
    );
    let leaving = "= in-flight 8
        ! command NOOP
        C: DONE
        C: A2 NOOP
        ! abandon 1
        > held 1
        S: A1 OK Idle completed
        > not listening
        C: A3 IDLE
        S: A2 OK done
        S| + idling
        > late 1 OK done
        > listening";
    imap_idling(leaving);
}

/// G16, G17, crossing 8: own and peer silence while idling: leave, and enter again.
#[test]
fn silence_while_idling() {
    let again = "C: DONE
        S: A1 OK Idle completed
        > not listening
        C: A2 IDLE
        S: + idling
        > listening";
    let heard = "S: * OK Still here\n> notification OK Still here";
    imap_idling(&format!("= rearm 29min\n.. 20min\n{heard}\n.. 9min\n{again}\n.. 28min"));
    imap_idling(&format!("= silence 60s\n.. 50s\n{heard}\n.. 60s\n{again}\n.. 59s"));
    let dead = "C: DONE
        .. 10s
        > error: timed out: the peer was silent and did not answer a probe";
    imap_idling(&format!("= silence 60s\n= probe 10s\n.. 60s\n{dead}"));
    imap("= silence 60s\n.. 60s\nC: A1 NOOP\nS: * 4 EXISTS\nS| A1 OK done\n> data * 4 EXISTS");
}

/// G4, crossing 9: `+`, or a tagged reply, that answers nothing, in each phase.
#[test]
fn unsolicited_in_each_phase() {
    let stray = "S: + go on
        S| A9 OK done
        > unsolicited + go on
        > unsolicited OK done
        ";
    imap(stray);
    imap_idling(&format!("{stray}S: * 4 EXISTS\n> notification 4 EXISTS"));
    imap_idling(&format!("! unlisten\nC: DONE\n{stray}S: A1 OK Idle completed\n> not listening"));
    let entering = "! listen\nC: A1 IDLE\nS: A9 OK done\n> unsolicited OK done\n";
    imap(&format!("{entering}S: + idling\nS| + idling\n> listening\n> unsolicited + idling"));
    let twice = "! unlisten\nC: DONE\nS: A1 OK Idle completed\nS| A1 OK Idle completed\n";
    imap_idling(&format!("{twice}> not listening\n> unsolicited OK Idle completed"));
}

/// G1, G18, crossing 10: the end in each phase, announced by the server and not.
#[test]
fn eof_in_each_phase() {
    let bye = "! command NOOP
        S: * BYE Too long
        > goodbye * BYE Too long
        S: <EOF>
        > never-sent 1 the connection ended
        > closed: the connection was closed";
    imap(bye);
    imap_idling(bye);
    imap(&format!("! listen\nC: A1 IDLE\n{bye}"));
    imap_idling(&format!("! unlisten\nC: DONE\n{bye}"));
}
