//! Transcripts as a format: what is read is printed so that the same is read again.

use std::time::Duration;

use bellwire::Transcript;
use bellwire::transcript::{Act, Said, What};

/// All but where the lines stood.
fn bare(transcript: &Transcript) -> (&[(String, String)], Vec<&What>) {
    (&transcript.settings, transcript.steps.iter().map(|step| &step.what).collect())
}

#[track_caller]
fn printed_and_read(text: &str) -> String {
    let transcript: Transcript = text.parse().unwrap();
    let printed = transcript.to_string();
    let again: Transcript = printed.parse().unwrap();
    assert_eq!(bare(&again), bare(&transcript), "{printed}");
    printed
}

#[test]
fn a_write_of_nothing() {
    assert_eq!(printed_and_read("S: \\\nS: random\\\n"), "S: \\\nS: random\\\n");
}

/// A CR that is said is written `\r`; one at the end of a line is how the file ends its lines.
#[test]
fn line_ends_of_the_file() {
    let text = "C: random?\r\nS: 4\\r\r\n> reply 1 4\\r\r\r\n.. 1s\r";
    assert_eq!(printed_and_read(text), "C: random?\nS: 4\\r\n> reply 1 4\\r\n.. 1s\n");
}

/// The last of several counts.
#[test]
fn line_ends_of_the_wire() {
    let text = "= newline lf\n= newline crlf\nC: random?\n";
    assert_eq!(printed_and_read(text), text);
    let text = "= newline crlf\n= newline lf\nS: a\\r\n";
    assert_eq!(printed_and_read(text), text);
}

/// A backslash that is escaped does not keep the line open.
#[test]
fn a_line_that_ends_with_a_backslash() {
    assert_eq!(printed_and_read("C: a\\\\\n"), "C: a\\\\\n");
    let transcript: Transcript = "C: a\\\\\n".parse().unwrap();
    assert_eq!(transcript.steps[0].what, What::Client(Said::Bytes(b"a\\\r\n".to_vec())));
}

#[test]
fn settings_by_name() {
    let mut transcript: Transcript = "= timers.reply 5s\n= limits.parts 3\n".parse().unwrap();
    assert_eq!(transcript.setting("timers.reply"), Some("5s"));
    assert_eq!(transcript.setting("limits.frame"), None);
    transcript.set("timers.reply", "6s");
    assert_eq!(transcript.setting("timers.reply"), Some("6s"));
    assert_eq!(transcript.to_string(), "= timers.reply 5s\n= limits.parts 3\n= timers.reply 6s\n");
}

#[test]
fn where_each_step_stands() {
    let transcript: Transcript = "C: random?\n\n# an answer\nS: 4\n".parse().unwrap();
    let lines: Vec<usize> = transcript.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [1, 4]);
}

#[test]
fn every_act() {
    let text = "\
! open
! opening random? 1
! opened
! secured
! upgrade
! command random?
! within 1.000000005s random?
! abandon 2
! listen
! decide
! unlisten
! reply 1 4\\x00
! refuse 2 busy
! notify random
! retract random
";
    assert_eq!(printed_and_read(text), text);
    let transcript: Transcript = text.parse().unwrap();
    let acts: Vec<&What> = transcript.steps.iter().map(|step| &step.what).collect();
    let act = |act| What::Act(act);
    assert_eq!(acts[1], &act(Act::Opening(b"random? 1".to_vec())));
    assert_eq!(acts[6], &act(Act::Within(Duration::new(1, 5), b"random?".to_vec())));
    assert_eq!(acts[7], &act(Act::Abandon(2)));
    assert_eq!(acts[11], &act(Act::Reply(1, b"4\0".to_vec())));
}

#[test]
fn times() {
    for (read, printed) in [
        ("0s", "0s"),
        ("1500ms", "1.5s"),
        ("2h", "7200s"),
        ("0.000000001s", "0.000000001s"),
        ("1.999999999s", "1.999999999s"),
    ] {
        assert_eq!(printed_and_read(&format!(".. {read}\n")), format!(".. {printed}\n"));
    }
}

/// What is wrong is told with where it stands, and what stands there.
#[test]
fn lines_that_make_no_sense() {
    for (text, told) in [
        ("C: random?\n\n! dance now\n", "line 3: unknown act: ! dance now"),
        ("# a comment\nS: \\q\n", "line 2: "),
        ("! abandon two\n", "line 1: a ticket's number is missing: ! abandon two"),
        ("C: random?\n.. 5 parsecs\n", "line 2: "),
        ("= newline cr\n", "line 1: newline is lf or crlf: = newline cr"),
    ] {
        let error = text.parse::<Transcript>().unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
}
