//! One connection of a server, as its own thread drives it.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use bellwire::{Closed, ServerConfig, ServerDialect};
use bellwire_adapter::{Ended, Peer, ServerHandle, Serving};

use super::Service;
use crate::transport::{Ready, Waker, poll};

/// A connection, as its thread sees it.
pub(super) struct Connection<D: ServerDialect> {
    serving: Serving<D, TcpStream>,
    waker: Arc<Waker>,
}

impl<D: ServerDialect> Connection<D> {
    pub(super) fn new(
        server: &ServerHandle<D>,
        dialect: D,
        config: ServerConfig,
        stream: TcpStream,
        waker: Waker,
    ) -> Self {
        let waker = Arc::new(waker);
        let wake = Arc::clone(&waker).into();
        let serving = Serving::new(server, dialect, config, stream, wake, Instant::now);
        Self { serving, waker }
    }

    pub(super) fn run(mut self, service: &impl Service) {
        let mut peer = self.serving.peer();
        let mut session = service.open(&mut peer);
        self.serving.announce(&mut peer);
        let ended = loop {
            if let Err(ended) = self.turn(service, &mut session, &mut peer) {
                break ended;
            }
        };
        self.serving.end(&ended);
    }

    /// Answers, writes, waits and reads, once each.
    fn turn<S: Service>(
        &mut self,
        service: &S,
        session: &mut S::Session,
        peer: &mut Peer,
    ) -> Result<(), Ended> {
        while let Some((ticket, command)) = self.serving.next()? {
            let reply = service.answer(session, &command, peer);
            self.serving.reply(ticket, reply);
            self.serving.announce(peer);
        }
        let wanted = self.serving.wanted();
        let left = wanted.until.map(|until| until.saturating_duration_since(Instant::now()));
        let to_await = Ready { read: wanted.read, write: wanted.write, hung_up: false };
        match poll(self.serving.transport(), to_await, &self.waker, left)? {
            Ready { read: true, .. } if wanted.read => self.serving.read().map(drop),
            Ready { hung_up: true, .. } => Err(Ended::Closed(Closed::Reset)),
            _ => Ok(()),
        }
    }
}
