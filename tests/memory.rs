//! What a connection costs in memory: nothing for each event, little while it is idle, and no more
//! than that after a burst (guarantees G12 and G25).

use std::time::Duration;

use allocation_counter::measure;
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::{Mpd, SUBSYSTEMS};
use bellwire::dialect::notif::Notif;
use bellwire::{
    Client, Config, Dialect, Event, Reply, Server, ServerConfig, ServerDialect, ServerEvent,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A client and a server, joined by a perfect wire.
struct Pair {
    client: Client<Notif>,
    server: Server<Notif>,
    now: Duration,
    replies: usize,
    notifications: usize,
}

impl Pair {
    fn new(in_flight: usize) -> Self {
        let mut config = Config::default();
        config.in_flight = in_flight;
        let mut client = Client::new(Notif::default(), config);
        client.listen();
        Self {
            client,
            server: Server::new(Notif::default(), ServerConfig::default()),
            now: Duration::ZERO,
            replies: 0,
            notifications: 0,
        }
    }

    /// All the verbs of both ends: commands and notifications, to their outcomes.
    fn round(&mut self, commands: usize) {
        for topic in ["random", "classified"] {
            self.server.notify(topic).unwrap();
        }
        for _ in 0..commands {
            self.client.command("random?").unwrap();
        }
        while self.client_speaks() + self.server_speaks() > 0 {}
        self.now += Duration::from_secs(1);
        assert_eq!(self.client.tick(self.now).next(), Ok(None));
        assert_eq!(self.server.tick(self.now).next(), Ok(None));
    }

    fn client_speaks(&mut self) -> usize {
        let due = self.client.output();
        let length = due.len();
        let mut events = self.server.feed(due);
        while let Some(event) = events.next().unwrap() {
            if let ServerEvent::Command { ticket, .. } = event {
                events.reply(ticket, Reply::done("456902234")).unwrap();
            }
        }
        self.client.written(length);
        length
    }

    fn server_speaks(&mut self) -> usize {
        let due = self.server.output();
        let length = due.len();
        let mut events = self.client.feed(due);
        while let Some(event) = events.next().unwrap() {
            match event {
                Event::Reply { .. } => self.replies += 1,
                Event::Notification(_) => self.notifications += 1,
                _ => {}
            }
        }
        self.server.written(length);
        length
    }
}

/// A machine, and what it has on the heap.
struct Weighed<M> {
    machine: M,
    heap: i64,
}

impl<M> Weighed<M> {
    fn new(make: impl FnOnce() -> M) -> Self {
        let mut made = None;
        let heap = measure(|| made = Some(make())).bytes_current;
        Self { machine: made.unwrap(), heap }
    }

    fn with(&mut self, act: impl FnOnce(&mut M)) {
        self.heap += measure(|| act(&mut self.machine)).bytes_current;
    }

    fn bytes(&self) -> usize {
        size_of::<M>() + usize::try_from(self.heap).unwrap()
    }
}

fn read_all<D: Dialect>(client: &mut Client<D>) {
    while client.events().next().unwrap().is_some() {}
}

/// Answers every command, to a client that takes all that is written.
fn answer_all<D: ServerDialect>(server: &mut Server<D>, text: &str) {
    loop {
        let mut events = server.events();
        while let Some(event) = events.next().unwrap() {
            if let ServerEvent::Command { ticket, .. } = event {
                events.reply(ticket, Reply::done(text)).unwrap();
            }
        }
        match server.output().len() {
            0 => return,
            due => server.written(due),
        }
    }
}

/// Time in which nothing happens, as a driver spends it.
fn quiet_seconds(tick: impl FnMut(Duration)) {
    (1..=20).map(Duration::from_secs).for_each(tick);
}

#[test]
fn events_allocate_nothing_once_warm() {
    for (in_flight, commands) in [(1, 0), (1, 1), (1, 20), (64, 20), (64, 60)] {
        let mut pair = Pair::new(in_flight);
        let rounds = |pair: &mut Pair| {
            for _ in 0..100 {
                pair.round(commands);
                pair.round(0); // no buffer is given back at once
            }
        };
        rounds(&mut pair);
        let (replies, notifications) = (pair.replies, pair.notifications);
        let warm = measure(|| rounds(&mut pair));
        assert_eq!(pair.replies - replies, 100 * commands);
        assert!(pair.notifications - notifications >= 100);
        assert_eq!(warm.count_total, 0, "{in_flight} in flight, {commands} commands");
    }
}

/// Some bytes always wait for room, and some commands for answers; those before them are forgotten.
#[test]
fn a_busy_client_forgets_what_was_taken() {
    let mut client = Weighed::new(|| Client::new(Notif::default(), Config::default()));
    client.with(|client| {
        for text in ["random?", "classified?"].repeat(10_000) {
            client.command(text).unwrap();
            if client.pending() < 4 {
                continue;
            }
            let due = client.output().len();
            client.written(due - 1);
            client.feed(b"1\r\n");
            read_all(client);
        }
    });
    println!("client with four commands: {} bytes", client.bytes());
    assert!(client.bytes() <= 2 * KIB);
}

#[test]
fn an_idle_connection_takes_at_most_a_kibibyte() {
    let client = Weighed::new(|| Client::new(Notif::default(), Config::default()));
    let server = Weighed::new(|| Server::new(Notif::default(), ServerConfig::default()));
    println!("idle: client {} bytes, server {} bytes", client.bytes(), server.bytes());
    assert!(client.bytes() <= KIB);
    assert!(server.bytes() <= KIB);
    let server = Weighed::new(|| {
        let mut server = Server::new(Mpd::default(), ServerConfig::default());
        SUBSYSTEMS.iter().for_each(|subsystem| assert!(server.notify(subsystem).is_ok()));
        server
    });
    println!("idle, with everything new: MPD server {} bytes", server.bytes());
    assert!(server.bytes() <= 2 * KIB);

    // Buffers included, of connections that have been used.
    let used = Weighed::new(|| {
        let mut pair = Pair::new(1);
        (0..100).for_each(|_| pair.round(1));
        pair
    });
    println!("idle after use: client and server {} bytes", used.bytes());
    assert!(used.bytes() <= 4 * KIB);
}

#[test]
fn a_client_shrinks_back_after_a_burst() {
    let mut config = Config::default();
    config.in_flight = usize::MAX;
    let mut client = Weighed::new(|| Client::new(Notif::default(), config));
    let mut burst = b"notif: random\r\n".repeat(MIB / 15);
    // What is left of it is less than a line.
    burst.extend_from_slice(b"notif: clas");
    client.with(|client| {
        for _ in 0..1000 {
            client.command("classified?").unwrap();
        }
        let due = client.output().len();
        client.written(due);
        client.feed(&b"1\r\n".repeat(1000));
        read_all(client);
        client.feed(&burst);
        read_all(client);
    });
    assert!(client.bytes() > MIB);
    client.with(|client| quiet_seconds(|now| assert_eq!(client.tick(now).next(), Ok(None))));
    println!("client after a burst: {} bytes", client.bytes());
    assert!(client.bytes() <= 3 * KIB);

    client.with(|client| {
        let mut events = client.feed(b"sified\r\n");
        let Ok(Some(Event::Notification(notification))) = events.next() else { panic!() };
        assert_eq!(notification.topic, b"classified");
    });
}

#[test]
fn a_server_shrinks_back_after_a_burst() {
    let mut server = Weighed::new(|| Server::new(Notif::default(), ServerConfig::default()));
    let mut burst = b"random?\r\n".repeat(MIB / 9);
    burst.extend_from_slice(b"classi");
    server.with(|server| {
        server.feed(&burst);
        answer_all(server, "1");
    });
    assert!(server.bytes() > MIB);
    server.with(|server| quiet_seconds(|now| assert_eq!(server.tick(now).next(), Ok(None))));
    println!("server after a burst: {} bytes", server.bytes());
    assert!(server.bytes() <= 3 * KIB);
}

/// A command list, too, is given back.
#[test]
fn a_server_gives_a_long_list_back() {
    let mut server = Weighed::new(|| Server::new(Mpd::default(), ServerConfig::default()));
    let list = [&b"command_list_begin\n"[..], &b"ping\n".repeat(MIB / 5), b"command_list_end\n"];
    server.with(|server| {
        server.feed(&list.concat());
        let Ok(Some(ServerEvent::Command { ticket, .. })) = server.events().next() else {
            panic!()
        };
        assert_eq!(server.pending(), MIB / 5);
        server.reply(ticket, Reply::done("")).unwrap();
    });
    assert!(server.bytes() > MIB);
    server.with(|server| {
        answer_all(server, "");
        quiet_seconds(|now| assert_eq!(server.tick(now).next(), Ok(None)));
    });
    println!("server after a long list: {} bytes", server.bytes());
    assert!(server.bytes() <= 3 * KIB);
}

/// G25: what waits for its turn to be said, refusals too, takes so much for each that may be `pending`.
#[test]
fn what_is_pending_at_a_server_is_bounded() {
    /// One more than there is room for, before twice as much is taken.
    const PENDING: usize = (1 << 13) + 1;
    fn pending<D: ServerDialect + Default>(refused: &str) -> usize {
        let mut config = ServerConfig::default();
        config.limits.pending = PENDING;
        let mut server = Weighed::new(|| Server::new(D::default(), config));
        let lines = ["one\n", &refused.repeat(PENDING)].concat();
        server.with(|server| {
            let mut events = server.feed(lines.as_bytes());
            while events.next().unwrap().is_some() {}
        });
        assert_eq!(server.machine.pending(), PENDING);
        server.bytes() - lines.len()
    }
    let most = 150 * PENDING;
    let [notif, mpd] = [pending::<Notif>("\n"), pending::<Mpd>("ping \"\n")];
    println!("{notif}, {mpd} bytes for {PENDING} that are pending");
    assert!(notif < most && mpd < most, "{notif}, {mpd}, of at most {most}");
}

/// A message of 10 MiB goes through a client that holds a piece of it at a time (G12), and allocates for no
/// piece.
#[test]
fn a_streamed_literal_takes_no_more_than_a_piece() {
    let length = 10 * MIB;
    let header = format!("* 1 FETCH (BODY[] {{{length}}}\r\n");
    let read = [b'x'; 4096];
    let mut client = Client::new(Imap::default(), Config::default());
    client.feed(b"* PREAUTH ready\r\n");
    client.feed(header.as_bytes());
    read_all(&mut client);
    let mut streamed = 0;
    let cost = measure(|| {
        for _ in 0..length / read.len() {
            let mut events = client.feed(&read);
            while let Some(event) = events.next().unwrap() {
                let Event::Piece { text, .. } = event else { panic!("{event}") };
                streamed += text.len();
            }
        }
    });
    println!("10 MiB streamed: at most {} bytes, {} allocations", cost.bytes_max, cost.count_total);
    assert_eq!(streamed, length);
    assert!(cost.bytes_max <= 64 * KIB as u64);
    assert!(cost.count_total <= 8);
    let mut events = client.feed(b")\r\n");
    assert!(matches!(events.next(), Ok(Some(Event::Data { text: b")", .. }))));
}

/// G12: nothing is allocated because a server has said a number.
#[test]
fn a_declared_size_allocates_nothing() {
    for whole in [0, 16 * KIB, usize::MAX] {
        let mut imap = Imap::default();
        imap.whole = whole;
        let mut client = Client::new(imap, Config::default());
        client.feed(b"* PREAUTH ready\r\n");
        read_all(&mut client);
        let cost = measure(|| {
            client.feed(b"* 1 FETCH (BODY[] {9000000000}\r\nabc");
            read_all(&mut client);
        });
        assert!(cost.bytes_max <= KIB as u64, "{} bytes", cost.bytes_max);
    }
}

/// G12: of what comes behind the agreement to switch to TLS, no more is kept than a message shows.
#[test]
fn plain_text_behind_an_agreement_is_not_kept() {
    let mut client = Client::new(Imap::default(), Config::default());
    client.feed(b"* OK ready\r\n");
    read_all(&mut client);
    client.command("STARTTLS").unwrap();
    client.output();
    client.feed(b"A1 OK go\r\n");
    read_all(&mut client);
    assert!(client.is_upgrading());
    let cost = measure(|| {
        for _ in 0..1000 {
            client.feed(&[b'x'; 4096]);
        }
    });
    assert!(cost.bytes_max <= KIB as u64, "{} bytes", cost.bytes_max);
}

/// A client of IMAP's is larger, as it knows what the server offers.
#[test]
fn an_idle_imap_connection_takes_at_most_two_kibibytes() {
    let mut client = Weighed::new(|| Client::new(Imap::default(), Config::default()));
    client.with(|client| {
        client.feed(
            b"* PREAUTH [CAPABILITY IMAP4rev1 SASL-IR IDLE UIDPLUS LITERAL+ NOTIFY] ready\r\n",
        );
        client.listen();
        let due = client.output().len();
        client.written(due);
        client.feed(b"+ idling\r\n* 4 EXISTS\r\n");
        read_all(client);
        quiet_seconds(|now| assert_eq!(client.tick(now).next(), Ok(None)));
    });
    println!("idle: IMAP client {} bytes", client.bytes());
    assert!(client.bytes() <= 2 * KIB);
}

/// G12: what a server says that it can do is kept as it was said, also if each word is a letter, and never twice.
#[test]
fn a_long_list_of_capabilities_takes_as_much_as_its_line() {
    let mut list = b"* CAPABILITY".to_vec();
    list.extend_from_slice(&b" x".repeat(32 * KIB - 10));
    list.extend_from_slice(b"\r\n");
    let line = list.len();
    let mut client = Weighed::new(|| Client::new(Imap::default(), Config::default()));
    let hear = |client: &mut Client<Imap>, line: &[u8]| {
        client.feed(line);
        read_all(client);
    };
    client.with(|client| {
        hear(client, b"* PREAUTH ready\r\n");
        hear(client, &list);
    });
    // The buffer is there, and so is a list like it.
    let again = measure(|| hear(&mut client.machine, &list));
    assert!(again.bytes_max <= KIB as u64, "{} bytes", again.bytes_max);
    assert_eq!(client.machine.dialect().capabilities().iter().count(), 32 * KIB - 10);

    client.with(|client| quiet_seconds(|now| assert_eq!(client.tick(now).next(), Ok(None))));
    println!("{line} bytes of capabilities: IMAP client {} bytes", client.bytes());
    assert!(client.bytes() <= line + 2 * KIB);
}

/// The most that the machine ever has on the heap while an answer of so many parts goes through it.
fn peak_of_an_answer<D: Dialect + Default>(
    greeting: &[u8],
    command: &str,
    parts: usize,
    part: impl Fn(usize) -> String,
    end: &[u8],
) -> u64 {
    let mut answer: Vec<u8> = (1..=parts).flat_map(|number| part(number).into_bytes()).collect();
    answer.extend_from_slice(end);
    let mut told = 0;
    let peak = measure(|| {
        let mut client = Client::new(D::default(), Config::default());
        client.feed(greeting);
        read_all(&mut client);
        client.command(command).unwrap();
        let due = client.output().len();
        client.written(due);
        for chunk in answer.chunks(16 * KIB) {
            let mut events = client.feed(chunk);
            while let Some(event) = events.next().unwrap() {
                told += usize::from(matches!(event, Event::Data { .. } | Event::Part { .. }));
            }
        }
        assert_eq!(client.pending(), 0);
    });
    assert_eq!(told, parts);
    peak.bytes_max
}

#[test]
fn an_answer_of_any_length_takes_the_same_memory() {
    let mail = |number| {
        let header =
            format!("Subject: {number:05}\r\n{}\r\n\r\n", "X-Filler: 0123456789\r\n".repeat(40));
        format!("* {number} FETCH (BODY[HEADER] {{{}}}\r\n{header})\r\n", header.len())
    };
    let mails = [1_000, 10_000].map(|count| {
        let (command, end) = ("FETCH 1:* BODY.PEEK[HEADER]", b"A1 OK done\r\n");
        peak_of_an_answer::<Imap>(b"* OK ready\r\n", command, count, mail, end)
    });
    let line = |number| format!("Title: the title of song {number:05}\n");
    let lines = [9_000, 90_000].map(|count| {
        peak_of_an_answer::<Mpd>(b"OK MPD 0.23.5\n", "listallinfo", count, line, b"OK\n")
    });
    println!(
        "peak, bytes: {mails:?} of 1,000 and 10,000 mails, {lines:?} of 1,000 and 10,000 songs"
    );
    for [short, long] in [mails, lines] {
        assert!(long <= 64 * KIB as u64);
        assert!(long <= short + KIB as u64, "{short} and {long}");
    }
}
