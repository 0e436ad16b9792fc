//! One direction of a connection on which things go wrong, without I/O.

use std::collections::VecDeque;
use std::mem;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use fastrand::Rng;

use crate::faults::pick;
use crate::{Closing, Counts, Faults};

/// One direction of a connection: takes what one end says, and gives what the other one hears, and when.
///
/// The same faults, seed, bytes and times give the same pieces and ends, and the same bytes and ends in
/// however many pieces they are fed. (Another version of `fastrand` may choose otherwise.)
///
/// It reads no clock: time is what [`tick`](Self::tick) says it is, and stands still in between.
///
/// ```
/// use std::time::Duration;
/// use bellwire_testkit::{Closing, Faults, Wire};
///
/// let second = Duration::from_secs(1);
/// let faults = Faults::none().split(4..=4).delay(second..=second).half_close(6..=6);
/// let mut wire = Wire::new(&faults, 7);
/// wire.feed(b"456902234\r\n");
/// assert_eq!((wire.output(), wire.deadline()), (&b""[..], Some(second)));
/// wire.tick(second);
/// assert_eq!(wire.output(), b"4569");
/// wire.written(4);
/// assert_eq!(wire.output(), b"02");
/// wire.written(2);
/// assert_eq!(wire.closing(), Some(Closing::Eof));
/// ```
#[derive(Clone, Debug)]
pub struct Wire {
    /// The bytes under way, and the pieces that they make up, each with its length and when it is due.
    bytes: BytesMut,
    pieces: VecDeque<(usize, Duration)>,
    /// How this direction ends, and when that is due.
    end: Option<(Closing, Duration)>,
    now: Duration,
    /// When the last stall ends.
    stalled_until: Duration,
    cuts: Cuts,
    repeats: Repeats,
    /// The places where it stalls and ends, counted in bytes that the receiver gets.
    stall: Option<(u64, Duration)>,
    ends: Option<(u64, Closing)>,
    /// How many bytes were laid on the wire.
    laid: u64,
    counts: Counts,
}

impl Wire {
    /// A wire with these faults, chosen by this seed.
    #[must_use]
    pub fn new(faults: &Faults, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        // Each has chances of its own, so that one does not change another.
        let (cuts, repeats) = (Cuts::new(faults, &mut rng), Repeats::new(faults, &mut rng));
        let stall = faults.stall.as_ref().map(|(after, time)| (pick(&mut rng, after), *time));
        let mut end_behind = |after: &Option<_>, how| Some((pick(&mut rng, after.as_ref()?), how));
        let half_close = end_behind(&faults.half_close, Closing::Eof);
        let reset = end_behind(&faults.reset, Closing::Reset);
        let mut wire = Self {
            bytes: BytesMut::new(),
            pieces: VecDeque::new(),
            end: None,
            now: Duration::ZERO,
            stalled_until: Duration::ZERO,
            cuts,
            repeats,
            stall,
            ends: [half_close, reset].into_iter().flatten().min_by_key(|(after, _)| *after),
            laid: 0,
            counts: Counts::default(),
        };
        wire.end_here();
        wire
    }

    /// One end has said this.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.repeats.probability <= 0.0 {
            return self.lay(bytes);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.lay(part);
            if self.end.is_some() {
                return;
            }
            if let Some(line) = self.repeats.again(part) {
                self.counts.duplicates += 1;
                self.lay(&line);
                self.repeats.give_back(line);
            }
        }
    }

    /// It has no more to say.
    pub fn feed_eof(&mut self) {
        if self.end.is_none() {
            self.stall_here();
            self.end = Some((Closing::Eof, self.stalled_until.max(self.now)));
        }
    }

    /// It has reset the connection: what is still under way is lost.
    pub fn feed_reset(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
        self.end = Some((Closing::Reset, self.now));
    }

    /// The piece that the other end may hear now; empty when there is none. The same until
    /// [`written`](Self::written).
    #[must_use]
    pub fn output(&self) -> &[u8] {
        match self.pieces.front() {
            Some((length, due)) if *due <= self.now => &self.bytes[..*length],
            _ => &[],
        }
    }

    /// It has heard so many bytes of it.
    pub fn written(&mut self, count: usize) {
        let count = count.min(self.output().len());
        self.bytes.advance(count);
        if let Some((length, _)) = self.pieces.front_mut() {
            *length -= count;
            if *length == 0 {
                self.pieces.pop_front();
            }
        }
    }

    /// How this direction has ended, once all that came before was heard.
    #[must_use]
    pub fn closing(&self) -> Option<Closing> {
        let (closing, due) = self.end?;
        (self.pieces.is_empty() && due <= self.now).then_some(closing)
    }

    /// When to call [`tick`](Self::tick): more is to be heard then. `None`: never.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let next = self.pieces.front().map(|(_, due)| *due).or(self.end.map(|(_, due)| due));
        next.filter(|due| *due > self.now)
    }

    /// It is `now`, since a moment that the caller chose. What was fed before was said before.
    pub fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// How many bytes are under way. It is for the caller to feed no more than he likes to keep.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What has gone wrong so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What has gone wrong since this was asked for the last time.
    pub(crate) fn take_counts(&mut self) -> Counts {
        mem::take(&mut self.counts)
    }

    /// Puts bytes on the wire, up to where it ends.
    fn lay(&mut self, mut bytes: &[u8]) {
        while self.end.is_none() && !bytes.is_empty() {
            self.stall_here();
            let places = [self.stall.map(|it| it.0), self.ends.map(|it| it.0)];
            let left = places.into_iter().flatten().map(|place| place - self.laid).min();
            let piece = self.cuts.next(bytes, &mut self.counts);
            let length = left.map_or(piece.length, |left| to_usize(left).min(piece.length));
            let due = self.stalled_until.max(self.now.saturating_add(piece.delay));
            match self.pieces.back_mut() {
                Some((last, at)) if !piece.begins && *at == due => *last += length,
                _ => self.pieces.push_back((length, due)),
            }
            self.bytes.extend_from_slice(&bytes[..length]);
            self.cuts.took(&bytes[..length], &mut self.counts);
            self.laid += length as u64;
            self.counts.bytes += length as u64;
            bytes = &bytes[length..];
            self.end_here();
        }
    }

    /// Stalls, if this is the place.
    fn stall_here(&mut self) {
        if let Some((_, time)) = self.stall.take_if(|(place, _)| *place == self.laid) {
            self.stalled_until = self.stalled_until.max(self.now).saturating_add(time);
            self.counts.stalls += 1;
        }
    }

    /// Ends, if this is the place.
    fn end_here(&mut self) {
        if let Some((_, closing)) = self.ends.take_if(|(place, _)| *place == self.laid) {
            self.end = Some((closing, self.stalled_until));
            match closing {
                Closing::Eof => self.counts.half_closes += 1,
                Closing::Reset => self.counts.resets += 1,
            }
        }
    }
}

/// Where to cut, and how long to delay what is between two cuts.
#[derive(Clone, Debug)]
struct Cuts {
    sizes: Rng,
    delays: Rng,
    split: Option<RangeInclusive<u64>>,
    /// In nanoseconds.
    delay: Option<RangeInclusive<u64>>,
    /// How much of the piece under way is still to come, and its delay; `None` between two pieces. A line
    /// has no length that is known before.
    under_way: Option<(Option<u64>, Duration)>,
}

/// The beginning of some bytes.
struct Piece {
    length: usize,
    delay: Duration,
    /// Whether it is the beginning of a piece, too, rather than more of the last one.
    begins: bool,
}

impl Cuts {
    fn new(faults: &Faults, rng: &mut Rng) -> Self {
        let range = |from: u64, to: u64| from..=to;
        let split = faults.split.as_ref();
        let split = split.map(|it| range((*it.start()).max(1) as u64, (*it.end()).max(1) as u64));
        let delay = faults.delay.as_ref();
        let delay = delay.map(|it| range(to_nanos(*it.start()), to_nanos(*it.end())));
        Self { sizes: rng.fork(), delays: rng.fork(), split, delay, under_way: None }
    }

    fn next(&mut self, bytes: &[u8], counts: &mut Counts) -> Piece {
        if self.split.is_none() && self.delay.is_none() {
            return Piece { length: bytes.len(), delay: Duration::ZERO, begins: false };
        }
        let begins = self.under_way.is_none();
        let (left, delay) = *self.under_way.get_or_insert_with(|| {
            let size = self.split.as_ref().map(|range| pick(&mut self.sizes, range));
            let delay = self.delay.as_ref().map_or(0, |range| pick(&mut self.delays, range));
            counts.delays += u64::from(delay > 0);
            (size, Duration::from_nanos(delay))
        });
        let length = match left {
            Some(left) => to_usize(left).min(bytes.len()),
            None => bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1),
        };
        Piece { length, delay, begins }
    }

    /// These bytes were the next.
    fn took(&mut self, bytes: &[u8], counts: &mut Counts) {
        let ends = match &mut self.under_way {
            None => return,
            Some((Some(left), _)) => {
                *left -= bytes.len() as u64;
                counts.pieces += u64::from(*left == 0);
                *left == 0
            }
            Some((None, _)) => bytes.ends_with(b"\n"),
        };
        self.under_way.take_if(|_| ends);
    }
}

/// Which lines to say again.
#[derive(Clone, Debug)]
struct Repeats {
    chance: Rng,
    probability: f64,
    line: Vec<u8>,
    /// Whether the line is too long to be kept.
    too_long: bool,
}

/// A longer line is not repeated.
const LONGEST: usize = 64 * 1024;

impl Repeats {
    fn new(faults: &Faults, rng: &mut Rng) -> Self {
        let probability = faults.duplicate;
        Self { chance: rng.fork(), probability, line: Vec::new(), too_long: false }
    }

    /// The line to say again, if this is the end of one that is.
    fn again(&mut self, part: &[u8]) -> Option<Vec<u8>> {
        self.too_long |= self.line.len() + part.len() > LONGEST;
        if !self.too_long {
            self.line.extend_from_slice(part);
        }
        if !part.ends_with(b"\n") {
            return None;
        }
        let again = self.chance.f64() < self.probability && !self.too_long;
        self.too_long = false;
        if again {
            return Some(mem::take(&mut self.line));
        }
        self.line.clear();
        None
    }

    /// The line was said; its room is for the next.
    fn give_back(&mut self, mut line: Vec<u8>) {
        line.clear();
        self.line = line;
    }
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn to_nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
