//! Recording sessions, and replaying them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwire::transcript::{Act, Configured, Recorder, Said, Settings, play};
use bellwire::{Abandoned, Client, Dialect, Event, Transcript};
use bellwire_blocking::{Connector, Observer};

/// Records each connection.
#[derive(Clone)]
pub(crate) struct Records {
    settings: Vec<(&'static str, String)>,
    recorder: fn() -> Recorder,
    recorders: Arc<Mutex<Vec<Recorder>>>,
}

impl Records {
    /// Records what this makes.
    pub(crate) fn of<D: Dialect + Configured>(connector: &mut Connector<D>) -> Self {
        let Connector { config, dialect, .. } = &connector;
        let settings = Settings::of(config, dialect);
        let recorder = || Recorder::new(D::NAME, D::LF);
        let records = Self { settings, recorder, recorders: Arc::default() };
        connector.observer = Some(Box::new(records.clone()));
        records
    }

    fn note(&self, note: impl FnOnce(&mut Recorder)) {
        self.recorders.lock().unwrap().last_mut().map(note);
    }

    /// The transcripts.
    pub(crate) fn take(&self) -> Vec<String> {
        self.recorders.lock().unwrap().iter_mut().map(Recorder::take).collect()
    }
}

impl Observer for Records {
    fn connected(&mut self, _: u64) {
        let mut recorder = (self.recorder)();
        self.settings.iter().for_each(|(name, value)| recorder.setting(name, value));
        self.recorders.lock().unwrap().push(recorder);
    }

    fn client(&mut self, said: &Said) {
        self.note(|recorder| recorder.client(said));
    }

    fn server(&mut self, said: &Said) {
        self.note(|recorder| recorder.server(said));
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        self.note(|recorder| recorder.event(event));
    }

    fn fault(&mut self, error: &bellwire::Error) {
        self.note(|recorder| recorder.event(format_args!("error: {error}")));
    }

    fn act(&mut self, act: &Act) {
        self.note(|recorder| recorder.act(act));
    }

    fn abandoned(&mut self, ticket: u64, how: Abandoned) {
        self.note(|recorder| recorder.event(format_args!("{how} {ticket}")));
    }

    fn tick(&mut self, now: Duration) {
        self.note(|recorder| recorder.tick(now));
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
