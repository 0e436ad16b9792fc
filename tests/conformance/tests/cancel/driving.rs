//! `drive`, dropped and called again: by one who owns his loop, and beside others who drive.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire_async::{Reconnect, Runtime};

use crate::checks::Subject;
use crate::ours::Ours;
use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use crate::requests::in_each_dialect;
use crate::world::{Peer, World, cut, finish, pass_unnoticed, run_tasks, tasks};

fn undriven<D: Proof>(
    spoken: &Spoken<D>,
    peer: &mut Peer,
    near: bellwire_testkit::Pipe,
) -> Ours<D> {
    let connecting = spoken.connector().undriven().over(near);
    let (client, notifications) = finish(peer, connecting).unwrap().unwrap();
    client.listen();
    Ours { client, notifications }
}

/// Nobody drives but futures that are dropped at their n-th poll, for each n.
#[test]
fn drivers_may_come_and_go() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        for polls in 1..20 {
            let (near, mut peer) = Peer::pair(spoken.wire, 1);
            let mut ours = undriven(spoken, &mut peer, near);
            let driver = ours.client.clone();
            for number in 1..=3 {
                peer.answers.notify(number);
                let mut ask = pin!(ours.ask(number));
                let reply = (0..10_000).find_map(|_| {
                    assert_eq!(cut(&mut peer, polls, driver.drive()), None, "{}", spoken.name);
                    match ask.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(reply) => Some(reply),
                        Poll::Pending => None,
                    }
                });
                assert_eq!(reply, Some(Some(number)), "{}, {polls} polls", spoken.name);
            }
            for number in 1..=3 {
                let mut next = pin!(ours.next());
                let heard = (0..10_000).find_map(|_| {
                    let _ = cut(&mut peer, polls, driver.drive());
                    match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(heard) => Some(heard),
                        Poll::Pending => None,
                    }
                });
                assert_eq!(heard, Some(Some(number)), "{}, {polls} polls", spoken.name);
            }
        }
    }
    in_each_dialect!(check);
}

/// A driver that is dropped leaves what it waited for to those who stay, who are polled when they were
/// woken, and not before.
#[test]
fn another_takes_over() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        for polls in 0..60 {
            let (near, mut peer) = Peer::pair(spoken.wire, 1);
            let mut ours = undriven(spoken, &mut peer, near);
            let (stays, goes) = (ours.client.clone(), ours.client.clone());
            World::spawn(Box::pin(async move {
                let _ = stays.drive().await;
            }));
            peer.answers.notify(1);
            let pending = ours.client.send(D::ask(1)).unwrap();
            let _ = cut(&mut peer, polls, goes.drive());
            let reply = finish(&mut peer, pending).map(|reply| reply.ok().and_then(D::proof));
            assert_eq!(reply, Some(Some(1)), "{}, {polls} polls", spoken.name);
            assert_eq!(finish(&mut peer, ours.next()), Some(Some(1)), "{}", spoken.name);
            ours.client.close();
            peer.settle();
            assert_eq!(tasks(), 0, "{}", spoken.name);
        }
    }
    in_each_dialect!(check);
}

/// G22: one of two who drive connects again, and is dropped at each moment of that: the other does it, and
/// is polled only when he was woken.
#[test]
fn another_connects_again() {
    for polls in 1..6 {
        let spoken = spooled();
        let mut connector = spoken.connector().undriven();
        connector.reconnect = Some(Reconnect::default());
        let (_, mut nobody) = Peer::pair(spoken.wire, 1);
        let connected = finish(&mut nobody, connector.tcp("nowhere:0")).unwrap().unwrap();
        let (client, _notifications) = connected;
        let stays = client.clone();
        World::spawn(Box::pin(async move {
            let _ = stays.drive().await;
        }));
        run_tasks();
        // The connection is lost, and it is time for the next.
        drop(Peer::dialled(spoken.wire).unwrap());
        run_tasks();
        pass_unnoticed(Duration::from_secs(60));
        {
            let mut goes = pin!(client.drive());
            for _ in 0..polls {
                let mut context = Context::from_waker(Waker::noop());
                assert!(goes.as_mut().poll(&mut context).is_pending());
                run_tasks();
            }
        }
        run_tasks();
        let mut peer = Peer::dialled(spoken.wire).expect("nobody connects again");
        let reply = finish(&mut peer, client.request(Notif::ask(1))).expect("it hangs");
        assert_eq!(Notif::proof(reply.unwrap()), Some(1), "{polls} polls");
        client.close();
        run_tasks();
        assert_eq!(tasks(), 0);
    }
}
