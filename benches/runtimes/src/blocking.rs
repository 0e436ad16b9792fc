//! Round trips on plain threads.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bellwire::dialect::notif::Notif;
use bellwire_blocking::{Connector, Pending};

use crate::{QUESTION, Work};

/// A bare loop.
///
/// # Panics
///
/// When the server is gone.
#[must_use]
pub fn bare(work: Work) -> Duration {
    let mut stream = TcpStream::connect(work.server).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let (batch, mut buffer) = (work.batch(), [0; 16 * 1024]);
    let start = Instant::now();
    for _ in 0..work.batches() {
        stream.write_all(&batch).expect("the server hears");
        let mut answers = 0;
        while answers < work.depth {
            let count = stream.read(&mut buffer).expect("the server answers");
            answers += memchr::memchr_iter(b'\n', &buffer[..count]).count();
        }
    }
    start.elapsed()
}

/// Bellwire's client.
///
/// # Panics
///
/// When the server is gone.
#[must_use]
pub fn client(work: Work) -> Duration {
    let mut connector = Connector::new(Notif::default());
    connector.config.in_flight = work.depth;
    let (client, _) = connector.tcp(work.server).expect("a connection");
    let start = Instant::now();
    for _ in 0..work.batches() {
        if work.depth == 1 {
            client.request(QUESTION).expect("an answer");
        } else {
            for pending in client.send_all((0..work.depth).map(|_| QUESTION)) {
                pending.and_then(Pending::wait).expect("an answer");
            }
        }
    }
    start.elapsed()
}
