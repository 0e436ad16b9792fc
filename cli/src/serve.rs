//! `bellwire serve`: random numbers and classified ads.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use bellwire::dialect::notif::Notif;
use bellwire::{Reply, ServerConfig, ServerEvent};
use bellwire_any::{Peer, Server, ServerHandle, Service};

use crate::args::Serve;
use crate::print;

pub(crate) fn run(args: &Serve) -> anyhow::Result<()> {
    let mut notif = Notif::default();
    notif.ids = args.ids;
    let board = Board::new();
    let mut server = Server::bind(args.on.runtime, &args.listen, notif, board.clone())
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    if args.autologout.is_some() {
        server.config().timers.autologout = args.autologout;
    }
    print::line(format!("listening on {}", server.local_addr()?).as_bytes())?;

    let handle = server.handle();
    ctrlc::set_handler({
        let handle = handle.clone();
        move || handle.shutdown()
    })?;
    announce_numbers(board.clone(), handle.clone(), args.every);
    post_ads(board, handle);
    server.run().context("cannot accept connections")
}

/// Announces a new random number again and again, until the process ends.
fn announce_numbers(board: Board, handle: ServerHandle<Notif>, every: Duration) {
    thread::spawn(move || {
        loop {
            thread::sleep(every);
            board.roll();
            tell(&handle, "random");
        }
    });
}

/// Makes each line of standard input an ad.
fn post_ads(board: Board, handle: ServerHandle<Notif>) {
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            match read_line(&mut input).map(|line| line.map(|line| board.post(line))) {
                Ok(Some(Ok(true))) => tell(&handle, "classified"),
                Ok(Some(Ok(false))) => {}
                Ok(Some(Err(error))) => print::complain(format_args!("no ad: {error:#}")),
                Ok(None) => return,
                Err(error) => return print::complain(format_args!("no more ads: {error}")),
            }
        }
    });
}

/// The next line without its end; of one that is too long for an ad, the beginning.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_none() && line.len() as u64 == LONGEST_LINE {
        while !skip_to_line_end(input)? {}
    }
    Ok(Some(line))
}

/// More than an ad may have.
const LONGEST_LINE: u64 = 1024 * 1024;

/// Skips what is there of a line. Whether it, or the input, has ended.
fn skip_to_line_end(input: &mut impl BufRead) -> io::Result<bool> {
    let there = input.fill_buf()?;
    let end = there.iter().position(|byte| *byte == b'\n');
    let (ended, count) =
        (end.is_some() || there.is_empty(), end.map_or(there.len(), |end| end + 1));
    input.consume(count);
    Ok(ended)
}

fn tell(handle: &ServerHandle<Notif>, topic: &str) {
    if let Err(refusal) = handle.notify(topic) {
        log::error!("{topic}: {refusal}");
    }
}

/// What the server knows: a number, and ads.
#[derive(Clone)]
pub(crate) struct Board(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    number: u64,
    ads: VecDeque<Vec<u8>>,
    /// So many older ads are gone.
    gone: usize,
}

impl Board {
    /// A new client is shown at most so many old ads.
    const KEPT: usize = 10_000;

    /// A number, and no ad.
    pub(crate) fn new() -> Self {
        let board = Self(Arc::default());
        board.roll();
        board
    }

    /// Draws a new number.
    pub(crate) fn roll(&self) {
        self.lock().number = fastrand::u64(..100_000_000_000);
    }

    /// Posts an ad. `false`: an empty line is none.
    pub(crate) fn post(&self, mut ad: Vec<u8>) -> anyhow::Result<bool> {
        if ad.ends_with(b"\r") {
            ad.pop();
        }
        if ad.is_empty() {
            return Ok(false);
        }
        check(&ad)?;
        let mut content = self.lock();
        content.ads.push_back(ad);
        if content.ads.len() > Self::KEPT {
            content.ads.pop_front();
            content.gone += 1;
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an ad can be a reply: the machine itself knows.
fn check(ad: &[u8]) -> anyhow::Result<()> {
    let mut machine = bellwire::Server::new(Notif::default(), ServerConfig::default());
    let mut events = machine.feed(b"classified?\n");
    if let Ok(Some(ServerEvent::Command { ticket, .. })) = events.next() {
        machine.reply(ticket, Reply::done(ad)).map_err(|refused| refused.why)?;
    }
    Ok(())
}

impl Service for Board {
    /// How many ads the connection has read, the ones that are gone included.
    type Session = usize;

    fn open(&self, peer: &mut Peer) -> usize {
        let content = self.lock();
        if !content.ads.is_empty() {
            peer.notify("classified");
        }
        content.gone
    }

    fn answer(&self, read: &mut usize, command: &[u8], peer: &mut Peer) -> Reply<Vec<u8>> {
        match command {
            b"random?" => Reply::done(self.lock().number.to_string().into_bytes()),
            b"classified?" => Reply::done(self.next_ad(read, peer)),
            _ => Reply::refused(b"unknown command".to_vec()),
        }
    }
}

impl Board {
    fn next_ad(&self, read: &mut usize, peer: &mut Peer) -> Vec<u8> {
        let content = self.lock();
        *read = (*read).max(content.gone);
        let ad = content.ads.get(*read - content.gone).cloned();
        *read += usize::from(ad.is_some());
        if *read - content.gone < content.ads.len() {
            peer.notify("classified");
        }
        ad.unwrap_or_default()
    }
}
