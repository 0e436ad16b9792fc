//! Two connections, of two protocols, in one thread and without a runtime: all that they tell is
//! printed. When the board announces a number, it is asked for it, and the player is asked what it
//! plays meanwhile.
//!
//! ```console
//! $ cargo run -- serve &
//! $ cargo run -p bellwire-blocking --example fake_player -- 127.0.0.1:6601 &
//! $ cargo run --example event_loop -- 127.0.0.1:6789 127.0.0.1:6601
//! ```

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bellwire::dialect::mpd::{CurrentSong, Mpd};
use bellwire::dialect::notif::{Notif, Random};
use bellwire::{Client, Command, Config, Dialect, Event};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [board, player] = &args[..] else {
        eprintln!("usage: event_loop BOARD PLAYER, HOST:PORT each: a notif server, and an MPD");
        return ExitCode::from(2);
    };
    let Err(error) = watch(board, player, &mut io::stdout());
    eprintln!("event_loop: {error}");
    ExitCode::FAILURE
}

/// Watches both, until one of them ends its connection.
pub(crate) fn watch(
    board: &str,
    player: &str,
    out: &mut dyn Write,
) -> Result<Infallible, Box<dyn Error>> {
    let (mut poll, mut ready, start) = (Poll::new()?, Events::with_capacity(8), Instant::now());
    let mut board = Link::new("board", Notif::default(), connect(board, &poll, Token(0))?);
    let mut player = Link::new("player", Mpd::default(), connect(player, &poll, Token(1))?);
    loop {
        for topic in board.hear(start.elapsed(), out)? {
            if topic == "random" {
                board.ask(Random)?;
                player.ask(CurrentSong)?;
            }
        }
        for topic in player.hear(start.elapsed(), out)? {
            if topic == "player" {
                player.ask(CurrentSong)?;
            }
        }
        board.say();
        player.say();

        // With more connections, only those that are ready would be tried.
        let first = [board.deadline(), player.deadline()].into_iter().flatten().min();
        let wait = first.map(|at| at.saturating_sub(start.elapsed()));
        match poll.poll(&mut ready, wait) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
    }
}

fn connect(address: &str, poll: &Poll, token: Token) -> Result<TcpStream, String> {
    let connect = || -> io::Result<TcpStream> {
        let socket = std::net::TcpStream::connect(address)?;
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?; // or the second of two small commands may come 40 ms late
        let mut socket = TcpStream::from_std(socket);
        poll.registry().register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(socket)
    };
    connect().map_err(|error| format!("{address}: {error}"))
}

/// One connection.
pub(crate) struct Link<D: Dialect, S> {
    name: &'static str,
    client: Client<D>,
    socket: S,
    /// There may be more to read, of which the system does not tell again.
    more: bool,
}

impl<D: Dialect, S: Read + Write> Link<D, S> {
    pub(crate) fn new(name: &'static str, dialect: D, socket: S) -> Self {
        let mut config = Config::default();
        config.timers.reply = Some(Duration::from_secs(30));
        let mut client = Client::new(dialect, config);
        client.listen();
        Self { name, client, socket, more: true }
    }

    /// Reads once, so that a talkative peer keeps no other waiting; prints what was told, and returns
    /// the topics that were announced.
    pub(crate) fn hear(
        &mut self,
        now: Duration,
        out: &mut dyn Write,
    ) -> Result<Vec<String>, Box<dyn Error>> {
        let (name, mut buffer, mut topics) = (self.name, [0; 16 * 1024], Vec::new());
        let read = self.socket.read(&mut buffer);
        self.more = matches!(read, Ok(1..));
        match read {
            Ok(0) => drop(self.client.feed_eof()),
            Ok(count) => drop(self.client.feed(&buffer[..count])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => self.more = true,
            Err(_) => drop(self.client.feed_reset()),
        }
        let mut events = self.client.tick(now); // bytes count before deadlines
        while let Some(event) = events.next().map_err(|error| format!("{name}: {error}"))? {
            match event {
                Event::Closed(how) => return Err(format!("{name}: {how}").into()),
                Event::Notification(it) => topics.push(it.topic().into_owned()),
                _ => {}
            }
            writeln!(out, "{name}: {event}")?; // its bytes escaped
        }
        Ok(topics)
    }

    /// Asks, unless an answer is still to come, which is as new as what was announced before it.
    pub(crate) fn ask<C>(&mut self, command: C) -> Result<(), bellwire::Refused<C>>
    where
        C: Command<D> + fmt::Debug,
    {
        let asked = self.client.pending() > 0;
        if asked { Ok(()) } else { self.client.command(command).map(drop) }
    }

    /// Writes as much as the socket takes.
    pub(crate) fn say(&mut self) {
        loop {
            let due = self.client.output();
            if due.is_empty() {
                return;
            }
            match self.socket.write(due) {
                Ok(count @ 1..) => self.client.written(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The system tells when it takes more; and if it never will, so does reading, behind
                // all that the peer has said before it went.
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// When to go on at the latest.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        if self.more { Some(Duration::ZERO) } else { self.client.deadline() }
    }
}
