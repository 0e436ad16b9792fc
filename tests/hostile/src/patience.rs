//! How long something may take before it counts as broken: each of these is longer than what goes before it, so that
//! whoever knows most about what hangs is the first to say so. Nothing is measured here, and a process that is stalled
//! for some seconds fails no test.

use std::time::Duration;

use bellwire_any::Runtime;
use bellwire_testkit::in_time;

/// Both ends of an honest conversation wait so long for one another, wherever their loss of patience is not what is
/// tested.
pub const GENEROUS: Duration = Duration::from_secs(60);

/// The tests wait so long for each thing that a process is to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A test may take so long.
const LONG: Duration = Duration::from_secs(300);

const _: () = assert!(PATIENCE.as_secs() > GENEROUS.as_secs());
const _: () = assert!(LONG.as_secs() > 2 * PATIENCE.as_secs());

/// Runs a test on a runtime, and fails it when it hangs.
pub fn patiently(runtime: Runtime, test: impl FnOnce(Runtime) + Send + 'static) {
    in_time(LONG, move || test(runtime));
}
