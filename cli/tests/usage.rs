//! Wrong usage, and the log. Exit status: 2 for what the command line itself gets wrong, 1 for what
//! fails, and never a panic, which the tests' common room checks each time a program ends.

use std::process::Command;

use rustix::process::Signal;

mod common;

use common::{Program, run, serve};

#[test]
fn wrong_command_lines() {
    for args in [
        &["nonsense"][..],
        &["--nonsense"],
        &["call"],
        &["call", "127.0.0.1:1"],
        &["watch"],
        &["watch", "notif://127.0.0.1:1", "more"],
        &["watch", "notif://127.0.0.1:1", "--count", "-1"],
        &["watch", "notif://127.0.0.1:1", "--count", "many"],
        &["watch", "notif://127.0.0.1:1", "--topic"],
        &["demo", "--notifications", "1.5"],
        &["demo", "--notifications=-1"],
        &["demo", "--notifications", "18446744073709551616"],
        &["serve", "--every"],
        &["replay"],
        &["replay", "file", "--dialect", "nonsense"],
        &["completions"],
        &["man", "watch", "more"],
    ] {
        let end = run(args).expect(2);
        assert_eq!(end.out, [""; 0], "{args:?}");
        end.complains(&["For more information, try '--help'"]);
    }
}

/// Whoever does not know what to say is told what can be said.
#[test]
fn no_command() {
    let end = run([""; 0]).expect(2);
    assert_eq!(end.out, [""; 0]);
    end.complains(&["Usage: bellwire"]);
    for command in ["demo", "serve", "call", "watch", "replay", "completions", "man"] {
        end.complains(&[&format!("  {command} ")]);
    }
}

#[test]
fn wrong_times() {
    for time in ["-1", "nan", "0", "1e400", "inf", "-inf", "", "1s", "1e-30", "0x10"] {
        for args in [
            &["call", "127.0.0.1:1", "random?", "--timeout"][..],
            &["watch", "notif://127.0.0.1:1", "--rearm"],
            &["serve", "--listen", "127.0.0.1:0", "--every"],
            &["serve", "--listen", "127.0.0.1:0", "--autologout"],
        ] {
            let (option, rest) = args.split_last().unwrap();
            // With a blank a value that begins with `-` would be taken for an option.
            let option = format!("{option}={time}");
            run(rest.iter().copied().chain([option.as_str()])).expect(2).complains(&["--"]);
        }
    }
}

/// The longest and the shortest times that can be said.
#[test]
fn extreme_times() {
    for time in ["1.8e19", "9.3e18", "1e15", "1e9"] {
        let every = ["--every", time, "--autologout", time];
        let mut server = serve(&every);
        server.has(&["an ad"]);
        let args = ["call", &server.address, "classified?", "--timeout", time];
        assert_eq!(run(args).expect(0).out, ["an ad"], "{time}");
        let args = ["watch", &server.url, "--fetch", "--count", "1", "--rearm", time];
        assert_eq!(run(args).expect(0).out, ["classified an ad"], "{time}");
        server.program.stop(Signal::INT);
    }
    let server = serve(&[]);
    run(["call", &server.address, "random?", "--timeout", "1e-9"]).expect(1);
}

#[test]
fn wrong_addresses() {
    for (url, why) in [
        ("imap://x", "needs a user: imaps://USER@HOST"),
        ("imaps://test:secret@x", "a password must not be in it"),
        ("imap:///test", "no host"),
        ("imaps://test@x/a?b", "%3F"),
        ("mpd://run/mpd/socket", "a Unix socket is mpd:///PATH"),
        ("http://127.0.0.1:1/", "http is not supported"),
        ("notif://", "no host"),
        ("notif://:6789", "is no address"),
        ("notif://x:99999", "is no address"),
        ("notif://x:port", "is no address"),
        ("://", "is no address"),
        ("", ""),
        ("notif://no host", ""),
        ("notif://[::1", ""),
    ] {
        run(["watch", url]).expect(1).complains(&["bellwire: ", why]);
        run(["call", url, "random?"]).expect(1).complains(&["bellwire: ", why]);
    }
}

/// Whoever names another runtime is told which there are.
#[test]
fn wrong_runtimes() {
    let names = "[possible values: blocking, tokio, async-std, smol]";
    for name in ["nonsense", "", "Tokio", "async_std"] {
        for args in [
            &["demo"][..],
            &["serve", "--listen", "127.0.0.1:0"],
            &["call", "127.0.0.1:1", "random?"],
            &["watch", "notif://127.0.0.1:1"],
        ] {
            let mut program = Command::new(env!("CARGO_BIN_EXE_bellwire"));
            program.args(args).args(["--runtime", name]);
            let end = Program::spawn(&mut program).end().expect(2);
            assert_eq!(end.out, [""; 0], "{args:?}");
            end.complains(&["--runtime <NAME>", name]);
            end.complains(&[names]);
        }
    }
}

/// Only what connects does so on a runtime.
#[test]
fn help_tells_of_the_runtimes() {
    let help = |command: &str| run(["help", command]).expect(0).out.join("\n");
    for command in ["demo", "serve", "call", "watch"] {
        let help = help(command);
        for name in ["blocking", "tokio", "async-std", "smol"] {
            assert!(help.contains(&format!("- {name}: ")), "{command}: {help}");
        }
        assert!(help.contains("discontinued (RUSTSEC-2025-0052)"), "{command}: {help}");
        assert!(help.contains("[default: tokio]"), "{command}: {help}");
    }
    assert!(!help("replay").contains("--runtime"));
}

#[test]
fn missing_files() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.txt");
    let name = missing.to_str().unwrap();
    run(["replay", name]).expect(1).complains(&["cannot read", name]);
    let name = directory.path().to_str().unwrap();
    run(["replay", name]).expect(1).complains(&["cannot read", name]);
}

#[test]
fn help_and_version() {
    for args in [&["--help"][..], &["help"], &["-h"], &["help", "watch"], &["call", "--help"]] {
        let end = run(args).expect(0);
        assert!(end.out.iter().any(|line| line.starts_with("Usage: bellwire")), "{args:?}");
    }
    assert_eq!(run(["--version"]).expect(0).out, [concat!("bellwire ", env!("CARGO_PKG_VERSION"))]);
}

/// The log goes to standard error, the more `v` the more of it; standard output is the same.
#[test]
fn the_log_grows() {
    let mut server = serve(&[]);
    server.has(&["an ad"]);
    let lines = |flags: &[&str]| {
        let args = ["call", &server.address, "classified?", "nonsense"];
        let end = run(args.iter().chain(flags)).expect(1);
        assert_eq!(end.out[0], "an ad");
        assert_eq!(end.out.len(), 2);
        end.err
    };
    let has = |lines: &[String], text: &str| lines.iter().any(|line| line.contains(text));

    let quiet = lines(&[]);
    assert_eq!(quiet.len(), 1, "{quiet:#?}");
    let connections = lines(&["-v"]);
    assert!(has(&connections, "#1 connected") && has(&connections, "#1 ended"));
    assert!(!has(&connections, "reply 1"));
    let events = lines(&["-vv"]);
    assert!(has(&events, "#1 connected") && has(&events, "#1 reply 1 an ad"));
    assert!(!has(&events, "C: classified?"));
    for flags in [&["-vvv"][..], &["-v", "-v", "-v"], &["-vvvv"]] {
        let all = lines(flags);
        assert!(has(&all, "#1 reply 1 an ad"));
        let wire = ["C: classified?", "S: an ad", "C: nonsense", "S: error: "];
        let mut rest = all.iter();
        for said in wire {
            let line = format!("#1 {said}");
            assert!(rest.any(|it| it.contains(&line)), "{line} in its place: {all:#?}");
        }
    }
}

/// The server's log tells its connections apart.
#[test]
fn the_log_numbers_connections() {
    let mut server = serve(&["-vvv"]);
    for number in 1..=3 {
        run(["call", &server.address, "random?"]).expect(0);
        server.program.complaint(&format!("#{number} C: random?"));
        server.program.complaint(&format!("#{number} S: "));
    }
    let end = server.program.stop(Signal::INT);
    assert_eq!(end.out.len(), 1, "nothing but where it listens: {end:#?}");
}

/// Bytes of a stranger are escaped in the log, so that they command no terminal.
#[test]
fn the_log_escapes_bytes() {
    let mut server = serve(&[]);
    server.post(b"\x1b[31mred\xff");
    let watch = ["-vvv", "watch", &server.url, "--fetch", "--count", "1"];
    let end = Program::start(watch).end().expect(0);
    assert!(end.err.iter().any(|line| line.contains("S: \\x1b[31mred\\xff")), "{end:#?}");
    assert!(!end.err.iter().any(|line| line.contains('\x1b')), "{end:#?}");
}
