//! `bellwire replay`: a transcript through the core.

use std::fs;
use std::io;

use anyhow::{Context, anyhow, bail};
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire::transcript::play::{self, Mismatch, Shown};
use bellwire::transcript::{Configured, Settings};
use bellwire::{Client, Dialect, Server, ServerDialect, Transcript};

use crate::args::{DialectName, Replay};
use crate::print;

pub(crate) fn run(args: &Replay) -> anyhow::Result<()> {
    let name = args.file.display();
    let text = fs::read(&args.file).with_context(|| format!("cannot read {name}"))?;
    let text = String::from_utf8(text).with_context(|| format!("{name} is no transcript"))?;
    let transcript: Transcript = text.parse().with_context(|| name.to_string())?;
    let lines: Vec<&str> = text.lines().collect();
    let mut shown = Ok(());
    let mut show = |it: Shown<'_>| {
        if shown.is_ok() {
            shown = show(&lines, &it);
        }
    };
    let dialect = transcript.setting("dialect").or(args.dialect.map(DialectName::as_str));
    let played = match (dialect.unwrap_or("notif"), args.server) {
        ("notif", false) => as_client::<Notif>(&transcript, &mut show),
        ("notif", true) => as_server::<Notif>(&transcript, &mut show),
        ("mpd", false) => as_client::<Mpd>(&transcript, &mut show),
        ("mpd", true) => as_server::<Mpd>(&transcript, &mut show),
        ("imap", false) => as_client::<Imap>(&transcript, &mut show),
        (dialect, false) => bail!("{name}: {dialect} is no protocol of this program's"),
        (dialect, true) => bail!("{name}: the server's end of {dialect} cannot be played"),
    };
    shown?;
    played.map_err(|why| anyhow!("{name}:{why}"))
}

fn as_client<D: Dialect + Configured>(
    transcript: &Transcript,
    show: &mut dyn FnMut(Shown<'_>),
) -> Result<(), String> {
    let Settings { client, dialect, .. } =
        transcript.configure::<D>().map_err(|why| format!(" {why}"))?;
    let played = play::client(transcript, Client::new(dialect, client), show);
    played.map(drop).map_err(place)
}

fn as_server<D: ServerDialect + Configured>(
    transcript: &Transcript,
    show: &mut dyn FnMut(Shown<'_>),
) -> Result<(), String> {
    let Settings { server, dialect, .. } =
        transcript.configure::<D>().map_err(|why| format!(" {why}"))?;
    let played = play::server(transcript, Server::new(dialect, server), show);
    played.map(drop).map_err(place)
}

fn place(Mismatch { line, what }: Mismatch) -> String {
    format!("{line}: {what}")
}

fn show(lines: &[&str], it: &Shown<'_>) -> io::Result<()> {
    match it {
        Shown::Step(step) => {
            let lines = lines.iter().map(|line| line.trim_start()).skip(step.line - 1);
            // What was sent in one write stands in several lines.
            let goes_on = |line: &&str| line.starts_with("C|") || line.starts_with("S|");
            let (first, rest) = (lines.clone().take(1), lines.skip(1).take_while(goes_on));
            first.chain(rest).try_for_each(|line| print::line(line.as_bytes()))
        }
        Shown::Taken(event) => print::line(format!("    taken for: {event}").as_bytes()),
    }
}
