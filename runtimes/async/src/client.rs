//! The client's handle: requests, and what is wanted of the notification mode.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bellwire::{Answer, Cause, Command, Dialect, Failure};
use bellwire_adapter::{Ended, Error, RequestId};
use bytes::Bytes;

use crate::drive::{Handle, State};
use crate::runtime::BoxFuture;

/// A client of one server. Cheap to clone, and usable from many tasks; the connection ends when all
/// clones and all [`Notifications`](crate::Notifications) are gone.
///
/// Dropping a future of any of its methods loses no notification, no reply of another, and leaves the
/// connection as it should be (guarantee G19): no state of the protocol lives in a future.
#[derive(Debug)]
pub struct Client<D: Dialect> {
    handle: Handle<D>,
    timeout: Option<Duration>,
    resend: bool,
}

impl<D: Dialect> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), timeout: self.timeout, resend: self.resend }
    }
}

impl<D: Dialect + Clone> Client<D> {
    pub(crate) fn new(handle: Handle<D>, timeout: Option<Duration>) -> Self {
        Self { handle, timeout, resend: false }
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
    /// # Cancel safety
    ///
    /// Dropped before it was polled, nothing was asked. Dropped later, the command is abandoned: if it
    /// was not sent yet it is withdrawn, otherwise its reply reaches nobody, and no other reply moves
    /// to its place (guarantee G3). The command may have been carried out.
    ///
    /// # Errors
    ///
    /// When the command or its reply is refused, no reply came in time, or the connection was lost;
    /// the error says which, and whether the command was sent.
    pub async fn request<C>(&self, command: C) -> Result<C::Reply, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        let given = self.handle.ask(|state| state.drive.request(&command, self.timeout));
        self.pend(command, given, false)?.await
    }

    /// Asks, and does not wait: awaiting what is returned gives the reply. Several such requests make a
    /// pipeline, and are said together as soon as the first is awaited, as far as
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
        let given = self.handle.ask_later(|state| state.drive.request(&command, self.timeout));
        self.pend(command, given, true)
    }

    /// Asks several things at once; see [`send`](Self::send). What is refused is so by itself.
    pub fn send_all<C>(
        &self,
        commands: impl IntoIterator<Item = C>,
    ) -> Vec<Result<Pending<D, C>, Error>>
    where
        C: Command<D> + fmt::Debug,
    {
        // It is the caller's code, and must not run while the session is locked.
        let commands: Vec<C> = commands.into_iter().collect();
        let given: Vec<_> = self.handle.ask_later(|State { drive, .. }| {
            commands.iter().map(|command| drive.request(command, self.timeout)).collect()
        });
        let given = commands.into_iter().zip(given);
        given.map(|(command, given)| self.pend(command, given, true)).collect()
    }

    fn pend<C>(
        &self,
        command: C,
        given: Result<RequestId, Error>,
        unsaid: bool,
    ) -> Result<Pending<D, C>, Error> {
        let id = match given {
            Err(Error::NotConnected(_)) if self.resend && self.handle.may_connect() => None,
            given => Some(given?),
        };
        let client = self.clone();
        // Only what is made again has to keep the deadline itself.
        let timeout = self.timeout.filter(|_| self.resend);
        let deadline = timeout.and_then(|timeout| self.handle.clock.after(timeout));
        Ok(Pending { client, command, id, deadline, sleep: None, unsaid, told: false })
    }

    /// The answers to the commands that the connection [began with](crate::Settings::opening), in
    /// order, without those that were not due.
    #[must_use]
    pub fn opened(&self) -> Vec<Answer> {
        self.handle.lock().drive.session.opening_answers().to_vec()
    }

    /// Asks for notifications. Waiting for them does so, too.
    pub fn listen(&self) {
        self.handle.act(|state| state.drive.session.listen(true));
    }

    /// Asks for no more notifications, until somebody waits for them again. Those on the way still
    /// come.
    pub fn unlisten(&self) {
        self.handle.act(|state| state.drive.session.listen(false));
    }

    /// Stays out of the notification mode while the returned value lives, so that several requests
    /// cost one leave.
    #[must_use = "the pause ends when the returned value is dropped"]
    pub fn pause(&self) -> Pause<D> {
        self.handle.act(|state| state.drive.session.pause());
        Pause { handle: self.handle.clone() }
    }

    /// Drives the connection until it is over: for those who let no task be
    /// [spawned](crate::Connector::undriven) for it. While nobody drives, nothing is read, no deadline
    /// is kept, and no connection made.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again at any time, and several may drive at once. What is lost is an
    /// attempt to connect, which is made again.
    ///
    /// # Errors
    ///
    /// Why it is over, if this program has not [closed](Self::close) it.
    pub async fn drive(&self) -> Result<(), Error> {
        self.handle.drive(|_| None::<()>).await;
        match self.handle.lock().drive.over().cloned() {
            None | Some(Ended::ByProgram) => Ok(()),
            Some(ended) => Err(Error::NotConnected(ended)),
        }
    }

    /// How many replies came that answer no command (guarantee G4).
    #[must_use]
    pub fn unsolicited(&self) -> u64 {
        self.handle.lock().drive.session.client().unsolicited()
    }

    /// Ends the connection for good, once all that was asked is answered, or has failed. Nothing more
    /// may be asked.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the connection ends even if nobody waits for that.
    pub async fn shutdown(&self) {
        self.handle.act(|state| state.drive.finish());
        poll_fn(|context| {
            self.handle.note(|state| match state.drive.over() {
                Some(_) => Poll::Ready(()),
                None => {
                    state.drive.session.watch_connection(context.waker());
                    Poll::Pending
                }
            })
        })
        .await;
    }

    /// Ends the connection for good. Requests that wait fail; readers of notifications see the end.
    pub fn close(&self) {
        self.handle.act(|state| state.drive.close());
    }
}

/// A request whose reply is awaited: a future that gives it. Dropping it abandons the command; its reply
/// then reaches nobody (guarantee G3).
///
/// # Cancel safety
///
/// Polled by reference, as `select!` does, it may be left and awaited again.
#[derive(Debug)]
#[must_use = "dropping it abandons the command"]
pub struct Pending<D: Dialect + Clone, C> {
    client: Client<D>,
    command: C,
    /// `None` while there is no connection, and once the outcome was taken.
    id: Option<RequestId>,
    deadline: Option<Instant>,
    /// Until the deadline, while there is no connection whose machine would keep it.
    sleep: Option<Sleep>,
    /// It may not have been said yet, unless a driver was quick.
    unsaid: bool,
    /// The reply was given.
    told: bool,
}

struct Sleep(BoxFuture<()>);

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}

/// Nothing in it is pinned.
impl<D: Dialect + Clone, C> Unpin for Pending<D, C> {}

impl<D: Dialect + Clone, C: Command<D> + fmt::Debug> Pending<D, C> {
    /// Waits for the next part of the reply; `None` when it has ended, or failed, which awaiting this
    /// then tells. What is taken so is no part of the reply any more: it can be taken bit by bit.
    /// [`Limits::parts`](bellwire::Limits::parts) and [`Limits::reply`](bellwire::Limits::reply) count what was
    /// taken, too, unless it is data that belongs to no command in particular (IMAP's).
    ///
    /// # Cancel safety
    ///
    /// No part is lost if it is dropped.
    pub async fn part(&mut self) -> Option<Bytes> {
        poll_fn(|context| self.poll_part(context)).await
    }

    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.told || self.poll_given(context).is_pending() {
            return if self.told { Poll::Ready(None) } else { Poll::Pending };
        }
        let Some(id) = self.id else { return Poll::Ready(None) };
        let mut state = self.client.handle.lock();
        let session = &mut state.drive.session;
        match session.part(id) {
            None if !session.is_settled(id) => session.watch_part(id, context.waker()),
            part => return Poll::Ready(part),
        }
        drop(state);
        self.say();
        Poll::Pending
    }

    fn poll_reply(&mut self, context: &mut Context<'_>) -> Poll<Result<C::Reply, Error>> {
        loop {
            let id = match self.poll_given(context) {
                Poll::Ready(Ok(id)) => id,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            let mut state = self.client.handle.lock();
            let Some(outcome) = state.drive.session.outcome(id) else {
                state.drive.session.watch_outcome(id, context.waker());
                drop(state);
                self.say();
                return Poll::Pending;
            };
            self.id = None;
            match outcome {
                Err(Failure::NeverSent(Cause::ConnectionLost)) if self.client.resend => {}
                Err(failure) => return Poll::Ready(Err(state.drive.failed(failure))),
                Ok(answer) => {
                    drop(state);
                    let reply = self.command.decode(answer);
                    let explain = |bad| self.client.handle.lock().drive.bad_reply(bad);
                    return Poll::Ready(reply.map_err(explain));
                }
            }
        }
    }

    /// Says the command, and what was asked with it, if nobody has yet.
    fn say(&mut self) {
        if std::mem::take(&mut self.unsaid) {
            self.client.handle.flush();
        }
    }

    /// Gives the command, if there was no connection for it yet.
    fn poll_given(&mut self, context: &mut Context<'_>) -> Poll<Result<RequestId, Error>> {
        if let Some(id) = self.id {
            return Poll::Ready(Ok(id));
        }
        let handle = &self.client.handle;
        // Before it is tried, so that no connection is missed.
        handle.lock().drive.session.watch_connection(context.waker());
        let now = (handle.clock.now)();
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(now));
        match handle.ask(|state| state.drive.request(&self.command, left)) {
            Err(Error::NotConnected(_)) if handle.may_connect() => {}
            given => {
                self.sleep = None;
                self.id = given.as_ref().ok().copied();
                return Poll::Ready(given);
            }
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let clock = &handle.clock;
        let sleep = self.sleep.get_or_insert_with(|| Sleep((clock.sleep_until)(deadline)));
        sleep.0.as_mut().poll(context).map(|()| {
            let failure = Failure::NeverSent(Cause::TimedOut);
            Err(Error::Unanswered { failure, ended: None })
        })
    }
}

impl<D: Dialect + Clone, C: Command<D> + fmt::Debug> Future for Pending<D, C> {
    type Output = Result<C::Reply, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.told {
            // Nothing comes after the reply.
            return Poll::Pending;
        }
        // If reading the reply panics, it is told by that: the command must not be given again.
        this.told = true;
        let reply = this.poll_reply(context);
        this.told = reply.is_ready();
        reply
    }
}

impl<D: Dialect + Clone, C> Drop for Pending<D, C> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.client.handle.note(|state| state.drive.session.abandon(id));
        }
    }
}

/// Keeps a client out of the notification mode while it lives; see [`Client::pause`].
#[derive(Debug)]
pub struct Pause<D: Dialect + Clone> {
    handle: Handle<D>,
}

impl<D: Dialect + Clone> Drop for Pause<D> {
    fn drop(&mut self) {
        self.handle.note(|state| state.drive.session.unpause());
    }
}
