//! The real `nc`, OpenBSD's, as a client of `bellwire serve`.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

mod common;

use common::{Program, serve};

/// What the documentation shows to try by hand.
const TYPED: &str = "random?\nnotif\nstop_notif\nnonsense\n\n";

/// Whether there is an `nc` that understands `-N` and `-C`. Where all checks run there must be one.
fn has_nc() -> bool {
    let help = Command::new("nc").arg("-h").stdin(Stdio::null()).output();
    let there = help.is_ok_and(|help| {
        let text = [help.stdout, help.stderr].concat();
        String::from_utf8_lossy(&text).contains("OpenBSD")
    });
    if !there {
        assert!(env::var_os("CI").is_none(), "nc is missing: install netcat-openbsd");
        println!("SKIPPED: nc is missing: install netcat-openbsd");
    }
    there
}

/// Types into `nc`, ends its input, and says what it printed, line ends included.
fn nc(flags: &[&str], address: &str, typed: &str) -> Vec<String> {
    let (host, port) = address.split_once(':').unwrap();
    let mut command = Command::new("nc");
    command.args(flags).args([host, port]).stdin(Stdio::piped());
    let mut nc = Program::spawn(&mut command);
    nc.input().write_all(typed.as_bytes()).unwrap();
    nc.end().expect(0).out
}

/// `nc` sends LF, `nc -C` sends CRLF. After its input has ended it still gets all answers, and then
/// the server closes.
#[test]
fn nc_is_answered() {
    if !has_nc() {
        return;
    }
    let server = serve(&[]);
    for flags in [&["-N"][..], &["-C", "-N"]] {
        let said = nc(flags, &server.address, TYPED);
        let [number, rest @ ..] = &said[..] else { panic!("{flags:?}: {said:?}") };
        let number = number.strip_suffix('\r').expect("CRLF ends the reply");
        assert!(number.parse::<u64>().is_ok(), "{flags:?}: {said:?}");
        let others = ["OK\r", "OK\r", "error: unknown command\r", "error: empty command\r"];
        assert_eq!(rest, others, "{flags:?}");
    }
}

/// A listener at the terminal: what is posted appears.
#[test]
fn nc_listens() {
    if !has_nc() {
        return;
    }
    let mut server = serve(&[]);
    let (host, port) = server.address.split_once(':').unwrap();
    for flags in [&["-N"][..], &["-C", "-N"]] {
        let mut command = Command::new("nc");
        command.args(flags).args([host, port]).stdin(Stdio::piped());
        let mut nc = Program::spawn(&mut command);
        let mut typing = nc.input();
        typing.write_all(b"classified?\nclassified?\nnotif\n").unwrap();
        let old = if flags.len() > 1 { "an ad\r" } else { "\r" };
        assert_eq!([nc.line(), nc.line(), nc.line()], [old, "\r", "OK\r"]);
        server.input.write_all(b"an ad\n").unwrap();
        assert_eq!(nc.line(), "notif: classified\r");
        typing.write_all(b"classified?\n").unwrap();
        assert_eq!(nc.line(), "an ad\r");
        drop(typing);
        nc.end().expect(0);
    }
}
