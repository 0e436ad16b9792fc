//! Nothing is left behind, however a test ends; and what is missing is told.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::thread;

use bellwire_test_servers::{Dovecot, Mpd, program};

mod common;

use common::{Wire, again, is_again, members};

#[test]
fn nothing_is_left_behind() {
    let Some(dovecot) = Dovecot::start() else { return };
    let (group, file) = (dovecot.process_group().unwrap(), dovecot.certificate_file());
    let _logged_in = Wire::to(dovecot.address()).login();
    // The guard, the master, its helpers, those that serve the client.
    assert!(members(group).len() > 4, "{:?}", members(group));
    drop(dovecot);
    assert_eq!(members(group), [""; 0]);
    assert!(!file.parent().unwrap().exists());

    let Some(mpd) = Mpd::start() else { return };
    let (group, socket) = (mpd.process_group().unwrap(), mpd.socket());
    drop(mpd);
    assert_eq!(members(group), [""; 0]);
    assert!(!socket.parent().unwrap().exists());
}

/// Those that serve a client that is logged in outlive their master.
#[test]
fn nothing_is_left_of_what_was_stopped() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let group = dovecot.process_group().unwrap();
    let _logged_in = Wire::to(dovecot.address()).login();
    dovecot.stop();
    assert!(members(group).len() > 1, "{:?}", members(group));
    drop(dovecot);
    assert_eq!(members(group), [""; 0]);
}

#[test]
fn nothing_is_left_after_a_panic() {
    let Some(dovecot) = Dovecot::start() else { return };
    let group = dovecot.process_group().unwrap();
    let failed = thread::spawn(move || panic!("with {} at hand", dovecot.address())).join();
    assert!(failed.is_err());
    assert_eq!(members(group), [""; 0]);
}

/// No destructor runs here.
#[test]
fn nothing_is_left_when_the_test_is_killed() {
    if is_again() {
        let Some(mpd) = Mpd::start() else { return };
        eprintln!("{} {}", mpd.address(), mpd.socket().display());
        thread::park();
    }
    if program("mpd", "mpd").is_none() {
        return;
    }
    let mut test = again("nothing_is_left_when_the_test_is_killed");
    let mut test = test.arg("--nocapture").stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(test.stderr.take().unwrap()).read_line(&mut told).unwrap();
    let (address, socket) = told.trim_end().split_once(' ').unwrap();
    let mut wire = Wire::to(address.parse().unwrap()).greeted();
    assert!(Path::new(socket).exists());
    test.kill().unwrap();
    test.wait().unwrap();
    assert!(wire.ends());
    assert!(!Path::new(socket).parent().unwrap().exists());
}

/// Though the test passes, and its output is captured.
#[test]
fn what_is_missing_is_told() {
    if is_again() {
        let missing = ["one", "two"].map(|package| program("nothing-of-that-name", package));
        assert_eq!(missing, [None, None]);
        return;
    }
    let output = again("what_is_missing_is_told").env_remove("CI").output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    let [one, two] = &told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    let start = "skipped: what_is_missing_is_told: no nothing-of-that-name";
    assert_eq!(*one, format!("{start} (apt install one); 1 skipped here so far"));
    assert_eq!(*two, format!("{start} (apt install two); 2 skipped here so far"));

    let output = again("what_is_missing_is_told").env("CI", "true").output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("no nothing-of-that-name (apt install one)"), "{told}");
}

/// An ordinary user's `PATH`.
#[test]
fn daemons_are_found_where_they_are() {
    if is_again() {
        assert!(program("dovecot", "dovecot-imapd").is_some());
        return;
    }
    if program("dovecot", "dovecot-imapd").is_none() {
        return;
    }
    let mut test = again("daemons_are_found_where_they_are");
    assert!(test.env("PATH", "/usr/bin:/bin").output().unwrap().status.success());
}
