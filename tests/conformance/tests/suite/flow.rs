//! Much data through little room (G20), and a reader of notifications who sleeps (G8, G21).

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc;

use bellwire::dialect::imap::{self, Imap};
use bellwire::dialect::mpd::{self, Mpd};
use bellwire::dialect::notif::Notif;
use bellwire_adapter::{Gap, Notice, Settings};
use bellwire_any::Wire;
use bellwire_conformance::{Asks, Far, Log, Reads, on_each_runtime, over_little};
use bytes::Bytes;

on_each_runtime! {
    /// G20: the server writes 10 MiB, and reads nothing, while the client writes 10 MiB.
    ten_mebibytes_both_ways_notif => |it| {
        let (done, server) = mpsc::channel();
        let serve = move |far| { flood_notif(far); done.send(()).unwrap(); };
        over_little!(it, roomy::<Notif>(), serve, |client, notifications| async {
            ask_notif(client, notifications).await;
        });
        server.recv().unwrap();
    },
    /// G20.
    ten_mebibytes_both_ways_mpd => |it| {
        let (done, server) = mpsc::channel();
        let serve = move |far| { flood_mpd(far); done.send(()).unwrap(); };
        over_little!(it, roomy::<Mpd>(), serve, |client, _notifications| async {
            ask_mpd(client).await;
        });
        server.recv().unwrap();
    },
    /// G20: in one command with a literal, answered by much data.
    ten_mebibytes_both_ways_imap => |it| {
        let (done, server) = mpsc::channel();
        let serve = move |far| { flood_imap(far); done.send(()).unwrap(); };
        let mut settings = roomy::<Imap>();
        // What a server offers in plain text is not believed otherwise.
        settings.dialect.insecure = true;
        over_little!(it, settings, serve, |client, _notifications| async {
            ask_imap(client).await;
        });
        server.recv().unwrap();
    },
    /// G8, G21: no reply is kept back, and what did not fit is counted.
    a_reader_sleeps_notif => |it| {
        let (settings, log) = narrow::<Notif>();
        over_little!(it, settings, chatter_notif, |client, notifications| {
            sleeper(client, notifications, &log, "notif", |number| Bytes::from(format!("{number}?")))
        });
    },
    /// G8, G21.
    a_reader_sleeps_mpd => |it| {
        let (settings, log) = narrow::<Mpd>();
        over_little!(it, settings, chatter_mpd, |client, notifications| {
            sleeper(client, notifications, &log, "idle", |_| Bytes::from("ping"))
        });
    },
    /// G8, G21.
    a_reader_sleeps_imap => |it| {
        let (settings, log) = narrow::<Imap>();
        over_little!(it, settings, chatter_imap, |client, notifications| {
            sleeper(client, notifications, &log, "IDLE", |_| Bytes::from("NOOP"))
        });
    },
}

const LINES: usize = 160;
/// 160 of them make 10 MiB.
const LINE: usize = 64 * 1024 - 32;

fn roomy<D: Wire + Default>() -> Settings<D> {
    let mut settings = Settings::new(D::default());
    let config = &mut settings.config;
    (config.in_flight, config.limits.pending) = (1024, 1024);
    (config.limits.output, config.limits.reply) = (16 << 20, 16 << 20);
    config.limits.frame = 70_000;
    (config.timers.reply, config.timers.write, config.timers.silence) = (None, None, None);
    settings
}

fn line(far: &mut impl BufRead) -> String {
    let mut line = String::new();
    far.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn flood_notif(far: Box<dyn Far>) {
    let mut far = BufReader::with_capacity(1024, far);
    assert_eq!(line(&mut far), "first?");
    let topic = "n".repeat(LINE);
    for number in 0..LINES {
        writeln!(far.get_mut(), "notif: {topic}{number}").unwrap();
    }
    far.get_mut().write_all(b"first\r\n").unwrap();
    for _ in 0..LINES {
        let asked = line(&mut far);
        let number = asked.trim_start_matches('t').strip_suffix('?').unwrap();
        writeln!(far.get_mut(), "{number}").unwrap();
    }
}

async fn ask_notif<K: Asks<Notif>>(client: K, mut notifications: K::Notifications) {
    let first = client.send("first?").unwrap();
    let topic = "t".repeat(LINE);
    let asked: Vec<_> =
        (0..LINES).map(|number| client.send(format!("{topic}{number}?")).unwrap()).collect();
    assert_eq!(first.await.unwrap(), "first");
    for (number, asked) in asked.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap(), number.to_string());
    }
    for number in 0..LINES {
        let notice = notifications.read().await.unwrap().unwrap();
        let topic = notice.notification().unwrap().topic();
        assert_eq!(topic.trim_start_matches('n'), number.to_string());
    }
}

fn flood_mpd(far: Box<dyn Far>) {
    let mut far = BufReader::with_capacity(1024, far);
    far.get_mut().write_all(b"OK MPD 0.23.5\n").unwrap();
    assert_eq!(line(&mut far), "listall");
    let file = "f".repeat(LINE);
    for number in 0..LINES {
        writeln!(far.get_mut(), "file: {file}{number}").unwrap();
    }
    far.get_mut().write_all(b"OK\n").unwrap();
    for _ in 0..LINES {
        let asked = line(&mut far);
        let number = asked.rsplit('t').next().unwrap().trim_end_matches('"');
        writeln!(far.get_mut(), "number: {number}\nOK").unwrap();
    }
}

async fn ask_mpd(client: impl Asks<Mpd>) {
    let first = client.send(mpd::Ask::new("listall")).unwrap();
    let topic = "t".repeat(LINE);
    let ask = |number| client.send(mpd::Ask::new("find").arg(format!("{topic}{number}"))).unwrap();
    let asked: Vec<_> = (0..LINES).map(ask).collect();
    let files = first.await.unwrap();
    for (number, (_, file)) in files.iter().enumerate() {
        assert_eq!(file.trim_start_matches('f'), number.to_string());
    }
    assert_eq!(files.len(), LINES);
    for (number, asked) in asked.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap().get("number"), Some(number.to_string().as_str()));
    }
}

fn flood_imap(far: Box<dyn Far>) {
    let mut far = BufReader::with_capacity(1024, far);
    let greeting = b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] ready\r\n";
    far.get_mut().write_all(greeting).unwrap();
    let mut first = [0; 3];
    far.read_exact(&mut first).unwrap();
    let flags = "f".repeat(LINE);
    for number in 1..=LINES {
        write!(far.get_mut(), "* {number} FETCH (FLAGS ({flags}))\r\n").unwrap();
    }
    assert_eq!(line(&mut far), format!("APPEND INBOX {{{}+}}", LINES * LINE));
    let mut message = vec![0; LINES * LINE + 2];
    far.read_exact(&mut message).unwrap();
    assert!(message[..LINES * LINE].iter().all(|byte| *byte == b'm'), "another message");
    far.get_mut().write_all(b"A1 OK done\r\n").unwrap();
}

async fn ask_imap(client: impl Asks<Imap>) {
    let message = vec![b'm'; LINES * LINE];
    let answer = client.ask(imap::Ask::new("APPEND").mailbox("INBOX").literal(message)).await;
    let parts = answer.unwrap().parts;
    assert_eq!(parts.len(), LINES);
    for (part, number) in parts.iter().zip(1..) {
        assert!(part.starts_with(format!("* {number} FETCH ").as_bytes()), "another part");
        assert!(part.len() > LINE, "a part was cut");
    }
}

/// So many notices wait for a reader.
const QUEUE: usize = 8;
/// So often something is asked meanwhile, and each time so much happens.
const ROUNDS: usize = 40;
const EACH: usize = 3;

fn narrow<D: Wire + Default>() -> (Settings<D>, Log) {
    let (mut settings, log) = (Settings::new(D::default()), Log::default());
    settings.queue = QUEUE;
    settings.observer = Some(Box::new(log.clone()));
    (settings, log)
}

/// Replies flow, and nobody reads notifications; all of them are there when the last reply is.
async fn sleeper<D: Wire, K: Asks<D>>(
    client: K,
    mut notifications: K::Notifications,
    log: &Log,
    enter: &str,
    question: impl Fn(usize) -> Bytes,
) {
    client.listen();
    // A command that comes before that is said goes first.
    log.wait_last_said(enter);
    for number in 0..ROUNDS {
        client.ask(question(number)).await.unwrap();
    }
    for number in 0..QUEUE {
        let notice = notifications.read().await.unwrap().unwrap();
        let text = &notice.notification().unwrap().text;
        let number = number.to_string();
        assert!(text.windows(number.len()).any(|it| it == number.as_bytes()), "{text:?}");
    }
    let dropped = (ROUNDS * EACH - QUEUE) as u64;
    let gap = notifications.read().await.unwrap().unwrap();
    assert_eq!(gap, Notice::Gap(Gap::Overflow(dropped)));
}

/// What happens before each answer.
fn news(round: usize) -> impl Iterator<Item = usize> {
    (0..EACH).map(move |each| round * EACH + each)
}

fn chatter_notif(far: Box<dyn Far>) {
    let mut far = BufReader::new(far);
    let mut round = 0;
    while round < ROUNDS {
        match line(&mut far).as_str() {
            "notif" | "stop_notif" => far.get_mut().write_all(b"OK\r\n").unwrap(),
            asked => {
                let number = asked.strip_suffix('?').unwrap();
                let news: String = news(round).map(|it| format!("notif: {it}\r\n")).collect();
                write!(far.get_mut(), "{news}{number}\r\n").unwrap();
                round += 1;
            }
        }
    }
    rest(&mut far);
}

fn chatter_mpd(far: Box<dyn Far>) {
    let mut far = BufReader::new(far);
    far.get_mut().write_all(b"OK MPD 0.23.5\n").unwrap();
    let mut round = 0;
    while round < ROUNDS {
        match line(&mut far).as_str() {
            "idle" => {}
            "noidle" => {
                let news: String = news(round).map(|it| format!("changed: {it}\n")).collect();
                writeln!(far.get_mut(), "{news}OK").unwrap();
            }
            "ping" => {
                far.get_mut().write_all(b"OK\n").unwrap();
                round += 1;
            }
            other => panic!("{other}"),
        }
    }
    rest(&mut far);
}

fn chatter_imap(far: Box<dyn Far>) {
    let mut far = BufReader::new(far);
    far.get_mut().write_all(b"* PREAUTH ready\r\n").unwrap();
    let (mut round, mut idling) = (0, String::new());
    while round < ROUNDS {
        let said = line(&mut far);
        match said.split_once(' ') {
            Some((tag, "IDLE")) => {
                tag.clone_into(&mut idling);
                far.get_mut().write_all(b"+ idling\r\n").unwrap();
            }
            Some((tag, "NOOP")) => {
                write!(far.get_mut(), "{tag} OK done\r\n").unwrap();
                round += 1;
            }
            _ => {
                assert_eq!(said, "DONE");
                let news: String = news(round).map(|it| format!("* {it} EXISTS\r\n")).collect();
                write!(far.get_mut(), "{news}{idling} OK done\r\n").unwrap();
            }
        }
    }
    rest(&mut far);
}

/// Whatever the client still says; then it is gone.
fn rest(far: &mut impl Read) {
    let _ = far.read_to_end(&mut Vec::new());
}
