//! How much memory a process has.

use std::fmt;
use std::fs;

/// What the system says of a process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes of it that are in memory.
    pub now: u64,
    /// The most that ever were.
    pub peak: u64,
}

impl Memory {
    /// That of a process; `None`: this system does not say.
    #[must_use]
    pub fn of(process: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let bytes = |name| {
            let line = status.lines().find_map(|line: &str| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        Some(Self { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }
}

/// By how many bytes a process has grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Growth(pub u64);

impl Growth {
    /// The same, for each of so many.
    #[must_use]
    pub fn per(self, count: usize) -> Self {
        Self(self.0 / count.max(1) as u64)
    }

    /// Panics if this is more than `bound` bytes; prints it else.
    ///
    /// # Panics
    ///
    /// If it is more.
    pub fn within(self, bound: usize, what: &str) {
        let bound = Self(bound as u64);
        println!("{what}: {self}, of at most {bound}");
        assert!(self <= bound, "{what} cost {self}, which is more than {bound}");
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ ..1_048_576 => write!(f, "{:.1} KiB", bytes as f64 / 1024.0),
            bytes => write!(f, "{:.1} MiB", bytes as f64 / 1_048_576.0),
        }
    }
}
