//! What the tests of the adapter share: servers that play transcripts, and a server of our own that runs
//! while a test does.
//!
//! Nothing here sleeps to let something happen, and nothing waits for ever: whoever waits loses his
//! patience after 10 s and says for what he waited.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bellwire::dialect::notif::Notif;
use bellwire::transcript::Settings;
use bellwire::{Event, Reply, Transcript};
use bellwire_blocking::{
    Client, Connector, Notice, Notifications, Observer, Peer, Server, ServerHandle, Service,
};
use bellwire_testkit::{BlockingStream, Script, Scripted};

/// Longer than anything here may take.
pub(crate) use bellwire_testkit::PATIENCE;

pub(crate) mod flood;
#[cfg(feature = "tls")]
pub(crate) mod secure;

/// Runs a test that a broken adapter would hang, and fails it instead.
pub(crate) fn in_time(test: impl FnOnce() + Send + 'static) {
    bellwire_testkit::in_time(2 * PATIENCE, test);
}

/// A server that plays transcripts: one for each connection, one after the other.
pub(crate) fn plays(texts: &[&str]) -> Scripted {
    Script::new(texts).tcp().unwrap()
}

/// The same, once it is released.
pub(crate) fn held(texts: &[&str]) -> Scripted {
    Script::new(texts).held().tcp().unwrap()
}

/// Plays on a stream that is connected already.
pub(crate) fn plays_on(stream: impl BlockingStream + Send + 'static, text: &str) -> Scripted<()> {
    Script::new(&[text]).on(stream).unwrap()
}

pub(crate) fn settings(text: &str) -> Settings<Notif> {
    let transcript: Transcript = text.parse().unwrap();
    transcript.configure().unwrap_or_else(|why| panic!("{why}, in\n{text}"))
}

/// A connector that is configured as a transcript says, and does not wait for ever.
pub(crate) fn connector(text: &str) -> Connector<Notif> {
    let Settings { client, dialect, .. } = settings(text);
    let mut connector = Connector::new(dialect);
    connector.config = client;
    connector.config.timers.reply.get_or_insert(PATIENCE);
    connector
}

/// A client, configured as the transcript says, of a server that plays it.
pub(crate) fn session(text: &str) -> (Client<Notif>, Notifications<Notif>, Scripted) {
    let peer = plays(&[text]);
    let (client, notifications) = connector(text).tcp(peer.address).unwrap();
    (client, notifications, peer)
}

/// The same with a server that does nothing before it is released.
pub(crate) fn held_session(text: &str) -> (Client<Notif>, Notifications<Notif>, Scripted) {
    let peer = held(&[text]);
    let (client, notifications) = connector(text).tcp(peer.address).unwrap();
    (client, notifications, peer)
}

/// A session over a Unix socket, on which `early` has come before the client does anything.
pub(crate) fn session_after(
    early: &[u8],
    text: &str,
) -> (Client<Notif>, Notifications<Notif>, Scripted<()>) {
    let (stream, mut far) = UnixStream::pair().unwrap();
    far.write_all(early).unwrap();
    let peer = plays_on(far, text);
    let (client, notifications) = connector(text).over(stream).unwrap();
    (client, notifications, peer)
}

/// The next notice, as text.
pub(crate) fn next(notifications: &mut Notifications<Notif>) -> String {
    match notifications.wait(PATIENCE) {
        Ok(Some(Notice::Notification(it))) => it.topic().into_owned(),
        Ok(Some(notice)) => format!("{notice:?}"),
        Ok(None) => panic!("no notice came"),
        Err(error) => format!("{error}"),
    }
}

/// All that happens, in the words of a transcript.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Log {
    pub(crate) fn told(&self) -> Vec<String> {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until something has been told so many times.
    pub(crate) fn wait_for(&self, event: &str, times: usize) {
        let (told, changed) = &*self.0;
        let deadline = Instant::now() + PATIENCE;
        let mut told = told.lock().unwrap();
        while told.iter().filter(|it| *it == event).count() < times {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{event:?} was not told {times} times: {told:#?}");
            told = changed.wait_timeout(told, left).unwrap().0;
        }
    }

    fn note(&self, what: String) {
        self.0.0.lock().unwrap().push(what);
        self.0.1.notify_all();
    }
}

impl Observer for Log {
    fn event(&mut self, event: &Event<&[u8]>) {
        self.note(event.to_string());
    }

    fn fault(&mut self, error: &bellwire::Error) {
        self.note(format!("fault: {error}"));
    }
}

/// A service whose answers prove what was asked: `X?` is answered `X`.
pub(crate) struct Echo;

impl Service for Echo {
    type Session = ();

    fn open(&self, _: &mut Peer) {}

    fn answer(&self, _: &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        match command.strip_suffix(b"?") {
            Some(topic) => Reply::done(topic.to_vec()),
            None => Reply::refused(b"unknown command".to_vec()),
        }
    }
}

/// A server of our own, which is shut down when the test is over.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle<Notif>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    pub(crate) fn serves(service: impl Service) -> Self {
        Self::configured(service, |_| {})
    }

    pub(crate) fn configured<S: Service>(
        service: S,
        configure: impl FnOnce(&mut Server<Notif, S>),
    ) -> Self {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start(Server::bind(local, Notif::default(), service).unwrap(), configure)
    }

    pub(crate) fn start<S: Service>(
        mut server: Server<Notif, S>,
        configure: impl FnOnce(&mut Server<Notif, S>),
    ) -> Self {
        configure(&mut server);
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        Self { address, handle, thread: Some(thread::spawn(move || server.run())) }
    }

    /// Plays a transcript's client on a raw socket.
    pub(crate) fn hears(&self, text: &str) {
        let stream = TcpStream::connect(self.address).unwrap();
        bellwire_testkit::Peer::client(text).unwrap().play(stream).unwrap();
    }

    /// Shuts down, and waits until all has ended.
    pub(crate) fn stop(mut self) {
        self.handle.shutdown();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}
