//! Whoever drives and whoever asks, at the same time, on threads of their own, over pipes that hold next
//! to nothing. There is no deadline and no other reason to be woken: a wake-up that is lost hangs.

use std::io::{Read, Write};
use std::thread;

use bellwire_async::{Client, Connector, Notifications};
use bellwire_smol::Smol;
use bellwire_testkit::{PATIENCE, Pipe, in_time};
use fastrand::Rng;
use smol::block_on;

use crate::answers::{Answers, Wire};
use crate::polls::at_most;
use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};

const ROUNDS: u64 = 100;
const CALLERS: u64 = 4;
/// Of each caller.
const QUESTIONS: u64 = 12;

#[test]
fn with_one_who_drives() {
    in_each_dialect(1, 0);
}

#[test]
fn with_two_who_drive() {
    in_each_dialect(2, 0);
}

/// Those who go leave what they waited for to the one who stays.
#[test]
fn with_some_who_come_and_go() {
    in_each_dialect(1, 2);
}

fn in_each_dialect(stay: usize, go: usize) {
    in_time(2 * PATIENCE, move || {
        for round in 0..ROUNDS {
            match round % 5 {
                0 => session(round, &spooled(), stay, go),
                1 => session(round, &pipelined(), stay, go),
                2 => session(round, &numbered(), stay, go),
                3 => session(round, &player(), stay, go),
                _ => session(round, &mailbox(), stay, go),
            }
        }
    });
}

fn session<D: Proof>(round: u64, spoken: &Spoken<D>, stay: usize, go: usize) {
    let (near, far) = Pipe::pair(1 + round as usize % 9);
    thread::scope(|scope| {
        scope.spawn(move || serve(far, spoken.wire));
        let mut connector = Connector::<D, Smol>::new(spoken.dialect.clone()).undriven();
        connector.config = spoken.config.clone();
        let timers = &mut connector.config.timers;
        (timers.held, timers.switch, timers.greeting) = (None, None, None);
        (timers.silence, timers.probe, timers.write) = (None, None, None);
        let (client, notifications) = block_on(connector.over(near)).unwrap();
        for _ in 0..stay {
            let client = client.clone();
            scope.spawn(move || block_on(client.drive()).unwrap());
        }
        for seed in 0..go {
            let (client, mut rng) = (client.clone(), Rng::with_seed(round + seed as u64));
            scope.spawn(
                move || {
                    while block_on(at_most(rng.usize(1..5), client.drive())).is_none() {}
                },
            );
        }
        let reader = scope.spawn(move || block_on(read::<D>(notifications)));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let client = client.clone();
                scope.spawn(move || block_on(call(client, caller * 1000, round)))
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        assert_eq!(reader.join().unwrap(), CALLERS, "{}", spoken.name);
        block_on(client.shutdown());
    });
}

/// Asks, and drops some of it.
async fn call<D: Proof>(client: Client<D>, first: u64, round: u64) {
    let mut rng = Rng::with_seed(first + round);
    for number in first..first + QUESTIONS {
        match rng.u32(0..4) {
            0 => drop(at_most(rng.usize(1..4), client.request(D::ask(number))).await),
            1 => drop(client.send(D::ask(number))),
            2 => {
                let (one, other) = (client.send(D::ask(number)), client.send(D::ask(number + 500)));
                let (one, other) = (one.unwrap(), other.unwrap());
                assert_eq!(D::proof(other.await.unwrap()), Some(number + 500));
                assert_eq!(D::proof(one.await.unwrap()), Some(number));
            }
            _ => {
                let reply = client.request(D::ask(number)).await.unwrap();
                assert_eq!(D::proof(reply), Some(number));
            }
        }
    }
    // The server announces something for each who asks this.
    let reply = client.request(D::ask(first + 999)).await.unwrap();
    assert_eq!(D::proof(reply), Some(first + 999));
}

/// Reads until as many notifications have come as there are callers.
async fn read<D: Proof>(mut notifications: Notifications<D>) -> u64 {
    let mut last = 0;
    while last < CALLERS {
        let notice = notifications.next().await.unwrap().unwrap();
        let number = D::number(notice.notification().unwrap());
        assert!(number.is_none_or(|number| number == last + 1), "{number:?} behind {last}");
        last = number.unwrap_or(last);
    }
    last
}

fn serve(mut stream: Pipe, wire: Wire) {
    let mut answers = Answers::new(wire);
    let mut chunk = [0; 64];
    let mut notified = 0;
    loop {
        let output = answers.output();
        if stream.write_all(output.make_contiguous()).is_err() {
            return;
        }
        output.clear();
        let Ok(count @ 1..) = stream.read(&mut chunk) else { return };
        answers.feed(&chunk[..count]);
        for _ in answers.asked().into_iter().filter(|number| number % 1000 == 999) {
            notified += 1;
            answers.notify(notified);
        }
    }
}
