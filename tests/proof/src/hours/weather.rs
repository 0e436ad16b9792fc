//! What happens by chance, and when.

use std::time::Duration;

use fastrand::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The server has something new.
    News,
    /// The caller asks.
    Question,
    /// The server closes the connection, and is away for a while.
    Close,
    /// The connection breaks.
    Reset,
    /// Nothing gets through any more, and nobody is told.
    Cut,
    /// The client's machine sleeps for so long.
    Sleep(Duration),
    /// What the server says next, its last line comes twice.
    Double,
}

/// How often, on average.
#[derive(Debug)]
pub(crate) struct Weather {
    news: Chance,
    question: Chance,
    storm: Chance,
}

/// Something that happens once in so long, at any time.
#[derive(Debug)]
struct Chance {
    every: Duration,
    next: Duration,
}

impl Weather {
    pub(crate) fn new(news: Duration, question: Duration, storm: Duration) -> Self {
        let chance = |every| Chance { every, next: Duration::ZERO };
        Self { news: chance(news), question: chance(question), storm: chance(storm) }
    }

    pub(crate) fn begin(&mut self, rng: &mut Rng) {
        self.chances().into_iter().for_each(|chance| chance.draw(rng));
    }

    fn chances(&mut self) -> [&mut Chance; 3] {
        [&mut self.news, &mut self.question, &mut self.storm]
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Duration {
        self.news.next.min(self.question.next).min(self.storm.next)
    }

    /// What happens then.
    pub(crate) fn draw(&mut self, rng: &mut Rng) -> What {
        let next = self.next();
        if self.news.next == next {
            self.news.draw(rng);
            return What::News;
        }
        if self.question.next == next {
            self.question.draw(rng);
            return What::Question;
        }
        self.storm.draw(rng);
        match rng.u8(..6) {
            0 => What::Close,
            1 => What::Reset,
            2 => What::Cut,
            3 => What::Sleep(Duration::from_secs_f64(rng.f64().powi(4) * 12.0 * 3600.0)),
            _ => What::Double,
        }
    }
}

impl Chance {
    fn draw(&mut self, rng: &mut Rng) {
        self.next += self.every.mul_f64(-(1.0 - rng.f64()).ln());
    }
}
