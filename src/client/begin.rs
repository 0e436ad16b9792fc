//! What a connection begins with, and the change of the stream to TLS.

use core::fmt;

use super::Client;
use crate::command::Command;
use crate::dialect::Dialect;
use crate::error::{Error, Excerpt, Refused};
use crate::ticket::Ticket;

impl<D: Dialect> Client<D> {
    /// The connection has to begin with something: logging in, say. Until
    /// [`opened`](Self::opened) is called, nothing is said but what
    /// [`opening_command`](Self::opening_command) is given; other commands, and the notification
    /// mode, wait.
    ///
    /// ```
    /// use bellwire::dialect::notif::{Notif, Random};
    /// use bellwire::{Client, Config};
    ///
    /// let mut client = Client::new(Notif::default(), Config::default());
    /// client.open();
    /// client.listen();
    /// client.command(Random)?;
    /// client.opening_command("let-me-in").unwrap();
    /// assert_eq!(client.output(), b"let-me-in\r\n");
    /// client.written(11);
    /// client.feed(b"welcome\r\n").next().unwrap();
    /// assert_eq!(client.output(), b"");
    /// client.opened();
    /// assert_eq!(client.output(), b"random?\r\n");
    /// # Ok::<(), bellwire::Refused<Random>>(())
    /// ```
    pub fn open(&mut self) {
        self.opening = true;
    }

    /// Accepts a command that the connection begins with: it goes before all others that wait, and is
    /// accepted however many these are. Its reply must come as soon as any other's.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub fn opening_command<C>(&mut self, command: C) -> Result<Ticket, Refused<C>>
    where
        C: Command<D> + fmt::Debug,
    {
        match self.accept(&command, self.config.timers.reply, true) {
            Ok(ticket) => Ok(ticket),
            Err(why) => Err(Refused { value: command, why }),
        }
    }

    /// The connection has begun: what waited is said.
    pub fn opened(&mut self) {
        self.opening = false;
        self.listen_for_silence();
    }

    /// Whether the connection still has to begin; see [`open`](Self::open).
    #[must_use]
    pub fn is_opening(&self) -> bool {
        self.opening
    }

    /// Whether the stream has to change before anything else can be said or heard: the server has
    /// agreed to switch to TLS. See [`upgrade`](Self::upgrade).
    #[must_use]
    pub fn is_upgrading(&self) -> bool {
        self.input.is_sealed()
    }

    /// The stream has changed, to TLS: goes on with what comes over it. What came behind the server's
    /// agreement in plain text is refused, for anybody may have put it there, and what the dialect had
    /// learned in plain text is forgotten.
    ///
    /// Do it between the server's agreement and the first byte of TLS; without a command that marks a
    /// [barrier](crate::Encoder::barrier) it does nothing.
    ///
    /// # Errors
    ///
    /// When something came in plain text that should not have; the connection is over then.
    pub fn upgrade(&mut self) -> Result<(), Error> {
        if !self.is_upgrading() {
            return Ok(());
        }
        let behind = self.input.unseal();
        if !behind.is_empty() {
            let what = "plain text came behind the agreement to switch to TLS";
            let error = Error::Protocol { what, excerpt: Excerpt::new(&behind) };
            self.fault(error.clone());
            return Err(error);
        }
        self.dialect.upgraded();
        self.secured();
        self.listen_for_silence();
        Ok(())
    }

    /// Nobody can listen in on this connection: it runs over TLS, or over a socket that never leaves
    /// the machine. Some dialects do not send secrets before they know (IMAP).
    pub fn secured(&mut self) {
        self.dialect.secured();
    }
}
