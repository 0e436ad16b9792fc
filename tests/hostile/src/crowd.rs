//! Many hostile clients in one thread.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_recv_buffer_size;

/// Clients of one server.
#[derive(Debug)]
pub struct Crowd(Vec<TcpStream>);

impl Crowd {
    /// Connects so many times. Every other of them reads nothing, and has little room for what it does not read, or
    /// the system would hold it all for the server.
    ///
    /// # Panics
    ///
    /// If that fails.
    #[must_use]
    pub fn connect(address: SocketAddr, count: usize) -> Self {
        let connect = |at| {
            let stream = TcpStream::connect(address).expect("one more does not connect");
            stream.set_nonblocking(true).expect("it is a socket");
            if !reads(at) {
                set_socket_recv_buffer_size(&stream, 4096).expect("it is a socket");
            }
            stream
        };
        Self((0..count).map(connect).collect())
    }

    /// How many have been ended by the server.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.0.iter().filter(|stream| has_ended(stream)).count()
    }

    /// Floods the server from now on, as fast as it takes it: each says `bytes` again and again.
    ///
    /// # Panics
    ///
    /// If there are no threads.
    #[must_use]
    pub fn floods(self, bytes: &'static [u8]) -> Flood {
        let over = Arc::new(AtomicBool::new(false));
        let flooding = Arc::clone(&over);
        let flood = move || {
            while !flooding.load(Ordering::Relaxed) {
                self.flood(bytes);
            }
            self
        };
        Flood { over, thread: thread::spawn(flood) }
    }

    fn flood(&self, bytes: &[u8]) {
        let mut buffer = [0; 16 * 1024];
        let mut moved = false;
        for (at, mut stream) in self.0.iter().enumerate() {
            moved |= stream.write(bytes).is_ok();
            moved |= reads(at) && matches!(stream.read(&mut buffer), Ok(1..));
        }
        if !moved {
            self.wait();
        }
    }

    /// Waits for the server, but not for long: some may have ended.
    fn wait(&self) {
        let wanted = |at| if reads(at) { PollFlags::IN | PollFlags::OUT } else { PollFlags::OUT };
        let streams = self.0.iter().enumerate();
        let mut polled: Vec<_> =
            streams.map(|(at, stream)| PollFd::new(stream, wanted(at))).collect();
        let moment = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        // Whatever it says, the next round tries all.
        let _ = poll(&mut polled, Some(&moment));
    }
}

/// Whether one of a crowd reads answers.
fn reads(at: usize) -> bool {
    at.is_multiple_of(2)
}

/// Whether the server has ended it; what it has said is of no interest.
fn has_ended(mut stream: &TcpStream) -> bool {
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return !is_pause(&error),
        }
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// A crowd that floods.
#[derive(Debug)]
pub struct Flood {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Crowd>,
}

impl Flood {
    /// It is over.
    ///
    /// # Panics
    ///
    /// If it has panicked.
    pub fn ends(self) -> Crowd {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().expect("the flood has panicked")
    }
}
