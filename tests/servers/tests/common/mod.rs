//! What the tests of the servers share: a client that speaks lines, and a look at processes.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The end of a connection that says and hears lines.
pub(crate) struct Wire<S>(BufReader<S>);

impl Wire<TcpStream> {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::over(stream)
    }
}

impl<S: Read + Write> Wire<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// The next line, without its end.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        let count = self.0.read_line(&mut line).unwrap();
        assert_ne!(count, 0, "no line comes, but the end");
        line.trim_end().to_owned()
    }

    /// All lines up to one that starts so, which is the last.
    #[track_caller]
    pub(crate) fn hear_until(&mut self, start: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            heard.push(self.hear());
            if heard.last().is_some_and(|line| line.starts_with(start)) {
                return heard;
            }
        }
    }

    #[track_caller]
    pub(crate) fn hear_bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Whether the connection ends, in whatever way, with nothing more said.
    pub(crate) fn ends(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// An IMAP command, answered OK: the lines before that.
    #[track_caller]
    pub(crate) fn imap(&mut self, command: &str) -> Vec<String> {
        self.say(&format!("a {command}"));
        let mut heard = self.hear_until("a ");
        let end = heard.pop().unwrap();
        assert!(end.starts_with("a OK"), "{command}: {end}");
        heard
    }

    /// Logs in to IMAP.
    #[track_caller]
    pub(crate) fn login(mut self) -> Self {
        let greeting = self.hear();
        assert!(greeting.starts_with("* OK"), "{greeting}");
        self.imap("LOGIN test secret");
        self
    }

    /// An MPD command, answered OK: the lines before that.
    #[track_caller]
    pub(crate) fn mpd(&mut self, command: &str) -> Vec<String> {
        self.say(command);
        let mut heard = Vec::new();
        loop {
            match self.hear() {
                line if line == "OK" => return heard,
                line if line.starts_with("ACK") => panic!("{command}: {line}"),
                line => heard.push(line),
            }
        }
    }

    /// Hears the greeting of MPD.
    #[track_caller]
    pub(crate) fn greeted(mut self) -> Self {
        let greeting = self.hear();
        assert!(greeting.starts_with("OK MPD "), "{greeting}");
        self
    }
}

/// The ids of all processes in a group, zombies included.
pub(crate) fn members(group: i32) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    let processes = processes.map(|name| name.into_string().unwrap());
    let in_group = |id: &String| {
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
        // Behind the name: the state, the parent, the group.
        let (_, rest) = stat.rsplit_once(')').unwrap();
        rest.split_whitespace().nth(2) == Some(group.to_string().as_str())
    };
    processes.filter(|id| id.starts_with(|c: char| c.is_ascii_digit())).filter(in_group).collect()
}

/// The same test in a process of its own, where `BELLWIRE_AGAIN` is set.
pub(crate) fn again(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test]).env("BELLWIRE_AGAIN", "1");
    command
}

pub(crate) fn is_again() -> bool {
    env::var_os("BELLWIRE_AGAIN").is_some()
}
