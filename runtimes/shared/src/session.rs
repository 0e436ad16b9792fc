//! A client's session without its I/O: over one connection after the other, with requests whose
//! callers wait, and notifications on their way to their readers.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwire::transcript::{Act, Said};
use bellwire::{
    Abandoned, Answer, Client, Command, Config, Dialect, Event, Failure, Refusal, Refused, Ticket,
    command,
};
use bytes::Bytes;

use crate::error::Ended;
use crate::inbox::{Gap, Inbox, Notice};
use crate::observer::{Observer, log_lines};

/// Names a request through the whole session: tickets start anew with each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    requests: HashMap<RequestId, Request>,
    /// Notifications on their way.
    pub inbox: Inbox,
    observer: Option<Box<dyn Observer>>,
    connection: u64,
    ended: Option<Ended>,
    listening: bool,
    pauses: usize,
    /// A gap stands in the inbox, and the server has not confirmed that it sends notifications again.
    resuming: bool,
}

/// A request whose caller waits.
#[derive(Debug, Default)]
struct Request {
    parts: Vec<Bytes>,
    outcome: Option<Outcome>,
}

/// Connections are numbered through the whole process, so that logs of several clients can be told
/// apart.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

impl<D: Dialect + Clone> Session<D> {
    /// A session that has its first connection.
    pub fn new(
        dialect: D,
        config: Config,
        capacity: usize,
        observer: Option<Box<dyn Observer>>,
    ) -> Self {
        let mut session = Self {
            client: Client::new(dialect.clone(), config),
            fresh: dialect,
            requests: HashMap::new(),
            inbox: Inbox::new(capacity),
            observer,
            connection: 0,
            ended: None,
            listening: false,
            pauses: 0,
            resuming: false,
        };
        session.number_connection();
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
        self.number_connection();
        if self.client.is_listening() {
            self.observe(|observer| observer.act(&Act::Listen));
        }
    }

    fn number_connection(&mut self) {
        self.connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        log::info!("#{} connected", self.connection);
        if let Some(observer) = &mut self.observer {
            observer.connected(self.connection);
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
        let precise = matches!(how, Ended::Io { .. } | Ended::ByProgram);
        let told = precise.then_some(how);
        self.drain_until(told);
    }

    /// It is `now`, counted from when the connection was made.
    pub fn tick(&mut self, now: Duration) {
        self.observe(|observer| observer.tick(now));
        self.client.tick(now);
        self.drain();
    }

    /// When to tick next, counted from when the connection was made.
    pub fn deadline(&self) -> Option<Duration> {
        self.client.deadline()
    }

    /// The bytes that are due.
    pub fn output(&mut self) -> &[u8] {
        self.client.output()
    }

    /// The transport took the first `count` of the bytes that were due.
    pub fn written(&mut self, count: usize) {
        let due = self.client.output();
        let taken = &due[..count.min(due.len())];
        log_lines(self.connection, 'C', taken);
        if let Some(observer) = &mut self.observer {
            observer.client(&taken.into());
        }
        self.client.written(count);
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
        self.requests.insert(id, Request::default());
        if let Some(observer) = &mut self.observer {
            let text = command::encode(self.client.dialect(), command).unwrap_or_default();
            let text = text.trim_ascii_end().to_vec();
            observer.act(&match timeout {
                Some(timeout) => Act::Within(timeout, text),
                None => Act::Command(text),
            });
        }
        Ok(id)
    }

    /// The outcome of a request, if it has one; it is given once.
    pub fn outcome(&mut self, id: RequestId) -> Option<Outcome> {
        let outcome = self.requests.get_mut(&id)?.outcome.take()?;
        self.requests.remove(&id);
        Some(outcome)
    }

    /// The caller does not wait any more.
    pub fn abandon(&mut self, id: RequestId) {
        let RequestId { connection, ticket } = id;
        let waits = self.requests.remove(&id).is_some_and(|request| request.outcome.is_none());
        if waits && connection == self.connection {
            self.observe(|observer| observer.act(&Act::Abandon(ticket.number())));
            let how = self.client.abandon(ticket);
            log::debug!("#{} abandoned {ticket}: {how:?}", self.connection);
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
            let Self { client, requests, inbox, observer, resuming, connection, .. } = self;
            let mut events = client.events();
            let event = match events.next() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    // The machine says so each time; it is news once.
                    if self.ended.is_none() {
                        self.observe(|observer| observer.fault(&error));
                        ended = Some(Ended::Fault(error));
                    }
                    break;
                }
            };
            log::debug!("#{connection} {event}");
            if let Some(observer) = observer {
                observer.event(&event);
            }
            match event {
                Event::Closed(how) => ended = Some(Ended::Closed(how)),
                Event::Notification(notification) => inbox.deliver(&notification),
                Event::SwitchRefused(text) => {
                    refused = Some(Notice::Refused(Bytes::copy_from_slice(text)));
                }
                Event::Listening(_) if *resuming => {
                    *resuming = false;
                    inbox.broadcast(&Notice::Resumed);
                }
                event => settle(requests, *connection, &event),
            }
        }
        if let Some(refused) = refused.filter(|_| self.client.is_refused()) {
            self.inbox.broadcast(&refused);
        }
        if let Some(ended) = ended {
            self.end(told.unwrap_or(ended));
        }
    }

    fn end(&mut self, how: Ended) {
        log::info!("#{} ended: {how}", self.connection);
        self.ended = Some(how);
    }

    fn observe(&mut self, see: impl FnOnce(&mut dyn Observer)) {
        if let Some(observer) = &mut self.observer {
            see(observer.as_mut());
        }
    }
}

/// Keeps what belongs to a request whose caller waits.
fn settle(requests: &mut HashMap<RequestId, Request>, connection: u64, event: &Event<&[u8]>) {
    let (Event::Part { ticket, .. } | Event::Reply { ticket, .. } | Event::Failed { ticket, .. }) =
        *event
    else {
        return;
    };
    let Some(request) = requests.get_mut(&RequestId { connection, ticket }) else { return };
    match *event {
        Event::Part { text, .. } => request.parts.push(Bytes::copy_from_slice(text)),
        Event::Reply { reply, .. } => {
            let parts = std::mem::take(&mut request.parts);
            request.outcome = Some(Ok(Answer { parts, reply: reply.map(Bytes::copy_from_slice) }));
        }
        Event::Failed { why, .. } => request.outcome = Some(Err(why)),
        _ => {}
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
