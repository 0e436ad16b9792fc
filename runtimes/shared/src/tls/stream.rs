//! A transport that speaks TLS.

use std::io::{self, Read, Write};

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::{TlsConfig, explain};
use crate::transport::{Transport, is_pause};

/// How much of what is written is encrypted ahead of what the transport below takes.
const AHEAD: usize = 64 * 1024;

/// TLS over another transport. It blocks where that does, and nowhere else: over a polled one, the
/// handshake goes on with each read and write.
///
/// Until the handshake has shown that the server is the right one, nothing of what is to be said is
/// taken. A handshake that stalls is thus a write that makes no progress, which has its deadline.
///
/// A connection that ends without TLS's own good-bye may have been cut short by anybody: reading
/// then fails with `UnexpectedEof` (guarantee G18).
#[derive(Debug)]
pub struct Tls<S: Transport> {
    below: S,
    session: ClientConnection,
    /// Until both ends have agreed to begin, bytes pass as they are.
    begun: bool,
    /// The session has failed, and that has not been told yet.
    failed: bool,
}

impl<S: Transport> Tls<S> {
    /// Speaks TLS from the first byte on, with a server that has to prove that it is `name`.
    ///
    /// # Errors
    ///
    /// When rustls refuses a configuration that did not come from a [`Trust`](super::Trust).
    pub fn new(below: S, config: &TlsConfig, name: ServerName<'static>) -> io::Result<Self> {
        let mut tls = Self::starttls(below, config, name)?;
        tls.begun = true;
        Ok(tls)
    }

    /// Begins in plaintext, and speaks TLS once it is [upgraded](Transport::upgrade).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn starttls(below: S, config: &TlsConfig, name: ServerName<'static>) -> io::Result<Self> {
        let mut session = config.connection(name)?;
        session.set_buffer_limit(Some(AHEAD));
        Ok(Self { below, session, begun: false, failed: false })
    }

    /// The transport below.
    pub fn below(&self) -> &S {
        &self.below
    }

    /// The transport below. What is read from it or written to it is missing above.
    pub fn below_mut(&mut self) -> &mut S {
        &mut self.below
    }

    /// Goes on with the handshake.
    ///
    /// # Errors
    ///
    /// `WouldBlock`: it waits for the server. Otherwise it has failed.
    pub fn handshake(&mut self) -> io::Result<()> {
        while self.session.is_handshaking() {
            self.send()?;
            if self.session.read_tls(&mut self.below)? == 0 {
                return Err(cut_short(true));
            }
            self.process()?;
        }
        Ok(())
    }

    /// Decrypts what has come.
    fn process(&mut self) -> io::Result<()> {
        let handshaking = self.session.is_handshaking();
        let processed = self.session.process_new_packets();
        processed.map(drop).map_err(|error| explain(error, handshaking))
    }

    /// Sends what is encrypted already.
    fn send(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if self.session.write_tls(&mut self.below)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        self.below.flush()
    }

    fn say_good_bye(&mut self) {
        if self.begun {
            self.session.send_close_notify();
            // If it blocks, or the server is gone, it stays unsaid.
            let _ = self.send();
        }
    }
}

impl<S: Transport> Read for Tls<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            return self.below.read(buffer);
        }
        loop {
            let handshaking = self.session.is_handshaking();
            let processed = self.process();
            // What cannot be said is no reason not to hear; whoever writes is told.
            let _ = self.send();
            match self.session.reader().read(buffer) {
                Ok(count) => {
                    self.failed = processed.is_err();
                    return Ok(count);
                }
                Err(error) if is_pause(&error) => {}
                Err(_) => return Err(cut_short(handshaking)),
            }
            self.failed = false;
            processed?;
            self.session.read_tls(&mut self.below)?;
        }
    }
}

impl<S: Transport> Write for Tls<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.begun {
            return self.below.write(bytes);
        }
        self.handshake()?;
        if let Err(error) = self.send()
            && !is_pause(&error)
        {
            return Err(error);
        }
        match self.session.writer().write(bytes)? {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.begun { self.send() } else { self.below.flush() }
    }
}

impl<S: Transport> Transport for Tls<S> {
    fn has_input(&self) -> bool {
        if !self.begun {
            return self.below.has_input();
        }
        let decrypted = !self.session.is_handshaking() && !self.session.wants_read();
        decrypted || self.failed || self.below.has_input()
    }

    fn awaits_write(&self, due: bool) -> bool {
        if self.begun {
            // What is due and not taken waits for this, or for the server's part of the handshake.
            self.session.wants_write()
        } else {
            self.below.awaits_write(due)
        }
    }

    /// Nothing is said before the handshake has ended.
    fn is_private(&self) -> bool {
        self.begun
    }

    fn must_upgrade(&self) -> bool {
        !self.begun
    }

    fn upgrade(&mut self) -> io::Result<()> {
        if self.begun {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS is spoken already"));
        }
        self.begun = true;
        Ok(())
    }

    fn shutdown(&mut self) {
        self.say_good_bye();
        self.below.shutdown();
    }
}

impl<S: Transport> Drop for Tls<S> {
    fn drop(&mut self) {
        self.say_good_bye();
    }
}

fn cut_short(handshaking: bool) -> io::Error {
    let why = if handshaking {
        "the connection ended in the middle of the TLS handshake"
    } else {
        "the connection ended without TLS's close_notify: it may have been cut short"
    };
    io::Error::new(io::ErrorKind::UnexpectedEof, why)
}
