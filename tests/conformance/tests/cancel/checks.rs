//! What a client must do when its futures are dropped: checks that any client can be put to, ours and
//! others. They say what they found, and leave it to a test to make something of it.

use std::fmt;
use std::future::Future;

use bellwire_testkit::Pipe;

use crate::answers::Wire;
use crate::world::{Peer, cut, finish};

/// A client, as the checks see it.
pub(crate) trait Subject {
    /// Asks for proof: the number that the reply it was given proves. `None`: it was given none.
    fn ask(&mut self, number: u64) -> impl Future<Output = Option<u64>>;

    /// The number of the next notification. `None`: it was told something else.
    fn next(&mut self) -> impl Future<Output = Option<u64>>;
}

/// What is wrong with a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A reply has reached somebody who did not ask for it.
    WrongReply { of: u64, to: u64 },
    /// A question has had no reply.
    NoReply(u64),
    /// A notification has reached nobody, or only behind a later one.
    Lost(u64),
    /// A notification came twice.
    Doubled(u64),
    /// The server has heard what nobody meant to say.
    Forged(String),
    /// Nothing moves any more, and this has not come.
    Hangs(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongReply { of, to } => write!(f, "reply of {of} given to {to}"),
            Self::NoReply(number) => write!(f, "no reply to {number}"),
            Self::Lost(number) => write!(f, "notification lost: {number}"),
            Self::Doubled(number) => write!(f, "notification doubled: {number}"),
            Self::Forged(line) => write!(f, "the server was asked {line:?}"),
            Self::Hangs(what) => write!(f, "hangs: {what}"),
        }
    }
}

/// What a check has found, and how often a future was dropped for it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) dropped: usize,
}

/// Drops a question at each of its polls, one after the other, each time on a connection of its own,
/// which is then used on.
pub(crate) fn dropped_asks<S: Subject>(wire: Wire, connect: impl AsyncFn(Pipe) -> S) -> Report {
    each_cut(wire, connect, |bench, polls| bench.cut_ask(1, polls))
}

/// The same for waiting for a notification, of which none may be lost.
pub(crate) fn dropped_waits<S: Subject>(wire: Wire, connect: impl AsyncFn(Pipe) -> S) -> Report {
    each_cut(wire, connect, Bench::cut_next)
}

/// The same for several questions in a row, all of which are dropped.
pub(crate) fn dropped_burst<S: Subject>(wire: Wire, connect: impl AsyncFn(Pipe) -> S) -> Report {
    each_cut(wire, connect, |bench, polls| {
        let ended = (101..=103).map(|number| bench.cut_ask(number, polls)).collect::<Vec<_>>();
        ended.into_iter().all(|ended| ended)
    })
}

fn each_cut<S: Subject>(
    wire: Wire,
    connect: impl AsyncFn(Pipe) -> S,
    act: impl Fn(&mut Bench<S>, usize) -> bool,
) -> Report {
    let mut report = Report::default();
    for polls in 0.. {
        assert!(polls < 2000, "it never ends, or hangs however often it is polled");
        let (near, mut peer) = Peer::pair(wire, 1);
        let Some(subject) = finish(&mut peer, connect(near)) else {
            report.findings.push(Finding::Hangs("connecting".into()));
            return report;
        };
        let mut bench = Bench { peer, subject, notified: 0, seen: 0, findings: Vec::new() };
        bench.notify();
        let ended = act(&mut bench, polls);
        bench.notify();
        bench.use_on();
        bench.findings.extend(bench.peer.answers.strange().into_iter().map(Finding::Forged));
        report.findings.extend(bench.findings);
        if ended {
            return report;
        }
        report.dropped += 1;
    }
    report
}

/// One connection that is checked.
struct Bench<S> {
    peer: Peer,
    subject: S,
    /// So many notifications were sent, and so many have come.
    notified: u64,
    seen: u64,
    findings: Vec<Finding>,
}

impl<S: Subject> Bench<S> {
    fn notify(&mut self) {
        self.notified += 1;
        self.peer.answers.notify(self.notified);
    }

    /// Whether it has ended before it was dropped.
    fn cut_ask(&mut self, number: u64, polls: usize) -> bool {
        match cut(&mut self.peer, polls, self.subject.ask(number)) {
            Some(reply) => {
                self.answered(number, reply);
                true
            }
            None => false,
        }
    }

    fn cut_next(&mut self, polls: usize) -> bool {
        match cut(&mut self.peer, polls, self.subject.next()) {
            Some(number) => {
                self.heard(number);
                true
            }
            None => false,
        }
    }

    /// Whatever was dropped, the next replies are the right ones, and all notifications come.
    fn use_on(&mut self) {
        for number in 11..=13 {
            match finish(&mut self.peer, self.subject.ask(number)) {
                Some(reply) => self.answered(number, reply),
                None => return self.hangs(&format!("the reply to {number}")),
            }
        }
        self.notify();
        while self.seen < self.notified {
            match finish(&mut self.peer, self.subject.next()) {
                Some(number) => self.heard(number),
                None => {
                    let missing = self.seen + 1..=self.notified;
                    self.findings.extend(missing.map(Finding::Lost));
                    return;
                }
            }
        }
    }

    fn answered(&mut self, to: u64, reply: Option<u64>) {
        self.findings.extend(match reply {
            Some(of) if of == to => None,
            Some(of) => Some(Finding::WrongReply { of, to }),
            None => Some(Finding::NoReply(to)),
        });
    }

    fn heard(&mut self, number: Option<u64>) {
        match number {
            Some(number) if number <= self.seen => self.findings.push(Finding::Doubled(number)),
            Some(number) => {
                self.findings.extend((self.seen + 1..number).map(Finding::Lost));
                self.seen = number;
            }
            None => self.hangs("the next notification"),
        }
    }

    fn hangs(&mut self, what: &str) {
        self.findings.push(Finding::Hangs(what.into()));
        // Nothing more is to be expected of it.
        self.seen = self.notified;
    }
}
