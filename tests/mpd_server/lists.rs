//! Command lists.

use super::*;

/// Nothing is carried out before the end; then one after the other, with one `OK` in the end.
#[test]
fn plain_list() {
    mpd("C: command_list_begin
        C| status
        C: ping
        C: command_list_end
        > command 1 status
        ! reply 1 volume: 54
        > command 2 ping
        S: volume: 54
        ! reply 2
        S: OK
        C: ping
        > command 3 ping
        S: OK");
}

/// With `list_OK` behind each.
#[test]
fn list_with_marks() {
    mpd("C: command_list_ok_begin
        C| ping
        C| status
        C| currentsong
        C| command_list_end
        > command 1 ping
        S: list_OK
        > command 2 status
        S: volume: 51
        S| state: stop
        S| list_OK
        > command 3 currentsong
        ! reply 3
        S: list_OK
        S| OK");
    mpd("C: command_list_ok_begin
        C| albumart x 100
        C| ping
        C| command_list_end
        > command 1 albumart x 100
        S: binary: 8
        S| list_OK\\n
        S| list_OK
        > command 2 ping
        ! reply 2
        S: list_OK
        S| OK");
}

/// The first refusal ends the list: it says which command was refused, and the rest is never told.
#[test]
fn refused_in_a_list() {
    mpd("C: command_list_ok_begin
        C| ping
        C| play 999
        C| ping
        C| command_list_end
        C| ping
        > command 1 ping
        S: list_OK
        > command 2 play 999
        ! refuse 2 [2] Bad song index
        > command 3 ping
        S: ACK [2@1] {play} Bad song index
        ! reply 3
        S: OK");
    // Without marks; the program's own words for the whole line.
    mpd("C: command_list_begin
        C| ping
        C| nosuch
        C| ping
        C| command_list_end
        > command 1 ping
        ! reply 1
        > command 2 nosuch
        ! refuse 2 [5@0] {} unknown command \"nosuch\"
        S: ACK [5@1] {} unknown command \"nosuch\"");
    // By the machine itself.
    mpd("C: command_list_ok_begin
        C| ping
        C| add \"x
        C| ping
        C| command_list_end
        C| ping
        > command 1 ping
        ! reply 1
        > rejected: Missing closing '\"'
        > command 2 ping
        S: list_OK
        S| ACK [5@1] {} Missing closing '\"'
        ! reply 2
        S: OK");
}

/// A refusal of a command before the list does not concern it.
#[test]
fn refused_before_a_list() {
    mpd("C: play 999
        C| command_list_begin
        C| ping
        C| command_list_end
        C| status
        > command 1 play 999
        ! refuse 1 [2] Bad song index
        > command 2 ping
        S: ACK [2@0] {play} Bad song index
        ! reply 2
        > command 3 status
        S: OK
        ! reply 3
        S: OK");
}

/// An empty list; lists in lists; an end without a beginning; `noidle` in a list.
#[test]
fn odd_lists() {
    mpd("C: command_list_ok_begin\nC| command_list_end\nS: OK\nC: ping\n> command 1 ping\nS: OK");
    mpd("C: command_list_begin
        C| command_list_end
        C| ping
        > command 1 ping
        S: OK
        S| OK");
    mpd("C: ping
        C| command_list_begin
        C| command_list_end
        > command 1 ping
        ! reply 1
        S: OK
        S| OK");
    mpd("C: command_list_begin
        C| command_list_begin
        C| ping
        C| command_list_end
        C| command_list_end
        > rejected: unknown command \"command_list_begin\"
        > rejected: unknown command \"command_list_end\"
        S: ACK [5@0] {} unknown command \"command_list_begin\"
        S| ACK [5@0] {} unknown command \"command_list_end\"");
    mpd("C: command_list_ok_begin
        C| ping
        C| noidle
        C| ping
        C| noidle
        C| command_list_end
        > command 1 ping
        S: list_OK
        > command 2 ping
        ! reply 2
        S: list_OK
        S| OK");
}

/// `idle` in a list: the list stops there, and idle's end is its end. What stands behind is dropped.
#[test]
fn idle_in_a_list() {
    let until_idle = "C: command_list_ok_begin
        C| ping
        C| idle player
        C| ping
        C| command_list_end
        > command 1 ping
        ! reply 1
        > listening
        S: list_OK
        ";
    mpd(&format!(
        "{until_idle}! notify mixer
        > held mixer
        ! notify player
        > queued player
        S: changed: player
        S| OK
        C: noidle
        C: ping
        > command 2 ping
        S: OK"
    ));
    mpd(&format!("{until_idle}C: noidle\n> not listening\nS: OK"));
    mpd("! notify mixer
        > held mixer
        C: command_list_begin
        C| idle
        C| ping
        C| command_list_end
        C| ping
        > listening
        > command 1 ping
        S: changed: mixer
        S| OK
        ! reply 1
        S: OK");
    mpd("C: command_list_ok_begin
        C| ping
        C| idle nosuch
        C| ping
        C| command_list_end
        > command 1 ping
        ! reply 1
        > rejected: Unrecognized idle event
        S: list_OK
        S| ACK [2@1] {idle} Unrecognized idle event: nosuch");
}

/// What changes while a list runs is kept.
#[test]
fn change_while_a_list_runs() {
    mpd("C: command_list_begin
        C| setvol 50
        C| ping
        C| command_list_end
        C| idle
        > command 1 setvol 50
        ! notify mixer
        > held mixer
        ! reply 1
        > command 2 ping
        ! reply 2
        > listening
        S: OK
        S| changed: mixer
        S| OK");
}

/// What ends the connection ends it in a list, too: while it is written, and while it runs.
#[test]
fn closed_in_a_list() {
    mpd("C: command_list_begin
        C| ping
        C|
        > error: protocol error: an empty line: \"\"
        S: <EOF>");
    mpd("C: command_list_ok_begin
        C| ping
        C| close
        C| ping
        C| command_list_end
        > command 1 ping
        ! reply 1
        > goodbye close
        S: list_OK
        S: <EOF>");
    mpd("C: command_list_begin
        C| ping
        C| pi%ng
        C| ping
        C| command_list_end
        C| ping
        > command 1 ping
        ! reply 1
        > rejected: Invalid word character
        S: ACK [5@1] {} Invalid word character
        S: <EOF>");
    // A list that has not ended is lost, and never begun.
    mpd("C: command_list_begin\nC| setvol 50\nC: <EOF>
        > closed: the connection was closed in the middle of a frame, after 10 bytes of it
        S: <EOF>");
    mpd("C: command_list_begin
        C| setvol 50
        C| command_list_end
        > command 1 setvol 50
        C: <EOF>
        ! reply 1
        > closed: the connection was closed
        S: OK
        S: <EOF>");
}

/// G12, G25: the lines of a list are bounded, each with its end; and so is what is read behind it
/// while it runs.
#[test]
fn limits_of_lists() {
    let list = |pings: usize| {
        let mut config = ServerConfig::default();
        config.limits.list = 20;
        let mut server = Server::new(Mpd::default(), config);
        let list = format!("command_list_begin\n{}", "ping\n".repeat(pings));
        let mut events = server.feed(list.as_bytes());
        events.next().map(|event| event.map(ServerEvent::into_owned))
    };
    assert_eq!(list(4), Ok(None));
    let error = list(5).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: LimitKind::List, allowed: 20, .. }), "{error}");
    assert_eq!(ServerConfig::default().limits.list, 2 * 1024 * 1024);

    let mut server = mpd("C: command_list_begin\nC| ping\nC| ping\nC| command_list_end
        > command 1 ping");
    assert_eq!(server.pending(), 2);
    assert!(!server.wants_input());
    assert_eq!(server.feed(b"ping\n").next(), Ok(None));
}

/// G14 and G25: a long list takes linear time and is given back.
#[test]
fn long_list() {
    let mut server = Server::new(Mpd::default(), ServerConfig::default());
    let pings = 2 * 1024 * 1024 / 5;
    server.feed(b"command_list_begin\n");
    for _ in 0..pings {
        assert_eq!(server.feed(b"ping\n").next(), Ok(None));
    }
    let mut told = 0;
    let mut events = server.feed(b"command_list_end\n");
    while let Some(event) = events.next().unwrap() {
        let ServerEvent::Command { ticket, text: b"ping", .. } = event else { panic!("{event}") };
        events.reply(ticket, Reply::done("")).unwrap();
        told += 1;
    }
    assert_eq!(told, pings);
    assert_eq!(server.output(), b"OK MPD 0.23.5\nOK\n");
}
