//! Servers that answer a `noidle` that comes too late, with an `OK` of its own.

use bellwire::Client;
use bellwire::dialect::mpd::Mpd;

use super::mpd_of;

/// Plays a session with such a server, on which this client idles.
fn idling(session: &str) -> Client<Mpd> {
    let mut dialect = Mpd::default();
    dialect.answers_stray_noidle = true;
    mpd_of(&dialect, &format!("! listen\nC: idle\n{session}"))
}

/// G2, crossing 2: idle ends by itself, and `noidle` is on the wire already. There are two `OK`s, and
/// the next answer is the command's.
#[test]
fn two_answers_if_idle_had_ended() {
    let session = "! command status
        C: noidle
        S: changed: mixer
        S| changed: player
        S| OK
        > notification mixer
        > notification player
        S: OK
        > not listening
        C: status
        S: state: stop
        S| OK
        > part 1 state: stop
        > reply 1
        C: idle";
    idling(session);
    let pipelined = "= in-flight 8
        ! command status
        C: noidle
        C: status
        S: changed: mixer
        S| OK
        S| OK
        S| state: stop
        S| OK
        > notification mixer
        > not listening
        > part 1 state: stop
        > reply 1
        C: idle";
    idling(pipelined);
    // Told before `noidle` was said, but the end crosses.
    let between = "S: changed: mixer
        > notification mixer
        ! unlisten
        C: noidle
        S: OK
        S| OK
        > not listening";
    idling(between);
}

/// G2, G10: one `OK` if `noidle` found idle, or was not said.
#[test]
fn one_answer_otherwise() {
    let found = "! command status
        C: noidle
        S: OK
        > not listening
        C: status
        S: OK
        > reply 1
        C: idle
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: idle
        ! unlisten
        C: noidle
        S: OK
        > not listening";
    idling(found);
    idling("S: changed: x\nS| OK\n> notification x\n> not listening\nC: idle");
    idling(
        "S: changed: x\nS| OK\nS| OK\n> notification x\n> not listening\n> unsolicited OK\nC: idle",
    );
}

/// G7: whatever is said to the late `noidle`, idle was not refused; and nothing else is said there.
#[test]
fn the_second_answer() {
    let refused = "! command ping
        C: noidle
        S: changed: mixer
        S| OK
        S| ACK [5@0] {} unknown command \"noidle\"
        > notification mixer
        > not listening
        C: ping
        S: OK
        > reply 1
        C: idle";
    idling(refused);
    let change = "! unlisten
        C: noidle
        S: changed: mixer
        S| OK
        S| changed: player
        > notification mixer
        > error: protocol error: only what has changed is told in idle: \"changed: player\"";
    idling(change);
    // A refusal does not have an answer behind it.
    idling("! unlisten\nC: noidle\nS: ACK [5@0] {idle} x\n> switch refused [5@0] {idle} x");
}

/// G16: set for a server that does not need it, it makes the client wait for nothing.
#[test]
fn the_second_answer_stays_away() {
    let session = "= silence 5min
        ! unlisten
        C: noidle
        S: changed: mixer
        S| OK
        > notification mixer
        .. 30s
        > error: timed out: no acknowledgement of a mode switch came";
    idling(session);
}

/// G1, G3, G18, crossings 4, 6 and 10: between the two, as anywhere else while leaving.
#[test]
fn between_the_two_answers() {
    let between = "! command status
        C: noidle
        S: changed: mixer
        S| OK
        > notification mixer\n";
    let closed =
        "S: <EOF>\n> never-sent 1 the connection ended\n> closed: the connection was closed";
    idling(&format!("{between}{closed}"));
    idling(&format!("{between}! abandon 1\n> withdrawn 1\nS: OK\n> not listening\nC: idle"));
    let again =
        "! unlisten\n! listen\n! unlisten\nS: OK\n> not listening\nC: status\nS: OK\n> reply 1";
    idling(&format!("{between}{again}"));
}
