//! Bellwire's core on a blocking socket, and a socket alone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use bellwire::{Client, Config, Dialect, Event};

const CHUNK: usize = 16 * 1024;

/// The core, driven as in the README.
pub(crate) struct Driven<D: Dialect> {
    pub(crate) client: Client<D>,
    socket: TcpStream,
    start: Instant,
    buffer: Vec<u8>,
}

impl<D: Dialect> Driven<D> {
    pub(crate) fn connect(address: SocketAddr, dialect: D) -> Self {
        let mut config = Config::default();
        config.in_flight = usize::MAX;
        Self {
            client: Client::new(dialect, config),
            socket: connect(address),
            start: Instant::now(),
            buffer: vec![0; CHUNK],
        }
    }

    /// Goes on until `replies` have come.
    pub(crate) fn until_answered(
        &mut self,
        mut replies: usize,
        mut take: impl FnMut(&Event<&[u8]>),
    ) {
        while replies > 0 {
            let due = self.client.output();
            self.socket.write_all(due).expect("the server reads");
            let count = due.len();
            self.client.written(count);
            let count = self.socket.read(&mut self.buffer).expect("the server writes");
            assert!(count > 0, "the server has closed the connection");
            let mut events = self.client.feed(&self.buffer[..count]);
            events.tick(self.start.elapsed());
            while let Some(event) = events.next().expect("the server keeps to the protocol") {
                take(&event);
                replies -= usize::from(matches!(event, Event::Reply { .. }));
            }
        }
    }
}

/// A socket alone: the physical limit.
pub(crate) struct Plain {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Plain {
    /// Connects, and reads up to the end of the greeting.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut plain = Self { socket: connect(address), buffer: vec![0; CHUNK] };
        plain.read_until(|tail| tail.ends_with(b"\n"));
        plain
    }

    /// Says something, and drops what comes, up to what `is_end` says of the last bytes that came.
    pub(crate) fn ask(&mut self, line: &[u8], is_end: impl Fn(&[u8]) -> bool) {
        self.socket.write_all(line).expect("the server reads");
        self.read_until(is_end);
    }

    fn read_until(&mut self, is_end: impl Fn(&[u8]) -> bool) {
        // More than the last line has.
        const TAIL: usize = 1024;
        let mut tail = Vec::new();
        while !is_end(&tail) {
            let count = self.socket.read(&mut self.buffer).expect("the server writes");
            assert!(count > 0, "the server has closed the connection");
            tail.extend_from_slice(&self.buffer[count.saturating_sub(TAIL)..count]);
            tail.drain(..tail.len().saturating_sub(TAIL));
        }
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("the server listens");
    // A second small write would wait for the acknowledgement of the first.
    socket.set_nodelay(true).expect("a TCP socket");
    socket
}
