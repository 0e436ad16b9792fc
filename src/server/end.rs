//! What happens when no frame is left: deadlines, and the end of the connection.

use core::mem;
use core::time::Duration;

use super::list::Place;
use super::{End, Patience, Server, ServerEvents};
use crate::dialect::ServerDialect;
use crate::error::{Closed, Error, Wait};
use crate::event::ServerEvent;

impl<D: ServerDialect> Server<D> {
    pub(super) fn quiet_events(&mut self) -> Result<Option<ServerEvent<Place>>, Error> {
        let End::Eof(how) = self.end else { return self.expire() };
        let listed = self.list.as_ref().map_or(0, |list| list.size());
        let how = how.unwrap_or(match self.input.pending() + listed {
            0 => Closed::Cleanly,
            bytes => Closed::MidFrame { bytes },
        });
        self.hang_up();
        Ok(Some(ServerEvent::Closed(how)))
    }

    pub(super) fn expire(&mut self) -> Result<Option<ServerEvent<Place>>, Error> {
        if !mem::take(&mut self.patience.ticked) {
            return Ok(None);
        }
        let now = self.clock.now();
        if self.patience.write.passed(now) {
            return Err(self.fault(Error::TimedOut(Wait::Write)));
        }
        if self.patience.silence.passed(now) {
            let wait = if self.asked { Wait::Autologout } else { Wait::Silence };
            return Err(self.fault(Error::TimedOut(wait)));
        }
        Ok(None)
    }

    pub(super) fn earliest(&self) -> Option<Duration> {
        let Patience { silence, write, .. } = self.patience;
        self.clock.earliest([silence, write].into_iter())
    }

    /// `how`: the connection broke; or the client has closed it, or its half of it.
    pub(super) fn finish(&mut self, how: Option<Closed>) -> ServerEvents<'_, D> {
        match self.end {
            End::Open => self.end = End::Eof(how),
            // It had closed its half, and now it is gone.
            End::Eof(_) if how.is_some() => self.end = End::Eof(how),
            End::Over if how.is_some() => self.fall_silent(),
            End::Eof(_) | End::Over | End::Fault(_) => {}
        }
        self.events()
    }

    /// Nothing more is heard; what was asked before may still be answered.
    pub(super) fn hang_up(&mut self) {
        self.patience.silence.stop();
        if let End::Eof(Some(_)) = mem::replace(&mut self.end, End::Over) {
            self.fall_silent();
        }
    }

    /// Nobody is there who could read any more: what is due or was announced stays unsaid, or it would
    /// follow half a line (guarantee G18).
    fn fall_silent(&mut self) {
        self.slots.clear();
        self.output.clear();
        self.listening = false;
        self.patience.silence.stop();
        self.patience.write.stop();
    }

    pub(super) fn fault(&mut self, error: Error) -> Error {
        self.end = End::Fault(error.clone());
        self.fall_silent();
        self.input.clear();
        self.list = None;
        error
    }
}
