//! IMAP: headers of many mails, from a Dovecot.

use std::net::SocketAddr;

use bellwire::dialect::imap::response::Untagged;
use bellwire::dialect::imap::{Ask, Examine, Imap, Login};
use bellwire::{Answer, Event};
use bellwire_blocking::{Client, Connector};
use bellwire_test_servers::Dovecot;
use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::io::BufWriter;

use crate::driven::{Driven, Plain, connect};
use crate::{Contender, Tally, runtime};

const ITEMS: &str = "(UID BODY.PEEK[HEADER])";
const SECTION: &str = "BODY[HEADER]";
/// So many commands keep a server busy. An answer holds all that came while its command was on the
/// wire, so more would mean more to gather, and to look through, for nothing.
const IN_FLIGHT: usize = 4;

/// A Dovecot with so many mails, whose headers have about 1 KiB each; `None` if there is no Dovecot.
#[must_use]
pub fn server(mails: usize) -> Option<Dovecot> {
    let dovecot = Dovecot::start()?;
    for mail in 1..=mails {
        dovecot.deliver(&subject(mail));
    }
    Some(dovecot)
}

/// A subject, and behind it what else a mail's header has when it has been on the way.
fn subject(mail: usize) -> String {
    let hop = |hop: usize| {
        format!(
            "\r\nReceived: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\
             \r\n\tby mx{}.example.org (Postfix) with ESMTPS id {:012X}\
             \r\n\tfor <test@example.org>; Thu, 01 Jan 2026 00:00:{hop:02} +0000 (UTC)",
            hop + 1,
            mail * 64 + hop,
        )
    };
    let hops: String = (1..=5).map(hop).collect();
    format!("Mail {mail} of many{hops}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain")
}

/// The sets of messages that are asked for, one after the other.
#[derive(Clone, Debug)]
pub struct Sets(Vec<String>);

impl Sets {
    /// All in one command.
    #[must_use]
    pub fn whole() -> Self {
        Self(vec!["1:*".to_owned()])
    }

    /// `mails` in so many commands.
    #[must_use]
    pub fn split(mails: usize, commands: usize) -> Self {
        let each = mails / commands;
        Self((0..commands).map(|at| format!("{}:{}", at * each + 1, (at + 1) * each)).collect())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn asks(&self) -> impl Iterator<Item = Ask> {
        self.0.iter().map(|set| Ask::new("FETCH").text(format!("{set} {ITEMS}")))
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|set| format!("FETCH {set} {ITEMS}"))
    }
}

/// Reads the header in what Dovecot tells: `* 1 FETCH (UID 1 BODY[HEADER] {1000}`, 1000 bytes, `)`.
fn read_raw(tally: &mut Tally, response: &[u8]) {
    let start = memchr::memchr(b'\n', response).expect("a literal") + 1;
    tally.read(&response[start..response.len() - 1]);
}

fn read_typed(tally: &mut Tally, response: &Bytes) {
    let read = Untagged::from_bytes(response).expect("the server keeps to the protocol");
    let Untagged::Fetch(mail) = read else { panic!("no FETCH: {read:?}") };
    assert!(mail.uid.is_some());
    tally.read(mail.section(SECTION).expect("it was asked for"));
}

/// The physical limit; all commands are sent before the first is answered.
#[must_use]
pub fn limit(address: SocketAddr, sets: &Sets) -> Contender {
    let mut plain = Plain::connect(address);
    let is_end = |tail: &[u8]| {
        let lines = tail.strip_suffix(b"\r\n").unwrap_or_default();
        lines.rsplit(|byte| *byte == b'\n').next().is_some_and(|line| line.starts_with(b"end OK"))
    };
    plain.ask(b"end LOGIN test secret\r\n", is_end);
    plain.ask(b"end EXAMINE INBOX\r\n", is_end);
    let mut lines: Vec<_> = sets.lines().map(|line| format!("more {line}\r\n")).collect();
    if let Some(last) = lines.last_mut() {
        *last = last.replacen("more", "end", 1);
    }
    let lines = lines.concat();
    Contender::limit(move || plain.ask(lines.as_bytes(), is_end))
}

fn driven(address: SocketAddr) -> Driven<Imap> {
    let mut dialect = Imap::default();
    dialect.insecure = true;
    let mut driven = Driven::connect(address, dialect);
    driven.client.command(Login::new("test", "secret")).expect("a command");
    driven.until_answered(1, |_| {});
    driven.client.command(Examine("INBOX".to_owned())).expect("a command");
    driven.until_answered(1, |_| {});
    driven
}

fn work_driven(
    address: SocketAddr,
    sets: &Sets,
    mut read: impl FnMut(&mut Tally, &[u8]) + 'static,
) -> impl FnMut() -> Tally + 'static {
    let (mut driven, sets) = (driven(address), sets.clone());
    move || {
        for ask in sets.asks() {
            driven.client.command(ask).expect("a command");
        }
        let mut tally = Tally::default();
        driven.until_answered(sets.len(), |event| {
            if let Event::Data { text, .. } = event {
                read(&mut tally, text);
            }
        });
        tally
    }
}

/// Bellwire's core: bytes of each response, borrowed from its buffer.
#[must_use]
pub fn core(address: SocketAddr, sets: &Sets) -> Contender {
    Contender::new("core, events", work_driven(address, sets, read_raw))
}

/// Bellwire's core, with its typed views.
#[must_use]
pub fn core_typed(address: SocketAddr, sets: &Sets) -> Contender {
    let read = |tally: &mut Tally, text: &[u8]| read_typed(tally, &Bytes::copy_from_slice(text));
    Contender::new("core, typed", work_driven(address, sets, read))
}

fn blocking(address: SocketAddr) -> Client<Imap> {
    let mut connector = Connector::new(Imap::default());
    connector.dialect.insecure = true;
    connector.config.in_flight = IN_FLIGHT;
    connector.opening.push(Box::new(Login::new("test", "secret")));
    connector.opening.push(Box::new(Examine("INBOX".to_owned())));
    connector.tcp(address).expect("the server listens").0
}

/// The mails of other commands are in an answer, too: each is read where it is met first.
fn work_blocking(
    address: SocketAddr,
    sets: &Sets,
    read: impl Fn(&mut Tally, &Bytes) + 'static,
) -> impl FnMut() -> Tally + 'static {
    let (client, sets) = (blocking(address), sets.clone());
    move || {
        let sent: Vec<_> = sets.asks().map(|ask| client.send(ask).expect("a command")).collect();
        let (mut tally, mut last) = (Tally::default(), 0);
        for pending in sent {
            let Answer { parts, .. } = pending.wait().expect("an answer");
            for part in parts.iter().filter(|part| is_new(part, &mut last)) {
                read(&mut tally, part);
            }
        }
        tally
    }
}

/// The server tells of all mails in ascending order.
fn is_new(response: &[u8], last: &mut usize) -> bool {
    let digits = response[2..].iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    let is_new = number > *last;
    *last = number.max(*last);
    is_new
}

/// Bellwire on plain threads: bytes of each response.
#[must_use]
pub fn blocking_raw(address: SocketAddr, sets: &Sets) -> Contender {
    let read = |tally: &mut Tally, text: &Bytes| read_raw(tally, text);
    Contender::new("blocking, bytes", work_blocking(address, sets, read))
}

/// Bellwire on plain threads, with its typed views.
#[must_use]
pub fn blocking_typed(address: SocketAddr, sets: &Sets) -> Contender {
    Contender::new("blocking, typed", work_blocking(address, sets, read_typed))
}

/// Bellwire on plain threads, with its typed views: each response as soon as it has come.
#[must_use]
pub fn blocking_parts(address: SocketAddr, sets: &Sets) -> Contender {
    let (client, sets) = (blocking(address), sets.clone());
    Contender::new("blocking, part by part", move || {
        let sent: Vec<_> = sets.asks().map(|ask| client.send(ask).expect("a command")).collect();
        let (mut tally, mut last) = (Tally::default(), 0);
        for mut pending in sent {
            while let Some(part) = pending.part() {
                if is_new(&part, &mut last) {
                    read_typed(&mut tally, &part);
                }
            }
            pending.wait().expect("an answer");
        }
        tally
    })
}

/// `async-imap` on tokio: typed always. It has no pipeline: one command after the other.
#[must_use]
pub fn async_imap(address: SocketAddr, sets: &Sets) -> Contender {
    let (runtime, sets) = (runtime(), sets.clone());
    let mut session = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        // It writes tag, command and line end one by one.
        let mut client = async_imap::Client::new(BufWriter::new(stream));
        client.read_response().await.expect("a greeting");
        let session = client.login("test", "secret").await.map_err(|(error, _)| error);
        let mut session = session.expect("the password is right");
        session.examine("INBOX").await.expect("there is one");
        session
    });
    Contender::new("async-imap", move || {
        let mut tally = Tally::default();
        runtime.block_on(async {
            for set in &sets.0 {
                let mut mails = session.fetch(set, ITEMS).await.expect("a command");
                while let Some(mail) = mails.try_next().await.expect("an answer") {
                    assert!(mail.uid.is_some());
                    tally.read(mail.header().expect("it was asked for"));
                }
            }
        });
        tally
    })
}

/// `imap`: typed always. It has no pipeline: one command after the other.
#[must_use]
pub fn imap(address: SocketAddr, sets: &Sets) -> Contender {
    let mut client = imap::Client::new(connect(address));
    client.read_greeting().expect("a greeting");
    let session = client.login("test", "secret").map_err(|(error, _)| error);
    let mut session = session.expect("the password is right");
    session.examine("INBOX").expect("there is one");
    let sets = sets.clone();
    Contender::new("imap", move || {
        let mut tally = Tally::default();
        for set in &sets.0 {
            let mails = session.fetch(set, ITEMS).expect("an answer");
            for mail in mails.iter() {
                assert!(mail.uid.is_some());
                tally.read(mail.header().expect("it was asked for"));
            }
        }
        tally
    })
}
