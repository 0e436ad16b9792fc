//! What the tests of the program share: the program as a child that does not outlive its test, servers
//! that say what a test makes them say, and raw clients.
//!
//! Nothing here sleeps to let something happen, and nothing waits for ever: whoever waits loses his
//! patience after 10 s, and shows what the program has said until then.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use bellwire_any::Runtime;
use rustix::process::{Pid, Signal, kill_process};

pub(crate) mod mailbox;
pub(crate) mod terminal;

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The program, with these arguments and without input, on the runtime of this test.
pub(crate) fn command(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
    command.args(args).stdin(Stdio::null()).env_remove("BELLWIRE_PASSWORD");
    let name = command.get_args().find(|arg| !arg.as_bytes().starts_with(b"-"));
    let connects = name.is_some_and(|name| COMMANDS_THAT_CONNECT.iter().any(|it| name == *it));
    if let Some(runtime) = runtime().filter(|_| connects) {
        command.args(["--runtime", runtime.name()]);
    }
    command
}

const COMMANDS_THAT_CONNECT: [&str; 4] = ["demo", "serve", "call", "watch"];

/// The runtime that a module is named after which this room is in (`runtimes::async_std::call::common`);
/// elsewhere `None`: the program's default.
pub(crate) fn runtime() -> Option<Runtime> {
    let modules = module_path!().replace('_', "-");
    Runtime::ALL.into_iter().find(|runtime| modules.split("::").any(|name| name == runtime.name()))
}

/// Runs the program to its end.
pub(crate) fn run(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> End {
    Program::start(args).end()
}

/// A program that runs. It is killed when the test is over.
pub(crate) struct Program {
    child: Child,
    out: Lines,
    err: Lines,
}

/// How a program ended, and all that it said.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) status: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) err: Vec<String>,
}

/// The lines of one stream, read as they come, so that a program never waits for us.
struct Lines {
    coming: Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    pub(crate) fn start(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        Self::spawn(&mut command(args))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_as_is(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts it with the streams that it was given. Of those, pipes are read.
    pub(crate) fn spawn_as_is(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().map_or_else(|| Lines::of(io::empty()), Lines::of);
        let err = child.stderr.take().map_or_else(|| Lines::of(io::empty()), Lines::of);
        Self { child, out, err }
    }

    /// The next line on standard output.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.out.next(Instant::now() + PATIENCE) {
            Ok(line) => line,
            Err(why) => panic!("no further line ({why}); {}", self.said()),
        }
    }

    /// The next line on standard error that contains `text`.
    #[track_caller]
    pub(crate) fn complaint(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.err.next(deadline) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(why) => panic!("never says {text:?} ({why}); {}", self.said()),
            }
        }
    }

    /// Waits for the end, and checks that it is no panic.
    #[track_caller]
    pub(crate) fn end(mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        for lines in [&mut self.out, &mut self.err] {
            while lines.next(deadline).is_ok() {}
        }
        // The streams have ended, so the program does now, or will be ended.
        let (_ended, end) = mpsc::channel::<()>();
        let pid = self.pid();
        thread::spawn(move || {
            let left = deadline.saturating_duration_since(Instant::now());
            if end.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        let status = self.child.wait().unwrap();
        // Killed by us because it did not end, or by the signal of a test.
        assert!(status.code().is_some(), "{status}; {}", self.said());
        let [out, err] = [&mut self.out.seen, &mut self.err.seen].map(std::mem::take);
        let panicked = err.iter().any(|line| line.contains("panicked"));
        assert!(!panicked, "a panic: {err:#?}");
        End { status: status.code(), out, err }
    }

    /// Its standard input, if that is a pipe; it ends when the returned value is dropped.
    pub(crate) fn input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("a pipe, not taken yet")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Ends the program with a signal, as its user would, and checks that it takes that well.
    #[track_caller]
    pub(crate) fn stop(self, signal: Signal) -> End {
        self.signal(signal);
        self.end().expect(0)
    }

    /// Kills it, and waits until it has gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Reads its standard output no more.
    pub(crate) fn hang_up(&mut self) {
        self.out.coming = mpsc::channel().1;
    }

    /// The most memory it ever had, in KiB, where the system says so and the program still runs.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix("kB")?.trim().parse().ok()
    }

    /// The names of its threads, where the system says so.
    pub(crate) fn threads(&self) -> Option<Vec<String>> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        // One that has just ended has no name.
        let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm")).ok();
        Some(threads.flatten().filter_map(name).collect())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn said(&mut self) -> String {
        for lines in [&mut self.out, &mut self.err] {
            while lines.next(Instant::now()).is_ok() {}
        }
        format!("standard output: {:#?}, standard error: {:#?}", self.out.seen, self.err.seen)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl End {
    /// Checks the exit status.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "exit status; {self:#?}");
        self
    }

    /// Checks that it says this on standard error, on one line.
    #[track_caller]
    pub(crate) fn complains(&self, texts: &[&str]) {
        let said = self.err.iter().any(|line| texts.iter().all(|text| line.contains(text)));
        assert!(said, "never says {texts:?}; {self:#?}");
    }
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, coming) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        Self { coming, seen: Vec::new() }
    }

    fn next(&mut self, deadline: Instant) -> Result<String, RecvTimeoutError> {
        let line = self.coming.recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
        self.seen.push(line.clone());
        Ok(line)
    }
}

/// A program for `--exec`, made from a shell's lines.
pub(crate) struct Script {
    directory: tempfile::TempDir,
    path: PathBuf,
}

impl Script {
    pub(crate) fn new(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("script.sh");
        // A child writes it: a file that this process has open to write, or a child that it is just
        // starting elsewhere, could not be run.
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod +x "$2""#;
        let path_arg = path.to_str().unwrap();
        let written = Command::new("sh").args(["-c", write, "sh", lines, path_arg]).status();
        assert!(written.unwrap().success());
        Self { directory, path }
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// A file beside it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// The lines of a file.
pub(crate) fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

/// Replays a recording, and checks that it is taken for what was seen then, which is returned.
#[track_caller]
pub(crate) fn replays(file: &str) -> Vec<String> {
    let recorded = fs::read_to_string(file).unwrap();
    let seen = recorded.lines().filter_map(|line| line.strip_prefix("> "));
    let seen: Vec<_> = seen.map(str::to_owned).collect();
    let replayed = run(["replay", file]).expect(0).out;
    let taken = replayed.iter().filter_map(|line| line.strip_prefix("    taken for: "));
    assert_eq!(taken.collect::<Vec<_>>(), seen, "{recorded}");
    seen
}

/// `bellwire serve` on a free port.
pub(crate) struct Served {
    pub(crate) program: Program,
    /// Where it listens: `127.0.0.1:PORT`.
    pub(crate) address: String,
    pub(crate) url: String,
    pub(crate) input: ChildStdin,
}

/// Starts `bellwire serve`. It announces no numbers, if `args` do not say otherwise.
pub(crate) fn serve(args: &[&str]) -> Served {
    serve_on("127.0.0.1:0", args)
}

pub(crate) fn serve_on(address: &str, args: &[&str]) -> Served {
    let mut command = command(["serve", "--listen", address]);
    if !args.contains(&"--every") {
        command.args(["--every", "3600"]);
    }
    let mut program = Program::spawn(command.args(args).stdin(Stdio::piped()));
    let first = program.line();
    let address =
        first.strip_prefix("listening on ").expect("its first line says where").to_owned();
    let url = format!("notif://{address}");
    let input = program.input();
    Served { program, address, url, input }
}

impl Served {
    /// Gives it ads, and waits until it has them: then it complains about one more, which cannot be.
    #[track_caller]
    pub(crate) fn has(&mut self, ads: &[impl AsRef<[u8]>]) {
        ads.iter().for_each(|ad| self.post(ad));
        self.post("notif: that was all");
        self.program.complaint("never begins with notif:");
    }

    /// Gives it a line of input: an ad. It may take a while until it has read it.
    pub(crate) fn post(&mut self, ad: impl AsRef<[u8]>) {
        self.input.write_all(&[ad.as_ref(), b"\n"].concat()).unwrap();
    }
}

/// A server that does what a test's script says.
pub(crate) struct Fake {
    /// Where it listens: `127.0.0.1:PORT`.
    pub(crate) address: String,
    pub(crate) url: String,
    end: Receiver<()>,
}

/// Runs `script` with a listener on a free port.
pub(crate) fn fake(script: impl FnOnce(&TcpListener) + Send + 'static) -> Fake {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (done, end) = mpsc::channel();
    thread::spawn(move || {
        script(&listener);
        let _ = done.send(());
    });
    Fake { url: format!("notif://{address}"), address, end }
}

impl Fake {
    /// Checks that the script has come to its end.
    #[track_caller]
    pub(crate) fn end(self) {
        self.end.recv_timeout(PATIENCE).expect("the server's script did not come to its end");
    }
}

/// One end of a connection, with the bytes in the test's hands.
pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        Self::over(listener.accept().unwrap().0)
    }

    pub(crate) fn connect(address: &str) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Writes these bytes, and no line end.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// Writes a line.
    #[track_caller]
    pub(crate) fn say(&mut self, line: &str) {
        self.write(format!("{line}\r\n")).unwrap();
    }

    /// The next line, its end taken off.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> String {
        let line = self.hear_raw();
        line.strip_suffix("\r\n").or(line.strip_suffix('\n')).expect("a whole line").to_owned()
    }

    /// The next line with its end. Empty: the other end has closed.
    #[track_caller]
    pub(crate) fn hear_raw(&mut self) -> String {
        let mut line = Vec::new();
        match self.0.read_until(b'\n', &mut line) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            result => drop(result.unwrap()),
        }
        String::from_utf8(line).unwrap()
    }

    /// Whether the other end has said something that was not heard yet.
    pub(crate) fn has_more(&mut self) -> bool {
        !self.0.buffer().is_empty()
    }

    /// Asks, as a client, or answers, as a server: awaits this line, and says that one.
    #[track_caller]
    pub(crate) fn expect(&mut self, line: &str) {
        assert_eq!(self.hear(), line);
    }

    /// Waits until the other end goes. What it says until then does not count.
    #[track_caller]
    pub(crate) fn await_end(mut self) {
        match io::copy(&mut self.0, &mut io::sink()) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            result => drop(result.expect("the other end goes")),
        }
    }
}
