//! A server that runs out of file descriptors. It is alone in its file, because the limit is the whole
//! process's.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use bellwire::Reply;
use bellwire_async::{Peer, Service};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

mod common;

use common::{PATIENCE, Running, in_time};

struct Echo;

impl Service for Echo {
    type Session = ();

    async fn open(&self, _: &mut Peer) {}

    async fn answer(&self, _: &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        Reply::done(command.to_vec())
    }
}

/// G26: more clients than there are descriptors: those beyond wait; those who are served stay served, and
/// there is room again when some have gone.
#[test]
fn more_clients_than_descriptors() {
    in_time(|| {
        let server = Running::serves(Echo);
        let mut client = server.connect();
        server.hears_on(&mut client, "C: weather?\nS: weather?");
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: limit.maximum });
        // The clients share the process with the server; between them they use up all there are.
        let crowd: Vec<_> =
            (0..100).map_while(|_| TcpStream::connect(server.address).ok()).collect();
        assert!(crowd.len() < 100);
        server.hears_on(&mut client, "C: weather?\nS: weather?");
        drop(crowd);
        let _ = setrlimit(Resource::Nofile, limit);
        let deadline = Instant::now() + PATIENCE / 5;
        loop {
            let mut late = server.connect();
            let asked = late.write_all(b"weather?\n");
            match asked.and_then(|()| late.read_exact(&mut [0; 10])) {
                Ok(()) => break,
                Err(error) => assert!(Instant::now() < deadline, "the server is gone: {error}"),
            }
            thread::yield_now();
        }
        server.stop();
    });
}
