//! The settings of a transcript: each is read, and those of a client are noted as they were read.

use std::time::Duration;

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire::transcript::{Configured, Settings};
use bellwire::{Transcript, Unsolicited};

/// All that a client's configuration has, none as it is by default.
const CONFIG: &str = "unsolicited fatal
    in-flight 11
    ride 12
    frame 13
    parts 14
    largest-reply 15
    pending 16
    held 17
    output 18
    held-for 21s
    switch 22s
    greeting 23s
    rearm 24s
    silence 25s
    probe 26s
    write never
    suspend 28s";

fn settings<D: Configured>(lines: &str) -> Result<Settings<D>, String> {
    let text: String = lines.lines().map(|line| format!("= {}\n", line.trim())).collect();
    text.parse::<Transcript>().unwrap().configure()
}

/// What is read is noted so that the same is read again.
#[track_caller]
fn noted<D: Configured>(dialect: &str) {
    let expected: Vec<&str> = dialect.lines().chain(CONFIG.lines()).map(str::trim).collect();
    let read: Settings<D> = settings(&expected.join("\n")).unwrap();
    let noted = Settings::of(&read.client, &read.dialect);
    let noted: Vec<String> = noted.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(noted.iter().map(|line| line.trim()).collect::<Vec<_>>(), expected);
}

#[test]
fn what_was_read_is_noted() {
    for spelling in ["session", "underscored", "notify"] {
        let flags = "acknowledge\nids\nask-in-mode";
        noted::<Notif>(&format!("newline lf\nspelling {spelling}\n{flags}"));
    }
    noted::<Imap>("whole 1\nidle-for 2s\nsilence-allowed never\ninsecure");
    noted::<Mpd>("whole 1\nsilence-allowed 2s\nanswers-stray-noidle");
}

/// Defaults are not noted.
#[test]
fn nothing_is_noted_of_defaults() {
    let read: Settings<Notif> =
        settings("unsolicited report\nnewline crlf\nspelling plain").unwrap();
    assert_eq!(Settings::of(&read.client, &read.dialect), []);
}

/// The last one counts.
#[test]
fn what_an_end_is_configured_with() {
    let lines = format!(
        "dialect notif\nreply 29s\ntopics 19\nautologout 20s\n{CONFIG}\nunsolicited ignore"
    );
    let Settings { client, server, .. } = settings::<Notif>(&lines).unwrap();
    let secs = Duration::from_secs;
    assert_eq!(client.timers.reply, Some(secs(29)));
    assert_eq!(client.unsolicited, Unsolicited::Ignore);
    let limits = server.limits;
    assert_eq!((limits.frame, limits.pending, limits.output, limits.topics), (13, 16, 18, 19));
    let timers = server.timers;
    assert_eq!((timers.silence, timers.write), (Some(secs(25)), None));
    assert_eq!((timers.suspend, timers.autologout), (secs(28), Some(secs(20))));
    assert_eq!(settings::<Imap>("newline crlf").map(drop), Ok(()));
    assert_eq!(settings::<Mpd>("newline lf").map(drop), Ok(()));
}

#[test]
fn what_makes_no_sense() {
    for line in [
        "dialect mpd",
        "in-flight",
        "in-flight -1",
        "unsolicited often",
        "reply 5",
        "suspend never",
        "spelling loud",
        "ids yes",
        "whole 5",
        "pace 3",
    ] {
        let told = settings::<Notif>(line).map(drop).unwrap_err();
        assert_eq!(told.trim_end(), format!("setting makes no sense: {line}"));
    }
    settings::<Imap>("insecure yes").map(drop).unwrap_err();
    settings::<Mpd>("newline crlf").map(drop).unwrap_err();
}
