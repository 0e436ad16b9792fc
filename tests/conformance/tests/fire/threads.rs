//! Under fire: plain threads, of which whoever waits drives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bellwire_blocking::{Client, Connector, Notifications};
use bellwire_testkit::{PATIENCE, in_time};

use crate::CALLERS;
use crate::proof::Proof;
use crate::server::Served;
use crate::tally::{Fire, Plan, Seen, Tally, patience};

pub(crate) fn fire<D: Proof>(fire: Fire<D>) {
    println!("{}", fire.context());
    in_time(patience(), move || all(&fire));
}

fn all<D: Proof>(fire: &Fire<D>) {
    let served = Served::under_fire(fire.spoken.wire, fire.repeats, fire.seed);
    let mut connector = Connector::new(fire.spoken.dialect.clone());
    connector.config = fire.spoken.config.clone();
    connector.config.timers.reply = Some(PATIENCE);
    let (client, notifications) = connector.tcp(served.address()).unwrap();
    let tally = Tally::default();
    let last = Arc::new(AtomicU64::new(u64::MAX));

    let seen = thread::scope(|scope| {
        let reader = scope.spawn(|| read(notifications, Seen::new(fire.repeats), &last, &tally));
        thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (client, tally) = (client.clone(), &tally);
                scope.spawn(move || {
                    for (number, plan) in fire.plans(caller) {
                        tally.count::<D>(number, plan, ask(&client, number, plan));
                    }
                });
            }
        });
        // All is well behind it.
        let reply = client.request(D::ask(u64::MAX)).unwrap();
        assert_eq!(D::proof(reply), Some(u64::MAX), "{}", fire.context());
        last.store(served.notified(), Ordering::SeqCst);
        reader.join().unwrap()
    });
    tally.check(fire);
    assert_eq!(seen, served.notified(), "{}", fire.context());
    let repeated = served.counts().to_client.duplicates;
    assert!(client.unsolicited() <= repeated, "{}", fire.context());
    assert_eq!(repeated > 0, fire.repeats, "{}", fire.context());
    client.shutdown();
}

/// The outcome of a question; `None` if it was dropped.
fn ask<D: Proof>(
    client: &Client<D>,
    number: u64,
    plan: Plan,
) -> Option<Result<<D::Ask as bellwire::Command<D>>::Reply, bellwire_blocking::Error>> {
    let command = D::ask(number);
    match plan {
        Plan::Await => Some(client.request(command)),
        Plan::DropRequest(_) | Plan::DropPending(_) => {
            drop(client.send(command).unwrap());
            None
        }
        Plan::Within(time) => Some(client.within(Some(time)).request(command)),
    }
}

/// Reads up to the last notification, whose number is stored when it is known.
fn read<D: Proof>(
    mut notifications: Notifications<D>,
    mut seen: Seen,
    last: &AtomicU64,
    tally: &Tally,
) -> u64 {
    while seen.last < last.load(Ordering::SeqCst) {
        match notifications.wait(Duration::from_millis(5)) {
            Ok(None) => {}
            Ok(Some(notice)) => {
                if let Some(wrong) = seen.note::<D>(&notice) {
                    tally.wrong(wrong);
                }
            }
            Err(ended) => {
                tally.wrong(format!("behind notification {}: {ended:?}", seen.last));
                break;
            }
        }
    }
    seen.last
}
