//! The client: it does one thing, and says what came of it.

use std::fmt;
use std::io;

use anyhow::{Context, bail};
use bellwire::dialect::imap::response::Untagged;
use bellwire_any::{Client, Connector, Gap, Notice, Notifications, Pending, Runtime, Wire};
use bellwire_hostile::GENEROUS;

use crate::options::Options;

/// What a client does.
pub(crate) enum Action {
    /// Asks this, and waits for the answer.
    Ask(String),
    /// Asks this, if it is anything, once there are notifications, and reads them when the connection is over.
    Listen(String),
    /// Asks this so many times at once, each time with so much behind it.
    Shout(String),
    /// Asks this, and shuts down.
    Leave(String),
    /// Neither asks nor reads anything.
    Rest,
}

impl Action {
    pub(crate) fn named(name: &str, text: &str) -> anyhow::Result<Self> {
        let text = text.to_owned();
        Ok(match name {
            "ask" => Self::Ask(text),
            "listen" => Self::Listen(text),
            "shout" => Self::Shout(text),
            "leave" => Self::Leave(text),
            "rest" => Self::Rest,
            _ => bail!("no action {name}"),
        })
    }
}

/// So many commands are shouted, of so many bytes each: more than the sockets of both ends hold.
const SHOUTS: usize = 1000;
const LOUD: usize = 60_000;

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
                // Sooner, it may go out before what begins the mode.
                match notifications.wait(GENEROUS) {
                    Ok(Some(Notice::Notification(_))) => ask(client, text),
                    other => println!("no notification: {other:?}"),
                }
            }
            // Why it is over is told to those who read, too.
            let _ = client.drive();
            read(&mut notifications);
        }
        Action::Shout(text) => shout(client, text),
        Action::Leave(text) => {
            ask(client, text);
            client.shutdown();
            println!("left");
        }
        Action::Rest => {
            drop(notifications);
            println!(
                "over: {}",
                client.drive().map_or_else(|error| error.to_string(), |()| "done".to_owned())
            );
            return;
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

/// Reads what notifications there were, and what they mean, if that is IMAP.
fn read<D: Wire>(notifications: &mut Notifications<D>) {
    let (mut told, mut bytes, mut broken, mut dropped) = (0, 0, 0, 0);
    let end = loop {
        match notifications.next() {
            Some(Ok(Notice::Notification(it))) => {
                told += 1;
                bytes += it.text.len();
                broken += usize::from(Untagged::parse(&it.text).is_err());
            }
            Some(Ok(Notice::Gap(Gap::Overflow(count)))) => dropped += count,
            Some(Ok(other)) => break format!("{other:?}"),
            Some(Err(error)) => break error.to_string(),
            None => break "closed".to_owned(),
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
