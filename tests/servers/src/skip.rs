//! What is not tested for want of something: told where nobody overlooks it.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, io, thread};

/// Tells standard error that the calling test is skipped, and why, even where a test's output is captured.
///
/// # Panics
///
/// With `CI` in the environment.
pub fn skip(why: &str) {
    assert!(env::var_os("CI").is_none(), "{why}");
    skip_some(why);
}

/// The same, where so much of the test is left that it proves its point, also with `CI` in the environment.
pub fn skip_some(why: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not a macro that prints: those are captured. Nobody reads it if it cannot be written.
    let _ = writeln!(io::stderr(), "skipped: {test}: {why}; {count} skipped here so far");
}
