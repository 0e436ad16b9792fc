//! What is tried on the machines beyond examples.

#[cfg(test)]
mod model;
pub mod split;
