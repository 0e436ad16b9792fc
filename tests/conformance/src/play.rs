//! Playing a transcript on a live client, over a real socket.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bellwire::dialect::Dialect;
use bellwire::transcript::{Act, Configured, Said, Transcript, escape};
use bellwire_adapter::{Error, Opening, Settings};
use bellwire_any::{Connector, Runtime, Wire};
use bellwire_testkit::{BlockingStream, PATIENCE, accept};
use bytes::Bytes;

use crate::live::{Driven, Live};
use crate::log::Log;
use crate::moved::{Clock, Moved, watched};
use crate::on_async;
use crate::plan::{Does, Plan, Step};

/// Plays a transcript on a client of this runtime: whether it says what stands there, and takes what it hears
/// for what stands there. Time passes as the transcript says, which needs a runtime that runs futures.
///
/// # Panics
///
/// At the first difference, and when no live client can play it.
pub fn play<D: Wire + Dialect + Configured>(runtime: Runtime, text: &str) {
    let transcript: Transcript = text.parse().unwrap_or_else(|why| panic!("{why}, in\n{text}"));
    let plan = Plan::<D>::of(&transcript).unwrap_or_else(|why| {
        panic!("no live client can play this: {why}, in\n{}", numbered(text))
    });
    let clock = plan.takes_time().then(Clock::mine);
    let mut player = Player::new(runtime, &plan, clock);
    for step in &plan.steps {
        player.step(step).unwrap_or_else(|why| {
            panic!("line {}: {why}, in\n{}{:?}", step.line, numbered(text), player.log)
        });
    }
    let ended = player.end(plan.strict);
    ended.unwrap_or_else(|why| panic!("at the end: {why}, in\n{}", numbered(text)));
}

/// What the adapters are to do on connections of this transcript.
#[must_use]
pub fn settings<D: Dialect + Configured>(plan: &Plan<D>) -> Settings<D> {
    let mut settings = Settings::new(plan.settings.dialect.clone());
    settings.config = plan.settings.client.clone();
    for text in &plan.opening {
        let opening: Box<dyn Opening<D>> = Box::new(Bytes::from(text.clone()));
        settings.opening.push(opening);
    }
    settings
}

fn numbered(text: &str) -> String {
    let lines = text.lines().enumerate();
    lines.map(|(index, line)| format!("{:>4}  {line}\n", index + 1)).collect()
}

trait Stream: Read + Write + BlockingStream + Send {}
impl<S: Read + Write + BlockingStream + Send> Stream for S {}

/// A client, and what keeps it going.
type Connected = Result<(Box<dyn Live>, Box<dyn Any + Send>), Error>;

struct Player {
    log: Log,
    /// The server's end; `None` when that has ended.
    stream: Option<Box<dyn Stream>>,
    /// Bytes that the server has said.
    said: usize,
    /// What the client has said, and stands in no line yet; and how much it has said all in all.
    heard: VecDeque<u8>,
    heard_in_all: usize,
    connecting: Option<JoinHandle<Connected>>,
    client: Option<Box<dyn Live>>,
    keeps: Option<Box<dyn Any + Send>>,
    reply: Option<Duration>,
    tickets: u64,
    pending: HashMap<u64, Box<dyn Any>>,
    /// What the program was told at once.
    told: Vec<String>,
    /// So many events were compared.
    seen: usize,
    clock: Option<Clock>,
}

impl Player {
    fn new<D: Wire + Configured>(runtime: Runtime, plan: &Plan<D>, clock: Option<Clock>) -> Self {
        let log = Log::default();
        let mut settings = settings(plan);
        settings.observer = Some(Box::new(log.clone()));
        let moved = clock.is_some();
        let (stream, connecting): (Box<dyn Stream>, _) = if plan.private {
            let path = free_path();
            let listener = UnixListener::bind(&path).expect("no socket");
            let connecting = thread::spawn({
                let path = path.clone();
                move || unix(runtime, settings, &path, moved)
            });
            let (stream, _) = listener.accept().expect("nobody connects");
            fs::remove_file(path).expect("it is still there");
            (Box::new(stream), connecting)
        } else {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("no socket");
            let address = listener.local_addr().expect("no address").to_string();
            let connecting = thread::spawn(move || tcp(runtime, settings, &address, moved));
            (Box::new(accept(&listener, PATIENCE).expect("nobody connects")), connecting)
        };
        let mut player = Self {
            log,
            stream: Some(stream),
            said: 0,
            heard: VecDeque::new(),
            heard_in_all: 0,
            connecting: Some(connecting),
            client: None,
            keeps: None,
            reply: plan.settings.client.timers.reply,
            tickets: plan.opening.len() as u64,
            pending: HashMap::new(),
            told: Vec::new(),
            seen: 0,
            clock,
        };
        let patience = player.stream.as_mut().map(|stream| stream.set_patience(PATIENCE));
        patience.expect("there is one").expect("no patience");
        player
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match &step.does {
            Does::Server(said) => self.serve(said)?,
            Does::Client(bytes) => self.hear(bytes)?,
            Does::Act(act) => self.act(act)?,
            Does::Pass(time) => self.pass(*time)?,
            Does::Told(expected) => self.compare(expected)?,
        }
        // So that what comes next comes behind it.
        self.listen(step.said)
    }

    fn serve(&mut self, said: &Said) -> Result<(), String> {
        let stream = self.stream.as_mut().ok_or("the server has ended already")?;
        match said {
            Said::Bytes(bytes) => {
                stream.write_all(bytes).map_err(|why| why.to_string())?;
                self.said += bytes.len();
                self.log.wait_heard(self.said);
                self.settle();
            }
            Said::Eof => stream.half_close().map_err(|why| why.to_string())?,
            Said::Reset => {
                stream.reset().map_err(|why| why.to_string())?;
                self.stream = None;
            }
        }
        Ok(())
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<(), String> {
        let count = self.heard.len().min(bytes.len());
        let heard: Vec<u8> = self.heard.drain(..count).collect();
        if heard == bytes {
            return Ok(());
        }
        Err(format!("the client says {:?}, not {:?}", escape(&heard), escape(bytes)))
    }

    /// Hears so much, all in all.
    fn listen(&mut self, count: usize) -> Result<(), String> {
        let mut chunk = [0; 4096];
        while self.heard_in_all < count {
            let Some(stream) = &mut self.stream else { return Ok(()) };
            match stream.read(&mut chunk) {
                Ok(0) => return Err(format!("the client ends behind {}", self.unsaid())),
                Ok(more) => {
                    self.heard.extend(&chunk[..more]);
                    self.heard_in_all += more;
                }
                Err(why) => return Err(format!("{why} behind {}", self.unsaid())),
            }
        }
        Ok(())
    }

    fn unsaid(&self) -> String {
        let heard: Vec<u8> = self.heard.iter().copied().collect();
        format!("{:?}", escape(&heard))
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        let (text, within) = match act {
            Act::Command(text) => (text, self.reply),
            Act::Within(time, text) => (text, Some(*time)),
            Act::Listen => return self.client().map(Live::listen),
            Act::Unlisten => return self.client().map(Live::unlisten),
            Act::Abandon(ticket) => {
                // Who has waited does not wait any more.
                let pending = self.pending.remove(ticket).ok_or("there is no such command")?;
                drop(pending);
                return Ok(());
            }
            act => return Err(format!("a live client does not {act}")),
        };
        match self.client()?.command(text.clone().into(), within) {
            Ok(pending) => {
                self.tickets += 1;
                self.pending.insert(self.tickets, pending);
            }
            Err(Error::Refused(why)) => self.told.push(format!("refused: {why}")),
            Err(why) => return Err(why.to_string()),
        }
        Ok(())
    }

    fn pass(&mut self, time: Duration) -> Result<(), String> {
        let clock = self.clock.as_ref().ok_or("time does not pass here")?;
        clock.settle();
        clock.pass(time);
        clock.settle();
        Ok(())
    }

    fn compare(&mut self, expected: &[String]) -> Result<(), String> {
        if expected.iter().all(|told| self.told.contains(told)) {
            self.told.clear();
            return Ok(());
        }
        // What had its outcome before it was abandoned is no news for an adapter.
        let expected: Vec<&String> =
            expected.iter().filter(|told| !told.starts_with("settled ")).collect();
        self.log.wait_events(self.seen + expected.len());
        self.settle();
        let events = self.log.events();
        let told: Vec<&String> = events[self.seen..].iter().collect();
        self.seen = events.len();
        if told == expected {
            return Ok(());
        }
        Err(format!("the client takes it for {told:?}, not for {expected:?}"))
    }

    /// The client, which is there once the connection has begun.
    fn client(&mut self) -> Result<&dyn Live, String> {
        if let Some(connecting) = self.connecting.take() {
            let connected = connecting.join().map_err(|_| "connecting has panicked")?;
            let (client, keeps) = connected.map_err(|why| format!("not connected: {why}"))?;
            (self.client, self.keeps) = (Some(client), Some(keeps));
        }
        self.client.as_deref().ok_or("there is no client".to_owned())
    }

    fn settle(&self) {
        if let Some(clock) = &self.clock {
            clock.settle();
        }
        if let Some(client) = &self.client {
            client.settle();
        }
    }

    /// Nothing else has happened, and the client says no more.
    fn end(mut self, strict: bool) -> Result<(), String> {
        self.settle();
        let events = self.log.events();
        if events.len() > self.seen {
            return Err(format!("this happened, too: {:?}", &events[self.seen..]));
        }
        // One that could not be made has ended, too.
        if self.client().is_ok()
            && let Some(client) = self.client.take()
        {
            client.close();
        }
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let mut rest = Vec::from(self.heard);
        match stream.read_to_end(&mut rest) {
            Err(why) if why.kind() != ErrorKind::ConnectionReset => return Err(why.to_string()),
            _ => {}
        }
        if strict && !rest.is_empty() {
            return Err(format!("the client also says {:?}", escape(&rest)));
        }
        Ok(())
    }
}

fn tcp<D: Wire>(runtime: Runtime, settings: Settings<D>, address: &str, moved: bool) -> Connected {
    if moved {
        return on_async!(runtime, R => watched(async {
            let connector = bellwire_async::Connector::<D, Moved<R>>::from(settings);
            let (client, notifications) = connector.tcp(address).await?;
            Ok((Box::new(client) as _, Box::new(notifications) as _))
        }));
    }
    let mut connector = Connector::new(runtime, settings.dialect.clone());
    *connector = settings;
    let (client, notifications) = connector.tcp(address)?;
    let driven = Driven::new(&client);
    Ok((Box::new(client), Box::new((driven, notifications))))
}

fn unix<D: Wire>(runtime: Runtime, settings: Settings<D>, path: &Path, moved: bool) -> Connected {
    if moved {
        return on_async!(runtime, R => watched(async {
            let connector = bellwire_async::Connector::<D, Moved<R>>::from(settings);
            let (client, notifications) = connector.unix(path).await?;
            Ok((Box::new(client) as _, Box::new(notifications) as _))
        }));
    }
    let mut connector = Connector::new(runtime, settings.dialect.clone());
    *connector = settings;
    let (client, notifications) = connector.unix(path)?;
    let driven = Driven::new(&client);
    Ok((Box::new(client), Box::new((driven, notifications))))
}

/// Where nothing is yet.
fn free_path() -> PathBuf {
    static NUMBERED: AtomicU64 = AtomicU64::new(0);
    let number = NUMBERED.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("bellwire-conformance-{}-{number}", process::id()))
}
