//! The programs: where they are, and what to say when they are not there.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, io, thread};

/// Where daemons are, though an ordinary user's `PATH` may not say so.
const DAEMONS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// A program that a test needs, and the Debian package that it is in.
///
/// If it is missing, standard error is told that the calling test is skipped, even where a test's
/// output is captured.
///
/// # Panics
///
/// With `CI` in the environment, if the program is missing.
#[must_use]
pub fn program(name: &str, package: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(env::split_paths(DAEMONS));
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    if found.is_none() {
        let advice = format!("no {name} (apt install {package})");
        assert!(env::var_os("CI").is_none(), "{advice}");
        let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
        let thread = thread::current();
        let test = thread.name().unwrap_or("a test");
        // Not a macro that prints: those are captured. Nobody reads it if it cannot be written.
        let _ = writeln!(io::stderr(), "skipped: {test}: {advice}; {count} skipped here so far");
    }
    found
}
