//! Connecting, dropped at every await point: the connection ends, nothing is left, and the next one is
//! well.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bellwire_async::Connected;

use crate::checks::Subject;
use crate::ours::Ours;
use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use crate::requests::in_each_dialect;
use crate::world::{Peer, finish, run_tasks, tasks};

#[test]
fn over_tcp() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        dropped_at_each_poll(spoken, || opening(spoken).tcp("nowhere:0"));
    }
    in_each_dialect!(check);
}

#[test]
fn to_a_unix_socket() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        dropped_at_each_poll(spoken, || opening(spoken).unix("/nowhere"));
    }
    in_each_dialect!(check);
}

/// A stream that is handed over ends with the future that was to use it.
#[test]
fn over_a_stream() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        for polls in 0.. {
            let (near, mut peer) = Peer::pair(spoken.wire, 1);
            let connecting = opening(spoken).over(near);
            let connected = crate::world::cut(&mut peer, polls, connecting);
            let ended = connected.is_some();
            drop(connected);
            ends(&mut peer, spoken.name, polls);
            if ended {
                break;
            }
        }
        well(spoken);
    }
    in_each_dialect!(check);
}

fn opening<D: Proof>(spoken: &Spoken<D>) -> bellwire_async::Connector<D, crate::world::World> {
    let mut connector = spoken.connector();
    connector.opening.push(Box::new(D::ask(7)));
    connector
}

fn dropped_at_each_poll<D, F>(spoken: &Spoken<D>, connect: impl Fn() -> F)
where
    D: Proof,
    F: Future<Output = Connected<D>>,
{
    let mut reached = 0;
    for polls in 0.. {
        let mut peer = None;
        let mut connected = None;
        {
            let mut connecting = pin!(connect());
            for _ in 0..polls {
                let mut context = Context::from_waker(Waker::noop());
                if let Poll::Ready(done) = connecting.as_mut().poll(&mut context) {
                    connected = Some(done.unwrap());
                    break;
                }
                run_tasks();
                peer = peer.or_else(|| Peer::dialled(spoken.wire));
                peer.iter_mut().for_each(|peer| _ = peer.step());
            }
        }
        reached += usize::from(peer.is_some());
        let ended = connected.is_some();
        drop(connected);
        peer = peer.or_else(|| Peer::dialled(spoken.wire));
        peer.iter_mut().for_each(|peer| ends(peer, spoken.name, polls));
        assert!(Peer::dialled(spoken.wire).is_none(), "{}: it has connected twice", spoken.name);
        if ended {
            assert!(reached > 5, "{}: {reached} await points behind connecting", spoken.name);
            break;
        }
    }
    well(spoken);
}

fn ends(peer: &mut Peer, name: &str, polls: usize) {
    peer.settle();
    assert!(peer.over, "{name}: dropped at poll {polls}, and the connection lives");
    assert_eq!(tasks(), 0, "{name}: dropped at poll {polls}, and somebody drives");
}

fn well<D: Proof>(spoken: &Spoken<D>) {
    let (near, mut peer) = Peer::pair(spoken.wire, 1);
    let (client, notifications) = finish(&mut peer, opening(spoken).over(near)).unwrap().unwrap();
    let mut ours = Ours { client, notifications };
    assert_eq!(finish(&mut peer, ours.ask(2)), Some(Some(2)), "{}", spoken.name);
    assert_eq!(peer.answers.asked(), [7, 2], "{}", spoken.name);
}
