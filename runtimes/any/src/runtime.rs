//! The runtimes.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::OnceLock;

use bellwire_async::Runtime as _;
use bellwire_async::runtime::BoxFuture;
use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_tokio::Tokio;

/// A runtime that connections can be driven on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// Plain threads: whoever waits drives.
    Blocking,
    /// tokio, with its threads.
    Tokio,
    /// async-std, which is discontinued (RUSTSEC-2025-0052).
    AsyncStd,
    /// smol's global executor.
    Smol,
}

impl Runtime {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Blocking, Self::Tokio, Self::AsyncStd, Self::Smol];

    /// Its name: `blocking`, `tokio`, `async-std`, `smol`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
        }
    }

    /// What it is, in a few words for those who choose.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Blocking => "plain threads, no runtime",
            Self::Tokio => "its runtime of several threads",
            Self::AsyncStd => "its executor; discontinued (RUSTSEC-2025-0052)",
            Self::Smol => "its global executor",
        }
    }

    /// What runs futures; `None`: there are none.
    pub(crate) fn executor(self) -> io::Result<Option<Executor>> {
        Ok(match self {
            Self::Blocking => None,
            Self::Tokio => Some(Executor::Tokio(tokio()?)),
            Self::AsyncStd => Some(Executor::AsyncStd),
            Self::Smol => Some(Executor::Smol),
        })
    }
}

/// The one of this process, as async-std and smol have one, too.
fn tokio() -> io::Result<&'static tokio::runtime::Runtime> {
    static TOKIO: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    if let Some(runtime) = TOKIO.get() {
        return Ok(runtime);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(TOKIO.get_or_init(|| runtime))
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no such runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no runtime; there are blocking, tokio, async-std and smol")]
pub struct UnknownRuntime(String);

impl FromStr for Runtime {
    type Err = UnknownRuntime;

    fn from_str(name: &str) -> Result<Self, UnknownRuntime> {
        let named = Self::ALL.into_iter().find(|runtime| runtime.name() == name);
        named.ok_or_else(|| UnknownRuntime(name.to_owned()))
    }
}

/// Runs futures.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Executor {
    Tokio(&'static tokio::runtime::Runtime),
    AsyncStd,
    Smol,
}

impl Executor {
    pub(crate) fn block_on<F: Future>(self, future: F) -> F::Output {
        match self {
            Self::Tokio(runtime) => runtime.block_on(future),
            Self::AsyncStd => async_std::task::block_on(future),
            Self::Smol => smol::block_on(future),
        }
    }

    pub(crate) fn sleep_until(self, deadline: std::time::Instant) -> BoxFuture<()> {
        match self {
            Self::Tokio(_) => Tokio::sleep_until(deadline),
            Self::AsyncStd => AsyncStd::sleep_until(deadline),
            Self::Smol => Smol::sleep_until(deadline),
        }
    }
}
