//! An honest client, on the same server.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bellwire::Dialect;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire_blocking::{Client, Connector, Error};
use bytes::Bytes;

use crate::patience::GENEROUS;

/// A client whose every answer must prove its question.
pub struct Honest {
    asks: Box<dyn Fn(String) -> Result<Bytes, Error>>,
    answer_begins: &'static str,
    asked: usize,
}

impl Honest {
    /// Connects to a server of `dialect`.
    ///
    /// # Errors
    ///
    /// When that fails.
    ///
    /// # Panics
    ///
    /// If no server speaks it.
    pub fn connect(dialect: &str, address: SocketAddr) -> Result<Self, Error> {
        let (asks, answer_begins): (Box<dyn Fn(String) -> _>, _) = match dialect {
            "notif" => {
                let client = connect(address, Notif::default())?;
                (Box::new(move |question| client.request(question)), "")
            }
            "mpd" => {
                let client = connect(address, Mpd::default())?;
                (Box::new(move |question| client.request(question)), "said: ")
            }
            _ => panic!("no server speaks {dialect}"),
        };
        Ok(Self { asks, answer_begins, asked: 0 })
    }

    /// Asks, and says how long that took.
    ///
    /// # Panics
    ///
    /// If there is no answer, or the answer to another question.
    pub fn asks(&mut self) -> Duration {
        self.asked += 1;
        let question = format!("question {}", self.asked);
        let begun = Instant::now();
        let answer = (self.asks)(question.clone());
        let took = begun.elapsed();
        let wanted = format!("{}{question}", self.answer_begins);
        assert_eq!(answer.expect("an honest client is not served"), wanted);
        took
    }

    /// Asks so often, if that does not take too long, but 20 times at least.
    pub fn asks_often(&mut self, times: usize) -> Latencies {
        let begun = Instant::now();
        let goes_on = |asked| asked < 20 || asked < times && begun.elapsed() < Latencies::ENOUGH;
        let mut taken: Vec<_> =
            (0..).take_while(|asked| goes_on(*asked)).map(|_| self.asks()).collect();
        taken.sort_unstable();
        let at = |percent: usize| taken[(taken.len() - 1) * percent / 100];
        Latencies { count: taken.len(), median: at(50), p99: at(99) }
    }
}

/// Connects a client that waits for its turn, however many others want theirs.
fn connect<D: Dialect + Clone>(address: SocketAddr, dialect: D) -> Result<Client<D>, Error> {
    let mut connector = Connector::new(dialect);
    connector.timeout = GENEROUS;
    connector.config.timers.greeting = Some(GENEROUS);
    connector.config.timers.reply = Some(GENEROUS);
    Ok(connector.tcp(address)?.0)
}

impl fmt::Debug for Honest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Honest").field("asked", &self.asked).finish_non_exhaustive()
    }
}

/// How long answers took. It is printed, and nothing depends on it: machines differ.
#[derive(Clone, Copy, Debug)]
pub struct Latencies {
    count: usize,
    median: Duration,
    p99: Duration,
}

impl Latencies {
    const ENOUGH: Duration = Duration::from_secs(3);

    /// These, beside those of the same server when it was idle.
    #[must_use]
    pub fn beside(&self, idle: &Self) -> String {
        let ratio = |now: Duration, then: Duration| now.as_secs_f64() / then.as_secs_f64();
        let (median, p99) = (ratio(self.median, idle.median), ratio(self.p99, idle.p99));
        format!("median {median:.1} x idle, p99 {p99:.1} x idle ({} answers)", self.count)
    }
}
