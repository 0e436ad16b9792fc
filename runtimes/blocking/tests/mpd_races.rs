//! Thousands of times into `idle` and out of it, with a real MPD, while another client changes the player:
//! every command gets its own reply, no change is lost, nothing hangs.
//!
//! MPD joins changes: how often it tells of them is not certain; but after the last change of each
//! subsystem it does. Hence a reader who asks for what he is told has changed must end with what is so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use bellwire::Event;
use bellwire::dialect::mpd::{Ask, PlayerStatus, Status};
use bellwire::transcript::Said;
use bellwire_blocking::Observer;
use bellwire_test_servers::Mpd;
use fastrand::Rng;

use real::{PATIENCE, in_time};
use session::{Client, assert_found, connector, other, question};

mod real;
#[path = "mpd/session.rs"]
mod session;

const ROUNDS: usize = 2000;

/// What is told of each subsystem; all of it is in the status.
const TOPICS: [(&str, &[&str]); 3] = [
    ("mixer", &["volume"]),
    ("options", &["repeat", "random", "single", "consume"]),
    ("playlist", &["playlist", "playlistlength"]),
];

/// The player, as far as somebody knows it: what was read of each subsystem.
type Player = [Vec<Option<String>>; 3];

fn player(status: &PlayerStatus) -> Player {
    let read = |key: &&str| status.fields.get(key).map(str::to_owned);
    TOPICS.map(|(_, keys)| keys.iter().map(read).collect())
}

/// Counts how often the client has said `idle`, and what came after it had said `noidle`.
#[derive(Clone, Default)]
struct Watcher(Arc<(Mutex<Seen>, Condvar)>);

#[derive(Clone, Copy, Default)]
struct Seen {
    idles: usize,
    leaving: bool,
    crossed: usize,
}

impl Watcher {
    fn seen(&self) -> Seen {
        *self.0.0.lock().unwrap()
    }

    /// Waits until the client has said `idle` more often than this.
    #[track_caller]
    fn wait_idle(&self, before: usize) {
        let (seen, changed) = &*self.0;
        let fewer = |seen: &mut Seen| seen.idles <= before;
        let waited = changed.wait_timeout_while(seen.lock().unwrap(), PATIENCE, fewer).unwrap();
        let timed_out = waited.1.timed_out();
        drop(waited);
        assert!(!timed_out, "the client does not idle again, after {before} times");
    }
}

impl Observer for Watcher {
    fn client(&mut self, said: &Said) {
        let Said::Bytes(bytes) = said else { return };
        let mut seen = self.0.0.lock().unwrap();
        for line in bytes.split(|byte| *byte == b'\n') {
            seen.idles += usize::from(line == b"idle");
            seen.leaving |= line == b"noidle";
        }
        self.0.1.notify_all();
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        let mut seen = self.0.0.lock().unwrap();
        match event {
            Event::Notification(_) if seen.leaving => seen.crossed += 1,
            Event::NotListening(_) => seen.leaving = false,
            _ => {}
        }
    }
}

/// Changes the player in some way.
fn change(client: &Client, dice: &mut Rng) {
    let mut number = |sides: u64| dice.u64(..sides).to_string();
    let changed = match number(4).as_str() {
        "0" => client.request(Ask::new("setvol").arg(number(101))),
        "1" => client.request(Ask::new("random").arg(number(2))),
        "2" => client.request(Ask::new("repeat").arg(number(2))),
        _ if number(10) == "0" => client.request(Ask::new("clear")),
        _ => client.request(Ask::new("add").arg("one.wav")),
    };
    changed.unwrap();
}

/// Each round waits until the client idles, and interrupts it.
fn rounds(in_flight: usize) {
    let Some(mpd) = Mpd::options().songs(50).start() else { return };
    let (other, watcher, mut connector) = (other(&mpd), Watcher::default(), connector());
    connector.config.in_flight = in_flight;
    connector.queue = 1_000_000;
    connector.observer = Some(Box::new(watcher.clone()));
    let (client, mut notifications) = connector.tcp(mpd.address()).unwrap();
    let known = Mutex::new(player(&client.request(Status).unwrap()));
    let known_changed = Condvar::new();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        // However this ends, so do the others.
        let end = End { client: &client, over: &over };
        scope.spawn(|| {
            while let Ok(Some(notice)) = notifications.wait(PATIENCE) {
                let topic = TOPICS.iter().position(|(topic, _)| notice.is(topic));
                let topic = topic.unwrap_or_else(|| panic!("{notice:?}"));
                // It may be over meanwhile.
                let Ok(status) = client.request(Status) else { break };
                known.lock().unwrap()[topic] = player(&status)[topic].clone();
                known_changed.notify_all();
            }
            assert!(over.load(Ordering::Relaxed), "nothing is told any more");
        });
        let changer = scope.spawn(|| {
            let mut dice = Rng::with_seed(in_flight as u64);
            while !over.load(Ordering::Relaxed) {
                change(&other, &mut dice);
            }
        });
        let mut dice = Rng::with_seed(100 + in_flight as u64);
        for _ in 0..ROUNDS {
            let idles = watcher.seen().idles;
            watcher.wait_idle(idles);
            let count = 1 + dice.u64(..in_flight as u64);
            let numbers: Vec<_> = (0..count).map(|_| 1 + dice.u32(..50)).collect();
            let asked = numbers.iter().map(|it| client.send(question(*it)).unwrap());
            let asked: Vec<_> = asked.collect();
            for (asked, number) in asked.into_iter().zip(numbers) {
                assert_found(number, asked.wait());
            }
        }
        over.store(true, Ordering::Relaxed);
        changer.join().unwrap();
        let is = player(&other.request(Status).unwrap());
        let differs = |known: &mut Player| *known != is;
        let known = known.lock().unwrap();
        let waited = known_changed.wait_timeout_while(known, PATIENCE, differs).unwrap();
        assert!(!waited.1.timed_out(), "{:?} is known, but {is:?} is so", waited.0);
        drop((waited, end));
    });
    let Seen { idles, crossed, .. } = watcher.seen();
    assert!(idles >= ROUNDS && crossed > 0, "{idles} {crossed}");
    assert_eq!(client.unsolicited(), 0);
}

struct End<'a> {
    client: &'a Client,
    over: &'a AtomicBool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.client.close();
    }
}

/// G2, G6, G8, G10: `noidle` is answered before the command is sent.
#[test]
fn one_at_a_time() {
    in_time(|| rounds(1));
}

/// G2, G6, G8, G10: `noidle` and commands go together.
#[test]
fn in_a_pipeline() {
    in_time(|| rounds(8));
}
