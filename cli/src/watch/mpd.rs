//! Watching a player: its subsystems, and the song.

use bellwire::Notification;
use bellwire::dialect::mpd::{CurrentSong, Mpd, Song};
use bellwire_any::{Client, Error};
use bytes::Bytes;

use super::{Item, News, Source};

/// What songs are printed as.
const SONG: &str = "song";

#[derive(Default)]
pub(super) struct Player {
    /// The song that was told last.
    last: Option<Told>,
}

/// What makes a song another. A radio station is the same entry of the queue for ever, and only its
/// title changes.
#[derive(PartialEq, Eq)]
struct Told {
    id: Option<u32>,
    file: String,
    text: String,
}

impl Player {
    /// Whether this is not the song that was told last. No song is none to tell.
    fn is_news(&mut self, song: Option<&Song>) -> bool {
        let now = song.map(|song| Told { id: song.id, file: song.uri.clone(), text: text(song) });
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

    fn fetch(&mut self, client: &Client<Mpd>, topic: &[u8]) -> Result<News, Error> {
        if !self.topics().iter().any(|known| known.as_bytes() == topic) {
            return Ok(News::default());
        }
        let song = client.request(CurrentSong)?;
        let news = self.is_news(song.as_ref());
        Ok(song.filter(|_| news).map(|song| item(&song)).into())
    }

    /// Which of them is told first when a song begins is the server's business.
    fn fetched_as(&self, topic: &str) -> Option<&'static str> {
        self.topics().contains(&topic).then_some(SONG)
    }

    /// A radio station's title is a change of the `playlist`.
    fn topics(&self) -> &'static [&'static str] {
        &["player", "playlist"]
    }
}

fn text(song: &Song) -> String {
    match (song.artist(), song.title()) {
        (Some(artist), Some(title)) => format!("{artist} - {title}"),
        (None, Some(title)) => title.to_owned(),
        (_, None) => song.uri.clone(),
    }
}

fn item(song: &Song) -> Item {
    let item = Item::new(SONG, Some(text(song).into_bytes())).field("file", song.uri.as_str());
    let tags = [("artist", song.artist()), ("title", song.title()), ("album", song.album())];
    tags.into_iter().fold(item, |item, (name, value)| match value {
        Some(value) => item.field(name, value),
        None => item,
    })
}
