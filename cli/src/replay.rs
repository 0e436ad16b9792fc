//! `bellwire replay`: a transcript through the core.

use std::fs;
use std::io;

use anyhow::{Context, anyhow};
use bellwire::transcript::Settings;
use bellwire::transcript::play::{self, Mismatch, Shown};
use bellwire::{Client, Server, Transcript};

use crate::args::{DialectName, Replay};
use crate::print;

pub(crate) fn run(args: &Replay) -> anyhow::Result<()> {
    let DialectName::Notif = args.dialect;
    let name = args.file.display();
    let text = fs::read(&args.file).with_context(|| format!("cannot read {name}"))?;
    let text = String::from_utf8(text).with_context(|| format!("{name} is no transcript"))?;
    let transcript: Transcript = text.parse().with_context(|| name.to_string())?;
    let settings = transcript.configure().map_err(|why| anyhow!("{name}: {why}"))?;

    let lines: Vec<&str> = text.lines().collect();
    let mut shown = Ok(());
    let mut show = |it: Shown<'_>| {
        if shown.is_ok() {
            shown = show(&lines, &it);
        }
    };
    let played = play(&transcript, settings, args.server, &mut show);
    shown?;
    played.map_err(|Mismatch { line, what }| anyhow!("{name}:{line}: {what}"))
}

fn play(
    transcript: &Transcript,
    Settings { notif, client, server, .. }: Settings,
    as_server: bool,
    show: &mut dyn FnMut(Shown<'_>),
) -> Result<(), Mismatch> {
    if as_server {
        play::server(transcript, Server::new(notif, server), show).map(drop)
    } else {
        play::client(transcript, Client::new(notif, client), show).map(drop)
    }
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
