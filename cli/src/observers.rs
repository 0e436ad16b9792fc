//! Who watches a connection: the demo's printer, the recorder, and the reporter of what nobody asked
//! for.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use bellwire::transcript::{Act, Configured, Recorder, Said, Settings, escape};
use bellwire::{Abandoned, Config, Event};
use bellwire_blocking::Observer;

use crate::print;

/// Several observers, in order.
pub(crate) struct Observers(pub(crate) Vec<Box<dyn Observer>>);

impl Observer for Observers {
    fn connected(&mut self, connection: u64) {
        self.0.iter_mut().for_each(|observer| observer.connected(connection));
    }

    fn client(&mut self, said: &Said) {
        self.0.iter_mut().for_each(|observer| observer.client(said));
    }

    fn server(&mut self, said: &Said) {
        self.0.iter_mut().for_each(|observer| observer.server(said));
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        self.0.iter_mut().for_each(|observer| observer.event(event));
    }

    fn fault(&mut self, error: &bellwire::Error) {
        self.0.iter_mut().for_each(|observer| observer.fault(error));
    }

    fn act(&mut self, act: &Act) {
        self.0.iter_mut().for_each(|observer| observer.act(act));
    }

    fn abandoned(&mut self, ticket: u64, how: Abandoned) {
        self.0.iter_mut().for_each(|observer| observer.abandoned(ticket, how));
    }

    fn tick(&mut self, now: Duration) {
        self.0.iter_mut().for_each(|observer| observer.tick(now));
    }
}

/// Prints every line as it crosses the wire.
pub(crate) struct Printer;

impl Printer {
    fn print(end: char, said: &Said) {
        let Said::Bytes(bytes) = said else { return };
        for text in bytes.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            // If nobody reads it, the session goes on all the same.
            let _ = print::line(format!("{end}: {}", escape(text)).as_bytes());
        }
    }
}

impl Observer for Printer {
    fn client(&mut self, said: &Said) {
        Self::print('C', said);
    }

    fn server(&mut self, said: &Said) {
        Self::print('S', said);
    }
}

/// Records each connection as a transcript.
pub(crate) struct Record {
    path: PathBuf,
    recorded: fn() -> Recorder,
    settings: Vec<(&'static str, String)>,
    connections: u32,
    file: File,
    /// `None` when writing has failed.
    recorder: Option<Recorder>,
}

impl Record {
    /// Creates the file of the first connection, so that a path that cannot be written is found out
    /// before there is one.
    pub(crate) fn new<D: Configured>(
        path: &Path,
        dialect: &D,
        config: &Config,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            recorded: || Recorder::new(D::NAME, D::LF),
            settings: Settings::of(config, dialect),
            connections: 0,
            file: create(path)?,
            recorder: None,
        })
    }

    fn start(&mut self) -> anyhow::Result<()> {
        self.connections += 1;
        if self.connections > 1 {
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".{}", self.connections));
            self.file = create(Path::new(&path))?;
        }
        let mut recorder = (self.recorded)();
        for (name, value) in &self.settings {
            recorder.setting(name, value);
        }
        self.recorder = Some(recorder);
        Ok(())
    }

    /// Records something, and writes it at once, for a session may end at any moment.
    fn note(&mut self, note: impl FnOnce(&mut Recorder)) {
        let Some(recorder) = &mut self.recorder else { return };
        note(recorder);
        if let Err(error) = self.file.write_all(recorder.take().as_bytes()) {
            print::complain(format_args!("recording ends: {error}"));
            self.recorder = None;
        }
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot record to {}", path.display()))
}

impl Observer for Record {
    fn connected(&mut self, _: u64) {
        self.recorder = None;
        if let Err(error) = self.start() {
            print::complain(format_args!("{error:#}"));
        }
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

/// Reports what answers no command: the first few one by one, then how many, now and then, so that
/// a flood does not become a flood of reports.
pub(crate) struct Strays {
    json: bool,
    told: u32,
    untold: u64,
    last: Instant,
}

impl Strays {
    const ONE_BY_ONE: u32 = 10;
    const NOW_AND_THEN: Duration = Duration::from_secs(1);

    pub(crate) fn new(json: bool) -> Self {
        Self { json, told: 0, untold: 0, last: Instant::now() }
    }

    fn tell(&mut self, text: &[u8]) {
        if self.json {
            let text = String::from_utf8_lossy(text);
            let object = serde_json::json!({ "event": "unsolicited", "text": text });
            print::complain_json(&object);
        } else {
            print::complain(format_args!("unsolicited: {}", escape(text)));
        }
    }

    fn tell_count(&mut self) {
        if self.untold == 0 {
            return;
        }
        if self.json {
            let object = serde_json::json!({ "event": "unsolicited", "more": self.untold });
            print::complain_json(&object);
        } else {
            print::complain(format_args!("unsolicited: {} more lines", self.untold));
        }
        self.untold = 0;
    }
}

impl Observer for Strays {
    fn event(&mut self, event: &Event<&[u8]>) {
        match event {
            Event::Unsolicited(text) if self.told < Self::ONE_BY_ONE => {
                self.told += 1;
                self.tell(text);
            }
            Event::Unsolicited(_) => self.untold += 1,
            _ => self.tell_count(),
        }
    }

    fn fault(&mut self, _: &bellwire::Error) {
        self.tell_count();
    }

    fn tick(&mut self, _: Duration) {
        if self.last.elapsed() >= Self::NOW_AND_THEN {
            self.last = Instant::now();
            self.tell_count();
        }
    }
}
