//! What can be configured, with its defaults: all limits are on (guarantee G12).

use core::time::Duration;

/// How a [`Client`](crate::Client) behaves.
///
/// ```
/// use bellwire::Config;
///
/// let mut config = Config::default();
/// config.in_flight = 64; // pipeline
/// config.limits.frame = 1024;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// At most so many commands are on the wire at a time; more are spooled. 1 (the default) sends
    /// each when the one before has been answered; more make a pipeline. 0 counts as 1.
    pub in_flight: usize,
    /// What to do about replies that answer no command.
    pub unsolicited: Unsolicited,
    /// So many commands may ride on one leave of the notification mode before it is entered again,
    /// so that a stream of commands does not keep notifications away for ever. 0 counts as 1.
    pub ride: usize,
    /// What the server, and the caller, may not exceed.
    pub limits: Limits,
    /// When to lose patience.
    pub timers: Timers,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            in_flight: 1,
            unsolicited: Unsolicited::default(),
            ride: 64,
            limits: Limits::default(),
            timers: Timers::default(),
        }
    }
}

/// What a client does about replies that answer no command (guarantee G4). They are counted in each
/// case, see [`Client::unsolicited`](crate::Client::unsolicited).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unsolicited {
    /// Say so, with [`Event::Unsolicited`](crate::Event::Unsolicited).
    #[default]
    Report,
    /// Say nothing.
    Ignore,
    /// Give the connection up, with [`Error::Protocol`](crate::Error::Protocol).
    Fatal,
}

/// What a server, and a client's caller, may not exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes in one frame, without its end; of commands, too. Default: 64 KiB.
    pub frame: usize,
    /// Parts of one reply. Default: a million.
    pub parts: usize,
    /// Bytes of all parts of one reply together. Default: 64 MiB.
    pub reply: usize,
    /// Commands given and not answered. Default: 1024.
    pub pending: usize,
    /// Abandoned commands whose replies are awaited, before the connection counts as
    /// desynchronised. Default: 64.
    pub held: usize,
    /// Bytes given and not taken by the transport, before further commands are refused. Default:
    /// 1 MiB.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 * 1024,
            parts: 1_000_000,
            reply: 64 * 1024 * 1024,
            pending: 1024,
            held: 64,
            output: 1024 * 1024,
        }
    }
}

/// When a client loses patience. `None` means never.
///
/// These are separate deadlines for separate things (guarantee G16).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timers {
    /// A command's reply, from the moment the command is given. Past it, the command is abandoned.
    /// Default: never; the adapters set one.
    pub reply: Option<Duration>,
    /// The reply of an abandoned command, from the moment it is abandoned. Past it, the connection
    /// counts as desynchronised. Where replies carry tags or ids, a late one shifts no other: there it
    /// counts only while the command is paused, with a literal that the server has yet to ask for, say.
    /// Default: 60 s.
    pub held: Option<Duration>,
    /// The acknowledgement of a mode switch. Default: 30 s.
    pub switch: Option<Duration>,
    /// The greeting, where the dialect has one. Default: 30 s.
    pub greeting: Option<Duration>,
    /// Own silence: the notification mode is left and entered again when so long nothing was said
    /// in it. Choose it shorter than the server's autologout. Default: never, unless the dialect
    /// knows better (see [`Mode::rearm`](crate::Mode::rearm)).
    pub rearm: Option<Duration>,
    /// Peer silence: when so long nothing was heard, a probe is sent. Default: never, unless the
    /// dialect knows better (see [`Dialect::silence`](crate::Dialect::silence)).
    pub silence: Option<Duration>,
    /// The answer to a probe. Default: 30 s.
    pub probe: Option<Duration>,
    /// Progress of the transport in taking output. Default: 60 s.
    pub write: Option<Duration>,
    /// A tick so much later than [`deadline`](crate::Client::deadline) asked for counts as a
    /// suspend of the machine: deadlines that passed meanwhile are put off by as much, once, and
    /// the peer is probed first (guarantee G17). Default: 10 s.
    pub suspend: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            reply: None,
            held: Some(Duration::from_secs(60)),
            switch: Some(Duration::from_secs(30)),
            greeting: Some(Duration::from_secs(30)),
            rearm: None,
            silence: None,
            probe: Some(Duration::from_secs(30)),
            write: Some(Duration::from_secs(60)),
            suspend: SUSPEND,
        }
    }
}

/// How a [`Server`](crate::Server) behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// What a client, and the server's own program, may not exceed.
    pub limits: ServerLimits,
    /// When to lose patience.
    pub timers: ServerTimers,
}

/// What a client, and the program of the server, may not exceed (guarantees G12 and G25).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Bytes in one frame, without its end; of replies, too. Default: 64 KiB.
    pub frame: usize,
    /// Bytes in one reply, where a reply may have many frames. Default: 8 MiB.
    pub reply: usize,
    /// Bytes in one command list, each line with an end of one byte. Default: 2 MiB.
    pub list: usize,
    /// Commands received and not answered, before no more are read. Default: 64.
    pub pending: usize,
    /// Bytes of answers not taken by the transport, before no more commands are read. Default:
    /// 256 KiB.
    pub output: usize,
    /// Topics, each of which holds at most one notification. Default: 1024.
    pub topics: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            frame: 64 * 1024,
            reply: 8 * 1024 * 1024,
            list: 2 * 1024 * 1024,
            pending: 64,
            output: 256 * 1024,
            topics: 1024,
        }
    }
}

/// When a server loses patience with a client. `None` means never.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTimers {
    /// A client in the notification mode that says nothing (autologout), though no answer is owed to it.
    /// Default: 30 min. Not where the mode [lasts until there is news](crate::mode::Lasts::UntilNews):
    /// there it is the server who has to say something.
    pub autologout: Option<Duration>,
    /// A client outside the mode that says nothing, though no answer is owed to it; MPD's
    /// `connection_timeout`. Default: 30 min, or clients that are gone without a word, a cable pulled, would keep
    /// their places for ever, until none is left.
    pub silence: Option<Duration>,
    /// Progress of the transport in taking output. Default: 60 s.
    pub write: Option<Duration>,
    /// As [`Timers::suspend`].
    pub suspend: Duration,
}

impl Default for ServerTimers {
    fn default() -> Self {
        Self {
            autologout: Some(Duration::from_secs(30 * 60)),
            silence: Some(Duration::from_secs(30 * 60)),
            write: Some(Duration::from_secs(60)),
            suspend: SUSPEND,
        }
    }
}

const SUSPEND: Duration = Duration::from_secs(10);
