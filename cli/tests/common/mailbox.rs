//! A mailbox on a real server, and the program that watches it.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use bellwire_test_servers::{Dovecot, DovecotOptions};

use super::{End, Program, command};

/// Dovecot, with the user `test`.
pub(crate) struct Mailbox {
    pub(crate) dovecot: Dovecot,
    /// The inbox, with TLS from the first byte on.
    pub(crate) imaps: String,
    /// The same in plaintext.
    pub(crate) imap: String,
    /// The file with the server's certificate.
    pub(crate) ca: String,
}

impl Mailbox {
    /// `None` if there is no Dovecot here.
    pub(crate) fn start() -> Option<Self> {
        Self::with(Dovecot::options())
    }

    pub(crate) fn with(options: DovecotOptions) -> Option<Self> {
        let dovecot = options.start()?;
        Some(Self {
            imaps: format!("imaps://test@{}/INBOX", dovecot.tls_address()),
            imap: format!("imap://test@{}/INBOX", dovecot.address()),
            ca: dovecot.certificate_file().to_str().unwrap().to_owned(),
            dovecot,
        })
    }

    /// Watches over TLS, and listens when this returns.
    #[track_caller]
    pub(crate) fn watch(&self, args: &[&str]) -> Program {
        let watch = ["-vv", "watch", &self.imaps, "--ca", &self.ca];
        listening(watch.iter().chain(args))
    }

    /// What `bellwire call` says of these commands, each of which succeeds.
    #[track_caller]
    pub(crate) fn call(&self, commands: &[&str]) -> Vec<String> {
        let call = ["call", &self.imap, "--insecure"];
        run_with("secret", call.iter().chain(commands)).expect(0).out
    }

    /// Puts a whole message into the mailbox.
    #[track_caller]
    pub(crate) fn append(&self, message: &str) {
        self.call(&[&format!("APPEND INBOX {{{}}}\r\n{message}", message.len())]);
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        self.dovecot.kill();
        // A lock of the dead would be respected for minutes.
        let _ = fs::remove_file(self.folder().join("dovecot-uidlist.lock"));
    }

    /// Where the server keeps it.
    fn folder(&self) -> PathBuf {
        self.dovecot.certificate_file().with_file_name("mail")
    }

    /// Has all UIDs mean something else, as if the mailbox had been made anew. The server is down.
    pub(crate) fn begin_anew(&self) {
        let list = self.folder().join("dovecot-uidlist");
        let text = fs::read_to_string(&list).unwrap();
        // `3 V1700000000 N4 G…`, and then a line for each message.
        let (validity, rest) = text.strip_prefix("3 V").unwrap().split_once(' ').unwrap();
        let validity: u32 = validity.parse().unwrap();
        fs::write(&list, format!("3 V{} {rest}", validity + 1)).unwrap();
        for entry in fs::read_dir(self.folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with("dovecot.index") {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

/// The program, with a password in its environment.
pub(crate) fn with(password: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = command(args);
    command.env("BELLWIRE_PASSWORD", password);
    command
}

/// Runs it to its end.
#[track_caller]
pub(crate) fn run_with(password: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> End {
    Program::spawn(&mut with(password, args)).end()
}

/// Starts it with the right password and `-vv`, and waits until it listens.
#[track_caller]
pub(crate) fn listening(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Program {
    let mut program = Program::spawn(&mut with("secret", args));
    program.complaint(" listening");
    program
}
