//! A hostile server, and what became of the client that it had.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bellwire_any::Runtime;
use bellwire_testkit::accept;

use crate::memory::Growth;
use crate::patience::PATIENCE;
use crate::victim::Victim;

/// The hostile end of a connection.
#[derive(Debug)]
pub struct Peer {
    stream: BufReader<TcpStream>,
    /// The other end has told its user something.
    told: Arc<AtomicBool>,
}

impl Peer {
    /// An end that is hostile from now on.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream), told: Arc::default() }
    }

    /// Says this. `false`: nobody is there any more.
    pub fn says(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Says this again and again, until nobody is there any more, which is `true`, or `most` bytes were said.
    pub fn pours(&mut self, bytes: impl AsRef<[u8]>, most: usize) -> bool {
        let several = several(bytes.as_ref());
        !(0..most / several.len() + 1).all(|_| self.says(&several))
    }

    /// Says this again and again, `least` bytes at least, until the client has told its user something: that it has
    /// lost patience.
    pub fn pours_until_it_tells(&mut self, bytes: impl AsRef<[u8]>, least: usize) {
        let several = several(bytes.as_ref());
        let mut poured = 0;
        while poured < least || !self.told.load(Ordering::Relaxed) {
            if !self.says(&several) {
                return;
            }
            poured += several.len();
        }
    }

    /// Closes its half: what it has said is heard, and then its end.
    pub fn leaves(&self) {
        // If the client has left first, that is seen by what it tells.
        let _ = self.stream().shutdown(Shutdown::Write);
    }

    /// The next line, without its end; nothing if there is none.
    pub fn hears(&mut self) -> String {
        let mut line = Vec::new();
        // What is cut off is nothing, too.
        let _ = self.stream.read_until(b'\n', &mut line);
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// The first word of the next line: IMAP's tag.
    pub fn hears_tag(&mut self) -> String {
        self.hears().split(' ').next().unwrap_or_default().to_owned()
    }

    /// Hears all up to the end, which must come in time. How many bytes that were.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub fn hears_the_end(&mut self) -> usize {
        let stream = self.stream.get_ref();
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let (mut heard, mut buffer) = (0, [0; 16 * 1024]);
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return heard,
                Ok(count) => heard += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("it does not end"),
                Err(_) => return heard,
            }
        }
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }
}

/// As many of them as are worth a write.
fn several(bytes: &[u8]) -> Vec<u8> {
    bytes.repeat((64 * 1024 / bytes.len()).max(1))
}

/// What became of a client.
#[derive(Debug)]
pub struct Attacked {
    /// What it said.
    pub lines: Vec<String>,
    /// What it took at most; `None`: this system does not say.
    pub growth: Option<Growth>,
}

impl Attacked {
    /// Has a client do `what` (its words are `[dialect, text, options...]`) with a server that does `attack`.
    ///
    /// # Panics
    ///
    /// If the client does not come, hangs, or panics.
    pub fn client(
        program: &str,
        runtime: Runtime,
        what: &str,
        words: &[&str],
        attack: impl FnOnce(&mut Peer) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound").to_string();
        let told = Arc::new(AtomicBool::new(false));
        let tells = Arc::clone(&told);
        let server = thread::spawn(move || {
            let stream = accept(&listener, PATIENCE).expect("the client does not come");
            let mut peer = Peer { told, ..Peer::new(stream) };
            attack(&mut peer);
            // It is kept: nobody closes it but the client.
            peer
        });
        let (dialect, rest) = words.split_first().expect("a dialect");
        let arguments = [&[dialect, address.as_str()], rest].concat();
        let mut victim = Victim::start(program, what, runtime, &arguments);
        assert_eq!(victim.line(), "ready");
        victim.is_ready();
        victim.tell("begin");
        let tell = |_: &String| tells.store(true, Ordering::Relaxed);
        let lines = victim.outcome().inspect(tell).collect();
        let growth = victim.peak();
        victim.ends();
        drop(server.join().expect("the hostile server has panicked"));
        Self { lines, growth }
    }

    /// What it said must be this, each line from its beginning; and it may have taken so much.
    ///
    /// # Panics
    ///
    /// If it said anything else, or took more.
    pub fn told(&self, beginnings: &[&str], bound: usize) {
        let as_told = self.lines.len() == beginnings.len()
            && self.lines.iter().zip(beginnings).all(|(line, start)| line.starts_with(start));
        assert!(as_told, "{:#?} was told, and not {beginnings:#?}", self.lines);
        if let Some(growth) = self.growth {
            growth.within(bound, &format!("a client that told {:?}", self.lines));
        }
    }
}
