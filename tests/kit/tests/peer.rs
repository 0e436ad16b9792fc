//! The scripted peer without I/O: what it says, what it awaits, and what it says of those who differ.

use std::time::Duration;

use bellwire_testkit::{Closing, Mismatch, Peer};

const SESSION: &str = "
    = newline lf
    S: hello
    C: random?
    S: 456902\\
    S: 234
    S| notif: random
    C: more?
    .. 29min
    S: that
    S: <EOF>
";

fn mins(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// All that it says now, a write each.
fn says(peer: &mut Peer) -> Vec<String> {
    let mut said = Vec::new();
    while !peer.output().is_empty() {
        said.push(String::from_utf8(peer.output().to_vec()).unwrap());
        peer.written(peer.output().len());
    }
    said
}

/// How a server's end came out that has said all that it could.
#[track_caller]
fn why(peer: &mut Peer) -> String {
    says(peer);
    peer.outcome().expect("it goes on").clone().unwrap_err().to_string()
}

fn differs(text: &str, heard: &str) -> String {
    let mut peer = Peer::server(text).unwrap();
    says(&mut peer);
    peer.feed(heard.as_bytes());
    why(&mut peer)
}

#[test]
fn a_server_says_its_lines_in_their_turn() {
    for size in [1, 3, 100] {
        let mut server = Peer::server(SESSION).unwrap();
        assert_eq!(says(&mut server), ["hello\n"]);
        b"random?\n".chunks(size).for_each(|bytes| server.feed(bytes));
        assert_eq!(says(&mut server), ["456902", "234\nnotif: random\n"]);
        assert_eq!(server.line(), 8);
        server.tick(mins(3));
        b"more?\n".chunks(size).for_each(|bytes| server.feed(bytes));
        assert_eq!((says(&mut server).len(), server.deadline()), (0, Some(mins(32))));
        server.tick(mins(32) - Duration::from_nanos(1));
        assert_eq!(server.output(), b"");
        server.tick(mins(32));
        assert_eq!(server.output(), b"that\n");
        server.written(2);
        assert_eq!(server.output(), b"at\n");
        assert_eq!(server.closing(), None);
        server.written(3);
        assert_eq!((server.closing(), server.closing()), (Some(Closing::Eof), None));
        // What crosses the end does not count.
        server.feed(b"random?\n");
        assert_eq!(server.outcome(), None);
        server.feed_eof();
        assert_eq!((server.outcome(), server.deadline()), (Some(&Ok(())), None));
    }
}

#[test]
fn a_client_plays_the_other_end() {
    let (mut client, mut server) = (Peer::client(SESSION).unwrap(), Peer::server(SESSION).unwrap());
    let mut said = Vec::new();
    while client.outcome().is_none() {
        for line in says(&mut client) {
            server.feed(line.as_bytes());
            said.push(line);
        }
        says(&mut server).iter().for_each(|line| client.feed(line.as_bytes()));
        if let Some(now) = server.deadline() {
            server.tick(now);
            client.tick(now);
        }
        if server.closing() == Some(Closing::Eof) {
            client.feed_eof();
        }
    }
    assert_eq!(said, ["random?\n", "more?\n"]);
    assert_eq!(client.outcome(), Some(&Ok(())));
}

#[test]
fn a_client_that_has_said_all_still_hears() {
    let mut client = Peer::client("C: last?\nC: <EOF>\nS: one\nS: <EOF>").unwrap();
    assert_eq!(says(&mut client), ["last?\r\n"]);
    assert_eq!((client.closing(), client.outcome()), (Some(Closing::Eof), None));
    client.feed(b"one\r\n");
    assert_eq!(client.outcome(), None);
    client.feed_eof();
    assert_eq!(client.outcome(), Some(&Ok(())));
}

#[test]
fn what_differs_is_named() {
    let text = "C: random?\nS: 1\nC: weather?";
    assert_eq!(differs(text, "rundum?\r\n"), r#"line 1: heard "rundum?\r\n", not "random?\r\n""#);
    // A part of a line is enough to differ.
    assert_eq!(differs(text, "ru"), r#"line 1: heard "ru", not "random?\r\n""#);
    assert_eq!(
        differs(text, "random?\r\nrandom?\r\n"),
        r#"line 3: heard "random?\r\n", not "weather?\r\n""#
    );
    // LF is not CR LF.
    assert_eq!(differs(text, "random?\n"), r#"line 1: heard "random?\n", not "random?\r\n""#);
    assert_eq!(differs("S: 1\nC: <EOF>", "random?"), r#"line 2: heard "random?", not the end"#);
    assert_eq!(differs("S: 1", "random?"), r#"line 2: heard "random?", not the end"#);
    assert_eq!(differs("", "random?"), r#"line 1: heard "random?", not the end"#);
}

#[test]
fn what_was_heard_before_is_named_too() {
    let mut server = Peer::server("C: random?").unwrap();
    server.feed(b"ran");
    server.feed(b"tum?");
    assert_eq!(why(&mut server), r#"line 1: heard "rantum?", not "random?\r\n""#);
}

#[test]
fn of_what_is_long_the_difference_is_shown() {
    let (same, long) = ("x".repeat(5000), "y".repeat(5000));
    let why = differs(&format!("C: {same}a{long}"), &format!("{same}b{long}"));
    let heard = format!("\"{}b{}\" and 4851 bytes more", "x".repeat(50), "y".repeat(149));
    assert!(why.starts_with(&format!("line 1: from byte 4950 on, heard {heard}, not ")), "{why}");
    assert!(why.contains(&format!("\"{}a{}\" and ", "x".repeat(50), "y".repeat(149))), "{why}");
    assert!(why.len() < 700, "{why}");
}

#[test]
fn ends_that_come_too_soon() {
    let mut server = Peer::server("C: random?\nS: 1\nC: weather?").unwrap();
    server.feed(b"random?\r\nwea");
    server.feed_eof();
    // What is its own to say it still says: the client may hear it.
    assert_eq!(server.outcome(), None);
    assert_eq!(why(&mut server), r#"line 3: heard "wea" and the end, not "weather?\r\n""#);

    let mut server = Peer::server("C: random?").unwrap();
    server.feed_reset();
    assert_eq!(why(&mut server), r#"line 1: heard a reset, not "random?\r\n""#);

    let mut server = Peer::server("S: 1\nC: random?").unwrap();
    server.feed_reset();
    assert_eq!(why(&mut server), r#"line 1: cannot say "1\r\n": the connection was reset"#);

    let mut server = Peer::server(".. 1s\nC: random?").unwrap();
    server.feed_reset();
    assert_eq!(why(&mut server), "line 1: the connection was reset");

    let mut server = Peer::server("C: random?").unwrap();
    server.feed(b"ran");
    server.fail("TLS failed");
    assert_eq!(why(&mut server), r#"line 1: heard "ran" and TLS failed, not "random?\r\n""#);
}

#[test]
fn either_end_is_an_end() {
    for text in ["", "C: <EOF>", "C: <RESET>"] {
        for reset in [false, true] {
            let mut server = Peer::server(text).unwrap();
            if reset {
                server.feed_reset();
            } else {
                server.feed_eof();
            }
            assert_eq!(server.outcome(), Some(&Ok(())), "{text}");
        }
        // An end by the stream's own error is none.
        let mut server = Peer::server(text).unwrap();
        server.fail("no good-bye");
        assert_eq!(why(&mut server), "line 1: heard no good-bye, not the end");
    }
}

#[test]
fn who_has_said_all_need_not_wait_for_the_last_answer() {
    let mut server = Peer::server("C: random?\nS: 1\n.. 1s\nS: 2").unwrap();
    server.feed(b"random?\r\n");
    server.feed_eof();
    server.fail("broken pipe");
    assert_eq!(server.outcome(), Some(&Ok(())));
}

#[test]
fn nothing_can_be_said_behind_an_end_of_ones_own() {
    let mut server = Peer::server("S: <EOF>\nS: 1").unwrap();
    assert_eq!(why(&mut server), "line 2: this end has ended before it");
}

#[test]
fn a_reset_is_told_and_is_the_last() {
    let mut server = Peer::server("S: 1\nS: <RESET>").unwrap();
    assert_eq!(server.closing(), None);
    says(&mut server);
    assert_eq!((server.closing(), server.outcome()), (Some(Closing::Reset), Some(&Ok(()))));
}

#[test]
fn a_line_may_not_come_before_its_time() {
    let mut server = Peer::server("S: + idling\n.. 20min\n.. 9min\nC: DONE").unwrap();
    server.tick(mins(1));
    says(&mut server);
    server.tick(mins(11));
    server.feed(b"DONE\r\n");
    assert_eq!(server.outcome(), None, "time has not been told yet");
    server.tick(mins(11));
    assert_eq!(why(&mut server), r#"line 2: heard "DONE\r\n" 600s too early"#);

    let mut server = Peer::server(".. 29min\nC: DONE\nC: <EOF>").unwrap();
    server.tick(mins(29));
    server.feed(b"DONE\r\n");
    server.feed_eof();
    assert_eq!(server.outcome(), Some(&Ok(())));
}

/// A client that pipelines may be ahead of the transcript, as it may be without a wait.
#[test]
fn a_line_may_cross_a_wait_and_its_answer() {
    let mut server = Peer::server("C: 1?\n.. 1s\nS: 1\nC: 2?\nS: 2\nC: <EOF>").unwrap();
    server.feed(b"1?\r\n2?\r\n");
    server.tick(Duration::from_millis(1));
    assert_eq!(server.outcome(), None);
    server.tick(Duration::from_secs(1));
    assert_eq!(says(&mut server), ["1\r\n", "2\r\n"]);
}

#[test]
fn patience_is_lost_in_each_phase() {
    let second = Duration::from_secs(1);
    let patient = |text| Peer::server(text).unwrap().with_patience(second);
    let lost = |mut server: Peer, at: Duration| {
        assert_eq!(server.deadline(), Some(at));
        server.tick(at - Duration::from_nanos(1));
        assert_eq!(server.outcome(), None);
        server.tick(at);
        server.outcome().unwrap().clone().map_err(|why| why.to_string())
    };
    let silent = r#"line 1: heard nothing for 1s, not "random?\r\n""#;
    assert_eq!(lost(patient("C: random?"), second), Err(silent.to_owned()));
    let mut server = patient("C: random?");
    server.tick(second / 2);
    // As long as something comes, it waits.
    server.feed(b"ran");
    let more = r#"line 1: heard "ran" and nothing for 1s, not "random?\r\n""#;
    assert_eq!(lost(server, second * 3 / 2), Err(more.to_owned()));
    let unread = r#"line 1: cannot say "1\r\n": nothing for 1s"#;
    assert_eq!(lost(patient("S: 1"), second), Err(unread.to_owned()));
    let endless = "line 2: heard nothing for 1s, not the end";
    assert_eq!(lost(patient("C: <EOF>\n"), second), Err(endless.replace('2', "1")));
    let mut server = patient("S: 1");
    says(&mut server);
    assert_eq!(lost(server, second), Err(endless.to_owned()));
    // It has ended the connection, and waited long enough for the client to do so, too.
    assert_eq!(lost(patient("S: <EOF>"), second), Ok(()));
    // A wait is no silence.
    assert_eq!(patient(".. 1h\nC: random?").deadline(), Some(mins(60)));
}

/// What a recorder writes down can be played as it is.
#[test]
fn what_does_not_show_on_the_wire_is_left_out() {
    let text = "
        = in-flight 2
        ! listen
        C: notif
        S: OK
        > listening
        ! command random?
        C: <EOF>
    ";
    let mut server = Peer::server(text).unwrap();
    server.feed(b"notif\r\n");
    assert_eq!(says(&mut server), ["OK\r\n"]);
    server.feed_eof();
    assert_eq!(server.outcome(), Some(&Ok(())));
}

#[test]
fn the_first_difference_stays() {
    let mut server = Peer::server("C: random?").unwrap();
    server.feed(b"x");
    let first = server.outcome().unwrap().clone();
    server.feed(b"random?\r\n");
    server.feed_eof();
    server.fail("more");
    server.tick(mins(1));
    assert_eq!(server.outcome(), Some(&first));
    let Err(Mismatch { line, .. }) = first else { panic!() };
    assert_eq!(line, 1);
}
