//! The process under attack: a server or a client, on any runtime. It is a process of its own, so that what the
//! attack costs can be read off it.
//!
//! `victim serve|ask|listen|shout|leave|rest RUNTIME DIALECT …` says `ready`, and begins when it is told anything on
//! standard input. When that ends, so does it.

mod client;
mod options;
mod serve;

use std::env;

use anyhow::{Context, bail};
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire_any::Runtime;

use client::Action;
use options::Options;

fn main() -> anyhow::Result<()> {
    bellwire_hostile::raise_descriptors();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, runtime, dialect, rest @ ..] = &arguments[..] else { bail!("see the source") };
    let runtime: Runtime = runtime.parse()?;
    if what == "serve" {
        let options = Options::read(rest)?;
        return match dialect.as_str() {
            "notif" => serve::serve(runtime, Notif::default(), <[u8]>::to_vec, &options),
            "mpd" => serve::serve(runtime, Mpd::default(), as_field, &options),
            _ => bail!("no server speaks {dialect}"),
        };
    }
    let (address, rest) = rest.split_first().context("no address")?;
    let (text, rest) = rest.split_first().context("no command")?;
    let action = Action::named(what, text)?;
    let options = Options::read(rest)?;
    match dialect.as_str() {
        "notif" => client::act(runtime, Notif::default(), address, &action, &options),
        "mpd" => client::act(runtime, Mpd::default(), address, &action, &options),
        "imap" => client::act(runtime, Imap::default(), address, &action, &options),
        _ => bail!("no client speaks {dialect}"),
    }
}

/// A command, as a line of a reply of MPD's.
fn as_field(command: &[u8]) -> Vec<u8> {
    [b"said: ", command, b"\n"].concat()
}
