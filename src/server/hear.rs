//! Hearing: from frames to events.

use alloc::boxed::Box;
use core::time::Duration;

use super::list::{List, Place};
use super::{Answer, End, Server, Slot};
use crate::clock::Timer;
use crate::command::redact_from;
use crate::dialect::{Heard, ServerDialect, Standing};
use crate::error::{Closed, Error, Excerpt, LimitKind};
use crate::event::ServerEvent;
use crate::frame::Cut;
use crate::mode::Lasts;

impl<D: ServerDialect> Server<D> {
    pub(super) fn take_event(&mut self) -> Result<Option<ServerEvent<Place>>, Error> {
        match &self.end {
            End::Fault(error) => return Err(error.clone()),
            End::Over => return self.expire(),
            End::Open | End::Eof(_) => {}
        }
        if self.list.as_ref().is_some_and(|list| list.is_over()) {
            self.list = None;
        }
        loop {
            if !self.may_hear() {
                self.flush();
            }
            if !self.may_hear() {
                // Nobody makes room any more, or waits for an answer.
                let reset = matches!(self.end, End::Eof(Some(Closed::Reset)));
                return if reset { self.quiet_events() } else { self.expire() };
            }
            let event = match self.list.as_mut().and_then(|list| list.take()) {
                Some((line, standing)) => self.hear(Place::List(line), standing)?,
                None if self.end_list() => None,
                None => match self.cut() {
                    Cut::Frame(frame) => self.hear(Place::Input(frame), self.standing())?,
                    Cut::Piece { text: frame, .. } | Cut::TooLong(frame) => {
                        self.input.drop_line();
                        let heard = self.dialect.too_long();
                        self.take(heard, Place::Input(frame))?
                    }
                    Cut::Broken(what, frame) => {
                        return Err(self.violation(what, &Place::Input(frame)));
                    }
                    Cut::Nothing => return self.quiet_events(),
                },
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn cut(&mut self) -> Cut {
        if !self.input.skip_line() {
            return Cut::Nothing;
        }
        let Self { dialect, input, config, .. } = self;
        input.cut(config.limits.frame, |input, searched| dialect.frame(input, searched))
    }

    fn standing(&self) -> Standing {
        match &self.list {
            _ if self.asked => Standing::Listening,
            Some(list) if list.is_written() => Standing::Listing,
            _ => Standing::Outside,
        }
    }

    /// Whether the next line may be heard: there is room for its answer, and where the client stands
    /// does not depend on what is not said yet.
    fn may_hear(&self) -> bool {
        !self.is_full() && !self.is_held_up() && !self.has_news()
    }

    /// Whether what comes next has to wait for answers. What it means depends on how the mode goes
    /// on, which is not known before it is entered; or on whether the commands before it in its list
    /// are refused.
    pub(super) fn is_held_up(&self) -> bool {
        let listed = self.list.as_ref().is_some_and(|list| list.is_running());
        let entering = self.asked && !self.listening && self.dialect.lasts() == Lasts::UntilNews;
        !self.slots.is_empty() && (listed || entering)
    }

    /// What was told last is still there.
    pub(super) fn bytes(&self, place: &Place) -> &[u8] {
        place.bytes(&self.input, self.list.as_deref())
    }

    fn hear(
        &mut self,
        line: Place,
        standing: Standing,
    ) -> Result<Option<ServerEvent<Place>>, Error> {
        let Self { dialect, input, list, .. } = self;
        let heard = dialect.hear(line.bytes(input, list.as_deref()), standing);
        let told = self.take(heard, line)?;
        let goes_on = matches!(told, None | Some(ServerEvent::Command { .. }));
        if let (Standing::Member { .. }, false, Some(list)) = (standing, goes_on, &mut self.list) {
            list.cut_short();
        }
        Ok(told)
    }

    fn take(
        &mut self,
        heard: Heard<D::Note>,
        line: Place,
    ) -> Result<Option<ServerEvent<Place>>, Error> {
        Ok(Some(match heard {
            Heard::Command { note, text, reads } => {
                let ticket = self.tickets.issue();
                self.owe(note, Answer::Awaited(ticket));
                self.watch_silence();
                // Read now, not when it is answered: what is announced meanwhile is news.
                if let Some(topic) = reads {
                    let topic = line.part(topic);
                    self.topics.read(topic.bytes(&self.input, self.list.as_deref()));
                }
                let text = line.part(text);
                ServerEvent::Command { ticket, secret: self.secret(&text), text }
            }
            Heard::Enter(note) => {
                self.switch(note, true);
                ServerEvent::Listening(line)
            }
            Heard::Leave(note) => {
                self.switch(note, false);
                ServerEvent::NotListening(line)
            }
            Heard::Acknowledge => ServerEvent::Acknowledged(line),
            Heard::Rejected(note, why) => {
                self.owe(note, Answer::Rejection(why));
                ServerEvent::Rejected { secret: self.secret(&line), text: line, why }
            }
            Heard::Expelled(note, why) => {
                self.owe(note, Answer::Rejection(why));
                self.hang_up();
                ServerEvent::Rejected { secret: self.secret(&line), text: line, why }
            }
            Heard::Goodbye => {
                self.hang_up();
                ServerEvent::Goodbye(line)
            }
            Heard::Violation(what) => return Err(self.violation(what, &line)),
            Heard::ListBegin { marked } => {
                self.list = Some(Box::new(List::new(marked)));
                return Ok(None);
            }
            Heard::Listed => return self.keep(&line).map(|()| None),
            Heard::ListEnd(note) => {
                if let Some(list) = &mut self.list {
                    list.run(note);
                }
                return Ok(None);
            }
            Heard::Ignored => return Ok(None),
        }))
    }

    fn keep(&mut self, line: &Place) -> Result<(), Error> {
        let (Place::Input(frame), Some(list)) = (line, &mut self.list) else { return Ok(()) };
        let allowed = self.config.limits.list;
        if list.keep(self.input.bytes(*frame), allowed) {
            return Ok(());
        }
        let excerpt = self.excerpt(line);
        Err(self.fault(Error::Limit { limit: LimitKind::List, allowed, excerpt }))
    }

    /// Answers the command list that runs, if there is nothing left in it. To be called when all that
    /// was told of it has been answered.
    pub(super) fn end_list(&mut self) -> bool {
        let end = self.list.as_mut().and_then(|list| list.end());
        end.map(|note| self.owe(note, Answer::Acknowledgement)).is_some()
    }

    fn violation(&mut self, what: &'static str, line: &Place) -> Error {
        let excerpt = self.excerpt(line);
        self.fault(Error::Protocol { what, excerpt })
    }

    fn excerpt(&self, line: &Place) -> Excerpt {
        Excerpt::new(&redact_from(self.bytes(line), self.secret(line)))
    }

    /// Where a secret begins in what the client has said.
    fn secret(&self, said: &Place) -> Option<usize> {
        self.dialect.secret(self.bytes(said))
    }

    fn switch(&mut self, note: D::Note, listening: bool) {
        self.asked = listening;
        self.watch_silence();
        self.owe(note, Answer::Switch { listening });
        if self.dialect.lasts() == Lasts::UntilNews {
            // If it is its turn, the next line depends on it.
            self.flush();
        }
    }

    fn owe(&mut self, note: D::Note, answer: Answer) {
        self.slots.push_back(Slot { note, answer });
        self.peak.note(self.slots.len());
    }

    pub(super) fn is_full(&self) -> bool {
        let limits = &self.config.limits;
        self.slots.len() >= limits.pending.max(1) || self.output.len() >= limits.output
    }

    /// The client's silence counts from now on, unless it waits for an answer: then it has nothing to
    /// say.
    pub(super) fn watch_silence(&mut self) {
        let waits = self.slots.iter().any(|slot| matches!(slot.answer, Answer::Awaited(_)));
        self.patience.silence = Timer::start(self.silence_allowed().filter(|_| !waits));
    }

    fn silence_allowed(&self) -> Option<Duration> {
        let timers = &self.config.timers;
        match (self.asked, self.dialect.lasts()) {
            (false, _) => timers.silence,
            (true, Lasts::UntilLeft) => timers.autologout,
            // It waits for an answer, and has nothing to say.
            (true, Lasts::UntilNews) => None,
        }
    }
}
