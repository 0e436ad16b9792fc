//! `bellwire watch` on mailboxes as no server for tests has them: very full ones, and those of servers
//! that say less than they should, or what nobody can read.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use rustix::process::Signal;

mod common;

use common::mailbox::{listening, run_with, with};
use common::{Fake, Program, Script, Wire, fake};

/// A mailbox with UIDs up to 9.
const EXAMINED: &[&str] =
    &["* 3 EXISTS", "* OK [UIDVALIDITY 7] UIDs valid", "* OK [UIDNEXT 10] Predicted next UID"];

/// The server's end of a connection.
struct Server(Wire);

impl Server {
    /// Lets a client in, and shows it this mailbox.
    fn accept(listener: &TcpListener, examined: &[&str]) -> Self {
        let mut wire = Wire::accept(listener);
        wire.say("* OK [CAPABILITY IMAP4rev1 IDLE] ready");
        let mut server = Self(wire);
        server.answer("LOGIN test ", &[]);
        server.answer("EXAMINE INBOX", examined);
        server
    }

    /// Awaits a command that begins so, and answers with these lines.
    #[track_caller]
    fn answer(&mut self, command: &str, lines: &[&str]) {
        let tag = self.hear(command);
        lines.iter().for_each(|line| self.0.say(line));
        self.0.say(&format!("{tag} OK done"));
    }

    #[track_caller]
    fn hear(&mut self, command: &str) -> String {
        let line = self.0.hear();
        let (tag, said) = line.split_once(' ').unwrap();
        assert!(said.starts_with(command), "{command} is awaited: {line}");
        tag.to_owned()
    }

    /// The same, but the client may idle before.
    #[track_caller]
    fn hear_later(&mut self, command: &str) -> String {
        loop {
            let line = self.0.hear();
            let (tag, said) = line.split_once(' ').unwrap();
            if said != "IDLE" {
                assert_eq!(said, command);
                return tag.to_owned();
            }
            self.0.say("+ idling");
            self.done(Idle(tag.to_owned()));
        }
    }

    /// Awaits that the client idles, and tells it these lines.
    #[track_caller]
    fn tell(&mut self, lines: &[&str]) -> Idle {
        let tag = self.hear("IDLE");
        self.0.say("+ idling");
        lines.iter().for_each(|line| self.0.say(line));
        Idle(tag)
    }

    /// Awaits that the client idles no more.
    #[track_caller]
    fn done(&mut self, Idle(tag): Idle) {
        self.0.expect("DONE");
        self.0.say(&format!("{tag} OK done"));
    }

    /// Tells it these lines, and waits until it wants to know more.
    #[track_caller]
    fn announce(&mut self, lines: &[&str]) {
        let idle = self.tell(lines);
        self.done(idle);
    }
}

struct Idle(String);

fn url(server: &Fake) -> String {
    format!("imap://test@{}", server.address)
}

fn envelope(uid: u32) -> String {
    let from = r#"(("Me" NIL "me" "example.org"))"#;
    format!(
        r#"* {uid} FETCH (UID {uid} ENVELOPE (NIL "no {uid}" {from} NIL NIL NIL NIL NIL NIL NIL))"#
    )
}

/// A holiday's worth of mail is fetched piece by piece, so that no answer is too large; and where the
/// server refuses in the middle, the rest is fetched another time.
#[test]
fn a_flood_of_mail() {
    const MAILS: u32 = 1201;
    let uid = |index: u32| 10 + 3 * index;
    let server = fake(move |listener| {
        let mut server = Server::accept(listener, EXAMINED);
        let found = |from: u32| -> String {
            // In no order, and with the last that was there before.
            let uids = (from..MAILS).rev().map(|index| format!(" {}", uid(index)));
            format!("* SEARCH 9{}", uids.collect::<String>())
        };
        let fetch = |first, last| format!("UID FETCH {}:{} (UID ENVELOPE)", uid(first), uid(last));
        let mails = |first, last| (first..=last).rev().map(|index| envelope(uid(index)));
        let answer = |server: &mut Server, first, last| {
            let tag = server.hear_later(&fetch(first, last));
            mails(first, last).for_each(|mail| server.0.say(&mail));
            server.0.say(&format!("{tag} OK done"));
        };
        server.announce(&["* 1204 EXISTS"]);
        server.answer("UID SEARCH UID 10:*", &[&found(0)]);
        answer(&mut server, 0, 499);
        let tag = server.hear_later(&fetch(500, 999));
        server.0.say(&format!("{tag} NO not now"));
        server.announce(&["* 1204 EXISTS"]);
        server.answer(&format!("UID SEARCH UID {}:*", uid(499) + 1), &[&found(500)]);
        answer(&mut server, 500, 999);
        answer(&mut server, 1000, 1200);
        server.0.await_end();
    });
    let args = ["watch", &url(&server), "--insecure", "--fetch"];
    let mut watch = Program::spawn(&mut with("x", args));
    for index in 0..MAILS {
        let uid = uid(index);
        assert_eq!(watch.line(), format!("mail {uid} Me <me@example.org> no {uid}"));
    }
    watch.complaint("could not be fetched: the server refused: NO not now");
    watch.stop(Signal::INT);
    server.end();
}

/// Nothing is lost over an envelope that nobody can read, or that the server keeps to itself; what is
/// gone again is gone.
#[test]
fn an_envelope_that_cannot_be_read() {
    let server = fake(|listener| {
        let mut server = Server::accept(listener, EXAMINED);
        server.announce(&["* 8 EXISTS"]);
        server.answer("UID SEARCH UID 10:*", &["* SEARCH 10 11 12 13 14"]);
        server.answer(
            "UID FETCH 10:14 (UID ENVELOPE)",
            &[
                &envelope(10),
                "* 11 FETCH (UID 11 ENVELOPE (((nonsense)))",
                "* 12 FETCH (FLAGS (\\Seen) UID 12)",
                // Of another mail, and of this one once more.
                "* 3 FETCH (FLAGS (\\Seen) UID 9)",
                &envelope(10),
                &envelope(14),
            ],
        );
        let left = ["10", "11", "12", "14"].map(|uid| format!("* {uid} FETCH (UID {uid})"));
        server.answer("UID FETCH 10:14 (UID)", &left.each_ref().map(String::as_str));
        server.announce(&["* 9 EXISTS"]);
        server.answer("UID SEARCH UID 15:*", &["* SEARCH 14"]);
        server.tell(&[]);
        server.0.await_end();
    });
    let args = ["watch", &url(&server), "--insecure", "--fetch", "-vvv"];
    let mut watch = Program::spawn(&mut with("x", args));
    let lines = [
        "mail 10 Me <me@example.org> no 10",
        "mail 11",
        "mail 12",
        "mail 14 Me <me@example.org> no 14",
    ];
    assert_eq!([watch.line(), watch.line(), watch.line(), watch.line()], lines);
    watch.complaint("S: * SEARCH 14");
    watch.complaint("S: + idling");
    assert_eq!(watch.stop(Signal::INT).out, lines);
    server.end();
}

/// A server that does not say which UID comes next is asked for the highest.
#[test]
fn a_server_that_does_not_say_the_next_uid() {
    for (count, highest) in [("* 3 EXISTS", 9), ("* 0 EXISTS", 0)] {
        let server = fake(move |listener| {
            let mut server = Server::accept(listener, &[count, "* OK [UIDVALIDITY 7]"]);
            if highest > 0 {
                server.answer("UID FETCH * (UID)", &["* 3 FETCH (UID 9)"]);
            }
            server.announce(&["* 4 EXISTS"]);
            let search = format!("UID SEARCH UID {}:*", highest + 1);
            // As IMAP4rev2 answers it.
            server.answer(&search, &["* ESEARCH (TAG \"x\") UID ALL 12,10:11"]);
            let mails = [10, 11, 12].map(envelope);
            server.answer("UID FETCH ", &mails.each_ref().map(String::as_str));
            server.0.await_end();
        });
        let args = ["watch", &url(&server), "--insecure", "--fetch", "--count", "3"];
        let end = run_with("x", args).expect(0);
        let uids = [10, 11, 12].map(|uid| format!("mail {uid} Me <me@example.org> no {uid}"));
        assert_eq!(end.out, uids);
        server.end();
    }
}

/// RFC 9051 wants these to be seen.
#[test]
fn warnings_are_told() {
    for json in [&[][..], &["--json"], &["--fetch"]] {
        let server = fake(|listener| {
            let mut server = Server::accept(listener, EXAMINED);
            server.tell(&[
                "* OK Still here",
                "* OK [ALERT] Down at\t\x1b[31mnoon",
                "* NO The disk is full",
                "* 4 EXISTS",
            ]);
            server.0.await_end();
        });
        let args = ["watch", &url(&server), "--insecure"];
        let mut watch = Program::spawn(&mut with("x", args.iter().chain(json)));
        if json == ["--json"] {
            watch.complaint(r#"{"detail":"Down at [31mnoon","event":"warning"}"#);
        } else {
            watch.complaint("bellwire: the server says: Down at [31mnoon");
            watch.complaint("bellwire: the server says: The disk is full");
        }
        let end = watch.stop(Signal::INT);
        assert!(!end.err.iter().any(|line| line.contains("Still here")), "{end:#?}");
        // Whoever fetches has left, or is about to.
        drop(server);
    }
}

/// Whoever runs a program for long misses announcements: what they announced is looked for.
#[test]
fn announcements_that_were_dropped() {
    let server = fake(|listener| {
        let mut server = Server::accept(listener, EXAMINED);
        server.announce(&["* 4 EXISTS"]);
        server.answer("UID SEARCH UID 10:*", &["* SEARCH 10"]);
        server.answer("UID FETCH 10:10 ", &[&envelope(10)]);
        // More than is kept; the last of them is the one that counts.
        let mut flood = vec!["* 1 FETCH (FLAGS (\\Seen))"; 2000];
        flood.push("* 5 EXISTS");
        server.announce(&flood);
        server.answer("UID SEARCH UID 11:*", &["* SEARCH 11"]);
        server.answer("UID FETCH 11:11 ", &[&envelope(11)]);
        server.0.await_end();
    });
    let script = Script::new(r#"read answer < "$(dirname "$0")/fifo""#);
    let fifo = script.file("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let args = ["--insecure", "--fetch", "--count", "2", "--exec", script.path()];
    let url = url(&server);
    let mut watch = listening(["-vv", "watch", &url].iter().chain(&args));
    assert_eq!(watch.line(), "mail 10 Me <me@example.org> no 10");
    // The second `EXISTS`: the first was there before.
    watch.complaint("notification FETCH");
    watch.complaint("notification EXISTS");
    fs::write(&fifo, "go\n").unwrap();
    watch.complaint("the reader was too slow");
    assert_eq!(watch.line(), "mail 11 Me <me@example.org> no 11");
    fs::write(&fifo, "go\n").unwrap();
    watch.end().expect(0);
    server.end();
}

/// A server that refuses to search is no reason to end, and the mail is found next time.
#[test]
fn what_cannot_be_fetched_is_fetched_later() {
    let server = fake(|listener| {
        let mut server = Server::accept(listener, EXAMINED);
        server.announce(&["* 4 EXISTS"]);
        let tag = server.hear("UID SEARCH UID 10:*");
        server.0.say(&format!("{tag} NO not now"));
        server.announce(&["* 5 EXISTS"]);
        server.answer("UID SEARCH UID 10:*", &["* SEARCH ten eleven"]);
        server.announce(&["* 6 EXISTS"]);
        server.answer("UID SEARCH UID 10:*", &["* SEARCH 10 11"]);
        let tag = server.hear("UID FETCH 10:11");
        server.0.say(&format!("{tag} NO not yet"));
        server.announce(&["* 7 EXISTS"]);
        server.answer("UID SEARCH UID 10:*", &["* SEARCH 10 11"]);
        server.answer("UID FETCH 10:11 ", &[&envelope(10), &envelope(11)]);
        server.0.await_end();
    });
    let args = ["watch", &url(&server), "--insecure", "--fetch", "--count", "2"];
    let end = run_with("x", args).expect(0);
    assert_eq!(end.out.len(), 2, "{end:#?}");
    end.complains(&["could not be fetched: ", "not now"]);
    end.complains(&["could not be fetched: ", "the UIDs of messages", "ten eleven"]);
    end.complains(&["could not be fetched: ", "not yet"]);
    server.end();
}

/// The next connection finds another mailbox of this name, of which it tells before anything else: no
/// mail of it is taken for a new one.
#[test]
fn another_mailbox_of_the_same_name() {
    let server = fake(|listener| {
        let mut server = Server::accept(listener, EXAMINED);
        server.tell(&[]);
        drop(server);
        let other = ["* 40 EXISTS", "* OK [UIDVALIDITY 8]", "* OK [UIDNEXT 41]"];
        let mut server = Server::accept(listener, &other);
        server.announce(&["* 41 EXISTS"]);
        server.answer("UID SEARCH UID 41:*", &["* SEARCH 41"]);
        server.answer("UID FETCH 41:41 ", &[&envelope(41)]);
        server.0.await_end();
    });
    let args = ["watch", &url(&server), "--insecure", "--fetch", "--count", "1"];
    let end = run_with("x", args).expect(0);
    assert_eq!(end.out, ["mail 41 Me <me@example.org> no 41"]);
    end.complains(&["its UIDs have begun anew"]);
    server.end();
}

/// An announcement is dealt with late, when the next connection already has another mailbox of this
/// name: what that answers is no new mail either.
#[test]
fn an_announcement_of_another_mailbox() {
    let server = fake(|listener| {
        let mut server = Server::accept(listener, EXAMINED);
        server.announce(&["* 4 EXISTS"]);
        server.answer("UID SEARCH UID 10:*", &["* SEARCH 10"]);
        server.answer("UID FETCH 10:10 ", &[&envelope(10)]);
        server.tell(&["* 5 EXISTS"]);
        drop(server);
        let other = ["* 40 EXISTS", "* OK [UIDVALIDITY 8]", "* OK [UIDNEXT 41]"];
        let mut server = Server::accept(listener, &other);
        server.announce(&[]);
        server.answer("UID SEARCH UID 11:*", &["* SEARCH 40"]);
        server.answer("UID FETCH 40:40 ", &[&envelope(40)]);
        let tag = server.hear_later("UID SEARCH UID 41:*");
        server.0.say("* SEARCH 41");
        server.0.say(&format!("{tag} OK done"));
        server.answer("UID FETCH 41:41 ", &[&envelope(41)]);
        server.0.await_end();
    });
    let script = Script::new(r#"read answer < "$(dirname "$0")/fifo""#);
    let fifo = script.file("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let url = url(&server);
    let args = ["--insecure", "--fetch", "--count", "2", "--exec", script.path()];
    let mut watch = listening(["-vv", "watch", &url].iter().chain(&args));
    assert_eq!(watch.line(), "mail 10 Me <me@example.org> no 10");
    // The other connection is there before the program ends.
    watch.complaint("connecting again");
    watch.complaint(" listening");
    fs::write(&fifo, "go\n").unwrap();
    assert_eq!(watch.line(), "mail 41 Me <me@example.org> no 41");
    fs::write(&fifo, "go\n").unwrap();
    watch.end().expect(0).complains(&["its UIDs have begun anew"]);
    server.end();
}
