//! What a connection runs over.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

/// A stream of bytes that a client can be driven over (guarantee G23). Where reading or writing would
/// have to wait, it fails with `WouldBlock`, and whoever drives it knows how to learn when to try again.
pub trait Transport: Read + Write + Send + 'static {
    /// Whether nobody can listen in: TLS, or a socket that never leaves the machine. Some dialects
    /// send no password otherwise.
    fn is_private(&self) -> bool {
        false
    }

    /// Whether something can be read at once that waiting for what is below does not tell of:
    /// bytes that were taken from there already, as TLS does, or the end of them.
    fn has_input(&self) -> bool {
        false
    }

    /// Whether to wait until what is below may be written; `due` is whether anything is left that
    /// [`write`](Write::write) would not take. A transport that has bytes of its own to write, or
    /// that must read before it takes any, says so here; the former are written by
    /// [`flush`](Write::flush).
    fn awaits_write(&self, due: bool) -> bool {
        due
    }

    /// From here on, speaks TLS (STARTTLS): both ends have just agreed to.
    ///
    /// The transport has read no further than what [`read`](Read::read) gave. Whatever of that
    /// comes behind the agreement is no part of the secured conversation, and may be an attacker's:
    /// the caller must refuse it (RFC 9051, section 11.1; RFC 3207, section 5).
    ///
    /// # Errors
    ///
    /// When the transport has no such form, or speaks TLS already.
    fn upgrade(&mut self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this transport cannot be upgraded to TLS"))
    }

    /// Whether it has to be [upgraded](Self::upgrade) before it is used for anything but what the
    /// connection begins with, because TLS was asked for.
    fn must_upgrade(&self) -> bool {
        false
    }

    /// Ends the connection in both directions, and wakes whoever waits for it.
    fn shutdown(&mut self) {}
}

impl Transport for TcpStream {
    fn shutdown(&mut self) {
        // It may be gone already.
        let _ = TcpStream::shutdown(self, Shutdown::Both);
    }
}

#[cfg(unix)]
impl Transport for UnixStream {
    fn is_private(&self) -> bool {
        true
    }

    fn shutdown(&mut self) {
        let _ = UnixStream::shutdown(self, Shutdown::Both);
    }
}

/// Whether a stream that does not wait would have to.
#[must_use]
pub fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
