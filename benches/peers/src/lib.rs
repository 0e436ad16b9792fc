//! Bellwire beside other clients: the same work, on the same real server, in the same run.

use std::fmt;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

mod driven;
pub mod imap;
pub mod mpd;

/// What somebody has read. Who does the same as another reads the same, to the byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Mails, or songs.
    pub things: usize,
    /// The sum of all bytes that matter.
    pub sum: u64,
}

impl Tally {
    /// Reads something.
    pub fn read(&mut self, bytes: &[u8]) {
        self.things += 1;
        self.sum += bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
}

/// Somebody who does the work once, whenever asked, over a connection of his own.
pub struct Contender {
    /// What to call him.
    pub name: &'static str,
    work: Box<dyn FnMut() -> Option<Tally>>,
}

impl Contender {
    /// One that reads all of it.
    pub fn new(name: &'static str, mut work: impl FnMut() -> Tally + 'static) -> Self {
        Self { name, work: Box::new(move || Some(work())) }
    }

    /// The physical limit: one that takes the bytes off the socket, and drops them.
    pub fn limit(mut work: impl FnMut() + 'static) -> Self {
        let work = Box::new(move || {
            work();
            None
        });
        Self { name: "limit", work }
    }

    /// Does the work. `None`: he reads nothing.
    pub fn work(&mut self) -> Option<Tally> {
        (self.work)()
    }
}

/// Whether each contender is to be run once only, untimed.
#[must_use]
pub fn is_test() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// Has the contenders take turns, for so many rounds: the limit first, then `ours`, then the peers. It
/// prints how each of ours compares with the limit (a cost) and with each peer (a gain): in time, and in time of the
/// processor. The former is at least what the server needs, which is the same for all.
///
/// # Panics
///
/// When one has read something else than another.
pub fn compare(what: &str, rounds: usize, ours: usize, contenders: &mut [Contender]) {
    let nothing = Some(Tally::default());
    let tallies = contenders.iter_mut().map(|it| (it.name, it.work()));
    let tallies: Vec<_> = tallies.filter(|(_, tally)| tally.is_some()).collect();
    for (name, tally) in &tallies {
        assert!(*tally == tallies[0].1 && *tally != nothing, "{what}: {tallies:?}: {name} differs");
    }
    println!("{what}:");
    if is_test() {
        return;
    }
    let mut times = vec![(Vec::new(), Vec::new()); contenders.len()];
    for _ in 0..rounds {
        for (contender, (wall, processor)) in contenders.iter_mut().zip(&mut times) {
            let (start, used) = (Instant::now(), processor_time());
            contender.work();
            wall.push(start.elapsed());
            processor.push(processor_time() - used);
        }
    }
    let (wall, processor): (Vec<_>, Vec<_>) =
        times.into_iter().map(|(wall, processor)| (median(wall), median(processor))).unzip();
    for own in 1..=ours {
        println!(
            "  {}: {}; processor: {}",
            contenders[own].name,
            ratios(contenders, own, ours, &wall),
            ratios(contenders, own, ours, &processor),
        );
    }
}

fn ratios(contenders: &[Contender], own: usize, ours: usize, times: &[f64]) -> String {
    let peers = (ours + 1..contenders.len()).map(|peer| (times[peer] / times[own], peer));
    let all = std::iter::once((times[own] / times[0], 0)).chain(peers);
    let all = all.map(|(ratio, other)| format!("{ratio:.1} x {}", contenders[other].name));
    all.collect::<Vec<_>>().join(", ")
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What this thread has used. All contenders work in the thread that asks them to.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or_default(),
        time.tv_nsec.try_into().unwrap_or_default(),
    )
}

/// A runtime for the peers that need one. With one thread, nothing is handed from thread to thread.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
