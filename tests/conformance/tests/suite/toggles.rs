//! Notifications asked for and not, a thousand times, while they come: none is lost (G8), each comes once and in
//! order (G6), and the mode is in the end what was asked for last (crossing 4).

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire_any::{Connector, Wire};
use bellwire_conformance::{Driven, Log, Runtime, on_each_runtime};
use bellwire_testkit::{PATIENCE, accept};

on_each_runtime! {
    /// G6, G8.
    a_thousand_times_notif => |it| toggled::<Notif>(it, "notif", notif),
    /// G6, G8.
    a_thousand_times_mpd => |it| toggled::<Mpd>(it, "idle", mpd),
    /// G6, G8.
    a_thousand_times_imap => |it| toggled::<Imap>(it, "IDLE", imap),
}

const TOGGLES: usize = 1000;

/// What a server has seen when the client has gone: how many notifications it has said, and how often the mode
/// was entered.
type Served = (usize, usize);

fn toggled<D: Wire + Default>(runtime: Runtime, enter: &str, serve: fn(&mut Line) -> Served) {
    let (address, server) = serves(serve);
    let (mut connector, log) = (Connector::new(runtime, D::default()), Log::default());
    connector.observer = Some(Box::new(log.clone()));
    connector.queue = usize::MAX / 2;
    let (client, mut notifications) = connector.tcp(address).unwrap();
    let driven = Driven::new(&client);
    for toggle in 0..TOGGLES {
        client.listen();
        // Some are taken back at once, some when they may be on the wire, and some when they are.
        if toggle % 10 == 0 {
            client.request("ping").unwrap();
        }
        client.unlisten();
    }
    // It is what was asked for last: off, on, and off again.
    client.listen();
    log.wait_last_said(enter);
    client.unlisten();
    // What was said before this is answered is there then.
    client.request("ping").unwrap();
    log.wait_last_said("ping");
    client.close();
    let (said, entered) = server.join().unwrap();
    let texts: Vec<String> = notifications
        .by_ref()
        .map(|notice| {
            let notice = notice.unwrap();
            let text = &notice.notification().expect("a gap").text;
            String::from_utf8(text.to_vec()).unwrap()
        })
        .collect();
    assert_eq!(texts.len(), said);
    for (number, text) in texts.iter().enumerate() {
        let is = text.split([' ', ':']).any(|word| word == number.to_string());
        assert!(is, "{text:?} is not {number}");
    }
    assert!(entered > TOGGLES / 10, "{entered}");
    drop(driven);
}

/// The server's end of a connection.
struct Line {
    reader: BufReader<TcpStream>,
    /// Notifications that were said.
    said: usize,
}

impl Line {
    /// What the client says next.
    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    fn say(&mut self, text: &str) {
        // It may have gone.
        let _ = self.reader.get_mut().write_all(text.as_bytes());
    }

    /// Something new, in these words.
    fn news(&mut self, words: impl Fn(usize) -> String) -> String {
        let news = words(self.said);
        self.said += 1;
        news
    }
}

fn serves(serve: fn(&mut Line) -> Served) -> (SocketAddr, JoinHandle<Served>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let reader = BufReader::new(accept(&listener, PATIENCE).unwrap());
        serve(&mut Line { reader, said: 0 })
    });
    (address, server)
}

/// Before the acknowledgement, behind it, before that of leaving.
fn notif(line: &mut Line) -> Served {
    let words = |number| format!("notif: {number}\r\n");
    let mut entered = 0;
    while let Some(said) = line.next() {
        let text = match said.as_str() {
            "notif" => {
                entered += 1;
                format!("{}OK\r\n{}", line.news(words), line.news(words))
            }
            "stop_notif" => format!("{}OK\r\n", line.news(words)),
            _ => "done\r\n".to_owned(),
        };
        line.say(&text);
    }
    (line.said, entered)
}

/// Whenever it is asked for by `noidle`, and else at once, and idle ends by itself.
fn mpd(line: &mut Line) -> Served {
    let words = |number| format!("changed: {number}\n");
    line.say("OK MPD 0.23.5\n");
    let (mut on, mut entered) = (false, 0);
    while let Some(said) = line.next() {
        let text = match said.as_str() {
            "idle" => {
                entered += 1;
                on = entered % 3 != 0;
                if on { String::new() } else { format!("{}OK\n", line.news(words)) }
            }
            // It comes too late if idle has ended by itself.
            "noidle" if !on => String::new(),
            "noidle" => {
                on = false;
                format!("{}{}OK\n", line.news(words), line.news(words))
            }
            _ => "OK\n".to_owned(),
        };
        line.say(&text);
    }
    (line.said, entered)
}

fn imap(line: &mut Line) -> Served {
    let words = |number| format!("* {number} EXISTS\r\n");
    line.say("* PREAUTH ready\r\n");
    let (mut entered, mut idle) = (0, String::new());
    while let Some(said) = line.next() {
        let text = match said.split_once(' ') {
            Some((tag, "IDLE")) => {
                entered += 1;
                tag.clone_into(&mut idle);
                format!("+ idling\r\n{}", line.news(words))
            }
            Some((tag, _)) => format!("{tag} OK done\r\n"),
            None => format!("{}{idle} OK done\r\n", line.news(words)),
        };
        line.say(&text);
    }
    (line.said, entered)
}
