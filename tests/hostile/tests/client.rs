//! Hostile servers: what each does to a client ends that client's connection, if anything, with an error that says
//! why, within the memory that it may cost. On each runtime, for each dialect that it makes sense for.

use bellwire::Limits;
use bellwire_any::Runtime;
use bellwire_hostile::{Attacked, Peer, bounds, is_long};

#[path = "client/answers.rs"]
mod answers;
#[path = "client/lines.rs"]
mod lines;
#[path = "client/notifications.rs"]
mod notifications;
#[path = "client/silence.rs"]
mod silence;
#[path = "client/tls.rs"]
mod tls;
#[path = "client/unwanted.rs"]
mod unwanted;

const VICTIM: &str = env!("CARGO_BIN_EXE_victim");

/// Much more than any bound here.
const POURED: usize = 1024 * 1024 * 1024;

/// What a server says first.
fn greeting(dialect: &str) -> &'static str {
    match dialect {
        "mpd" => "OK MPD 0.23.5\n",
        "imap" => "* PREAUTH [CAPABILITY IMAP4rev1 IDLE] come in\r\n",
        _ => "",
    }
}

/// Greets, and hears the first command of any dialect.
fn is_asked(peer: &mut Peer, dialect: &str) -> String {
    peer.says(greeting(dialect));
    peer.hears_tag()
}

/// A command that is as good as any.
fn question(dialect: &str) -> &'static str {
    match dialect {
        "mpd" => "status",
        "imap" => "NOOP",
        _ => "random?",
    }
}

/// Has a client of `dialect` ask while its server does this.
fn asks(
    runtime: Runtime,
    dialect: &str,
    options: &[&str],
    attack: impl FnOnce(&mut Peer) + Send + 'static,
) -> Attacked {
    let words = [&[dialect, question(dialect)], options].concat();
    Attacked::client(VICTIM, runtime, "ask", &words, attack)
}

/// What a client may cost that gathers nothing.
fn at_rest() -> usize {
    bounds::client(&Limits::default()) + bounds::PROGRAM
}

/// The limits of one answer: smaller than the defaults, for tests that are to be fast.
fn answer_limits() -> Limits {
    let mut limits = Limits::default();
    if !is_long() {
        limits.parts = 50_000;
        limits.reply = 4 * 1024 * 1024;
    }
    limits
}

/// What says so to the client.
fn as_options(limits: &Limits) -> [String; 2] {
    [format!("parts={}", limits.parts), format!("size={}", limits.reply)]
}
