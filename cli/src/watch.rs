//! `bellwire watch`: stays connected and prints each notification.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::{io, process, thread};

use anyhow::{Context, bail};
use bellwire::BadReply;
use bellwire::dialect::notif::{Get, Notif};
use bellwire::transcript::escape;
use bellwire_blocking::{
    Client, Connector, Ended, Error, Notice, Notifications, Observer, Reconnect,
};
use serde_json::json;
use url::Url;

use crate::args::Watch;
use crate::observers::{Observers, Record, Strays};
use crate::print;

/// The port of a URL that names none.
const PORT: u16 = 6789;

pub(crate) fn run(args: Watch) -> anyhow::Result<()> {
    let address = notif_address(&args.url)?;
    let connected = Arc::new(OnceLock::new());
    ctrlc::set_handler({
        let connected: Arc<OnceLock<Client<Notif>>> = Arc::clone(&connected);
        move || match connected.get() {
            Some(client) => client.close(),
            // There is nothing to end properly yet.
            None => process::exit(0),
        }
    })?;
    let (client, notifications) = connect(&args, address)?;
    let client = connected.get_or_init(|| client).clone();
    // Deadlines are kept while a fetched item is printed, or a program runs.
    let driver = thread::spawn({
        let client = client.clone();
        move || client.drive()
    });
    let watched = Watcher { args, client: client.clone(), printed: 0 }.watch(notifications);
    client.close();
    // Why the connection ended is known from the notifications.
    let _ = driver.join();
    watched
}

fn connect(args: &Watch, address: String) -> anyhow::Result<(Client<Notif>, Notifications<Notif>)> {
    let mut notif = Notif::default();
    notif.ids = args.ids;
    let mut connector = Connector::new(notif);
    connector.config.timers.rearm = args.rearm;
    connector.reconnect = (!args.no_reconnect).then(Reconnect::default);
    let mut observers: Vec<Box<dyn Observer>> = vec![Box::new(Strays::new(args.json))];
    if let Some(file) = &args.record.file {
        observers.push(Box::new(Record::new(file, &connector.dialect, &connector.config)?));
    }
    connector.observer = Some(Box::new(Observers(observers)));
    Ok(connector.tcp(address)?)
}

/// The address in `HOST:PORT` or `notif://HOST:PORT`.
pub(crate) fn notif_address(text: &str) -> anyhow::Result<String> {
    let full = if text.contains("://") { text.to_owned() } else { format!("notif://{text}") };
    let url = Url::parse(&full).with_context(|| format!("{text} is no address"))?;
    if url.scheme() != "notif" {
        bail!("{text}: {} is not supported; it is notif://HOST:PORT", url.scheme());
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.with_context(|| format!("{text} names no host"))?;
    Ok(format!("{host}:{}", url.port().unwrap_or(PORT)))
}

struct Watcher {
    args: Watch,
    client: Client<Notif>,
    printed: u64,
}

impl Watcher {
    fn watch(&mut self, notifications: Notifications<Notif>) -> anyhow::Result<()> {
        if self.is_done() {
            return Ok(());
        }
        for notice in notifications {
            match notice? {
                Notice::Notification(it) if self.wants(&it.topic()) => self.notified(&it.topic)?,
                Notice::Gap(gap) => {
                    self.say("gap", "may have missed notifications", &gap.to_string());
                }
                Notice::Refused(text) => {
                    bail!("the server refuses to send notifications: {}", escape(&text));
                }
                Notice::Resumed => self.say("resumed", "connected, and listening again", ""),
                _ => {}
            }
            if self.is_done() {
                break;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.args.count.is_some_and(|count| self.printed >= count)
    }

    fn wants(&self, topic: &str) -> bool {
        self.args.topics.is_empty() || self.args.topics.iter().any(|wanted| wanted == topic)
    }

    fn notified(&mut self, topic: &[u8]) -> anyhow::Result<()> {
        if !self.args.fetch {
            return self.show(topic, None);
        }
        match self.client.request(Get(topic)) {
            // It was fetched before, or gone before it could be.
            Ok(item) if item.is_empty() => Ok(()),
            Ok(item) => self.show(topic, Some(&item)),
            Err(Error::NotConnected(Ended::ByProgram)) => Ok(()),
            // Whether there will be another connection is known from the notifications.
            Err(error) => {
                let event = match error {
                    Error::BadReply(BadReply::Refused(_)) | Error::Unavailable(_) => "refused",
                    _ => "unfetched",
                };
                self.say(event, "could not be fetched", &error.to_string());
                Ok(())
            }
        }
    }

    fn show(&mut self, topic: &[u8], item: Option<&[u8]>) -> anyhow::Result<()> {
        let lossy = String::from_utf8_lossy;
        let text = if self.args.json {
            let mut object = json!({ "topic": lossy(topic) });
            if let Some(item) = item {
                object["item"] = json!(lossy(item));
            }
            object.to_string().into_bytes()
        } else {
            item.map_or_else(|| topic.to_vec(), |item| [topic, item].join(&b' '))
        };
        print::line(&text)?;
        self.printed += 1;
        if let Some(program) = &self.args.exec {
            exec(program, topic, item);
        }
        Ok(())
    }

    /// Says on standard error what is no notification.
    fn say(&self, event: &str, what: &str, detail: &str) {
        if self.args.json {
            print::complain_json(&json!({ "event": event, "detail": detail }));
        } else if detail.is_empty() {
            print::complain(what);
        } else {
            print::complain(format_args!("{what}: {detail}"));
        }
    }
}

/// Runs a program to its end. What it prints goes to standard error, for standard output holds
/// nothing but notifications.
fn exec(program: &Path, topic: &[u8], item: Option<&[u8]>) {
    let mut command = process::Command::new(program);
    command.env("BELLWIRE_TOPIC", OsStr::from_bytes(topic));
    match item {
        Some(item) => command.env("BELLWIRE_ITEM", OsStr::from_bytes(item)),
        None => command.env_remove("BELLWIRE_ITEM"),
    };
    command.stdin(Stdio::null()).stdout(Stdio::from(io::stderr()));
    let name = program.display();
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => print::complain(format_args!("{name}: {status}")),
        Err(error) => print::complain(format_args!("{name} could not be run: {error}")),
    }
}
