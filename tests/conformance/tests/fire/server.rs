//! The server on a socket, behind a proxy on which things go wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bellwire_testkit::{Faults, Proxy, ProxyCounts};

use crate::answers::{Answers, Wire};

/// So many questions for each notification.
const EACH: usize = 7;

/// A server, and the proxy before it.
pub(crate) struct Served {
    proxy: Proxy,
    notified: Arc<AtomicU64>,
}

impl Served {
    /// Lines that are repeated are what only a wire with ids or tags can tell.
    pub(crate) fn under_fire(wire: Wire, repeats: bool, seed: u64) -> Self {
        let us = Duration::from_micros;
        let faults = || Faults::none().split(1..=64).delay(us(0)..=us(50));
        let to_client = faults().stall(2_000..=20_000, Duration::from_millis(20));
        let to_client = if repeats { to_client.duplicate(0.02) } else { to_client };
        let to_server = faults().stall(2_000..=20_000, Duration::from_millis(20));
        Self::behind(wire, seed, to_client, to_server)
    }

    pub(crate) fn behind(wire: Wire, seed: u64, to_client: Faults, to_server: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::to(listener.local_addr().unwrap()).seed(seed);
        let proxy = proxy.to_client(to_client).to_server(to_server).start().unwrap();
        let notified = Arc::new(AtomicU64::new(0));
        let counts = Arc::clone(&notified);
        // It ends with the process; its connections end with their clients.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, counts) = (stream.unwrap(), Arc::clone(&counts));
                stream.set_nodelay(true).unwrap();
                thread::spawn(move || serve(stream, wire, &counts));
            }
        });
        Self { proxy, notified }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// The number of the last notification that was announced.
    pub(crate) fn notified(&self) -> u64 {
        self.notified.load(Ordering::SeqCst)
    }

    pub(crate) fn counts(&self) -> ProxyCounts {
        self.proxy.counts()
    }
}

/// Answers, and announces something every now and then. A client that has gone is no failure.
pub(crate) fn serve(mut stream: impl Read + Write, wire: Wire, notified: &AtomicU64) {
    let mut answers = Answers::new(wire);
    let mut chunk = [0; 16 * 1024];
    let mut asked = 0;
    loop {
        let output = answers.output();
        if stream.write_all(output.make_contiguous()).is_err() {
            return;
        }
        output.clear();
        let Ok(count @ 1..) = stream.read(&mut chunk) else { return };
        answers.feed(&chunk[..count]);
        let strange = answers.strange();
        assert!(strange.is_empty(), "the server was asked {strange:?}");
        asked += answers.asked().len();
        while asked >= EACH {
            asked -= EACH;
            // Counted before it can be seen.
            answers.notify(notified.fetch_add(1, Ordering::SeqCst) + 1);
        }
    }
}
