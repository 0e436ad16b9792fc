//! The settings of a transcript: how the machines that play it are configured.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;
use core::time::Duration;

use super::{Time, Transcript, parse_time};
use crate::config::{Config, ServerConfig, Timers, Unsolicited};
use crate::dialect::imap::Imap;
use crate::dialect::mpd::Mpd;
use crate::dialect::notif::{Newline, Notif, Spelling};

/// What a transcript's settings mean.
///
/// | setting | meaning |
/// |---|---|
/// | `dialect notif`, `dialect imap`, … | the protocol, by its [name](Configured::NAME) |
/// | `newline lf`, `newline crlf` | how lines end |
/// | `in-flight N`, `ride N`, `unsolicited report\|ignore\|fatal` | [`Config`] |
/// | `frame N`, `parts N`, `largest-reply N`, `pending N`, `held N`, `output N`, `topics N` | limits of both ends |
/// | `reply TIME`, `held-for TIME`, `switch TIME`, `greeting TIME`, `rearm TIME`, `silence TIME`, `probe TIME`, `write TIME`, `suspend TIME`, `autologout TIME` | timers; `never` is a time, too |
/// | what the dialect can be told | see [`Configured::settings`] of each |
#[derive(Clone, Debug, Default)]
pub struct Settings<D> {
    /// The client's configuration.
    pub client: Config,
    /// The server's configuration.
    pub server: ServerConfig,
    /// The dialect.
    pub dialect: D,
}

/// A dialect that a transcript can configure.
pub trait Configured: Clone + Default {
    /// What transcripts call it.
    const NAME: &'static str;

    /// Whether its lines end in LF, so that its transcripts have to say `= newline lf`.
    const LF: bool = false;

    /// All that can be set, with its values; of a flag, only if it is set.
    fn settings(&self) -> Vec<(&'static str, String)>;

    /// Sets one. `None`: it makes no sense.
    fn set(&mut self, name: &str, value: &str) -> Option<()>;
}

impl Transcript {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Names the setting that makes no sense.
    pub fn configure<D: Configured>(&self) -> Result<Settings<D>, String> {
        let mut settings = Settings {
            client: Config::default(),
            server: ServerConfig::default(),
            dialect: D::default(),
        };
        for (name, value) in &self.settings {
            settings
                .set(name, value)
                .ok_or_else(|| format!("setting makes no sense: {name} {value}"))?;
        }
        Ok(settings)
    }
}

impl<D: Configured> Settings<D> {
    /// The settings, other than the defaults, that a client is configured with: what a
    /// [`Recorder`](super::Recorder) should note.
    #[must_use]
    pub fn of(config: &Config, dialect: &D) -> Vec<(&'static str, String)> {
        let defaults = Self::all(&Config::default(), &D::default());
        let mut settings = Self::all(config, dialect);
        settings.retain(|setting| !defaults.contains(setting));
        settings
    }

    fn all(config: &Config, dialect: &D) -> Vec<(&'static str, String)> {
        let Timers { held, switch, greeting, rearm, silence, probe, write, suspend, .. } =
            &config.timers;
        let limits = &config.limits;
        let timers = [
            ("held-for", *held),
            ("switch", *switch),
            ("greeting", *greeting),
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
            ("parts", limits.parts),
            ("largest-reply", limits.reply),
            ("pending", limits.pending),
            ("held", limits.held),
            ("output", limits.output),
        ];
        let unsolicited = match config.unsolicited {
            Unsolicited::Report => "report",
            Unsolicited::Ignore => "ignore",
            Unsolicited::Fatal => "fatal",
        };
        let numbers = numbers.map(|(name, number)| (name, number.to_string()));
        let timers = timers.map(|(name, time)| (name, write_time(time)));
        let mut all = dialect.settings();
        all.push(("unsolicited", unsolicited.to_owned()));
        all.extend(numbers);
        all.extend(timers);
        all
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let Self { client, server, dialect } = self;
        match name {
            "dialect" => return (value == D::NAME).then_some(()),
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
            "parts" => client.limits.parts = number(value)?,
            "largest-reply" => client.limits.reply = number(value)?,
            "held" => client.limits.held = number(value)?,
            "topics" => server.limits.topics = number(value)?,
            "reply" => client.timers.reply = time(value)?,
            "held-for" => client.timers.held = time(value)?,
            "switch" => client.timers.switch = time(value)?,
            "greeting" => client.timers.greeting = time(value)?,
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
            _ => return dialect.set(name, value),
        }
        Some(())
    }
}

/// `newline`, `spelling plain|session|underscored|notify`, `acknowledge`, `ids`, `ask-in-mode`.
impl Configured for Notif {
    const NAME: &'static str = "notif";

    fn settings(&self) -> Vec<(&'static str, String)> {
        let newline = if self.newline == Newline::Lf { "lf" } else { "crlf" };
        let words = [("newline", newline), ("spelling", spelling_name(self.spelling))];
        let flags = [
            ("acknowledge", self.acknowledge),
            ("ids", self.ids),
            ("ask-in-mode", self.ask_in_mode),
        ];
        let words = words.into_iter().map(|(name, word)| (name, word.to_owned()));
        words.chain(set_flags(flags)).collect()
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match (name, value) {
            ("newline", "lf") => self.newline = Newline::Lf,
            ("newline", "crlf") => self.newline = Newline::CrLf,
            ("acknowledge", "") => self.acknowledge = true,
            ("ids", "") => self.ids = true,
            ("ask-in-mode", "") => self.ask_in_mode = true,
            ("spelling", name) => {
                self.spelling = SPELLINGS.into_iter().find(|it| spelling_name(*it) == name)?;
            }
            _ => return None,
        }
        Some(())
    }
}

/// `whole N`, `idle-for TIME`, `silence-allowed TIME`, `insecure`.
impl Configured for Imap {
    const NAME: &'static str = "imap";

    fn settings(&self) -> Vec<(&'static str, String)> {
        let values = [
            ("whole", self.whole.to_string()),
            ("idle-for", write_time(self.rearm)),
            ("silence-allowed", write_time(self.silence)),
        ];
        values.into_iter().chain(set_flags([("insecure", self.insecure)])).collect()
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match (name, value) {
            ("whole", value) => self.whole = number(value)?,
            ("idle-for", value) => self.rearm = time(value)?,
            ("silence-allowed", value) => self.silence = time(value)?,
            ("insecure", "") => self.insecure = true,
            ("newline", "crlf") => {}
            _ => return None,
        }
        Some(())
    }
}

/// `whole N`, `silence-allowed TIME`, `answers-stray-noidle`. Its lines end in LF.
impl Configured for Mpd {
    const NAME: &'static str = "mpd";
    const LF: bool = true;

    fn settings(&self) -> Vec<(&'static str, String)> {
        let values =
            [("whole", self.whole.to_string()), ("silence-allowed", write_time(self.silence))];
        let flags = [("answers-stray-noidle", self.answers_stray_noidle)];
        values.into_iter().chain(set_flags(flags)).collect()
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match (name, value) {
            ("whole", value) => self.whole = number(value)?,
            ("silence-allowed", value) => self.silence = time(value)?,
            ("answers-stray-noidle", "") => self.answers_stray_noidle = true,
            ("newline", "lf") => {}
            _ => return None,
        }
        Some(())
    }
}

fn set_flags<const N: usize>(
    flags: [(&'static str, bool); N],
) -> impl Iterator<Item = (&'static str, String)> {
    flags.into_iter().filter(|(_, on)| *on).map(|(name, _)| (name, String::new()))
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

fn write_time(time: Option<Duration>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| Time(time).to_string())
}
