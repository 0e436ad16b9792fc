//! Time, as it is told: no clock is read (guarantee G15).

use core::time::Duration;

/// A moment: nanoseconds since the clock's first tick. They last for five centuries; the moment that
/// the caller counts from may be longer ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    fn after(self, length: u64) -> Self {
        Self(self.0.saturating_add(length))
    }
}

/// One deadline.
///
/// Calls between two ticks happen at an unknown time. A timer that such a call starts is *fresh*: it
/// asks for a tick at once, and runs from there. So no call has to come before or after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Timer {
    #[default]
    Off,
    /// Runs so many nanoseconds from the next tick.
    Fresh(u64),
    Until(Moment),
}

impl Timer {
    #[inline]
    pub(crate) fn start(length: Option<Duration>) -> Self {
        match length {
            Some(length) => Self::Fresh(nanos(length)),
            None => Self::Off,
        }
    }

    pub(crate) fn start_if_off(&mut self, length: Option<Duration>) {
        if *self == Self::Off {
            *self = Self::start(length);
        }
    }

    pub(crate) fn stop(&mut self) {
        *self = Self::Off;
    }

    /// Whether it has passed.
    pub(crate) fn passed(self, now: Moment) -> bool {
        matches!(self, Self::Until(due) if due <= now)
    }

    fn due(self, now: Moment) -> Option<Moment> {
        match self {
            Self::Off => None,
            Self::Fresh(_) => Some(now),
            Self::Until(due) => Some(due),
        }
    }
}

/// The clock of one machine.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The first tick.
    began: Option<Duration>,
    now: Moment,
    suspend: Duration,
    /// The last tick came after a jump. The next one may not count as a jump again, or a caller
    /// who ticks seldom would never see a deadline.
    jumped: bool,
}

/// How time moved.
pub(crate) enum Moved {
    Steadily,
    /// It jumped, most likely because the computer was asleep.
    Jumped,
}

impl Clock {
    pub(crate) const fn new(suspend: Duration) -> Self {
        Self { began: None, now: Moment(0), suspend, jumped: false }
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// When the earliest of `timers` is due, as the caller counts.
    pub(crate) fn earliest(&self, timers: impl Iterator<Item = Timer>) -> Option<Duration> {
        let Moment(due) = timers.filter_map(|timer| timer.due(self.now)).min()?;
        Some(self.began.unwrap_or_default().saturating_add(Duration::from_nanos(due)))
    }

    fn moment(&self, now: Duration) -> Moment {
        Moment(nanos(now.saturating_sub(self.began.unwrap_or(now))))
    }

    /// When the caller was asked for the next tick, as of the last one. What is fresh does not count:
    /// it has begun since, and nobody knows when.
    pub(crate) fn asked(timers: impl Iterator<Item = Timer>) -> Option<Moment> {
        let running = |timer| if let Timer::Until(due) = timer { Some(due) } else { None };
        timers.filter_map(running).min()
    }

    /// Whether one of `timers` passes at `now`.
    pub(crate) fn any_passes(
        &self,
        now: Duration,
        mut timers: impl Iterator<Item = Timer>,
    ) -> bool {
        let now = self.moment(now);
        timers.any(|timer| timer.passed(now))
    }

    /// Moves to `now`; a moment that was told before, or has passed already, changes nothing.
    pub(crate) fn advance(&mut self, now: Duration, asked: Option<Moment>) -> Moved {
        self.began.get_or_insert(now);
        let now = self.moment(now);
        if now <= self.now {
            return Moved::Steadily;
        }
        self.now = now;
        let late = asked.is_some_and(|asked| self.now > asked.after(nanos(self.suspend)));
        self.jumped = late && !self.jumped;
        if self.jumped { Moved::Jumped } else { Moved::Steadily }
    }

    /// Starts a fresh timer; after a jump, puts off one that passed meanwhile.
    pub(crate) fn arm(&self, timer: &mut Timer, moved: &Moved) {
        match (*timer, moved) {
            (Timer::Fresh(length), _) => *timer = Timer::Until(self.now.after(length)),
            (Timer::Until(due), Moved::Jumped) if due <= self.now => {
                *timer = Timer::Until(self.now.after(nanos(self.suspend)));
            }
            _ => {}
        }
    }
}

fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
