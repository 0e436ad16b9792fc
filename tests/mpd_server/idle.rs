//! `idle`, `noidle`, and what crosses them.

use super::*;

/// G7, G24: `idle` is answered by nothing until something changes; then by all that has, and `OK`.
#[test]
fn idle_is_answered_when_something_changes() {
    mpd_idling(
        "! notify playlist
        > queued playlist
        S: changed: playlist
        S| OK
        C: ping
        > command 1 ping
        S: OK",
    );
    // Several in one breath, in MPD's order, each once.
    let mut server = mpd_idling("");
    assert_eq!(server.notify("mixer"), Ok(Notify::Queued));
    assert_eq!(server.notify("playlist"), Ok(Notify::Queued));
    assert_eq!(server.notify("mixer"), Ok(Notify::Merged));
    assert!(server.is_listening());
    assert_eq!(server.output(), b"changed: playlist\nchanged: mixer\nOK\n");
    assert!(!server.is_listening());
    assert_eq!(server.notify("mixer"), Ok(Notify::Held));
}

/// What changes while nobody idles is kept, each once, and told at once. A second change is not lost.
#[test]
fn changes_are_kept() {
    mpd("! notify options
        > held options
        ! notify database
        > held database
        ! notify options
        > merged options
        C: idle
        > listening
        S: changed: database
        S| changed: options
        S| OK
        ! notify database
        > held database
        C: idle
        > listening
        S: changed: database
        S| OK");
    // While a command is not answered, too: nothing comes between it and its answer.
    mpd("C: setvol 50
        > command 1 setvol 50
        ! notify mixer
        > held mixer
        S: OK
        C: idle
        > listening
        S: changed: mixer
        S| OK");
    mpd("! notify mixer\n> held mixer\n! retract mixer\nC: idle\n> listening");
}

/// What is retracted before it was said ends nothing.
#[test]
fn retracted_in_time() {
    let mut server = mpd_idling("");
    assert_eq!(server.notify("mixer"), Ok(Notify::Queued));
    server.retract("mixer");
    assert!(matches!(server.feed(b"noidle\n").next(), Ok(Some(ServerEvent::NotListening(_)))));
    assert_eq!(server.output(), b"OK\n");
}

/// `noidle` has no reply of its own: the one `OK` is idle's. Outside idle it is ignored.
#[test]
fn noidle() {
    mpd_idling("C: noidle\n> not listening\nS: OK\nC: ping\n> command 1 ping\nS: OK");
    mpd("C: noidle\nC: noidle\nC: ping\n> command 1 ping\nS: OK");
    mpd("C: idle
        C| noidle
        C| ping
        > listening
        > not listening
        > command 1 ping
        S: OK
        S| OK");
}

/// G10, crossing 2: a change and `noidle` cross. There is one `OK`, and no change is lost: either it
/// is told, and `noidle` is ignored, or it is kept for the next `idle`.
#[test]
fn noidle_crosses_a_change() {
    mpd_idling(
        "! notify mixer
        > queued mixer
        C: noidle
        S: changed: mixer
        S| OK
        C: ping
        > command 1 ping
        S: OK
        C: idle
        > listening",
    );
    mpd_idling(
        "C: noidle
        > not listening
        ! notify mixer
        > held mixer
        S: OK
        C: ping
        > command 1 ping
        S: OK
        C: idle
        > listening
        S: changed: mixer
        S| OK",
    );
    // The change comes in the middle of the word.
    mpd_idling(
        "C: noid\\
        ! notify mixer
        > queued mixer
        S: changed: mixer
        S| OK
        C: le
        C: ping
        > command 1 ping
        S: OK",
    );
}

/// Only what is waited for ends `idle`; but its answer forgets all that has changed. `noidle` forgets
/// nothing.
#[test]
fn filtered() {
    mpd("C: idle player mixer
        > listening
        ! notify options
        > held options
        ! notify mixer
        > queued mixer
        S: changed: mixer
        S| OK
        C: idle options
        > listening
        C: noidle
        > not listening
        S: OK");
    mpd("C: idle player
        > listening
        ! notify options
        > held options
        C: noidle
        > not listening
        S: OK
        C: idle
        > listening
        S: changed: options
        S| OK");
    // In quotes, in capitals, more than once.
    mpd("! notify mixer
        > held mixer
        C: idle \"player\" PLAYER
        > listening
        ! notify player
        > queued player
        S: changed: player
        S| OK");
}

/// What is no subsystem is not waited for, and cannot be announced.
#[test]
fn unknown_subsystems() {
    mpd("C: idle nosuch
        > rejected: Unrecognized idle event
        S: ACK [2@0] {idle} Unrecognized idle event: nosuch
        C: idle player \"no such\" other
        > rejected: Unrecognized idle event
        S: ACK [2@0] {idle} Unrecognized idle event: no such
        C: ping
        > command 1 ping
        S: OK");
    let mut server = mpd("");
    let refused = server.notify("nosuch").unwrap_err();
    assert_eq!((refused.value, refused.why), ("nosuch", Refusal::Form("no such subsystem")));

    let mut doors = Mpd::default();
    doors.subsystems = &["window", "door"];
    let session = "= newline lf
        S: OK MPD 0.23.5
        ! notify door
        > held door
        ! notify window
        > held window
        C: idle player
        > rejected: Unrecognized idle event
        S: ACK [2@0] {idle} Unrecognized idle event: player
        C: idle door
        > listening
        S: changed: door
        S| OK";
    common::server_of(&doors, session);
}

/// G24: `idle` behind commands is entered when they are answered, and so is what it means for what
/// stands behind it.
#[test]
fn idle_waits_its_turn() {
    mpd("C: status
        C| idle
        C| noidle
        C| ping
        > command 1 status
        > listening
        ! notify mixer
        > held mixer
        ! reply 1 volume: 54
        > command 2 ping
        S: volume: 54
        S| OK
        S| changed: mixer
        S| OK
        ! reply 2
        S: OK");
    mpd("C: status
        C| idle
        C| noidle
        C| ping
        > command 1 status
        > listening
        ! reply 1 volume: 54
        > not listening
        > command 2 ping
        S: volume: 54
        S| OK
        S| OK
        ! reply 2
        S: OK");
}

/// The same bytes, two outcomes: what has changed before answers `idle` at once, and then a command is
/// no command in idle.
#[test]
fn command_behind_idle() {
    mpd("! notify mixer
        > held mixer
        C: idle
        C| ping
        > listening
        > command 1 ping
        S: changed: mixer
        S| OK
        ! reply 1
        S: OK");
    mpd("C: idle
        C| ping
        > listening
        > error: protocol error: in idle, only noidle may be said: \"ping\"
        S: <EOF>");
}

/// G25: a client that does not read costs a bounded amount: one answer for each `idle`, and no more
/// is heard of it while too much is due.
#[test]
fn changes_to_a_client_that_does_not_read() {
    let mut config = ServerConfig::default();
    config.limits.output = 100;
    let mut server = Server::new(Mpd::default(), config);
    for _ in 0..1000 {
        server.notify("mixer").unwrap();
        server.notify("player").unwrap();
        let mut events = server.feed(b"idle\n");
        while events.next().unwrap().is_some() {}
        if !server.wants_input() {
            break;
        }
    }
    let due = server.output().len();
    assert!((100..150).contains(&due), "{due}");
    for _ in 0..1000 {
        assert!(server.notify("mixer").is_ok());
    }
    assert_eq!(server.output().len(), due);
    assert_eq!(server.notify("mixer"), Ok(Notify::Merged));
    server.written(due);
    assert!(server.wants_input());
}

/// G16: a client that idles waits for an answer, and has all the time of the world; its silence
/// counts before and after.
#[test]
fn silence_counts_outside_idle_only() {
    mpd("= silence 60s
        .. 59s
        C: ping
        > command 1 ping
        S: OK
        .. 59s
        C: idle
        > listening
        .. 65s
        C: noid\\
        .. 65s
        C: le
        > not listening
        S: OK
        .. 59s
        C: idle
        > listening
        .. 65s
        ! notify mixer
        > queued mixer
        S: changed: mixer
        S| OK
        .. 59s
        C: command_list_begin
        .. 59s
        C: ping
        .. 60s
        > error: timed out: the client said nothing
        S: <EOF>");
    for end in ["C: noidle\n> not listening", "! notify mixer\n> queued mixer\nS: changed: mixer"] {
        mpd_idling(&format!(
            "= silence 60s
            .. 65s
            .. 65s
            {end}
            S: OK
            .. 60s
            > error: timed out: the client said nothing
            S: <EOF>"
        ));
    }
}
