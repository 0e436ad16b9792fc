//! What a test needs of a runtime beyond what adapters do.

use std::future::Future;
use std::sync::OnceLock;

use bellwire_async::Runtime;
use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_tokio::Tokio;

/// A runtime whose futures a thread can wait for.
pub(crate) trait Blocks: Runtime {
    /// Waits for a future.
    fn block_on<F: Future>(future: F) -> F::Output;
}

impl Blocks for Tokio {
    fn block_on<F: Future>(future: F) -> F::Output {
        static TOKIO: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        TOKIO.get_or_init(|| tokio::runtime::Runtime::new().unwrap()).block_on(future)
    }
}

impl Blocks for AsyncStd {
    fn block_on<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }
}

impl Blocks for Smol {
    fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }
}
