//! Crossings of a mode that is entered at once, and whose end has no words of its own.

use bellwire::mode::Phase;
use bellwire::{Client, Config, Error, LimitKind};

use super::common::client_of;
use super::{Mpd, mpd, mpd_idling};

/// G7: commands wait for the greeting, and it is taken for no reply. Another server is none.
#[test]
fn greeting_first() {
    let session = "= newline lf
        ! command status
        S: OK MPD 0.23.5
        > greeting OK MPD 0.23.5
        C: status
        S: volume: 50
        S| OK
        > part 1 volume: 50
        > reply 1 OK";
    client_of(&Mpd, session);
    let another = "= newline lf
        ! command status
        S: 220 ready
        > never-sent 1 the connection ended
        > error: protocol error: this is no MPD: \"220 ready\"";
    client_of(&Mpd, another);
    let full = "S: <EOF>\n> closed: the connection was closed";
    client_of(&Mpd, full);
}

/// G6, G10, crossings 1 and 7: `idle` is answered by all that has changed, then `OK`; and it is entered
/// again. What has changed before is told at once.
#[test]
fn mode_ends_by_itself_after_each_batch() {
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
    assert_eq!(mpd_idling(session).phase(), Phase::On);
}

/// G9, G10, crossing 5: a command in idle. `noidle` has no reply: the one `OK` is idle's.
#[test]
fn command_while_idling() {
    let session = "! command status
        C: noidle
        S: OK
        > not listening
        C: status
        S: volume: 50
        S| OK
        > part 1 volume: 50
        > reply 1 OK
        C: idle
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: idle";
    mpd_idling(session);
    let pipelined = "= in-flight 8
        ! command status
        ! command currentsong
        C: noidle
        C: status
        C: currentsong
        S: OK
        S| volume: 50
        S| OK
        > not listening
        > part 1 volume: 50
        > reply 1 OK
        C: idle
        S: OK
        S| changed: mixer
        > reply 2 OK
        > notification mixer";
    mpd_idling(pipelined);
}

/// G2, G10, crossing 2: idle ends by itself, and `noidle` is on the wire already. The server ignores it:
/// there is still one `OK`, and the next answer is the command's.
#[test]
fn end_of_idle_crosses_noidle() {
    let session = "! command status
        C: noidle
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: status
        S: volume: 50
        S| OK
        > part 1 volume: 50
        > reply 1 OK
        C: idle";
    mpd_idling(session);
    let pipelined = "= in-flight 8
        ! command status
        C: noidle
        C: status
        S: changed: mixer
        S| OK
        S| volume: 50
        S| OK
        > notification mixer
        > not listening
        > part 1 volume: 50
        > reply 1 OK
        C: idle";
    mpd_idling(pipelined);
    // It ended before `noidle` was said, and after it was decided that a command is to go.
    let sooner = "! command status
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: status
        S: OK
        > reply 1 OK
        C: idle";
    mpd_idling(sooner);
}

/// G10, crossing 3: refused, or closed.
#[test]
fn idle_is_refused() {
    let session = "S: ACK [5@0] {} unknown command \"idle\"
        > switch refused ACK [5@0] {} unknown command \"idle\"
        C: status
        S: OK
        > reply 1 OK
        ! listen
        C: idle";
    mpd_idling(session);
    let while_leaving = "! command status
        C: noidle
        S: ACK [5@0] {} unknown command \"idle\"
        > switch refused ACK [5@0] {} unknown command \"idle\"
        C: status
        S: OK
        > reply 1 OK";
    mpd_idling(while_leaving);
}

/// G10, crossing 4: listened and not, many times, in each phase.
#[test]
fn listen_and_unlisten_again() {
    mpd("! listen\n! unlisten\n! listen\n! unlisten\nC: status\nS: OK\n> reply 1 OK");
    mpd_idling("! unlisten\n! listen\nS: changed: mixer\n> notification mixer");
    let leaving = "! unlisten
        C: noidle
        ! listen
        ! unlisten
        ! listen
        S: OK
        > not listening
        C: idle
        ! unlisten
        C: noidle
        ! listen
        ! unlisten
        S: OK
        > not listening";
    mpd_idling(leaving);
}

/// G3, crossing 6: abandoned, in each phase.
#[test]
fn abandoned_in_each_phase() {
    let sent = "C: status
        ! abandon 1
        > held 1
        ! listen
        S: volume: 50
        S| OK
        > late 1 volume: 50
        > late 1 OK
        C: idle";
    mpd(sent);
    mpd_idling("! command status\n! abandon 1\n> withdrawn 1\nS: changed: x\n> notification x");
    let leaving = "! command status
        C: noidle
        ! abandon 1
        > withdrawn 1
        S: OK
        > not listening
        C: idle";
    mpd_idling(leaving);
    let pipelined = "= in-flight 8
        ! command status
        C: noidle
        C: status
        ! abandon 1
        > held 1
        S: OK
        > not listening
        C: idle
        S: volume: 50
        S| OK
        S| changed: mixer
        > late 1 volume: 50
        > late 1 OK
        > notification mixer";
    mpd_idling(pipelined);
}

/// G16, G17, crossing 8: own and peer silence while idling. Both leave, and enter again; the probe is
/// answered by the `OK` of `idle`.
#[test]
fn silence_while_idling() {
    mpd_idling("= rearm 29min\n.. 29min\nC: noidle\nS: OK\n> not listening\nC: idle\n.. 28min");
    let probed = "= silence 60s
        = probe 10s
        .. 60s
        C: noidle
        S: OK
        > not listening
        C: idle
        .. 60s
        C: noidle
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: idle
        .. 60s
        C: noidle
        .. 10s
        > error: timed out: the peer was silent and did not answer a probe";
    mpd_idling(probed);
    mpd("= silence 60s\n.. 60s\nC: ping\nS: OK\n.. 59s\nC: status\nS: OK\n> reply 1 OK");
}

/// G4, crossing 9: an `OK` that answers nothing is reported; in idle, none can be told from its end.
#[test]
fn unsolicited_in_each_phase() {
    mpd("S: OK\n> unsolicited OK\nS: changed: mixer\n> unsolicited changed: mixer");
    mpd_idling("S: OK\nS| OK\n> not listening\n> unsolicited OK\nC: idle");
    let stray = "S: volume: 50
        > error: protocol error: only changes are told in idle: \"volume: 50\"";
    mpd_idling(stray);
}

/// G1, G18, crossing 10: the end, in each phase.
#[test]
fn eof_in_each_phase() {
    for (end, how) in [("<EOF>", "closed"), ("<RESET>", "reset")] {
        let end = format!("S: {end}\n");
        let closed = format!("> closed: the connection was {how}");
        mpd(&format!("{end}{closed}"));
        mpd_idling(&format!("{end}{closed}"));
        let command =
            format!("! command status\n{end}> never-sent 1 the connection ended\n{closed}");
        mpd_idling(&command);
        mpd_idling(&command.replace(&end, &format!("C: noidle\n{end}")));
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
        mpd_idling(&format!("{behind}{end}> unanswered 1 the connection ended\n{closed}"));
    }
}

/// G12: what holds the mode open is the machine's own, and no command that waits: it takes nobody's
/// place.
#[test]
fn mode_is_no_pending_command() {
    assert_eq!(mpd_idling("").pending(), 0);
    let session = "= pending 1
        ! command status
        ! command status
        > refused: too much is waiting already (limit 1); try again later
        C: noidle
        S: OK
        > not listening
        C: status
        S: OK
        > reply 1 OK
        C: idle";
    mpd_idling(session);
}

/// G12: a reply of too many parts, or too large.
#[test]
fn limit_of_a_replys_parts() {
    for (parts, size, limit) in [(3, 1000, LimitKind::Parts), (1000, 50, LimitKind::Reply)] {
        let mut config = Config::default();
        config.limits.parts = parts;
        config.limits.reply = size;
        let mut client = Client::new(Mpd, config);
        client.feed(b"OK MPD 0.23.5\n");
        client.command("list").unwrap();
        let mut events = client.events();
        assert!(events.next().unwrap().is_some());
        assert_eq!(events.output(), b"list\n");
        let mut told = 0;
        let error = loop {
            events.feed(b"file: a long name\n");
            match events.next() {
                Ok(event) => told += usize::from(event.is_some()),
                Err(error) => break error,
            }
        };
        // So many parts, and what became of the command.
        assert_eq!(told, if limit == LimitKind::Parts { 4 } else { 3 });
        assert!(matches!(error, Error::Limit { limit: hit, .. } if hit == limit), "{error}");
    }
}
