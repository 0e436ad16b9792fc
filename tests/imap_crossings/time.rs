//! Crossing 8, and deadlines: own silence, the server's, and acknowledgements that do not come.

use bellwire::dialect::imap::Imap;
use bellwire::mode::Phase;
use bellwire::{Client, Config};

use super::common::{secs, sent, told};
use super::{idling, off, within};

const AGAIN: &str = "C: DONE
    S: A1 OK Idle completed
    > not listening
    C: A2 IDLE
    S: + idling
    > listening
    ";

const HEARD: &str = "S: * OK Still here\n> notification OK\n";

/// G16: a server logs out whoever says nothing for half an hour (RFC 2177), though it says something itself
/// all the while. So the mode is left and entered again before that, counted from when it was entered.
#[test]
fn crossing_8_own_silence() {
    let heard = format!(".. 4min\n{HEARD}").repeat(6);
    let client = idling(&format!("{heard}.. 3min\n{HEARD}.. 59s\n.. 1s\n{AGAIN}"));
    assert_eq!(client.phase(), Phase::On);
    idling(&format!("{heard}.. 4min\n{AGAIN}{HEARD}{heard}.. 3min\n"));
    idling(&format!("= rearm 10s\n.. 9s\n{HEARD}.. 1s\n{AGAIN}.. 9s"));
}

/// G16: that the mode has been entered ends the deadline of that, and of no command beside it.
#[test]
fn entered_beside_a_command() {
    off("= in-flight 8
        ! within 90s NOOP
        C: A1 NOOP
        ! listen
        C: A2 IDLE
        S: + idling
        > listening
        .. 61s
        .. 28s
        .. 1s
        > unanswered 1 its deadline passed");
}

/// G17, crossing 8: it is time to enter again in the same instant as data comes, or a command, or the end.
/// The data is told first, and nothing is said twice.
#[test]
fn crossing_8_in_the_same_instant() {
    let mut client = Client::new(Imap::default(), Config::default());
    client.tick(secs(0));
    client.feed(b"* PREAUTH ready\r\n");
    client.listen();
    told(&mut client);
    assert_eq!(sent(&mut client), "A1 IDLE\r\n");
    client.feed(b"+ idling\r\n");
    assert_eq!(told(&mut client), ["listening"]);
    client.tick(secs(0));
    for time in (240..1680).step_by(240) {
        client.tick(secs(time));
        client.feed(b"* OK Still here\r\n");
        client.tick(secs(time));
        assert_eq!((told(&mut client).len(), sent(&mut client).as_str()), (1, ""));
    }
    client.tick(secs(1440));
    assert_eq!(client.deadline(), Some(secs(1680)));
    client.feed(b"* 4 EXISTS\r\n* 5 EX");
    client.tick(secs(1680));
    assert_eq!(told(&mut client), ["notification EXISTS"]);
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "DONE\r\n");
    client.feed(b"ISTS\r\nA1 OK Idle completed\r\n");
    assert_eq!(told(&mut client), ["notification EXISTS", "not listening"]);
    assert_eq!(sent(&mut client), "A2 NOOP\r\n");
    client.feed(b"A2 OK done\r\n");
    assert_eq!(told(&mut client), ["reply 1 OK done"]);
    assert_eq!(sent(&mut client), "A3 IDLE\r\n");
    client.feed(b"+ idling\r\n");
    client.tick(secs(1681));
    assert_eq!((told(&mut client).len(), client.phase()), (1, Phase::On));
    client.tick(secs(1681));
    client.feed(b"* 6 EXISTS\r\n* BYE Autologout\r\n");
    client.feed_eof();
    client.tick(secs(1681 + 1680));
    let events =
        ["notification EXISTS", "goodbye * BYE Autologout", "closed: the connection was closed"];
    assert_eq!(told(&mut client), events);
    assert_eq!(sent(&mut client), "");
}

/// G16: any word of the server's is life, `* OK Still here` above all. When there has been none for a while,
/// the mode is left and entered again, which it has to answer.
#[test]
fn silence_of_the_server() {
    let heard = format!("= silence 60s\n.. 50s\n{HEARD}.. 50s\n{HEARD}.. 59s\n");
    assert_eq!(idling(&heard).phase(), Phase::On);
    idling(&format!("{heard}.. 1s\n{AGAIN}.. 59s"));
    idling(&format!(".. 4min\n{HEARD}.. 299s\n.. 1s\n{AGAIN}"));
    idling(
        "= silence 60s
        = probe 10s
        .. 60s
        C: DONE
        .. 10s
        > error: timed out: the peer was silent and did not answer a probe",
    );
    // Outside the mode, it is asked.
    off("= silence 60s
        .. 60s
        C: A1 NOOP
        S: * 4 EXISTS
        S| A1 OK done
        > data * 4 EXISTS
        .. 59s");
}

/// G16, G18, crossing 3: nothing instead of `+`, and nothing instead of the tagged reply.
#[test]
fn no_acknowledgement() {
    let why = "error: timed out: no acknowledgement of a mode switch came";
    for phase in [Phase::Entering, Phase::Leaving] {
        let session = "= switch 30s
            ! command NOOP
            .. 29s
            S: * OK Still here
            > notification OK
            .. 1s
            > never-sent 1 the connection ended
            ";
        within(phase, &format!("{session}> {why}"));
    }
    // Being on takes as long as it does.
    idling(&format!("= switch 30s\n.. 200s\n{HEARD}.. 200s\n{HEARD}"));
}

/// G17: after a suspend, the server is asked before anything is given up.
#[test]
fn suspend() {
    idling(
        ".. 8h
        C: DONE
        S: * 4 EXISTS
        S| A1 OK Idle completed
        > notification EXISTS
        > not listening
        C: A2 IDLE",
    );
}
