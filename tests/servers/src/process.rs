//! Processes that end when the test does, however it ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Between two attempts at what nobody tells us when it is possible.
const PAUSE: Duration = Duration::from_millis(2);

/// Reads until the test ends, then takes away the test's folder and all of its own group.
const GUARD: &str = r#"read -r _; rm -rf -- "$1"; kill -KILL 0"#;

/// A server's processes: one process group, so that its children's children are known, too. A guard
/// leads the group. It hears of the test's end by a pipe, which the system closes if nobody else does.
#[derive(Debug)]
pub(crate) struct Group {
    guard: Child,
    server: Child,
}

impl Group {
    pub(crate) fn start(command: &mut Command, folder: &Path) -> io::Result<Self> {
        adopt_orphans()?;
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let leader = Pid::from_child(&guard).as_raw_nonzero().get();
        match command.stdin(Stdio::null()).process_group(leader).spawn() {
            Ok(server) => Ok(Self { guard, server }),
            Err(error) => {
                guard.kill()?;
                guard.wait()?;
                Err(error)
            }
        }
    }

    /// Whether the server has ended by itself. Its children may not have.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.server.try_wait(), Ok(None))
    }

    /// Asks the server to end, and waits until it has. Its children may go on for a while.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        if self.has_ended() {
            return Ok(());
        }
        let server = Pid::from_child(&self.server);
        rustix::process::kill_process(server, Signal::TERM).map_err(|error| error.to_string())?;
        let ended = patiently(|| self.has_ended().then_some(()));
        ended.ok_or_else(|| format!("it goes on {PATIENCE:?} after it was asked to end"))
    }

    /// The process group.
    pub(crate) fn id(&self) -> Pid {
        Pid::from_child(&self.guard)
    }
}

impl Drop for Group {
    /// Ends all, and waits until nothing is left, not even a zombie.
    fn drop(&mut self) {
        // The guard has not been waited for, hence the group's number is still its own.
        let _ = rustix::process::kill_process_group(self.id(), Signal::KILL);
        while let Ok(_) | Err(rustix::io::Errno::INTR) =
            rustix::process::waitpgid(self.id(), WaitOptions::empty())
        {}
    }
}

/// Makes this process the one that waits for the orphans of its children, in place of the system's
/// first process, which takes its time.
fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Attempts until it works, if it does in time.
pub(crate) fn patiently<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let done = attempt();
        if done.is_some() || Instant::now() >= deadline {
            return done;
        }
        thread::sleep(PAUSE);
    }
}
