//! Saying: from replies and notifications to bytes.

use alloc::vec::Vec;

use super::{Answer, End, Server};
use crate::command::{Encoder, append};
use crate::dialect::ServerDialect;
use crate::error::Refusal;
use crate::event::Reply;
use crate::ticket::Ticket;
use crate::topics::Notify;

impl<D: ServerDialect> Server<D> {
    pub(super) fn answer(&mut self, ticket: Ticket, reply: Reply<&[u8]>) -> Result<(), Refusal> {
        if matches!(self.end, End::Fault(_)) {
            return Err(Refusal::Closed);
        }
        self.flush();
        let Self { dialect, slots, output, config, .. } = self;
        let index = slots
            .iter()
            .position(|slot| matches!(slot.answer, Answer::Awaited(t) if t == ticket))
            .ok_or(Refusal::UnknownTicket)?;
        let Some(slot) = slots.get_mut(index) else { return Err(Refusal::UnknownTicket) };
        let limit = config.limits.frame;
        if index == 0 {
            append(output.buffer(), limit, |line| dialect.reply(&slot.note, reply, line))?;
            slots.pop_front();
        } else {
            let mut ready = Vec::new();
            append(&mut ready, limit, |line| dialect.reply(&slot.note, reply, line))?;
            slot.answer = Answer::Ready(ready);
        }
        Ok(())
    }

    pub(super) fn announce(&mut self, topic: &[u8]) -> Result<Notify, Refusal> {
        if !matches!(self.end, End::Open) {
            return Err(Refusal::Closed);
        }
        let Self { dialect, topics, config, .. } = self;
        if !topics.knows(topic) {
            let mut trial = Vec::new();
            append(&mut trial, config.limits.frame, |line| dialect.notify(topic, line))?;
        }
        topics.announce(topic, config.limits.topics, self.listening)
    }

    /// Moves what may be said to the output: replies whose turn it is, then notifications.
    pub(super) fn flush(&mut self) {
        while self.output.len() < self.config.limits.output && self.flush_reply() {}
        while self.listening
            && self.output.len() < Self::NOTIFICATIONS_AHEAD
            && self.flush_notification()
        {}
    }

    /// Notifications wait with their topic, where they merge, rather than behind so many bytes
    /// that the transport does not take.
    const NOTIFICATIONS_AHEAD: usize = 512;

    fn flush_reply(&mut self) -> bool {
        let Self { dialect, slots, output, .. } = self;
        let Some(slot) = slots.front() else { return false };
        let out = output.buffer();
        match &slot.answer {
            Answer::Awaited(_) => return false,
            Answer::Ready(bytes) => out.extend_from_slice(bytes),
            Answer::Rejection(why) => {
                let reply = Reply::refused(why.as_bytes());
                // The dialect has chosen these words itself, so it can say them.
                let _ = append(out, usize::MAX, |line| dialect.reply(&slot.note, reply, line));
            }
            Answer::Switch { listening } => {
                dialect.acknowledge(&slot.note, &mut Encoder::new(out));
                self.listening = *listening;
                self.topics.switched(*listening);
            }
        }
        self.slots.pop_front();
        true
    }

    fn flush_notification(&mut self) -> bool {
        let Self { dialect, topics, output, .. } = self;
        let Some(topic) = topics.take() else { return false };
        // It was checked when it was announced.
        dialect.notify(topic, &mut Encoder::new(output.buffer())).is_ok()
    }
}
