//! What is tried on the machines beyond examples.

#[cfg(test)]
mod hours;
mod model;
pub mod operations;
#[cfg(test)]
mod worlds;
