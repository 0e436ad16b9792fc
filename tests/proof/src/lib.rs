//! What is tried on the machines beyond examples. How, and with what result: `TESTING.md`.
//!
//! | question | room |
//! |---|---|
//! | does a machine do what a naive one does, whatever happens to it? | `model`; with any bytes as a case: [`operations`] |
//! | do the same bytes mean the same, however they are cut? | [`split`] |
//! | do both ends understand each other, whatever the link does? | [`back_to_back`] |
//! | is what is written read as just that? | [`encoders`], [`transcripts`] |
//! | what can happen at all? | `worlds` |
//! | what does time do, in a million hours? | `hours` |
//! | what is fuzzed? | [`targets`]: a list of functions of any bytes, each of which panics if something is wrong |

pub mod back_to_back;
pub mod encoders;
pub mod operations;
pub mod split;
pub mod targets;
pub mod transcripts;

mod cases;
#[cfg(test)]
mod hours;
mod model;
mod outcomes;
#[cfg(test)]
mod worlds;
