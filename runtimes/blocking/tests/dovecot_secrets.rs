//! No password is in any log, however much is logged, nor in what an observer sees: with a real Dovecot,
//! however it is told the password, and whether it likes it. All logs of this process are looked at, so
//! this is a test of its own.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;

use bellwire::Event;
use bellwire::dialect::imap::{Authenticate, Imap, Login};
use bellwire::transcript::{Act, Said};
use bellwire_blocking::{Connector, Observer, Opening};
use bellwire_test_servers::{Dovecot, DovecotOptions};

mod real;
#[path = "dovecot/session.rs"]
mod session;

static LOGS: Logs = Logs(Mutex::new(Vec::new()));

struct Logs(Mutex<Vec<u8>>);

impl log::Log for Logs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        writeln!(self.0.lock().unwrap(), "{} {}", record.level(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

/// All that an observer sees, as far as it is text.
#[derive(Clone, Default)]
struct Sees(Arc<Mutex<Vec<u8>>>);

impl Sees {
    fn note(&self, said: &Said) {
        if let Said::Bytes(bytes) = said {
            self.0.lock().unwrap().extend_from_slice(bytes);
        }
    }
}

impl Observer for Sees {
    fn client(&mut self, said: &Said) {
        self.note(said);
    }

    fn server(&mut self, said: &Said) {
        self.note(said);
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        writeln!(self.0.lock().unwrap(), "{event} {event:?}").unwrap();
    }

    fn act(&mut self, act: &Act) {
        writeln!(self.0.lock().unwrap(), "{act} {act:?}").unwrap();
    }
}

/// A password that cannot be quoted goes as a literal.
const PASSWORDS: [&str; 3] = ["hunter2", "hunter\"2\\", "hunter\u{fc}2"];

/// The beginning of each: as it is, in base64 from each place in a group of three bytes, and as numbers.
const SECRETS: [&str; 5] = ["hunter", "aHVudGVy", "h1bnRlc", "odW50ZX", "104, 117, 110, 116"];

fn assert_kept(place: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    for secret in SECRETS {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret:?} is in {place}");
    }
}

/// Begins so, says this, and logs out. Whether all was done.
fn visit(dovecot: &Dovecot, opening: Vec<Box<dyn Opening<Imap>>>, and_say: Option<&str>) -> bool {
    let mut connector: Connector<Imap> = session::connector();
    let sees = Sees::default();
    connector.opening = opening;
    connector.observer = Some(Box::new(sees.clone()));
    assert_kept("the connector", format!("{connector:?}").as_bytes());
    let connected = connector.tcp(dovecot.address());
    let done = match &connected {
        Ok((client, notifications)) => {
            let said = and_say.is_none_or(|text| client.request(text).is_ok());
            assert_kept("the client", format!("{client:?} {notifications:?}").as_bytes());
            said && client.request("LOGOUT").is_ok()
        }
        Err(error) => {
            assert_kept("the error", format!("{error} {error:?}").as_bytes());
            false
        }
    };
    let seen = sees.0.lock().unwrap();
    assert_kept("what an observer sees", &seen);
    assert!(seen.windows(3).any(|it| it == b"***"), "the password was not even said");
    done
}

/// Logs in in each way that there is, or is refused.
fn log_in(dovecot: &Dovecot, password: &str, right: bool) {
    let login = Login::new("test", password);
    let authenticate = Authenticate::plain("test", password);
    let typed = format!("LOGIN test {}", quoted(password));
    assert_kept("Debug", format!("{login:?} {authenticate:?}").as_bytes());
    assert_eq!(visit(dovecot, vec![Box::new(login)], None), right);
    assert_eq!(visit(dovecot, vec![Box::new(authenticate)], None), right);
    assert_eq!(visit(dovecot, vec![], Some(&typed)), right);
}

#[test]
fn g13_passwords_are_in_no_log() {
    log::set_logger(&LOGS).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let lesser = |capability: &str| Dovecot::options().setting("imap_capability", capability);
    let servers =
        [Dovecot::options(), lesser("IMAP4rev1 AUTH=PLAIN"), lesser("IMAP4rev1 LITERAL+")];
    let started = servers.map(DovecotOptions::start);
    if started.iter().any(Option::is_none) {
        return;
    }
    thread::scope(|scope| {
        for mut dovecot in started.into_iter().flatten() {
            scope.spawn(move || {
                log_in(&dovecot, "hunter-wrong", false);
                for password in PASSWORDS {
                    dovecot.set_password(password);
                    dovecot.restart();
                    log_in(&dovecot, password, true);
                }
            });
        }
    });
    let logs = LOGS.0.lock().unwrap();
    assert_kept("the log", &logs);
    let logs = String::from_utf8_lossy(&logs);
    for shown in
        ["C: A1 LOGIN test \"***\"", "C: A1 AUTHENTICATE PLAIN ***", "S: A1 OK", "S: A1 NO"]
    {
        assert!(logs.contains(shown), "{shown} was not even logged");
    }
}

/// As a person would type it.
fn quoted(password: &str) -> String {
    match password.is_ascii() {
        true => format!("\"{}\"", password.replace('\\', "\\\\").replace('"', "\\\"")),
        false => format!("{{{}}}\r\n{password}", password.len()),
    }
}
