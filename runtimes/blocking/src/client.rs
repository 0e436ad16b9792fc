//! The client's handle: requests, and what is wanted of the notification mode.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwire::{Answer, Cause, Command, Dialect, Failure};
use bellwire_adapter::{Ended, Error, RequestId};
use bytes::Bytes;

use crate::drive::{Shared, State};

/// A client of one server. Cheap to clone, and usable from many threads; the connection ends when
/// all clones and all [`Notifications`](crate::Notifications) are gone.
#[derive(Debug)]
pub struct Client<D: Dialect> {
    shared: Arc<Shared<D>>,
    timeout: Option<Duration>,
    resend: bool,
}

impl<D: Dialect> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), timeout: self.timeout, resend: self.resend }
    }
}

impl<D: Dialect + Clone> Client<D> {
    pub(crate) fn new(shared: Arc<Shared<D>>, timeout: Option<Duration>) -> Self {
        Self { shared, timeout, resend: false }
    }

    /// The same client, whose requests must be answered within `timeout`, counted from when they
    /// are made; `None`: they may take for ever.
    #[must_use]
    pub fn within(&self, timeout: Option<Duration>) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// The same client, whose requests wait for a connection while there is none, and are made
    /// again if it is lost before any byte of them was sent. A command that may have been sent is
    /// never sent twice (guarantee G22).
    #[must_use]
    pub fn resending(&self) -> Self {
        Self { resend: true, ..self.clone() }
    }

    /// Asks, and waits for the reply. In the notification mode, leaves it, asks, and enters it
    /// again, where the protocol needs that (guarantee G9).
    ///
    /// # Errors
    ///
    /// When the command or its reply is refused, no reply came in time, or the connection was lost;
    /// the error says which, and whether the command was sent.
    pub fn request<C>(&self, command: C) -> Result<C::Reply, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        self.send(command)?.wait()
    }

    /// Asks, and does not wait for the reply yet. Several such requests make a pipeline, as far as
    /// [`Config::in_flight`](bellwire::Config::in_flight) allows. Where data belongs to no command in
    /// particular (IMAP), each answer holds what came for the others, too, while its command was on
    /// the wire: a few in flight keep a server busy, and many only make for long answers.
    ///
    /// # Errors
    ///
    /// When the command is refused, or there is no connection.
    pub fn send<C>(&self, command: C) -> Result<Pending<D, C>, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        let deadline = self.deadline();
        let id = self.give(&command, deadline)?;
        Ok(Pending { client: self.clone(), command, id: Some(id), deadline })
    }

    /// Asks several things at once: with one write, which costs much less than one for each. What is
    /// refused is so by itself.
    ///
    /// ```no_run
    /// use bellwire::dialect::mpd::{Ask, Mpd};
    ///
    /// let mut connector = bellwire_blocking::Connector::new(Mpd::default());
    /// connector.config.in_flight = 64;
    /// let (client, _) = connector.tcp("127.0.0.1:6600")?;
    /// let songs = ["a.flac", "b.flac"].map(|song| Ask::new("lsinfo").arg(song));
    /// for pending in client.send_all(songs) {
    ///     println!("{:?}", pending?.wait()?);
    /// }
    /// # Ok::<(), bellwire_blocking::Error>(())
    /// ```
    pub fn send_all<C>(
        &self,
        commands: impl IntoIterator<Item = C>,
    ) -> Vec<Result<Pending<D, C>, Error>>
    where
        C: Command<D> + fmt::Debug,
    {
        let deadline = self.deadline();
        // It is the caller's code, and must not run while the session is locked.
        let commands: Vec<C> = commands.into_iter().collect();
        self.shared.revive();
        let give = |state: &mut State<D>, command| state.drive.request(command, self.timeout);
        let given: Vec<_> =
            self.shared.act(|state| commands.iter().map(|command| give(state, command)).collect());
        let pend = |(command, given)| {
            let id = match given {
                Err(Error::NotConnected(_)) if self.resend => self.give(&command, deadline)?,
                given => given?,
            };
            Ok(Pending { client: self.clone(), command, id: Some(id), deadline })
        };
        commands.into_iter().zip(given).map(pend).collect()
    }

    fn deadline(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    fn give<C>(&self, command: &C, deadline: Option<Instant>) -> Result<RequestId, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        let mut timeout = self.timeout;
        self.shared.revive();
        loop {
            match self.shared.act(|state| state.drive.request(command, timeout)) {
                Err(Error::NotConnected(ended)) if self.resend && ended.is_transient() => {
                    self.wait_connected(deadline)?;
                    timeout = deadline.map(|it| it.saturating_duration_since(Instant::now()));
                }
                given => return given,
            }
        }
    }

    fn wait_connected(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let connected =
            self.shared.wait(deadline, |state| state.drive.is_connected().then_some(()));
        connected.ok_or_else(|| match self.shared.lock().drive.over().cloned() {
            Some(ended) => Error::NotConnected(ended),
            None => Error::Unanswered { failure: Failure::NeverSent(Cause::TimedOut), ended: None },
        })
    }

    /// The answers to the commands that the connection [began with](crate::Settings::opening), in
    /// order, without those that were not due.
    #[must_use]
    pub fn opened(&self) -> Vec<Answer> {
        self.shared.lock().drive.session.opening_answers().to_vec()
    }

    /// Asks for notifications. Waiting for them does so, too.
    pub fn listen(&self) {
        self.shared.act(|state| state.drive.session.listen(true));
    }

    /// Asks for no more notifications, until somebody waits for them again. Those on the way still
    /// come.
    pub fn unlisten(&self) {
        self.shared.act(|state| state.drive.session.listen(false));
    }

    /// Stays out of the notification mode while the returned value lives, so that several requests
    /// cost one leave.
    #[must_use = "the pause ends when the returned value is dropped"]
    pub fn pause(&self) -> Pause<D> {
        self.shared.act(|state| state.drive.session.pause());
        Pause { shared: Arc::clone(&self.shared) }
    }

    /// Drives the connection until it is over: in a thread of its own, it keeps deadlines, and reads
    /// notifications into their queues, while nobody else waits.
    ///
    /// # Errors
    ///
    /// Why it is over, if this program has not [closed](Self::close) it.
    pub fn drive(&self) -> Result<(), Error> {
        self.shared.wait(None, |_| None::<()>);
        match self.shared.lock().drive.over().cloned() {
            None | Some(Ended::ByProgram) => Ok(()),
            Some(ended) => Err(Error::NotConnected(ended)),
        }
    }

    /// How many replies came that answer no command (guarantee G4).
    #[must_use]
    pub fn unsolicited(&self) -> u64 {
        self.shared.lock().drive.session.client().unsolicited()
    }

    /// Ends the connection for good, once all that was asked is answered, or has failed. Nothing more
    /// may be asked.
    pub fn shutdown(&self) {
        self.shared.act(|state| state.drive.finish());
        self.shared.wait(None, |_| None::<()>);
    }

    /// Ends the connection for good. Requests that wait fail; readers of notifications see the end.
    pub fn close(&self) {
        self.shared.act(|state| state.drive.close());
    }
}

/// A request whose reply is awaited. Dropping it abandons the command; its reply then reaches
/// nobody (guarantee G3).
#[derive(Debug)]
pub struct Pending<D: Dialect + Clone, C> {
    client: Client<D>,
    command: C,
    /// `None` once the outcome is known.
    id: Option<RequestId>,
    deadline: Option<Instant>,
}

impl<D: Dialect + Clone, C: Command<D> + fmt::Debug> Pending<D, C> {
    /// Waits for the next part of the reply; `None` when it has ended, or failed, which
    /// [`wait`](Self::wait) then tells. What is taken so is no part of the reply any more: it can be
    /// taken bit by bit. [`Limits::parts`](bellwire::Limits::parts) and [`Limits::reply`](bellwire::Limits::reply)
    /// count what was taken, too, unless it is data that belongs to no command in particular (IMAP's).
    ///
    /// ```no_run
    /// use bellwire::dialect::mpd::{Ask, Mpd};
    ///
    /// let (client, _) = bellwire_blocking::connect("127.0.0.1:6600", Mpd::default())?;
    /// let mut pending = client.send(Ask::new("listallinfo"))?;
    /// while let Some(line) = pending.part() {
    ///     println!("{}", String::from_utf8_lossy(&line));
    /// }
    /// pending.wait()?;
    /// # Ok::<(), bellwire_blocking::Error>(())
    /// ```
    pub fn part(&mut self) -> Option<Bytes> {
        let id = self.id?;
        // As in `wait`.
        let come = self.client.shared.lock().drive.session.part(id);
        if come.is_some() {
            return come;
        }
        let next = self.client.shared.wait(None, |state| match state.drive.session.part(id) {
            None if !state.drive.session.is_settled(id) => None,
            part => Some(part),
        });
        next.flatten()
    }

    /// Waits for the reply.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub fn wait(mut self) -> Result<C::Reply, Error> {
        while let Some(id) = self.id {
            // What has come is taken without a look at the socket and the clock; but a connection that
            // was given up is closed first.
            let come = {
                let session = &mut self.client.shared.lock().drive.session;
                if session.ended().is_none() { session.outcome(id) } else { None }
            };
            let outcome = come
                .or_else(|| self.client.shared.wait(None, |state| state.drive.session.outcome(id)));
            self.id = None;
            match outcome {
                Some(Err(Failure::NeverSent(Cause::ConnectionLost))) if self.client.resend => {
                    self.id = Some(self.client.give(&self.command, self.deadline)?);
                }
                Some(Ok(answer)) => {
                    let reply = self.command.decode(answer);
                    return reply.map_err(|bad| self.client.shared.lock().drive.bad_reply(bad));
                }
                Some(Err(failure)) => return Err(self.client.shared.lock().drive.failed(failure)),
                None => break,
            }
        }
        let over = self.client.shared.lock().drive.over().cloned();
        Err(Error::NotConnected(over.unwrap_or(Ended::ByProgram)))
    }
}

impl<D: Dialect + Clone, C> Drop for Pending<D, C> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.client.shared.note(|state| state.drive.session.abandon(id));
        }
    }
}

/// Keeps a client out of the notification mode while it lives; see [`Client::pause`].
#[derive(Debug)]
pub struct Pause<D: Dialect + Clone> {
    shared: Arc<Shared<D>>,
}

impl<D: Dialect + Clone> Drop for Pause<D> {
    fn drop(&mut self) {
        self.shared.note(|state| state.drive.session.unpause());
    }
}
