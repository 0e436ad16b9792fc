//! The device alone: it can be built where there is no `std`.
//!
//! ```console
//! $ cargo build --example uart_device --no-default-features
//! ```

#![no_std]

pub mod device;
