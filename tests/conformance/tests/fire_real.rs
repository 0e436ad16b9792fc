//! G19 on the three runtimes, over real sockets: each future dropped at its n-th poll, for each n.

#[path = "cancel/answers.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod answers;
#[path = "fire/polls.rs"]
mod polls;
#[path = "cancel/proof.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod proof;
#[path = "fire/runtimes.rs"]
mod runtimes;
#[path = "fire/secured.rs"]
mod secured;
#[path = "fire/server.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod server;
#[path = "fire/serving.rs"]
mod serving;
#[path = "fire/wakeups.rs"]
mod wakeups;

use std::time::Duration;

use bellwire_async::{Client, Connector, Notice, Notifications};
use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_testkit::{Faults, PATIENCE, in_time};
use bellwire_tokio::Tokio;

use polls::{at_most, at_most_woken};
use proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use runtimes::Blocks;
use server::Served;

/// More polls than any of these futures takes while its bytes come one by one.
const POLLS: usize = 60;

#[test]
fn on_tokio() {
    in_time(2 * PATIENCE, each_dialect::<Tokio>);
}

#[test]
fn on_async_std() {
    in_time(2 * PATIENCE, each_dialect::<AsyncStd>);
}

#[test]
fn on_smol() {
    in_time(2 * PATIENCE, each_dialect::<Smol>);
}

fn each_dialect<R: Blocks>() {
    R::block_on(async {
        each_future::<R, _>(spooled()).await;
        each_future::<R, _>(pipelined()).await;
        each_future::<R, _>(numbered()).await;
        each_future::<R, _>(player()).await;
        each_future::<R, _>(mailbox()).await;
    });
}

async fn each_future<R: Blocks, D: Proof>(spoken: Spoken<D>) {
    let byte_by_byte = || Faults::none().split(1..=1).delay(Duration::ZERO..=Duration::ZERO);
    let served = Served::behind(spoken.wire, 0, byte_by_byte(), byte_by_byte());
    let connector = || {
        let mut connector = Connector::<D, R>::new(spoken.dialect.clone());
        connector.config = spoken.config.clone();
        connector.config.limits.pending = 4;
        connector.opening.push(Box::new(D::ask(0)));
        connector
    };
    let mut polls = 0;
    let (client, mut notifications) = loop {
        match at_most_woken(polls, connector().tcp(served.address())).await {
            Some(connected) => break connected.unwrap(),
            None => polls += 1,
        }
    };
    assert!(polls > 1, "{}: it was dropped {polls} times only", spoken.name);
    client.listen();
    let mut heard = Heard::new(served.notified());
    for polls in 0..POLLS {
        let number = 1000 * polls as u64;
        let dropped = at_most(polls, client.request(D::ask(number))).await;
        assert!(dropped.is_none_or(|reply| D::proof(reply.unwrap()) == Some(number)));
        let mut pending = client.send(D::ask(number + 1)).unwrap();
        let _ = at_most(polls, pending.part()).await;
        drop(pending);
        let next = client.send(D::ask(number + 2)).unwrap();
        if let Some(notice) = at_most(polls, notifications.next()).await {
            heard.note::<D>(&notice.unwrap().unwrap());
        }
        let _ = at_most(polls, client.drive()).await;
        let reply = D::proof(next.await.unwrap());
        assert_eq!(reply, Some(number + 2), "{}, poll {polls}", spoken.name);
    }
    heard.all::<D>(&mut notifications, &served).await;
    assert_eq!(client.unsolicited(), 0, "{}", spoken.name);
    ends::<D>(client, notifications).await;
}

/// Dropped after one poll, a shutdown goes on all the same.
async fn ends<D: Proof>(client: Client<D>, mut notifications: Notifications<D>) {
    let last = client.send(D::ask(7)).unwrap();
    let _ = at_most(1, client.shutdown()).await;
    assert_eq!(D::proof(last.await.unwrap()), Some(7));
    while let Some(notice) = notifications.next().await {
        notice.unwrap();
    }
    assert!(client.request(D::ask(8)).await.is_err());
}

/// The notifications that have come: those of one connection, in order.
struct Heard {
    last: u64,
}

impl Heard {
    fn new(last: u64) -> Self {
        Self { last }
    }

    fn note<D: Proof>(&mut self, notice: &Notice) {
        let notification = notice.notification().unwrap_or_else(|| panic!("{notice:?}"));
        match D::number(notification) {
            Some(number) => {
                assert_eq!(number, self.last + 1, "lost or doubled");
                self.last = number;
            }
            // IMAP: the data of a dropped question, which counts as nobody's.
            None => assert_eq!(notification.topic, "FETCH"),
        }
    }

    async fn all<D: Proof>(&mut self, notifications: &mut Notifications<D>, served: &Served) {
        while self.last < served.notified() {
            self.note::<D>(&notifications.next().await.unwrap().unwrap());
        }
    }
}
