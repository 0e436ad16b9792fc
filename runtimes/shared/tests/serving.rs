//! A server's connection without its I/O.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use bellwire::dialect::notif::Notif;
use bellwire::{Error, Reply, ServerConfig, Wait};
use bellwire_adapter::{Ended, ServerHandle, Serving, Transport};

/// A client that never stops asking, and takes nothing.
struct Flood(Arc<AtomicU64>);

impl Read for Flood {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.iter_mut().zip("a\n".bytes().cycle()).for_each(|(byte, it)| *byte = it);
        self.0.fetch_add(buffer.len() as u64, Ordering::SeqCst);
        Ok(buffer.len())
    }
}

impl Write for Flood {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Flood {}

/// Seconds that have passed.
static PASSED: AtomicU64 = AtomicU64::new(0);

fn now() -> Instant {
    use std::sync::OnceLock;
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    *BEGIN.get_or_init(Instant::now) + Duration::from_secs(PASSED.load(Ordering::SeqCst))
}

/// G17, G25: what came in time is heard before a deadline that has passed; but what comes all the while is not all
/// read, or the deadline would never pass, and memory would be full before.
#[test]
fn g25_a_flood_keeps_no_deadline_away() {
    let (server, read) = (ServerHandle::new(Waker::noop().clone()), Arc::default());
    let (config, flood) = (ServerConfig::default(), Flood(Arc::clone(&read)));
    let waker = Waker::noop().clone();
    let mut serving = Serving::new(&server, Notif::default(), config, flood, waker, now);
    serving.read().unwrap();
    let (ticket, _) = serving.next().unwrap().unwrap();
    serving.reply(ticket, Reply::done(b"b".to_vec()));
    // It is tried to write that, in vain, once all is heard that was read.
    while let Some((ticket, _)) = serving.next().unwrap() {
        serving.reply(ticket, Reply::done(b"b".to_vec()));
    }
    serving.wanted();
    serving.read().unwrap();
    PASSED.store(61, Ordering::SeqCst);
    let before = read.load(Ordering::SeqCst);
    let ended = loop {
        match serving.next() {
            Ok(Some((ticket, _))) => serving.reply(ticket, Reply::done(b"b".to_vec())),
            Ok(None) => panic!("the deadline has passed"),
            Err(ended) => break ended,
        }
    };
    assert_eq!(ended, Ended::Fault(Error::TimedOut(Wait::Write)));
    let meanwhile = read.load(Ordering::SeqCst) - before;
    assert!(meanwhile <= 64 * 1024, "{meanwhile} bytes were read");
}
