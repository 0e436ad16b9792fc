//! The tests of what connects once more, on each runtime but the default, where they run anyway.
//!
//! `common` knows by the names of these modules which runtime is meant.

#![allow(clippy::duplicate_mod, reason = "they are the same tests, on another runtime")]

use bellwire_any::Runtime;

mod async_std;
mod blocking;
mod smol;

#[test]
fn the_modules_are_known() {
    let known = [async_std::common::runtime, blocking::common::runtime, smol::common::runtime];
    let known = known.map(|runtime| runtime().expect("a runtime"));
    assert_eq!(known, [Runtime::AsyncStd, Runtime::Blocking, Runtime::Smol]);
}
