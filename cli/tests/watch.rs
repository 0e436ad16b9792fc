//! `bellwire watch`: what it prints, and what it runs.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

mod common;

use common::{Fake, Program, Script, Wire, fake, lines, run, serve};

/// A server that announces these topics to a client who listens, and then waits until he goes.
fn announces(topics: &'static [&'static str]) -> Fake {
    fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        topics.iter().for_each(|topic| client.say(&format!("notif: {topic}")));
        client.await_end();
    })
}

/// A server that announces an item at a time, each of which is fetched in its turn.
fn has(items: &'static [(&'static str, &'static [u8])]) -> Fake {
    fake(move |listener| {
        let mut client = Wire::accept(listener);
        for (topic, item) in items {
            client.expect("notif");
            client.say("OK");
            client.say(&format!("notif: {topic}"));
            client.expect("stop_notif");
            client.say("OK");
            client.expect(&format!("{topic}?"));
            client.write([item, &b"\r\n"[..]].concat()).unwrap();
        }
        client.await_end();
    })
}

#[test]
fn prints_each_topic() {
    let server = announces(&["classified", "random", "random", "news"]);
    let end = run(["watch", &server.url, "--count", "4"]).expect(0);
    assert_eq!(end.out, ["classified", "random", "random", "news"]);
    assert_eq!(end.err, [""; 0]);
    server.end();
}

/// Other topics are neither printed nor counted.
#[test]
fn prints_the_wanted_topics_only() {
    let server = announces(&["a", "b", "c", "aa", "A", "b", "a", "c", "b"]);
    let args = ["--topic", "a", "--topic", "b", "--count", "4"];
    let end = run(["watch", &server.url].into_iter().chain(args)).expect(0);
    assert_eq!(end.out, ["a", "b", "b", "a"]);
    server.end();
}

/// `--fetch` leaves the mode, fetches, and enters it again (guarantee G9).
#[test]
fn fetches_what_is_announced() {
    let server = has(&[("classified", b"an ad"), ("random", b"42"), ("classified", b"  two  ")]);
    let end = run(["watch", &server.url, "--fetch", "--count", "3"]).expect(0);
    assert_eq!(end.out, ["classified an ad", "random 42", "classified   two  "]);
    assert_eq!(end.err, [""; 0]);
    server.end();
}

/// An empty item is one that was gone before it could be fetched; a refusal is reported. Neither is
/// printed or counted.
#[test]
fn what_cannot_be_fetched_is_not_printed() {
    let items: &[(&str, &[u8])] = &[("x", b""), ("y", b"error: never heard of"), ("z", b"at last")];
    let server = has(items);
    let end = run(["watch", &server.url, "--fetch", "--count", "1"]).expect(0);
    assert_eq!(end.out, ["z at last"]);
    end.complains(&["could not be fetched", "never heard of"]);

    let server = has(items);
    let end = run(["watch", &server.url, "--fetch", "--count", "1", "--json"]).expect(0);
    assert_eq!(end.out, [json!({ "topic": "z", "item": "at last" }).to_string()]);
    let said: Value = serde_json::from_str(&end.err[0]).unwrap();
    assert_eq!(said["event"], "refused");
}

fn objects(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[test]
fn prints_objects() {
    let server = announces(&["classified", "a \"quoted\" \\ topic"]);
    let end = run(["watch", &server.url, "--json", "--count", "2"]).expect(0);
    let expected = [json!({ "topic": "classified" }), json!({ "topic": "a \"quoted\" \\ topic" })];
    assert_eq!(objects(&end.out), expected);

    let server = has(&[("classified", b"\"quoted\" \\ {}, \xff\t\x1b[0m"), ("random", b"42")]);
    let end = run(["watch", &server.url, "--json", "--fetch", "--count", "2"]).expect(0);
    let expected = [
        json!({ "topic": "classified", "item": "\"quoted\" \\ {}, \u{fffd}\t\u{1b}[0m" }),
        json!({ "topic": "random", "item": "42" }),
    ];
    assert_eq!(objects(&end.out), expected);
    assert_eq!(end.err, [""; 0]);
}

/// What nobody asked for is said on standard error, in words or as objects.
#[test]
fn reports_what_is_unsolicited() {
    for json in [&[][..], &["--json"]] {
        let server = fake(|listener| {
            let mut client = Wire::accept(listener);
            client.expect("notif");
            client.say("OK");
            client.say("who asked?");
            client.say("notif: random");
            client.await_end();
        });
        let end = run(["watch", &server.url, "--count", "1"].iter().chain(json)).expect(0);
        if json.is_empty() {
            assert_eq!(end.out, ["random"]);
            assert_eq!(end.err, ["bellwire: unsolicited: who asked?"]);
        } else {
            assert_eq!(objects(&end.out), [json!({ "topic": "random" })]);
            assert_eq!(
                objects(&end.err),
                [json!({ "event": "unsolicited", "text": "who asked?" })]
            );
        }
        server.end();
    }
}

#[test]
fn a_count_of_none_ends_at_once() {
    let server = serve(&[]);
    let end = run(["watch", &server.url, "--count", "0"]).expect(0);
    assert_eq!(end.out, [""; 0]);
}

/// Ctrl-C is how it is meant to end: in the mode, between notifications, and before there are any.
#[test]
fn a_signal_ends_it() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = serve(&[]);
        let mut watch = Program::start(["-vv", "watch", &server.url, "--fetch"]);
        watch.complaint("listening");
        server.post("an ad");
        assert_eq!(watch.line(), "classified an ad");
        watch.stop(signal);

        // The same before the server has answered anything.
        let server = fake(|listener| Wire::accept(listener).await_end());
        let mut watch = Program::start(["-vvv", "watch", &server.url]);
        watch.complaint("C: notif");
        watch.stop(signal);
        server.end();
    }
}

/// The program finds the topic and the item in its environment; what it prints is kept away from
/// standard output. It is done when the next line is printed.
#[test]
fn runs_a_program() {
    let script = Script::new(
        r#"printf '%s|%s\n' "$BELLWIRE_TOPIC" "${BELLWIRE_ITEM-none}" >> "$(dirname "$0")/seen"
        echo "from the program"; cat"#,
    );
    let mut server = serve(&[]);
    server.post("$(echo hello); `echo` \"ad\" 'one'");
    server.post("caf\u{e9}");
    let args = ["watch", &server.url, "--fetch", "--count", "2", "--exec", script.path()];
    let end = run(args).expect(0);
    assert_eq!(
        end.out,
        ["classified $(echo hello); `echo` \"ad\" 'one'", "classified caf\u{e9}"],
        "nothing of the program's"
    );
    assert_eq!(end.err, ["from the program"; 2]);
    let seen = ["classified|$(echo hello); `echo` \"ad\" 'one'", "classified|caf\u{e9}"];
    assert_eq!(lines(&script.file("seen")), seen);
}

/// Without `--fetch` there is no item, not even one from our own environment.
#[test]
fn runs_a_program_without_an_item() {
    let script = Script::new(
        r#"printf '%s|%s\n' "$BELLWIRE_TOPIC" "${BELLWIRE_ITEM-none}" >> "$(dirname "$0")/seen""#,
    );
    let server = announces(&["random", "other", "random"]);
    let args = ["--topic", "random", "--count", "2", "--exec", script.path(), "--json"];
    let mut command = common::command(["watch", &server.url].into_iter().chain(args));
    let end = Program::spawn(command.env("BELLWIRE_ITEM", "of somebody else")).end().expect(0);
    assert_eq!(objects(&end.out), [json!({ "topic": "random" }), json!({ "topic": "random" })]);
    assert_eq!(lines(&script.file("seen")), ["random|none", "random|none"]);
}

/// A program that fails, and one that is not there, are reported, and the watch goes on.
#[test]
fn a_program_that_fails_is_reported() {
    let failing = Script::new("exit 3");
    let missing = failing.file("missing").to_str().unwrap().to_owned();
    let directory = failing.file("").to_str().unwrap().to_owned();
    for (program, why) in [
        (failing.path(), "exit status: 3"),
        (&missing, "could not be run: No such file"),
        (&directory, "could not be run"),
    ] {
        let server = announces(&["a", "b"]);
        let end = run(["watch", &server.url, "--count", "2", "--exec", program]).expect(0);
        assert_eq!(end.out, ["a", "b"]);
        assert_eq!(end.err.len(), 2, "once for each: {end:#?}");
        end.complains(&[program, why]);
    }
}

/// While a program runs the connection is kept: the mode is left and entered again in time.
#[test]
fn deadlines_are_kept_while_a_program_runs() {
    let script = Script::new(r#"read answer < "$(dirname "$0")/fifo""#);
    let fifo = script.file("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut server = serve(&["--autologout", "1.5"]);
    server.post("an ad");
    let args = ["--rearm", "0.1", "--no-reconnect", "--count", "2", "--exec", script.path()];
    let args = ["-vvv", "watch", &server.url, "--fetch"].into_iter().chain(args);
    let mut watch = Program::start(args);
    assert_eq!(watch.line(), "classified an ad");
    // The program hangs now, for several of the server's periods.
    for _ in 0..35 {
        watch.complaint("C: notif");
    }
    fs::write(&fifo, "go\n").unwrap();
    server.post("another");
    assert_eq!(watch.line(), "classified another");
    fs::write(&fifo, "go\n").unwrap();
    watch.end().expect(0);
}

/// Each connection of the session is a transcript that replays.
#[test]
fn a_recording_replays() {
    let mut server = serve(&[]);
    server.post("an ad");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    let watch = ["watch", &server.url, "--fetch", "--count", "1", "--record", name];
    run(watch).expect(0);
    let end = run(["replay", name]).expect(0);
    for taken in ["listening", "notification classified", "reply 1 an ad"] {
        let taken = format!("taken for: {taken}");
        assert!(end.out.iter().any(|line| line.contains(&taken)), "{taken}: {end:#?}");
    }
}
