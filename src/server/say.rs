//! Saying: from replies and notifications to bytes.

use alloc::vec::Vec;

use super::{Answer, End, Server, Slot};
use crate::command::{Encoder, append};
use crate::config::ServerLimits;
use crate::dialect::ServerDialect;
use crate::error::Refusal;
use crate::event::{Reply, Status};
use crate::mode::Lasts;
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
        let write = |line: &mut Encoder<'_>| dialect.reply(&slot.note, reply, line);
        if index == 0 {
            append_reply(output.buffer(), &config.limits, write)?;
            slots.pop_front();
            self.answered(reply.status);
        } else {
            let mut ready = Vec::new();
            append_reply(&mut ready, &config.limits, write)?;
            slot.answer = Answer::Ready(ready);
        }
        if matches!(self.end, End::Open) {
            self.watch_silence();
        }
        Ok(())
    }

    /// A command has been answered, in its turn. If it was one of a list, it is the only one that was
    /// told: refused, it is the last.
    fn answered(&mut self, status: Status) {
        let Some(list) = &mut self.list else { return };
        if !list.has_begun() {
            return;
        }
        if status == Status::Refused {
            list.cut_short();
        }
        self.end_list();
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
        let wanted =
            self.listening && self.entered.as_ref().is_none_or(|note| dialect.wants(note, topic));
        topics.announce(topic, dialect.rank(topic), config.limits.topics, wanted)
    }

    /// Moves what may be said to the output: replies whose turn it is, then notifications.
    pub(super) fn flush(&mut self) {
        while self.output.len() < self.config.limits.output && self.flush_reply() {}
        if self.has_news() {
            self.flush_news();
        }
        while self.listening
            && self.dialect.lasts() == Lasts::UntilLeft
            && self.output.len() < Self::NOTIFICATIONS_AHEAD
            && self.flush_notification()
        {}
    }

    /// Whether there is something that ends the mode.
    pub(super) fn has_news(&self) -> bool {
        self.listening && self.topics.any_waiting() && self.dialect.lasts() == Lasts::UntilNews
    }

    /// Notifications wait with their topic, where they merge, rather than behind so many bytes
    /// that the transport does not take.
    const NOTIFICATIONS_AHEAD: usize = 512;

    fn flush_reply(&mut self) -> bool {
        let ready = |slot: &Slot<D::Note>| !matches!(slot.answer, Answer::Awaited(_));
        if !self.slots.front().is_some_and(ready) {
            return false;
        }
        let Some(Slot { note, answer }) = self.slots.pop_front() else { return false };
        let out = self.output.buffer();
        match answer {
            Answer::Awaited(_) => {}
            Answer::Ready(bytes) => out.extend_from_slice(&bytes),
            Answer::Rejection(why) => {
                let reply = Reply::refused(why.as_bytes());
                // The dialect has chosen these words itself, so it can say them.
                let _ = append(out, usize::MAX, |line| self.dialect.reply(&note, reply, line));
            }
            Answer::Acknowledgement => self.dialect.acknowledge(&note, &mut Encoder::new(out)),
            Answer::Switch { listening } => self.switched(note, listening),
        }
        true
    }

    /// It is a mode switch's turn.
    fn switched(&mut self, note: D::Note, listening: bool) {
        let Self { dialect, output, topics, entered, .. } = self;
        let line = &mut Encoder::new(output.buffer());
        match (dialect.lasts(), listening) {
            (Lasts::UntilLeft, _) => dialect.acknowledge(&note, line),
            (Lasts::UntilNews, true) => {}
            (Lasts::UntilNews, false) => {
                dialect.acknowledge(entered.as_ref().unwrap_or(&note), line);
            }
        }
        topics.switched(|topic| listening && dialect.wants(&note, topic));
        self.listening = listening;
        self.entered = listening.then_some(note);
    }

    /// All that is new, together, and with it the end of the mode. What the client did not want to
    /// know is forgotten, too.
    fn flush_news(&mut self) {
        let Self { dialect, output, topics, entered, .. } = self;
        let mut news = Encoder::new(output.buffer());
        for topic in topics.all_waiting() {
            // It was checked when it was announced.
            let _ = dialect.notify(topic, &mut news);
        }
        if let Some(note) = entered.take() {
            dialect.acknowledge(&note, &mut news);
        }
        topics.forget();
        self.listening = false;
        self.asked = false;
        self.watch_silence();
    }

    fn flush_notification(&mut self) -> bool {
        let Self { dialect, topics, output, .. } = self;
        let Some(topic) = topics.take() else { return false };
        // It was checked when it was announced.
        dialect.notify(topic, &mut Encoder::new(output.buffer())).is_ok()
    }
}

/// As [`append`], for a reply, which may have many frames.
fn append_reply(
    out: &mut Vec<u8>,
    limits: &ServerLimits,
    write: impl FnOnce(&mut Encoder<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let before = out.len();
    append(out, limits.frame, write)?;
    if out.len() - before > limits.reply {
        out.truncate(before);
        return Err(Refusal::TooLong { allowed: limits.reply });
    }
    Ok(())
}
