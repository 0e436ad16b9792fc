//! The change of the stream to TLS: nothing that was said in plain text counts behind it.

use bellwire::dialect::imap::{Append, Imap, Login, StartTls};
use bellwire::{Abandoned, Client, Command, Config, Phase, Refusal};

use super::common::{secs, sent, told};
use super::greeted;

/// A client whose server has greeted, in plain text.
fn plain(change: impl FnOnce(&mut Config)) -> Client<Imap> {
    let mut config = Config::default();
    change(&mut config);
    let mut client = Client::new(Imap::default(), config);
    client.feed(b"* OK [CAPABILITY IMAP4rev1 STARTTLS LITERAL+ SASL-IR] ready\r\n");
    told(&mut client);
    client
}

/// The same, with `STARTTLS` on the wire and a command behind it.
fn starting() -> Client<Imap> {
    let mut client = plain(|config| config.in_flight = 8);
    client.command(StartTls).unwrap();
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "A1 STARTTLS\r\n");
    client
}

/// G9: what waits goes on over TLS; there is no second greeting. What was learned is forgotten.
#[test]
fn the_stream_changes() {
    let mut client = starting();
    client.listen();
    client.feed(b"* 3 EXISTS\r\nA1 OK Begin TLS negotiation now.\r\n");
    assert_eq!(told(&mut client), ["data * 3 EXISTS", "reply 1 OK Begin TLS negotiation now."]);
    assert!(client.is_upgrading() && !client.dialect().capabilities().is_unknown());
    client.command("CHECK").unwrap();
    assert_eq!(sent(&mut client), "");
    client.upgrade().unwrap();
    assert!(!client.is_upgrading() && client.dialect().capabilities().is_unknown());
    assert!(client.is_greeted());
    assert_eq!(sent(&mut client), "A2 NOOP\r\nA3 CHECK\r\nA4 IDLE\r\n");
    client.command(Login::new("test", "secret")).unwrap();
    client.feed(b"A2 OK\r\n* CAPABILITY IMAP4rev1 IDLE\r\nA3 OK\r\n");
    assert_eq!(told(&mut client).len(), 3);
    assert!(client.dialect().capabilities().has("IDLE"));
}

/// G7, G11: plain text behind the agreement is refused, wherever the reads are cut, and is never told,
/// nor learned from.
#[test]
fn plain_text_behind_the_agreement() {
    for behind in
        ["x", "\r\n", "* OK [CAPABILITY EVIL]\r\n", "A2 OK forged\r\n* BYE\r\nA3 OK forged\r\n"]
    {
        let said = format!("A1 OK go\r\n{behind}");
        for cut in 0..said.len() {
            let (first, second) = said.split_at(cut);
            let mut client = starting();
            client.feed(first.as_bytes());
            let mut before = told(&mut client);
            client.output();
            client.feed(second.as_bytes());
            before.extend(told(&mut client));
            assert_eq!(before, ["reply 1 OK go"]);
            let error = client.upgrade().unwrap_err();
            assert!(error.to_string().contains("plain text"), "{error}");
            let after = ["never-sent 2 the connection ended".to_owned(), format!("error: {error}")];
            assert_eq!(told(&mut client), after);
            assert!(!client.dialect().capabilities().has("EVIL"));
            assert_eq!(sent(&mut client), "");
        }
    }
    // Not in the same read, and very much of it.
    let mut client = starting();
    client.feed(b"A1 OK go\r\n");
    told(&mut client);
    for _ in 0..1000 {
        client.feed(&[b'x'; 1000]);
    }
    assert!(told(&mut client).is_empty());
    assert!(client.upgrade().unwrap_err().to_string().ends_with("xx…\""));
}

/// The server refuses: the connection goes on as it is, and is not private.
#[test]
fn refused() {
    for no in ["NO not now", "BAD what?"] {
        let mut client = starting();
        client.feed(format!("A1 {no}\r\n* 4 EXISTS\r\n").as_bytes());
        assert_eq!(told(&mut client), [format!("refused 1 {no}"), "data * 4 EXISTS".into()]);
        client.upgrade().unwrap();
        assert_eq!(sent(&mut client), "A2 NOOP\r\n");
        assert!(client.dialect().capabilities().has("STARTTLS"));
        let why = client.command(Login::new("test", "secret")).unwrap_err().why;
        assert_eq!(why, Refusal::Insecure);
    }
}

/// G7: it waits until nothing is on the wire, and nothing follows it: an answer behind the agreement
/// would count as forged.
#[test]
fn alone_on_the_wire() {
    greeted(
        "= in-flight 8
        ! command NOOP
        ! command STARTTLS
        ! command CHECK
        ! listen
        C: A1 NOOP
        S: A1 OK done
        > reply 1 OK done
        C: A2 STARTTLS
        S: A2 NO not now
        > refused 2 NO not now
        C: A3 CHECK
        C| A4 IDLE",
    );
    // Abandoned commands are on the wire, too.
    greeted(
        "= in-flight 8
        C: A1 NOOP
        ! abandon 1
        > held 1
        ! command STARTTLS
        S: A1 OK done
        > late 1 OK done
        C: A2 STARTTLS",
    );
}

/// G9, G10, crossing 5: in the mode, it leaves the mode first, and waits for the end of that.
#[test]
fn in_the_mode() {
    for in_flight in [1, 8] {
        greeted(&format!(
            "= in-flight {in_flight}
            ! listen
            C: A1 IDLE
            ! command STARTTLS
            S: + idling
            > listening
            C: DONE
            S: * 4 EXISTS
            S| A1 OK Idle completed
            > notification EXISTS
            > not listening
            C: A2 STARTTLS
            S: A2 BAD not now
            > refused 1 BAD not now
            C: A3 IDLE"
        ));
    }
}

/// G16: a server that falls silent is asked whether it lives while it waits; or nothing would end it.
#[test]
fn silence_before_it() {
    greeted(
        "= in-flight 8
        = silence 60s
        = probe 10s
        ! command CHECK
        ! command STARTTLS
        C: A1 CHECK
        .. 60s
        C: A2 NOOP
        .. 10s
        > unanswered 1 the connection ended
        > never-sent 2 the connection ended
        > error: timed out: the peer was silent and did not answer a probe",
    );
}

/// G1, G3: abandoned, nobody would change the stream when the server does. It has no outcome beside that.
#[test]
fn abandoned() {
    let mut client = starting();
    let ticket = client.asking().next().unwrap();
    assert_eq!(client.abandon(ticket), Abandoned::Held);
    let [never_sent, error] = <[String; 2]>::try_from(told(&mut client)).unwrap();
    assert_eq!(never_sent, "never-sent 2 the connection ended");
    assert!(error.contains("desynchronised: 1 abandoned"), "{error}");
    greeted(
        "! within 5s STARTTLS
        C: A1 STARTTLS
        .. 5s
        > unanswered 1 its deadline passed
        > error: desynchronised: 1 abandoned commands still wait for their replies",
    );
    // Before it was sent, it leaves no trace.
    greeted("! command STARTTLS\n! abandon 1\n> withdrawn 1\nC: A1 NOOP\nS: A1 OK\n> reply 2 OK");
}

/// G1, G18: the end while it waits, and while the stream changes.
#[test]
fn the_end() {
    let lost = ["never-sent 2 the connection ended", "closed: the connection was closed"];
    let mut client = starting();
    client.feed_eof();
    assert_eq!(told(&mut client)[0], "unanswered 1 the connection ended");
    let mut client = starting();
    client.feed(b"A1 OK go\r\n");
    told(&mut client);
    client.feed_eof();
    assert_eq!(told(&mut client), lost);
    client.upgrade().unwrap();
    assert_eq!((told(&mut client).len(), sent(&mut client).as_str()), (0, ""));
}

/// G16: a handshake may take its time; its deadline is its own.
#[test]
fn silence_while_the_stream_changes() {
    let mut client = starting();
    client.tick(secs(0));
    client.feed(b"A1 OK go\r\n");
    client.tick(secs(0));
    told(&mut client);
    for time in [1, 301, 302, 600, 901] {
        client.tick(secs(time));
        assert_eq!(told(&mut client), [""; 0], "after {time} s");
    }
    client.upgrade().unwrap();
    assert_eq!(sent(&mut client), "A2 NOOP\r\n");
}

/// Without the server's agreement there is nothing to change, and nothing is private for it.
#[test]
fn upgrade_without_an_agreement() {
    let mut client = starting();
    client.upgrade().unwrap();
    assert!(client.dialect().capabilities().has("STARTTLS"));
    assert!(client.command(Login::new("test", "secret")).is_err());
    client.feed(b"A1 OK go\r\n");
    assert_eq!(told(&mut client), ["reply 1 OK go"]);
    assert!(client.is_upgrading());
}

/// Somebody on the way may have said that nobody has to log in, and that literals need not be asked for,
/// which a server behind TLS would take for commands.
#[test]
fn said_by_anybody() {
    let mut client = Client::new(Imap::default(), Config::default());
    client.feed(b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS LITERAL+] ready\r\n");
    told(&mut client);
    client.command(StartTls).unwrap();
    let message = "A3 LOGOUT\r\n".into();
    client.command(Append { mailbox: "INBOX".into(), message }).unwrap();
    assert!(client.command("APPEND INBOX {1+}\r\nx").is_err());
    assert_eq!(sent(&mut client), "A1 STARTTLS\r\n");
    client.feed(b"A1 OK go\r\n");
    told(&mut client);
    assert!(!Login::new("test", "secret").is_due(client.dialect()));
    client.upgrade().unwrap();
    assert!(Login::new("test", "secret").is_due(client.dialect()));
    assert_eq!(sent(&mut client), "A2 APPEND INBOX {11}\r\n");
}

/// A command may wait for the server in its middle, and change the stream at its end.
#[test]
fn with_a_pause() {
    let mut client = plain(|config| config.in_flight = 8);
    client.command("STARTTLS {3}\r\nnow").unwrap();
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "A1 STARTTLS {3}\r\n");
    client.feed(b"+\r\n");
    assert_eq!((told(&mut client).len(), sent(&mut client).as_str()), (0, "now\r\n"));
    client.feed(b"A1 OK go\r\n");
    assert_eq!(told(&mut client), ["reply 1 OK go"]);
    assert!(client.is_upgrading());
    assert_eq!((sent(&mut client).as_str(), client.phase()), ("", Phase::Off));
}
