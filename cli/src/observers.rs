//! Who watches a connection: the demo's printer, the recorder, and the reporter of what nobody asked
//! for.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use bellwire::transcript::{Act, Configured, Said, escape};
use bellwire::{Abandoned, Config, Event};
use bellwire_any::{Observer, Recording};

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

/// Records each connection in a file of its own.
///
/// The file of the first is created at once, so that a path that cannot be written is found out before
/// there is a connection.
pub(crate) fn record<D: Configured>(
    path: &Path,
    dialect: &D,
    config: &Config,
) -> anyhow::Result<Recording> {
    let (path, mut file, mut current) = (path.to_owned(), create(path)?, 1);
    Ok(Recording::new(dialect, config, move |connection, text| {
        let mut write = || -> anyhow::Result<()> {
            if connection > current {
                let mut path = path.clone().into_os_string();
                path.push(format!(".{connection}"));
                file = create(Path::new(&path))?;
                current = connection;
            }
            file.write_all(text.as_bytes()).context("recording ends")
        };
        let written = write();
        if let Err(error) = &written {
            print::complain(format_args!("{error:#}"));
        }
        written.is_ok()
    }))
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot record to {}", path.display()))
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
