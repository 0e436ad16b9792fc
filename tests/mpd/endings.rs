//! Crossings on the wire (G10), 6 and 8 to 10 of the table: commands that are abandoned, deadlines,
//! strays, and the end of the connection, in each of the stages.

use bellwire::dialect::mpd::Mpd;
use bellwire::mode::Phase;
use bellwire::{Client, Config};

use super::common::{secs, sent, told};
use super::stages::{GREETED_STAGES, STAGES, Stage, at, way_out};
use super::{idling, mpd};

/// G3, crossing 6: abandoned before it was shown to the transport, in each phase: it leaves no trace.
#[test]
fn crossing_6_abandoned_before_it_was_sent() {
    for stage in STAGES {
        let gone = "! command outputs\n! abandon 1\n> withdrawn 1\n! abandon 1\n> settled 1\n";
        let rest = way_out(stage).replace("reply 1", "reply 2").replace("part 1", "part 2");
        assert_eq!(at(stage, &format!("{gone}{rest}")).pending(), 0);
    }
    let left = "! command status\nC: noidle\n! abandon 1\n> withdrawn 1\n";
    idling(&format!("{left}S: OK\n> not listening\nC: idle"));
}

/// G3, crossing 6: abandoned on the wire, in each phase in which that can be: its reply is swallowed
/// with all its parts, also one that comes in pieces.
#[test]
fn crossing_6_abandoned_on_the_wire() {
    let off = "C: status
        ! abandon 1
        > held 1
        ! listen
        S: state: stop
        S| OK
        > late 1 state: stop
        > late 1
        C: idle";
    at(Stage::Off, off);
    let middle = "C: status
        S: volume: 1
        > part 1 volume: 1
        ! abandon 1
        > held 1
        ! command ping
        S: state: stop
        S| ACK [5@0] {status} gone
        > late 1 state: stop
        > late 1 [5@0] {status} gone
        C: ping
        S: OK
        > reply 2";
    at(Stage::Off, middle);
    // On, and while leaving, where it went out behind `noidle`.
    let behind = "= in-flight 8\n! command status\nC: noidle\nC: status\n! abandon 1\n> held 1\n";
    let on = "S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: idle
        S: volume: 1
        S| OK
        S| changed: player
        > late 1 volume: 1
        > late 1
        > notification player";
    at(Stage::On, &format!("{behind}{on}"));
    let leaving = "= in-flight 8
        ! command status
        C: status
        ! abandon 1
        > held 1
        S: OK
        S| volume: 1
        S| OK
        > not listening
        > late 1 volume: 1
        > late 1";
    at(Stage::Leaving, leaving);
    let picture = "! command albumart x 0
        C: noidle
        S: OK
        > not listening
        C: albumart x 0
        S: size: 6
        S| binary: 6
        S| OK\\n\\
        > part 1 size: 6
        ! abandon 1
        > held 1
        S: OK\\n\\
        S:
        S| OK
        > late 1 binary: 6\\nOK\\nOK\\n
        > late 1
        C: idle";
    idling(picture);
}

/// G17, crossing 8: a deadline comes in the same instant as data: the data is handled first, and
/// nothing is said twice.
#[test]
fn crossing_8_deadline_in_the_same_instant_as_data() {
    let mut config = Config::default();
    config.timers.rearm = Some(secs(1740));
    config.timers.silence = Some(secs(1740));
    let mut client = Client::new(Mpd::default(), config);
    client.tick(secs(0));
    client.feed(b"OK MPD 0.23.5\n");
    client.listen();
    assert_eq!(told(&mut client), ["greeting OK MPD 0.23.5"]);
    assert_eq!(sent(&mut client), "idle\n");
    client.tick(secs(0));
    assert_eq!(client.deadline(), Some(secs(1740)));
    // Idle has ended by itself: there is nothing to leave.
    client.feed(b"changed: player\nOK\n");
    client.tick(secs(1740));
    assert_eq!(told(&mut client), ["notification player", "not listening"]);
    assert_eq!(sent(&mut client), "idle\n");
    client.tick(secs(1740));
    assert_eq!(client.deadline(), Some(secs(2 * 1740)));
    // It has not, and something is to be asked, too: one `noidle` serves both.
    client.feed(b"changed: mixer\n");
    client.tick(secs(2 * 1740));
    client.command("status").unwrap();
    assert_eq!(told(&mut client), ["notification mixer"]);
    assert_eq!(sent(&mut client), "noidle\n");
    client.feed(b"OK\n");
    assert_eq!(told(&mut client), ["not listening"]);
    assert_eq!(sent(&mut client), "status\n");
    client.feed(b"OK\n");
    assert_eq!(told(&mut client), ["reply 1"]);
    assert_eq!((sent(&mut client), client.phase()), ("idle\n".to_owned(), Phase::On));
}

/// G16, crossing 8: own silence, where somebody wants that.
#[test]
fn crossing_8_rearm() {
    let session = "= silence 1h
        = rearm 29min
        .. 29min
        C: noidle
        S: OK
        > not listening
        C: idle
        .. 28min";
    idling(session);
}

/// G16: the server counts from when it has heard; so the client counts from when the transport took it,
/// and only in the mode.
#[test]
fn rearm_counts_from_what_was_taken() {
    let mut config = Config::default();
    config.timers.rearm = Some(secs(1740));
    config.timers.silence = Some(secs(3600));
    config.timers.write = None;
    let mut client = Client::new(Mpd::default(), config);
    client.tick(secs(0));
    client.feed(b"OK MPD 0.23.5\n");
    client.command("status").unwrap();
    assert_eq!(told(&mut client), ["greeting OK MPD 0.23.5"]);
    assert_eq!(sent(&mut client), "status\n");
    client.tick(secs(0));
    assert_eq!(client.deadline(), Some(secs(3600)));
    client.feed(b"OK\n");
    assert_eq!(told(&mut client), ["reply 1"]);
    client.listen();
    assert_eq!(client.output(), b"idle\n");
    client.tick(secs(0));
    assert_eq!(client.deadline(), Some(secs(1740)));
    client.tick(secs(9));
    client.written("idle\n".len());
    client.tick(secs(9));
    assert_eq!(client.deadline(), Some(secs(9 + 1740)));
}

/// G2, G4, crossing 9: what answers nothing, in each phase. In idle, an `OK` too many cannot be told
/// from its end; it harms no command.
#[test]
fn crossing_9_unsolicited_in_each_phase() {
    for stray in [
        "OK",
        "ACK [5@0] {} unknown command \"x\"",
        "list_OK",
        "changed: mixer",
        "a: b",
        "binary: 99",
    ] {
        let reported = format!("S: {stray}\n> unsolicited {stray}\n");
        let client = at(Stage::Off, &format!("{reported}{}", way_out(Stage::Off)));
        assert_eq!(client.unsolicited(), 1);
        at(Stage::Off, &format!("= unsolicited ignore\nS: {stray}\n{}", way_out(Stage::Off)));
        let fatal = format!(
            "= unsolicited fatal\nS: {stray}\n> error: protocol error: \
             a reply that answers no command: \"{stray}\""
        );
        at(Stage::Off, &fatal);
        // Behind a reply, and before the next command's.
        let twice = format!("C: ping\nS: OK\nS| {stray}\n> reply 1\n> unsolicited {stray}\n");
        at(Stage::Off, &format!("{twice}C: ping\nS: OK\n> reply 2"));
        at(Stage::Leaving, &format!("S: OK\nS| {stray}\n> not listening\n> unsolicited {stray}"));
    }
    idling("S: OK\nS| OK\n> not listening\n> unsolicited OK\nC: idle");
}

/// G7, crossing 9: nothing but changes may be told in idle.
#[test]
fn crossing_9_violations_in_idle() {
    for line in [
        "state: stop",
        "list_OK",
        "changed",
        "changed:mixer",
        "binary: 5",
        "OK MPD 0.23.5",
        "OK\\x20",
    ] {
        for stage in [Stage::On, Stage::Leaving] {
            let shown = line.replace("\\x20", " ");
            let session = format!(
                "S: {line}\n> error: protocol error: only what has changed is told in idle: \"{shown}\""
            );
            at(stage, &session);
        }
    }
}

/// G1, G18, crossing 10: the end in each phase, between two lines, within one, and by a reset. Each
/// command has its outcome before.
#[test]
fn crossing_10_eof_in_each_phase() {
    let ends = [
        ("S: <EOF>", "the connection was closed"),
        (
            "S: OK\\\nS: <EOF>",
            "the connection was closed in the middle of a frame, after 2 bytes of it",
        ),
        ("S: <RESET>", "the connection was reset"),
        ("S: OK\\\nS: <RESET>", "the connection was reset"),
    ];
    for (end, how) in ends {
        for stage in STAGES {
            let session = format!(
                "! command status
                ! command status
                {end}
                > never-sent 1 the connection ended
                > never-sent 2 the connection ended
                > closed: {how}"
            );
            let client = at(stage, &session);
            assert_eq!((client.phase(), client.pending()), (Phase::Off, 0));
        }
        for stage in GREETED_STAGES {
            at(stage, &format!("{end}\n> closed: {how}"));
        }
        let behind = "= in-flight 8
            ! command status
            C: noidle
            C: status
            S: OK
            > not listening
            C: idle
            S: volume: 50
            > part 1 volume: 50
            ";
        let unanswered = "> unanswered 1 the connection ended";
        idling(&format!("{behind}{end}\n{unanswered}\n> closed: {how}"));
        mpd(&format!("C: status\n{end}\n{unanswered}\n> closed: {how}"));
    }
}
