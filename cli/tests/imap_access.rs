//! Who is let in, and who is trusted: passwords and where they come from, TLS, certificates.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use bellwire_test_servers::{Dovecot, program};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

mod common;

use common::mailbox::{Mailbox, run_with, with};
use common::{Program, run};

#[test]
fn what_the_server_refuses() {
    let Some(mailbox) = Mailbox::start() else { return };
    let Mailbox { imaps, imap, ca, .. } = &mailbox;
    let nowhere = imaps.replace("INBOX", "No%20such/Mailbox");
    let nobody = imaps.replace("test@", "nobody@");
    for (url, password, why) in [
        (imaps, "wrong", "[AUTHENTICATIONFAILED]"),
        (imap, "wrong", "[AUTHENTICATIONFAILED]"),
        (&nobody, "secret", "[AUTHENTICATIONFAILED]"),
        (&nowhere, "secret", "Mailbox doesn't exist: No such/Mailbox"),
    ] {
        let end = run_with(password, ["watch", url, "--ca", ca]).expect(1);
        assert_eq!(end.out, [""; 0]);
        assert_eq!(end.err.len(), 1, "{end:#?}");
        end.complains(&["the connection could not begin: the server refused: NO ", why]);
        run_with(password, ["call", url, "--ca", ca, "NOOP"]).expect(1).complains(&[why]);
    }
    // No mailbox is none to call, and the inbox to watch.
    let nothing = imaps.strip_suffix("/INBOX").unwrap();
    let end = run_with("secret", ["call", nothing, "--ca", ca, "CLOSE"]).expect(1);
    assert!(end.out[0].starts_with("BAD No mailbox selected"), "{end:#?}");
    let watch = ["-vv", "watch", nothing, "--ca", ca];
    let mut watch = Program::spawn(&mut with("secret", watch));
    watch.complaint(" listening");
    mailbox.dovecot.deliver("hello");
    assert_eq!(watch.line(), "EXISTS 1");
}

#[test]
fn a_token_in_place_of_a_password() {
    let Some(mailbox) = Mailbox::start() else { return };
    let call = ["-vvv", "call", &mailbox.imaps, "--ca", &mailbox.ca, "--xoauth2", "NOOP"];
    let end = run_with("a.token", call).expect(1);
    end.complains(&["C: A1 AUTHENTICATE XOAUTH2 ***"]);
    end.complains(&["the server refused: NO ", "mechanism"]);
}

/// A certificate that nobody knows, from the first byte on and by STARTTLS: nothing secret is said.
#[test]
fn an_unknown_certificate() {
    let Some(mailbox) = Mailbox::start() else { return };
    let mut other = CertificateParams::new(vec!["localhost".into()]).unwrap();
    other.distinguished_name.push(DnType::CommonName, "another");
    let other = other.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("other.pem");
    fs::write(&file, other.pem()).unwrap();
    for url in [&mailbox.imaps, &mailbox.imap] {
        for trust in [&[][..], &["--ca", file.to_str().unwrap()]] {
            let args = ["-vvv", "watch", url];
            let end = run_with("secret", args.iter().chain(trust)).expect(1);
            end.complains(&["certificate is refused"]);
            let advice = format!("{end:?}").contains("--ca FILE trusts the certificates in FILE");
            assert_eq!(advice, trust.is_empty(), "{end:#?}");
            assert!(!format!("{end:?}").contains("LOGIN test"), "{end:#?}");
        }
    }
    assert!(!mailbox.dovecot.log().contains("user=<test>"), "{}", mailbox.dovecot.log());
}

/// One for another host, as `openssl req -x509` makes it.
#[test]
fn a_certificate_of_another_host() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let mut other = CertificateParams::new(vec!["mail.example.org".into()]).unwrap();
    other.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    fs::write(path("certificate.pem"), other.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    let options = Dovecot::options()
        .setting("ssl_cert", &format!("<{}", path("certificate.pem")))
        .setting("ssl_key", &format!("<{}", path("key.pem")));
    let Some(mailbox) = Mailbox::with(options) else { return };
    let end = run_with("secret", ["watch", &mailbox.imaps]).expect(1);
    end.complains(&["certificate is refused", "--ca FILE trusts the certificates in FILE"]);
    let end = run_with("secret", ["watch", &mailbox.imaps, "--ca", &path("certificate.pem")]);
    end.expect(1).complains(&["certificate is refused (connect by a name that it bears"]);
}

#[test]
fn files_that_hold_no_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.pem").to_str().unwrap().to_owned();
    let empty = directory.path().join("empty.pem").to_str().unwrap().to_owned();
    fs::write(&empty, "no PEM").unwrap();
    let url = "imaps://test@127.0.0.1:1";
    run_with("x", ["watch", url, "--ca", &missing]).expect(1).complains(&["cannot read", &missing]);
    let end = run_with("x", ["watch", url, "--ca", &empty]).expect(1);
    end.complains(&[&empty, "no certificate found"]);
}

/// Without TLS no password is sent, unless that is asked for.
#[test]
fn a_server_without_tls() {
    let Some(mailbox) = Mailbox::with(Dovecot::options().setting("ssl", "no")) else { return };
    let end = run_with("secret", ["-vvv", "watch", &mailbox.imap]).expect(1);
    end.complains(&["does not offer STARTTLS", "--insecure logs in without TLS"]);
    assert!(!format!("{end:?}").contains("LOGIN test"), "{end:#?}");
    mailbox.call(&["NOOP"]);

    let options = Dovecot::options().setting("ssl", "no").disable_plaintext_auth(true);
    let Some(mailbox) = Mailbox::with(options) else { return };
    let end = run_with("secret", ["-vvv", "watch", &mailbox.imap, "--insecure"]).expect(1);
    end.complains(&["does not offer LOGIN"]);
    assert!(!format!("{end:?}").contains("LOGIN test"), "{end:#?}");
}

/// TLS where there is none, and the other way round.
#[test]
fn the_wrong_port() {
    let Some(mailbox) = Mailbox::start() else { return };
    let plain = mailbox.imap.replace("imap:", "imaps:");
    run_with("secret", ["watch", &plain]).expect(1).complains(&["does not speak TLS here"]);
    let tls = mailbox.imaps.replace("imaps:", "imap:");
    let call = ["call", &tls, "NOOP", "--timeout", "0.2"];
    run_with("secret", call).expect(1).complains(&["no greeting came"]);
}

#[test]
fn a_password_from_a_command() {
    let Some(mailbox) = Mailbox::start() else { return };
    let call = |command: &str| {
        let call = ["call", &mailbox.imap, "--ca", &mailbox.ca, "NOOP", "--password-command"];
        // The command wins.
        run_with("wrong", call.into_iter().chain([command]))
    };
    for command in ["echo secret", "printf secret", r"printf 'secret\r\nand more\n'"] {
        call(command).expect(0);
    }
    for (command, why) in [
        ("echo secret; exit 3", "--password-command failed: exit status: 3"),
        ("kill -9 $$", "--password-command failed: signal: 9"),
        ("true", "--password-command printed no password"),
        ("echo; echo secret", "--password-command printed no password"),
        (r"printf 'secret\377\n'", "--password-command printed what is no UTF-8"),
        ("echo wrong", "[AUTHENTICATIONFAILED]"),
    ] {
        let end = call(command).expect(1);
        end.complains(&[why]);
        assert!(!format!("{end:?}").contains("secret"), "{end:#?}");
    }
}

/// An empty variable is none: its owner's password manager has failed.
#[test]
fn no_password_and_no_terminal() {
    let url = "imaps://test@127.0.0.1:1";
    let no_password = ["no password for test; set BELLWIRE_PASSWORD, or use --password-command"];
    run(["watch", url]).expect(1).complains(&no_password);
    run(["call", url, "NOOP"]).expect(1).complains(&no_password);
    run_with("", ["watch", url]).expect(1).complains(&no_password);
}

/// What is asked for on the terminal is no output.
#[test]
fn a_password_is_asked_for() {
    let Some(script) = program("script", "bsdutils") else { return };
    let Some(mailbox) = Mailbox::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let bellwire = env!("CARGO_BIN_EXE_bellwire");
    let (url, ca, name) = (&mailbox.imap, &mailbox.ca, out.display());
    let call = format!("{bellwire} call {url} --ca {ca} NOOP > {name}");
    // It gives the command a terminal.
    let mut script = Command::new(script)
        .args(["-qec", &call, "/dev/null"])
        .env_remove("BELLWIRE_PASSWORD")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut terminal = script.stdout.take().unwrap();
    let mut shown = String::new();
    while !shown.ends_with("Password for test: ") {
        let mut byte = [0];
        assert_eq!(terminal.read(&mut byte).unwrap(), 1, "{shown}");
        shown.push(char::from(byte[0]));
    }
    let mut keyboard = script.stdin.take().unwrap();
    keyboard.write_all(b"secret\n").unwrap();
    terminal.read_to_string(&mut shown).unwrap();
    assert_eq!(script.wait().unwrap().code(), Some(0), "{shown}");
    let printed = fs::read_to_string(&out).unwrap();
    assert!(printed.starts_with("OK NOOP completed"), "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
}
