//! Hours in which all goes wrong that can: connections end, or go silent, servers are started anew,
//! the client's machine sleeps, lines come twice. The client is driven as the adapters drive it.

use std::cell::Cell;
use std::fmt::Debug;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwire::{Config, Dialect, Failure};
use bellwire_adapter::{
    Drive, Error as RequestError, Notice, QueueId, Reconnect, RequestId, Session,
};
use fastrand::Rng;

use super::figures::{Figures, Hourly, Tail};
use super::host::answer_all;
use super::link::{Sent, Socket, Way};
use super::weather::{Weather, What};
use crate::worlds::peer::{Peer, proof};

/// What is promised of a client, a server and the weather.
#[derive(Debug)]
pub(crate) struct Setting<D> {
    pub(crate) dialect: D,
    pub(crate) config: Config,
    pub(crate) server: fn() -> Box<dyn Peer>,
    pub(crate) enter: &'static str,
    pub(crate) leave: &'static str,
    /// When the client probes.
    pub(crate) silence: Duration,
    /// At most so many ticks of the clock are asked for in an hour.
    pub(crate) ticks: u64,
    pub(crate) weather: Weather,
}

thread_local! {
    static START: Instant = Instant::now();
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

fn instant() -> Instant {
    START.with(|start| *start) + NOW.get()
}

fn since_start(at: Instant) -> Duration {
    at - START.with(|start| *start)
}

/// In good weather, bytes are on their way for at most so long.
const LATENCY: Duration = Duration::from_secs(2);
/// A notification may have to wait for the mode to be left and entered, with a command in between.
const TOLD_WITHIN: Duration = Duration::from_secs(2 * 8);
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest wait before a connection is tried again, and what it then takes.
const RECONNECTED_WITHIN: Duration = Duration::from_secs(60 + 2 * 8);

pub(crate) struct Storm<D: Dialect> {
    setting: Setting<D>,
    drive: Drive<D, Socket>,
    queue: QueueId,
    socket: Socket,
    /// The client has a connection, as far as it knows.
    connected: bool,
    peer: Option<Box<dyn Peer>>,
    up: Way,
    down: Way,
    now: Duration,
    /// So many steps have taken no time.
    at_once: u32,
    rng: Rng,
    pub(crate) figures: Figures,
    tail: Tail,
    ticks: Hourly,
    attempts: Hourly,
    /// Nothing gets through any more, since then.
    cut: Option<Duration>,
    /// Something has happened to this connection that neither end is to blame for; and if it was a
    /// sleep, it is not yet long enough ago.
    disturbed: bool,
    /// The client's machine sleeps until then.
    asleep: Option<Duration>,
    /// No server can be reached before.
    down_until: Duration,
    /// What last was no good weather.
    trouble: Duration,
    doubled: bool,
    heard: Duration,
    /// Something new was made, and nothing told since.
    untold: Option<Duration>,
    /// A gap was told, and not yet that it has ended.
    gap: Option<Duration>,
    asked: Option<(RequestId, String, Duration)>,
}

impl<D: Dialect + Clone + Debug> Storm<D> {
    pub(crate) fn new(mut setting: Setting<D>, seed: u64) -> Self {
        fastrand::seed(seed);
        NOW.set(Duration::ZERO);
        let mut rng = Rng::with_seed(seed);
        setting.weather.begin(&mut rng);
        let config = setting.config.clone();
        let session = Session::new(setting.dialect.clone(), config, Arc::new([]), 64, None);
        let mut drive = Drive::new(session, Some(Reconnect::default()), instant);
        let queue = drive.session.inbox.open(None);
        drive.session.listen(true);
        let socket = Socket::default();
        drive.connect(Box::new(socket.clone()), false);
        let mut storm = Self {
            drive,
            queue,
            socket,
            connected: true,
            peer: Some((setting.server)()),
            setting,
            up: Way::default(),
            down: Way::default(),
            now: Duration::ZERO,
            at_once: 0,
            rng,
            figures: Figures::default(),
            tail: Tail::new(seed),
            ticks: Hourly::default(),
            attempts: Hourly::default(),
            cut: None,
            disturbed: false,
            asleep: None,
            down_until: Duration::ZERO,
            trouble: Duration::ZERO,
            doubled: false,
            heard: Duration::ZERO,
            untold: None,
            gap: None,
            asked: None,
        };
        storm.serve();
        storm.turn();
        storm
    }

    /// Goes on for so long.
    pub(crate) fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        while self.now < end {
            self.step();
        }
        self.figures.unsolicited = self.drive.session.client().unsolicited();
        assert!(self.figures.unsolicited <= self.figures.duplicates, "unsolicited replies");
    }

    /// Whatever comes next.
    fn step(&mut self) {
        self.figures.steps += 1;
        let wakes = self.asleep.or_else(|| self.wakes());
        let served = self.peer.as_ref().and_then(|peer| peer.deadline());
        let next =
            [self.up.next(), self.down.next(), wakes, served, Some(self.setting.weather.next())];
        let next = next.into_iter().flatten().min().unwrap_or(self.now);
        self.at_once = if next == self.now { self.at_once + 1 } else { 0 };
        assert!(next >= self.now && self.at_once < 100, "time stands still");
        self.now = next;
        NOW.set(next);
        self.recover();
        if self.setting.weather.next() <= next {
            let what = self.setting.weather.draw(&mut self.rng);
            self.meet(what);
        }
        if self.up.next().is_some_and(|at| at <= next) || served.is_some_and(|at| at <= next) {
            self.serve();
        }
        let mut came = false;
        while let Some(sent) = self.down.arrived(next) {
            self.heard = next;
            self.socket.arrive(sent);
            came = true;
        }
        match self.asleep {
            Some(until) if until <= next => {
                self.asleep = None;
                self.trouble = next;
                self.turn();
            }
            Some(_) => {}
            None => {
                let due = wakes.is_some_and(|at| at <= next);
                if due && self.connected {
                    let ticks = self.ticks.count(next);
                    self.figures.most_ticks = self.figures.most_ticks.max(ticks);
                    assert!(ticks <= self.setting.ticks, "a storm of timers");
                }
                if due || came {
                    self.turn();
                }
                self.check();
            }
        }
    }

    /// Who wakes up says at once what is overdue. If the server is still there a little later, nothing
    /// excuses any more that the connection ends.
    fn recover(&mut self) {
        let works = self.connected && self.peer.is_some() && self.cut.is_none();
        if works && self.asleep.is_none() && self.now > self.trouble + TOLD_WITHIN {
            self.disturbed = false;
        }
    }

    /// When the client wants to do something.
    fn wakes(&self) -> Option<Duration> {
        self.drive.deadline().or_else(|| self.drive.retry_at()).map(since_start)
    }

    /// The client does what is to be done.
    fn turn(&mut self) {
        if self.drive.retry_at().is_some_and(|at| since_start(at) <= self.now) {
            self.connect();
        }
        self.drive.catch_up();
        self.drive.turn();
        let said = self.socket.take();
        if !said.is_empty() {
            self.tail.add(self.now, 'C', &said);
            self.count(&said);
            if self.cut.is_none() {
                let latency = self.latency();
                self.up.send(self.now, latency, Sent::Bytes(said));
            }
        }
        self.hear_notices();
        self.hear_answer();
        if self.connected && self.socket.is_shut() {
            self.lost();
        }
        assert!(self.drive.over().is_none(), "given up: {:?}", self.drive.over());
        let due = self.wakes().expect("nobody will wake it");
        assert!(due > self.now, "a deadline stays due");
    }

    fn count(&mut self, said: &[u8]) {
        for line in String::from_utf8_lossy(said).lines() {
            let word = line.rsplit(' ').next().unwrap_or_default();
            let probe = self.now - self.heard >= self.setting.silence;
            let leaves = word == self.setting.leave || matches!(word, "ping" | "NOOP");
            self.figures.probes += u64::from(leaves && probe);
            self.figures.reentered += u64::from(word == self.setting.enter);
        }
    }

    fn connect(&mut self) {
        self.figures.attempts += 1;
        let attempts = self.attempts.count(self.now);
        self.figures.most_attempts = self.figures.most_attempts.max(attempts);
        assert!(attempts <= 3600 / 30 + 40, "a storm of attempts");
        if self.now < self.down_until {
            self.drive.not_connected(Error::from(ErrorKind::ConnectionRefused).into());
            return;
        }
        self.tail.add(self.now, '!', b"connected");
        self.figures.connected += 1;
        self.socket = Socket::default();
        self.connected = true;
        self.peer = Some((self.setting.server)());
        (self.cut, self.disturbed) = (None, false);
        self.heard = self.now;
        self.drive.reconnect(Box::new(self.socket.clone()), false);
        self.serve();
    }

    /// The client has no connection any more.
    fn lost(&mut self) {
        let how = self.drive.session.lost().expect("it says how").clone();
        self.tail.add(self.now, '!', how.to_string().as_bytes());
        assert!(how.is_transient(), "an honest server's error: {how}");
        assert!(self.disturbed, "an honest connection ended: {how}");
        self.connected = false;
        self.peer = None;
        self.up.clear();
        self.down.clear();
        self.cut = None;
    }

    fn hear_notices(&mut self) {
        while let Some(notice) = self.drive.session.inbox.take(self.queue) {
            match notice {
                Notice::Notification(it) => {
                    assert!(!it.text.starts_with(b"proof: "), "a reply as a notification");
                    if !it.text.ends_with(b"Still here") {
                        self.figures.told += 1;
                        self.untold = None;
                    }
                }
                Notice::Gap(_) => {
                    self.figures.gaps += 1;
                    self.untold = None;
                    self.gap = Some(self.now);
                }
                Notice::Resumed => {
                    assert!(self.gap.take().is_some(), "resumed behind no gap");
                }
                notice => panic!("{notice:?}"),
            }
        }
    }

    fn hear_answer(&mut self) {
        let Some((id, text, since)) = self.asked.take() else { return };
        match self.drive.session.outcome(id) {
            None => self.asked = Some((id, text, since)),
            Some(Ok(answer)) => {
                self.figures.answered += 1;
                let said = [answer.parts.concat(), answer.reply.text.to_vec()].concat();
                let said = String::from_utf8_lossy(&said).into_owned();
                assert!(said.contains(&proof(text.as_bytes())), "{said} answers not {text}");
            }
            Some(Err(Failure::NeverSent(_) | Failure::SentUnanswered(_))) => {
                self.figures.unanswered += 1;
                assert!(self.disturbed, "an honest connection lost a reply");
            }
        }
    }

    /// The server does what is to be done.
    fn serve(&mut self) {
        let Some(peer) = &mut self.peer else {
            // Nobody hears it.
            while self.up.arrived(self.now).is_some() {}
            return;
        };
        peer.tick(self.now);
        while let Some(Sent::Bytes(bytes)) = self.up.arrived(self.now) {
            peer.hear(&bytes);
        }
        answer_all(peer.as_mut());
        let mut said = peer.say();
        peer.tick(self.now);
        let over = peer.is_over();
        if peer.deadline().is_some_and(|due| due <= self.now) && !over {
            panic!("a server's deadline stays due");
        }
        if !said.is_empty() {
            self.tail.add(self.now, 'S', &said);
            if std::mem::take(&mut self.doubled) {
                let last = said.split_inclusive(|byte| *byte == b'\n').next_back();
                let last = last.unwrap_or_default().to_vec();
                said.extend(last);
                self.figures.duplicates += 1;
            }
            self.send_down(Sent::Bytes(said));
        }
        if over {
            assert!(self.disturbed, "autologout of an honest client");
            match self.cut {
                Some(_) => self.figures.cut_off += 1,
                None => self.figures.overslept += 1,
            }
            self.send_down(Sent::Eof);
            self.peer = None;
        }
    }

    fn send_down(&mut self, sent: Sent) {
        if self.cut.is_none() {
            let latency = self.latency();
            self.down.send(self.now, latency, sent);
        }
    }

    fn latency(&mut self) -> Duration {
        let most = if self.rng.u8(..) == 0 { LATENCY } else { LATENCY / 20 };
        most.mul_f64(self.rng.f64())
    }

    fn meet(&mut self, what: What) {
        match what {
            What::News => self.make_news(),
            What::Question => self.ask(),
            What::Close | What::Reset | What::Cut | What::Sleep(_) => self.disturb(what),
            What::Double => self.doubled = true,
        }
    }

    fn make_news(&mut self) {
        let Some(peer) = &mut self.peer else { return };
        self.figures.made += 1;
        peer.notify();
        if self.untold.is_none() && self.connected {
            self.untold = Some(self.now);
        }
        self.serve();
    }

    fn ask(&mut self) {
        if self.asked.is_some() || self.asleep.is_some() {
            return;
        }
        let text = format!("ask{}", self.figures.answered + self.figures.unanswered);
        match self.drive.request(&text, Some(PATIENCE)) {
            Ok(id) => {
                self.asked = Some((id, text, self.now));
                self.turn();
            }
            Err(RequestError::NotConnected(_)) => {}
            Err(why) => panic!("{why}"),
        }
    }

    fn disturb(&mut self, what: What) {
        // Without a connection, nothing can befall it.
        if !self.connected && !matches!(what, What::Sleep(_)) {
            return;
        }
        self.disturbed = true;
        self.trouble = self.now;
        let away = Duration::from_secs_f64(self.rng.f64().powi(3) * 1800.0);
        match what {
            What::Close => {
                self.serve();
                self.send_down(Sent::Eof);
            }
            What::Reset => {
                self.up.clear();
                self.down.clear();
                self.send_down(Sent::Reset);
            }
            What::Sleep(length) => {
                self.figures.slept += 1;
                self.asleep = Some(self.now + length);
                return;
            }
            _ => {
                self.tail.add(self.now, '!', b"nothing gets through any more");
                self.up.clear();
                self.down.clear();
                self.cut = Some(self.now);
            }
        }
        if what != What::Cut {
            self.peer = None;
        }
        self.down_until = self.down_until.max(self.now + away);
    }

    /// Nothing takes longer than it may.
    fn check(&self) {
        let since = |at: Option<Duration>| {
            at.map(|at| self.now - at.max(self.trouble).max(self.down_until).min(self.now))
        };
        let notices = self.setting.silence + PATIENCE + TOLD_WITHIN;
        if let Some(cut) = self.cut {
            assert!(self.now - cut.max(self.trouble) <= notices, "nobody notices that it is cut");
            return;
        }
        let served = self.connected && self.peer.is_some();
        if let Some(waited) = since(self.untold).filter(|_| served) {
            assert!(waited <= notices.min(self.told_within()), "a notification is not told");
        }
        if let Some(waited) = since(self.gap) {
            assert!(waited <= notices.max(RECONNECTED_WITHIN), "it is not connected again");
        }
        if let Some(waited) = since(self.asked.as_ref().map(|(_, _, since)| *since)) {
            assert!(waited <= PATIENCE + TOLD_WITHIN, "a command has no outcome");
        }
    }

    /// Behind a disturbance, the client may have to find out first.
    fn told_within(&self) -> Duration {
        if self.disturbed { Duration::MAX } else { TOLD_WITHIN }
    }
}
