//! What is tried on the machines beyond examples.

mod model;
pub mod operations;
