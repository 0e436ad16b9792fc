//! A client as its users see it, whatever its adapter is: what blocks is a future that is ready when it is
//! polled.

use std::any::Any;
use std::fmt;
use std::future::Future;

use bellwire::{Command, Dialect};
use bellwire_adapter::{Error, Notice};
use bellwire_any::Wire;

/// A client.
pub trait Asks<D: Dialect>: Clone {
    /// Its notifications.
    type Notifications: Reads<D>;

    /// Asks. The reply is awaited by who awaits the future; who drops it does not want it.
    ///
    /// # Errors
    ///
    /// When the command is refused, or there is no connection.
    fn send<C>(
        &self,
        command: C,
    ) -> Result<impl Future<Output = Result<C::Reply, Error>> + use<C, D, Self>, Error>
    where
        C: Command<D> + fmt::Debug;

    /// The same client, which asks again what was never sent.
    #[must_use]
    fn resending(&self) -> Self;

    /// Asks for notifications.
    fn listen(&self);

    /// Stays out of the mode until this is dropped.
    fn pause(&self) -> Box<dyn Any>;

    /// Asks, and awaits the reply.
    fn ask<C>(&self, command: C) -> impl Future<Output = Result<C::Reply, Error>>
    where
        C: Command<D> + fmt::Debug;
}

/// Notifications.
pub trait Reads<D: Dialect> {
    /// Awaits the next.
    fn read(&mut self) -> impl Future<Output = Option<Result<Notice, Error>>>;

    /// Those about a topic.
    #[must_use]
    fn topic(&self, topic: &str) -> Self;
}

impl<D: Wire> Asks<D> for bellwire_blocking::Client<D> {
    type Notifications = bellwire_blocking::Notifications<D>;

    fn send<C>(
        &self,
        command: C,
    ) -> Result<impl Future<Output = Result<C::Reply, Error>> + use<C, D>, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        let pending = Self::send(self, command)?;
        Ok(async move { pending.wait() })
    }

    async fn ask<C>(&self, command: C) -> Result<C::Reply, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        self.request(command)
    }

    fn resending(&self) -> Self {
        Self::resending(self)
    }

    fn listen(&self) {
        Self::listen(self);
    }

    fn pause(&self) -> Box<dyn Any> {
        Box::new(Self::pause(self))
    }
}

impl<D: Wire> Reads<D> for bellwire_blocking::Notifications<D> {
    async fn read(&mut self) -> Option<Result<Notice, Error>> {
        self.next()
    }

    fn topic(&self, topic: &str) -> Self {
        Self::topic(self, topic)
    }
}

impl<D: Wire> Asks<D> for bellwire_async::Client<D> {
    type Notifications = bellwire_async::Notifications<D>;

    fn send<C>(
        &self,
        command: C,
    ) -> Result<impl Future<Output = Result<C::Reply, Error>> + use<C, D>, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        Self::send(self, command)
    }

    async fn ask<C>(&self, command: C) -> Result<C::Reply, Error>
    where
        C: Command<D> + fmt::Debug,
    {
        self.request(command).await
    }

    fn resending(&self) -> Self {
        Self::resending(self)
    }

    fn listen(&self) {
        Self::listen(self);
    }

    fn pause(&self) -> Box<dyn Any> {
        Box::new(Self::pause(self))
    }
}

impl<D: Wire> Reads<D> for bellwire_async::Notifications<D> {
    async fn read(&mut self) -> Option<Result<Notice, Error>> {
        self.next().await
    }

    fn topic(&self, topic: &str) -> Self {
        Self::topic(self, topic)
    }
}
