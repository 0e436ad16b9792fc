//! A server that accepts and closes at once, fifty times: the waits grow, are jittered, and begin anew when a
//! connection has lasted (G22).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, Once, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire_adapter::{Gap, Notice, Reconnect, Settings};
use bellwire_async::Connector;
use bellwire_conformance::{
    Clock, Log, Moved, on_async, on_each_async_runtime, on_runtime, watched,
};
use bellwire_testkit::{PATIENCE, accept};

on_each_async_runtime! {
    /// G8, G22: in the time of a clock that is moved to where the client wants to be woken.
    a_server_that_closes_fifty_times => |it| {
        let clock = Clock::mine();
        let policy = Reconnect::default();
        let server = Storm::start();
        let (mut settings, log) = (Settings::new(Notif::default()), Log::default());
        settings.reconnect = Some(policy.clone());
        settings.config.timers.silence = None;
        settings.observer = Some(Box::new(log.clone()));
        let connected = on_async!(it, R => watched(async {
            Connector::<Notif, Moved<R>>::from(settings).tcp(server.address).await
        }));
        let (client, mut notifications) = connected.unwrap();
        server.close();
        let mut waits = Vec::new();
        for storm in 1..=CLOSES {
            log.wait_for(CLOSED, storm);
            clock.settle();
            // What an attempt to connect may take is slept for, too.
            let timeout = Duration::from_secs(10);
            let slept: Vec<_> = clock.sleeps().into_iter().filter(|it| *it != timeout).collect();
            waits.push(*slept.last().expect("nobody waits before he connects again"));
            assert!(clock.pass_to_next(), "nobody waits");
            log.wait_connections(storm + 1);
        }
        assert_grown(&waits, &policy);
        // The next one lasts; the storm is forgotten.
        on_async!(it, R => { let _: Option<R> = None; async {
            let notice = notifications.next().await.unwrap().unwrap();
            assert!(matches!(notice, Notice::Gap(Gap::Disconnected(_))), "one gap for all");
            assert_eq!(notifications.next().await.unwrap().unwrap(), Notice::Resumed);
        }});
        clock.settle();
        clock.pass(policy.stable);
        clock.settle();
        let _ = clock.sleeps();
        server.close();
        log.wait_for(CLOSED, CLOSES + 1);
        clock.settle();
        let wait = *clock.sleeps().last().expect("nobody waits before he connects again");
        assert!(wait <= policy.first && wait >= policy.first / 2, "{wait:?} is no new beginning");
        client.close();
    },
}

on_runtime! { on_blocking, Blocking,
    /// G8, G22: with waits of microseconds, as the log tells of them.
    a_server_that_closes_fifty_times => |_| {
        let mut policy = Reconnect::default();
        (policy.first, policy.longest) = (Duration::from_micros(4), Duration::from_micros(400));
        let server = Storm::start();
        let log = Log::default();
        let mut connector = bellwire_blocking::Connector::new(Notif::default());
        connector.reconnect = Some(policy.clone());
        connector.observer = Some(Box::new(log.clone()));
        let waits = Waits::of_this_thread();
        let (client, mut notifications) = connector.tcp(server.address).unwrap();
        server.close();
        let notice = notifications.next().unwrap().unwrap();
        assert!(matches!(notice, Notice::Gap(Gap::Disconnected(_))), "one gap for all");
        assert_eq!(notifications.next().unwrap().unwrap(), Notice::Resumed);
        assert_eq!(log.connections(), CLOSES + 1);
        assert_grown(&waits.taken(), &policy);
        client.close();
    },
}

const CLOSES: usize = 50;
const CLOSED: &str = "closed: the connection was closed";

/// Each wait is drawn from the upper half of what doubles up to a bound.
fn assert_grown(waits: &[Duration], policy: &Reconnect) {
    assert_eq!(waits.len(), CLOSES);
    let mut longest = policy.first;
    // The log rounds.
    let fuzz = policy.first / 8;
    for (failures, wait) in waits.iter().enumerate() {
        assert!(
            *wait <= longest + fuzz && *wait + fuzz >= longest / 2,
            "{wait:?} after {failures} failures: {waits:?}"
        );
        longest = (longest * 2).min(policy.longest);
    }
    let same = waits[10..].windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(same < 20, "there is no jitter: {waits:?}");
}

/// A server that closes each connection as soon as it is made, and enters the mode on the last.
struct Storm {
    address: SocketAddr,
    close: mpsc::Sender<()>,
    #[expect(dead_code, reason = "whether it panics is seen by who waits for it")]
    server: JoinHandle<()>,
}

impl Storm {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (close, closes) = mpsc::channel();
        let server = thread::spawn(move || {
            for number in 0..CLOSES {
                let stream = accept(&listener, PATIENCE).unwrap();
                if number == 0 {
                    // A first connection that ends at once is not tried again.
                    closes.recv().unwrap();
                }
                // Nothing is to be unread, which would be a reset.
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = std::io::copy(&mut &stream, &mut std::io::sink());
            }
            let mut stream = accept(&listener, PATIENCE).unwrap();
            stream.read_exact(&mut [0; 7]).unwrap();
            stream.write_all(b"OK\r\n").unwrap();
            let _ = closes.recv();
        });
        Self { address, close, server }
    }

    /// Closes the first connection, or the last.
    fn close(&self) {
        self.close.send(()).unwrap();
    }
}

/// What the log tells of waits on one thread.
struct Waits(thread::ThreadId);

static TOLD: Mutex<Vec<(thread::ThreadId, Duration)>> = Mutex::new(Vec::new());

struct Teller;

impl log::Log for Teller {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        let Some(rest) = text.strip_prefix("connecting again in ") else { return };
        let (wait, _) = rest.split_once(": ").unwrap();
        let told = (thread::current().id(), parse(wait));
        TOLD.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    fn flush(&self) {}
}

/// A duration, as `Debug` writes it.
fn parse(text: &str) -> Duration {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap();
    let unit = match &text[at..] {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        other => panic!("{other}"),
    };
    Duration::from_secs_f64(text[..at].parse::<f64>().unwrap() * unit)
}

impl Waits {
    fn of_this_thread() -> Self {
        static TELLS: Once = Once::new();
        TELLS.call_once(|| {
            log::set_logger(&Teller).unwrap();
            log::set_max_level(log::LevelFilter::Info);
        });
        Self(thread::current().id())
    }

    fn taken(&self) -> Vec<Duration> {
        let told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|(thread, _)| *thread == self.0).map(|(_, wait)| *wait).collect()
    }
}
