//! What ends a connection, and with which last words.

use super::*;

/// Without a word: what no client of MPD says.
#[test]
fn closed_without_a_word() {
    let (empty, first) = ("an empty line", "a command begins with a lower-case letter");
    for (line, why, shown) in [
        ("", empty, ""),
        ("\\r", empty, ""),
        ("\\x20", empty, " "),
        ("\\x20ping", first, " ping"),
        ("PING", first, "PING"),
        ("GET / HTTP/1.1", first, "GET / HTTP/1.1"),
        ("\"ping\"", first, "\"ping\""),
    ] {
        let closed = format!("C: {line}\n> error: protocol error: {why}: \"{shown}\"\nS: <EOF>");
        mpd(&closed);
        mpd(&format!("C: ping\n> command 1 ping\nS: OK\n{closed}"));
    }
}

/// In idle: any but `noidle`, also a second `idle`.
#[test]
fn closed_in_idle() {
    for line in ["ping", "idle", "idle player", "noidle x", "close", "command_list_begin"] {
        mpd_idling(&format!(
            "C: {line}
            > error: protocol error: in idle, only noidle may be said: \"{line}\"
            S: <EOF>"
        ));
    }
    mpd_idling("C:\n> error: protocol error: an empty line: \"\"\nS: <EOF>");
}

/// Answers that are not written yet are lost, as MPD loses them; and so are replies that come later.
#[test]
fn what_is_not_written_is_lost() {
    let mut server = mpd("C: ping
        C| status
        C|
        > command 1 ping
        > command 2 status
        > error: protocol error: an empty line: \"\"
        S: <EOF>");
    assert_eq!(server.output(), b"");
    assert_eq!(server.notify("mixer").unwrap_err().why, Refusal::Closed);
    assert!(server.is_finished());
}

/// A line whose first word is none is refused, and then the connection is closed: this is no client of
/// MPD. What it says then is not heard.
#[test]
fn expelled() {
    mpd("C: ping
        C| pi%ng
        C| ping
        > command 1 ping
        > rejected: Invalid word character
        ! reply 1
        S: OK
        S| ACK [5@0] {} Invalid word character
        S: <EOF>");
}

/// `close` is answered by nothing but the end, when all before it is answered.
#[test]
fn close() {
    mpd("C: close\n> goodbye close\nS: <EOF>");
    let mut server = mpd("C: status
        C| close x
        C| ping
        > command 1 status
        > goodbye close x
        ! reply 1 volume: 54
        S: volume: 54
        S| OK
        S: <EOF>");
    assert!(!server.wants_input());
    assert_eq!(server.feed(b"ping\n").next(), Ok(None));
}

/// One that says goodbye, and closes its half: what it asked before is answered.
#[test]
fn closed_and_waiting() {
    mpd("C: status
        C| close
        > command 1 status
        > goodbye close
        C: <EOF>
        ! reply 1 volume: 54
        S: volume: 54
        S| OK
        S: <EOF>");
}

/// G18: one that says goodbye, or what no client says, and is gone at once: nobody reads the answers.
#[test]
fn closed_and_gone() {
    for last in ["close", "pi%ng"] {
        for told in [true, false] {
            let mut server = Server::new(Mpd::default(), ServerConfig::default());
            server.feed(format!("ping\n{last}\n").as_bytes());
            if told {
                while server.events().next().unwrap().is_some() {}
            }
            server.feed_reset();
            while server.events().next().unwrap().is_some() {}
            assert_eq!(server.output(), b"", "{last}");
            assert!(server.is_finished() && server.deadline().is_none(), "{last}");
        }
    }
}

/// A line that is too long, whether its end has come or not.
#[test]
fn closed_for_a_long_line() {
    let error = "> error: protocol error: the line is too long: \"0123456789abcdef\"";
    mpd(&format!("= frame 16\nC: 0123456789abcdefgh\n{error}\nS: <EOF>"));
    mpd(&format!("= frame 16\nC: 0123456789abcdefgh\\\n{error}\nS: <EOF>"));
    mpd("= frame 16\nC: find 0123456789a\\r\n> command 1 find 0123456789a\nS: OK");
}

/// G18: the ends of a connection are told apart, in idle, too.
#[test]
fn ends() {
    mpd("C: <EOF>\n> closed: the connection was closed\nS: <EOF>");
    mpd("C: <RESET>\n> closed: the connection was reset\nS: <EOF>");
    mpd_idling("C: <EOF>\n> closed: the connection was closed\nS: <EOF>");
    mpd_idling(
        "C: noid\\
        C: <EOF>
        > closed: the connection was closed in the middle of a frame, after 4 bytes of it
        S: <EOF>",
    );
    // A client that closes its half has its answers.
    mpd("C: status
        C| idle
        > command 1 status
        > listening
        C: <EOF>
        ! reply 1 volume: 54
        > closed: the connection was closed
        S: volume: 54
        S| OK
        S: <EOF>");
}
