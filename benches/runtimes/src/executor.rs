//! How a runtime's users run a future.

use std::sync::OnceLock;

use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_tokio::Tokio;

/// Runs one future to its end, as a runtime's users do.
pub trait Executor: bellwire_async::Runtime {
    /// As a task among others.
    fn run<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T;

    /// On this thread.
    fn block_on<T>(future: impl Future<Output = T>) -> T;
}

impl Executor for Tokio {
    fn run<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
        static THREADS: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        let runtime = THREADS.get_or_init(|| tokio::runtime::Runtime::new().expect("a runtime"));
        runtime.block_on(runtime.spawn(future)).expect("no panic")
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }
}

impl Executor for Smol {
    fn run<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
        smol::block_on(smol::spawn(future))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }
}

impl Executor for AsyncStd {
    fn run<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
        async_std::task::block_on(async_std::task::spawn(future))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        async_std::task::block_on(future)
    }
}
