//! `send`, and what it gives: dropped before, between and behind its parts.

use std::pin::pin;
use std::time::Duration;

use crate::checks::Subject;
use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use crate::requests::in_each_dialect;
use crate::world::{Peer, cut, finish, pass};

/// G3: `Pending` is dropped after it was polled so many times; others that were sent before and behind it
/// have their own replies.
#[test]
fn a_dropped_pending_shifts_nothing() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        for polls in 0.. {
            let (near, mut peer) = Peer::pair(spoken.wire, 1);
            let ours = finish(&mut peer, spoken.connect(near)).unwrap();
            let send = |number| ours.client.send(D::ask(number)).unwrap();
            let (before, dropped, behind) = (send(1), send(2), send(3));
            let ended = cut(&mut peer, polls, dropped);
            for (number, pending) in [(3, behind), (1, before)] {
                let reply = finish(&mut peer, pending).expect("it hangs").unwrap();
                assert_eq!(D::proof(reply), Some(number), "{}, poll {polls}", spoken.name);
            }
            if let Some(reply) = ended {
                assert_eq!(D::proof(reply.unwrap()), Some(2), "{}", spoken.name);
                assert!(polls > 5, "{}", spoken.name);
                break;
            }
        }
    }
    in_each_dialect!(check);
}

/// G19: no part is lost or doubled by dropping waits for one, at whatever poll, with the same `Pending`
/// awaited at the end.
#[test]
fn a_dropped_wait_for_a_part_loses_none() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        for polls in 1..40 {
            let (near, mut peer) = Peer::pair(spoken.wire, 1);
            let ours = finish(&mut peer, spoken.connect(near)).unwrap();
            let mut pending = ours.client.send(D::ask(1)).unwrap();
            let mut parts = Vec::new();
            loop {
                match cut(&mut peer, polls, pending.part()) {
                    Some(Some(part)) => parts.push(String::from_utf8_lossy(&part).into_owned()),
                    Some(None) => break,
                    None => {}
                }
            }
            let expected: &[&str] = match spoken.wire {
                crate::answers::Wire::Notif { .. } => &[],
                crate::answers::Wire::Mpd => &["echo: 1"],
                crate::answers::Wire::Imap => &["* 1 FETCH (UID 1)"],
            };
            let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).collect();
            assert_eq!(parts, expected, "{}, {polls} polls", spoken.name);
            assert!(finish(&mut peer, &mut pending).unwrap().is_ok(), "{}", spoken.name);
            // It has told, and says no more.
            assert_eq!(finish(&mut peer, pending.part()), Some(None), "{}", spoken.name);
        }
    }
    in_each_dialect!(check);
}

/// G1: what was polled for parts and dropped leaves nothing behind: with room for four, a hundred are
/// accepted, one after the other.
#[test]
fn dropped_pendings_leave_no_slot_behind() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 1);
        let mut ours = finish(&mut peer, spoken.connect(near)).unwrap();
        for round in 0..100 {
            let mut pending = ours.client.send(D::ask(round)).unwrap();
            let _ = cut(&mut peer, (round % 30) as usize, pending.part());
            drop(pending);
            if round % 3 == 2 {
                let reply = finish(&mut peer, ours.ask(1000 + round)).expect("it hangs");
                assert_eq!(reply, Some(1000 + round), "{}", spoken.name);
            }
        }
        assert_eq!(ours.client.unsolicited(), 0, "{}", spoken.name);
    }
    in_each_dialect!(check);
}

/// G16: nothing happens but that its time passes: who drives has been told of that in time, and sleeps no
/// longer.
#[test]
fn its_time_is_kept_by_those_who_drive() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 64);
        let ours = finish(&mut peer, spoken.connect(near)).unwrap();
        ours.client.unlisten();
        peer.settle();
        peer.stalled = true;
        let client = ours.client.within(Some(Duration::from_secs(5)));
        let mut asks = pin!(client.request(D::ask(1)));
        assert!(finish(&mut peer, asks.as_mut()).is_none(), "{}", spoken.name);
        pass(Duration::from_secs(5));
        let ended = finish(&mut peer, asks).map(|reply| reply.is_err());
        assert_eq!(ended, Some(true), "{}: nobody keeps the time", spoken.name);
    }
    in_each_dialect!(check);
}
