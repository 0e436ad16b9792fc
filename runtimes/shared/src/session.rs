//! A client's session without its I/O: over one connection after the other, with requests whose
//! callers wait, and notifications on their way to their readers.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bellwire::transcript::{Act, Said};
use bellwire::{
    Abandoned, Answer, Client, Command, Config, Dialect, Event, Excerpt, Failure, Phase, Refusal,
    Refused, Reply, Ticket, command,
};
use bytes::Bytes;

use crate::error::Ended;
use crate::inbox::{Gap, Inbox, Notice, QueueId};
use crate::observer::{Observer, log_lines};
use crate::opening::{Opening, as_typed};
use crate::wakers::Wakers;

mod begin;
mod data;
mod gather;
mod waiting;

use begin::Opened;
use gather::{Copies, Pieces, Request, Requests};

/// Names a request through the whole session: tickets start anew with each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    connection: u64,
    ticket: Ticket,
}

/// What became of a request.
pub type Outcome = Result<Answer, Failure>;

/// A client's session. An adapter owns one behind a lock, and adds a transport and a clock.
///
/// All state is here: a caller that stops waiting loses nothing but his own reply (guarantee G19).
pub struct Session<D: Dialect> {
    /// The dialect as it is before it has seen a connection.
    fresh: D,
    client: Client<D>,
    openings: Arc<[Box<dyn Opening<D>>]>,
    opening: Opened,
    requests: Requests,
    copies: Copies,
    pieces: Pieces,
    /// Notifications on their way.
    pub inbox: Inbox,
    observer: Option<Box<dyn Observer>>,
    /// So many of the bytes that are due have been shown.
    shown: usize,
    /// The observer does not know yet that some of them are decided.
    untold: bool,
    connection: u64,
    ended: Option<Ended>,
    /// How the last connection that has ended did.
    lost: Option<Ended>,
    listening: bool,
    pauses: usize,
    /// A gap stands in the inbox, and the server has not confirmed that it sends notifications again.
    resuming: bool,
    /// Who waits for a connection.
    waiting: Vec<Waker>,
    wakers: Wakers,
}

impl<D: Dialect + Clone> Session<D> {
    /// A session that has its first connection; each begins with `openings`.
    pub fn new(
        dialect: D,
        config: Config,
        openings: Arc<[Box<dyn Opening<D>>]>,
        capacity: usize,
        observer: Option<Box<dyn Observer>>,
    ) -> Self {
        let mut session = Self {
            client: Client::new(dialect.clone(), config),
            fresh: dialect,
            openings,
            opening: Opened::default(),
            requests: Requests::default(),
            copies: Copies::default(),
            pieces: Pieces::default(),
            inbox: Inbox::new(capacity),
            observer,
            shown: 0,
            untold: false,
            connection: 0,
            ended: None,
            lost: None,
            listening: false,
            pauses: 0,
            resuming: false,
            waiting: Vec::new(),
            wakers: Wakers::default(),
        };
        session.begin();
        session
    }

    /// There will be another connection: from here on, notifications may be missing.
    pub fn interrupted(&mut self) {
        if let Some(ended) = self.ended.clone().filter(|_| !self.resuming) {
            self.inbox.broadcast(&Notice::Gap(Gap::Disconnected(ended)));
            self.resuming = self.inbox.has_readers();
        }
    }

    /// The next connection is up. The mode is entered again if notifications are wanted.
    pub fn reconnected(&mut self) {
        self.client = self.client.successor(self.fresh.clone());
        self.ended = None;
        self.wakers.wake_later(self.waiting.drain(..));
        self.begin();
        if self.client.is_listening() {
            self.observe(|observer| observer.act(&Act::Listen));
        }
    }

    /// The number of the connection.
    pub fn connection(&self) -> u64 {
        self.connection
    }

    /// How the connection ended, if it has.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// How the last connection ended that has, if there is another one meanwhile, too.
    pub fn lost(&self) -> Option<&Ended> {
        self.lost.as_ref()
    }

    /// The machine.
    pub fn client(&self) -> &Client<D> {
        &self.client
    }

    /// Bytes came.
    pub fn feed(&mut self, bytes: &[u8]) {
        log_lines(self.connection, 'S', bytes);
        self.observe(|observer| observer.server(&bytes.into()));
        self.client.feed(bytes);
        self.drain();
    }

    /// The transport says that the connection has ended.
    pub fn closed(&mut self, how: Ended) {
        if self.ended.is_some() {
            return;
        }
        let said = if matches!(how, Ended::Io { .. }) { Said::Reset } else { Said::Eof };
        self.observe(|observer| observer.server(&said));
        match said {
            Said::Reset => self.client.feed_reset(),
            _ => self.client.feed_eof(),
        };
        // What the transport says is more precise than what the machine knows.
        let told = (!matches!(how, Ended::Closed(_))).then_some(how);
        self.drain_until(told);
    }

    /// The dialect has panicked. Of what has come, it is asked no more: it would panic again, before
    /// anybody is told.
    pub(crate) fn panicked(&mut self, how: Ended) {
        let (what, excerpt) = ("the dialect has panicked", Excerpt::new(b""));
        self.client.give_up(bellwire::Error::Protocol { what, excerpt });
        self.closed(how);
    }

    /// It is `now`, counted from when the connection was made.
    pub fn tick(&mut self, now: Duration) {
        self.observe(|observer| observer.tick(now));
        self.client.tick(now);
        self.drain();
    }

    /// It is `now`, which the machine has not asked for, but who watches may want to know.
    pub fn pass(&mut self, now: Duration) {
        self.observe(|observer| observer.tick(now));
    }

    /// When to tick next, counted from when the connection was made.
    pub fn deadline(&self) -> Option<Duration> {
        self.client.deadline()
    }

    /// The bytes that are due. They may be written later: what happens until then changes them no more.
    pub fn output(&mut self) -> &[u8] {
        let Self { client, shown, untold, .. } = self;
        let output = client.output();
        *untold |= output.len() > *shown;
        *shown = output.len();
        output
    }

    /// The transport took the first `count` of the bytes that were due.
    pub fn written(&mut self, count: usize) {
        // Who is told what was written needs not be told before that it was decided.
        self.untold = false;
        self.shown = self.shown.saturating_sub(count);
        let shown = self.client.redacted(count);
        log_lines(self.connection, 'C', &shown);
        if let Some(observer) = &mut self.observer {
            observer.client(&shown.as_ref().into());
        }
        drop(shown);
        self.client.written(count);
        // Where the server does not confirm the mode, nothing else may happen for long.
        self.resumed_if_listening();
    }

    /// Gives a command; its outcome is for whoever asks for it.
    ///
    /// # Errors
    ///
    /// When it is refused; see [`Client::command`].
    pub fn request<C>(
        &mut self,
        command: &C,
        timeout: Option<Duration>,
    ) -> Result<RequestId, Refusal>
    where
        C: Command<D> + fmt::Debug,
    {
        let ticket =
            self.client.command_within(command, timeout).map_err(|Refused { why, .. }| why)?;
        let id = RequestId { connection: self.connection, ticket };
        self.requests.push(id);
        if self.observer.is_some() {
            let text = command::redacted(self.client.dialect(), command).unwrap_or_default();
            let text = as_typed(text);
            let act = match timeout {
                Some(timeout) => Act::Within(timeout, text),
                None => Act::Command(text),
            };
            self.observe(|observer| observer.act(&act));
        }
        Ok(id)
    }

    /// The outcome of a request, if it has one; it is given once.
    pub fn outcome(&mut self, id: RequestId) -> Option<Outcome> {
        let Request { outcome, parts, .. } = self.requests.remove_settled(id)?;
        let outcome = outcome?;
        Some(outcome.map(|reply| Answer { parts: parts.into(), reply }))
    }

    /// The oldest part of a request's reply that has come and was not taken yet. It is then no part of
    /// the outcome's answer, so that a reply can be taken bit by bit. [`Limits::parts`](bellwire::Limits::parts)
    /// and [`Limits::reply`](bellwire::Limits::reply) count what was taken, too, unless it is data that belongs
    /// to no command in particular (IMAP's).
    pub fn part(&mut self, id: RequestId) -> Option<Bytes> {
        let request = self.requests.get_mut(id)?;
        let part = request.parts.pop_front()?;
        request.size -= part.len();
        Some(part)
    }

    /// Whether a request has its outcome.
    pub fn is_settled(&self, id: RequestId) -> bool {
        self.requests.get(id).is_none_or(|request| request.outcome.is_some())
    }

    /// The caller does not wait any more.
    pub fn abandon(&mut self, id: RequestId) {
        let RequestId { connection, ticket } = id;
        let request = self.requests.remove(id);
        let waits = request.as_ref().is_some_and(|request| request.outcome.is_none());
        self.wakers.drop_later(request.and_then(|request| request.waker));
        self.pieces.forget(id);
        if waits && connection == self.connection {
            self.observe(|observer| observer.act(&Act::Abandon(ticket.number())));
            let how = self.client.abandon(ticket);
            log::debug!("#{} {how} {ticket}", self.connection);
            self.observe(|observer| observer.abandoned(ticket.number(), how));
            if how == Abandoned::Held {
                self.drain();
            }
        }
    }

    /// Whether notifications are wanted.
    pub fn listen(&mut self, wanted: bool) {
        self.listening = wanted;
        self.reconcile();
    }

    /// A reader of notifications has gone. When the last one has, they are not wanted any more.
    pub fn stop_reading(&mut self, queue: QueueId) {
        self.inbox.close(queue);
        self.let_go();
        if !self.inbox.has_readers() {
            self.listen(false);
        }
    }

    /// Notifications are not wanted until each pause has ended.
    pub fn pause(&mut self) {
        self.pauses += 1;
        self.reconcile();
    }

    /// A pause has ended.
    pub fn unpause(&mut self) {
        self.pauses = self.pauses.saturating_sub(1);
        self.reconcile();
    }

    fn reconcile(&mut self) {
        let wanted = self.listening && self.pauses == 0;
        if wanted != self.client.is_listening() {
            self.observe(|observer| {
                observer.act(if wanted { &Act::Listen } else { &Act::Unlisten });
            });
        }
        // Even if it was wanted before: the server may have refused.
        if wanted {
            self.client.listen();
        } else {
            self.client.unlisten();
        }
    }

    fn drain(&mut self) {
        self.drain_until(None);
    }

    /// Takes note of what happened, up to the end of the connection if there was one.
    fn drain_until(&mut self, told: Option<Ended>) {
        let mut ended = None;
        let mut refused = None;
        loop {
            match self.next_event() {
                Ok(Some(Event::Closed(how))) => ended = Some(Ended::Closed(how)),
                Ok(Some(Event::SwitchRefused(text))) => refused = Some(Notice::Refused(text)),
                Ok(Some(event)) => self.take(event),
                Ok(None) => break,
                Err(error) => {
                    // The machine says so each time; it is news once.
                    if self.ended.is_none() {
                        self.observe(|observer| observer.fault(&error));
                        ended = Some(Ended::Fault(error));
                    }
                    break;
                }
            }
        }
        if let Some(refused) = refused.filter(|_| self.client.is_refused()) {
            self.inbox.broadcast(&refused);
        }
        if let Some(ended) = ended {
            return self.end(told.unwrap_or(ended));
        }
        self.let_go();
        self.resumed_if_listening();
        self.take_opening();
        self.open_on();
    }

    /// The next event that is more than a part of an answer.
    fn next_event(&mut self) -> Result<Option<Event<Bytes>>, bellwire::Error> {
        let Self { client, observer, connection, requests, copies, pieces, wakers, .. } = self;
        let mut events = client.events();
        while let Some(event) = events.next()? {
            log::debug!("#{connection} {event}");
            if let Some(observer) = observer {
                observer.event(&event);
            }
            match event {
                // Of some answers there are very many of these.
                Event::Part { ticket, text } if pieces.is_empty() => {
                    let id = RequestId { connection: *connection, ticket };
                    if let Some(request) = requests.get_mut(id) {
                        request.take(copies.copy(text));
                        wakers.wake_later(request.part_waker());
                    }
                }
                Event::Data { .. } => return Ok(Some(event.map(|text| copies.copy(text)))),
                event => return Ok(Some(event.into_owned())),
            }
        }
        Ok(None)
    }

    fn take(&mut self, event: Event<Bytes>) {
        let id = |ticket| RequestId { connection: self.connection, ticket };
        match event {
            Event::Notification(notification) => {
                self.resumed_if_listening();
                self.inbox.deliver(&notification);
            }
            Event::Listening(_) => self.resumed_if_listening(),
            Event::Data { topic, text, news } => self.take_data(topic, text, news),
            Event::Piece { ticket, topic, text } => {
                self.take_piece(ticket.map(id), &topic, &text);
            }
            Event::Part { ticket, text } => {
                let id = id(ticket);
                let text = self.pieces.whole(Some(id), text);
                if let (Some(text), Some(request)) = (text, self.requests.get_mut(id)) {
                    request.take(text);
                    self.wakers.wake_later(request.part_waker());
                }
            }
            Event::Reply { ticket, reply: Reply { status, text } } => {
                let id = id(ticket);
                let text = self.pieces.whole(Some(id), text);
                if let (Some(text), Some(request)) = (text, self.requests.get_mut(id)) {
                    request.outcome = Some(Ok(Reply { status, text }));
                    self.wakers.wake_later(request.waker.take());
                }
                self.copies.end();
            }
            Event::Failed { ticket, why } => {
                self.pieces.forget(id(ticket));
                if let Some(request) = self.requests.get_mut(id(ticket)) {
                    request.outcome = Some(Err(why));
                    self.wakers.wake_later(request.waker.take());
                }
            }
            _ => {}
        }
    }

    /// The server has confirmed the mode; where it does not confirm it (MPD), it has greeted, and
    /// been told.
    fn resumed_if_listening(&mut self) {
        if self.resuming && self.client.phase() == Phase::On {
            self.resuming = false;
            self.inbox.broadcast(&Notice::Resumed);
        }
    }

    fn end(&mut self, how: Ended) {
        log::info!("#{} ended: {how}", self.connection);
        // The rest of it will not come.
        self.pieces = Pieces::default();
        self.lost = Some(how.clone());
        self.ended = Some(how);
    }

    fn observe(&mut self, see: impl FnOnce(&mut dyn Observer)) {
        let untold = std::mem::take(&mut self.untold);
        if let Some(observer) = &mut self.observer {
            if untold {
                observer.act(&Act::Decide);
            }
            see(observer.as_mut());
        }
    }
}

impl<D: Dialect + fmt::Debug> fmt::Debug for Session<D>
where
    D::Expect: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("connection", &self.connection)
            .field("client", &self.client)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
