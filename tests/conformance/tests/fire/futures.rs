//! Under fire: tasks of a runtime.

use std::sync::Arc;

use bellwire_async::{Client, Connector, Notifications};
use bellwire_testkit::{PATIENCE, in_time};
use tokio::sync::{mpsc, oneshot};

use crate::CALLERS;
use crate::polls::at_most;
use crate::proof::Proof;
use crate::runtimes::Blocks;
use crate::server::Served;
use crate::tally::{Fire, Plan, Seen, Tally, patience};

pub(crate) fn fire<R: Blocks, D: Proof>(fire: Fire<D>) {
    let context = fire.context();
    println!("{context}");
    in_time(patience(), move || R::block_on(all::<R, D>(fire)));
}

async fn all<R: Blocks, D: Proof>(fire: Fire<D>) {
    let served = Served::under_fire(fire.spoken.wire, fire.repeats, fire.seed);
    let mut connector = Connector::<D, R>::new(fire.spoken.dialect.clone());
    connector.config = fire.spoken.config.clone();
    connector.config.timers.reply = Some(PATIENCE);
    let (client, notifications) = connector.tcp(served.address()).await.unwrap();
    let tally = Arc::<Tally>::default();

    let (over, last) = oneshot::channel();
    let (told, seen) = oneshot::channel();
    let reader = read(notifications, Seen::new(fire.repeats), last, Arc::clone(&tally));
    R::spawn(Box::pin(async move {
        let _ = told.send(reader.await);
    }));

    let (working, mut done) = mpsc::channel::<()>(1);
    for caller in 0..CALLERS {
        let (client, tally, working) = (client.clone(), Arc::clone(&tally), working.clone());
        let plans = fire.plans(caller);
        R::spawn(Box::pin(async move {
            for (number, plan) in plans {
                let outcome = ask(&client, number, plan).await;
                tally.count::<D>(number, plan, outcome);
            }
            drop(working);
        }));
    }
    drop(working);
    assert!(done.recv().await.is_none());

    // All is well behind it, and nothing is left.
    let reply = client.request(D::ask(u64::MAX)).await.unwrap();
    assert_eq!(D::proof(reply), Some(u64::MAX), "{}", fire.context());
    over.send(served.notified()).unwrap();
    assert_eq!(seen.await, Ok(served.notified()), "{}", fire.context());
    tally.check(&fire);
    let repeated = served.counts().to_client.duplicates;
    assert!(client.unsolicited() <= repeated, "{}", fire.context());
    assert_eq!(repeated > 0, fire.repeats, "{}", fire.context());
    client.shutdown().await;
}

/// The outcome of a question; `None` if it was dropped.
async fn ask<D: Proof>(
    client: &Client<D>,
    number: u64,
    plan: Plan,
) -> Option<Result<<D::Ask as bellwire::Command<D>>::Reply, bellwire_async::Error>> {
    let command = D::ask(number);
    match plan {
        Plan::Await => Some(client.request(command).await),
        Plan::DropRequest(polls) => at_most(polls, client.request(command)).await,
        Plan::DropPending(polls) => at_most(polls, client.send(command).unwrap()).await,
        Plan::Within(time) => Some(client.within(Some(time)).request(command).await),
    }
}

/// Reads up to the last notification, whose number is told when it is known; waits are dropped meanwhile,
/// too.
async fn read<D: Proof>(
    mut notifications: Notifications<D>,
    mut seen: Seen,
    mut last: oneshot::Receiver<u64>,
    tally: Arc<Tally>,
) -> u64 {
    let mut end = None;
    let mut polls = 0;
    while end.is_none_or(|end| seen.last < end) {
        polls = (polls + 1) % 5;
        let next = tokio::select! {
            biased;
            known = &mut last, if end.is_none() => {
                end = Some(known.unwrap_or(0));
                continue;
            }
            next = async {
                match polls {
                    0 => Some(notifications.next().await),
                    polls => at_most(polls, notifications.next()).await,
                }
            } => next,
        };
        match next {
            None => {}
            Some(Some(Ok(notice))) => {
                if let Some(wrong) = seen.note::<D>(&notice) {
                    tally.wrong(wrong);
                }
            }
            Some(ended) => {
                tally.wrong(format!("behind notification {}: {ended:?}", seen.last));
                break;
            }
        }
    }
    seen.last
}
