//! SECURITY.md names the limits and their defaults; it is held to them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bellwire::dialect::imap::response::MAX_NESTING;
use bellwire::dialect::{Dialect as _, imap::Imap, mpd::Mpd, notif::Notif};
use bellwire::{Config, Limits, Reply, ServerConfig, ServerLimits, ServerTimers, Timers};
use bellwire_adapter::{Peer, Reconnect, Settings};
use bellwire_any::{Runtime, Server, Service};

const PAGE: &str = include_str!("../../../SECURITY.md");

#[test]
fn the_page_names_all_limits_and_their_defaults() {
    let named: BTreeMap<_, _> = PAGE.lines().filter_map(row).collect();
    assert_eq!(named, defaults());
}

/// The patience of the dialects stands in words.
#[test]
fn the_page_knows_how_patient_the_dialects_are() {
    let silence =
        [Mpd::default().silence(), Imap::default().silence()].map(|silence| time(silence.unwrap()));
    assert!(PAGE.contains(&format!("(MPD: {}, IMAP: {})", silence[0], silence[1])));
    assert!(PAGE.contains(&format!("again (IMAP: {})", patience(Imap::default().rearm))));
    assert_eq!(Notif::default().silence(), None);
}

/// The name in a row of a table of limits, and the default beside it.
fn row(line: &str) -> Option<(&str, String)> {
    let mut cells = line.strip_prefix("| `")?.split(" | ");
    let name = cells.next()?.strip_suffix('`')?;
    let is_limit = name.contains("::") || name == "MAX_NESTING";
    is_limit.then_some((name, cells.next()?.to_owned()))
}

fn defaults() -> BTreeMap<&'static str, String> {
    let Config { limits, timers, in_flight, ride, .. } = Config::default();
    let Limits { frame, parts, reply, pending, held, output, .. } = limits;
    let Timers { held: held_for, switch, greeting, rearm, silence, probe, write, suspend, .. } =
        timers;
    let settings = Settings::new(Notif::default());
    let server = ServerConfig::default();
    BTreeMap::from([
        ("Limits::frame", size(frame)),
        ("Limits::parts", parts.to_string()),
        ("Limits::reply", size(reply)),
        ("Limits::pending", pending.to_string()),
        ("Limits::held", held.to_string()),
        ("Limits::output", size(output)),
        ("Config::in_flight", in_flight.to_string()),
        ("Config::ride", ride.to_string()),
        ("Settings::queue", settings.queue.to_string()),
        ("Settings::queue_bytes", size(settings.queue_bytes)),
        ("Imap::whole", size(Imap::default().whole)),
        ("Mpd::whole", size(Mpd::default().whole)),
        ("MAX_NESTING", MAX_NESTING.to_string()),
        ("Settings::timeout", time(settings.timeout)),
        ("Timers::greeting", patience(greeting)),
        ("Timers::reply", patience(settings.config.timers.reply)),
        ("Timers::held", patience(held_for)),
        ("Timers::switch", patience(switch)),
        ("Timers::rearm", patience(rearm)),
        ("Timers::silence", patience(silence)),
        ("Timers::probe", patience(probe)),
        ("Timers::write", patience(write)),
        ("Timers::suspend", time(suspend)),
        ("Server::connections", connections()),
    ])
    .into_iter()
    .chain(reconnect(&Reconnect::default()))
    .chain(server_limits(&server.limits))
    .chain(server_timers(&server.timers))
    .collect()
}

fn reconnect(reconnect: &Reconnect) -> [(&'static str, String); 4] {
    let Reconnect { first, longest, stable, attempts, .. } = *reconnect;
    [
        ("Reconnect::first", time(first)),
        ("Reconnect::longest", time(longest)),
        ("Reconnect::stable", time(stable)),
        ("Reconnect::attempts", attempts.map_or("never".into(), |attempts| attempts.to_string())),
    ]
}

fn server_limits(limits: &ServerLimits) -> [(&'static str, String); 6] {
    let ServerLimits { frame, reply, list, pending, output, topics, .. } = *limits;
    [
        ("ServerLimits::frame", size(frame)),
        ("ServerLimits::reply", size(reply)),
        ("ServerLimits::list", size(list)),
        ("ServerLimits::pending", pending.to_string()),
        ("ServerLimits::output", size(output)),
        ("ServerLimits::topics", topics.to_string()),
    ]
}

fn server_timers(timers: &ServerTimers) -> [(&'static str, String); 4] {
    let ServerTimers { autologout, silence, write, suspend, .. } = *timers;
    [
        ("ServerTimers::autologout", patience(autologout)),
        ("ServerTimers::silence", patience(silence)),
        ("ServerTimers::write", patience(write)),
        ("ServerTimers::suspend", time(suspend)),
    ]
}

/// The same on all adapters.
fn connections() -> String {
    let server =
        |runtime: &Runtime| Server::bind(*runtime, "127.0.0.1:0", Notif::default(), Nobody);
    let all = Runtime::ALL.iter().map(|runtime| *server(runtime).unwrap().connections());
    let all: BTreeSet<_> = all.collect();
    all.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ")
}

struct Nobody;

impl Service for Nobody {
    type Session = ();

    fn open(&self, _: &mut Peer) {}

    fn answer(&self, (): &mut (), _: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        Reply::refused(Vec::new())
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => bytes.to_string(),
    }
}

fn time(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} s", time.as_secs_f64()),
        seconds if seconds > 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

fn patience(time_or_never: Option<Duration>) -> String {
    time_or_never.map_or("never".into(), time)
}
