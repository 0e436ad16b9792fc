//! `bellwire demo`, and `bellwire replay` of what was recorded.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

mod common;

use common::{End, run};

/// The lines that the demonstration prints; `#` stands for a number.
fn session(notifications: usize) -> Vec<&'static str> {
    let mut lines = vec!["C: random?", "S: #", "C: classified?", "S: Nice appart in the 11e."];
    let mut ads =
        ["S: Bicycle, hardly used.", "S: Piano, must be collected.", "S: Room with a view."].iter();
    for count in 0..notifications {
        let (announced, getter, item) = match count % 2 {
            0 => ("S: notif: classified", "C: classified?", *ads.next().expect("an ad")),
            _ => ("S: notif: random", "C: random?", "S: #"),
        };
        lines.extend(["C: _notif_", "S: will send notifs", announced]);
        lines.extend(["C: stop_notif", "S: OK", getter, item]);
    }
    lines
}

/// Puts `#` where the server says a number.
fn without_numbers(lines: &[String]) -> Vec<&str> {
    let number = |line: &&str| {
        let digits = line.strip_prefix("S: ").unwrap_or("");
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    lines.iter().map(|line| if number(&line.as_str()) { "S: #" } else { line }).collect()
}

/// The session of the tutorial, line by line, as it crosses the wire.
#[test]
fn prints_the_session() {
    for (args, notifications) in [
        (&["demo"][..], 3),
        (&["demo", "--notifications", "0"], 0),
        (&["demo", "--notifications", "1"], 1),
        (&["demo", "--notifications", "6"], 6),
    ] {
        let end = run(args).expect(0);
        assert_eq!(without_numbers(&end.out), session(notifications), "{args:?}");
        assert_eq!(end.err, [""; 0], "{args:?}");
    }
}

/// There are fewer ads than notifications: they come round again.
#[test]
fn runs_as_long_as_wanted() {
    let end = run(["demo", "--notifications", "100"]).expect(0);
    assert_eq!(end.out.len(), 4 + 7 * 100);
    let ads = |ad: &str| end.out.iter().filter(|line| *line == &format!("S: {ad}")).count();
    assert!(ads("Nice appart in the 11e.") > 10, "{:#?}", end.out);
}

/// A recorded demonstration: what it printed, and the file.
struct Recorded {
    _directory: TempDir,
    file: PathBuf,
    end: End,
}

fn record() -> Recorded {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    let end = run(["demo", "--notifications", "7", "--record", name]).expect(0);
    Recorded { _directory: directory, file, end }
}

fn replay(file: &Path) -> End {
    run(["replay", file.to_str().unwrap()])
}

/// A recording is a transcript, and the same bytes are taken for the same (guarantee G11).
#[test]
fn a_recording_replays() {
    let recorded = record();
    let end = replay(&recorded.file).expect(0);
    assert_eq!(end.err, [""; 0]);

    let taken: Vec<&str> =
        end.out.iter().filter_map(|line| line.trim_start().strip_prefix("taken for: ")).collect();
    let count = |what: &str| taken.iter().filter(|taken| taken.starts_with(what)).count();
    assert_eq!(count("reply "), 2 + 7);
    assert_eq!(count("notification "), 7);
    assert_eq!(count("listening"), 7);
    assert_eq!(count("not listening"), 7);
    let number = recorded.end.out[1].strip_prefix("S: ").unwrap();
    assert_eq!(taken[0], format!("reply 1 {number}"));
}

/// Every line of a transcript is shown, also one that came in the same read as the line before it.
#[test]
fn every_line_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let text = "! listen\nC: notif\nS: OK\nS| notif: random\nS| notif: classified\n> listening\n\
                > notification random\n> notification classified\nS: <EOF>\n\
                > closed: the connection was closed\n";
    fs::write(&file, text).unwrap();
    let end = replay(&file).expect(0);
    let shown: Vec<&str> = end.out.iter().map(String::as_str).collect();
    for line in text.lines() {
        assert!(shown.contains(&line), "{line:?} is not shown in {shown:#?}");
    }
}

/// Changes a line of a recording. Gives the lines, and how many lines further a replay finds fault.
#[track_caller]
fn tamper(change: impl Fn(&str) -> Option<String>) -> (Vec<String>, usize) {
    let recorded = record();
    let text = fs::read_to_string(&recorded.file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (at, changed) = lines
        .iter()
        .enumerate()
        .find_map(|(at, line)| change(line).map(|changed| (at, changed)))
        .expect("a line to change");
    lines[at] = changed;
    fs::write(&recorded.file, lines.join("\n")).unwrap();

    let end = replay(&recorded.file).expect(1);
    let [complaint] = &end.err[..] else { panic!("one complaint, not {:#?}", end.err) };
    let place = complaint.split_once(recorded.file.to_str().unwrap()).expect("the file's name").1;
    let line = place.strip_prefix(':').and_then(|it| it.split_once(':')).expect("the line");
    let found: usize = line.0.parse().expect("the line's number");
    lines.insert(0, String::new()); // Lines are counted from 1.
    assert!(lines[found].starts_with('>'), "{complaint}");
    (lines, found - at - 1)
}

/// What the server said is not what the expectation behind it says.
#[test]
fn a_changed_reply_is_found() {
    let (lines, further) = tamper(|line| {
        let number: u64 = line.strip_prefix("S: ")?.parse().ok()?;
        Some(format!("S: {}", number ^ 1))
    });
    assert_eq!(further, 1, "the expectation behind the reply: {lines:#?}");
}

#[test]
fn a_changed_expectation_is_found() {
    for (from, to) in [
        ("> notification classified", "> notification random"),
        ("> listening", "> not listening"),
        ("> reply 2 Nice appart in the 11e.", "> reply 1 Nice appart in the 11e."),
    ] {
        let (_, further) = tamper(|line| (line == from).then(|| to.to_owned()));
        assert_eq!(further, 0, "{from}");
    }
}

/// The other end of the same session: the transcript's client speaks, the core's server answers.
#[test]
fn the_servers_end_replays_too() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    fs::write(&file, "C: random?\n> command 1 random?\nS: 4\n").unwrap();
    let name = file.to_str().unwrap();
    let end = run(["replay", "--server", name]).expect(0);
    assert!(end.out.iter().any(|line| line.contains("taken for: command 1 random?")), "{end:#?}");
    fs::write(&file, "C: random?\n> command 1 classified?\nS: 4\n").unwrap();
    run(["replay", "--server", name]).expect(1).complains(&[name, ":2:"]);
}

/// What is no transcript is refused with its place.
#[test]
fn what_is_no_transcript_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    for (text, place) in [
        (&b"C: random?\nnonsense\n"[..], "line 2"),
        (b"C: random?\nS: \\q\n", "line 2"),
        (b"S| 4\n", "line 1"),
        (b".. soon\n", "line 1"),
        (b"! dance\n", "line 1"),
        (b"S: 4\n\xff\xfe\n", "no transcript"),
        (b"= no-such-setting 4\n", "no-such-setting"),
    ] {
        fs::write(&file, text).unwrap();
        run(["replay", name]).expect(1).complains(&[name, place]);
    }
    fs::write(&file, "").unwrap();
    run(["replay", name]).expect(0);
}

/// A session that cannot be recorded says so.
#[test]
fn a_recording_that_cannot_be_written_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("missing").join("session.txt");
    run(["demo", "--record", file.to_str().unwrap()]).complains(&["cannot record", "session.txt"]);
}
