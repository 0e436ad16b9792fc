//! The servers, each in a process of its own, so that they take no turn of the runtime that is measured.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;

use bellwire::Reply;
use bellwire::dialect::notif::Notif;
use bellwire_tokio::{Peer, Server, Service};

/// A server in another process, which ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
}

/// Which server this process is to be.
const SERVER: &str = "BELLWIRE_BENCH_SERVER";

/// The servers.
pub const NAMES: [&str; 2] = ["echo", "notif"];

/// Starts a server: this program once more.
///
/// # Panics
///
/// When it does not start.
#[must_use]
pub fn start(name: &str) -> Running {
    let program = env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.env(SERVER, name).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().expect("a process");
    let mut address = String::new();
    let output = process.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut address).expect("where it listens");
    Running { address: address.trim().parse().expect("an address"), process }
}

/// If this process is to be a server, is one until its standard input ends.
///
/// # Panics
///
/// When it cannot listen.
#[must_use]
pub fn serve() -> bool {
    let Ok(name) = env::var(SERVER) else { return false };
    thread::spawn(move || match name.as_str() {
        "echo" => echo(),
        _ => notif(),
    });
    // Until whoever has started it is gone.
    std::io::stdin().read_to_end(&mut Vec::new()).is_ok()
}

/// Says what it hears: nobody answers faster.
fn echo() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("the port"));
    for stream in listener.incoming() {
        let mut stream = stream.expect("a client");
        stream.set_nodelay(true).expect("no delay");
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer)
                && stream.write_all(&buffer[..count]).is_ok()
            {}
        });
    }
}

/// The server that `bellwire serve` runs.
fn notif() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let server = Server::bind("127.0.0.1:0", Notif::default(), Board).await.expect("a port");
        println!("{}", server.local_addr().expect("the port"));
        server.run().await.expect("clients");
    });
}

struct Board;

impl Service for Board {
    type Session = ();

    async fn open(&self, _: &mut Peer) {}

    async fn answer(&self, (): &mut (), _: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        Reply::done(b"42".to_vec())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
