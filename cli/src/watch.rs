//! `bellwire watch`: stays connected and prints each change.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::{io, process};

use anyhow::{Context, bail};
use bellwire::transcript::{Configured, escape};
use bellwire::{BadReply, Notification};
use bellwire_any::{Client, Connector, Ended, Error, Gap, Notice, Notifications, Reconnect, Wire};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::args::{DialectName, Watch};
use crate::observers::Strays;
use crate::status::{self, Mode, Status};
use crate::{connect, print};

mod imap;
mod mpd;
mod notif;

pub(crate) fn run(args: Watch) -> anyhow::Result<()> {
    let (address, runtime) = (Address::parse(&args.url)?, args.on.runtime);
    match address.dialect {
        DialectName::Notif => {
            let mut connector = connect::notif(runtime, args.ids);
            connector.config.timers.rearm = args.rearm;
            watch(connector, notif::Board, &address, args)
        }
        DialectName::Mpd => {
            let mut connector = connect::mpd(runtime, &address, &args.access)?;
            connector.config.timers.rearm = args.rearm;
            watch(connector, mpd::Player::default(), &address, args)
        }
        DialectName::Imap => {
            let mut connector = connect::imap(runtime, &address, &args.access)?;
            // An option, or the dialect knows better.
            connector.config.timers.rearm = args.rearm;
            imap::begin(&mut connector, &address);
            watch(connector, imap::Inbox::default(), &address, args)
        }
    }
}

/// What is watched.
trait Source {
    type Dialect: Wire + Configured;

    /// A connection has begun, the first or a further one. What is told with it is known already.
    ///
    /// # Errors
    ///
    /// When the server's answer makes no sense.
    fn begin(&mut self, client: &Client<Self::Dialect>) -> Result<Begun, Error> {
        let _ = client;
        Ok(Begun::Same)
    }

    /// What to print of a notification, if anything.
    fn change(&self, it: &Notification<Bytes>) -> Option<Item>;

    /// What a notification says that is no change, but that people have to see.
    fn warning(&self, it: &Notification<Bytes>) -> Option<String> {
        let _ = it;
        None
    }

    /// Fetches what a notification announces, each thing once.
    ///
    /// # Errors
    ///
    /// When the server refuses, or is gone.
    fn fetch(&mut self, client: &Client<Self::Dialect>, topic: &[u8]) -> Result<News, Error>;

    /// The topic that what is fetched is printed under, where it is another than the notification's.
    fn fetched_as(&self, topic: &str) -> Option<&'static str> {
        let _ = topic;
        None
    }

    /// Topics that may have something new after a time without a connection, where the server does
    /// not announce it again by itself.
    fn topics(&self) -> &'static [&'static str] {
        &[]
    }
}

/// What was fetched.
#[derive(Default)]
struct News {
    items: Vec<Item>,
    /// That was not all: the rest is to be fetched next.
    more: bool,
}

/// One item, or none.
impl From<Option<Item>> for News {
    fn from(item: Option<Item>) -> Self {
        Self { items: item.into_iter().collect(), more: false }
    }
}

/// What a new connection shows.
enum Begun {
    /// What was there before, with what is new.
    Same,
    /// Something else under the same name; why that is.
    Other(String),
}

/// What is printed in one line.
struct Item {
    topic: Vec<u8>,
    text: Option<Vec<u8>>,
    /// The same as fields, for programs.
    fields: Map<String, Value>,
}

impl Item {
    fn new(topic: impl Into<Vec<u8>>, text: Option<Vec<u8>>) -> Self {
        let mut fields = Map::new();
        if let Some(text) = &text {
            fields.insert("item".into(), String::from_utf8_lossy(text).into());
        }
        Self { topic: topic.into(), text, fields }
    }

    fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }
}

fn watch<S: Source>(
    mut connector: Connector<S::Dialect>,
    source: S,
    address: &Address,
    args: Watch,
) -> anyhow::Result<()> {
    let connected = Arc::new(OnceLock::new());
    ctrlc::set_handler({
        let connected: Arc<OnceLock<Client<S::Dialect>>> = Arc::clone(&connected);
        move || match connected.get() {
            Some(client) => client.close(),
            // There is nothing to end properly yet.
            None => process::exit(0),
        }
    })?;
    connector.reconnect = (!args.no_reconnect).then(Reconnect::default);
    let strays = Box::new(Strays::new(args.json));
    let (client, notifications) =
        connect::connect(connector, address, &args.access, &args.record, vec![strays])?;
    let client = connected.get_or_init(|| client).clone();
    // Deadlines are kept while a fetched item is printed, or a program runs.
    client.keep_driven().context("the connection cannot be driven")?;
    // Who wants objects reads them by a program.
    let status = if args.json { Status::none() } else { Status::start() };
    let mut watcher = Watcher { args, client: client.clone(), source, printed: 0, status };
    let watched = watcher.watch(notifications);
    // Nothing is heard or recorded after this.
    client.close();
    watched
}

struct Watcher<S: Source> {
    args: Watch,
    client: Client<S::Dialect>,
    source: S,
    printed: u64,
    status: Status,
}

impl<S: Source> Watcher<S> {
    fn watch(&mut self, notifications: Notifications<S::Dialect>) -> anyhow::Result<()> {
        if self.is_done() {
            return Ok(());
        }
        self.begin();
        for notice in notifications {
            match notice? {
                Notice::Notification(it) => self.notified(&it)?,
                Notice::Gap(gap) => self.missed(&gap)?,
                Notice::Refused(text) => {
                    bail!("the server refuses to send notifications: {}", escape(&text));
                }
                Notice::Resumed => self.resumed()?,
                _ => {}
            }
            if self.is_done() {
                break;
            }
        }
        Ok(())
    }

    fn missed(&mut self, gap: &Gap) -> anyhow::Result<()> {
        self.say("gap", "may have missed notifications", &gap.to_string());
        if matches!(gap, Gap::Disconnected(_)) {
            self.status.set(Mode::Lost);
            // The next connection says that it is there.
            return Ok(());
        }
        // Nothing else will say when to look for what was missed, another connection included.
        self.begin();
        self.resynchronise()
    }

    fn resumed(&mut self) -> anyhow::Result<()> {
        self.status.connected_again();
        self.say("resumed", "connected, and listening again", "");
        self.begin();
        self.resynchronise()
    }

    fn resynchronise(&mut self) -> anyhow::Result<()> {
        if self.args.fetch {
            for topic in self.source.topics() {
                if self.wants(topic) && !self.is_done() {
                    self.fetch(topic.as_bytes())?;
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self) {
        match self.source.begin(&self.client) {
            Ok(Begun::Same) => {}
            Ok(Begun::Other(why)) => self.say("reset", "what is watched is not what it was", &why),
            Err(error) => self.failed(&error),
        }
    }

    fn is_done(&self) -> bool {
        self.args.count.is_some_and(|count| self.printed >= count)
    }

    fn wants(&self, topic: &str) -> bool {
        let wanted = &self.args.topics;
        let has = |topic| wanted.iter().any(|wanted| wanted == topic);
        let fetched = self.source.fetched_as(topic).filter(|_| self.args.fetch);
        wanted.is_empty() || has(topic) || fetched.is_some_and(has)
    }

    fn notified(&mut self, it: &Notification<Bytes>) -> anyhow::Result<()> {
        self.status.notified();
        if let Some(warning) = self.source.warning(it) {
            self.say("warning", "the server says", &warning);
        }
        if !self.wants(&it.topic()) {
            return Ok(());
        }
        if self.args.fetch {
            return self.fetch(&it.topic);
        }
        match self.source.change(it) {
            Some(item) => self.show(&item),
            None => Ok(()),
        }
    }

    fn fetch(&mut self, topic: &[u8]) -> anyhow::Result<()> {
        self.status.set(Mode::Fetching);
        let fetched = self.fetch_all(topic);
        self.status.set(Mode::Listening);
        fetched
    }

    fn fetch_all(&mut self, topic: &[u8]) -> anyhow::Result<()> {
        loop {
            match self.source.fetch(&self.client, topic) {
                Ok(news) => {
                    for item in news.items {
                        if !self.is_done() {
                            self.show(&item)?;
                        }
                    }
                    if !news.more || self.is_done() {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.failed(&error);
                    return Ok(());
                }
            }
        }
    }

    /// Whether there will be another connection is known from the notifications.
    fn failed(&self, error: &Error) {
        if *error != Error::NotConnected(Ended::ByProgram) {
            let refused =
                matches!(error, Error::BadReply(BadReply::Refused(_)) | Error::Unavailable(_));
            let event = if refused { "refused" } else { "unfetched" };
            self.say(event, "could not be fetched", &error.to_string());
        }
    }

    fn show(&mut self, item: &Item) -> anyhow::Result<()> {
        let Item { topic, text, fields } = item;
        let line = if self.args.json {
            let mut object = fields.clone();
            object.insert("topic".into(), String::from_utf8_lossy(topic).into());
            Value::Object(object).to_string().into_bytes()
        } else {
            text.as_ref().map_or_else(|| topic.clone(), |text| [&topic[..], text].join(&b' '))
        };
        print::line(&line)?;
        self.printed += 1;
        if let Some(program) = &self.args.exec {
            exec(program, topic, text.as_deref());
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
    // It is none of that program's business.
    command.env_remove(crate::password::VARIABLE);
    match item {
        Some(item) => command.env("BELLWIRE_ITEM", OsStr::from_bytes(item)),
        None => command.env_remove("BELLWIRE_ITEM"),
    };
    command.stdin(Stdio::null()).stdout(Stdio::from(io::stderr()));
    let name = program.display();
    let _hidden = status::hide();
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => print::complain(format_args!("{name}: {status}")),
        Err(error) => print::complain(format_args!("{name} could not be run: {error}")),
    }
}
