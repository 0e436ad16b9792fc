//! `bellwire watch` when things go wrong: lost servers, floods, garbage, readers that go.

use std::sync::mpsc;

use rustix::process::Signal;
use serde_json::Value;

mod common;

use common::{PATIENCE, Program, Wire, fake, run, serve, serve_on};

/// The most that it may ever need, in KiB.
const MEMORY: u64 = 32 * 1024;

#[test]
fn a_lost_server_ends_it_without_reconnect() {
    let mut server = serve(&[]);
    let mut watch = Program::start(["-vv", "watch", &server.url, "--no-reconnect"]);
    watch.complaint("listening");
    server.program.kill();
    watch.end().expect(1).complains(&["bellwire: not connected: "]);
}

/// The first connection must be had; only a lost one is waited for.
#[test]
fn a_server_that_was_never_there_is_an_error() {
    let url = { serve(&[]).url.clone() };
    run(["watch", &url]).expect(1).complains(&["refused"]);
}

/// The server is killed and started again: the watch goes on, and says what may be missing.
#[test]
fn goes_on_when_the_server_comes_back() {
    for json in [&[][..], &["--json"]] {
        let mut server = serve(&[]);
        server.post("before");
        let args = ["watch", &server.url, "--fetch"];
        let mut watch = Program::start(args.iter().chain(json));
        let shown = |item: &str, line: &str| {
            if json.is_empty() {
                assert_eq!(line, format!("classified {item}"));
            } else {
                let object: Value = serde_json::from_str(line).unwrap();
                assert_eq!(object, serde_json::json!({ "topic": "classified", "item": item }));
            }
        };
        shown("before", &watch.line());

        let address = server.address.clone();
        server.program.kill();
        if json.is_empty() {
            watch.complaint("may have missed notifications: ");
        } else {
            let gap: Value = serde_json::from_str(&watch.complaint("gap")).unwrap();
            assert_eq!(gap["event"], "gap");
            assert!(gap["detail"].is_string(), "{gap}");
        }

        let mut server = serve_on(&address, &[]);
        server.post("after");
        if json.is_empty() {
            watch.complaint("connected, and listening again");
        } else {
            let resumed: Value = serde_json::from_str(&watch.complaint("resumed")).unwrap();
            assert_eq!(resumed["event"], "resumed");
        }
        shown("after", &watch.line());
        let end = watch.stop(Signal::INT);
        assert_eq!((end.out.len(), end.err.len()), (2, 2), "{end:#?}");
    }
}

/// Each connection is recorded in a file of its own, and each of them replays.
#[test]
fn each_connection_is_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    let server = fake(|listener| {
        for item in ["first", "second", "third"] {
            let mut client = Wire::accept(listener);
            client.expect("notif");
            client.say("OK");
            client.say("notif: classified");
            client.expect("stop_notif");
            client.say("OK");
            client.expect("classified?");
            client.say(item);
            client.expect("notif");
        }
    });
    let args = ["watch", &server.url, "--fetch", "--count", "3", "--record", name];
    let end = run(args).expect(0);
    assert_eq!(end.out, ["classified first", "classified second", "classified third"]);
    for (file, item) in [("", "first"), (".2", "second"), (".3", "third")] {
        let end = run(["replay", &format!("{name}{file}")]).expect(0);
        let replied = |line: &String| line.contains("taken for: reply ") && line.ends_with(item);
        assert!(end.out.iter().any(replied), "{end:#?}");
    }
}

/// Ctrl-C also ends a watch that waits for its server to come back.
#[test]
fn a_signal_ends_it_while_it_waits() {
    let mut server = serve(&[]);
    let mut watch = Program::start(["-vv", "watch", &server.url]);
    watch.complaint("listening");
    server.program.kill();
    watch.complaint("may have missed");
    watch.stop(Signal::INT);
}

/// A server that accepts and closes at once: an error, or another attempt after a pause. The gap is
/// told once, and so is that it has ended.
#[test]
fn a_server_that_closes_at_once() {
    let server = fake(|listener| drop(Wire::accept(listener)));
    run(["watch", &server.url, "--no-reconnect"]).expect(1).complains(&["not connected: "]);
    server.end();

    let server = fake(|listener| {
        drop(Wire::accept(listener));
        drop(Wire::accept(listener));
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        client.say("notif: random");
        client.await_end();
    });
    let end = run(["watch", &server.url, "--count", "1"]).expect(0);
    assert_eq!(end.out, ["random"]);
    assert_eq!(end.err.len(), 2, "{end:#?}");
    end.complains(&["may have missed"]);
    end.complains(&["listening again"]);
    server.end();
}

/// A server that will not send notifications is an error, not something to wait for.
#[test]
fn a_server_that_refuses_the_mode() {
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("error: not for you");
        client.await_end();
    });
    run(["watch", &server.url]).expect(1).complains(&["refuses", "not for you"]);
    server.end();
}

/// 200 MB that nobody asked for: the memory stays flat, the first lines are reported one by one and
/// the others counted, so that not one is lost in silence.
#[test]
fn a_flood_costs_nothing() {
    const LINES: usize = 200_000;
    const AT_ONCE: usize = 100;
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        let lines = format!("{:999}\n", "nobody asked for this").repeat(AT_ONCE);
        for _ in 0..LINES / AT_ONCE {
            client.write(&lines).unwrap();
        }
        client.say("notif: done");
        client.await_end();
    });
    let mut watch = Program::start(["watch", &server.url]);
    assert_eq!(watch.line(), "done");
    let peak = watch.peak_memory();
    let end = watch.stop(Signal::INT);
    server.end();
    let mut told = 0;
    for line in &end.err {
        let text = line.strip_prefix("bellwire: unsolicited: ").expect("nothing else");
        let more = text.strip_suffix(" more lines").and_then(|more| more.parse::<usize>().ok());
        told += more.unwrap_or(1);
    }
    assert_eq!(told, LINES, "{:#?}", end.err);
    assert!(end.err.len() < 100, "a flood of reports");
    check_memory("200 MB of unasked lines", peak);
}

/// A line that never ends is a clear error, long before it costs anything.
#[test]
fn an_endless_line_is_an_error() {
    const PIECE: usize = 16 * 1024;
    const PIECES: usize = 200_000_000 / PIECE;
    let (poured, pouring) = mpsc::channel();
    let (look, looked) = mpsc::channel();
    let server = fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        for _ in 0..PIECES {
            // Until the client has had enough. It is looked at before each piece.
            poured.send(()).unwrap();
            looked.recv().unwrap();
            if client.write([b'x'; PIECE]).is_err() {
                break;
            }
        }
    });
    let watch = Program::start(["watch", &server.url]);
    let (mut peak, mut pieces) = (None, 0);
    while pouring.recv_timeout(PATIENCE).is_ok() {
        peak = watch.peak_memory().or(peak);
        pieces += 1;
        look.send(()).unwrap();
    }
    server.end();
    let end = watch.end().expect(1);
    assert_eq!(end.out, [""; 0]);
    assert_eq!(end.err.len(), 1, "{end:#?}");
    end.complains(&["not connected", "more than the limit of 65536", "xxxx"]);
    assert!(end.err[0].len() < 500, "an excerpt: {}", end.err[0]);
    assert!(pieces < PIECES / 2, "it has read most of it");
    check_memory(&format!("{} KiB of a line without end", pieces * PIECE / 1024), peak);
}

#[track_caller]
fn check_memory(what: &str, peak: Option<u64>) {
    match peak {
        Some(peak) => println!("memory after {what}: at most {peak} KiB"),
        None => println!("SKIPPED: the system does not say how much memory {what} costs"),
    }
    assert!(peak.is_none_or(|peak| peak < MEMORY), "{peak:?} KiB");
}

/// Whoever reads the output may go, as `head` does: that ends the watch, and is no failure.
#[test]
fn ends_quietly_when_nobody_reads() {
    for json in [&[][..], &["--json"]] {
        let server = fake(|listener| {
            let mut client = Wire::accept(listener);
            loop {
                let said = match client.hear_raw().trim_end() {
                    "notif" => "OK\r\nnotif: random\r\n",
                    "stop_notif" => "OK\r\n",
                    "random?" => "42\r\n",
                    "" => break,
                    command => panic!("{command}"),
                };
                // The client goes at any moment.
                let _ = client.write(said);
            }
        });
        let mut watch = Program::start(["watch", "--fetch", &server.url].iter().chain(json));
        watch.line();
        watch.hang_up();
        let end = watch.end().expect(0);
        assert_eq!(end.err, [""; 0]);
        server.end();
    }
}

/// Bytes that are no protocol at all: told, escaped, and no reason to stop reading.
#[test]
fn garbage_is_reported() {
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        client.write(b"\xff\xfe\x1b[2J\n\r\n\r\r\n\n\x80\n").unwrap();
        client.say("notif: random");
        client.await_end();
    });
    let end = run(["watch", &server.url, "--count", "1"]).expect(0);
    assert_eq!(end.out, ["random"]);
    end.complains(&["unsolicited: \\xff\\xfe\\x1b[2J"]);
    end.complains(&["unsolicited: \\x80"]);
    assert!(!end.err.iter().any(|line| line.contains('\x1b')), "{end:#?}");
    server.end();
}

/// A web server, a TLS server and one that sends zeros, in place of the acknowledgement.
#[test]
fn another_protocol_is_survived() {
    for said in [
        &b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..],
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\0\0\0\0\n\0\n",
        b"notif: \r\nnotif:\r\nnotif\r\n",
        b"* OK [CAPABILITY IMAP4rev1] ready\r\n",
    ] {
        let server = fake(move |listener| {
            let mut client = Wire::accept(listener);
            client.expect("notif");
            client.write(said).unwrap();
        });
        let end = run(["watch", &server.url, "--no-reconnect"]).expect(1);
        assert!(!end.err.is_empty(), "{}", said.escape_ascii());
        server.end();
    }
}
