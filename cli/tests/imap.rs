//! `bellwire watch` and `bellwire call` on a mailbox of a real Dovecot.

use std::fs;

use bellwire_any::Runtime;
use rustix::process::Signal;
use serde_json::{Value, json};

mod common;

use common::mailbox::{Mailbox, listening, run_with, with};
use common::{Program, Script, lines, replays};

/// A mail as it is delivered.
fn mail(header: &str) -> String {
    format!("{header}\r\n\r\nText.\r\n")
}

#[test]
fn prints_each_change() {
    let Some(mailbox) = Mailbox::start() else { return };
    let url = &mailbox.imap;
    for access in [
        &["watch", &mailbox.imaps, "--ca", &mailbox.ca][..],
        &["watch", url, "--ca", &mailbox.ca],
        &["watch", url, "--insecure"],
    ] {
        let mut watch = listening(access.iter().chain(&["-vv"]));
        mailbox.dovecot.deliver("hello");
        assert_eq!([watch.line(), watch.line()], ["EXISTS 1", "RECENT 1"], "{access:?}");
        mailbox.call(&[r"STORE 1 +FLAGS (\Flagged \Deleted)"]);
        assert_eq!(watch.line(), r"FETCH 1 \Flagged \Deleted \Recent");
        mailbox.call(&["EXPUNGE"]);
        assert_eq!([watch.line(), watch.line()], ["EXPUNGE 1", "RECENT 0"]);
        watch.stop(Signal::INT);
    }
}

/// What is no number and no flag is told as it came, its topic once.
#[test]
fn prints_what_is_rare() {
    let Some(mailbox) = Mailbox::start() else { return };
    mailbox.dovecot.deliver("hello");
    let mut watch = mailbox.watch(&["--topic", "FLAGS", "--count", "1"]);
    mailbox.call(&["STORE 1 +FLAGS (Important)"]);
    assert_eq!(watch.line(), r"FLAGS (\Answered \Flagged \Deleted \Seen \Draft Important)");
    watch.end().expect(0);
}

#[test]
fn prints_changes_as_objects() {
    let Some(mailbox) = Mailbox::start() else { return };
    let mut watch = mailbox.watch(&["--json", "--topic", "EXISTS", "--topic", "FETCH"]);
    let object = |line: String| serde_json::from_str::<Value>(&line).unwrap();
    mailbox.dovecot.deliver("hello");
    let exists = json!({ "topic": "EXISTS", "item": "1", "number": 1 });
    assert_eq!(object(watch.line()), exists);
    mailbox.call(&[r"STORE 1 +FLAGS (\Seen)"]);
    let item = r"1 \Seen \Recent";
    let flags = [r"\Seen", r"\Recent"];
    let fetch = json!({ "topic": "FETCH", "item": item, "number": 1, "flags": flags });
    assert_eq!(object(watch.line()), fetch);
}

/// Each mail once, however many come at once; those that were there before, never.
#[test]
fn fetches_each_new_mail() {
    let Some(mailbox) = Mailbox::start() else { return };
    mailbox.dovecot.deliver("old");
    let mut watch = mailbox.watch(&["--fetch"]);
    (0..20).for_each(|number| mailbox.dovecot.deliver(&format!("mail {number}")));
    for number in 0..20 {
        let uid = number + 2;
        let expected = format!("mail {uid} Sender <sender@example.org> mail {number}");
        assert_eq!(watch.line(), expected);
    }
    mailbox.call(&[r"STORE 1 +FLAGS (\Seen)"]);
    mailbox.dovecot.deliver("last");
    assert_eq!(watch.line(), "mail 22 Sender <sender@example.org> last");
    watch.stop(Signal::INT);
}

/// A mail is a line, whoever wrote it.
#[test]
fn a_stranger_may_write_anything() {
    let Some(mailbox) = Mailbox::start() else { return };
    let mut watch = mailbox.watch(&["--fetch"]);
    let from = "From: a@example.org\r\n";
    for (uid, (header, line)) in [
        (
            "From: =?UTF-8?Q?J=C3=BCrgen?= <j@example.org>\r\nSubject: =?ISO-8859-1?B?R3L832U=?=",
            "J\u{fc}rgen <j@example.org> Gr\u{fc}\u{df}e",
        ),
        ("Subject: nobody's", "nobody's"),
        ("From: a@example.org", "a@example.org"),
        ("To: b@example.org", ""),
        (
            &format!("{from}Subject: =?UTF-8?Q?a=0D=0Amail_7_forged=1B[31m=C2=9B31m=00?="),
            "a@example.org a mail 7 forged [31m 31m",
        ),
        (
            &format!("{from}Subject: \x1b]0;title\x07 in the raw"),
            "a@example.org ]0;title  in the raw",
        ),
        (&format!("{from}Subject: folded\r\n into two"), "a@example.org folded into two"),
        (
            &format!("{from}Subject: \"quoted\" \\ {{3}} =?nonsense?="),
            "a@example.org \"quoted\" \\ {3} =?nonsense?=",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        mailbox.append(&mail(header));
        let uid = uid + 1;
        assert_eq!(watch.line(), format!("mail {uid} {line}").trim_end(), "{header}");
    }
    watch.stop(Signal::INT);
}

#[test]
fn fetches_mails_as_objects() {
    let Some(mailbox) = Mailbox::start() else { return };
    let mut watch = mailbox.watch(&["--fetch", "--json", "--count", "2"]);
    mailbox.append(&mail("From: Me <me@example.org>\r\nSubject: =?UTF-8?Q?=22=C3=BC=22?="));
    let expected = json!({
        "topic": "mail", "item": "1 Me <me@example.org> \"\u{fc}\"", "uid": 1,
        "from": "Me <me@example.org>", "subject": "\"\u{fc}\"",
    });
    assert_eq!(serde_json::from_str::<Value>(&watch.line()).unwrap(), expected);
    mailbox.append(&mail("To: b@example.org"));
    let expected = json!({ "topic": "mail", "item": "2", "uid": 2, "from": "", "subject": "" });
    assert_eq!(serde_json::from_str::<Value>(&watch.line()).unwrap(), expected);
    watch.end().expect(0);
}

/// `--topic` takes the name that is printed, and that of what announces it.
#[test]
fn prints_the_wanted_topics_only() {
    let Some(mailbox) = Mailbox::start() else { return };
    let topics = ["mail", "EXISTS"].map(|topic| mailbox.watch(&["--fetch", "--topic", topic]));
    let mut others = mailbox.watch(&["--fetch", "--topic", "EXPUNGE"]);
    mailbox.dovecot.deliver("hello");
    for mut watch in topics {
        assert_eq!(watch.line(), "mail 1 Sender <sender@example.org> hello");
    }
    others.complaint("notification EXISTS");
    assert_eq!(others.stop(Signal::INT).out, [""; 0]);
}

/// The program that is run knows the mail, and not the password.
#[test]
fn runs_a_program() {
    let Some(mailbox) = Mailbox::start() else { return };
    let script = Script::new(
        r#"printf '%s|%s|%s\n' "$BELLWIRE_TOPIC" "$BELLWIRE_ITEM" "${BELLWIRE_PASSWORD-none}" \
            >> "$(dirname "$0")/seen""#,
    );
    let watch = mailbox.watch(&["--fetch", "--count", "2", "--exec", script.path()]);
    mailbox.dovecot.deliver("$(echo hello)");
    mailbox.dovecot.deliver("two");
    watch.end().expect(0);
    let from = "Sender <sender@example.org>";
    let expected = [format!("mail|1 {from} $(echo hello)|none"), format!("mail|2 {from} two|none")];
    assert_eq!(lines(&script.file("seen")), expected);
}

/// The server is killed; mail that comes meanwhile is printed when it is back, and what follows, too.
#[test]
fn finds_the_mail_that_came_meanwhile() {
    let Some(mut mailbox) = Mailbox::start() else { return };
    mailbox.dovecot.deliver("before");
    let mut watch = mailbox.watch(&["--fetch"]);
    for round in 0..2 {
        let uid = 2 + 3 * round;
        mailbox.dovecot.deliver("one");
        assert_eq!(watch.line(), format!("mail {uid} Sender <sender@example.org> one"));
        mailbox.kill();
        watch.complaint("may have missed notifications");
        mailbox.dovecot.deliver("two");
        mailbox.dovecot.restart();
        watch.complaint("connected, and listening again");
        assert_eq!(watch.line(), format!("mail {} Sender <sender@example.org> two", uid + 1));
        mailbox.dovecot.deliver("three");
        assert_eq!(watch.line(), format!("mail {} Sender <sender@example.org> three", uid + 2));
    }
    watch.stop(Signal::INT);
}

/// The main path, with TLS from the first byte on and with STARTTLS, on each runtime.
#[test]
fn on_each_runtime() {
    let Some(mut mailbox) = Mailbox::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut uid = 0;
    let mut deliver = |mailbox: &Mailbox, subject: &str| {
        mailbox.dovecot.deliver(subject);
        uid += 1;
        format!("mail {uid} Sender <sender@example.org> {subject}")
    };
    for runtime in Runtime::ALL.map(Runtime::name) {
        let file = |name: &str| directory.path().join(format!("{runtime}.{name}"));
        let files = [file("tls"), file("starttls")].map(|it| it.to_str().unwrap().to_owned());
        let access = ["--runtime", runtime, "--ca", &mailbox.ca].map(str::to_owned);
        let start = |(url, file): (&String, &String)| {
            let watch = ["-vvv", "watch", "--fetch", url, "--record", file].map(str::to_owned);
            listening(watch.iter().chain(&access))
        };
        let urls = [mailbox.imaps.clone(), mailbox.imap.clone()];
        let mut watches: Vec<_> = urls.iter().zip(&files).map(start).collect();
        let first = deliver(&mailbox, "first");
        watches.iter_mut().for_each(|watch| assert_eq!(watch.line(), first, "{runtime}"));

        mailbox.kill();
        for watch in &mut watches {
            watch.complaint("may have missed notifications");
        }
        let second = deliver(&mailbox, "second");
        mailbox.dovecot.restart();
        watches.iter_mut().for_each(|watch| assert_eq!(watch.line(), second, "{runtime}"));
        for url in &urls {
            let call = ["call", url, "UID SEARCH SUBJECT nothing"].map(str::to_owned);
            let end = run_with("secret", call.iter().chain(&access)).expect(0);
            assert_eq!(end.out[0], "* SEARCH", "{runtime}");
        }

        for (watch, file) in watches.into_iter().zip(&files) {
            let end = watch.stop(Signal::TERM);
            let seen = replays(file);
            assert!(seen.contains(&"notification EXISTS".to_owned()), "{runtime}: {seen:#?}");
            let logged = |event: &String| end.err.iter().any(|line| line.ends_with(event));
            assert!(seen.iter().all(logged), "{runtime}: {seen:#?}, {end:#?}");
        }
    }
}

/// What the next connection begins with tells how many mails there are, which is no change.
#[test]
fn a_new_connection_is_no_change() {
    let Some(mut mailbox) = Mailbox::start() else { return };
    mailbox.dovecot.deliver("before");
    let mut watch = mailbox.watch(&["--json"]);
    mailbox.kill();
    watch.complaint(r#""event":"gap""#);
    mailbox.dovecot.restart();
    watch.complaint(r#""event":"resumed""#);
    mailbox.dovecot.deliver("after");
    let line: Value = serde_json::from_str(&watch.line()).unwrap();
    assert_eq!((&line["topic"], &line["number"]), (&json!("EXISTS"), &json!(2)));
}

/// UIDs that have begun anew say nothing of what is new: nothing is printed but what comes later.
#[test]
fn uids_that_begin_anew() {
    for json in [&["--fetch"][..], &["--fetch", "--json"]] {
        let Some(mut mailbox) = Mailbox::start() else { return };
        (0..3).for_each(|_| mailbox.dovecot.deliver("old"));
        let mut watch = mailbox.watch(json);
        mailbox.kill();
        watch.complaint(if json.len() > 1 { r#""event":"gap""# } else { "may have missed" });
        mailbox.dovecot.deliver("meanwhile");
        mailbox.begin_anew();
        mailbox.dovecot.restart();
        watch.complaint(if json.len() > 1 { r#""event":"reset""# } else { "is not what it was" });
        mailbox.dovecot.deliver("after");
        let line = watch.line();
        assert!(line.contains("after"), "{line}");
        assert_eq!(watch.stop(Signal::INT).out.len(), 1);
    }
}

#[test]
fn a_lost_server_ends_it_without_reconnect() {
    let Some(mut mailbox) = Mailbox::start() else { return };
    let watch = mailbox.watch(&["--no-reconnect"]);
    mailbox.kill();
    watch.end().expect(1).complains(&["bellwire: not connected: "]);
}

/// The recording replays to the events that were seen, and the password is in no file and no log.
#[test]
fn a_recording_replays() {
    let Some(mailbox) = Mailbox::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    let url = &mailbox.imap;
    for access in [&[url, "--insecure"][..], &[url, "--ca", &mailbox.ca]] {
        let flags = ["-vvv", "watch", "--fetch", "--count", "1", "--record", name];
        let args = flags.iter().chain(access);
        // No other word of the session.
        let secret = "open sesame";
        let users = mailbox.dovecot.certificate_file().with_file_name("users");
        fs::write(users, format!("test:{{PLAIN}}{secret}\n")).unwrap();
        let mut watch = Program::spawn(&mut with(secret, args));
        watch.complaint(" listening");
        mailbox.dovecot.deliver("hello");
        let end = watch.end().expect(0);
        let recorded = fs::read_to_string(&file).unwrap();
        assert!(!format!("{end:?}").contains("sesame"), "{end:#?}");
        assert!(!recorded.contains("sesame"), "{recorded}");
        // The log is of this protocol, not of TLS's.
        let ours = |line: &String| line.starts_with('[') && line.contains("] #1 ");
        assert!(end.err.iter().all(ours), "{end:#?}");

        let seen = replays(name);
        assert!(seen.contains(&"notification EXISTS".to_owned()), "{recorded}");
        assert!(seen.iter().all(|event| end.err.iter().any(|line| line.ends_with(event))));
    }
}

/// Replies whole, with what belongs to them; a mail's lines as lines.
#[test]
fn calls() {
    let Some(mailbox) = Mailbox::start() else { return };
    mailbox.append(&mail("Subject: hello"));
    let call = ["call", &mailbox.imaps, "--ca", &mailbox.ca];
    let commands = ["UID SEARCH ALL", "NONSENSE", "UID FETCH 1 BODY.PEEK[]"];
    let end = run_with("secret", call.iter().chain(&commands)).expect(1);
    assert_eq!(end.out[0], "* SEARCH 1");
    assert!(end.out[1].starts_with("OK "), "{end:#?}");
    assert!(end.out[2].starts_with("BAD "), "{end:#?}");
    assert!(end.out[3].starts_with("* 1 FETCH ("), "{end:#?}");
    assert_eq!(end.out[4..8], ["Subject: hello", "", "Text.", ")"]);
    assert!(end.out[8].starts_with("OK "), "{end:#?}");
    end.complains(&["1 of 3 commands were refused"]);

    let pipeline = ["--pipeline", "NOOP", "NONSENSE", "UID SEARCH ALL"];
    let end = run_with("secret", call.iter().chain(&pipeline)).expect(1);
    let replies = end.out.iter().filter(|line| !line.starts_with('*'));
    let words: Vec<_> = replies.map(|line| line.split(' ').take(2).collect::<Vec<_>>()).collect();
    assert_eq!(words, [["OK", "NOOP"], ["BAD", "Error"], ["OK", "Search"]], "{end:#?}");
}

/// What switches the mode, or would be another command's part, is not sent.
#[test]
fn what_is_no_command_is_refused() {
    let Some(mailbox) = Mailbox::start() else { return };
    for (command, why) in [
        ("IDLE", "reserved"),
        ("DONE", "reserved"),
        ("NOOP\r\nNOOP", "0x0d"),
        ("APPEND INBOX {5}\r\nfour", "not whole"),
        ("", "empty"),
    ] {
        let call = ["call", &mailbox.imap, "--insecure", command];
        let end = run_with("secret", call).expect(1);
        assert_eq!(end.out, [""; 0], "{command}");
        end.complains(&["the command was refused", why]);
    }
}
