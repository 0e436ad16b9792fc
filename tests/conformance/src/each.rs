//! One test, on each runtime.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use bellwire_any::Runtime;
use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_testkit::{PATIENCE, in_time};
use bellwire_tokio::Tokio;

/// Longer than any test may take.
pub const LONG: Duration = Duration::from_secs(30);

const _: () = assert!(LONG.as_secs() > 2 * PATIENCE.as_secs());

/// Makes of each function that takes a [`Runtime`] a test for each of them; their names say which it
/// was: `crossings::notif::on_tokio::crossing_1`.
///
/// ```text
/// on_each_runtime! {
///     /// G9.
///     a_request => |runtime| asks(runtime, "random?"),
/// }
/// ```
///
/// Begun with `by function;`, that function runs them instead of [`run`].
#[macro_export]
macro_rules! on_each_runtime {
    (by $run:path; $($tests:tt)*) => {
        $crate::on_runtime!(on_blocking, Blocking, by $run; $($tests)*);
        $crate::on_each_async_runtime!(by $run; $($tests)*);
    };
    ($($tests:tt)*) => {
        $crate::on_each_runtime!(by $crate::run; $($tests)*);
    };
}

/// The same, on those runtimes that run futures.
#[macro_export]
macro_rules! on_each_async_runtime {
    (by $run:path; $($tests:tt)*) => {
        $crate::on_runtime!(on_tokio, Tokio, by $run; $($tests)*);
        $crate::on_runtime!(on_async_std, AsyncStd, by $run; $($tests)*);
        $crate::on_runtime!(on_smol, Smol, by $run; $($tests)*);
    };
    ($($tests:tt)*) => {
        $crate::on_each_async_runtime!(by $crate::run; $($tests)*);
    };
}

/// The same, on one runtime.
#[macro_export]
macro_rules! on_runtime {
    ($module:ident, $runtime:ident, by $run:path; $($(#[$doc:meta])* $name:ident => $test:expr),* $(,)?) => {
        mod $module {
            #[allow(unused_imports, reason = "whatever the tests need")]
            use super::*;
            $(
                $(#[$doc])*
                #[test]
                fn $name() {
                    $run($crate::Runtime::$runtime, $test);
                }
            )*
        }
    };
    ($module:ident, $runtime:ident, $($tests:tt)*) => {
        $crate::on_runtime!($module, $runtime, by $crate::run; $($tests)*);
    };
}

/// Runs a test on a runtime, and fails it when it hangs.
pub fn run(runtime: Runtime, test: impl FnOnce(Runtime) + Send + 'static) {
    in_time(LONG, move || test(runtime));
}

/// What is written once for all asynchronous runtimes, and compiled for each: a match that gives `$R`,
/// the type of the runtime, and runs the future.
#[macro_export]
macro_rules! on_async {
    ($runtime:expr, $R:ident => $future:expr) => {
        match $runtime {
            $crate::Runtime::Blocking => panic!("it runs no futures"),
            $crate::Runtime::Tokio => {
                type $R = bellwire_tokio::Tokio;
                <$R as $crate::Run>::block_on($future)
            }
            $crate::Runtime::AsyncStd => {
                type $R = bellwire_async_std::AsyncStd;
                <$R as $crate::Run>::block_on($future)
            }
            $crate::Runtime::Smol => {
                type $R = bellwire_smol::Smol;
                <$R as $crate::Run>::block_on($future)
            }
        }
    };
}

/// A runtime that runs futures.
pub trait Run: bellwire_async::Runtime {
    /// Runs one, and whatever it spawns meanwhile.
    fn block_on<F: Future>(future: F) -> F::Output;
}

impl Run for Tokio {
    fn block_on<F: Future>(future: F) -> F::Output {
        static TOKIO: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        let build = || {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.enable_all().build().expect("tokio does not start")
        };
        TOKIO.get_or_init(build).block_on(future)
    }
}

impl Run for AsyncStd {
    fn block_on<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }
}

impl Run for Smol {
    fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }
}
