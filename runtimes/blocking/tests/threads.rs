//! Many threads on one connection: every reply carries the proof of its question, whoever drives,
//! gives up, or drops what he waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bellwire::dialect::notif::{Get, Notif};
use bellwire::{Cause, Failure};
use bellwire_blocking::{Client, Error, Gap, Notice};
use fastrand::Rng;

mod common;

use common::{Echo, PATIENCE, Running, connector, in_time};

const THREADS: usize = 16;

/// So many requests of one thread, done in a way that `ask` chooses, while another thread reads
/// notifications and a third announces them.
fn storm(config: &str, ask: impl Fn(&Client<Notif>, &mut Rng, &str) + Send + Sync + 'static) {
    let (config, ask) = (config.to_owned(), Arc::new(ask));
    in_time(move || {
        let server = Running::serves(Echo);
        let (client, mut notifications) = connector(&config).tcp(server.address).unwrap();
        let (over, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let notifier = thread::spawn({
            let (over, handle) = (Arc::clone(&over), server.handle.clone());
            move || {
                while !over.load(Ordering::SeqCst) {
                    handle.notify("news").unwrap();
                    thread::yield_now();
                }
            }
        });
        let reader = thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                for notice in notifications.by_ref() {
                    match notice.unwrap() {
                        Notice::Gap(Gap::Overflow(_)) => {}
                        notice => assert!(notice.is("news"), "{notice:?}"),
                    }
                    seen.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let askers = (0..THREADS).map(|thread| {
            let (client, ask) = (client.clone(), Arc::clone(&ask));
            thread::spawn(move || {
                let mut dice = Rng::with_seed(thread as u64 + 1);
                for request in 0..200 {
                    ask(&client, &mut dice, &format!("t{thread}r{request}"));
                }
            })
        });
        for asker in askers.collect::<Vec<_>>() {
            asker.join().unwrap();
        }
        over.store(true, Ordering::SeqCst);
        notifier.join().unwrap();
        assert_eq!(client.unsolicited(), 0);
        let deadline = Instant::now() + PATIENCE;
        while seen.load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < deadline, "no notification came between the requests");
            thread::yield_now();
        }
        client.close();
        reader.join().unwrap();
        server.stop();
    });
}

fn asked_and_answered(client: &Client<Notif>, _: &mut Rng, topic: &str) {
    assert_eq!(client.request(Get(topic)).unwrap(), topic);
}

/// A third is dropped, one way or the other; the rest is answered.
fn dropped_at_random(client: &Client<Notif>, dice: &mut Rng, topic: &str) {
    let dropped = format!("dropped{topic}");
    let one = client.send(Get(dropped.as_str())).unwrap();
    let other = client.send(Get(topic)).unwrap();
    if dice.u64(..2) == 0 {
        drop(one);
        assert_eq!(other.wait().unwrap(), topic);
    } else {
        let last = client.send(Get("last")).unwrap();
        assert_eq!(other.wait().unwrap(), topic);
        drop(one);
        assert_eq!(last.wait().unwrap(), "last");
    }
}

fn timed_out_at_random(client: &Client<Notif>, dice: &mut Rng, topic: &str) {
    let patience = Duration::from_micros(dice.u64(..3000));
    match client.within(Some(patience)).request(Get(topic)) {
        Ok(answer) => assert_eq!(answer, topic),
        Err(Error::Unanswered {
            failure: Failure::NeverSent(Cause::TimedOut) | Failure::SentUnanswered(Cause::TimedOut),
            ended: None,
        }) => {}
        Err(error) => panic!("{topic}: {error}"),
    }
}

/// G1, G2: 16 threads, one at a time on the wire.
#[test]
fn replies_reach_their_questions_when_spooled() {
    storm("", asked_and_answered);
}

/// G1, G2: 16 threads, many on the wire.
#[test]
fn replies_reach_their_questions_when_pipelined() {
    storm("= in-flight 32", asked_and_answered);
}

/// G2: 16 threads, commands given in the mode.
#[test]
fn replies_reach_their_questions_in_the_mode() {
    storm("= in-flight 8\n= ask-in-mode", asked_and_answered);
}

/// G3: dropped requests shift no reply, spooled …
#[test]
fn dropped_requests_shift_nothing_when_spooled() {
    storm("", dropped_at_random);
}

/// G3: … and pipelined.
#[test]
fn dropped_requests_shift_nothing_when_pipelined() {
    storm("= in-flight 32", dropped_at_random);
}

/// G3: timed-out requests shift no reply, spooled …
#[test]
fn timeouts_shift_nothing_when_spooled() {
    storm("", timed_out_at_random);
}

/// G3: … and pipelined.
#[test]
fn timeouts_shift_nothing_when_pipelined() {
    storm("= in-flight 32", timed_out_at_random);
}
