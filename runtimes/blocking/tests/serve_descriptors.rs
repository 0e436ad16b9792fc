//! A server that runs out of file descriptors. It is alone in its file, because the limit is the whole
//! process's.

use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use bellwire::dialect::notif::Get;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

mod common;

use common::{Echo, PATIENCE, Running, connector, in_time};

/// G26: more clients than there are descriptors: those beyond wait; those who are
/// served stay served, and there is room again when some have gone.
#[test]
fn more_clients_than_descriptors() {
    in_time(|| {
        let server = Running::serves(Echo);
        let (client, _notifications) = connector("").tcp(server.address).unwrap();
        assert_eq!(client.request(Get("weather")).unwrap(), "weather");
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: limit.maximum });
        // The clients share the process with the server; between them they use up all there are.
        let crowd: Vec<_> =
            (0..100).map_while(|_| TcpStream::connect(server.address).ok()).collect();
        assert!(crowd.len() < 100);
        assert_eq!(client.request(Get("weather")).unwrap(), "weather");
        drop(crowd);
        let _ = setrlimit(Resource::Nofile, limit);
        let deadline = Instant::now() + PATIENCE / 5;
        loop {
            let asked = connector("").tcp(server.address);
            match asked.and_then(|(client, _)| client.request(Get("weather"))) {
                Ok(answer) => break assert_eq!(answer, "weather"),
                Err(error) => assert!(Instant::now() < deadline, "the server is gone: {error}"),
            }
            thread::yield_now();
        }
        client.close();
        server.stop();
    });
}
