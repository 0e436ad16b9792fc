//! What is tried on the machines beyond examples.

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
