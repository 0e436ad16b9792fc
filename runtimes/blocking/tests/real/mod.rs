//! What the tests with real servers share: patience, and an observer who keeps what he sees.
//!
//! Whoever waits for a real server waits for something that it says, loses his patience after 30 s, and
//! says for what he waited.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bellwire::transcript::{Act, Said, escape};
use bellwire::{Dialect, Event};
use bellwire_blocking::{Client, Error, Observer};
use rustix::process::{Pid, Signal, kill_process_group};

pub(crate) mod records;

/// Longer than anything may take that a real server does, on a busy machine, too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test that a broken adapter would hang, and fails it instead.
pub(crate) fn in_time(test: impl FnOnce() + Send + 'static) {
    bellwire_testkit::in_time(4 * PATIENCE, test);
}

/// Keeps all that happens on a client's connections, a line each: `C: ` and what the client says, `> `
/// and what the machine took it for, `! ` and what the program did, `#` where a connection begins.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<(Mutex<Vec<String>>, Condvar)>);

/// More of a line is not kept.
const LENGTH: usize = 200;

impl Wire {
    /// All lines that begin so, without that.
    pub(crate) fn lines(&self, beginning: &str) -> Vec<String> {
        let lines = self.0.0.lock().unwrap();
        lines.iter().filter_map(|line| Some(line.strip_prefix(beginning)?.to_owned())).collect()
    }

    /// What the client has said, a line each, without tags.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines("C: ").iter().map(|line| without_tag(line).to_owned()).collect()
    }

    /// Waits until so many lines begin so.
    #[track_caller]
    pub(crate) fn wait_for(&self, beginning: &str, times: usize) {
        let (lines, changed) = &*self.0;
        let fewer = |lines: &mut Vec<String>| {
            lines.iter().filter(|line| line.starts_with(beginning)).count() < times
        };
        let waited = changed.wait_timeout_while(lines.lock().unwrap(), PATIENCE, fewer).unwrap();
        let lines = waited.1.timed_out().then(|| waited.0.clone());
        drop(waited);
        if let Some(lines) = lines {
            panic!("{beginning:?} did not come {times} times: {lines:#?}");
        }
    }

    /// Waits until the server has confirmed the notification mode so many times.
    #[track_caller]
    pub(crate) fn wait_listening(&self, times: usize) {
        self.wait_for("> listening", times);
    }

    fn note(&self, mark: &str, what: &str) {
        let end = what.char_indices().nth(LENGTH).map_or(what.len(), |(at, _)| at);
        self.0.0.lock().unwrap().push(format!("{mark}{}", &what[..end]));
        self.0.1.notify_all();
    }
}

fn without_tag(line: &str) -> &str {
    match line.split_once(' ') {
        Some((tag, text)) if tag.starts_with('A') && tag[1..].parse::<u64>().is_ok() => text,
        _ => line,
    }
}

impl Observer for Wire {
    fn connected(&mut self, _: u64) {
        self.note("#", "");
    }

    fn client(&mut self, said: &Said) {
        let Said::Bytes(bytes) = said else { return };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.note("C: ", &escape(line.trim_ascii_end()));
        }
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        self.note("> ", &event.to_string());
    }

    fn fault(&mut self, error: &bellwire::Error) {
        self.note("> ", &format!("fault: {error}"));
    }

    fn act(&mut self, act: &Act) {
        self.note("! ", &act.to_string());
    }
}

/// Keeps a client going in a thread of its own, until this is dropped.
pub(crate) struct Driven<D: Dialect + Clone> {
    client: Client<D>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl<D> Driven<D>
where
    D: Dialect<Expect: Send> + Clone + Send + 'static,
{
    pub(crate) fn new(client: &Client<D>) -> Self {
        let thread = thread::spawn({
            let client = client.clone();
            move || client.drive()
        });
        Self { client: client.clone(), thread: Some(thread) }
    }
}

impl<D: Dialect + Clone> Drop for Driven<D> {
    fn drop(&mut self) {
        self.client.close();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(Ok(())))), "{ended:?}");
    }
}

/// Does something while the processes of this group stand still.
pub(crate) fn stand_still<T>(group: Option<i32>, act: impl FnOnce() -> T) -> T {
    let group = group.and_then(Pid::from_raw).unwrap();
    kill_process_group(group, Signal::STOP).unwrap();
    let done = act();
    kill_process_group(group, Signal::CONT).unwrap();
    done
}
