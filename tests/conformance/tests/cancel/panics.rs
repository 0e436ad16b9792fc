//! Commands and dialects that panic: who asked for it is told so, and nobody else is harmed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire::{Answer, BadReply, Command, Encoder, Refusal};
use bellwire_async::{Connector, Reconnect};

use crate::answers::Wire;
use crate::checks::Subject;
use crate::proof::{Proof, Spoken, mailbox, numbered, pipelined, player, spooled};
use crate::requests::in_each_dialect;
use crate::touchy::Touchy;
use crate::world::{Peer, World, finish, pass, tasks};

/// Panics while it is written, or while its reply is read.
#[derive(Debug)]
struct Panics<C> {
    command: C,
    at_once: bool,
}

impl<D: Proof> Command<D> for Panics<D::Ask> {
    type Reply = ();

    fn encode(&self, dialect: &D, line: &mut Encoder<'_>) -> Result<D::Expect, Refusal> {
        let expect = self.command.encode(dialect, line);
        if self.at_once {
            line.push(b"half a line");
            panic!("as the test wants");
        }
        expect
    }

    fn decode(&self, _: Answer) -> Result<(), BadReply> {
        panic!("as the test wants")
    }
}

/// G13: what a command has written before it panicked is not sent, nor a part of what is sent next.
#[test]
fn while_it_is_written() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 1);
        let mut ours = finish(&mut peer, spoken.connect(near)).unwrap();
        let before = ours.client.send(D::ask(1)).unwrap();
        let panics = || ours.client.send(Panics { command: D::ask(2), at_once: true }).map(drop);
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        let behind = ours.client.send(D::ask(3)).unwrap();
        for (number, pending) in [(1, before), (3, behind)] {
            let reply = finish(&mut peer, pending).expect("it hangs").unwrap();
            assert_eq!(D::proof(reply), Some(number), "{}", spoken.name);
        }
        assert_eq!(finish(&mut peer, ours.ask(4)), Some(Some(4)), "{}", spoken.name);
        assert_eq!(peer.answers.asked(), [1, 3, 4], "{}", spoken.name);
    }
    in_each_dialect!(check);
}

/// G1, G22: its outcome is gone with the panic; it is not asked again, however often it is polled.
#[test]
fn while_its_reply_is_read() {
    fn check<D: Proof>(spoken: &Spoken<D>) {
        let (near, mut peer) = Peer::pair(spoken.wire, 1);
        let mut ours = finish(&mut peer, spoken.connect(near)).unwrap();
        let mut pending = ours.client.send(Panics { command: D::ask(1), at_once: false }).unwrap();
        let panics = || finish(&mut peer, &mut pending).map(drop);
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(finish(&mut peer, &mut pending).map(drop), None, "{}", spoken.name);
        assert_eq!(finish(&mut peer, pending.part()), Some(None), "{}", spoken.name);
        drop(pending);
        assert_eq!(finish(&mut peer, ours.ask(2)), Some(Some(2)), "{}", spoken.name);
        assert_eq!(peer.answers.asked(), [1, 2], "{}", spoken.name);
    }
    in_each_dialect!(check);
}

/// G1: a dialect that panics in the task that drives: whoever waits is told that the connection is lost.
#[test]
fn a_dialect_that_panics_hangs_nobody() {
    let (near, mut peer) = Peer::pair(Wire::Notif { ids: false }, 1);
    let connecting = Connector::<Touchy, World>::new(Touchy::default()).over(near);
    let (client, mut notifications) = finish(&mut peer, connecting).unwrap().unwrap();
    let others = [client.send("1?").unwrap(), client.send("2?").unwrap()];
    let fatal = client.send("666?").unwrap();
    let behind = client.send("3?").unwrap();
    for pending in others {
        assert!(finish(&mut peer, pending).expect("it hangs").is_ok());
    }
    assert!(finish(&mut peer, behind).expect("who waits behind it hangs").is_err());
    assert!(finish(&mut peer, fatal).expect("whose reply it was hangs").is_err());
    assert!(finish(&mut peer, notifications.next()).expect("the reader hangs").unwrap().is_err());
    assert!(finish(&mut peer, client.request("4?")).expect("the next one hangs").is_err());
    finish(&mut peer, client.shutdown()).expect("shutting down hangs");
    assert_eq!(tasks(), 0);
}

/// G22: it is a connection that is lost, and there may be another.
#[test]
fn a_dialect_that_panics_is_connected_again() {
    let mut connector = Connector::<Touchy, World>::new(Touchy::default());
    connector.reconnect = Some(Reconnect::default());
    let (_, mut nobody) = Peer::pair(Wire::Mpd, 1);
    let (client, notifications) = finish(&mut nobody, connector.tcp("nowhere:0")).unwrap().unwrap();
    let mut peer = Peer::dialled(Wire::Notif { ids: false }).unwrap();
    let fatal = client.send("666?").unwrap();
    assert!(finish(&mut peer, fatal).expect("it hangs").is_err());
    let again = client.resending().within(None).send("1?").unwrap();
    pass(Duration::from_secs(60));
    let mut peer = Peer::dialled(Wire::Notif { ids: false }).expect("it does not connect again");
    assert_eq!(finish(&mut peer, again).expect("it hangs").unwrap(), "1");
    drop((client, notifications));
}

/// G1: the task that drives may be dropped with its runtime: then all is over, for all who wait elsewhere.
#[test]
fn a_runtime_that_ends_hangs_nobody() {
    // Sometimes the task has not begun by then.
    for _ in 0..20 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connecting = bellwire_tokio::connect(address, Notif::default());
        let (client, mut notifications) = runtime.block_on(connecting).unwrap();
        let waits = client.within(None).send("1?").unwrap();
        runtime.shutdown_background();
        bellwire_testkit::in_time(bellwire_testkit::PATIENCE, move || {
            assert!(smol::block_on(waits).is_err());
            assert!(smol::block_on(notifications.next()).is_none());
            assert!(smol::block_on(client.request("2?")).is_err());
        });
    }
}
