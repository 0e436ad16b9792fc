//! Hours on a simulated link, with a clock that steps from one event to the next.
//!
//! In quiet hours nothing happens but what the clock says, and each moment is known beforehand, whenever
//! the clock began. In stormy hours all goes wrong that can; what is promised of a client is checked at
//! each step: that it wakes up when something is due, and seldom otherwise; that it is never logged out
//! for being silent; that it notices when nothing gets through; that each notification is told, or a gap
//! is; that each command has an outcome.
//!
//! `BELLWIRE_HOURS=1000000 cargo test --release -p bellwire-proof hours -- --nocapture` goes on for longer;
//! `BELLWIRE_SEED` sets what chance depends on, which a failure tells.

use std::env;
use std::fmt::Debug;
use std::time::Duration;

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire::{Client, Config, Dialect};

use quiet::quiet;
use storm::{Setting, Storm};
use weather::Weather;

mod figures;
mod host;
mod link;
mod quiet;
mod storm;
mod weather;

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

const fn hours(count: u64) -> Duration {
    minutes(60 * count)
}

/// So many, if not asked for more.
fn length(default: u64) -> Duration {
    hours(env::var("BELLWIRE_HOURS").map_or(default, |hours| hours.parse().unwrap()))
}

fn notif_config() -> Config {
    let mut config = Config::default();
    config.timers.rearm = Some(minutes(29));
    config
}

/// The client's clock may have begun at any time.
fn quiet_hours<D: Dialect + Clone + Debug>(
    (dialect, config): (D, Config),
    server: fn() -> Box<dyn crate::worlds::peer::Peer>,
    leave: &str,
    period: Duration,
) {
    let latency = Duration::from_nanos(40_000_001);
    let run = |origin, length| {
        let client = Client::new(dialect.clone(), config.clone());
        // Words of the switch, from end to end.
        let words = if leave == "noidle" { 2 } else { 4 };
        quiet(client, server(), leave, (origin, length), (latency, period + words * latency))
    };
    let whole = length(1000);
    let quiet = run(Duration::ZERO, whole);
    println!("quiet, {leave}: {} hours, {quiet:?}", whole.as_secs() / 3600);
    let length = hours(100);
    let first = run(Duration::ZERO, length);
    for origin in [hours(1_000_000), hours(8_000_000), Duration::MAX / 2] {
        assert_eq!(run(origin, length), first, "since {origin:?}");
    }
}

#[test]
fn quiet_hours_of_notif() {
    quiet_hours((Notif::default(), notif_config()), host::notif, "stop_notif", minutes(29));
}

#[test]
fn quiet_hours_of_mpd() {
    let silence = Duration::from_secs(30);
    quiet_hours((Mpd::default(), Config::default()), host::mpd, "noidle", silence);
}

/// In `idle`, a client may be silent for longer than MPD bears outside it.
#[test]
fn quiet_hours_of_a_patient_mpd_client() {
    let mut dialect = Mpd::default();
    dialect.silence = Some(minutes(5));
    quiet_hours((dialect, Config::default()), host::mpd, "noidle", minutes(5));
}

#[test]
fn quiet_hours_of_imap() {
    quiet_hours((Imap::default(), Config::default()), host::imap, "DONE", minutes(28));
}

fn stormy_hours<D: Dialect + Clone + Debug>(setting: Setting<D>) {
    let seed =
        env::var("BELLWIRE_SEED").map_or_else(|_| fastrand::u64(..), |it| it.parse().unwrap());
    let (length, enter) = (length(1000), setting.enter);
    let start = std::time::Instant::now();
    let mut storm = Storm::new(setting, seed);
    storm.pass(length);
    let hours = length.as_secs() / 3600;
    let took = start.elapsed();
    let figures = &storm.figures;
    println!("stormy, {enter}: {hours} hours, BELLWIRE_SEED={seed}, {took:?}: {figures}");
    // In so long, everything happens.
    let rare = [figures.gaps, figures.answered, figures.slept, figures.duplicates];
    assert!(hours < 1000 || rare.iter().all(|count| *count > 0), "{figures}");
    assert!(figures.reentered >= hours && figures.told > 0, "{figures}");
}

#[test]
fn stormy_hours_of_notif() {
    let silence = minutes(20);
    let mut config = notif_config();
    config.timers.silence = Some(silence);
    stormy_hours(Setting {
        dialect: Notif::default(),
        config,
        server: host::notif,
        enter: "notif",
        leave: "stop_notif",
        silence,
        ticks: 20,
        weather: Weather::new(minutes(5), hours(3), hours(12)),
    });
}

#[test]
fn stormy_hours_of_mpd() {
    stormy_hours(Setting {
        dialect: Mpd::default(),
        config: Config::default(),
        server: host::mpd,
        enter: "idle",
        leave: "noidle",
        silence: Duration::from_secs(30),
        ticks: 140,
        weather: Weather::new(minutes(20), hours(3), hours(12)),
    });
}

#[test]
fn stormy_hours_of_imap() {
    stormy_hours(Setting {
        dialect: Imap::default(),
        config: Config::default(),
        server: host::imap,
        enter: "IDLE",
        leave: "DONE",
        silence: minutes(5),
        ticks: 20,
        weather: Weather::new(minutes(20), hours(3), hours(12)),
    });
}
