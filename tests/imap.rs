//! IMAP's client, by transcripts.

use bellwire::dialect::imap::{Append, Ask, Authenticate, Imap, Login, Select, StartTls};
use bellwire::{Client, Config};

mod common;
use common::{sent, told};

fn play(text: &str) {
    let mut imap = Imap::default();
    imap.insecure = true;
    common::client_of(&imap, text);
}

fn greeted(capabilities: &str) -> Client<Imap> {
    let mut client = Client::new(Imap::default(), Config::default());
    client.secured();
    let greeting = format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] ready\r\n");
    client.feed(greeting.as_bytes());
    told(&mut client);
    client
}

#[test]
fn a_session() {
    play(
        r"
        S: * OK [CAPABILITY IMAP4rev1 IDLE LITERAL+] Dovecot ready.
        > greeting * OK [CAPABILITY IMAP4rev1 IDLE LITERAL+] Dovecot ready.
        ! command SELECT INBOX
        C: A1 SELECT INBOX
        S: * 9 EXISTS
        > data * 9 EXISTS
        S: A1 OK [READ-WRITE] Select completed
        > reply 1 OK [READ-WRITE] Select completed
        ! listen
        C: A2 IDLE
        S: + idling
        > listening
        S: * 10 EXISTS
        > notification EXISTS
        ! command UID FETCH 10 (BODY.PEEK[])
        C: DONE
        S: A2 OK Idle completed
        > not listening
        C: A3 UID FETCH 10 (BODY.PEEK[])
        S: * 10 FETCH (UID 10 BODY[] {20}
        S| Subject: t
        S|
        S| body
        S| )
        > data * 10 FETCH (UID 10 BODY[] {20}\r\nSubject: t\r\n\r\nbody\r\n)
        S: A3 OK Fetch completed
        > reply 2 OK Fetch completed
        C: A4 IDLE
    "
        .replace("\\r\n", "\n")
        .as_str(),
    );
}

#[test]
fn a_literal_waits_for_the_server() {
    let mut client = greeted("");
    let append = Append { mailbox: "INBOX".into(), message: "hello".into() };
    client.command(append).unwrap();
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "A1 APPEND INBOX {5}\r\n");
    client.feed(b"* 3 EXISTS\r\n+ OK\r\n");
    assert_eq!(told(&mut client), ["data * 3 EXISTS"]);
    assert_eq!(sent(&mut client), "hello\r\n");
    client.feed(b"A1 OK done\r\n");
    assert_eq!(told(&mut client), ["reply 1 OK done"]);
    assert_eq!(sent(&mut client), "A2 NOOP\r\n");
}

#[test]
fn smoke() {
    let mut client = greeted("SASL-IR");
    client.command(Login::new("test", "se\"cret")).unwrap();
    client.output();
    assert_eq!(*client.redacted(100), b"A1 LOGIN test \"***\"\r\n"[..]);
    assert_eq!(sent(&mut client), "A1 LOGIN test \"se\\\"cret\"\r\n");
    client.feed(b"A1 OK done\r\n");
    told(&mut client);
    client.command(Authenticate::xoauth2("u", "t")).unwrap();
    assert_eq!(sent(&mut client), "A2 AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==\r\n");
    client.feed(b"+ eyJz\r\n");
    told(&mut client);
    assert_eq!(sent(&mut client), "\r\n");
    client.feed(b"A2 NO no\r\n");
    assert_eq!(told(&mut client), ["refused 2 NO no"]);
    client.command(Select("Entwürfe".into())).unwrap();
    assert_eq!(sent(&mut client), "A3 SELECT Entw&APw-rfe\r\n");
    assert!(client.command(Ask::new("NOOP").text("{3}")).is_err());
    let mut client = greeted("STARTTLS");
    client.command(StartTls).unwrap();
    client.command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "A1 STARTTLS\r\n");
    client.feed(b"A1 OK go\r\n* CAPABILITY EVIL\r\n");
    assert_eq!(told(&mut client), ["reply 1 OK go"]);
    assert!(client.is_upgrading());
    assert!(client.upgrade().is_err());
}
