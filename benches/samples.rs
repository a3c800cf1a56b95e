//! Times of one side, and what two sides say about each other.

use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// How often the samples are drawn anew for an interval.
const DRAWS: usize = 2_000;

/// Times in milliseconds, in the order in which they were taken.
#[derive(Debug, Clone)]
pub(crate) struct Samples(Vec<f64>);

/// A number and the interval that holds 95 % of what other samples of the same
/// size would have given (the bootstrap).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Samples {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add(&mut self, milliseconds: f64) {
        self.0.push(milliseconds);
    }

    /// Times what it does.
    pub(crate) fn time<T>(&mut self, what: impl FnOnce() -> T) -> T {
        let since = Instant::now();
        let done = what();
        self.took(since.elapsed());
        done
    }

    pub(crate) fn took(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1_000.0);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn quantile(&self, share: f64) -> f64 {
        quantile(self.0.clone(), share)
    }

    /// How many times as long as the other side this takes, by the medians.
    pub(crate) fn ratio_to(&self, other: &Self) -> Estimate {
        let mut random = StdRng::seed_from_u64(1);
        let mut draw = |side: &Self| -> f64 {
            let picked = (0..side.0.len()).map(|_| side.0[random.random_range(0..side.0.len())]);
            quantile(picked.collect(), 0.5)
        };
        let ratios: Vec<f64> = (0..DRAWS).map(|_| draw(self) / draw(other)).collect();
        let (low, high) = (quantile(ratios.clone(), 0.025), quantile(ratios, 0.975));
        Estimate { value: self.median() / other.median(), low, high }
    }
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_by(f64::total_cmp);
    let place = share * (values.len() - 1) as f64;
    let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
    low + (high - low) * place.fract()
}
