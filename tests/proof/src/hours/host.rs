//! The server on the link: it answers at once, and logs out who is silent for too long.

use std::time::Duration;

use bellwire::dialect::{mpd::Mpd, notif::Notif};
use bellwire::{Dialect, ServerConfig, ServerDialect};

use crate::worlds::peer::{Peer, Real, Which};
use crate::worlds::plain::{Plain, Tongue};

/// Answers all that it was asked.
pub(crate) fn answer_all(peer: &mut dyn Peer) {
    while peer.owes() > 0 {
        peer.answer(Which::First);
    }
}

/// The library's server of the notif protocol, which logs out after half an hour.
pub(crate) fn notif() -> Box<dyn Peer> {
    real(Notif::default(), "ad", ServerConfig::default())
}

/// The library's server of MPD's protocol, with MPD's `connection_timeout`.
pub(crate) fn mpd() -> Box<dyn Peer> {
    let mut config = ServerConfig::default();
    config.timers.silence = Some(Duration::from_secs(60));
    real(Mpd::default(), "player", config)
}

fn real<D>(dialect: D, topic: &'static str, config: ServerConfig) -> Box<dyn Peer>
where
    D: ServerDialect + Dialect + std::fmt::Debug + 'static,
    D::Note: 'static,
{
    Box::new(Real::configured(dialect, topic, config))
}

/// A plain server of IMAP, which says now and then that it is still here, as Dovecot does.
pub(crate) fn imap() -> Box<dyn Peer> {
    let plain = Plain::new(Tongue::Imap, false);
    Box::new(Mailbox { plain, now: Duration::ZERO, heard: None, said: None, over: false })
}

#[derive(Debug)]
struct Mailbox {
    plain: Plain,
    now: Duration,
    heard: Option<Duration>,
    said: Option<Duration>,
    over: bool,
}

const AUTOLOGOUT: Duration = Duration::from_secs(30 * 60);
const STILL_HERE: Duration = Duration::from_secs(2 * 60);

impl Mailbox {
    fn logs_out(&self) -> Option<Duration> {
        self.heard.map(|heard| heard + AUTOLOGOUT)
    }

    fn says_more(&self) -> Option<Duration> {
        self.said.filter(|_| self.plain.is_listening()).map(|said| said + STILL_HERE)
    }
}

impl Peer for Mailbox {
    fn hear(&mut self, bytes: &[u8]) {
        self.heard = Some(self.now);
        self.plain.hear(bytes);
    }

    fn say(&mut self) -> Vec<u8> {
        let said = self.plain.say();
        if !said.is_empty() {
            self.said = Some(self.now);
        }
        said
    }

    fn owes(&self) -> usize {
        self.plain.owes()
    }

    fn answer(&mut self, which: Which) {
        self.plain.answer(which);
    }

    fn refuse(&mut self) {
        self.plain.refuse();
    }

    fn notify(&mut self) {
        self.plain.notify();
    }

    fn tick(&mut self, now: Duration) {
        self.now = now;
        self.heard.get_or_insert(now);
        self.over |= self.logs_out().is_some_and(|due| due <= now);
        if self.says_more().is_some_and(|due| due <= now) {
            self.plain.say_still_here();
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.logs_out().into_iter().chain(self.says_more()).min()
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn is_listening(&self) -> bool {
        self.plain.is_listening()
    }

    fn describe(&self, text: &mut String) {
        self.plain.describe(text);
    }
}
