//! What runs on the device: a display that shows the number of a board at the other end of a serial
//! line. It needs `core`, `alloc` and Bellwire, and nothing else.
//!
//! Bytes come and go one at a time, as the interrupts of a UART bring and take them, and time is a count
//! of ticks. Who has better things to do in an interrupt puts bytes into a ring, and calls these methods
//! from the main loop.

extern crate alloc;

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bellwire::dialect::notif::{Notif, Random};
use bellwire::{Answer, Client, Command, Config, Event};

/// The device, with its screen.
#[derive(Debug)]
pub struct Device<S> {
    client: Client<Notif>,
    /// Milliseconds since the device was switched on.
    ticks: u64,
    screen: S,
    /// The board was silent, and has not answered since.
    is_cut_off: bool,
}

impl<S: fmt::Write> Device<S> {
    /// A device that has just been switched on.
    pub fn new(screen: S) -> Self {
        let mut config = Config::default();
        // Memory is short, and a line that is cut says nothing: only a probe finds out.
        config.limits.frame = 64;
        config.limits.reply = 64;
        config.limits.output = 64;
        config.timers.reply = Some(Duration::from_secs(1));
        config.timers.switch = Some(Duration::from_secs(1));
        config.timers.silence = Some(Duration::from_secs(5));
        config.timers.probe = Some(Duration::from_secs(1));
        let mut client = Client::new(Notif::default(), config);
        client.listen();
        Self { client, ticks: 0, screen, is_cut_off: false }
    }

    /// A byte has come.
    ///
    /// # Errors
    ///
    /// Those of the screen.
    pub fn received(&mut self, byte: u8) -> fmt::Result {
        self.client.feed(&[byte]);
        self.look()
    }

    /// The byte to send, if there is one. It counts as sent.
    pub fn send(&mut self) -> Option<u8> {
        let byte = *self.client.output().first()?;
        self.client.written(1);
        Some(byte)
    }

    /// A millisecond has passed.
    ///
    /// # Errors
    ///
    /// Those of the screen.
    pub fn tick(&mut self) -> fmt::Result {
        self.ticks += 1;
        let now = Duration::from_millis(self.ticks);
        if self.client.deadline().is_none_or(|at| now < at) {
            return Ok(());
        }
        self.client.tick(now);
        self.look()
    }

    /// The screen.
    pub fn screen(&self) -> &S {
        &self.screen
    }

    /// Shows what has happened, and asks for what was announced.
    fn look(&mut self) -> fmt::Result {
        loop {
            match self.client.events().next().map(|event| event.map(Event::into_owned)) {
                Ok(Some(Event::Notification(it))) if it.topic() == "random" => {
                    if let Err(refused) = self.client.command(Random) {
                        writeln!(self.screen, "{refused}")?;
                    }
                }
                Ok(Some(Event::Reply { reply, .. })) => {
                    match Random.decode(Answer { parts: Vec::new(), reply }) {
                        Ok(number) => writeln!(self.screen, "number {number}")?,
                        Err(error) => writeln!(self.screen, "{error}")?,
                    }
                }
                Ok(Some(Event::Failed { why, .. })) => writeln!(self.screen, "{why}")?,
                Ok(Some(Event::Listening(_))) if self.is_cut_off => {
                    self.is_cut_off = false;
                    writeln!(self.screen, "listening again")?;
                }
                // It stood behind what the board had of a line that was cut.
                Ok(Some(Event::SwitchRefused(_))) if self.is_cut_off => self.client.listen(),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => {
                    if !self.is_cut_off {
                        writeln!(self.screen, "{error}")?;
                    }
                    self.is_cut_off = true;
                    // A line has no connection to make anew: the next machine tries again at once.
                    self.client = self.client.successor(Notif::default());
                }
            }
        }
    }
}
