//! Commands that wait for the server in the middle: literals, and logging in.

use bellwire::dialect::imap::{Append, Authenticate, Login};
use bellwire::{Abandoned, Phase};

use super::common::{secs, sent, told};
use super::{greeted, offered};

/// Plays a session in which `APPEND` waits for the server to ask for its literal.
fn paused(session: &str) {
    let given = "! command APPEND INBOX {5}\\r\\nhello\nC: A1 APPEND INBOX {5}\n";
    greeted(&format!("{given}{session}"));
    greeted(&format!("= in-flight 8\n{given}{session}"));
}

/// G6, G9: the server asks for the literal. Data before that, and commands behind it, do not disturb
/// it; the commands wait.
#[test]
fn asked_for() {
    greeted(
        "! command APPEND INBOX {5}\\r\\nhello
        C: A1 APPEND INBOX {5}
        ! command NOOP
        ! listen
        S: * 4 EXISTS
        > data * 4 EXISTS
        S: + OK
        C: hello
        S: A1 OK done
        > reply 1 OK done
        C: A2 NOOP
        S: A2 OK done
        > reply 2 OK done
        C: A3 IDLE
        S: + idling
        S| * 5 EXISTS
        > listening
        > notification EXISTS",
    );
    // Several, and none at the end of its line; the server may ask without a word.
    greeted(
        "! command LOGIN {4}\\r\\ntest {6}\\r\\nsecret
        C: A1 LOGIN {4}
        S: +
        C: test {6}
        S: + go on
        C: secret
        S: A1 OK done
        > reply 1 OK done",
    );
    // A count is a number, however it was written.
    greeted(
        "! command LOGIN {03}\\r\\nabc {00}\\r\\n
        C: A1 LOGIN {3}
        S: +
        C: abc {0}
        S: +
        C:
        S: A1 OK done
        > reply 1 OK done",
    );
}

/// G2: the server answers before it has asked: the rest of the command is never sent, as the server would
/// take it for commands.
#[test]
fn refused_instead() {
    for (answer, event) in [
        ("NO [TRYCREATE] no", "refused 1 NO [TRYCREATE] no"),
        ("BAD", "refused 1 BAD"),
        ("OK", "reply 1 OK"),
    ] {
        paused(&format!(
            "! command NOOP
            S: A1 {answer}
            > {event}
            C: A2 NOOP
            S: + OK
            > unsolicited + OK
            S: A2 OK done
            > reply 2 OK done"
        ));
    }
}

/// G2: others that are on the wire are answered meanwhile.
#[test]
fn others_are_answered() {
    greeted(
        "= in-flight 8
        ! command NOOP
        ! command APPEND INBOX {5}\\r\\nhello
        ! command NOOP
        C: A1 NOOP
        C| A2 APPEND INBOX {5}
        S: A1 OK done
        S| + OK
        > reply 1 OK done
        C: hello
        C| A3 NOOP
        S: A3 OK done
        S| A2 OK done
        > reply 3 OK done
        > reply 2 OK done",
    );
}

/// G4, G7: what came before the command asks for nothing of it.
#[test]
fn asked_too_early() {
    let mut client = offered("");
    client.command("APPEND INBOX {5}\r\nhello").unwrap();
    client.feed(b"+ OK\r\n+ O");
    assert_eq!(sent(&mut client), "A1 APPEND INBOX {5}\r\n");
    client.feed(b"K\r\n");
    assert_eq!(told(&mut client), ["unsolicited + OK", "unsolicited + OK"]);
    assert_eq!(sent(&mut client), "");
    client.feed(b"+ OK\r\n");
    assert_eq!((told(&mut client).len(), sent(&mut client).as_str()), (0, "hello\r\n"));
}

/// G3: abandoned while it waits. The server waits, too, so when it asks it is given what it was promised,
/// or it would take the next command for it.
#[test]
fn abandoned() {
    paused(
        "! abandon 1
        > held 1
        ! command NOOP
        S: + OK
        C: hello
        C| A2 NOOP
        .. 61s
        S: A1 OK done
        S| A2 OK done
        > late 1 OK done
        > reply 2 OK done",
    );
    paused(
        "! abandon 1
        > held 1
        ! command NOOP
        S: A1 NO no
        > late 1 NO no
        C: A2 NOOP",
    );
    paused(
        "! within 5s NOOP
        ! abandon 1
        > held 1
        .. 5s
        > never-sent 2 its deadline passed
        S: * OK Still here
        > data * OK Still here
        .. 55s
        > error: desynchronised: 1 abandoned commands still wait for their replies",
    );
}

/// G3, G12: it is not forgotten as other abandoned commands are, when there are too many of them.
#[test]
fn abandoned_and_not_forgotten() {
    greeted(
        "= in-flight 8
        = held 0
        C: A1 NOOP
        ! command APPEND INBOX {5}\\r\\nhello
        C: A2 APPEND INBOX {5}
        ! abandon 2
        > held 2
        ! abandon 1
        > held 1
        S: + OK
        C: hello
        S: A2 OK done
        S| A1 OK done
        > late 2 OK done
        > unsolicited A1 OK done",
    );
}

/// G1, G16: its deadline passes while it waits.
#[test]
fn timed_out() {
    greeted(
        "! within 5s APPEND INBOX {5}\\r\\nhello
        C: A1 APPEND INBOX {5}
        .. 5s
        > unanswered 1 its deadline passed
        S: + OK
        C: hello
        S: A1 OK done
        > late 1 OK done",
    );
    // That the server has asked for more gives it no more time.
    greeted(
        "! within 5s APPEND INBOX {5}\\r\\nhello
        C: A1 APPEND INBOX {5}
        .. 4s
        S: + OK
        C: hello
        .. 1s
        > unanswered 1 its deadline passed",
    );
}

/// G16: a server that is silent while it is waited for is not asked whether it lives, as it would take
/// that for the literal; it has to go on all the same.
#[test]
fn silence() {
    paused(
        "= silence 60s
        = probe 10s
        .. 60s
        .. 9s
        S: * OK Still here
        > data * OK Still here
        .. 60s
        .. 10s
        > unanswered 1 the connection ended
        > error: timed out: the peer was silent and did not answer a probe",
    );
}

/// G1, G18
#[test]
fn the_end() {
    paused(
        "! command NOOP
        S: * BYE
        > goodbye * BYE
        S: <EOF>
        > unanswered 1 the connection ended
        > never-sent 2 the connection ended
        > closed: the connection was closed",
    );
    paused(
        "S: + O\\\nS: <RESET>\n> unanswered 1 the connection ended\n> closed: the connection was reset",
    );
}

/// G5, G9: wanting the mode, or not, makes no difference until the command is through.
#[test]
fn the_mode_waits() {
    let mut client = offered("");
    client.listen();
    sent(&mut client);
    client.feed(b"+ idling\r\n");
    let ticket = client.command("APPEND INBOX {5}\r\nhello").unwrap();
    told(&mut client);
    assert_eq!(sent(&mut client), "DONE\r\n");
    client.feed(b"A1 OK done\r\n");
    told(&mut client);
    assert_eq!(sent(&mut client), "A2 APPEND INBOX {5}\r\n");
    client.unlisten();
    client.listen();
    assert_eq!((sent(&mut client).as_str(), client.phase()), ("", Phase::Off));
    assert_eq!(client.abandon(ticket), Abandoned::Held);
    client.tick(secs(0));
    assert_eq!(sent(&mut client), "");
    client.feed(b"+\r\n");
    assert_eq!((told(&mut client).len(), sent(&mut client).as_str()), (0, "hello\r\nA3 IDLE\r\n"));
}

/// Literals that need not be asked for (RFC 7888), as far as the server offers them.
#[test]
fn not_asked_for() {
    let append =
        |count: usize| Append { mailbox: "INBOX".into(), message: vec![b'x'; count].into() };
    let written = |offer: &str, count| {
        let mut client = offered(offer);
        client.command(append(count)).unwrap();
        sent(&mut client).replace(&"x".repeat(count), "X")
    };
    for offer in ["LITERAL+", "literal+", "LITERAL-", "IMAP4rev2", "LITERAL- LITERAL+"] {
        assert_eq!(written(offer, 4096), "A1 APPEND INBOX {4096+}\r\nX\r\n", "{offer}");
    }
    assert_eq!(written("LITERAL+", 4097), "A1 APPEND INBOX {4097+}\r\nX\r\n");
    for offer in ["LITERAL-", "IMAP4rev2"] {
        assert_eq!(written(offer, 4097), "A1 APPEND INBOX {4097}\r\n", "{offer}");
    }
    assert_eq!(written("XLITERAL+", 1), "A1 APPEND INBOX {1}\r\n");
    // G2: a server that refuses it has read it all the same, as Dovecot does.
    let mut client = offered("LITERAL+");
    client.command(append(3)).unwrap();
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "A1 APPEND INBOX {3+}\r\nxxx\r\n");
    client.feed(b"A1 NO [TRYCREATE] Mailbox doesn't exist\r\n");
    assert_eq!(told(&mut client), ["refused 1 NO [TRYCREATE] Mailbox doesn't exist"]);
    assert_eq!(sent(&mut client), "A2 NOOP\r\n");
}

/// What the client sends when it logs in with `plain`, and then for each line of the server's.
fn authenticated(command: Authenticate, offer: &str, server: &[&str]) -> Vec<String> {
    let mut client = offered(offer);
    client.command(command).unwrap();
    client.command("NOOP").unwrap();
    let mut said = vec![sent(&mut client)];
    for line in server {
        client.feed(format!("{line}\r\n").as_bytes());
        said.extend(told(&mut client));
        said.push(sent(&mut client));
    }
    said
}

/// `AUTHENTICATE PLAIN` (RFC 4616), with and without an initial response (RFC 4959). The examples are
/// RFC 4959's.
#[test]
fn authenticate_plain() {
    let plain = || Authenticate::plain("test", "test");
    for offer in ["SASL-IR", "IMAP4rev2"] {
        let said = authenticated(plain(), offer, &["A1 OK done"]);
        let expected =
            ["A1 AUTHENTICATE PLAIN AHRlc3QAdGVzdA==\r\n", "reply 1 OK done", "A2 NOOP\r\n"];
        assert_eq!(said, expected, "{offer}");
    }
    let asked =
        ["A1 AUTHENTICATE PLAIN\r\n", "AHRlc3QAdGVzdA==\r\n", "refused 1 NO no", "A2 NOOP\r\n"];
    assert_eq!(authenticated(plain(), "", &["+", "A1 NO no"]), asked);
    // Refused at once: the password does not go out.
    let refused = ["A1 AUTHENTICATE PLAIN\r\n", "refused 1 NO no", "A2 NOOP\r\n"];
    assert_eq!(authenticated(plain(), "", &["A1 NO no"]), refused);
    // Asked for what it does not have, it cancels, and is refused.
    let cancelled =
        ["A1 AUTHENTICATE PLAIN AHRlc3QAdGVzdA==\r\n", "*\r\n", "refused 1 BAD no", "A2 NOOP\r\n"];
    assert_eq!(authenticated(plain(), "SASL-IR", &["+ bW9yZQ==", "A1 BAD no"]), cancelled);
}

/// `XOAUTH2`: a server that refuses says why in a question, which is answered by nothing.
#[test]
fn authenticate_xoauth2() {
    let token = || {
        Authenticate::xoauth2(
            "someuser@example.com",
            "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
        )
    };
    // The provider's own example.
    let response = "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhk\
                    SFJoZG1semRHRXVZMjl0Q2cBAQ==";
    let first = format!("A1 AUTHENTICATE XOAUTH2 {response}\r\n");
    let refused = authenticated(token(), "SASL-IR", &["+ eyJzdGF0dXMiOiI0MDAifQ==", "A1 NO no"]);
    assert_eq!(refused, [first.as_str(), "\r\n", "refused 1 NO no", "A2 NOOP\r\n"]);
    let good = authenticated(token(), "SASL-IR", &["A1 OK done"]);
    assert_eq!(good, [first.as_str(), "reply 1 OK done", "A2 NOOP\r\n"]);
    let asked = authenticated(token(), "", &["+ ", "+ eyJz", "A1 NO no"]);
    let (first, answer) = ("A1 AUTHENTICATE XOAUTH2\r\n", format!("{response}\r\n"));
    assert_eq!(asked, [first, answer.as_str(), "\r\n", "refused 1 NO no", "A2 NOOP\r\n"]);
}

/// The same as text.
#[test]
fn authenticate_as_text() {
    greeted(
        "! command AUTHENTICATE PLAIN\\r\\nAHRlc3QAdGVzdA==
        C: A1 AUTHENTICATE PLAIN
        S: +
        C: AHRlc3QAdGVzdA==
        S: A1 OK done
        > reply 1 OK done
        ! command AUTHENTICATE XOAUTH2 dXNlcj11\\r\\n
        C: A2 AUTHENTICATE XOAUTH2 dXNlcj11
        S: + eyJz
        C:
        S: A2 NO no
        > refused 2 NO no",
    );
}

/// G9: `LOGIN` with what cannot be quoted, as literals.
#[test]
fn login_in_literals() {
    let mut client = offered("");
    client.command(Login::new("jürgen", "pässword")).unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN {7}\r\n");
    client.feed(b"+\r\n");
    told(&mut client);
    assert_eq!(sent(&mut client), "jürgen {9}\r\n");
    client.feed(b"+\r\n");
    told(&mut client);
    assert_eq!(sent(&mut client), "pässword\r\n");
    let mut client = offered("LITERAL-");
    client.command(Login::new("jürgen", "pass word")).unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN {7+}\r\njürgen \"pass word\"\r\n");
}
