//! One connection of a server, as its own thread drives it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bellwire::{Refusal, Reply, ServerDialect, ServerEvent, Ticket};
use bellwire_adapter::{Ended, Moved, Transport, log_lines};
use bytes::Bytes;

use super::{Audience, Hub, Peer, Service};
use crate::transport::{Ready, Waker, poll};

/// What a connection shares with the server's handles.
pub(super) struct Connection<D: ServerDialect> {
    machine: Mutex<bellwire::Server<D>>,
    pub(super) waker: Waker,
}

impl<D: ServerDialect> Connection<D> {
    pub(super) fn new(machine: bellwire::Server<D>) -> io::Result<Self> {
        Ok(Self { machine: Mutex::new(machine), waker: Waker::new()? })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, bellwire::Server<D>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, as its thread sees it.
pub(super) struct Serving<'a, D: ServerDialect> {
    hub: &'a Hub<D>,
    connection: &'a Connection<D>,
    stream: TcpStream,
    descriptor: &'a OwnedFd,
    since: Instant,
    peer: Peer,
    buffer: Vec<u8>,
    /// No more is read: the server shuts down.
    draining: bool,
}

/// What the machine wants answered, or how the connection ended.
enum Heard {
    Command(Ticket, Bytes),
    Nothing,
}

impl<'a, D: ServerDialect> Serving<'a, D> {
    pub(super) fn new(
        hub: &'a Hub<D>,
        connection: &'a Connection<D>,
        stream: TcpStream,
        descriptor: &'a OwnedFd,
    ) -> Self {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Self {
            hub,
            connection,
            stream,
            descriptor,
            since: Instant::now(),
            peer: Peer { connection: number, announced: Vec::new() },
            buffer: vec![0; 4096],
            draining: false,
        }
    }

    pub(super) fn run(&mut self, service: &impl Service) {
        log::info!("#{} accepted", self.peer.connection);
        let mut session = service.open(&mut self.peer);
        self.announce();
        let ended = loop {
            if let Err(ended) = self.turn(service, &mut session) {
                break ended;
            }
        };
        log::info!("#{} ended: {ended}", self.peer.connection);
        Transport::shutdown(&mut self.stream);
    }

    /// Answers, writes, waits and reads, once each.
    fn turn<S: Service>(&mut self, service: &S, session: &mut S::Session) -> Result<(), Ended> {
        let stops = !self.draining && self.hub.stopping.load(Ordering::SeqCst);
        self.draining |= stops;
        if stops || self.connection.lock().is_overdue(self.since.elapsed()) {
            // What came in time counts, though the service may have been busy for long.
            self.read()?;
        }
        loop {
            while let Heard::Command(ticket, command) = self.hear()? {
                let reply = service.answer(session, &command, &mut self.peer);
                self.reply(ticket, reply);
                self.announce();
            }
            // Writing makes room for what was read and not heard yet.
            if !self.write()? {
                break;
            }
        }
        self.drain()?;
        let (wanted, timeout) = self.wanted();
        let ready = poll(self.descriptor, wanted, &self.connection.waker, timeout)?;
        match ready {
            Ready { read: true, .. } if wanted.read => self.read(),
            Ready { hung_up: true, .. } => Err(Ended::Closed(bellwire::Closed::Reset)),
            _ => Ok(()),
        }
    }

    /// Takes the next thing that happened. The lock is not held while the service answers.
    fn hear(&mut self) -> Result<Heard, Ended> {
        let mut machine = self.connection.lock();
        let mut events = machine.tick(self.since.elapsed());
        while let Some(event) = events.next()? {
            log::debug!("#{} {event}", self.peer.connection);
            if let ServerEvent::Command { ticket, text } = event {
                return Ok(Heard::Command(ticket, Bytes::copy_from_slice(text)));
            }
        }
        if machine.is_finished() {
            Err(Ended::Closed(bellwire::Closed::Cleanly))
        } else {
            Ok(Heard::Nothing)
        }
    }

    fn reply(&mut self, ticket: Ticket, reply: Reply<Vec<u8>>) {
        let mut machine = self.connection.lock();
        if let Err(refused) = machine.reply(ticket, reply) {
            log::error!(
                "#{} the service's reply is refused: {}",
                self.peer.connection,
                refused.why
            );
            // The client must have an answer, or all that follow would be shifted.
            let error = Reply::refused("the server could not write its reply");
            if let Err(refused) = machine.reply(ticket, error) {
                log::error!("#{} {}", self.peer.connection, refused.why);
            }
        }
    }

    fn announce(&mut self) {
        for (audience, topic) in self.peer.announced.drain(..) {
            let announced = match audience {
                Audience::All => self.hub.notify(&topic),
                Audience::One => {
                    self.connection.lock().notify(&topic).map(drop).map_err(|it| it.why)
                }
            };
            match announced {
                // A client that has closed its half is answered, and told no more.
                Ok(()) | Err(Refusal::Closed) => {}
                Err(why) => log::error!("#{} the topic is refused: {why}", self.peer.connection),
            }
        }
    }

    /// Whether anything was written.
    fn write(&mut self) -> Result<bool, Ended> {
        let mut machine = self.connection.lock();
        let mut written = false;
        loop {
            let due = machine.output();
            if due.is_empty() {
                return Ok(written);
            }
            match Moved::from(self.stream.write(due)) {
                Moved::Bytes(count) => {
                    log_lines(self.peer.connection, 'S', &due[..count]);
                    machine.written(count);
                    written = true;
                }
                Moved::Nothing => return Ok(written),
                Moved::Eof => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Moved::Failed(error) => return Err(error.into()),
            }
        }
    }

    /// Ends the connection once the server shuts down and all that was asked is answered.
    fn drain(&self) -> Result<(), Ended> {
        let machine = self.connection.lock();
        if self.draining && machine.pending() == 0 && !machine.has_output() {
            return Err(Ended::ByProgram);
        }
        Ok(())
    }

    fn wanted(&self) -> (Ready, Option<Duration>) {
        let machine = self.connection.lock();
        let wanted = Ready {
            read: machine.wants_input() && !self.draining,
            write: machine.has_output(),
            hung_up: false,
        };
        let deadline = machine.deadline();
        (wanted, deadline.map(|deadline| deadline.saturating_sub(self.since.elapsed())))
    }

    fn read(&mut self) -> Result<(), Ended> {
        let moved = Moved::from(self.stream.read(&mut self.buffer));
        let mut machine = self.connection.lock();
        match moved {
            Moved::Bytes(count) => {
                log_lines(self.peer.connection, 'C', &self.buffer[..count]);
                machine.feed(&self.buffer[..count]);
            }
            Moved::Nothing => {}
            Moved::Eof => drop(machine.feed_eof()),
            Moved::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }
}
