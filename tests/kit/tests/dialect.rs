//! How somebody's own dialect is tested with the kit: as its author would, from without.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bellwire::dialect::{Awaiting, Class, Dialect, To};
use bellwire::{Client, Closed, Config, Encoder, Event, Framing, Refusal, Status, frame};
use bellwire_testkit::{Closing, Faults, Mismatch, PATIENCE, Peer, Proxy, Script, Wire, in_time};

/// Each line is answered by a line; a line that begins with `!` is a notification.
#[derive(Clone, Debug)]
struct Bang;

impl Dialect for Bang {
    type Expect = ();

    fn frame(&mut self, input: &[u8], searched: usize, _: &mut Awaiting<'_, ()>) -> Framing {
        frame::line(input, searched)
    }

    fn classify(&mut self, frame: &[u8], _: &mut Awaiting<'_, ()>) -> Class {
        match frame {
            [b'!', topic @ ..] => Class::Notification { topic: 1..1 + topic.len() },
            _ => Class::Reply { to: To::Oldest, status: Status::Done, text: 0 },
        }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        line.text(text)?;
        line.end(b"\n");
        Ok(())
    }
}

const SESSION: &str = "
    = newline lf
    C: time
    S: !door
    S| 12:30
    C: weather
    .. 2h
    S: rain
    S| !window
    S: !door
    C: more
    S: none
    S: <EOF>
";

const EVENTS: [&str; 7] = [
    "notification door",
    "reply 1 12:30",
    "reply 2 rain",
    "notification window",
    "notification door",
    "reply 3 none",
    "closed: the connection was closed",
];

/// A client that asks the next question when the last one was answered.
struct Asking {
    client: Client<Bang>,
    questions: std::vec::IntoIter<&'static str>,
    told: Vec<String>,
}

impl Asking {
    fn new() -> Self {
        let mut config = Config::default();
        config.timers.reply = None;
        let questions = vec!["time", "weather", "more"].into_iter();
        let mut asking = Self { client: Client::new(Bang, config), questions, told: Vec::new() };
        asking.ask();
        asking
    }

    fn ask(&mut self) {
        if let Some(question) = self.questions.next() {
            self.client.command(question).unwrap();
        }
    }

    /// What it has to say.
    fn says(&mut self) -> Vec<u8> {
        let said = self.client.output().to_vec();
        self.client.written(said.len());
        said
    }

    fn hears(&mut self, bytes: &[u8]) {
        self.client.feed(bytes);
        self.take();
    }

    fn hears_end(&mut self, how: Closing) {
        match how {
            Closing::Eof => self.client.feed_eof(),
            Closing::Reset => self.client.feed_reset(),
        };
        self.take();
    }

    fn take(&mut self) {
        let mut answered = 0;
        let mut events = self.client.events();
        while let Some(event) = events.next().unwrap() {
            answered += usize::from(matches!(event, Event::Reply { .. }));
            self.told.push(event.to_string());
        }
        (0..answered).for_each(|_| self.ask());
    }
}

/// What a client is told, with these faults of what it says and of what it hears, in time that passes as soon
/// as nothing else can happen; how much of it has, and how the server took the client.
fn told_with(
    faults: [&Faults; 2],
    seed: u64,
) -> (Vec<String>, Duration, Option<Result<(), Mismatch>>) {
    let mut server = Peer::server(SESSION).unwrap();
    let mut client = Asking::new();
    let [mut up, mut down] = [0, 1].map(|way| Wire::new(faults[way], 2 * seed + way as u64));
    let mut now = Duration::ZERO;
    loop {
        up.tick(now);
        down.tick(now);
        server.tick(now);
        up.feed(&client.says());
        server.feed(up.output());
        up.written(up.output().len());
        down.feed(server.output());
        server.written(server.output().len());
        if server.closing() == Some(Closing::Eof) {
            down.feed_eof();
        }
        if let Some(how) = up.closing().filter(|how| *how == Closing::Reset).or(down.closing()) {
            client.hears_end(how);
            match how {
                Closing::Eof => server.feed_eof(),
                Closing::Reset => server.feed_reset(),
            }
            return (client.told, now, server.outcome().cloned());
        }
        client.hears(down.output());
        down.written(down.output().len());
        let due = !up.output().is_empty() || !down.output().is_empty();
        if !due && client.client.output().is_empty() && server.output().is_empty() {
            let deadlines = [server.deadline(), up.deadline(), down.deadline()];
            now = deadlines.into_iter().flatten().min().unwrap_or(now);
        }
    }
}

/// G11: however the network cuts and delays it, it is the same session; and no time is waited for.
#[test]
fn pieces_and_delays_change_nothing() {
    let hours = Duration::from_secs(2 * 3600);
    assert_eq!(
        told_with([&Faults::none(); 2], 0),
        (EVENTS.map(str::to_owned).to_vec(), hours, Some(Ok(())))
    );
    let second = Duration::from_secs(1);
    let faults = Faults::none().split(1..=3).delay(Duration::ZERO..=second);
    let faults = faults.stall(1..=20, 60 * second);
    let mut times = BTreeSet::new();
    for seed in 0..100 {
        let (told, time, played) = told_with([&faults; 2], seed);
        assert_eq!((told, played), (EVENTS.map(str::to_owned).to_vec(), Some(Ok(()))));
        assert!(time > hours + 60 * second);
        times.insert(time);
    }
    assert!(times.len() > 90);
}

/// G18: a connection that is reset somewhere is told as that, after what had come until then.
#[test]
fn resets_are_told() {
    let faults = Faults::none().split(1..=3).reset(5..=20);
    for seed in 0..100 {
        let (told, _, played) = told_with([&faults; 2], seed);
        let (end, before) = told.split_last().unwrap();
        assert_eq!(*end, format!("closed: {}", Closed::Reset));
        let heard = before.iter().filter(|event| !event.starts_with("unanswered "));
        assert!(heard.zip(EVENTS).all(|(heard, said)| heard == said), "{told:?}");
        assert!(played.unwrap().is_err());
    }
}

/// G2, G4: a reply that comes twice, before anything else was asked, answers nothing.
#[test]
fn repeated_lines_are_seen() {
    let repeated = Faults::none().duplicate(1.0).half_close(24..=24);
    let (told, _, _) = told_with([&Faults::none(), &repeated], 0);
    assert_eq!(
        told,
        [
            "notification door",
            "notification door",
            "reply 1 12:30",
            "unsolicited 12:30",
            "unanswered 2 the connection ended",
            "closed: the connection was closed",
        ]
    );
}

/// The same over sockets, through a proxy.
#[test]
fn over_sockets() {
    in_time(PATIENCE, || {
        let text = SESSION.replace(".. 2h", ".. 2ms");
        let server = Script::new(&[text]).tcp().unwrap();
        let ms = Duration::from_millis;
        let faults = Faults::none().split(1..=3).delay(ms(0)..=ms(3));
        let proxy = Proxy::to(server.address).to_client(faults.clone()).to_server(faults);
        let proxy = proxy.start().unwrap();
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        let mut client = Asking::new();
        let mut chunk = [0; 64];
        loop {
            stream.write_all(&client.says()).unwrap();
            match stream.read(&mut chunk).unwrap() {
                0 => break client.hears_end(Closing::Eof),
                count => client.hears(&chunk[..count]),
            }
        }
        drop(stream);
        server.finish().unwrap();
        assert_eq!(client.told, EVENTS);
        assert!(proxy.counts().to_client.pieces > 10);
    });
}
