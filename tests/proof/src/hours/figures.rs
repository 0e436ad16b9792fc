//! What happened in the hours, and what was said last.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) steps: u64,
    pub(crate) reentered: u64,
    pub(crate) probes: u64,
    pub(crate) connected: u64,
    pub(crate) attempts: u64,
    /// Autologouts of clients whose words do not get through any more, and of those who slept for
    /// longer than the server has patience.
    pub(crate) cut_off: u64,
    pub(crate) overslept: u64,
    pub(crate) made: u64,
    pub(crate) told: u64,
    pub(crate) gaps: u64,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    pub(crate) slept: u64,
    pub(crate) duplicates: u64,
    pub(crate) unsolicited: u64,
    /// The most ticks of the clock's that the client asked for in one hour, and attempts to connect.
    pub(crate) most_ticks: u64,
    pub(crate) most_attempts: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, reentered, probes, connected, attempts, cut_off, overslept, .. } = self;
        let Self { made, told, gaps, answered, unanswered, slept, .. } = self;
        let Self { duplicates, unsolicited, most_ticks, most_attempts, .. } = self;
        write!(
            f,
            "{steps} steps, {reentered} re-entered, {probes} probes, {connected} connections in \
             {attempts} attempts, {cut_off} autologouts behind a broken link, {overslept} of who slept \
             too long, {made} notifications made, {told} told, {gaps} gaps, {answered} \
             commands answered, {unanswered} not, {slept} suspended, {duplicates} duplicate \
             lines, {unsolicited} unsolicited; at most {most_ticks} ticks and {most_attempts} \
             attempts an hour"
        )
    }
}

/// Counts what happens in each hour.
#[derive(Debug, Default)]
pub(crate) struct Hourly {
    hour: u64,
    count: u64,
}

impl Hourly {
    /// One more; how many there were in this hour.
    pub(crate) fn count(&mut self, now: Duration) -> u64 {
        let hour = now.as_secs() / 3600;
        if hour != self.hour {
            (self.hour, self.count) = (hour, 0);
        }
        self.count += 1;
        self.count
    }
}

/// The last that was said, and happened; shown if the test fails.
#[derive(Debug)]
pub(crate) struct Tail {
    lines: VecDeque<(Duration, char, Vec<u8>)>,
    seed: u64,
}

impl Tail {
    const LENGTH: usize = 40;

    pub(crate) const fn new(seed: u64) -> Self {
        Self { lines: VecDeque::new(), seed }
    }

    pub(crate) fn add(&mut self, now: Duration, who: char, text: &[u8]) {
        let mut kept = match self.lines.len() {
            Self::LENGTH => self.lines.pop_front().unwrap_or_default().2,
            _ => Vec::new(),
        };
        kept.clear();
        kept.extend_from_slice(text);
        self.lines.push_back((now, who, kept));
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        eprintln!("BELLWIRE_SEED={} fails, behind this:", self.seed);
        let mut before = Duration::ZERO;
        for (now, who, text) in &self.lines {
            eprintln!(".. {:?}", *now - before);
            before = *now;
            for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                eprintln!("{who}: {}", bellwire::transcript::escape(line.trim_ascii_end()));
            }
        }
    }
}
