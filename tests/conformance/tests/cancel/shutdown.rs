//! `shutdown`, dropped at every await point: once it was polled, the connection ends all the same.

use std::pin::pin;
use std::task::{Context, Waker};

use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use crate::requests::in_each_dialect;
use crate::world::{Peer, cut, finish, tasks};

#[test]
fn it_ends_when_all_is_answered() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        for polls in 1.. {
            let (near, mut peer) = Peer::pair(spoken.wire, 1);
            let ours = finish(&mut peer, spoken.connect(near)).unwrap();
            let pending = ours.client.send(D::ask(1)).unwrap();
            let ended = cut(&mut peer, polls, ours.client.shutdown()).is_some();
            assert!(ours.client.send(D::ask(2)).is_err(), "{}", spoken.name);
            let reply = finish(&mut peer, pending).expect("it hangs").unwrap();
            assert_eq!(D::proof(reply), Some(1), "{}, {polls} polls", spoken.name);
            peer.settle();
            assert!(peer.over, "{}, {polls} polls: it does not end", spoken.name);
            assert_eq!(tasks(), 0, "{}, {polls} polls: somebody drives", spoken.name);
            if ended {
                assert!(polls > 5, "{}", spoken.name);
                break;
            }
        }
    }
    in_each_dialect!(check);
}

/// Before it was polled, it has asked for nothing.
#[test]
fn unpolled_it_ends_nothing() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 1);
        let ours = finish(&mut peer, spoken.connect(near)).unwrap();
        drop(ours.client.shutdown());
        let reply = finish(&mut peer, ours.client.request(D::ask(1))).unwrap().unwrap();
        assert_eq!(D::proof(reply), Some(1), "{}", spoken.name);
    }
    in_each_dialect!(check);
}

/// G1: a request that is dropped has had its outcome: nobody waits for a server that is silent.
#[test]
fn what_is_dropped_meanwhile_is_not_waited_for() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 64);
        let ours = finish(&mut peer, spoken.connect(near)).unwrap();
        let pending = ours.client.send(D::ask(1)).unwrap();
        // It is sent, and the server says nothing any more.
        while peer.answers.asked().is_empty() {
            assert!(cut(&mut peer, 1, std::future::pending::<()>()).is_none());
        }
        peer.stalled = true;
        let client = ours.client.clone();
        let mut shutdown = pin!(client.shutdown());
        assert!(shutdown.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(pending);
        assert_eq!(finish(&mut peer, shutdown), Some(()), "{}: it hangs", spoken.name);
    }
    in_each_dialect!(check);
}
