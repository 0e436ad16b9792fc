//! A live client, whatever its adapter is.

use std::any::Any;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bellwire::Dialect;
use bellwire_adapter::Error;
use bellwire_any::{Client, Wire};
use bytes::Bytes;

/// A client that a transcript can be played on: one that is driven, so that nobody has to wait.
pub trait Live: Send {
    /// Gives a command, which must be answered within this time if one is given; the caller waits for as
    /// long as he has what is returned.
    ///
    /// # Errors
    ///
    /// When it is refused.
    fn command(&self, text: Bytes, within: Option<Duration>) -> Result<Box<dyn Any>, Error>;

    /// Asks for notifications.
    fn listen(&self);

    /// Asks for no more of them.
    fn unlisten(&self);

    /// Ends the connection.
    fn close(&self);

    /// Waits until nobody is in the middle of something.
    fn settle(&self);
}

impl<D: Wire> Live for Client<D> {
    fn command(&self, text: Bytes, within: Option<Duration>) -> Result<Box<dyn Any>, Error> {
        Ok(Box::new(self.within(within).send(text)?))
    }

    fn listen(&self) {
        Self::listen(self);
    }

    fn unlisten(&self) {
        Self::unlisten(self);
    }

    fn close(&self) {
        Self::close(self);
    }

    fn settle(&self) {
        let _ = self.unsolicited();
    }
}

impl<D: Dialect<Expect: Send> + Clone + Send + 'static> Live for bellwire_async::Client<D> {
    fn command(&self, text: Bytes, within: Option<Duration>) -> Result<Box<dyn Any>, Error> {
        Ok(Box::new(self.within(within).send(text)?))
    }

    fn listen(&self) {
        Self::listen(self);
    }

    fn unlisten(&self) {
        Self::unlisten(self);
    }

    fn close(&self) {
        Self::close(self);
    }

    fn settle(&self) {
        let _ = self.unsolicited();
    }
}

/// Keeps a client going while nobody waits, on threads, too; it is closed when this is dropped.
#[derive(Debug)]
pub struct Driven<D: Wire> {
    client: Client<D>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl<D: Wire> Driven<D> {
    /// Begins to.
    #[must_use]
    pub fn new(client: &Client<D>) -> Self {
        let driver = client.clone();
        Self { client: client.clone(), thread: Some(thread::spawn(move || driver.drive())) }
    }
}

impl<D: Wire> Drop for Driven<D> {
    fn drop(&mut self) {
        self.client.close();
        let ended = self.thread.take().map(JoinHandle::join);
        // A connection that the server has ended was driven to its end, too.
        assert!(thread::panicking() || matches!(ended, Some(Ok(_))), "the driver has panicked");
    }
}
