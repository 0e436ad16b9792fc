//! Dovecot, as the tests get it.

use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bellwire_test_servers::Dovecot;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

mod common;

use common::{PATIENCE, Wire, members};

#[test]
fn an_idling_client_hears_of_mail() {
    let Some(dovecot) = Dovecot::start() else { return };
    let mut wire = Wire::to(dovecot.address()).login();
    wire.imap("SELECT INBOX");
    wire.say("b IDLE");
    wire.hear_until("+ ");
    dovecot.deliver("first");
    assert_eq!(wire.hear(), "* 1 EXISTS");
    wire.say("DONE");
    wire.hear_until("b OK");
    dovecot.deliver("second");
    dovecot.deliver("third");
    wire.imap("NOOP");
    let subjects = wire.imap("FETCH 1:* BODY[HEADER.FIELDS (SUBJECT)]");
    let subjects: Vec<_> = subjects.iter().filter_map(|it| it.strip_prefix("Subject: ")).collect();
    assert_eq!(subjects, ["first", "second", "third"]);
}

#[test]
fn an_idling_client_hears_that_the_server_is_there() {
    let options = Dovecot::options().notify_interval(Duration::from_secs(1));
    let Some(dovecot) = options.start() else { return };
    let mut wire = Wire::to(dovecot.address()).login();
    wire.imap("SELECT INBOX");
    wire.say("b IDLE");
    wire.hear_until("* OK Still here");
}

#[test]
fn ten_thousand_mails() {
    let Some(dovecot) = Dovecot::start() else { return };
    for number in 1..=10_000 {
        dovecot.deliver(&format!("mail {number}"));
    }
    let mut wire = Wire::to(dovecot.address()).login();
    let status = wire.imap("STATUS INBOX (MESSAGES)");
    assert_eq!(status, ["* STATUS INBOX (MESSAGES 10000)"]);
}

/// More than Dovecot lets a user have (10), and a machine (100), unless it is told; and more than the kernel
/// tells of new mail (128).
#[test]
fn many_clients_idle() {
    let Some(dovecot) = Dovecot::start() else { return };
    let mut wires: Vec<_> = (0..150)
        .map(|_| {
            let mut wire = Wire::to(dovecot.address()).login();
            wire.imap("SELECT INBOX");
            wire.say("b IDLE");
            wire.hear_until("+ ");
            wire
        })
        .collect();
    dovecot.deliver("to all");
    for wire in &mut wires {
        wire.hear_until("* 1 EXISTS");
        wire.say("DONE");
        wire.hear_until("b OK");
    }
}

#[test]
fn wrong_passwords_are_refused() {
    let Some(dovecot) = Dovecot::start() else { return };
    let mut wire = Wire::to(dovecot.address());
    for _ in 0..3 {
        wire.say("b LOGIN test wrong");
        let end = wire.hear_until("b ").pop().unwrap();
        assert!(end.starts_with("b NO [AUTHENTICATIONFAILED]"), "{end}");
    }
    wire.imap("LOGIN test secret");
}

#[test]
fn passwords_can_change_and_be_lost() {
    let Some(dovecot) = Dovecot::start() else { return };
    // The server looks once a second whether they have.
    let until = |answer: &str| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut wire = Wire::to(dovecot.address());
            wire.say("b LOGIN test secret");
            let end = wire.hear_until("b ").pop().unwrap();
            if end.starts_with(answer) {
                break;
            }
            assert!(Instant::now() < deadline, "{end}, not {answer}");
        }
    };
    until("b OK");
    dovecot.set_password("another");
    until("b NO [AUTHENTICATIONFAILED]");
    dovecot.lose_passwords();
    until("b NO [UNAVAILABLE]");
    dovecot.set_password("secret");
    until("b OK");
}

#[test]
fn a_session_that_needs_no_login() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    dovecot.deliver("mail");
    let mut wire = Wire::over(dovecot.preauthenticated());
    let greeting = wire.hear();
    assert!(greeting.starts_with("* PREAUTH "), "{greeting}");
    assert_eq!(wire.imap("STATUS INBOX (MESSAGES)"), ["* STATUS INBOX (MESSAGES 1)"]);
    drop(wire);
    let mut wire = Wire::over(dovecot.preauthenticated());
    wire.hear();
    let group = dovecot.process_group().unwrap();
    dovecot.kill();
    assert_eq!(members(group), [""; 0]);
    assert!(wire.ends());
}

#[test]
fn a_password_in_the_clear_is_refused_if_told() {
    let Some(dovecot) = Dovecot::options().disable_plaintext_auth(true).start() else { return };
    let mut wire = Wire::to(dovecot.address());
    assert!(wire.hear().contains("LOGINDISABLED"));
    wire.say("b LOGIN test secret");
    let end = wire.hear_until("b ").pop().unwrap();
    assert!(end.starts_with("b NO [PRIVACYREQUIRED]"), "{end}");
    tls(&dovecot, TcpStream::connect(dovecot.tls_address()).unwrap(), "localhost").login();
}

#[test]
fn any_setting_can_be_made() {
    let options = Dovecot::options().setting("imap_capability", "IMAP4rev1 X-TEST");
    let Some(dovecot) = options.start() else { return };
    let capabilities = Wire::to(dovecot.address()).login().imap("CAPABILITY");
    assert_eq!(capabilities, ["* CAPABILITY IMAP4rev1 X-TEST"]);
}

#[test]
fn tls_from_the_first_byte() {
    let Some(dovecot) = Dovecot::start() else { return };
    for name in ["localhost", "127.0.0.1"] {
        let stream = TcpStream::connect(dovecot.tls_address()).unwrap();
        let mut wire = tls(&dovecot, stream, name).login();
        assert_eq!(wire.imap("STATUS INBOX (MESSAGES)"), ["* STATUS INBOX (MESSAGES 0)"]);
    }
    let file = std::fs::read_to_string(dovecot.certificate_file()).unwrap();
    assert_eq!(file, dovecot.certificate());
}

#[test]
fn tls_from_starttls_on() {
    for disable in [false, true] {
        let options = Dovecot::options().disable_plaintext_auth(disable);
        let Some(dovecot) = options.start() else { return };
        let stream = TcpStream::connect(dovecot.address()).unwrap();
        let mut plain = Wire::over(stream.try_clone().unwrap());
        plain.imap("STARTTLS");
        let name = dovecot.address().ip().to_string();
        tls(&dovecot, stream, &name).imap("LOGIN test secret");
    }
}

fn tls(
    dovecot: &Dovecot,
    stream: TcpStream,
    name: &str,
) -> Wire<StreamOwned<ClientConnection, TcpStream>> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(dovecot.certificate().as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    Wire::over(StreamOwned::new(client, stream))
}

#[test]
fn killed_and_started_again() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let address = dovecot.address();
    dovecot.deliver("before");
    for round in 1..=3 {
        let mut wire = Wire::to(address).login();
        let status = wire.imap("STATUS INBOX (MESSAGES)");
        assert_eq!(status, [format!("* STATUS INBOX (MESSAGES {round})")]);
        let group = dovecot.process_group().unwrap();
        dovecot.kill();
        assert_eq!(members(group), [""; 0]);
        assert!(wire.ends());
        assert!(TcpStream::connect(address).is_err());
        assert_eq!(dovecot.process_group(), None);
        dovecot.deliver("meanwhile");
        dovecot.restart();
        assert_eq!(dovecot.address(), address);
    }
}

#[test]
fn stopped_and_started_again() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let mut wire = Wire::to(dovecot.address()).login();
    dovecot.stop();
    assert!(TcpStream::connect(dovecot.address()).is_err());
    wire.imap("NOOP");
    let group = dovecot.process_group().unwrap();
    dovecot.stop();
    dovecot.restart();
    assert_eq!(members(group), [""; 0]);
    assert!(wire.ends());
    Wire::to(dovecot.address()).login();
}

#[test]
fn started_again_while_it_runs() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let mut wire = Wire::to(dovecot.address()).login();
    dovecot.restart();
    assert!(wire.ends());
    Wire::to(dovecot.address()).login();
}

#[test]
fn many_at_once() {
    thread::scope(|scope| {
        for count in 0..8 {
            scope.spawn(move || {
                let Some(dovecot) = Dovecot::start() else { return };
                (0..count).for_each(|_| dovecot.deliver("mail"));
                let status = Wire::to(dovecot.address()).login().imap("STATUS INBOX (MESSAGES)");
                assert_eq!(status, [format!("* STATUS INBOX (MESSAGES {count})")]);
            });
        }
    });
}
