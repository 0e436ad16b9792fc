//! Where a password comes from: never from the argument list, which everybody on the machine can read.

use std::env;
use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The variable that may hold it.
pub(crate) const VARIABLE: &str = "BELLWIRE_PASSWORD";

/// The password for `whom`: what `command` prints, or what the variable holds, or what is typed.
pub(crate) fn get(whom: &str, command: Option<&str>) -> anyhow::Result<String> {
    if let Some(command) = command {
        return from_command(command);
    }
    match env::var(VARIABLE) {
        Ok(password) if !password.is_empty() => return Ok(password),
        Ok(_) | Err(env::VarError::NotPresent) => {}
        // The error would quote it.
        Err(env::VarError::NotUnicode(_)) => bail!("{VARIABLE} holds what is no UTF-8"),
    }
    if !io::stdin().is_terminal() {
        bail!("no password for {whom}; set {VARIABLE}, or use --password-command");
    }
    rpassword::prompt_password(format!("Password for {whom}: ")).context("no password was typed")
}

/// The first line that a command prints, as password managers do.
pub(crate) fn from_command(command: &str) -> anyhow::Result<String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::inherit()).stderr(Stdio::inherit());
    let output = shell.output().with_context(|| format!("cannot run {command}"))?;
    if !output.status.success() {
        bail!("--password-command failed: {}", output.status);
    }
    // What it printed is a secret, so no error quotes it.
    let printed = String::from_utf8(output.stdout).ok();
    let printed = printed.context("--password-command printed what is no UTF-8")?;
    match printed.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => bail!("--password-command printed no password"),
    }
}
