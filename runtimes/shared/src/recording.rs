//! Recording sessions as transcripts.

use std::fmt;
use std::time::Duration;

use bellwire::transcript::{Act, Configured, Recorder, Said, Settings};
use bellwire::{Abandoned, Config, Event};

use crate::observer::Observer;

/// Records each connection as a transcript that replays to the same events, without what is secret.
pub struct Recording {
    begin: Box<dyn Fn() -> Recorder + Send>,
    write: Box<Write>,
    connections: u32,
    /// `None` when there is no more to be recorded of a connection.
    recorder: Option<Recorder>,
}

/// Writes a further bit of the transcript of a connection.
type Write = dyn FnMut(u32, &str) -> bool + Send;

impl Recording {
    /// Records a client that is configured so. `write` is given the number of the connection, from 1,
    /// and what is new of its transcript, at once, for a session may end at any moment; if it says
    /// `false`, no more is recorded of that connection.
    pub fn new<D: Configured>(
        dialect: &D,
        config: &Config,
        write: impl FnMut(u32, &str) -> bool + Send + 'static,
    ) -> Self {
        let settings = Settings::of(config, dialect);
        let begin = move || {
            let mut recorder = Recorder::new(D::NAME, D::LF);
            for (name, value) in &settings {
                recorder.setting(name, value);
            }
            recorder
        };
        let (begin, write) = (Box::new(begin), Box::new(write));
        Self { begin, write, connections: 0, recorder: None }
    }

    fn note(&mut self, note: impl FnOnce(&mut Recorder)) {
        let Some(recorder) = &mut self.recorder else { return };
        note(recorder);
        if !(self.write)(self.connections, &recorder.take()) {
            self.recorder = None;
        }
    }
}

impl Observer for Recording {
    fn connected(&mut self, _: u64) {
        self.connections += 1;
        self.recorder = Some((self.begin)());
        self.note(|_| {});
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
        if let Some(recorder) = &mut self.recorder {
            recorder.tick(now);
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("connections", &self.connections).finish_non_exhaustive()
    }
}
