//! The status line of `bellwire watch`, on a terminal, and no trace of it elsewhere.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use rustix::process::Signal;

mod common;

use common::terminal::Terminal;
use common::{Fake, Program, Script, Wire, command, fake, run, serve};

/// A server that lets a client listen, announces these topics when the test says so, and waits until
/// the client goes.
fn announces(topics: &'static [&'static str]) -> (Fake, mpsc::Sender<()>) {
    let (go, gone) = mpsc::channel();
    let server = fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        if gone.recv().is_ok() {
            topics.iter().for_each(|topic| client.say(&format!("notif: {topic}")));
        }
        client.await_end();
    });
    (server, go)
}

fn watch(args: &[&str]) -> Command {
    command(["watch"].iter().chain(args))
}

/// `-- listening, connected for 00:00:00, 2 notifications, 1 reconnect`
#[track_caller]
fn is_status(row: &str, mode: &str, counts: &str) -> bool {
    let time =
        row.strip_prefix(&format!("-- {mode} for ")).and_then(|row| row.strip_suffix(counts));
    time.is_some_and(|time| time.starts_with("00:00:") && time.ends_with(", "))
}

/// What is printed stands above the line, and the line counts it; when it ends, the line is gone.
#[test]
fn the_line_is_below_what_is_printed() {
    let (server, go) = announces(&["a", "b", "random"]);
    let mut terminal = Terminal::new(24, 80);
    let program = terminal.run(watch(&[&server.url]));
    terminal.until(|rows| match rows {
        [line] => is_status(line, "listening, connected", "0 notifications, 0 reconnects"),
        _ => false,
    });
    go.send(()).unwrap();
    terminal.until(|rows| match rows {
        [a, b, random, line] => {
            [a, b, random] == ["a", "b", "random"]
                && is_status(line, "listening, connected", "3 notifications, 0 reconnects")
        }
        _ => false,
    });
    program.stop(Signal::INT);
    let (rows, bytes) = terminal.end();
    assert_eq!(rows, ["a", "b", "random"]);
    assert!(!bytes.contains("\x1b[3"), "colours: {bytes:?}");
    server.end();
}

/// A lost connection is told, and the next one is counted.
#[test]
fn the_line_tells_of_lost_connections() {
    let (go, gone) = mpsc::channel::<()>();
    let server = fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        drop(client);
        gone.recv().unwrap();
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        client.await_end();
    });
    let mut terminal = Terminal::new(24, 80);
    let program = terminal.run(watch(&[&server.url]));
    let last =
        |rows: &[String], mode, counts| rows.last().is_some_and(|row| is_status(row, mode, counts));
    terminal.until(|rows| last(rows, "not connected", "0 notifications, 0 reconnects"));
    go.send(()).unwrap();
    terminal.until(|rows| last(rows, "listening, connected", "0 notifications, 1 reconnect"));
    program.stop(Signal::TERM);
    let (rows, _) = terminal.end();
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert!(rows[0].starts_with("bellwire: may have missed notifications: "), "{rows:#?}");
    assert_eq!(rows[1], "bellwire: connected, and listening again");
    server.end();
}

/// While it fetches, it says so; and what the server does not answer is waited for in view.
#[test]
fn the_line_tells_of_fetching() {
    let (go, gone) = mpsc::channel::<()>();
    let server = fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        client.say("notif: random");
        client.expect("stop_notif");
        client.say("OK");
        client.expect("random?");
        gone.recv().unwrap();
        client.say("42");
        client.await_end();
    });
    let mut terminal = Terminal::new(24, 80);
    let program = terminal.run(watch(&[&server.url, "--fetch", "--count", "1"]));
    terminal.until(|rows| match rows {
        [line] => is_status(line, "fetching, connected", "1 notification, 0 reconnects"),
        _ => false,
    });
    go.send(()).unwrap();
    program.end().expect(0);
    assert_eq!(terminal.end().0, ["random 42"]);
    server.end();
}

/// While a program runs, there is no line, whatever else is said meanwhile: nobody knows when it prints.
#[test]
fn the_line_is_away_while_a_program_runs() {
    let script = Script::new(r#"echo begun; read answer < "$(dirname "$0")/fifo"; echo "$answer""#);
    let fifo = script.file("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (go, gone) = mpsc::channel::<()>();
    let server = fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        client.say("notif: random");
        gone.recv().unwrap();
        client.say("who asked?");
        client.await_end();
    });
    let mut terminal = Terminal::new(24, 80);
    let program = terminal.run(watch(&[&server.url, "--exec", script.path()]));
    terminal.until(|rows| rows == ["random", "begun"]);
    go.send(()).unwrap();
    let complaint = "bellwire: unsolicited: who asked?";
    terminal.until(|rows| rows.last().is_some_and(|row| row == complaint));
    fs::write(&fifo, "done\n").unwrap();
    terminal.until(|rows| match rows {
        [rows @ .., line] => {
            rows == ["random", "begun", complaint, "done"]
                && is_status(line, "listening, connected", "1 notification, 0 reconnects")
        }
        _ => false,
    });
    program.stop(Signal::INT);
    assert_eq!(terminal.end().0, ["random", "begun", complaint, "done"]);
    server.end();
}

/// The log and complaints: each on rows of its own.
#[test]
fn the_line_is_not_mixed_up_with_others() {
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        for _ in 0..20 {
            client.say("who asked?");
            client.say("notif: random");
        }
        client.await_end();
    });
    let terminal = Terminal::new(500, 200);
    let program = terminal.run(watch(&[&server.url, "-vvv", "--count", "20"]));
    program.end().expect(0);
    let (rows, bytes) = terminal.end();
    assert!(bytes.contains("-- listening"), "there was a line");
    let count = |wanted: &str| rows.iter().filter(|row| *row == wanted).count();
    assert_eq!(count("random"), 20, "{rows:#?}");
    assert_eq!(count("bellwire: unsolicited: who asked?"), 10, "{rows:#?}");
    for row in &rows {
        // The log's begin with the time.
        let of_its_own = row.starts_with('[') || row.starts_with("bellwire: unsolicited: ");
        assert!(of_its_own || row == "random", "{row:?} in {rows:#?}");
        assert!(!row.contains("connected for"), "{row:?}");
    }
    server.end();
}

/// A line that does not fit is cut, so that it can be taken away again.
#[test]
fn the_line_fits_a_narrow_terminal() {
    let (server, go) = announces(&["a", "b"]);
    let mut terminal = Terminal::new(24, 20);
    let program = terminal.run(watch(&[&server.url, "--count", "2"]));
    terminal.until(|rows| rows == ["-- listening, connec"]);
    go.send(()).unwrap();
    program.end().expect(0);
    assert_eq!(terminal.end().0, ["a", "b"]);
    server.end();
}

/// A flood is printed as it comes, and the line drawn now and then, also when the flood is over.
#[test]
fn the_line_is_drawn_seldom() {
    // As many as are kept if nobody reads them.
    const COUNT: usize = 1000;
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        client.expect("notif");
        client.say("OK");
        let _ = client.write("notif: random\n".repeat(COUNT));
        client.await_end();
    });
    let mut terminal = Terminal::new(24, 80);
    let program = terminal.run(watch(&[&server.url]));
    let all = format!("{COUNT} notifications, 0 reconnects");
    terminal.until(|rows| rows.last().is_some_and(|row| row.ends_with(&all)));
    program.stop(Signal::INT);
    let (_, bytes) = terminal.end();
    assert_eq!(bytes.matches("random\r\n").count(), COUNT);
    let drawn = bytes.matches("connected for").count();
    assert!(drawn < COUNT / 10, "drawn {drawn} times");
    server.end();
}

/// Nothing has to happen for the time to go on.
#[test]
fn the_line_tells_the_time() {
    let (server, go) = announces(&[]);
    go.send(()).unwrap();
    let mut terminal = Terminal::new(24, 80);
    let program = terminal.run(watch(&[&server.url]));
    terminal.until(|rows| rows.len() == 1 && !rows[0].contains("for 00:00:00"));
    program.stop(Signal::INT);
    assert_eq!(terminal.end().0, [""; 0]);
    server.end();
}

/// Pipes get what they always got.
#[test]
fn no_line_in_a_pipe() {
    let (server, go) = announces(&["a", "b"]);
    go.send(()).unwrap();
    let mut command = watch(&[&server.url, "--count", "2"]);
    let end = Program::spawn(command.env("TERM", "xterm")).end().expect(0);
    assert_eq!(end.out, ["a", "b"]);
    assert_eq!(end.err, [""; 0]);
    server.end();
}

/// Nor is there one where the terminal cannot draw it, a program reads the objects, or another program
/// may print to the same terminal what it reads.
#[test]
fn no_line_where_it_would_be_in_the_way() {
    for (args, term, piped) in [
        (&[][..], Some("dumb"), false),
        (&[], None, false),
        (&["--json"], Some("xterm"), false),
        (&[], Some("xterm"), true),
    ] {
        let (server, go) = announces(&["a"]);
        go.send(()).unwrap();
        let terminal = Terminal::new(24, 80);
        let mut command = watch(&[&server.url, "--count", "1"]);
        command.args(args);
        terminal.show(&mut command);
        match term {
            Some(term) => command.env("TERM", term),
            None => command.env_remove("TERM"),
        };
        if piped {
            command.stdout(Stdio::piped());
        }
        let program = Program::spawn_as_is(&mut command);
        drop(command);
        let end = program.end().expect(0);
        let (_, bytes) = terminal.end();
        let printed = [end.out.join("\r\n"), bytes].concat();
        let expected = if args.is_empty() { "a" } else { "{\"topic\":\"a\"}" };
        assert_eq!(printed.trim_end(), expected, "{args:?} {term:?} {piped}");
        server.end();
    }
}

/// A file is no terminal: it gets the lines, and the terminal the status.
#[test]
fn a_line_beside_a_file() {
    let (server, go) = announces(&["a"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut terminal = Terminal::new(24, 80);
    let mut command = watch(&[&server.url, "--count", "1"]);
    terminal.show(&mut command);
    let program = Program::spawn_as_is(command.stdout(file.reopen().unwrap()));
    drop(command);
    terminal.until(|rows| rows.len() == 1 && rows[0].starts_with("-- listening"));
    go.send(()).unwrap();
    program.end().expect(0);
    assert_eq!(terminal.end().0, [""; 0]);
    assert_eq!(common::lines(file.path()), ["a"]);
    server.end();
}

/// Other commands have none.
#[test]
fn no_line_of_other_commands() {
    let mut server = serve(&[]);
    server.has(&["an ad"]);
    let terminal = Terminal::new(24, 80);
    let program = terminal.run(command(["call", &server.address, "classified?"]));
    program.end().expect(0);
    assert_eq!(terminal.end(), (vec!["an ad".to_owned()], "an ad\r\n".to_owned()));
    run(["call", &server.address, "random?"]).expect(0);
}
