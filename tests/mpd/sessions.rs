//! Sessions as the real server has them.

use bellwire::dialect::mpd::{Mpd, Version};
use bellwire::{Client, Config, Error, LimitKind};

use super::common::client_of;
use super::{GREETED, idling, mpd};

/// G7: commands wait for the greeting, which is taken for no reply; it says the protocol's version.
#[test]
fn greeting_first() {
    let session = "= newline lf
        ! command ping
        ! listen
        S: OK MPD 0.23.5
        > greeting OK MPD 0.23.5
        C: ping
        S: OK
        > reply 1
        C: idle";
    let client = client_of(&Mpd::default(), session);
    let version = client.dialect().version().unwrap();
    assert_eq!(version, Version { major: 0, minor: 23, patch: 5 });
    assert_eq!(version.to_string(), "0.23.5");
    assert!(version > Version { major: 0, minor: 9, patch: 30 });
    assert_eq!(Mpd::default().version(), None);
    client_of(&Mpd::default(), "= newline lf\nS: OK MPD 0.24\n> greeting OK MPD 0.24");
}

/// G7, G18: what else a server may say first is no greeting, also not what it says later.
#[test]
fn another_server_is_told_so() {
    for greeting in
        ["220 ready", "OK", "OK MPD", "OK MPD x.y", "OK MPD 0.", "changed: player", "ACK x"]
    {
        let session = "= newline lf
            ! command ping
            S: GREETING
            > never-sent 1 the connection ended
            > error: protocol error: this is no MPD: it does not greet with OK MPD and a version: \
                \"GREETING\"";
        let client = client_of(&Mpd::default(), &session.replace("GREETING", greeting));
        assert_eq!(client.dialect().version(), None, "{greeting}");
    }
}

/// G1, G18: over its limit of connections, MPD closes without a word.
#[test]
fn too_many_connections() {
    let session = "! command ping
        ! listen
        S: <EOF>
        > never-sent 1 the connection ended
        > closed: the connection was closed";
    client_of(&Mpd::default(), session);
}

/// G2, G6: replies have parts, or none; refusals have a text. All are told apart in a pipeline, too.
#[test]
fn replies_and_refusals() {
    let session = "C: setvol 50
        C: nosuch
        C: status
        C: add nosuch.wav
        C: ping
        S: OK
        S| ACK [5@0] {} unknown command \"nosuch\"
        S| volume: 54
        S| state: stop
        S| OK
        S| ACK [50@0] {add} No such directory
        S| OK
        > reply 1
        > refused 2 [5@0] {} unknown command \"nosuch\"
        > part 3 volume: 54
        > part 3 state: stop
        > reply 3
        > refused 4 [50@0] {add} No such directory
        > reply 5";
    mpd(&format!("= in-flight 8\n{session}"));
    let one_at_a_time = "C: nosuch
        S: ACK [5@0] {} unknown command \"nosuch\"
        > refused 1 [5@0] {} unknown command \"nosuch\"
        C: ping
        S: OK
        > reply 2";
    mpd(one_at_a_time);
}

/// G2: some of the output may come before the refusal.
#[test]
fn refusal_behind_parts() {
    let session = "C: listplaylistinfo x
        S: file: a.wav
        S| ACK [50@0] {listplaylistinfo} No such song
        > part 1 file: a.wav
        > refused 1 [50@0] {listplaylistinfo} No such song";
    mpd(session);
}

/// G7: `changed`, and whatever else looks like something in idle or in a list, is a part of the reply
/// to another command; also what has colons in its key, or nothing behind the blank.
#[test]
fn parts_that_look_like_something_else() {
    let session = "C: readcomments a.flac
        S: changed: player
        S| OK: fine
        S| ACK: no
        S| list_OK: no
        S| comment: OK
        S| title:\\x20
        S| 0:file: a.flac
        S| error: \\r
        S| OK
        > part 1 changed: player
        > part 1 OK: fine
        > part 1 ACK: no
        > part 1 list_OK: no
        > part 1 comment: OK
        > part 1 title: 
        > part 1 0:file: a.flac
        > part 1 error: \\r
        > reply 1";
    mpd(session);
}

/// G4: what is no line of a reply is reported, and the reply goes on.
#[test]
fn lines_that_are_no_part() {
    for line in
        ["list_OK", "hello", "key:value", ": value", "OK MPD 0.23.5", "OK\\x20", "ok", "ACK", ":"]
    {
        let session = "C: status
            S: LINE
            S| state: stop
            S| OK
            > unsolicited LINE
            > part 1 state: stop
            > reply 1";
        mpd(&session
            .replace("unsolicited LINE", &format!("unsolicited {}", line.replace("\\x20", " ")))
            .replace("LINE", line));
    }
    mpd("C: status\nS: \nS| OK\n> unsolicited\n> reply 1");
}

/// G6, G10: several changes at once; a change that came while something else was asked; the changes
/// that one makes oneself.
#[test]
fn changes_are_kept_until_idle() {
    let session = "! command setvol 50
        C: noidle
        S: OK
        > not listening
        C: setvol 50
        S: OK
        > reply 1
        C: idle
        S: changed: playlist
        S| changed: mixer
        S| changed: options
        S| OK
        > notification playlist
        > notification mixer
        > notification options
        > not listening
        C: idle";
    idling(session);
}

/// G9: what may not be done, before a password was given and after.
#[test]
fn permissions() {
    let session = "C: setvol 10
        S: ACK [4@0] {setvol} you don't have permission for \"setvol\"
        > refused 1 [4@0] {setvol} you don't have permission for \"setvol\"
        C: password wrong
        S: ACK [3@0] {password} incorrect password
        > refused 2 [3@0] {password} incorrect password
        C: password sesame
        S: OK
        > reply 3
        C: setvol 10
        S: OK
        > reply 4";
    mpd(session);
    let idle = "! listen
        C: idle
        S: ACK [4@0] {idle} you don't have permission for \"idle\"
        > switch refused [4@0] {idle} you don't have permission for \"idle\"
        C: password sesame
        S: OK
        > reply 1
        ! listen
        C: idle";
    let client = mpd(idle);
    assert!(!client.is_refused());
}

/// G9: a message from another client is a change like any other, and is read by a command.
#[test]
fn messages() {
    let session = "S: changed: message
        S| OK
        > notification message
        > not listening
        ! command readmessages
        C: readmessages
        S: channel: ch
        S| message: hello there
        S| OK
        > part 1 channel: ch
        > part 1 message: hello there
        > reply 1
        C: idle";
    idling(session);
}

/// G16: MPD closes connections that say nothing for a minute, so that the client asks before. It is
/// asked in idle as well, where that is how a dead server is found.
#[test]
fn silence() {
    mpd(".. 29s\n.. 1s\nC: ping\nS: OK\n.. 29s\nC: status\nS: OK\n> reply 1\n.. 30s\nC: ping");
    let dead = ".. 30s
        C: noidle
        .. 29s
        .. 1s
        > error: timed out: the peer was silent and did not answer a probe";
    idling(dead);
    let session = ".. 30s
        C: noidle
        S: OK
        > not listening
        C: idle
        .. 30s
        C: noidle
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: idle";
    idling(session);
    // What is due before idle is entered is not answered by that.
    mpd(".. 30s\n! listen\nC: idle\nC: noidle\n.. 29s\nS: OK\n> not listening\nC: idle\n.. 29s");
    let mut never = Mpd::default();
    never.silence = None;
    client_of(&never, &format!("{GREETED}.. 59min\n! listen\nC: idle\n.. 59min"));
    // The configuration takes precedence.
    mpd("= silence 5s\n.. 4s\n.. 1s\nC: ping");
}

/// G12: what holds idle open is the machine's own, and takes no command's place.
#[test]
fn idle_is_no_pending_command() {
    assert_eq!(idling("").pending(), 0);
    let session = "= pending 1
        ! command status
        ! command status
        > refused: too much is waiting already (limit 1); try again later
        C: noidle
        S: OK
        > not listening
        C: status
        S: OK
        > reply 1
        C: idle";
    idling(session);
}

/// G12: a reply of too many parts, or too large; also of a command that was abandoned.
#[test]
fn limit_of_a_replys_parts() {
    let both = [(3, 1000, LimitKind::Parts), (1000, 3 * 17, LimitKind::Reply)];
    let all = both.iter().flat_map(|case| [(case, false), (case, true)]);
    for (&(parts, size, limit), abandoned) in all {
        let mut config = Config::default();
        config.limits.parts = parts;
        config.limits.reply = size;
        let mut client = Client::new(Mpd::default(), config);
        client.feed(b"OK MPD 0.23.5\n");
        let ticket = client.command("listall").unwrap();
        let mut events = client.events();
        assert!(events.next().unwrap().is_some());
        assert_eq!(events.output(), b"listall\n");
        if abandoned {
            client.abandon(ticket);
        }
        let mut events = client.events();
        let mut told = 0;
        let error = loop {
            events.feed(b"file: a long name\n");
            match events.next() {
                Ok(event) => told += usize::from(event.is_some()),
                Err(error) => break error,
            }
        };
        // So many parts, and what became of the command, unless it was abandoned.
        assert_eq!(told, if abandoned { 3 } else { 4 });
        assert!(matches!(error, Error::Limit { limit: hit, .. } if hit == limit), "{error}");
    }
}
