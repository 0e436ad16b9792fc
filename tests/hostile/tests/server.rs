//! Hostile clients: what each does to a server ends that client's connection, if anything, within the memory that it
//! may cost, and an honest client is served before, meanwhile and after. On each runtime, for each dialect that it
//! makes sense for.

use std::net::{SocketAddr, TcpStream};

use bellwire::ServerLimits;
use bellwire_any::Runtime;
use bellwire_hostile::{Honest, Peer, Victim, bounds};
use rustix::net::sockopt::set_socket_recv_buffer_size;

#[path = "server/floods.rs"]
mod floods;
#[path = "server/lines.rs"]
mod lines;
#[path = "server/silence.rs"]
mod silence;

const VICTIM: &str = env!("CARGO_BIN_EXE_victim");

/// Much more than any bound here.
const POURED: usize = 32 * 1024 * 1024;

/// A server, and an honest client of it.
struct Server {
    runtime: Runtime,
    dialect: &'static str,
    victim: Victim,
    address: SocketAddr,
    honest: Honest,
}

impl Server {
    fn start(runtime: Runtime, dialect: &'static str, options: &[&str]) -> Self {
        let (mut victim, address) = Victim::serve(VICTIM, runtime, &[&[dialect], options].concat());
        let mut honest = Honest::connect(dialect, address).expect("nobody else is there");
        honest.asks();
        victim.is_ready();
        Self { runtime, dialect, victim, address, honest }
    }

    fn enemy(&self) -> Peer {
        enemy(self.dialect, self.address)
    }

    /// The enemy is gone, or has done what it can; who is honest is served, and it has not cost too much. `more`:
    /// than any connection.
    fn survives(mut self, more: usize) {
        self.honest.asks();
        Honest::connect(self.dialect, self.address).expect("there is room").asks();
        if let Some(growth) = self.victim.peak() {
            let longest = 1024;
            let bound = bounds::connection(self.runtime, &ServerLimits::default(), longest);
            growth.within(bound + more + bounds::PROGRAM, &format!("{}", self.runtime));
        }
        self.victim.ends();
    }

    /// Waits until only the honest client is connected.
    fn is_left(&mut self) {
        while self.victim.ask("count") != "1" {
            self.honest.asks();
        }
    }
}

/// A client that means ill. What it does not read, the system does not keep for it.
fn enemy(dialect: &str, address: SocketAddr) -> Peer {
    let stream = TcpStream::connect(address).expect("there is room");
    set_socket_recv_buffer_size(&stream, 4096).expect("it is a socket");
    stream.set_nodelay(true).expect("it is a socket");
    let mut peer = Peer::new(stream);
    if dialect == "mpd" {
        assert!(peer.hears().starts_with("OK MPD"));
    }
    peer
}
