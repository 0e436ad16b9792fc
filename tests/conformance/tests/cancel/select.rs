//! `select!`, which drops in each turn of a loop what it did not choose.

use std::pin::pin;
use std::time::Duration;

use bellwire::{Cause, Failure};
use bellwire_async::Error;
use futures_lite::future::yield_now;

use crate::checks::Subject;
use crate::ours::Ours;
use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use crate::requests::in_each_dialect;
use crate::world::{Peer, finish, pass};

/// G8, G19: bytes come one by one, and between any two of them the wait for a notification is dropped and
/// made anew, while a request is awaited by reference: all of it comes, once and in order.
#[test]
fn nothing_is_lost_and_nothing_doubled() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 1);
        let mut ours = finish(&mut peer, spoken.connect(near)).unwrap();
        for round in 0..10 {
            let news = 3 * round + 1..=3 * round + 3;
            let mut pending = ours.client.send(D::ask(round)).unwrap();
            news.clone().for_each(|number| peer.answers.notify(number));
            let (mut heard, mut reply, mut turns) = (Vec::new(), None, 0);
            let both = async {
                while heard.len() < 3 || reply.is_none() {
                    tokio::select! {
                        biased;
                        number = ours.next() => heard.push(number.unwrap()),
                        answer = &mut pending, if reply.is_none() => reply = D::proof(answer.unwrap()),
                        () = yield_now() => turns += 1,
                    }
                    assert!(turns < 10_000, "{}: {heard:?}, {reply:?}, and no more", spoken.name);
                }
            };
            finish(&mut peer, both).unwrap();
            assert_eq!(heard, news.collect::<Vec<_>>(), "{}", spoken.name);
            assert_eq!(reply, Some(round), "{}", spoken.name);
            assert!(turns > 20, "{}: {turns} turns only", spoken.name);
        }
    }
    in_each_dialect!(check);
}

/// G16: what keeps the time is not the future that is dropped. Here, each second drops all of them, the
/// driver, too; the mode is left and entered again after ten seconds all the same.
#[test]
fn own_silence_is_counted_on() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 64);
        let mut connector = spoken.connector().undriven();
        connector.config.timers.rearm = Some(Duration::from_secs(10));
        let (client, notifications) = finish(&mut peer, connector.over(near)).unwrap().unwrap();
        let mut ours = Ours { client, notifications };
        a_second(&mut peer, &mut ours);
        let left = peer.answers.left();
        let mut at = Vec::new();
        for second in 1..=25 {
            let before = peer.answers.left();
            pass(Duration::from_secs(1));
            a_second(&mut peer, &mut ours);
            if peer.answers.left() > before {
                at.push(second);
            }
        }
        assert_eq!((left, at), (0, vec![10, 20]), "{}", spoken.name);
        assert!(peer.answers.is_listening(), "{}", spoken.name);
    }
    check(&spooled());
    check(&numbered());
    check(&mailbox());
}

/// G15, G16: nor does a request's time begin anew.
#[test]
fn a_requests_time_is_counted_on() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 64);
        let connecting = spoken.connector().undriven().over(near);
        let (client, notifications) = finish(&mut peer, connecting).unwrap().unwrap();
        let mut ours = Ours { client, notifications };
        a_second(&mut peer, &mut ours);
        peer.stalled = true;
        let client = ours.client.within(Some(Duration::from_secs(10)));
        let mut pending = client.send(D::ask(1)).unwrap();
        for second in 0..20 {
            a_second(&mut peer, &mut ours);
            let turn = async {
                tokio::select! {
                    biased;
                    outcome = &mut pending => Some(outcome.map(drop)),
                    () = yield_now() => None,
                }
            };
            match finish(&mut peer, turn).unwrap() {
                None => assert!(second < 10, "{}: it starts anew", spoken.name),
                Some(outcome) => {
                    assert_eq!(second, 10, "{}: {outcome:?}", spoken.name);
                    let Err(Error::Unanswered { failure, .. }) = outcome else {
                        panic!("{outcome:?}");
                    };
                    let late = [
                        Failure::NeverSent(Cause::TimedOut),
                        Failure::SentUnanswered(Cause::TimedOut),
                    ];
                    assert!(late.contains(&failure), "{}: {failure}", spoken.name);
                    return;
                }
            }
            pass(Duration::from_secs(1));
        }
        panic!("{}: it never ends", spoken.name);
    }
    in_each_dialect!(check);
}

/// What a loop does between two of its ticks: all that waits is made anew, and then dropped.
fn a_second<D: Proof>(peer: &mut Peer, ours: &mut Ours<D>) {
    let client = ours.client.clone();
    let turns = async {
        for _ in 0..200 {
            let drive = pin!(client.drive());
            tokio::select! {
                biased;
                number = ours.next() => panic!("{number:?} was not notified"),
                ended = drive => panic!("{ended:?}"),
                () = yield_now() => {}
            }
        }
    };
    finish(peer, turns).unwrap();
}
