//! What all servers share: a folder, a configuration, a log, and processes.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use tempfile::TempDir;

use crate::process::{Group, patiently};

/// How often other ports are tried.
const ATTEMPTS: usize = 20;

/// How long a greeting is waited for before it is looked whether the server still runs: it may be another
/// that does not greet.
pub(crate) const GREETING: Duration = Duration::from_secs(1);

/// How much of a log is shown.
const LOG_LINES: usize = 40;

/// A server that can be started, and may run.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    flags: &'static [&'static str],
    // Ends before its folder does.
    group: Option<Group>,
    folder: TempDir,
}

/// Why a server does not run.
enum Failure {
    PortTaken,
    Other(String),
}

impl Server {
    /// A server that is called with these flags and the name of its configuration file.
    pub(crate) fn new(program: PathBuf, flags: &'static [&'static str]) -> Self {
        // Not where TMPDIR says: the name of a Unix socket has to be short. Other users may look in,
        // as whom a server may run parts of itself.
        let folder = tempfile::Builder::new().prefix("bw-").tempdir_in("/tmp").expect("a folder");
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("a folder of our own");
        Self { program, flags, group: None, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file that all may read, whatever the umask says, and the folders that it is in.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder().join(name);
        let written = fs::create_dir_all(path.parent().expect("it is in a folder"))
            .and_then(|()| fs::write(&path, content))
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o644)));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Starts for the first time. Each attempt gets a configuration, and with it, other ports.
    ///
    /// `greets` is to fail until the server answers. It must not take another server for this one.
    pub(crate) fn start<T>(
        &mut self,
        mut configure: impl FnMut(&Path) -> (String, T),
        greets: impl Fn(&Path, &T) -> io::Result<()>,
    ) -> T {
        for _ in 0..ATTEMPTS {
            let (configuration, addresses) = configure(self.folder());
            self.write("conf", configuration);
            match self.run(|folder| greets(folder, &addresses)) {
                Ok(()) => return addresses,
                Err(Failure::PortTaken) => {}
                Err(Failure::Other(why)) => panic!("{why}"),
            }
        }
        panic!("{ATTEMPTS} times, a port was taken that had been free\n{}", self.log_tail());
    }

    /// Starts with the same configuration. If it runs, it is killed.
    pub(crate) fn restart(&mut self, greets: impl Fn(&Path) -> io::Result<()>) {
        match self.run(greets) {
            Ok(()) => {}
            Err(Failure::PortTaken) => panic!("its port was taken\n{}", self.log_tail()),
            Err(Failure::Other(why)) => panic!("{why}"),
        }
    }

    fn run(&mut self, greets: impl Fn(&Path) -> io::Result<()>) -> Result<(), Failure> {
        self.kill();
        let old_log = self.log().len();
        let group = Group::start(&mut self.command(), self.folder());
        let group =
            group.unwrap_or_else(|error| panic!("cannot run {}: {error}", self.program.display()));
        let group = self.group.insert(group);
        let mut unheard = String::new();
        let answered = patiently(|| match greets(self.folder.path()) {
            Ok(()) => Some(true),
            Err(_) if group.has_ended() => Some(false),
            Err(error) => {
                unheard = error.to_string();
                None
            }
        });
        let why = match answered {
            Some(true) => return Ok(()),
            Some(false) if self.log()[old_log..].contains("Address already in use") => {
                return Err(Failure::PortTaken);
            }
            Some(false) => "ended at once".to_owned(),
            None => format!("does not answer: {unheard}"),
        };
        Err(Failure::Other(format!("{} {why}\n{}", self.program.display(), self.log_tail())))
    }

    fn command(&self) -> Command {
        let log = self.open_log();
        let mut command = Command::new(&self.program);
        command.args(self.flags).arg(self.folder().join("conf"));
        command.stdout(log.try_clone().expect("the log once more")).stderr(log);
        command
    }

    fn open_log(&self) -> File {
        let log = self.folder().join("log");
        File::options().create(true).append(true).open(log).expect("a log")
    }

    /// Starts another program of the server's, which talks over `stream` and ends with the server. It is
    /// called with the name of the configuration file.
    #[expect(clippy::zombie_processes, reason = "it is waited for with its group")]
    pub(crate) fn assist(&self, command: &mut Command, stream: OwnedFd) {
        let group = self.process_group().expect("the server runs");
        let output = stream.try_clone().expect("the stream once more");
        command.arg(self.folder().join("conf"));
        command.stdin(stream).stdout(output).stderr(self.open_log()).process_group(group);
        let started = command.spawn();
        started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    }

    pub(crate) fn stop(&mut self) {
        if let Some(Err(why)) = self.group.as_mut().map(Group::stop) {
            panic!("{}: {why}\n{}", self.program.display(), self.log_tail());
        }
    }

    pub(crate) fn kill(&mut self) {
        self.group = None;
    }

    pub(crate) fn process_group(&self) -> Option<i32> {
        self.group.as_ref().map(|group| Pid::as_raw_nonzero(group.id()).get())
    }

    /// All that it has said.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.folder().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
        format!("its log ends with:\n{}", tail.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}: {}", self.program.display(), self.log_tail());
        }
    }
}

/// Hears a server's first line, says farewell, and stays until the server has closed, so that nothing of
/// this visit is left when a test begins.
pub(crate) fn visit(mut stream: impl Read + Write, farewell: &[u8]) -> io::Result<String> {
    let mut heard = Vec::new();
    while !heard.contains(&b'\n') {
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => heard.extend_from_slice(&chunk[..count]),
        }
    }
    stream.write_all(farewell)?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(String::from_utf8_lossy(&heard).into_owned())
}
