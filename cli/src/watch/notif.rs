//! Watching a notif server: topics, and their items.

use bellwire::Notification;
use bellwire::dialect::notif::{Get, Notif};
use bellwire_any::{Client, Error};
use bytes::Bytes;

use super::{Item, News, Source};

pub(super) struct Board;

impl Source for Board {
    type Dialect = Notif;

    fn change(&self, it: &Notification<Bytes>) -> Option<Item> {
        Some(Item::new(it.topic.to_vec(), None))
    }

    fn fetch(&mut self, client: &Client<Notif>, topic: &[u8]) -> Result<News, Error> {
        let item = client.request(Get(topic))?;
        // Nothing: it was fetched before, or gone before it could be.
        let item = Some(item).filter(|item| !item.is_empty());
        Ok(item.map(|item| Item::new(topic, Some(item.to_vec()))).into())
    }
}
