//! The server: it answers each command with the command.

use std::io;
use std::thread;

use bellwire::{Reply, ServerDialect};
use bellwire_any::{Peer, Runtime, Server, ServerHandle, Service};

use crate::options::Options;

pub(crate) fn serve<D>(
    runtime: Runtime,
    dialect: D,
    tell: fn(&[u8]) -> Vec<u8>,
    options: &Options,
) -> anyhow::Result<()>
where
    D: ServerDialect<Note: Send> + Clone + Send + 'static,
{
    let mut server = Server::bind(runtime, "127.0.0.1:0", dialect, Echo(tell))?;
    options.of_server(server.config());
    if let Some(connections) = options.connections {
        *server.connections() = connections;
    }
    let handle = server.handle();
    println!("{}", server.local_addr()?);
    thread::spawn(move || obey(&handle));
    server.run()?;
    println!("over");
    Ok(())
}

struct Echo(fn(&[u8]) -> Vec<u8>);

impl Service for Echo {
    type Session = ();

    fn open(&self, _: &mut Peer) {}

    fn answer(&self, (): &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        Reply::done((self.0)(command))
    }
}

/// Does what standard input says: `count` the connections, or notify of a topic. Its end is the server's.
fn obey<D: ServerDialect>(handle: &ServerHandle<D>) {
    for line in io::stdin().lines().map_while(Result::ok) {
        match line.as_str() {
            "count" => println!("{}", handle.connections()),
            topic => match handle.notify(topic) {
                Ok(()) => println!("notified"),
                Err(refusal) => println!("{refusal}"),
            },
        }
    }
    handle.shutdown();
}
