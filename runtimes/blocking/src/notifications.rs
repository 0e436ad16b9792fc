//! Reading notifications.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwire::Dialect;
use bellwire_adapter::{Ended, Error, Notice, QueueId};
use bytes::Bytes;

use crate::drive::Shared;

/// The notifications of one client: all of them, or those about one topic.
///
/// Waiting for the next one asks the server for notifications; when the last such value is dropped,
/// they are asked for no more. What comes while nobody waits is kept, up to a bound, past which a
/// [`Gap`](crate::Gap) takes its place (guarantee G8).
///
/// As an iterator it ends with an error when the connection is lost for good, and with `None` when
/// this program closed it.
#[derive(Debug)]
pub struct Notifications<D: Dialect + Clone> {
    shared: Arc<Shared<D>>,
    queue: QueueId,
    /// The end has been told.
    ended: bool,
}

impl<D: Dialect + Clone> Notifications<D> {
    pub(crate) fn open(shared: Arc<Shared<D>>, topic: Option<Bytes>) -> Self {
        let queue = shared.lock().drive.session.inbox.open(topic);
        Self { shared, queue, ended: false }
    }

    /// The notifications about `topic`, which from now on come there and nowhere else.
    ///
    /// ```no_run
    /// # use bellwire::dialect::notif::{Notif, Random};
    /// # let (client, notifications) = bellwire_blocking::connect("127.0.0.1:6789", Notif::default())?;
    /// for notice in notifications.topic("random") {
    ///     let _pause = client.pause();
    ///     println!("{:?}: {}", notice?, client.request(Random)?);
    /// }
    /// # Ok::<(), bellwire_blocking::Error>(())
    /// ```
    #[must_use]
    pub fn topic(&self, topic: impl AsRef<[u8]>) -> Self {
        Self::open(Arc::clone(&self.shared), Some(Bytes::copy_from_slice(topic.as_ref())))
    }

    /// Waits for the next notice, for at most `timeout`; `None` when none came.
    ///
    /// # Errors
    ///
    /// When the connection is lost for good.
    pub fn wait(&mut self, timeout: Duration) -> Result<Option<Notice>, Error> {
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(&mut self, deadline: Option<Instant>) -> Result<Option<Notice>, Error> {
        let queue = self.queue;
        self.shared.lock().drive.session.listen(true);
        let notice = self.shared.wait(deadline, |state| state.drive.session.inbox.take(queue));
        match (notice, self.shared.lock().drive.over().cloned()) {
            (Some(notice), _) => Ok(Some(notice)),
            (None, Some(ended)) => Err(Error::NotConnected(ended)),
            (None, None) => Ok(None),
        }
    }
}

impl<D: Dialect + Clone> Iterator for Notifications<D> {
    type Item = Result<Notice, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.wait_until(None) {
            Ok(notice) => notice.map(Ok),
            Err(error) => {
                self.ended = true;
                let own = error == Error::NotConnected(Ended::ByProgram);
                (!own).then_some(Err(error))
            }
        }
    }
}

impl<D: Dialect + Clone> Drop for Notifications<D> {
    fn drop(&mut self) {
        let queue = self.queue;
        self.shared.note(|state| state.drive.session.stop_reading(queue));
    }
}
