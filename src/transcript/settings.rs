//! The settings of a transcript: how the machines that play it are configured.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;
use core::time::Duration;

use super::{Time, Transcript, parse_time};
use crate::config::{Config, ServerConfig, Timers, Unsolicited};
use crate::dialect::notif::{Newline, Notif, Spelling};

/// What a transcript's settings mean.
///
/// | setting | meaning |
/// |---|---|
/// | `dialect notif` | the protocol |
/// | `newline lf`, `newline crlf` | how lines end |
/// | `in-flight N`, `ride N`, `unsolicited report\|ignore\|fatal` | [`Config`] |
/// | `frame N`, `pending N`, `held N`, `output N`, `topics N` | limits of both ends |
/// | `reply TIME`, `held-for TIME`, `switch TIME`, `rearm TIME`, `silence TIME`, `probe TIME`, `write TIME`, `suspend TIME`, `autologout TIME` | timers; `never` is a time, too |
/// | `spelling plain\|session\|underscored\|notify`, `acknowledge`, `ids`, `ask-in-mode` | [`Notif`] |
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The client's configuration.
    pub client: Config,
    /// The server's configuration.
    pub server: ServerConfig,
    /// The dialect.
    pub notif: Notif,
}

impl Transcript {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Names the setting that makes no sense.
    pub fn configure(&self) -> Result<Settings, String> {
        let mut settings = Settings::default();
        for (name, value) in &self.settings {
            settings
                .set(name, value)
                .ok_or_else(|| format!("setting makes no sense: {name} {value}"))?;
        }
        Ok(settings)
    }
}

impl Settings {
    /// The settings, other than the defaults, that a client is configured with: what a
    /// [`Recorder`](super::Recorder) should note.
    #[must_use]
    pub fn of(config: &Config, notif: &Notif) -> Vec<(&'static str, String)> {
        let defaults = Self::all(&Config::default(), &Notif::default());
        let mut settings = Self::all(config, notif);
        settings.retain(|setting| !defaults.contains(setting));
        settings
    }

    fn all(config: &Config, notif: &Notif) -> Vec<(&'static str, String)> {
        let Timers { held, switch, rearm, silence, probe, write, suspend, .. } = &config.timers;
        let limits = &config.limits;
        let timers = [
            ("held-for", *held),
            ("switch", *switch),
            ("rearm", *rearm),
            ("silence", *silence),
            ("probe", *probe),
            ("write", *write),
            ("suspend", Some(*suspend)),
        ];
        let numbers = [
            ("in-flight", config.in_flight),
            ("ride", config.ride),
            ("frame", limits.frame),
            ("pending", limits.pending),
            ("held", limits.held),
            ("output", limits.output),
        ];
        let flags = [
            ("acknowledge", notif.acknowledge),
            ("ids", notif.ids),
            ("ask-in-mode", notif.ask_in_mode),
        ];
        let unsolicited = match config.unsolicited {
            Unsolicited::Report => "report",
            Unsolicited::Ignore => "ignore",
            Unsolicited::Fatal => "fatal",
        };
        let newline = if notif.newline == Newline::Lf { "lf" } else { "crlf" };
        let words = [
            ("newline", newline),
            ("spelling", spelling_name(notif.spelling)),
            ("unsolicited", unsolicited),
        ];
        let never = || "never".to_owned();
        let numbers = numbers.map(|(name, number)| (name, number.to_string()));
        let timers = timers
            .map(|(name, time)| (name, time.map_or_else(never, |time| Time(time).to_string())));
        let words = words.map(|(name, word)| (name, word.to_owned()));
        let flags = flags.into_iter().filter(|(_, on)| *on).map(|(name, _)| (name, String::new()));
        words.into_iter().chain(numbers).chain(timers).chain(flags).collect()
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let Self { client, server, notif } = self;
        match name {
            "dialect" => return (value == "notif").then_some(()),
            "in-flight" => client.in_flight = number(value)?,
            "ride" => client.ride = number(value)?,
            "unsolicited" => {
                client.unsolicited = match value {
                    "report" => Unsolicited::Report,
                    "ignore" => Unsolicited::Ignore,
                    "fatal" => Unsolicited::Fatal,
                    _ => return None,
                }
            }
            "frame" => {
                client.limits.frame = number(value)?;
                server.limits.frame = client.limits.frame;
            }
            "pending" => {
                client.limits.pending = number(value)?;
                server.limits.pending = client.limits.pending;
            }
            "output" => {
                client.limits.output = number(value)?;
                server.limits.output = client.limits.output;
            }
            "held" => client.limits.held = number(value)?,
            "topics" => server.limits.topics = number(value)?,
            "reply" => client.timers.reply = time(value)?,
            "held-for" => client.timers.held = time(value)?,
            "switch" => client.timers.switch = time(value)?,
            "rearm" => client.timers.rearm = time(value)?,
            "probe" => client.timers.probe = time(value)?,
            "silence" => {
                client.timers.silence = time(value)?;
                server.timers.silence = client.timers.silence;
            }
            "write" => {
                client.timers.write = time(value)?;
                server.timers.write = client.timers.write;
            }
            "suspend" => {
                client.timers.suspend = time(value)??;
                server.timers.suspend = client.timers.suspend;
            }
            "autologout" => server.timers.autologout = time(value)?,
            _ => return set_notif(notif, name, value),
        }
        Some(())
    }
}

fn set_notif(notif: &mut Notif, name: &str, value: &str) -> Option<()> {
    match (name, value) {
        ("newline", "lf") => notif.newline = Newline::Lf,
        ("newline", "crlf") => notif.newline = Newline::CrLf,
        ("acknowledge", "") => notif.acknowledge = true,
        ("ids", "") => notif.ids = true,
        ("ask-in-mode", "") => notif.ask_in_mode = true,
        ("spelling", name) => {
            notif.spelling = SPELLINGS.into_iter().find(|it| spelling_name(*it) == name)?;
        }
        _ => return None,
    }
    Some(())
}

const SPELLINGS: [Spelling; 4] =
    [Spelling::Plain, Spelling::Session, Spelling::Underscored, Spelling::Notify];

fn spelling_name(spelling: Spelling) -> &'static str {
    match spelling {
        Spelling::Plain => "plain",
        Spelling::Session => "session",
        Spelling::Underscored => "underscored",
        Spelling::Notify => "notify",
    }
}

fn number(value: &str) -> Option<usize> {
    usize::from_str(value).ok()
}

fn time(value: &str) -> Option<Option<Duration>> {
    match value {
        "never" => Some(None),
        value => parse_time(value).ok().map(Some),
    }
}
