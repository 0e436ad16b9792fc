//! The dialects, each with a command whose reply proves which question it answers.

use std::fmt::Debug;

use bellwire::dialect::{imap, mpd, notif};
use bellwire::{Answer, Command, Config, Dialect, Notification};
use bytes::Bytes;

use crate::answers::Wire;

/// A dialect whose replies can be checked.
pub(crate) trait Proof: Dialect<Expect: Send> + Clone + Send + Sync + 'static {
    /// Asks for proof.
    type Ask: Command<Self, Reply: Send> + Debug + Send + Sync + 'static;

    /// The question of this number.
    fn ask(number: u64) -> Self::Ask;

    /// The question that a reply answers.
    fn proof(reply: <Self::Ask as Command<Self>>::Reply) -> Option<u64>;

    /// The number of a notification.
    fn number(notification: &Notification<Bytes>) -> Option<u64>;
}

/// A dialect, how its server speaks it, and how the machine is to be configured for it.
#[derive(Clone, Debug)]
pub(crate) struct Spoken<D> {
    pub(crate) name: &'static str,
    pub(crate) dialect: D,
    pub(crate) wire: Wire,
    pub(crate) config: Config,
}

impl<D> Spoken<D> {
    fn new(name: &'static str, dialect: D, wire: Wire, in_flight: usize) -> Self {
        let mut config = Config::default();
        config.in_flight = in_flight;
        Self { name, dialect, wire, config }
    }
}

pub(crate) fn spooled() -> Spoken<notif::Notif> {
    Spoken::new("notif, spooled", notif::Notif::default(), Wire::Notif { ids: false }, 1)
}

pub(crate) fn pipelined() -> Spoken<notif::Notif> {
    let mut dialect = notif::Notif::default();
    dialect.ask_in_mode = true;
    Spoken::new("notif, pipelined", dialect, Wire::Notif { ids: false }, 32)
}

pub(crate) fn numbered() -> Spoken<notif::Notif> {
    let mut dialect = notif::Notif::default();
    dialect.ids = true;
    Spoken::new("notif, with ids", dialect, Wire::Notif { ids: true }, 32)
}

pub(crate) fn player() -> Spoken<mpd::Mpd> {
    Spoken::new("MPD", mpd::Mpd::default(), Wire::Mpd, 32)
}

pub(crate) fn mailbox() -> Spoken<imap::Imap> {
    Spoken::new("IMAP", imap::Imap::default(), Wire::Imap, 8)
}

impl Proof for notif::Notif {
    type Ask = notif::Get<String>;

    fn ask(number: u64) -> Self::Ask {
        notif::Get(number.to_string())
    }

    fn proof(reply: Bytes) -> Option<u64> {
        parse(&reply)
    }

    fn number(notification: &Notification<Bytes>) -> Option<u64> {
        parse(&notification.topic)
    }
}

impl Proof for mpd::Mpd {
    type Ask = mpd::Ask;

    fn ask(number: u64) -> Self::Ask {
        mpd::Ask::new("echo").arg(number.to_string())
    }

    fn proof(reply: mpd::Fields) -> Option<u64> {
        // A part too many, or too few, is another's.
        if reply.iter().count() == 1 { reply.get("echo")?.parse().ok() } else { None }
    }

    fn number(notification: &Notification<Bytes>) -> Option<u64> {
        parse(&notification.topic)
    }
}

impl Proof for imap::Imap {
    type Ask = imap::Ask;

    fn ask(number: u64) -> Self::Ask {
        imap::Ask::new("UID FETCH").text(format!("{number} UID"))
    }

    /// The tagged reply says it, and its own data came, too, be it with others' (G2).
    fn proof(answer: Answer) -> Option<u64> {
        let number = parse(answer.reply.text.strip_prefix(b"OK ")?)?;
        let data = format!("* {number} FETCH (UID {number})");
        answer.parts.iter().any(|part| part.trim_ascii_end() == data.as_bytes()).then_some(number)
    }

    fn number(notification: &Notification<Bytes>) -> Option<u64> {
        parse(notification.text.strip_prefix(b"* ")?.strip_suffix(b" EXISTS")?)
    }
}

fn parse(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
