//! Recording a live session, so that it can be replayed to the same events.

use alloc::string::String;
use core::fmt::{self, Write};
use core::mem;
use core::time::Duration;

use super::{Act, Said, Time, Transcript, write_lines};

/// Writes a transcript of a client's session while it goes on.
///
/// ```
/// use bellwire::transcript::Recorder;
///
/// let mut recorder = Recorder::new("notif", false);
/// recorder.client(&b"random?\r\n"[..].into());
/// recorder.server(&b"45690"[..].into());
/// recorder.server(&b"2234\r\n"[..].into());
/// assert_eq!(recorder.take(), "= dialect notif\nC: random?\nS: 45690\\\nS: 2234\n");
/// ```
#[derive(Debug)]
pub struct Recorder {
    text: String,
    newline: &'static [u8],
    now: Duration,
    written: Duration,
}

impl Recorder {
    /// A recorder of a session in this dialect, whose lines end in LF alone if `lf`.
    #[must_use]
    pub fn new(dialect: &str, lf: bool) -> Self {
        let mut transcript = Transcript::default();
        transcript.set("dialect", dialect);
        if lf {
            transcript.set("newline", "lf");
        }
        Self {
            text: alloc::format!("{transcript}"),
            newline: if lf { b"\n" } else { b"\r\n" },
            now: Duration::ZERO,
            written: Duration::ZERO,
        }
    }

    /// Notes a setting that the replay needs.
    pub fn setting(&mut self, name: &str, value: impl fmt::Display) {
        let setting = alloc::format!("= {name} {value}");
        self.line(format_args!("{}", setting.trim_end()));
    }

    /// The client sent this, in one write.
    pub fn client(&mut self, said: &Said) {
        self.said('C', said);
    }

    /// The server sent this; it came in one read.
    pub fn server(&mut self, said: &Said) {
        self.said('S', said);
    }

    /// The machine was told that it is `now`.
    pub fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// The program did something that the wire does not show.
    pub fn act(&mut self, act: &Act) {
        self.pass();
        self.line(format_args!("! {act}"));
    }

    /// The machine said that this happened.
    pub fn event(&mut self, event: impl fmt::Display) {
        self.pass();
        self.line(format_args!("> {event}"));
    }

    /// What was recorded since the last call.
    pub fn take(&mut self) -> String {
        mem::take(&mut self.text)
    }

    fn said(&mut self, end: char, said: &Said) {
        self.pass();
        if matches!(said, Said::Bytes(bytes) if bytes.is_empty()) {
            return;
        }
        // Writing to a string does not fail.
        let _ = write_lines(&mut self.text, end, said, self.newline);
    }

    fn pass(&mut self) {
        let passed = self.now.saturating_sub(self.written);
        if !passed.is_zero() {
            self.written = self.now;
            self.line(format_args!(".. {}", Time(passed)));
        }
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{line}");
    }
}
