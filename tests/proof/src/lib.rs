//! What is tried on the machines beyond examples.

#[cfg(test)]
mod hours;
#[cfg(test)]
mod model;
#[cfg(test)]
mod worlds;
