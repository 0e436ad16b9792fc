//! When to try to connect again (guarantee G22).

use std::time::Duration;

/// How to reconnect: jittered exponential backoff.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconnect {
    /// The longest wait before the first attempt. Default: 0.5 s.
    pub first: Duration,
    /// The longest wait before any attempt. Default: 60 s.
    pub longest: Duration,
    /// A connection that lasted so long starts the backoff over. Default: 10 s.
    pub stable: Duration,
    /// So many failed attempts in a row are given up on; `None`: never. Default: never.
    pub attempts: Option<u32>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            stable: Duration::from_secs(10),
            attempts: None,
        }
    }
}

/// As good as never, and clocks can still count it.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The state of a [`Reconnect`].
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: Reconnect,
    failed: u32,
}

impl Backoff {
    /// A backoff that has seen no failure yet.
    #[must_use]
    pub fn new(policy: Reconnect) -> Self {
        Self { policy, failed: 0 }
    }

    /// How long to wait before the next attempt; `None` when it is time to give up.
    ///
    /// Waits are drawn from the upper half of an interval that doubles with each failure, so that
    /// clients that lost their server together do not come back together.
    pub fn next_wait(&mut self) -> Option<Duration> {
        if self.policy.attempts.is_some_and(|attempts| self.failed >= attempts) {
            return None;
        }
        let doubled = self.policy.first.saturating_mul(1 << self.failed.min(20));
        self.failed = self.failed.saturating_add(1);
        let wait = doubled.min(self.policy.longest).min(A_YEAR);
        Some(wait.mul_f64(0.5 + fastrand::f64() / 2.0))
    }

    /// A connection has ended that had lasted so long.
    pub fn lasted(&mut self, time: Duration) {
        if time >= self.policy.stable {
            self.failed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g22_the_longest_wait_can_be_counted() {
        let mut forever = Reconnect::default();
        (forever.first, forever.longest) = (Duration::MAX, Duration::MAX);
        let wait = Backoff::new(forever).next_wait().unwrap();
        assert!(wait >= A_YEAR / 2 && std::time::Instant::now().checked_add(wait).is_some());
    }

    #[test]
    fn g22_waits_grow_are_jittered_and_recover() {
        let mut backoff = Backoff::new(Reconnect::default());
        let waits: Vec<Duration> = (0..50).filter_map(|_| backoff.next_wait()).collect();
        for (failed, wait) in waits.iter().enumerate() {
            let longest = Duration::from_millis(500 << failed.min(7)).min(Duration::from_secs(60));
            assert!(*wait <= longest && *wait >= longest / 2, "{wait:?} after {failed} failures");
        }
        assert!(waits[10..].windows(2).any(|pair| pair[0] != pair[1]), "no jitter");
        backoff.lasted(Duration::from_secs(1));
        assert!(backoff.next_wait() > Some(Duration::from_secs(29)), "too short to count");
        backoff.lasted(Duration::from_secs(11));
        assert!(backoff.next_wait() <= Some(Duration::from_millis(500)));
    }

    #[test]
    fn attempts_in_a_row_are_bounded() {
        let policy = Reconnect { attempts: Some(2), ..Reconnect::default() };
        let mut backoff = Backoff::new(policy);
        assert!(backoff.next_wait().is_some() && backoff.next_wait().is_some());
        assert_eq!(backoff.next_wait(), None);
    }
}
