//! The client: it does one thing, and says what came of it.

use std::fmt;
use std::io;
use std::time::Duration;

use anyhow::{Context, bail};
use bellwire::dialect::imap::response::Untagged;
use bellwire_any::{Client, Connector, Gap, Notice, Notifications, Pending, Runtime, Wire};

use crate::options::Options;

/// What a client does.
pub(crate) enum Action {
    /// Asks this, and waits for the answer.
    Ask(String),
    /// Asks this, if it is anything, while notifications are wanted, and reads them when that is over.
    Listen(String),
    /// Asks this so many times at once, each time with so much behind it.
    Shout(String),
    /// Asks this, and shuts down.
    Leave(String),
}

impl Action {
    pub(crate) fn named(name: &str, text: &str) -> anyhow::Result<Self> {
        let text = text.to_owned();
        Ok(match name {
            "ask" => Self::Ask(text),
            "listen" => Self::Listen(text),
            "shout" => Self::Shout(text),
            "leave" => Self::Leave(text),
            _ => bail!("no action {name}"),
        })
    }
}

/// So many commands are shouted, of so many bytes each: more than the sockets of both ends hold.
const SHOUTS: usize = 1000;
const LOUD: usize = 60_000;

/// Those who read notifications stop here.
const ENOUGH: usize = 3000;
const MUCH: usize = 64 * 1024 * 1024;

pub(crate) fn act<D: Wire + fmt::Debug>(
    runtime: Runtime,
    dialect: D,
    address: &str,
    action: &Action,
    options: &Options,
) -> anyhow::Result<()> {
    println!("ready");
    io::stdin().lines().next().context("never told to begin")??;
    let mut connector = Connector::new(runtime, dialect);
    options.of_client(&mut connector);
    let connected = match options.tls()? {
        Some(tls) => connector.tls(address, &tls),
        None => connector.tcp(address),
    };
    match connected {
        Ok((client, notifications)) => does(action, &client, notifications),
        Err(error) => println!("failed: {error}"),
    }
    println!("done");
    // Until then, what it has cost can be looked up.
    io::stdin().lines().for_each(drop);
    Ok(())
}

fn does<D: Wire>(action: &Action, client: &Client<D>, mut notifications: Notifications<D>) {
    match action {
        Action::Ask(text) => ask(client, text),
        Action::Listen(text) => {
            client.listen();
            if !text.is_empty() {
                ask(client, text);
            }
            read(&mut notifications);
        }
        Action::Shout(text) => shout(client, text),
        Action::Leave(text) => {
            ask(client, text);
            client.shutdown();
            println!("left");
        }
    }
    drop(notifications);
}

fn ask<D: Wire>(client: &Client<D>, text: &str) {
    match client.request(text) {
        Ok(answer) if answer.len() > 100 => println!("answered: {} bytes", answer.len()),
        Ok(answer) => println!("answered: {}", answer.escape_ascii()),
        Err(error) => println!("failed: {error}"),
    }
}

/// Reads what notifications there are, and what they mean, if that is IMAP.
fn read<D: Wire>(notifications: &mut Notifications<D>) {
    let (mut told, mut bytes, mut broken, mut dropped) = (0, 0, 0, 0);
    let end = loop {
        match notifications.wait(Duration::from_millis(200)) {
            _ if told == ENOUGH || bytes > MUCH => break "there is more".to_owned(),
            Ok(Some(Notice::Notification(it))) => {
                told += 1;
                bytes += it.text.len();
                broken += usize::from(Untagged::parse(&it.text).is_err());
            }
            Ok(Some(Notice::Gap(Gap::Overflow(count)))) => dropped += count,
            Ok(Some(other)) => break format!("{other:?}"),
            Ok(None) => break "quiet".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    println!("read: {told} of {bytes} bytes, {broken} of them broken, {dropped} dropped; {end}");
}

fn shout<D: Wire>(client: &Client<D>, text: &str) {
    let loud = format!("{text} {}", "x".repeat(LOUD));
    let sent = client.send_all((0..SHOUTS).map(|_| loud.as_str()));
    let refused = sent.iter().filter(|it| it.is_err()).count();
    println!("refused: {} of {SHOUTS}", if refused > 0 { "some" } else { "none" });
    // All of them are waited for, until the first has its outcome.
    let mut waiting: Vec<_> = sent.into_iter().flatten().collect();
    let first = (!waiting.is_empty()).then(|| waiting.remove(0));
    match first.map(Pending::wait) {
        Some(Ok(answer)) => println!("answered: {} bytes", answer.len()),
        Some(Err(error)) => println!("failed: {error}"),
        None => println!("nothing was sent"),
    }
}
