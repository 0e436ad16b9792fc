//! Cases out of bytes, whether a fuzzer's or random ones: one description of what can happen, from
//! which both draw.

use arbitrary::Unstructured;

/// Where choices come from. When the bytes run out, the first of what there is to choose from is
/// chosen, and a list ends.
pub(crate) struct Draw<'a>(Unstructured<'a>);

impl<'a> Draw<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn one_of<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.below(among.len())].clone()
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.int_in_range(0..=end - 1).unwrap_or(0)
    }

    pub(crate) fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    /// At most `most` of them.
    pub(crate) fn list<T: Drawn>(&mut self, most: usize) -> Vec<T> {
        let mut list = Vec::new();
        while list.len() < most && !self.is_empty() {
            list.push(T::draw(self));
        }
        list
    }
}

/// What can be drawn, and made simpler when a case fails.
pub(crate) trait Drawn: Sized {
    fn draw(draw: &mut Draw<'_>) -> Self;

    /// The same, each time with one thing less out of the ordinary.
    fn simpler(&self) -> Vec<Self> {
        Vec::new()
    }
}

impl Drawn for u8 {
    fn draw(draw: &mut Draw<'_>) -> Self {
        draw.below(256) as Self
    }
}

/// A list without one of its elements, or with one made simpler; large bites first.
pub(crate) fn simpler_list<T: Drawn + Clone>(list: &[T]) -> Vec<Vec<T>> {
    let mut simpler = Vec::new();
    let mut bite = list.len();
    while bite > 0 {
        for start in (0..list.len()).step_by(bite) {
            let end = (start + bite).min(list.len());
            simpler.push([&list[..start], &list[end..]].concat());
        }
        bite /= 2;
    }
    for (index, element) in list.iter().enumerate() {
        for element in element.simpler() {
            let mut list = list.to_vec();
            list[index] = element;
            simpler.push(list);
        }
    }
    simpler
}

/// A whole case: how the machine is configured, what happens, and some numbers for whatever else a
/// property has to choose.
#[derive(Clone)]
pub(crate) struct Case<S, T> {
    pub(crate) setup: S,
    pub(crate) turns: Vec<T>,
    pub(crate) more: Vec<u8>,
}

impl<S: Drawn, T: Drawn> Case<S, T> {
    /// As much as a quarter of a second can play.
    const TURNS: usize = 300;

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::draw(&mut Draw::new(bytes))
    }
}

impl<S: Drawn, T: Drawn> Drawn for Case<S, T> {
    fn draw(draw: &mut Draw<'_>) -> Self {
        let setup = S::draw(draw);
        let more = (0..8).map(|_| u8::draw(draw)).collect();
        Self { setup, more, turns: draw.list(Self::TURNS) }
    }
}

#[cfg(test)]
mod random {
    use std::fmt;

    use quickcheck::{Arbitrary, Gen};

    use super::{Case, Drawn, simpler_list};

    /// What went wrong is printed as a transcript.
    impl<S, T> fmt::Debug for Case<S, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} turns", self.turns.len())
        }
    }

    impl<S, T> Arbitrary for Case<S, T>
    where
        S: Drawn + Clone + 'static,
        T: Drawn + Clone + 'static,
    {
        fn arbitrary(g: &mut Gen) -> Self {
            let length = usize::arbitrary(g) % (6 * g.size());
            let bytes: Vec<u8> = (0..length).map(|_| u8::arbitrary(g)).collect();
            Self::of(&bytes)
        }

        fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
            let turns = simpler_list(&self.turns);
            let turns = turns.into_iter().map(|turns| Self { turns, ..self.clone() });
            let setups = self.setup.simpler().into_iter();
            let setups = setups.map(|setup| Self { setup, ..self.clone() });
            Box::new(setups.chain(turns).collect::<Vec<_>>().into_iter())
        }
    }
}
