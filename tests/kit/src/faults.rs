//! What goes wrong on a wire.

use std::ops::RangeInclusive;
use std::time::Duration;

use fastrand::Rng;

/// What goes wrong with what one end says: nothing, unless it is asked for.
///
/// Each is chosen by the seed of the [`Wire`](crate::Wire) within the range that is given; `7..=7` leaves
/// nothing to chance.
///
/// ```
/// use std::time::Duration;
/// use bellwire_testkit::Faults;
///
/// let ms = Duration::from_millis;
/// let faults = Faults::none().split(1..=3).delay(ms(0)..=ms(20)).reset(10_000..=20_000);
/// # let _ = faults;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    pub(crate) split: Option<RangeInclusive<usize>>,
    pub(crate) delay: Option<RangeInclusive<Duration>>,
    pub(crate) duplicate: f64,
    pub(crate) stall: Option<(RangeInclusive<u64>, Duration)>,
    pub(crate) half_close: Option<RangeInclusive<u64>>,
    pub(crate) reset: Option<RangeInclusive<u64>>,
}

impl Faults {
    /// All bytes come, in order, as they are.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Cuts what is said into pieces of so many bytes, each sent by itself; one, at least. What has come
    /// does not wait for the rest of its piece. A reader that is late may read several at once, unless they
    /// are [delayed](Self::delay), too.
    #[must_use]
    pub fn split(mut self, bytes: RangeInclusive<usize>) -> Self {
        self.split = Some(bytes);
        self
    }

    /// Delays each piece by so much, or, if nothing is split, each line. None overtakes another.
    #[must_use]
    pub fn delay(mut self, time: RangeInclusive<Duration>) -> Self {
        self.delay = Some(time);
        self
    }

    /// Repeats a line, right behind itself, with this probability (from 0 to 1). A line ends in LF;
    /// one that is longer than 64 KiB is not repeated.
    #[must_use]
    pub fn duplicate(mut self, probability: f64) -> Self {
        self.duplicate = probability;
        self
    }

    /// Holds back everything behind so many bytes for a while, which begins when something is said there.
    /// [`Duration::MAX`] is for ever.
    #[must_use]
    pub fn stall(mut self, after: RangeInclusive<u64>, time: Duration) -> Self {
        self.stall = Some((after, time));
        self
    }

    /// Ends this direction, and only this, behind so many bytes: what is said later is swallowed.
    #[must_use]
    pub fn half_close(mut self, after: RangeInclusive<u64>) -> Self {
        self.half_close = Some(after);
        self
    }

    /// Resets the connection, in both directions, behind so many bytes.
    #[must_use]
    pub fn reset(mut self, after: RangeInclusive<u64>) -> Self {
        self.reset = Some(after);
        self
    }
}

/// How often something went wrong on a wire, so far.
///
/// A fault counts when it is certain to come, which is before anybody can see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Bytes that the receiver gets, those of repeated lines among them.
    pub bytes: u64,
    /// Pieces that what was said was cut into, the one that is not full yet left out.
    pub pieces: u64,
    /// Pieces or lines that were delayed.
    pub delays: u64,
    /// Lines that were repeated.
    pub duplicates: u64,
    /// Stalls that have begun.
    pub stalls: u64,
    /// Directions that were ended.
    pub half_closes: u64,
    /// Connections that were reset.
    pub resets: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.pieces += more.pieces;
        self.delays += more.delays;
        self.duplicates += more.duplicates;
        self.stalls += more.stalls;
        self.half_closes += more.half_closes;
        self.resets += more.resets;
    }
}

/// A number of this range, by chance.
pub(crate) fn pick(rng: &mut Rng, range: &RangeInclusive<u64>) -> u64 {
    let (from, to) = (*range.start(), *range.end());
    if from < to { rng.u64(from..=to) } else { from }
}
