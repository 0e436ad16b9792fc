//! What every adapter must do, in every dialect: the tests of this package.
