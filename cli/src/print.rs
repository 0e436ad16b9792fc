//! Writing for people and for programs.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use bellwire::transcript::escape;

use crate::status;

/// Prints one line to standard output, at once.
pub(crate) fn line(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        // What a stranger sent must not command the terminal.
        let text = escape(text);
        return status::above(|| {
            writeln!(out, "{text}")?;
            out.flush()
        });
    }
    out.write_all(text)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes bytes of our own to standard output.
pub(crate) fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Says something on standard error.
pub(crate) fn complain(text: impl fmt::Display) {
    // If nobody can read it, there is nobody to tell.
    let _ = status::above(|| writeln!(io::stderr().lock(), "bellwire: {text}"));
}

/// Says something on standard error as an object.
pub(crate) fn complain_json(object: &serde_json::Value) {
    let _ = status::above(|| writeln!(io::stderr().lock(), "{object}"));
}
