//! `bellwire call`.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

mod common;

use common::{Wire, fake, run, serve};

/// One reply a line, in the order of the commands; an empty reply is an empty line.
#[test]
fn prints_one_reply_a_line() {
    let mut server = serve(&[]);
    server.has(&["an ad"]);
    for address in [&server.address, &server.url] {
        let end = run(["call", address, "classified?", "classified?", "random?"]).expect(0);
        let [ad, none, number] = &end.out[..] else { panic!("{end:#?}") };
        assert_eq!([ad.as_str(), none.as_str()], ["an ad", ""]);
        assert!(number.parse::<u64>().is_ok(), "{number}");
        assert_eq!(end.err, [""; 0]);
    }
}

/// Without `--pipeline`, a command is sent once the one before is answered.
#[test]
fn waits_for_each_reply() {
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        for command in ["one?", "two?", "three?"] {
            client.expect(command);
            assert!(!client.has_more());
            client.say(&format!("re {command}"));
        }
        client.await_end();
    });
    let end = run(["call", &server.address, "one?", "two?", "three?"]).expect(0);
    assert_eq!(end.out, ["re one?", "re two?", "re three?"]);
    server.end();
}

/// Thousands at once, more than may be under way together, all answered in order.
#[test]
fn a_pipeline_is_answered_in_order() {
    const COMMANDS: usize = 2000;
    const AT_ONCE: usize = 500;
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        let mut waiting = Vec::new();
        for count in 0..COMMANDS {
            waiting.push(client.hear());
            // It does not answer the first before it has heard many.
            if count >= AT_ONCE {
                for command in waiting.drain(..) {
                    client.say(&format!("re {command}"));
                }
            }
        }
        client.await_end();
    });
    let commands: Vec<String> = (0..COMMANDS).map(|count| format!("item{count}?")).collect();
    let args = ["call", "--pipeline", &server.address].map(str::to_owned);
    let end = run(args.iter().chain(&commands)).expect(0);
    let expected: Vec<String> = commands.iter().map(|command| format!("re {command}")).collect();
    assert_eq!(end.out, expected);
    server.end();
}

/// The same with the real server, which has its own limit of commands under way.
#[test]
fn a_pipeline_to_the_real_server() {
    const COMMANDS: usize = 2000;
    let mut server = serve(&[]);
    let ads: Vec<String> = (0..COMMANDS).map(|count| format!("ad {count}")).collect();
    server.has(&ads);
    let commands = vec!["classified?"; COMMANDS];
    let end = run(["call", &server.address, "--pipeline"].into_iter().chain(commands)).expect(0);
    assert_eq!(end.out, ads);
}

/// A refusal is a reply: it is printed, the others are answered, and the exit status tells.
#[test]
fn a_refused_command_is_told() {
    let server = serve(&[]);
    for pipeline in [&[][..], &["--pipeline"]] {
        let args = ["call", &server.address, "random?", "nonsense", "classified?"];
        let end = run(args.iter().chain(pipeline)).expect(1);
        let [number, error, ad] = &end.out[..] else { panic!("{end:#?}") };
        assert!(number.parse::<u64>().is_ok(), "{number}");
        assert!(error.starts_with("error: "), "{error}");
        assert_eq!(ad, "");
        end.complains(&["1 of 3 commands were refused"]);
    }
}

/// A server that is silent is waited for as long as `--timeout` says.
#[test]
fn a_silent_server_is_given_up() {
    for pipeline in [&[][..], &["--pipeline"]] {
        let server = fake(|listener| Wire::accept(listener).await_end());
        let start = Instant::now();
        let args = ["call", &server.address, "random?", "--timeout", "0.3"];
        let end = run(args.iter().chain(pipeline)).expect(1);
        let time = start.elapsed();
        assert!(time >= Duration::from_millis(300), "{time:?}");
        assert_eq!(end.out, [""; 0]);
        assert!(end.err.iter().any(|it| it.contains("deadline") || it.contains("timed out")));
        server.end();
    }
}

#[test]
fn an_unreachable_server_is_reported() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let end = run(["call", &address, "random?"]).expect(1);
    assert_eq!(end.out, [""; 0]);
    end.complains(&["refused"]);
}

/// What would be two commands, or none, is not sent (guarantee G13).
#[test]
fn what_is_no_command_is_refused() {
    for (command, why) in [
        ("random?\nclassified?", "0x0a"),
        ("random?\r", "0x0d"),
        ("notif", "reserved"),
        ("stop_notif", "reserved"),
        ("_notif_", "reserved"),
        ("OK", "reserved"),
        ("", "empty"),
    ] {
        for pipeline in [&[][..], &["--pipeline"]] {
            let server = fake(|listener| {
                let mut client = Wire::accept(listener);
                assert_eq!(client.hear_raw(), "", "nothing is sent");
            });
            let end = run(["call", &server.address, command].iter().chain(pipeline)).expect(1);
            assert_eq!(end.out, [""; 0]);
            end.complains(&["the command was refused", why]);
            server.end();
        }
    }
}

/// The replies that came are printed; the one that did not come whole is not.
#[test]
fn a_server_that_closes_in_the_middle() {
    for pipeline in [&[][..], &["--pipeline"]] {
        let server = fake(|listener| {
            let mut client = Wire::accept(listener);
            client.expect("one?");
            client.say("re one?");
            client.expect("two?");
            client.write("re tw").unwrap();
        });
        let args = ["call", &server.address, "one?", "two?"];
        let end = run(args.iter().chain(pipeline)).expect(1);
        assert_eq!(end.out, ["re one?"]);
        end.complains(&["sent, but not answered", "in the middle", "5 bytes"]);
        server.end();
    }
}

/// What answers nothing does not shift the replies (guarantee G2), nor do notifications (G7).
#[test]
fn notifications_are_no_replies() {
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        client.expect("one?");
        client.say("notif: random");
        client.say("re one?");
        client.expect("two?");
        client.say("notif: random");
        client.say("re two?");
        client.await_end();
    });
    let end = run(["call", &server.address, "one?", "two?"]).expect(0);
    assert_eq!(end.out, ["re one?", "re two?"]);
    server.end();
}

/// Replies come in any order when they have ids, and are printed in that of the commands.
#[test]
fn ids_put_replies_in_order() {
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        let asked = [client.hear(), client.hear(), client.hear()];
        for command in asked.iter().rev() {
            let (id, text) = command.split_once(' ').unwrap();
            assert!(id.starts_with('#'));
            client.say(&format!("{id} re {text}"));
        }
        client.await_end();
    });
    let end = run(["call", &server.address, "--ids", "--pipeline", "a?", "b?", "c?"]).expect(0);
    assert_eq!(end.out, ["re a?", "re b?", "re c?"]);
    server.end();
}

#[test]
fn a_recording_replays() {
    let server = serve(&[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    let args = ["call", &server.address, "--record", name, "random?", "nonsense", "classified?"];
    run(args).expect(1);
    let end = run(["replay", name]).expect(0);
    for taken in ["taken for: reply 1 ", "taken for: refused 2 ", "taken for: reply 3"] {
        let shown = end.out.iter().any(|line| line.contains(taken));
        assert!(shown, "{taken}: {:#?}, {}", end.out, fs::read_to_string(&file).unwrap());
    }
}
