//! What is written for a command, and what is refused because it would be no command, or several (G13).

use bellwire::dialect::imap::{
    Append, Ask, Authenticate, Capabilities, Examine, Imap, Login, Select, StartTls,
    decode_mailbox, encode_mailbox,
};
use bellwire::{Answer, BadReply, Client, Command, Config, Refusal, Reply, Status, command};

use super::common::{sent, told};
use super::{offered, private};

fn written(command: &impl Command<Imap>) -> String {
    String::from_utf8(command::encode(&private(), command).unwrap()).unwrap()
}

fn refused(command: &impl Command<Imap>) -> Refusal {
    command::encode(&private(), command).unwrap_err()
}

/// G13: text that would be several commands, or end early, or go on in the next.
#[test]
fn text_that_forges() {
    let forbidden = [
        ("NOOP\r\nA2 LOGOUT", b'\r', 4),
        ("NOOP\nA2 LOGOUT", b'\n', 4),
        ("NOOP\r", b'\r', 4),
        ("NOOP\r\n", b'\r', 4),
        ("NO\0OP", 0, 2),
        ("\r\nNOOP", b'\r', 0),
        ("APPEND x {5}\nhello", b'\n', 12),
        ("APPEND x {5}\rhello", b'\r', 12),
        ("APPEND x {5} \r\nhello", b'\r', 13),
        ("APPEND x {5}\r\nhello\r\nA2 LOGOUT", b'\r', 19),
        ("APPEND x {5}\r\nhel\0o", 0, 17),
        ("APPEND x {5}\r\nhello {1}\n", b'\n', 23),
        ("APPEND x {99999999999999999999999}\r\nhello", b'\r', 34),
        ("AUTHENTICATE PLAIN\nAHRlc3Q=", b'\n', 18),
        ("AUTHENTICATE PLAIN\rAHRlc3Q=", b'\r', 18),
        ("AUTHENTICATE PLAIN\r\nAHR\0", 0, 23),
    ];
    for (text, byte, at) in forbidden {
        let why = if text.starts_with("\r") {
            Refusal::Reserved("a blank cannot stand before a command")
        } else {
            Refusal::Forbidden { byte, at }
        };
        assert_eq!(refused(&text), why, "{text:?}");
    }
    let incomplete = [
        "APPEND x {5}",
        "APPEND x {5+}",
        "APPEND x ~{5}",
        "APPEND x {6}\r\nhello",
        "APPEND x {5}\r\nhello {5}",
        "APPEND x {99999999999999999999999}",
        "{5}",
        "AUTHENTICATE PLAIN",
        "authenticate",
        "AUTHENTICATE PLAIN {5+}",
        "AUTHENTICATE PLAIN {5+}\r\nhello",
        "AUTHENTICATE PLAIN\r\n{5}",
        "AUTHENTICATE PLAIN\r\nAHRlc3Q= {50+}\r\nhello",
    ];
    for text in incomplete {
        assert!(matches!(refused(&text), Refusal::Incomplete(_)), "{text:?}: {}", refused(&text));
    }
    for text in ["", " ", "  \t "] {
        assert_eq!(refused(&text), Refusal::Empty, "{text:?}");
    }
    let reserved = [
        "IDLE",
        "idle",
        "IDLE now",
        "Done",
        "DONE x",
        "UID IDLE",
        "uid done",
        "UID LOGIN test secret",
        "UID AUTHENTICATE PLAIN",
        "uid starttls",
        " NOOP",
        " IDLE",
        "IDLE\r\n",
        "IDLE {0}\r\n",
    ];
    for text in reserved {
        assert!(matches!(refused(&text), Refusal::Reserved(_)), "{text:?}: {}", refused(&text));
    }
    // It is handed back, and leaves no trace.
    let mut client = offered("");
    let refused = client.command("NOOP\r\nA2 LOGOUT").unwrap_err();
    assert_eq!(refused.value, "NOOP\r\nA2 LOGOUT");
    assert_eq!((client.pending(), sent(&mut client).as_str()), (0, ""));
}

/// G13: to a server that knows no such literal, its bytes are commands.
#[test]
fn a_literal_that_the_server_does_not_know() {
    let text = "APPEND INBOX {11+}\r\nA2 LOGOUT\r\n";
    assert!(matches!(refused(&text), Refusal::NotOffered(_)));
    let mut client = offered("LITERAL+");
    client.command(text).unwrap();
    assert_eq!(sent(&mut client), "A1 APPEND INBOX {11+}\r\nA2 LOGOUT\r\n\r\n");
    let long = format!("APPEND INBOX {{4097+}}\r\n{}", "x".repeat(4097));
    assert!(offered("LITERAL-").command(long.as_str()).is_err());
    assert!(offered("LITERAL+").command(long.as_str()).is_ok());
}

/// Text that is one command, with all that may stand in it.
#[test]
fn text() {
    for text in [
        "NOOP",
        "noop ",
        "UID FETCH 1:* (FLAGS)",
        "SELECT \"say \\\"x\\\"\"",
        "SEARCH TEXT {5",
        "SEARCH TEXT 5}",
        "SEARCH TEXT {5}x",
        "SEARCH TEXT {}",
        "X-IDLE",
        "SELECT DONE",
        "APPEND x {5}\r\nhello",
        "APPEND x {5}\r\na\r\nb\n",
        "APPEND x {4}\r\nhello {0}\r\n",
        "AUTHENTICATE PLAIN AHRlc3QAdGVzdA==",
        "AUTHENTICATE PLAIN\r\nAHRlc3QAdGVzdA==",
        "AUTHENTICATE LOGIN\r\ndGVzdA==\r\nc2VjcmV0",
        "AUTHENTICATE XOAUTH2 dXNlcj11\r\n",
    ] {
        assert_eq!(written(&text), format!("{text}\r\n"));
    }
}

/// Strings as plainly as they may be written (RFC 9051 section 9).
#[test]
fn strings() {
    let astring = |text: &'static str| {
        written(&Ask::new("X").astring(text)).strip_prefix("X ").unwrap().trim_end().to_owned()
    };
    for plain in ["abc", "INBOX/a.b", "a]b", "1:*"] {
        let quoted = plain.contains('*');
        assert_eq!(astring(plain), if quoted { format!("\"{plain}\"") } else { plain.into() });
    }
    for quoted in ["", "a b", "{5}", "(", "%", "NIL", "nil", "\t", "\x7f", "\x01"] {
        assert_eq!(astring(quoted), format!("\"{quoted}\""));
    }
    assert_eq!(astring("a\"b\\c"), r#""a\"b\\c""#);
    for (literal, count) in [("ü", 2), ("a\r\nb", 4), ("\n", 1), ("\r", 1)] {
        let expected = format!("X {{{count}}}\r\n{literal}\r\n");
        assert_eq!(written(&Ask::new("X").astring(literal)), expected);
    }
    assert_eq!(refused(&Ask::new("X").astring("a\0")), Refusal::Forbidden { byte: 0, at: 1 });
    assert_eq!(refused(&Ask::new("X").literal("ab\0")), Refusal::Forbidden { byte: 0, at: 2 });
}

/// G13: parts that together would be something else.
#[test]
fn parts() {
    let search =
        Ask::new("UID SEARCH").text("SUBJECT").astring("{5}").text("FROM").literal("a\r\nb");
    assert_eq!(written(&search), "UID SEARCH SUBJECT \"{5}\" FROM {4}\r\na\r\nb\r\n");
    let forging = [
        Ask::new("X").text("{5}"),
        Ask::new("X {5}"),
        Ask::new("X").text("a{5+}").literal("x"),
        Ask::new("X").text("a\r\nb"),
        Ask::new("X").text("a\0"),
        Ask::new("X\nY"),
        Ask::new("IDLE"),
        Ask::new("uid").text("idle"),
        Ask::new("DONE").astring("x"),
        Ask::new("LOGIN").astring("test").astring("secret"),
        Ask::new("LOGIN test secret"),
        Ask::new("UID").text("LOGIN"),
        Ask::new("AUTHENTICATE").text("PLAIN"),
        Ask::new("STARTTLS"),
        Ask::new(""),
        Ask::new("").text("IDLE"),
        Ask::new(" IDLE"),
    ];
    for ask in forging {
        refused(&ask);
    }
}

#[test]
fn mailboxes() {
    assert_eq!(written(&Select("Entwürfe".into())), "SELECT Entw&APw-rfe\r\n");
    assert_eq!(written(&Examine("a b".into())), "EXAMINE \"a b\"\r\n");
    assert_eq!(
        written(&Select("A\r\nA2 LOGOUT\0".into())),
        "SELECT \"A&AA0ACg-A2 LOGOUT&AAA-\"\r\n"
    );
    let append = Append { mailbox: "台北".into(), message: "hello".into() };
    assert_eq!(written(&append), "APPEND &U,BTFw- {5}\r\nhello\r\n");
    let append = Append { mailbox: "x".into(), message: "a\0b".into() };
    assert_eq!(refused(&append), Refusal::Forbidden { byte: 0, at: 1 });
    // RFC 3501 section 5.1.3.
    assert_eq!(encode_mailbox("~peter/mail/台北/日本語"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
    assert_eq!(decode_mailbox("~peter/mail/&U,BTFw-/&ZeVnLIqe-"), "~peter/mail/台北/日本語");
    assert_eq!(encode_mailbox("😀&"), "&2D3eAA-&-");
    // What is no such thing stays as it is.
    for odd in ["a&b", "a&", "&!-", "&AA-", "&2D0-", "&U,BTFw", "&Ü-", "a&b&-c", "&b-", "&AGF-"] {
        let kept = odd.replace("&-", "&");
        assert_eq!(decode_mailbox(odd), kept, "{odd}");
    }
}

/// Secrets go over private connections only, unless the caller insists.
#[test]
fn secrets_go_over_private_connections_only() {
    let mut client = Client::new(Imap::default(), Config::default());
    client.feed(b"* OK ready\r\n");
    told(&mut client);
    let insecure = |client: &mut Client<Imap>| {
        let typed = [
            client.command(Login::new("test", "secret")).map_err(|refused| refused.why),
            client.command(Authenticate::plain("test", "secret")).map_err(|refused| refused.why),
            client.command(Authenticate::xoauth2("test", "token")).map_err(|refused| refused.why),
        ];
        let text = ["LOGIN test secret", "login test secret", "AUTHENTICATE PLAIN AHRlc3Q="]
            .map(|text| client.command(text).map_err(|refused| refused.why));
        typed.into_iter().chain(text).all(|given| given == Err(Refusal::Insecure))
    };
    assert!(insecure(&mut client));
    client.upgrade().unwrap();
    assert!(insecure(&mut client));
    client.command("NOOP").unwrap();
    client.secured();
    client.command(Login::new("test", "secret")).unwrap();
    client.command("LOGIN test secret").unwrap();
}

#[test]
fn not_offered() {
    let why = offered("LOGINDISABLED").command(Login::new("test", "secret")).unwrap_err().why;
    assert_eq!(why, Refusal::NotOffered("LOGIN"));
    let why = offered("IDLE").command(StartTls).unwrap_err().why;
    assert_eq!(why, Refusal::NotOffered("STARTTLS"));
    assert_eq!(written(&StartTls), "STARTTLS\r\n");
    for nothing in ["", "  "] {
        assert!(Capabilities::parse(nothing.as_bytes()).is_unknown());
    }
    let [list, same, other] =
        ["IDLE NOTIFY", " IDLE  NOTIFY ", "IDLE"].map(|it| Capabilities::parse(it.as_bytes()));
    assert!(list == same && list != other);
}

/// Who is logged in does not log in, and where nobody can listen in, TLS is not asked for.
#[test]
fn what_is_due() {
    let greeted = |greeting: &str| {
        let mut client = Client::new(Imap::default(), Config::default());
        client.feed(greeting.as_bytes());
        told(&mut client);
        client
    };
    fn is_due(command: impl Command<Imap>, client: &Client<Imap>) -> bool {
        command.is_due(client.dialect())
    }
    let due = |client: &Client<Imap>| {
        let login = Login::new("test", "secret");
        let due = is_due(&login, client);
        assert_eq!(is_due(login, client), due);
        assert_eq!(is_due(Authenticate::plain("test", "secret"), client), due);
        (due, is_due(StartTls, client))
    };
    let mut client = greeted("* OK ready\r\n");
    assert_eq!(due(&client), (true, true));
    client.secured();
    assert_eq!(due(&client), (true, false));
    // In plain text, anybody may have said so.
    let mut client = greeted("* PREAUTH ready\r\n");
    assert_eq!(due(&client), (false, true));
    client.secured();
    assert_eq!(due(&client), (false, false));
}

/// G13: a name or secret that would end early.
#[test]
fn sasl() {
    let ends = |command: Authenticate| matches!(refused(&command), Refusal::Reserved(_));
    assert!(ends(Authenticate::plain("te\0st", "secret")));
    assert!(ends(Authenticate::plain("test", "sec\0ret")));
    assert!(ends(Authenticate::xoauth2("te\x01st", "token")));
    assert!(ends(Authenticate::xoauth2("test", "tok\x01en")));
    assert_eq!(refused(&Login::new("te\0st", "x")), Refusal::Forbidden { byte: 0, at: 2 });
    assert_eq!(refused(&Login::new("test", "ü\0")), Refusal::Forbidden { byte: 0, at: 2 });
    let login = written(&Login::new("te st", "a\"b\\c {5}"));
    assert_eq!(login, "LOGIN \"te st\" \"a\\\"b\\\\c {5}\"\r\n");
    assert_eq!(written(&Login::new("", "")), "LOGIN \"\" \"\"\r\n");
}

/// What came of a command: refused, the words of the refusal; done, what there is to know.
#[test]
fn answers_as_values() {
    let answer = |status, text: &'static str| Answer {
        parts: Vec::new(),
        reply: Reply { status, text: text.into() },
    };
    let no = || answer(Status::Refused, "NO not today");
    let refused = Err(BadReply::Refused("NO not today".into()));
    assert_eq!(Login::new("test", "secret").decode(no()), refused);
    assert_eq!(Authenticate::plain("test", "secret").decode(no()), refused);
    assert_eq!(StartTls.decode(no()), refused);
    let append = Append { mailbox: "INBOX".into(), message: "hello".into() };
    assert_eq!(append.decode(no()), Err(BadReply::Refused("NO not today".into())));
    let done = "OK [APPENDUID 1 5] done";
    assert_eq!(append.decode(answer(Status::Done, done)).unwrap(), done);
}

/// Without what is secret.
#[test]
fn shown_for_debugging() {
    let login = Login::new("test", "secret");
    assert_eq!(format!("{login:?}"), "Login { user: \"test\", .. }");
    let plain = Authenticate::plain("test", "secret");
    assert_eq!(format!("{plain:?}"), "Authenticate { mechanism: \"PLAIN\", .. }");
}
