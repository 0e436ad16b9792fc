//! The client: the one of whichever adapter it is.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use bellwire::{Answer, Command, Dialect};
use bellwire_adapter::{Error, Notice};
use bytes::Bytes;

use crate::connector::Wire;
use crate::runtime::Executor;

/// A value of the blocking adapter, or of one that runs futures.
#[derive(Clone, Debug)]
pub(crate) enum Either<B, A> {
    Blocking(B),
    Async(Executor, A),
}

/// A client of one server, as [`bellwire_blocking::Client`]: cheap to clone, and usable from many
/// threads.
#[derive(Debug)]
pub struct Client<D: Dialect>(
    pub(crate) Either<bellwire_blocking::Client<D>, bellwire_async::Client<D>>,
);

impl<D: Dialect> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Calls the same method, whatever the adapter is.
macro_rules! either {
    ($self:expr, $it:ident => $call:expr) => {
        match $self {
            Either::Blocking($it) => $call,
            Either::Async(_, $it) => $call,
        }
    };
}

impl<D: Wire> Client<D> {
    /// The same client, whose requests must be answered within `timeout`.
    #[must_use]
    pub fn within(&self, timeout: Option<Duration>) -> Self {
        Self(match &self.0 {
            Either::Blocking(client) => Either::Blocking(client.within(timeout)),
            Either::Async(executor, client) => Either::Async(*executor, client.within(timeout)),
        })
    }

    /// The same client, whose requests wait for a connection, and are made again if nothing of them was
    /// sent.
    #[must_use]
    pub fn resending(&self) -> Self {
        Self(match &self.0 {
            Either::Blocking(client) => Either::Blocking(client.resending()),
            Either::Async(executor, client) => Either::Async(*executor, client.resending()),
        })
    }

    /// Asks, and waits for the reply.
    ///
    /// # Errors
    ///
    /// As [`bellwire_blocking::Client::request`].
    pub fn request<C>(&self, command: C) -> Result<C::Reply, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        match &self.0 {
            Either::Blocking(client) => client.request(command),
            Either::Async(executor, client) => executor.block_on(client.request(command)),
        }
    }

    /// Asks, and does not wait for the reply yet.
    ///
    /// # Errors
    ///
    /// When the command is refused, or there is no connection.
    pub fn send<C>(&self, command: C) -> Result<Pending<D, C>, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        Ok(Pending(match &self.0 {
            Either::Blocking(client) => Either::Blocking(client.send(command)?),
            Either::Async(executor, client) => Either::Async(*executor, client.send(command)?),
        }))
    }

    /// Asks several things at once: with one write. What is refused is so by itself.
    pub fn send_all<C>(
        &self,
        commands: impl IntoIterator<Item = C>,
    ) -> Vec<Result<Pending<D, C>, Error>>
    where
        C: Command<D> + fmt::Debug,
    {
        match &self.0 {
            Either::Blocking(client) => {
                let sent = client.send_all(commands).into_iter();
                sent.map(|it| it.map(|pending| Pending(Either::Blocking(pending)))).collect()
            }
            Either::Async(on, client) => {
                let sent = client.send_all(commands).into_iter();
                sent.map(|it| it.map(|pending| Pending(Either::Async(*on, pending)))).collect()
            }
        }
    }

    /// The answers to the commands that the connection began with.
    #[must_use]
    pub fn opened(&self) -> Vec<Answer> {
        either!(&self.0, client => client.opened())
    }

    /// Asks for notifications.
    pub fn listen(&self) {
        either!(&self.0, client => client.listen());
    }

    /// Asks for no more notifications.
    pub fn unlisten(&self) {
        either!(&self.0, client => client.unlisten());
    }

    /// Stays out of the notification mode while the returned value lives.
    #[must_use = "the pause ends when the returned value is dropped"]
    pub fn pause(&self) -> Pause<D> {
        Pause(match &self.0 {
            Either::Blocking(client) => Either::Blocking(client.pause()),
            Either::Async(executor, client) => Either::Async(*executor, client.pause()),
        })
    }

    /// Drives the connection until it is over, as far as nobody else does.
    ///
    /// # Errors
    ///
    /// Why it is over, if this program has not closed it.
    pub fn drive(&self) -> Result<(), Error> {
        match &self.0 {
            Either::Blocking(client) => client.drive(),
            Either::Async(executor, client) => executor.block_on(client.drive()),
        }
    }

    /// Has the connection driven until it is over, also while nobody waits: deadlines are kept,
    /// notifications are read, and lost connections made again. A task does that on most runtimes anyway;
    /// on plain threads, this starts a thread.
    ///
    /// # Errors
    ///
    /// When there is no thread to be had.
    pub fn keep_driven(&self) -> io::Result<()> {
        if let Either::Blocking(client) = &self.0 {
            let client = client.clone();
            let thread = thread::Builder::new().name("bellwire driver".to_owned());
            // Those who wait are told why it ended.
            thread.spawn(move || drop(client.drive()))?;
        }
        Ok(())
    }

    /// How many replies came that answer no command.
    #[must_use]
    pub fn unsolicited(&self) -> u64 {
        either!(&self.0, client => client.unsolicited())
    }

    /// Ends the connection for good, once all that was asked is answered.
    pub fn shutdown(&self) {
        match &self.0 {
            Either::Blocking(client) => client.shutdown(),
            Either::Async(executor, client) => executor.block_on(client.shutdown()),
        }
    }

    /// Ends the connection for good.
    pub fn close(&self) {
        either!(&self.0, client => client.close());
    }
}

/// A request whose reply is awaited. Dropping it abandons the command.
#[derive(Debug)]
#[must_use = "dropping it abandons the command"]
pub struct Pending<D: Wire, C>(
    Either<bellwire_blocking::Pending<D, C>, bellwire_async::Pending<D, C>>,
);

impl<D: Wire, C: Command<D> + fmt::Debug> Pending<D, C> {
    /// Waits for the next part of the reply; `None` when it has ended, or failed.
    pub fn part(&mut self) -> Option<Bytes> {
        match &mut self.0 {
            Either::Blocking(pending) => pending.part(),
            Either::Async(executor, pending) => executor.block_on(pending.part()),
        }
    }

    /// Waits for the reply.
    ///
    /// # Errors
    ///
    /// As [`Client::request`].
    pub fn wait(self) -> Result<C::Reply, Error> {
        match self.0 {
            Either::Blocking(pending) => pending.wait(),
            Either::Async(executor, pending) => executor.block_on(pending),
        }
    }
}

/// Keeps a client out of the notification mode while it lives.
#[derive(Debug)]
pub struct Pause<D: Wire>(
    #[expect(dead_code, reason = "it is there to be dropped")]
    Either<bellwire_blocking::Pause<D>, bellwire_async::Pause<D>>,
);

/// The notifications of one client: all of them, or those about one topic.
#[derive(Debug)]
pub struct Notifications<D: Wire>(
    pub(crate) Either<bellwire_blocking::Notifications<D>, bellwire_async::Notifications<D>>,
);

impl<D: Wire> Notifications<D> {
    /// The notifications about `topic`, which from now on come there and nowhere else.
    #[must_use]
    pub fn topic(&self, topic: impl AsRef<[u8]>) -> Self {
        Self(match &self.0 {
            Either::Blocking(all) => Either::Blocking(all.topic(topic)),
            Either::Async(executor, all) => Either::Async(*executor, all.topic(topic)),
        })
    }

    /// Waits for the next notice, for at most `timeout`; `None` when none came, or none will.
    ///
    /// # Errors
    ///
    /// When the connection is lost for good.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Notice>, Error> {
        match &mut self.0 {
            Either::Blocking(notifications) => notifications.wait(timeout),
            Either::Async(executor, notifications) => executor.block_on(async {
                let deadline = Instant::now().checked_add(timeout);
                let mut sleep = deadline.map(|deadline| executor.sleep_until(deadline));
                let mut next = pin!(notifications.next());
                poll_fn(|context| {
                    if let Poll::Ready(next) = next.as_mut().poll(context) {
                        return Poll::Ready(next.transpose());
                    }
                    match &mut sleep {
                        Some(sleep) => sleep.as_mut().poll(context).map(|()| Ok(None)),
                        None => Poll::Pending,
                    }
                })
                .await
            }),
        }
    }
}

/// Ends with an error when the connection is lost for good, and with `None` when this program closed
/// it.
impl<D: Wire> Iterator for Notifications<D> {
    type Item = Result<Notice, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Either::Blocking(notifications) => notifications.next(),
            Either::Async(executor, notifications) => executor.block_on(notifications.next()),
        }
    }
}
