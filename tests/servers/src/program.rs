//! The programs: where they are, and what to say when they are not there.

use std::env;
use std::path::PathBuf;

use crate::skip::skip;

/// Where daemons are, though an ordinary user's `PATH` may not say so.
const DAEMONS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// A program that a test needs, and the Debian package that it is in.
///
/// If it is missing, the calling test is [skipped](skip).
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
        skip(&format!("no {name} (apt install {package})"));
    }
    found
}
