//! The greeting, tagged replies, and untagged data.

use bellwire::dialect::imap::Imap;
use bellwire::{Client, Config, Dialect, Event};

use super::common::{sent, told};
use super::{greeted, offered, play};

/// G7: commands wait for the greeting, however it is spelled.
#[test]
fn commands_wait_for_the_greeting() {
    for greeting in ["* OK ready", "* ok", "* PREAUTH ready", "* OK [ALERT] {5}"] {
        let session = "! command NOOP
            S: GREETING
            > greeting GREETING
            C: A1 NOOP
            S: A1 OK done
            > reply 1 OK done";
        let client = play(&session.replace("GREETING", greeting));
        assert_eq!(client.dialect().is_preauthenticated(), greeting.contains("PREAUTH"));
    }
}

/// G1, G18: a server that says goodbye instead.
#[test]
fn goodbye_instead_of_a_greeting() {
    let session = "! command NOOP
        ! listen
        S: * BYE Too many connections
        > goodbye * BYE Too many connections
        S: <EOF>
        > never-sent 1 the connection ended
        > closed: the connection was closed";
    assert!(!play(session).is_greeted());
}

/// G7, G18: this is no IMAP.
#[test]
fn no_greeting() {
    let others = [
        "OK MPD 0.23.5",
        "",
        "* BAD no",
        "* NO",
        "*",
        "* ",
        "* 3 EXISTS",
        "+ go on",
        "A1 OK",
        "* OKAY",
    ];
    for line in others {
        let session = "! command NOOP
            S: LINE
            > never-sent 1 the connection ended
            > error: protocol error: an IMAP server begins with * OK, * PREAUTH or * BYE: \"LINE\"";
        // Blanks at the end of a line do not show, but count.
        play(&session.replace("S: LINE", &format!("S: {line}")).replace("LINE", line));
    }
    play(
        "! command NOOP\n.. 30s\n> never-sent 1 the connection ended\n> error: timed out: no greeting came",
    );
}

/// G2, G4: a reply is for the command whose tag it has, letter for letter, and only once.
#[test]
fn tags() {
    let strays = [
        "A2 OK not sent yet",
        "A0 OK",
        "a1 OK",
        "A01 OK",
        "A+1 OK",
        "A1OK",
        "A1",
        "A",
        "B1 OK",
        " A1 OK",
        "A18446744073709551617 OK",
        "OK",
        "DONE BAD Error in IMAP command",
        "*",
        "*1 EXISTS",
        "+go on",
        "",
    ];
    for stray in strays {
        let session = "C: A1 NOOP
            S: STRAY
            > unsolicited LINE
            S: A1 OK done
            S| A1 OK done
            > reply 1 OK done
            > unsolicited A1 OK done";
        let line = session.replace("LINE", stray).replace("unsolicited \n", "unsolicited\n");
        let client = greeted(&line.replace("STRAY", &stray.replacen(' ', "\\x20", 1)));
        assert_eq!(client.unsolicited(), 2);
    }
}

/// G2: upper and lower case are the same in the words for how it went, and there is no further such
/// word.
#[test]
fn how_it_went() {
    for (word, event) in [
        ("OK", "reply"),
        ("Ok", "reply"),
        ("NO", "refused"),
        ("bad", "refused"),
        ("OK text", "reply"),
    ] {
        greeted(&format!("C: A1 NOOP\nS: A1 {word}\n> {event} 1 {word}"));
    }
    for word in ["OKAY", "PREAUTH", "BYE", "", "\tOK"] {
        let session = "C: A1 NOOP
            S: A1 WORD
            > unanswered 1 the connection ended
            > error: protocol error: a tagged reply is OK, NO or BAD: \"A1 WORD\"";
        greeted(&session.replace("WORD", &word.replace('\t', "\\t")));
    }
}

/// G3: with tags, nobody waits for a reply that nobody wants; it is swallowed when it comes.
#[test]
fn abandoned() {
    greeted(
        "C: A1 FETCH 1 BODY[]
        ! abandon 1
        > held 1
        C: A2 NOOP
        S: * 1 FETCH (BODY[] {3}
        S| abc)
        S| A2 OK done
        > data * 1 FETCH (BODY[] {3}\\r\\nabc)
        > reply 2 OK done
        .. 2min
        C: A3 NOOP
        S: A3 OK done
        > reply 3 OK done
        S: A1 OK done
        > late 1 OK done",
    );
}

/// What the server offers is learned wherever it says so, and from nobody else.
#[test]
fn capabilities() {
    let learned = |server: &str| {
        let mut client = offered("FIRST");
        client.command("NOOP").unwrap();
        sent(&mut client);
        client.feed(server.as_bytes());
        told(&mut client);
        let list = client.dialect().capabilities().iter().map(String::from_utf8_lossy);
        list.collect::<Vec<_>>().join(" ")
    };
    for said in [
        "* CAPABILITY IMAP4rev1 IDLE\r\n",
        "* capability IMAP4rev1  IDLE \r\n",
        "* OK [CAPABILITY IMAP4rev1 IDLE] more now\r\n",
        "A1 OK [capability IMAP4rev1 IDLE] Logged in\r\n",
    ] {
        assert_eq!(learned(said), "IMAP4rev1 IDLE", "{said}");
    }
    for said in [
        "A2 OK [CAPABILITY EVIL] not asked\r\n",
        "A1 NO [CAPABILITY EVIL] no\r\n",
        "A1 OK CAPABILITY EVIL\r\n",
        "A1 OK [CAPABILITY EVIL\r\n",
        "* OK hello [CAPABILITY EVIL]\r\n",
        "* 1 FETCH (BODY[] {20}\r\n\r\n* CAPABILITY EVIL\r\n)\r\n",
    ] {
        assert_eq!(learned(said), "IMAP4rev1 FIRST", "{said}");
    }
    assert!(Client::new(Imap::default(), Config::default()).dialect().capabilities().is_unknown());
}

/// What `server` says while `command` is on the wire, if there is one: its topics, and whether each
/// may be news.
fn data(command: Option<&str>, server: &str) -> Vec<(String, bool)> {
    let mut client = offered("");
    if let Some(command) = command {
        client.command(command).unwrap();
        sent(&mut client);
    }
    let mut told = Vec::new();
    let mut events = client.feed(server.as_bytes());
    while let Some(event) = events.next().unwrap() {
        let Event::Data { topic, news, .. } = event else { panic!("{event}") };
        told.push((String::from_utf8_lossy(topic).into_owned(), news));
    }
    told
}

/// G7, G8: what nobody needs to have asked for is marked. Nothing is guessed beyond that.
#[test]
fn news() {
    let all = "* 4 EXISTS\r\n* 1 EXPUNGE\r\n* 0 recent\r\n* VANISHED 1:3\r\n* OK [ALERT] Disk full\r\n\
               * NO [ALERT] Disk full\r\n* OK [UIDNEXT 4] x\r\n* NO disk full\r\n* LIST () NIL a\r\n\
               * 2 FETCH (FLAGS ())\r\n* 4\r\n* STATUS INBOX (MESSAGES 4)\r\n";
    let topics = [
        "EXISTS", "EXPUNGE", "recent", "VANISHED", "OK", "NO", "OK", "NO", "LIST", "FETCH", "4",
        "STATUS",
    ];
    let news = |command| {
        let told = data(command, all);
        assert!(told.iter().map(|(topic, _)| topic).eq(topics), "{told:?}");
        told.iter().map(|(_, news)| if *news { '!' } else { '.' }).collect::<String>()
    };
    assert_eq!(news(Some("NOOP")), "!!!!!!...!..");
    for asks in
        ["FETCH 1:* FLAGS", "UID FETCH 1:* FLAGS", "store 1 +FLAGS (a)", "uid STORE 1 FLAGS a"]
    {
        assert_eq!(news(Some(asks)), "!!!!!!......", "{asks}");
    }
    // Nobody has asked for anything (RFC 5465).
    assert_eq!(news(None), "!!!!!!!!!!!!");
}

/// G22: what a server refuses to whoever begins, but may do another time.
#[test]
fn g22_refusals_that_pass() {
    for (refusal, passes) in [
        ("NO [UNAVAILABLE] The directory is down", true),
        ("NO [inuse] Somebody has it open", true),
        ("NO [LIMIT] Too many connections", true),
        ("NO [LIMIT 10] Too many connections", true),
        ("NO [AUTHENTICATIONFAILED] Wrong password", false),
        ("NO [LIMITED] Another word", false),
        ("NO [] No word", false),
        ("NO LIMIT", false),
        ("NO", false),
        ("BAD [LIMIT", false),
    ] {
        assert_eq!(Imap::default().passes(refusal.as_bytes()), passes, "{refusal}");
    }
}
