//! The switch to TLS in the middle of a connection, as IMAP does it, between the plain words and the
//! secret ones; and what a connection begins with, over it.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use bellwire::dialect::imap::{Examine, Imap, Login, StartTls};
use bellwire::{BadReply, Refusal};
use bellwire_blocking::tls::TlsConfig;
use bellwire_blocking::{Client, Connector, Ended, Error, Notice, Notifications};
use bellwire_test_servers::Dovecot;
use bellwire_testkit::accept;

mod common;

use common::PATIENCE;
use common::secure::{Identity, hear, say};

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n";

type Connected = Result<(Client<Imap>, Notifications<Imap>), Error>;

/// A server for one connection; its port.
fn serves(serve: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let stream = accept(&listener, PATIENCE).expect("nobody connected");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        serve(stream);
    });
    (port, server)
}

fn connect(port: u16, config: &TlsConfig) -> Connected {
    let mut connector = Connector::new(Imap::default());
    connector.opening.push(Box::new(StartTls));
    connector.opening.push(Box::new(Login::new("test", "secret")));
    connector.opening.push(Box::new(Examine("INBOX".into())));
    connector.starttls(format!("localhost:{port}"), config)
}

fn end(connected: Connected) -> Ended {
    match connected.map(|_| "connected") {
        Err(Error::NotConnected(ended)) => ended,
        other => panic!("{other:?}"),
    }
}

/// What was said in plain text is forgotten: that LOGIN is disabled held before TLS only.
#[test]
fn a_connection_begins_in_plain_text_and_goes_on_over_tls() {
    let identity = Identity::new();
    let trusted = identity.trusted();
    let (port, server) = serves(move |mut plain| {
        say(&mut plain, GREETING);
        hear(&mut plain, "A1 STARTTLS\r\n");
        say(&mut plain, "A1 OK begin\r\n");
        let mut secure = identity.on(plain);
        hear(&mut secure, "A2 LOGIN test \"secret\"\r\n");
        say(&mut secure, "A2 OK logged in\r\n");
        hear(&mut secure, "A3 EXAMINE INBOX\r\n");
        // The last is news, though it comes with the answer.
        say(&mut secure, "* 3 EXISTS\r\nA3 OK done\r\n* 4 EXISTS\r\n");
        hear(&mut secure, "A4 NOOP\r\n");
        say(&mut secure, "A4 OK done\r\n");
    });
    let (client, mut notifications) = connect(port, &trusted).unwrap();
    let answers: Vec<_> = client.opened().into_iter().map(|answer| answer.reply.text).collect();
    assert_eq!(answers, ["OK begin", "OK logged in", "OK done"]);
    assert_eq!(client.opened()[2].parts, ["* 3 EXISTS"]);
    client.request("NOOP").unwrap();
    match notifications.wait(PATIENCE) {
        Ok(Some(Notice::Notification(news))) => assert_eq!(news.text, "* 4 EXISTS"),
        other => panic!("{other:?}"),
    }
    server.join().unwrap();
}

/// Whoever sits on the wire may put words behind the agreement, to have them taken for the server's.
#[test]
fn plain_text_behind_the_agreement_is_refused() {
    for injected in ["* CAPABILITY IMAP4rev1\r\n", "A2 OK logged in\r\n", "*"] {
        let trusted = Identity::new().trusted();
        let (port, server) = serves(move |mut plain| {
            say(&mut plain, GREETING);
            hear(&mut plain, "A1 STARTTLS\r\n");
            say(&mut plain, &format!("A1 OK begin\r\n{injected}"));
            let said = io::read_to_string(plain).unwrap_or_default();
            assert!(!said.contains("LOGIN"), "{said}");
        });
        let ended = end(connect(port, &trusted));
        assert!(matches!(ended, Ended::Fault(bellwire::Error::Protocol { .. })), "{ended:?}");
        assert!(ended.to_string().contains("plain text came behind"), "{ended}");
        assert!(!ended.is_transient());
        server.join().unwrap();
    }
}

/// Whoever sits on the wire may say that the server cannot do it, to have the password in plain text.
#[test]
fn without_starttls_no_password_is_sent() {
    for (offered, answered) in [("IMAP4rev1", None), ("IMAP4rev1 STARTTLS", Some("A1 NO not now"))]
    {
        let trusted = Identity::new().trusted();
        let (port, server) = serves(move |mut plain| {
            say(&mut plain, &format!("* OK [CAPABILITY {offered}] ready\r\n"));
            if let Some(answer) = answered {
                hear(&mut plain, "A1 STARTTLS\r\n");
                say(&mut plain, &format!("{answer}\r\n"));
            }
            assert_eq!(io::read_to_string(plain).unwrap(), "");
        });
        let Ended::Opening(why) = end(connect(port, &trusted)) else { panic!() };
        match (answered, *why) {
            (None, Error::Refused(Refusal::NotOffered("STARTTLS"))) => {}
            (Some(_), Error::BadReply(BadReply::Refused(text))) => assert_eq!(text, "NO not now"),
            (_, other) => panic!("{other:?}"),
        }
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_is_not_trusted_hears_no_password() {
    let identity = Identity::new();
    let (port, server) = serves(move |mut plain| {
        say(&mut plain, GREETING);
        hear(&mut plain, "A1 STARTTLS\r\n");
        say(&mut plain, "A1 OK begin\r\n");
        let mut secure = identity.on(plain);
        assert!(secure.shake_hands().is_err() || io::read_to_string(secure).is_err());
    });
    let ended = end(connect(port, &Identity::new().trusted()));
    assert!(ended.to_string().contains("certificate is refused"), "{ended}");
    assert!(!ended.is_transient());
    server.join().unwrap();
}

/// A password is not sent in plain text by mistake.
#[test]
fn a_plain_connection_is_not_logged_in_on() {
    let (port, server) = serves(|mut plain| {
        say(&mut plain, "* OK ready\r\n");
        assert_eq!(io::read_to_string(plain).unwrap(), "");
    });
    let mut connector = Connector::new(Imap::default());
    connector.opening.push(Box::new(Login::new("test", "secret")));
    let Ended::Opening(why) = end(connector.tcp(("localhost", port))) else { panic!() };
    assert_eq!(*why, Error::Refused(Refusal::Insecure));
    server.join().unwrap();
}

#[test]
fn dovecot_switches_to_tls() {
    let Some(dovecot) = Dovecot::options().disable_plaintext_auth(true).start() else { return };
    let trust = bellwire_blocking::tls::Trust::ca_pem(dovecot.certificate().as_bytes()).unwrap();
    let trusted = TlsConfig::new(trust).unwrap();
    let mut connector = Connector::new(Imap::default());
    connector.opening.push(Box::new(StartTls));
    connector.opening.push(Box::new(Login::new("test", "secret")));
    connector.opening.push(Box::new(Examine("INBOX".into())));
    let (client, _) = connector.starttls(dovecot.address().to_string(), &trusted).unwrap();
    assert!(client.opened()[2].reply.text.starts_with(b"OK [READ-ONLY]"));
    client.request("NOOP").unwrap();
}
