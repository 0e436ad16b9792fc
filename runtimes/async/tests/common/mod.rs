//! A real runtime, and clients on real sockets that say and await what transcripts say.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bellwire::Transcript;
use bellwire::dialect::notif::Notif;
use bellwire::transcript::{Said, What, escape};
use bellwire_async::{Server, ServerHandle, Service};
pub(crate) use bellwire_smol::Smol;
use smol::Task;

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a test that a broken server would hang, and fails it instead.
pub(crate) fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        // Told in any case: if the test panics, the sender is dropped.
        let _done = done;
        test();
    });
    if end.recv_timeout(2 * PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("the test hangs");
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A server that runs while a test does.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle<Notif>,
    task: Task<io::Result<()>>,
}

impl Running {
    pub(crate) fn serves<S: Service>(service: S) -> Self {
        Self::configured(service, |_| {})
    }

    pub(crate) fn configured<S: Service>(
        service: S,
        configure: impl FnOnce(&mut Server<Notif, S, Smol>),
    ) -> Self {
        let bound = Server::bind("127.0.0.1:0", Notif::default(), service);
        let mut server = smol::block_on(bound).unwrap();
        configure(&mut server);
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        Self { address, handle, task: smol::spawn(server.run()) }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Plays a transcript's client.
    pub(crate) fn hears(&self, text: &str) {
        self.hears_on(&mut self.connect(), text);
    }

    pub(crate) fn hears_on(&self, stream: &mut TcpStream, text: &str) {
        let transcript: Transcript = text.parse().unwrap_or_else(|why| panic!("{why}, in {text}"));
        for step in &transcript.steps {
            match &step.what {
                What::Client(Said::Bytes(bytes)) => stream.write_all(bytes).unwrap(),
                What::Client(Said::Eof) => stream.shutdown(Shutdown::Write).unwrap(),
                What::Server(Said::Bytes(bytes)) => hear(stream, bytes, step.line),
                What::Server(Said::Eof) => hear_end(stream, step.line),
                other => panic!("line {}: {other:?} cannot be played on a socket", step.line),
            }
        }
    }

    /// Shuts down, and waits until all has ended.
    pub(crate) fn stop(self) {
        self.handle.shutdown();
        smol::block_on(self.task).unwrap();
        assert!(TcpStream::connect(self.address).is_err(), "it still accepts");
    }
}

fn hear(stream: &mut TcpStream, expected: &[u8], line: usize) {
    let mut heard = Vec::new();
    while heard.len() < expected.len() {
        let mut rest = vec![0; expected.len() - heard.len()];
        match stream.read(&mut rest) {
            Ok(count @ 1..) => heard.extend_from_slice(&rest[..count]),
            end => panic!("line {line}: {end:?} behind {:?}", escape(&heard)),
        }
    }
    assert_eq!(escape(&heard), escape(expected), "line {line}");
}

fn hear_end(stream: &mut TcpStream, line: usize) {
    match stream.read(&mut [0; 1]) {
        Ok(0) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        other => panic!("line {line}: {other:?}, not the end"),
    }
}
