//! The process under attack, seen from outside.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use bellwire_any::Runtime;
use bellwire_test_servers::skip;

use crate::memory::{Growth, Memory};
use crate::patience::PATIENCE;

/// A running process, which ends with this value.
#[derive(Debug)]
pub struct Victim {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// What it had when it was ready.
    before: Option<Memory>,
}

impl Victim {
    /// Starts `program`, which is `env!("CARGO_BIN_EXE_victim")`; its `main` says with which arguments.
    ///
    /// # Panics
    ///
    /// If that fails.
    #[must_use]
    pub fn start(program: &str, what: &str, runtime: Runtime, arguments: &[&str]) -> Self {
        let mut process = Command::new(program)
            .args([what, runtime.name()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the victim does not start");
        let output = process.stdout.take().expect("its output is piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        let input = process.stdin.take();
        Self { process, input, lines, before: None }
    }

    /// Starts a server, and says where it listens.
    ///
    /// # Panics
    ///
    /// If that fails.
    #[must_use]
    pub fn serve(program: &str, runtime: Runtime, arguments: &[&str]) -> (Self, SocketAddr) {
        let mut victim = Self::start(program, "serve", runtime, arguments);
        let address = victim.line().parse().expect("it says where it listens");
        victim.is_ready();
        (victim, address)
    }

    /// Growth counts from now on.
    pub fn is_ready(&mut self) {
        self.before = Memory::of(self.process.id());
    }

    /// The next line that it prints.
    ///
    /// # Panics
    ///
    /// If there is none in time.
    #[must_use]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the victim says nothing")
    }

    /// All lines up to `done`, as they come.
    ///
    /// # Panics
    ///
    /// If one does not come in time.
    pub fn outcome(&self) -> impl Iterator<Item = String> {
        std::iter::from_fn(|| Some(self.line()).filter(|line| line != "done"))
    }

    /// Tells it something.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it has been told to end");
        writeln!(input, "{line}").expect("the victim has ended");
    }

    /// Tells it something, and waits for what it says to that.
    ///
    /// # Panics
    ///
    /// As [`tell`](Self::tell) and [`line`](Self::line).
    #[must_use]
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.line()
    }

    /// By how much it has grown since it was [ready](Self::is_ready), at most; `None`: this system does not say.
    #[must_use]
    pub fn peak(&self) -> Option<Growth> {
        self.growth(|memory| memory.peak)
    }

    /// By how much it is larger now.
    #[must_use]
    pub fn growth_now(&self) -> Option<Growth> {
        self.growth(|memory| memory.now)
    }

    fn growth(&self, of: impl Fn(Memory) -> u64) -> Option<Growth> {
        let memory = Memory::of(self.process.id());
        if memory.is_none() {
            skip("this system does not say how much memory a process has");
        }
        Some(Growth(of(memory?).saturating_sub(self.before?.now)))
    }

    /// Has it end, which it must do by itself, and well.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn ends(mut self) {
        self.input = None;
        // Its output ends with it.
        let end = loop {
            if let Err(end) = self.lines.recv_timeout(PATIENCE) {
                break end;
            }
        };
        assert_eq!(end, RecvTimeoutError::Disconnected, "the victim does not end");
        let status = self.process.wait().expect("it is a child of ours");
        assert!(status.success(), "the victim has ended with {status}");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // If it has ended already, neither does anything.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
