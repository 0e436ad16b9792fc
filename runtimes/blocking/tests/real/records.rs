//! Recording sessions, and replaying them.

use std::sync::{Arc, Mutex};

use bellwire::transcript::{Configured, Settings, play};
use bellwire::{Client, Dialect, Transcript};
use bellwire_blocking::{Connector, Recording};

/// The transcripts of all connections.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<String>>>);

impl Records {
    /// Records what this makes.
    pub(crate) fn of<D: Dialect + Configured>(connector: &mut Connector<D>) -> Self {
        let records = Self::default();
        let texts = Arc::clone(&records.0);
        let write = move |connection: u32, text: &str| {
            let mut texts = texts.lock().unwrap();
            texts.resize(connection as usize, String::new());
            texts.last_mut().unwrap().push_str(text);
            true
        };
        let recording = Recording::new(&connector.dialect, &connector.config, write);
        connector.observer = Some(Box::new(recording));
        records
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Plays what was recorded.
#[track_caller]
pub(crate) fn replay<D: Dialect + Configured>(text: &str) {
    let end = text.len().min(10_000);
    let transcript: Transcript = text.parse().unwrap_or_else(|why| panic!("{why}"));
    let Settings { client, dialect, .. } = transcript.configure::<D>().unwrap();
    let played = play::client(&transcript, Client::new(dialect, client), &mut |_| {});
    if let Err(why) = played {
        panic!("{}\n{why}", &text[..end]);
    }
}
