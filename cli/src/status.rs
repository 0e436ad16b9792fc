//! The status line of `bellwire watch`: on a terminal, below all that is printed.
//!
//! Whoever writes to a terminal goes through [`above`], which takes the line away meanwhile; otherwise
//! the two would be mixed up. So there is at most one line in the process.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// It is drawn so often in a second, a few first times apart.
const RATE: u8 = 4;

/// How soon it is back after much was printed, and how old the time in it may be.
const LATEST: Duration = Duration::from_millis(500);

static LINE: Mutex<Option<Line>> = Mutex::new(None);

/// Writes, with the line out of the way. What writes must be quick, and write nothing through this,
/// for all others wait.
pub(crate) fn above<T>(write: impl FnOnce() -> T) -> T {
    let mut guard = lock();
    let Some(line) = &mut *guard else {
        // Nobody waits for us then, whatever we wait for.
        drop(guard);
        return write();
    };
    line.clear();
    let written = write();
    line.draw();
    written
}

/// Takes the line away until what is returned is dropped: somebody else writes to the terminal.
#[must_use]
pub(crate) fn hide() -> Hidden {
    if let Some(line) = &mut *lock() {
        line.clear();
        line.is_hidden = true;
    }
    Hidden
}

/// See [`hide`].
pub(crate) struct Hidden;

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(line) = &mut *lock() {
            line.is_hidden = false;
            line.draw();
        }
    }
}

/// What is told to the line, if there is one. When this is dropped, the line goes.
pub(crate) struct Status {
    /// Ends the clock.
    _clock: Option<Sender<()>>,
}

/// What the connection is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Listening,
    Fetching,
    /// There is no connection.
    Lost,
}

impl Status {
    /// No line.
    pub(crate) fn none() -> Self {
        Self { _clock: None }
    }

    /// Shows the line, if standard error is a terminal that can (`TERM` says so), and no other program
    /// may print there what it reads from us. The connection is there.
    pub(crate) fn start() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(RATE);
        if target.is_hidden() || is_piped() {
            return Self::none();
        }
        let line = Line::new(target);
        line.draw();
        *lock() = Some(line);
        Self { _clock: Some(start_clock()) }
    }

    /// A notification has come.
    pub(crate) fn notified(&self) {
        Self::change(|line| line.notifications += 1);
    }

    /// Another connection is there.
    pub(crate) fn connected_again(&self) {
        Self::change(|line| {
            line.reconnects += 1;
            line.set(Mode::Listening);
        });
    }

    /// The connection is used for something else, or lost.
    pub(crate) fn set(&self, mode: Mode) {
        Self::change(|line| line.set(mode));
    }

    fn change(change: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut *lock() {
            change(line);
            line.draw();
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        if let Some(line) = lock().take() {
            line.bar.finish_and_clear();
        }
    }
}

struct Line {
    lines: MultiProgress,
    bar: ProgressBar,
    is_hidden: bool,
    mode: Mode,
    /// When the connection was made, or lost.
    since: Instant,
    notifications: u64,
    reconnects: u64,
}

impl Line {
    fn new(target: ProgressDrawTarget) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let bar = lines.add(ProgressBar::no_length());
        if let Ok(style) = ProgressStyle::with_template("-- {wide_msg}") {
            bar.set_style(style);
        }
        Self {
            lines,
            bar,
            is_hidden: false,
            mode: Mode::Listening,
            since: Instant::now(),
            notifications: 0,
            reconnects: 0,
        }
    }

    fn set(&mut self, mode: Mode) {
        if (mode == Mode::Lost) != (self.mode == Mode::Lost) {
            self.since = Instant::now();
        }
        self.mode = mode;
    }

    fn clear(&self) {
        // A terminal that is gone shows nothing.
        let _ = self.lines.clear();
    }

    /// Draws it, unless that was done too often just now: then the clock will. It has no colours that
    /// `NO_COLOR` could forbid.
    fn draw(&self) {
        if !self.is_hidden {
            self.bar.set_message(self.text());
        }
    }

    fn text(&self) -> String {
        let mode = match self.mode {
            Mode::Listening => "listening, connected",
            Mode::Fetching => "fetching, connected",
            Mode::Lost => "not connected",
        };
        let time = FormattedDuration(self.since.elapsed());
        let notifications = counted(self.notifications, "notification");
        let reconnects = counted(self.reconnects, "reconnect");
        format!("{mode} for {time}, {notifications}, {reconnects}")
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Keeps the time in the line, until what is returned is dropped.
fn start_clock() -> Sender<()> {
    let (clock, ended) = mpsc::channel();
    thread::spawn(move || {
        while ended.recv_timeout(LATEST) == Err(RecvTimeoutError::Timeout) {
            Status::change(|_| {});
        }
    });
    clock
}

/// Whether another program reads what we print, and may print it to the same terminal.
fn is_piped() -> bool {
    let out = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let kind = out.and_then(|out| out.metadata()).map(|about| about.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

fn lock() -> MutexGuard<'static, Option<Line>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}
