//! How much of a buffer was needed lately, so that it can shrink back after a burst without being
//! allocated again and again in a steady stream.

/// The most that was needed lately. A capacity of four times `SMALL` is not worth giving back.
#[derive(Debug)]
pub(crate) struct Peak<const SMALL: usize>(usize);

impl<const SMALL: usize> Peak<SMALL> {
    pub(crate) const fn new() -> Self {
        Self(0)
    }

    #[inline]
    pub(crate) fn note(&mut self, used: usize) {
        self.0 = self.0.max(used);
    }

    /// The capacity to shrink to, if a buffer of which `used` is needed now should. To be called
    /// now and then: each call forgets half of the peak.
    pub(crate) fn excess(&mut self, used: usize, capacity: usize) -> Option<usize> {
        let needed = self.0.max(used).max(SMALL);
        self.0 /= 2;
        (capacity > needed.saturating_mul(4)).then_some(needed)
    }
}
