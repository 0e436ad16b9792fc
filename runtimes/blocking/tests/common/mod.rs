//! What the tests of the adapter share: an end of a real socket that plays a transcript strictly, and
//! a server of our own that runs while a test does.
//!
//! Nothing here sleeps to let something happen, and nothing waits for ever: whoever waits loses his
//! patience after 10 s and says for what he waited.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bellwire::dialect::notif::Notif;
use bellwire::transcript::{Said, Settings, Step, What, escape};
use bellwire::{Event, Reply, Transcript};
use bellwire_blocking::{
    Client, Connector, Notice, Notifications, Observer, Peer, Server, ServerHandle, Service,
};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{Shutdown, sockopt};

pub(crate) mod flood;
#[cfg(feature = "tls")]
pub(crate) mod secure;

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a test that a broken adapter would hang, and fails it instead.
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

/// The end of a connection that a transcript's lines are read and written on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Client,
    Server,
}

/// A server that says and awaits what its transcripts say, byte for byte: one transcript for each
/// connection, one after the other. A connection that its transcript does not end must be ended by
/// the client, who may not say anything more before.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    gate: Sender<()>,
    player: Option<JoinHandle<Result<(), String>>>,
}

impl Scripted {
    pub(crate) fn plays(texts: &[&str]) -> Self {
        let peer = Self::held(texts);
        peer.release();
        peer
    }

    /// The same, once it is released: what the client does before that is not answered meanwhile.
    pub(crate) fn held(texts: &[&str]) -> Self {
        Self::held_over(texts, |stream| stream)
    }

    /// The same, on what is made of each connection.
    pub(crate) fn held_over<S>(
        texts: &[&str],
        mut over: impl FnMut(TcpStream) -> S + Send + 'static,
    ) -> Self
    where
        S: Read + Write + AsFd,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let transcripts: Vec<Transcript> = texts.iter().map(|text| parse(text)).collect();
        let (gate, opened) = mpsc::channel();
        let player = thread::spawn(move || {
            opened.recv_timeout(PATIENCE).map_err(|_| "it was never released")?;
            for transcript in &transcripts {
                let stream = accept(&listener).ok_or("nobody connected")?;
                play(over(stream), transcript, End::Server)?;
            }
            Ok(())
        });
        Self { address, gate, player: Some(player) }
    }

    pub(crate) fn release(&self) {
        self.gate.send(()).unwrap();
    }

    /// Plays on a stream that is connected already.
    pub(crate) fn plays_on<S>(stream: S, text: &str) -> Self
    where
        S: Read + Write + AsFd + Send + 'static,
    {
        let transcript = parse(text);
        let player = thread::spawn(move || play(stream, &transcript, End::Server));
        let address = (Ipv4Addr::UNSPECIFIED, 0).into();
        Self { address, gate: mpsc::channel().0, player: Some(player) }
    }

    /// The client must have ended the last connection, or does so at once.
    pub(crate) fn finish(mut self) {
        let played = self.player.take().unwrap().join().unwrap();
        played.unwrap_or_else(|why| panic!("the client differs from the transcript: {why}"));
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // The test failed otherwise; what the client said meanwhile may tell why.
        if let Some(Ok(Err(why))) = self.player.take().map(JoinHandle::join) {
            eprintln!("the client differs from the transcript: {why}");
        }
    }
}

pub(crate) fn parse(text: &str) -> Transcript {
    text.parse().unwrap_or_else(|why| panic!("{why}, in\n{text}"))
}

pub(crate) fn settings(text: &str) -> Settings<Notif> {
    parse(text).configure().unwrap_or_else(|why| panic!("{why}, in\n{text}"))
}

/// Accepts a connection, if one comes in time.
pub(crate) fn accept(listener: &TcpListener) -> Option<TcpStream> {
    let mut polled = [PollFd::new(listener, PollFlags::IN)];
    let timeout = Timespec::try_from(PATIENCE).ok();
    let ready = rustix::event::poll(&mut polled, timeout.as_ref()).unwrap();
    (ready > 0).then(|| listener.accept().unwrap().0)
}

/// Plays one end of `transcript` on `stream`. The error names the line that differs.
pub(crate) fn play<S>(stream: S, transcript: &Transcript, end: End) -> Result<(), String>
where
    S: Read + Write + AsFd,
{
    let read_timeout = sockopt::Timeout::Recv;
    sockopt::set_socket_timeout(&stream, read_timeout, Some(PATIENCE)).unwrap();
    sockopt::set_socket_timeout(&stream, sockopt::Timeout::Send, Some(PATIENCE)).unwrap();
    let mut player = Player { stream, heard: Vec::new() };
    for (index, step) in transcript.steps.iter().enumerate() {
        let line = step.line;
        let (said, own) = match &step.what {
            What::Client(said) => (said, end == End::Client),
            What::Server(said) => (said, end == End::Server),
            What::Taken(_) => continue,
            other => panic!("line {line}: {other:?} cannot be played on a socket"),
        };
        let goes_on = match (said, own) {
            (Said::Bytes(bytes), true) => player.say(bytes),
            (Said::Bytes(bytes), false) => player.hear(bytes),
            (Said::Eof, true) if end == End::Server => return player.hang_up(),
            (Said::Eof, true) => player.half_close(),
            (Said::Reset, true) => return player.reset(),
            (Said::Eof | Said::Reset, false) => return player.hear_end(),
        };
        if goes_on.is_err() && own && is_the_rest_said_by(end, &transcript.steps[index..]) {
            // Who has said all that he had to say need not wait for the last answer.
            return Ok(());
        }
        goes_on.map_err(|why| format!("line {line}: {why}"))?;
    }
    match end {
        End::Server => player.hear_end().map_err(|why| format!("behind the last line: {why}")),
        End::Client => Ok(()),
    }
}

fn is_the_rest_said_by(end: End, steps: &[Step]) -> bool {
    let other = |step: &Step| match &step.what {
        What::Client(_) => end == End::Server,
        What::Server(_) => end == End::Client,
        _ => false,
    };
    !steps.iter().any(other)
}

struct Player<S> {
    stream: S,
    heard: Vec<u8>,
}

impl<S: Read + Write + AsFd> Player<S> {
    fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|why| format!("cannot say it: {why}"))
    }

    fn hear(&mut self, expected: &[u8]) -> Result<(), String> {
        loop {
            let common = self.heard.len().min(expected.len());
            if self.heard[..common] != expected[..common] {
                return Err(format!("heard {:?}, not {:?}", self.said(), escape(expected)));
            }
            if common == expected.len() {
                self.heard.drain(..common);
                return Ok(());
            }
            match self.more() {
                Ok(0) => Err("the end".to_owned()),
                Ok(_) => Ok(()),
                Err(why) => Err(why.to_string()),
            }
            .map_err(|why| {
                format!("heard {:?} and {why}, not {:?}", self.said(), escape(expected))
            })?;
        }
    }

    fn hear_end(&mut self) -> Result<(), String> {
        while self.heard.is_empty() {
            match self.more() {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(why) => return Err(format!("heard {why}, not the end")),
            }
        }
        Err(format!("heard {:?}, not the end", self.said()))
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 4096];
        let count = self.stream.read(&mut chunk)?;
        self.heard.extend_from_slice(&chunk[..count]);
        Ok(count)
    }

    fn said(&self) -> String {
        escape(&self.heard)
    }

    fn half_close(&mut self) -> Result<(), String> {
        rustix::net::shutdown(&self.stream, Shutdown::Write).map_err(|why| why.to_string())
    }

    /// Whatever the client was just saying is read, so that the end is a clean one.
    fn hang_up(mut self) -> Result<(), String> {
        self.half_close()?;
        while matches!(self.more(), Ok(1..)) {}
        Ok(())
    }

    fn reset(self) -> Result<(), String> {
        sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).map_err(|e| e.to_string())
    }
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
    let peer = Scripted::plays(&[text]);
    let (client, notifications) = connector(text).tcp(peer.address).unwrap();
    (client, notifications, peer)
}

/// The same with a server that does nothing before it is released.
pub(crate) fn held_session(text: &str) -> (Client<Notif>, Notifications<Notif>, Scripted) {
    let peer = Scripted::held(&[text]);
    let (client, notifications) = connector(text).tcp(peer.address).unwrap();
    (client, notifications, peer)
}

/// A session over a Unix socket, on which `early` has come before the client does anything.
pub(crate) fn session_after(
    early: &[u8],
    text: &str,
) -> (Client<Notif>, Notifications<Notif>, Scripted) {
    let (stream, mut far) = UnixStream::pair().unwrap();
    far.write_all(early).unwrap();
    let peer = Scripted::plays_on(far, text);
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
        let played = play(stream, &parse(text), End::Client);
        played.unwrap_or_else(|why| panic!("the server differs from the transcript: {why}"));
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

/// Small, reproducible chance.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
