//! Bellwire's client, as the checks see it.

use bellwire_async::{Client, Connector, Notice, Notifications};
use bellwire_testkit::Pipe;

use crate::checks::Subject;
use crate::proof::{Proof, Spoken};
use crate::world::World;

pub(crate) struct Ours<D: Proof> {
    pub(crate) client: Client<D>,
    pub(crate) notifications: Notifications<D>,
}

impl<D: Proof> Spoken<D> {
    /// How to connect, with limits so narrow that a slot that is left behind is found out.
    pub(crate) fn connector(&self) -> Connector<D, World> {
        let mut connector = Connector::new(self.dialect.clone());
        connector.config = self.config.clone();
        connector.config.limits.pending = 4;
        connector.config.limits.held = 3;
        connector
    }

    /// Connects, and listens.
    pub(crate) async fn connect(&self, near: Pipe) -> Ours<D> {
        let (client, notifications) = self.connector().over(near).await.unwrap();
        client.listen();
        Ours { client, notifications }
    }
}

impl<D: Proof> Subject for Ours<D> {
    async fn ask(&mut self, number: u64) -> Option<u64> {
        self.client.request(D::ask(number)).await.ok().and_then(D::proof)
    }

    async fn next(&mut self) -> Option<u64> {
        loop {
            match self.notifications.next().await {
                Some(Ok(Notice::Notification(notification))) => match D::number(&notification) {
                    // IMAP: the data of a dropped question, which counts as nobody's.
                    None if notification.topic == "FETCH" => {}
                    number => return number,
                },
                other => panic!("{other:?} is no notification"),
            }
        }
    }
}
