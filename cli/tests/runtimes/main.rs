//! The tests of what connects once more, on each runtime but the default, where they run anyway.
//!
//! `common` knows by the names of these modules which runtime is meant.

#![allow(clippy::duplicate_mod, reason = "they are the same tests, on another runtime")]

mod async_std;
mod blocking;
mod smol;
