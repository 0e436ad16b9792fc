//! `bellwire serve`, seen by raw clients and by `bellwire watch`.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;

mod common;

use common::{Program, Wire, run, serve, serve_on};

/// The example of the documentation: `seq 3 | sed 's/^/ad /' | bellwire serve`, watched.
#[test]
fn each_line_of_input_is_an_ad() {
    let mut server = serve(&[]);
    server.input.write_all(b"ad 1\nad 2\nad 3\n").unwrap();
    drop(server.input);
    let args = ["--topic", "classified", "--fetch", "--count", "3"];
    let end = run(["watch", &server.url].into_iter().chain(args)).expect(0);
    assert_eq!(end.out, ["classified ad 1", "classified ad 2", "classified ad 3"]);
    assert_eq!(end.err, [""; 0]);
    // The end of the input is not the end of the server.
    server.program.stop(Signal::INT);
}

/// Ads that come one by one, each after the one before was seen.
#[test]
fn ads_are_announced_as_they_come() {
    let mut server = serve(&[]);
    let mut watch = Program::start(["watch", &server.url, "--fetch"]);
    let mut other = Program::start(["watch", &server.url, "--fetch"]);
    for count in 0..20 {
        server.post(format!("ad {count}"));
        assert_eq!(watch.line(), format!("classified ad {count}"));
        assert_eq!(other.line(), format!("classified ad {count}"), "each client reads all");
    }
    assert_eq!(watch.stop(Signal::INT).out.len(), 20);
}

/// An ad that cannot be a reply is refused; the next one is not.
#[test]
fn an_ad_that_cannot_be_a_reply_is_refused() {
    let mut server = serve(&[]);
    server.post("notif: x");
    server.program.complaint("never begins with notif:");
    server.post("a\0b");
    server.program.complaint("0x00");
    server.post("a\rb");
    server.program.complaint("0x0d");
    server.post("x".repeat(100_000));
    server.program.complaint("longer than 65536 bytes");
    server.post("");
    server.post("\r");
    server.has(&[&b"caf\xc3\xa9\r"[..], b"\xff bytes"]);
    let mut client = Wire::connect(&server.address);
    client.say("notif");
    client.expect("OK");
    client.expect("notif: classified");
    client.say("classified?");
    client.expect("caf\u{e9}");
    client.expect("notif: classified");
    let said = server.program.stop(Signal::TERM).err;
    assert_eq!(said.len(), 5, "an empty line is no ad, and no mistake: {said:#?}");
}

#[test]
fn announces_numbers() {
    let server = serve(&["--every", "0.05"]);
    let end = run(["watch", &server.url, "--topic", "random", "--fetch", "--count", "5"]).expect(0);
    let mut numbers: Vec<u64> = end
        .out
        .iter()
        .map(|line| line.strip_prefix("random ").and_then(|number| number.parse().ok()).unwrap())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 5, "five different ones");
}

/// The number is a random one from the start.
#[test]
fn has_a_number_from_the_start() {
    let server = serve(&[]);
    let mut client = Wire::connect(&server.address);
    client.say("random?");
    assert_ne!(client.hear(), "0");
}

#[test]
fn closes_a_listener_that_says_nothing() {
    let server = serve(&["--autologout", "0.3"]);
    let mut client = Wire::connect(&server.address);
    let start = Instant::now();
    client.say("notif");
    client.expect("OK");
    client.await_end();
    let time = start.elapsed();
    assert!(time >= Duration::from_millis(300), "{time:?}");

    // The same for a client of ours that does not know of it.
    let end = run(["watch", &server.url, "--no-reconnect"]).expect(1);
    end.complains(&["the connection was closed"]);
}

/// A watcher that leaves and re-enters the mode often enough is never closed.
#[test]
fn a_watcher_that_rearms_survives_the_autologout() {
    let mut server = serve(&["--autologout", "1.5"]);
    let args = ["-vvv", "watch", &server.url, "--rearm", "0.1", "--no-reconnect", "--fetch"];
    let mut watch = Program::start(args);
    let start = Instant::now();
    for _ in 0..35 {
        watch.complaint("C: notif");
    }
    let time = start.elapsed();
    assert!(time >= Duration::from_millis(3000), "so often in {time:?} only");
    server.post("still there?");
    assert_eq!(watch.line(), "classified still there?");
    watch.stop(Signal::INT);
}

#[test]
fn understands_ids() {
    let mut server = serve(&["--ids"]);
    server.has(&["an ad"]);
    let mut client = Wire::connect(&server.address);
    client.say("#7 notif");
    client.expect("#7 OK");
    client.expect("notif: classified");
    client.say("#8 classified?");
    client.expect("#8 an ad");
    client.say("#9 nonsense");
    client.expect("#9 error: unknown command");
    client.say("classified?");
    client.expect("");

    let end = run(["call", &server.address, "--ids", "classified?", "classified?"]).expect(0);
    assert_eq!(end.out, ["an ad", ""]);
    let end = run(["watch", &server.url, "--ids", "--fetch", "--count", "1"]).expect(0);
    assert_eq!(end.out, ["classified an ad"]);
}

/// A signal ends the server: what was asked is answered, then the clients see a clean end.
#[test]
fn shuts_down_gracefully() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = serve(&[]);
        let mut asking = Wire::connect(&server.address);
        asking.say("classified?");
        asking.expect("");
        let mut listening = Wire::connect(&server.address);
        listening.say("notif");
        listening.expect("OK");
        let mut halfway = Wire::connect(&server.address);
        halfway.write("class").unwrap();

        let end = server.program.stop(signal);
        assert_eq!(end.err, [""; 0]);
        for mut client in [asking, listening] {
            assert_eq!(client.hear_raw(), "", "nothing more is said after {signal:?}");
        }
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = run(["serve", "--listen", &address]).expect(1);
    assert_eq!(end.out, [""; 0], "it does not claim to listen");
    end.complains(&["cannot listen on", &address, "in use"]);

    for wrong in ["nowhere", "127.0.0.1", "127.0.0.1:99999", "256.0.0.1:0", ""] {
        run(["serve", "--listen", wrong]).expect(1).complains(&["cannot listen on", wrong]);
    }
}

/// Whoever reads where the server listens may go then.
#[test]
fn goes_on_when_nobody_reads_its_output() {
    let mut server = serve(&[]);
    server.program.hang_up();
    server.post("an ad");
    let end = run(["watch", &server.url, "--fetch", "--count", "1"]).expect(0);
    assert_eq!(end.out, ["classified an ad"]);
}

/// Lines end in LF or CRLF, also in the middle of a session; CRLF is answered.
#[test]
fn both_line_ends_are_read() {
    let mut server = serve(&[]);
    server.has(&["an ad"]);
    for (ask, leave) in [("\n", "\n"), ("\r\n", "\r\n"), ("\n", "\r\n")] {
        let mut client = Wire::connect(&server.address);
        client.write(format!("_notif_{ask}")).unwrap();
        assert_eq!(client.hear_raw(), "will send notifs\r\n");
        assert_eq!(client.hear_raw(), "notif: classified\r\n");
        client.write(format!("OK{ask}stop_notif{leave}classified?{ask}{leave}")).unwrap();
        assert_eq!(client.hear_raw(), "OK\r\n");
        assert_eq!(client.hear_raw(), "an ad\r\n");
        assert_eq!(client.hear_raw(), "error: empty command\r\n");
    }
}

/// A command that is too long, and bytes that are none, are that client's affair only, and cost the
/// server nothing (guarantees G12 and G26).
#[test]
fn a_wild_client_is_answered() {
    let server = serve(&[]);
    let good = Wire::connect(&server.address);
    let mut garbage = Wire::connect(&server.address);
    garbage.write(b"\x00\xff\xfe\n\x16\x03\x01\n").unwrap();
    assert!(garbage.hear().starts_with("error: "));
    assert!(garbage.hear().starts_with("error: "));

    let mut endless = Wire::connect(&server.address);
    for _ in 0..256 {
        endless.write([b'x'; 64 * 1024]).unwrap();
    }
    endless.expect("error: line too long");
    endless.say("");
    for mut client in [good, garbage, endless] {
        client.say("classified?");
        client.expect("");
    }
    if let Some(peak) = server.program.peak_memory() {
        println!("the server's memory after a line of 16 MiB: at most {peak} KiB");
        assert!(peak < 32 * 1024, "{peak} KiB");
    }
    server.program.stop(Signal::TERM);
}

/// The server's own port again at once after it has ended, whatever its clients left behind.
#[test]
fn starts_again_on_the_same_port() {
    let first = serve(&[]);
    let mut client = Wire::connect(&first.address);
    client.say("notif");
    client.expect("OK");
    let address = first.address.clone();
    first.program.stop(Signal::TERM);
    let second = serve_on(&address, &[]);
    assert_eq!(second.address, address);
}
