//! A terminal: what a person would see of a program.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{PATIENCE, Program};

pub(crate) struct Terminal {
    /// The end that programs write to. While it is here, the other has no end.
    line: File,
    coming: Receiver<Vec<u8>>,
    /// All that was written.
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

impl Terminal {
    pub(crate) fn new(rows: u16, columns: u16) -> Self {
        let screen_end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen_end).unwrap();
        unlockpt(&screen_end).unwrap();
        let name = ptsname(&screen_end, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let path = OsStr::from_bytes(name.as_bytes());
        let line = File::from(rustix::fs::open(path, flags, Mode::empty()).unwrap());
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&line, size).unwrap();

        let (sender, coming) = mpsc::channel();
        thread::spawn(move || {
            let (mut screen_end, mut buffer) = (File::from(screen_end), [0; 4096]);
            // An error is its end.
            while let Ok(count @ 1..) = screen_end.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { line, coming, bytes: Vec::new(), screen: vt100::Parser::new(rows, columns, 0) }
    }

    /// Runs a program in this terminal.
    pub(crate) fn run(&self, mut command: Command) -> Program {
        self.show(&mut command);
        // Then the command goes, and its streams with it.
        Program::spawn_as_is(&mut command)
    }

    /// Gives the terminal to a program. There is no end before the command has gone.
    pub(crate) fn show(&self, command: &mut Command) {
        let stream = || Stdio::from(self.line.try_clone().unwrap());
        command.stdout(stream()).stderr(stream());
        command.env("TERM", "xterm").env_remove("NO_COLOR");
    }

    /// Waits until the screen is as it has to be.
    #[track_caller]
    pub(crate) fn until(&mut self, done: impl Fn(&[String]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.rows()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.coming.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(why) => panic!("the screen stays ({why}): {:#?}", self.rows()),
            }
        }
    }

    /// What is there when all programs have ended: the screen, and all that was ever written.
    pub(crate) fn end(self) -> (Vec<String>, String) {
        let Self { line, coming, bytes, screen } = self;
        // Each holds streams of its own, which it has closed by now.
        drop(line);
        let mut rest = Self { line: File::open("/dev/null").unwrap(), coming, bytes, screen };
        while let Ok(bytes) = rest.coming.recv_timeout(PATIENCE) {
            rest.take(&bytes);
        }
        (rest.rows(), String::from_utf8_lossy(&rest.bytes).into_owned())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.bytes.extend_from_slice(bytes);
    }

    /// The rows, without what is blank behind them and below.
    fn rows(&self) -> Vec<String> {
        self.screen.screen().contents().lines().map(|row| row.trim_end().to_owned()).collect()
    }
}
