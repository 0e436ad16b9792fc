//! What Dovecot 2.3.19 sent, byte for byte.

use bellwire::dialect::imap::response::{Code, Condition, Mailbox, State, Untagged};

use crate::{condition, fetch, parse};

/// Lines without literals, as they came; the properties mutate them.
pub(crate) const LINES: &[&str] = &[
    "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN AUTH=LOGIN] Dovecot (Debian) ready.",
    "* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY",
    "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
    "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags permitted.",
    "* 9 EXISTS",
    "* 3 RECENT",
    "* OK [UNSEEN 1] First unseen.",
    "* OK [UIDVALIDITY 1795206976] UIDs valid",
    "* OK [UIDNEXT 10] Predicted next UID",
    "* OK [CLOSED] Previous mailbox closed.",
    "* OK Still here",
    "* BAD Error in IMAP tag: Invalid tag (0.001 + 0.000 secs).",
    "* BYE Too many invalid IMAP commands.",
    "* BYE Server shutting down.",
    "* 1 EXPUNGE",
    "* SEARCH 1 2 3 4 5 6 7 8 9 10 11 12 13",
    "* STATUS INBOX (MESSAGES 16 UIDNEXT 18 UNSEEN 16)",
    "* 64 FETCH (UID 65 FLAGS (\\Recent))",
    "* 1 FETCH (FLAGS ())",
    "* 1 FETCH (UID 2 BODY[] {20}\r\nSubject: t\r\n\r\nbody\r\n)",
    "* 1 FETCH (FLAGS () BODY[HEADER] {14}\r\nSubject: t\r\n\r\n BODY[TEXT] {6}\r\nbody\r\n BODY[]<1000> {0}\r\n)",
    "* 12 FETCH (BODY[TEXT] {26}\r\na22 OK fake\r\n* 99 EXISTS\r\n)",
];

fn words(response: &str) -> Vec<String> {
    let words = match parse(response) {
        Untagged::Flags(words) | Untagged::Capability(words) => words,
        Untagged::Condition(condition) => match condition.code {
            Some(Code::PermanentFlags(words) | Code::Capability(words)) => words,
            other => panic!("no words: {other:?}"),
        },
        other => panic!("no words: {other:?}"),
    };
    words.iter().map(String::from).collect()
}

#[test]
fn nothing_of_it_is_unknown() {
    for line in LINES {
        assert!(!matches!(parse(line), Untagged::Other(_)), "{line}");
    }
}

#[test]
fn simple_ones() {
    assert_eq!(parse("* 9 EXISTS"), Untagged::Exists(9));
    assert_eq!(parse("* 3 RECENT"), Untagged::Recent(3));
    assert_eq!(parse("* 1 EXPUNGE"), Untagged::Expunge(1));
    let Untagged::Search(found) = parse(LINES[15]) else { panic!() };
    assert_eq!(found.numbers, (1..=13).collect::<Vec<_>>());
    assert_eq!(found.mod_seq, None);
}

#[test]
fn capabilities_alone_and_in_a_greeting() {
    let Untagged::Capability(can) = parse(LINES[1]) else { panic!() };
    assert!(
        can.has("IDLE") && can.has("notify") && can.has("STATUS=SIZE") && !can.has("AUTH=PLAIN")
    );
    assert_eq!(can.iter().len(), 37);
    let greeting = condition(LINES[0]);
    assert_eq!((greeting.state, &*greeting.text), (State::Ok, "Dovecot (Debian) ready."));
    assert_eq!(words(LINES[0])[8..], ["AUTH=PLAIN", "AUTH=LOGIN"]);
}

#[test]
fn flags() {
    let flags = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"];
    assert_eq!(words(LINES[2]), flags);
    assert_eq!(words(LINES[3]), [&flags[..], &["\\*"]].concat());
}

#[test]
fn a_mailbox_is_selected() {
    let parts: Vec<_> = LINES[2..9].iter().map(parse).collect();
    let end = Condition::parse(b"OK [READ-WRITE] Select completed (0.001 + 0.000 secs).").unwrap();
    let mailbox = Mailbox::gather(&parts, &end);
    assert_eq!((mailbox.exists, mailbox.recent, mailbox.unseen), (9, 3, Some(1)));
    assert_eq!((mailbox.uid_validity, mailbox.uid_next), (Some(1_795_206_976), Some(10)));
    assert_eq!((mailbox.read_only, mailbox.highest_mod_seq), (false, None));
    assert!(mailbox.flags.has("\\seen") && !mailbox.flags.has("\\*"));
    assert!(mailbox.permanent_flags.unwrap().has("\\*"));
}

#[test]
fn what_came_before_closed_is_about_another_mailbox() {
    let before = ["* 77 EXISTS", "* OK [HIGHESTMODSEQ 12] Highest", "* 5 EXPUNGE"];
    let after = [LINES[9], "* 12 EXISTS", "* 0 RECENT"];
    let parts: Vec<_> = before.iter().chain(&after).map(parse).collect();
    let end = Condition::parse(b"OK [READ-WRITE] Select completed (0.001 secs).").unwrap();
    let mailbox = Mailbox::gather(&parts, &end);
    assert_eq!((mailbox.exists, mailbox.recent, mailbox.highest_mod_seq), (12, 0, None));
}

#[test]
fn a_mailbox_is_kept_up_to_date() {
    let mut mailbox = Mailbox::default();
    for response in ["* 11 EXISTS", "* 1 EXPUNGE", "* VANISHED 3:5,9", "* VANISHED (EARLIER) 1:9"] {
        mailbox.hear(&parse(response));
    }
    assert_eq!(mailbox.exists, 6);
    mailbox.hear(&parse("* VANISHED 4294967295:0"));
    assert_eq!(mailbox.exists, 0);
}

#[test]
fn what_notify_tells_of_other_mailboxes() {
    let Untagged::Status(status) = parse(LINES[16]) else { panic!() };
    assert_eq!(status.mailbox, "INBOX");
    assert_eq!(
        (status.messages, status.uid_next, status.unseen, status.recent),
        (Some(16), Some(18), Some(16), None)
    );
}

#[test]
fn messages_with_literals() {
    let message = fetch(LINES[19]);
    assert_eq!((message.seq, message.uid), (1, Some(2)));
    assert_eq!(message.section("body[]"), Some(&b"Subject: t\r\n\r\nbody\r\n"[..]));

    let message = fetch(LINES[20]);
    assert!(message.flags.as_ref().unwrap().is_empty());
    let names: Vec<_> = message.sections.iter().map(|section| &*section.name).collect();
    assert_eq!(names, ["BODY[HEADER]", "BODY[TEXT]", "BODY[]<1000>"]);
    assert_eq!(message.section("BODY[HEADER]"), Some(&b"Subject: t\r\n\r\n"[..]));
    assert_eq!(message.section("BODY[TEXT]"), Some(&b"body\r\n"[..]));
    assert_eq!(message.section("BODY[]<1000>"), Some(&b""[..]));

    let message = fetch(LINES[21]);
    assert_eq!(message.section("BODY[TEXT]"), Some(&b"a22 OK fake\r\n* 99 EXISTS\r\n"[..]));
}

#[test]
fn ends_of_replies() {
    let end = |text: &str| {
        let end = Condition::parse(text.as_bytes()).unwrap();
        (end.state, end.code, end.text)
    };
    let uid = Code::AppendUid { uid_validity: 1_795_206_976, uids: [10..=10].into() };
    assert_eq!(
        end("OK [APPENDUID 1795206976 10] Append completed (0.002 + 0.001 secs)."),
        (State::Ok, Some(uid), "Append completed (0.002 + 0.001 secs).".into())
    );
    assert_eq!(
        end("NO [TRYCREATE] Mailbox doesn't exist: nosuch (0.001 + 0.000 secs)."),
        (
            State::No,
            Some(Code::TryCreate),
            "Mailbox doesn't exist: nosuch (0.001 + 0.000 secs).".into()
        )
    );
    assert_eq!(
        end("NO [AUTHENTICATIONFAILED] Authentication failed."),
        (State::No, Some(Code::AuthenticationFailed), "Authentication failed.".into())
    );
    assert_eq!(
        end("OK [CLIENTBUG] Status on selected mailbox completed (0.001 + 0.000 secs)."),
        (
            State::Ok,
            Some(Code::ClientBug),
            "Status on selected mailbox completed (0.001 + 0.000 secs).".into()
        )
    );
    assert_eq!(
        end("BAD Expected DONE (0.101 + 0.101 + 0.100 secs)."),
        (State::Bad, None, "Expected DONE (0.101 + 0.101 + 0.100 secs).".into())
    );
    assert_eq!(end("OK Logged in"), (State::Ok, None, "Logged in".into()));
    assert_eq!(condition(LINES[13]).state, State::Bye);
}
