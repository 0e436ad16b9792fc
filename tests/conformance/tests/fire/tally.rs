//! What is asked, what comes of it, and what must be true of that.

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwire::{Cause, Command, Failure};
use bellwire_any::{Error, Gap, Notice};
use bellwire_testkit::PATIENCE;
use fastrand::Rng;

use crate::CALLERS;
use crate::proof::{Proof, Spoken};

/// What one adapter is put to, in one dialect.
pub(crate) struct Fire<D> {
    pub(crate) adapter: &'static str,
    pub(crate) spoken: Spoken<D>,
    /// The wire repeats lines.
    pub(crate) repeats: bool,
    pub(crate) requests: u64,
    pub(crate) seed: u64,
}

/// How many requests are made in each dialect; 100,000 in all of them.
pub(crate) fn requests() -> u64 {
    setting("BELLWIRE_FIRE").unwrap_or(USUAL)
}

const USUAL: u64 = 24_000;

/// Whoever takes longer hangs.
pub(crate) fn patience() -> Duration {
    let times = requests().div_ceil(USUAL);
    3 * PATIENCE * u32::try_from(times).unwrap_or(u32::MAX)
}

/// What all that is left to chance depends on.
pub(crate) fn seed() -> u64 {
    static DRAWN: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    setting("BELLWIRE_SEED").unwrap_or_else(|| *DRAWN.get_or_init(|| Rng::new().u64(..)))
}

fn setting(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

impl<D> Fire<D> {
    pub(crate) fn context(&self) -> String {
        let Self { adapter, spoken, seed, .. } = self;
        format!("{adapter}, {}, BELLWIRE_SEED={seed}", spoken.name)
    }

    /// The questions of one of the callers, and what chance has in store for them.
    pub(crate) fn plans(&self, caller: u64) -> impl Iterator<Item = (u64, Plan)> + use<D> {
        let mut rng = Rng::with_seed(self.seed ^ caller.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        (caller..self.requests).step_by(CALLERS as usize).map(move |number| {
            // Mostly soon: others run between two polls, and the reply may come.
            let polls = rng.usize(0..3) * rng.usize(1..6);
            let plan = match rng.u32(0..12) {
                0 | 1 => Plan::DropRequest(polls + 1),
                2 => Plan::DropPending(polls),
                3 => Plan::Within(Duration::from_micros(rng.u64(0..4000))),
                _ => Plan::Await,
            };
            (number, plan)
        })
    }
}

/// What becomes of a request, as far as its caller is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plan {
    /// Its reply is awaited.
    Await,
    /// `request` is dropped after so many polls, if it takes so many.
    DropRequest(usize),
    /// The same for what `send` gives.
    DropPending(usize),
    /// So much time is all that it has.
    Within(Duration),
}

/// What has come of all requests, counted as it comes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    right: AtomicU64,
    cancelled: AtomicU64,
    timed_out: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Tally {
    /// `outcome`: `None` if it was dropped.
    pub(crate) fn count<D: Proof>(
        &self,
        number: u64,
        plan: Plan,
        outcome: Option<Result<<D::Ask as Command<D>>::Reply, Error>>,
    ) {
        let counter = match outcome.map(|outcome| outcome.map(D::proof)) {
            None => &self.cancelled,
            Some(Ok(Some(proof))) if proof == number => &self.right,
            Some(Err(Error::Unanswered { failure, .. }))
                if matches!(plan, Plan::Within(_)) && is_late(&failure) =>
            {
                &self.timed_out
            }
            Some(other) => {
                let other = other.map(|proof| proof.map_or(0, |proof| proof));
                return self.wrong(format!("{number}, {plan:?}: {other:?}"));
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    /// Each has had one outcome, and none another's.
    pub(crate) fn check<D>(&self, fire: &Fire<D>) {
        let context = fire.context();
        let wrong = self.wrong.lock().unwrap();
        let told = &wrong[..wrong.len().min(5)];
        assert!(wrong.is_empty(), "{context}: {} went wrong: {told:#?}", wrong.len());
        let counters = [&self.right, &self.cancelled, &self.timed_out];
        let [right, cancelled, timed_out] = counters.map(|it| it.load(Ordering::Relaxed));
        println!("{context}: {right} answered, {cancelled} dropped, {timed_out} timed out");
        assert_eq!(right + cancelled + timed_out, fire.requests, "{context}");
        // If nothing is given up, nothing is shown.
        assert!(cancelled > fire.requests / 20, "{context}: {cancelled} dropped");
        assert!(timed_out > 0, "{context}: {timed_out} timed out");
    }
}

fn is_late(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::NeverSent(Cause::TimedOut) | Failure::SentUnanswered(Cause::TimedOut)
    )
}

/// What a reader of notifications has seen: all, in order, each once; or a gap where some are missing.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) last: u64,
    gap: bool,
    repeats: bool,
}

impl Seen {
    pub(crate) fn new(repeats: bool) -> Self {
        Self { repeats, ..Self::default() }
    }

    /// Takes note of the next; what is wrong with it, if anything is.
    pub(crate) fn note<D: Proof>(&mut self, notice: &Notice) -> Option<String> {
        let notification = match notice {
            Notice::Notification(notification) => notification,
            Notice::Gap(Gap::Overflow(_)) => {
                self.gap = true;
                return None;
            }
            other => return Some(format!("behind {}: {other:?}", self.last)),
        };
        let Some(number) = D::number(notification) else {
            // IMAP: the data of a dropped question, and a greeting that comes twice, are nobody's.
            let nobodys = notification.topic == "FETCH";
            let greeting = self.repeats && notification.topic == "OK";
            return (!nobodys && !greeting).then(|| format!("{notification:?}"));
        };
        let again = number == self.last && self.repeats;
        let next = number == self.last + 1 || number > self.last && self.gap;
        let before = std::mem::replace(&mut self.last, number);
        self.gap = false;
        (!again && !next).then(|| format!("notification {number} behind {before}"))
    }
}
