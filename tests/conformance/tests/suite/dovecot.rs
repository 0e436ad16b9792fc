//! A short tour of a real Dovecot on each runtime: login, IDLE, mail that another client appends, FETCH during
//! IDLE; in plain text, over TLS, and with STARTTLS (G6, G9, G22, G23).

use bellwire::dialect::imap::{Append, Ask, Examine, Imap, Login, Select, StartTls};
use bellwire_any::tls::{TlsConfig, Trust};
use bellwire_any::{Client, Connected, Connector, Error, Notifications, Reconnect};
use bellwire_conformance::{Log, Runtime, on_each_runtime};
use bellwire_test_servers::Dovecot;
use bellwire_testkit::PATIENCE;

on_each_runtime! {
    /// G6, G9.
    tour_in_plain_text => |it| {
        let Some(dovecot) = Dovecot::start() else { return };
        tour(|| plain(it, "secret").tcp(dovecot.address()));
    },
    /// G23.
    tour_over_tls => |it| {
        let Some(dovecot) = Dovecot::options().disable_plaintext_auth(true).start() else { return };
        let trusted = trusted(&dovecot);
        tour(|| secret(it).tls(dovecot.tls_address().to_string(), &trusted));
    },
    /// G23.
    tour_with_starttls => |it| {
        let Some(dovecot) = Dovecot::options().disable_plaintext_auth(true).start() else { return };
        let trusted = trusted(&dovecot);
        tour(|| {
            let mut connector = secret(it);
            connector.opening.insert(0, Box::new(StartTls));
            connector.starttls(dovecot.address().to_string(), &trusted)
        });
    },
    /// G22: a refused login is for good; a certificate that nobody trusts, too.
    refused => refusals,
    /// G8, G22: the server is restarted.
    restart => restarted,
}

fn plain(runtime: Runtime, password: &str) -> Connector<Imap> {
    let mut imap = Imap::default();
    // Nobody listens in on loopback.
    imap.insecure = true;
    let mut connector = Connector::new(runtime, imap);
    connector.opening.push(Box::new(Login::new("test", password)));
    connector.opening.push(Box::new(Select("INBOX".into())));
    connector
}

fn secret(runtime: Runtime) -> Connector<Imap> {
    let mut connector = Connector::new(runtime, Imap::default());
    connector.opening.push(Box::new(Login::new("test", "secret")));
    connector.opening.push(Box::new(Examine("INBOX".into())));
    connector
}

fn trusted(dovecot: &Dovecot) -> TlsConfig {
    TlsConfig::new(Trust::ca_pem(dovecot.certificate().as_bytes()).unwrap()).unwrap()
}

/// The next notice, as text; whether a message is new to this session is of no interest.
fn next(notifications: &mut Notifications<Imap>) -> String {
    loop {
        let notice = notifications.wait(PATIENCE).unwrap().expect("no notice came");
        match notice.notification() {
            _ if notice.is("RECENT") => {}
            Some(it) => return String::from_utf8_lossy(&it.text).into_owned(),
            None => return format!("{notice:?}"),
        }
    }
}

fn append(other: &Client<Imap>, subject: &str) {
    let message = format!("Subject: {subject}\r\n\r\ntext\r\n");
    other.request(Append { mailbox: "INBOX".into(), message: message.into() }).unwrap();
}

fn tour(connect: impl Fn() -> Connected<Imap>) {
    let (client, mut notifications) = connect().unwrap();
    let (other, _) = connect().unwrap();
    assert!(client.opened().last().unwrap().reply.text.starts_with(b"OK [READ-"));
    client.listen();
    for number in 1..=3 {
        append(&other, &format!("number {number}"));
        assert_eq!(next(&mut notifications), format!("* {number} EXISTS"));
        // During IDLE, which it leaves for that.
        let fetch = Ask::new("UID FETCH").text(format!("{number} (BODY.PEEK[HEADER])"));
        let answer = client.request(fetch).unwrap();
        let part = String::from_utf8_lossy(&answer.parts[0]).into_owned();
        assert!(part.contains(&format!("Subject: number {number}")), "{part}");
    }
    let found = client.request(Ask::new("UID SEARCH").text("ALL")).unwrap();
    assert!(found.parts.iter().any(|part| part == "* SEARCH 1 2 3"), "{found:?}");
    assert!(client.request(Ask::new("NOSUCH")).is_err());
    assert_eq!(client.unsolicited(), 0);
    client.shutdown();
    assert!(notifications.all(|notice| notice.unwrap().is("RECENT")));
}

fn refusals(runtime: Runtime) {
    let Some(dovecot) = Dovecot::start() else { return };
    let mut connector = plain(runtime, "another");
    connector.reconnect = Some(Reconnect::default());
    match connector.tcp(dovecot.address()).map(|_| ()) {
        Err(Error::NotConnected(ended)) => assert!(!ended.is_transient(), "{ended}"),
        other => panic!("{other:?}"),
    }
    let nobody = TlsConfig::new(Trust::System);
    let Ok(nobody) = nobody else { return };
    match secret(runtime).tls(dovecot.tls_address().to_string(), &nobody).map(|_| ()) {
        Err(Error::NotConnected(ended)) => assert!(!ended.is_transient(), "{ended}"),
        other => panic!("{other:?}"),
    }
}

fn restarted(runtime: Runtime) {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let (mut connector, log) = (plain(runtime, "secret"), Log::default());
    connector.reconnect = Some(Reconnect::default());
    connector.observer = Some(Box::new(log.clone()));
    let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
    client.listen();
    append(&client, "before");
    assert_eq!(next(&mut notifications), "* 1 EXISTS");
    dovecot.restart();
    let mut told = next(&mut notifications);
    // It may say goodbye.
    while told.starts_with("* ") {
        told = next(&mut notifications);
    }
    assert!(told.starts_with("Gap"), "{told}");
    assert_eq!(next(&mut notifications), "Resumed");
    append(&client.resending(), "behind");
    assert_eq!(next(&mut notifications), "* 2 EXISTS");
    client.close();
}
