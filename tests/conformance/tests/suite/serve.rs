//! The server, against raw sockets: what it says to whom, byte for byte.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};

use bellwire::dialect::notif::Notif;
use bellwire::{Reply, ServerConfig};
use bellwire_any::{Peer, Server, ServerHandle, Service};
use bellwire_conformance::{Runtime, on_each_runtime};

on_each_runtime! {
    /// The tutorial's example session, in both its spellings; G8: one fetch for each notification reads
    /// everything.
    the_tutorials_session => session,
    /// G26: question m: an unknown command, an empty line, a line that is too long, bytes that are no
    /// text: each is told so in one line, and the connection stays usable.
    m_garbage => garbage,
    /// Question n: clients that end their lines in LF alone, in CR LF, and byte by byte.
    n_line_ends => line_ends,
    /// G24, G26: a client that asks, and closes its half (`printf … | nc`), has its answers.
    a_half_closed_client_is_answered => half_closed,
    /// G13, G24: a service's reply that would be two lines, or a notification, is an error to the client
    /// rather than a shift of all that follow.
    a_reply_that_would_forge_another => forged_reply,
}

/// The tutorial's server: numbers, and ads that each connection reads from the first on.
struct Board;

impl Service for Board {
    type Session = std::vec::IntoIter<&'static str>;

    fn open(&self, peer: &mut Peer) -> Self::Session {
        peer.notify("classified");
        vec!["Nice appart in the 11e.", "Bike, as good as new"].into_iter()
    }

    fn answer(&self, ads: &mut Self::Session, command: &[u8], peer: &mut Peer) -> Reply<Vec<u8>> {
        match command {
            b"random?" => Reply::done(b"456902234".to_vec()),
            b"classified?" => {
                let ad = ads.next().unwrap_or_default();
                if ads.len() > 0 {
                    peer.notify("classified");
                }
                Reply::done(ad.as_bytes().to_vec())
            }
            b"lines" => Reply::done(b"one\nnotif: two".to_vec()),
            b"forged" => Reply::done(b"notif: random".to_vec()),
            _ => Reply::refused(b"unknown command".to_vec()),
        }
    }
}

fn session(runtime: Runtime) {
    let server = Running::serves(runtime);
    server.hears(
        "
        C: random?
        S: 456902234
        C: classified?
        S: Nice appart in the 11e.
        C: _notif_
        S: will send notifs
        S: notif: classified
        C: OK
        C: stop_notif
        S: OK
        C: classified?
        S: Bike, as good as new
        C: _notif_
        S: will send notifs
        C: _stop_notify_
        S: OK
        C: classified?
        S:
    ",
    );
    server.hears(
        "
        C: notif
        S: OK
        S: notif: classified
        C: stop_notif
        S: OK
        C: classified?
        S: Nice appart in the 11e.
        C: random?
        S: 456902234
        C: notif
        S: OK
        S: notif: classified
        C: classified?
        S: Bike, as good as new
    ",
    );
    server.stop();
}

fn garbage(runtime: Runtime) {
    let server = Running::configured(runtime, |config| config.limits.frame = 32);
    server.hears(
        "
        C: make me a sandwich
        S: error: unknown command
        C: \\x20
        S: error: empty command
        C: \\xff\\xfe
        S: error: the command is not UTF-8
        C: 0123456789abcdef0123456789abcdef0123456789
        S: error: line too long
        C: OK
        S: error: OK acknowledges notifications only
        C: random?
        C| ran\\x00dom?
        C| random?
        S: 456902234
        S: error: the command holds a NUL
        S: 456902234
        C: <EOF>
        S: <EOF>
    ",
    );
    server.stop();
}

fn line_ends(runtime: Runtime) {
    let server = Running::serves(runtime);
    server.hears("C: random?\\n\\\nS: 456902234\nC: random?\\r\\n\\\nS: 456902234");
    server.hears("C: ran\\\nC: dom?\\r\\\nC: \\n\\\nS: 456902234\nC: <EOF>\nS: <EOF>");
    server.stop();
}

fn half_closed(runtime: Runtime) {
    let server = Running::serves(runtime);
    server.hears(
        "
        C: random?
        C| classified?
        C| rand\\
        C: <EOF>
        S: 456902234
        S: Nice appart in the 11e.
        S: <EOF>
    ",
    );
    server.stop();
}

fn forged_reply(runtime: Runtime) {
    let server = Running::serves(runtime);
    server.hears(
        "
        C: lines
        C| random?
        C| forged
        C| random?
        S: error: the server could not write its reply
        S: 456902234
        S: error: the server could not write its reply
        S: 456902234
    ",
    );
    server.stop();
}

/// A server that runs while a test does.
struct Running {
    address: SocketAddr,
    handle: ServerHandle<Notif>,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    fn serves(runtime: Runtime) -> Self {
        Self::configured(runtime, |_| {})
    }

    fn configured(runtime: Runtime, configure: impl FnOnce(&mut ServerConfig)) -> Self {
        let bound = Server::bind(runtime, "127.0.0.1:0", Notif::default(), Board);
        let mut server = bound.unwrap();
        configure(server.config());
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        Self { address, handle, thread: thread::spawn(move || server.run()) }
    }

    /// Plays a transcript's client on a raw socket.
    fn hears(&self, text: &str) {
        let stream = TcpStream::connect(self.address).unwrap();
        bellwire_testkit::Peer::client(text).unwrap().play(stream).unwrap();
    }

    /// Shuts down, and waits until all has ended.
    fn stop(self) {
        self.handle.shutdown();
        self.thread.join().unwrap().unwrap();
        assert!(TcpStream::connect(self.address).is_err(), "it still accepts");
    }
}
