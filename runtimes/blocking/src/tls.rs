//! TLS with rustls, over any transport: implicit, or from when both ends agree to begin (STARTTLS).
//!
//! ```no_run
//! use bellwire::dialect::notif::{Notif, Random};
//! use bellwire_blocking::Connector;
//! use bellwire_blocking::tls::{TlsConfig, Trust};
//!
//! let tls = TlsConfig::new(Trust::ca_pem(&std::fs::read("server.pem")?)?)?;
//! let (client, notifications) = Connector::new(Notif::default()).tls("example.org:6789", &tls)?;
//! println!("{}", client.request(Random)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use bellwire_adapter::{Transport, is_pause};

use crate::transport::{Pollable, Ready, poll_alone};

pub use bellwire_adapter::tls::{Tls, TlsConfig, Trust, TrustError, rustls, server_name};

impl<S: Pollable> Pollable for Tls<S> {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.below().descriptor()
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.below_mut().prepare()
    }
}

/// Brings the handshake to its end, waiting no longer than this.
pub(crate) fn shake_hands(stream: &mut Tls<impl Pollable>, within: Duration) -> io::Result<()> {
    let until = Instant::now().checked_add(within);
    loop {
        match stream.handshake() {
            Err(error) if is_pause(&error) => {}
            done => return done,
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            let why = "the server does not finish the TLS handshake";
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        if let Some(descriptor) = stream.descriptor() {
            let write = stream.awaits_write(false);
            poll_alone(descriptor, Ready { write, ..Ready::to_read() }, left)?;
        }
    }
}
