//! Watching a player: its subsystems, and the song.

use bellwire::Notification;
use bellwire::dialect::mpd::{CurrentSong, Mpd, Song};
use bellwire_blocking::{Client, Error};
use bytes::Bytes;

use super::{Item, Source};

#[derive(Default)]
pub(super) struct Player {
    /// The song that was told last: its place in the queue for good, and its file.
    last: Option<(Option<u32>, String)>,
}

impl Player {
    /// Whether this is not the song that was told last. No song is none to tell.
    fn is_news(&mut self, song: Option<&Song>) -> bool {
        let now = song.map(|song| (song.id, song.uri.clone()));
        let news = now.is_some() && now != self.last;
        self.last = now;
        news
    }
}

impl Source for Player {
    type Dialect = Mpd;

    fn change(&self, it: &Notification<Bytes>) -> Option<Item> {
        Some(Item::new(it.topic.to_vec(), None))
    }

    fn fetch(&mut self, client: &Client<Mpd>, topic: &[u8]) -> Result<Vec<Item>, Error> {
        if !self.topics().iter().any(|known| known.as_bytes() == topic) {
            return Ok(Vec::new());
        }
        let song = client.request(CurrentSong)?;
        let news = self.is_news(song.as_ref());
        Ok(song.filter(|_| news).map(|song| item(topic, &song)).into_iter().collect())
    }

    fn topics(&self) -> &'static [&'static str] {
        &["player", "playlist"]
    }
}

fn item(topic: &[u8], song: &Song) -> Item {
    let text = match (song.artist(), song.title()) {
        (Some(artist), Some(title)) => format!("{artist} - {title}"),
        (None, Some(title)) => title.to_owned(),
        (_, None) => song.uri.clone(),
    };
    let mut item = Item::new(topic, Some(text.into_bytes())).field("file", song.uri.as_str());
    for (name, value) in
        [("artist", song.artist()), ("title", song.title()), ("album", song.album())]
    {
        if let Some(value) = value {
            item = item.field(name, value);
        }
    }
    item
}
