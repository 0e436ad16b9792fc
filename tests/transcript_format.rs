//! Transcripts as a format: what is read is printed so that the same is read again.

use bellwire::Transcript;
use bellwire::transcript::What;

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
