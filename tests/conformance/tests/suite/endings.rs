//! A program that ends its connection (G1): what was asked before is answered, or has an outcome; nothing may be
//! asked afterwards; readers see the end. Nothing hangs, whoever waits for what.

use std::thread;
use std::time::Duration;

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire::{Cause, Closed, Failure};
use bellwire_adapter::{Ended, Error, Gap, Notice, Reconnect};
use bellwire_any::{Client, Connector, Notifications, Wire};
use bellwire_conformance::{Log, Runtime, on_each_runtime};
use bellwire_testkit::{PATIENCE, Script, Scripted};
use bytes::Bytes;

on_each_runtime! {
    /// G1: what was asked before is answered.
    shutdown_notif => |it| shuts_down::<Notif>(it, "C: random?\nS: 1\nC: random?\nS: 2", "random?"),
    /// G1.
    shutdown_mpd => |it| shuts_down::<Mpd>(
        it,
        "= newline lf\nS: OK MPD 0.23.5\nC: ping\nS: OK\nC: ping\nS: OK",
        "ping",
    ),
    /// G1.
    shutdown_imap => |it| shuts_down::<Imap>(
        it,
        "S: * PREAUTH hi\nC: A1 NOOP\nS: A1 OK\nC: A2 NOOP\nS: A2 OK",
        "NOOP",
    ),
    /// G9: in the mode it leaves that, asks, and ends; it does not enter it again to stay.
    shutdown_in_the_mode => in_the_mode,
    /// G1: a server that ends the connection meanwhile; nobody connects again.
    shutdown_while_the_server_ends_it => server_ends,
    /// G1: by two threads, while a third waits for its reply, and a fourth reads.
    shutdown_and_close_by_many => by_many,
    /// G1: again, and after close, it does nothing.
    again_and_again => again,
    /// G1: who waits has an outcome at once; readers see the end, which is no error.
    close_notif => |it| closes::<Notif>(it, "C: random?\nC: <EOF>", "random?"),
    /// G1.
    close_mpd => |it| closes::<Mpd>(it, "= newline lf\nS: OK MPD 0.23.5\nC: ping\nC: <EOF>", "ping"),
    /// G1.
    close_imap => |it| closes::<Imap>(it, "S: * PREAUTH hi\nC: A1 NOOP\nC: <EOF>", "NOOP"),
    /// G1, G22: while there is no connection, closing ends the wait for the next.
    close_while_not_connected => |it| not_connected(it, Client::close),
    /// G1, G22: so does shutdown.
    shutdown_while_not_connected => |it| not_connected(it, Client::shutdown),
}

fn reconnect(wait: Duration) -> Option<Reconnect> {
    let mut policy = Reconnect::default();
    (policy.first, policy.longest) = (wait, wait);
    Some(policy)
}

fn session<D: Wire + Default>(
    runtime: Runtime,
    script: Script,
) -> (Client<D>, Notifications<D>, Scripted, Log) {
    let peer = script.tcp().unwrap();
    let (mut connector, log) = (Connector::new(runtime, D::default()), Log::default());
    connector.observer = Some(Box::new(log.clone()));
    connector.reconnect = reconnect(Duration::from_millis(1));
    let (client, notifications) = connector.tcp(peer.address).unwrap();
    (client, notifications, peer, log)
}

/// What is asked of a client that this program has ended.
fn is_ended<T: std::fmt::Debug>(answer: Result<T, Error>) {
    match answer {
        Err(Error::NotConnected(Ended::ByProgram)) => {}
        other => panic!("{other:?}"),
    }
}

fn shuts_down<D: Wire + Default>(runtime: Runtime, text: &'static str, question: &'static str) {
    let (client, notifications, peer, _) = session::<D>(runtime, Script::new(&[text]));
    let asked = [(); 2].map(|()| client.send(question).unwrap());
    client.shutdown();
    for pending in asked {
        pending.wait().unwrap();
    }
    is_ended(client.request(question));
    is_ended(client.resending().request(question));
    assert_eq!(notifications.collect::<Vec<_>>(), []);
    peer.finish().unwrap();
}

fn in_the_mode(runtime: Runtime) {
    let text = "C: notif
        S: OK
        S: notif: classified
        C: stop_notif
        S: notif: random
        S| OK
        C: random?
        S: 1";
    let (client, mut notifications, peer, log) = session::<Notif>(runtime, Script::new(&[text]));
    assert!(notifications.wait(PATIENCE).unwrap().unwrap().is("classified"));
    let pending = client.send("random?").unwrap();
    client.unlisten();
    client.shutdown();
    assert_eq!(pending.wait().unwrap(), "1");
    assert!(notifications.next().unwrap().unwrap().is("random"), "what has come is not lost");
    assert_eq!(notifications.next(), None);
    assert_eq!(log.connections(), 1);
    peer.finish().unwrap();
}

fn server_ends(runtime: Runtime) {
    let script = Script::new(&["C: random?\nS: <EOF>"]).held();
    let (client, notifications, peer, log) = session::<Notif>(runtime, script);
    let pending = client.send("random?").unwrap();
    let ends = thread::spawn({
        let client = client.clone();
        move || client.shutdown()
    });
    // Until nothing may be asked any more; what still may is taken back at once.
    while client.send("random?").is_ok() {
        thread::yield_now();
    }
    peer.release();
    let outcome = pending.wait();
    ends.join().unwrap();
    let lost = Failure::SentUnanswered(Cause::ConnectionLost);
    assert!(
        matches!(&outcome, Err(Error::Unanswered { failure, .. }) if *failure == lost),
        "{outcome:?}"
    );
    is_ended_somehow(&client.request("random?"));
    // No gap: there is nothing behind it.
    let ended = Err(Error::NotConnected(Ended::Closed(Closed::Cleanly)));
    assert_eq!(notifications.collect::<Vec<_>>(), [ended]);
    assert_eq!(log.connections(), 1, "nobody connects again");
    peer.finish().unwrap();
}

fn is_ended_somehow<T: std::fmt::Debug>(answer: &Result<T, Error>) {
    assert!(matches!(answer, Err(Error::NotConnected(_))), "{answer:?}");
}

fn by_many(runtime: Runtime) {
    let script = Script::new(&["C: random?\nS: 1\nC: random?\nS: 2"]).held();
    let (client, mut notifications, peer, log) = session::<Notif>(runtime, script);
    // The first is on the wire before anything else is said.
    let first = client.send("random?").unwrap();
    let second = client.send("random?").unwrap();
    let waits = thread::spawn(move || (first.wait(), second.wait()));
    log.wait_said("random?", 1);
    let ends = [(); 2].map(|()| {
        let client = client.clone();
        thread::spawn(move || client.shutdown())
    });
    // From here on nothing is accepted, sooner or later, and what is accepted is answered or not.
    peer.release();
    let (first, second) = waits.join().unwrap();
    assert_eq!((first.unwrap(), second.unwrap()), ("1".into(), "2".into()));
    for end in ends {
        end.join().unwrap();
    }
    is_ended(client.request("random?"));
    assert_eq!(notifications.next(), None);
    peer.finish().unwrap();
}

fn again(runtime: Runtime) {
    let script = Script::new(&["C: random?\nS: 1"]);
    let (client, mut notifications, peer, log) = session::<Notif>(runtime, script);
    assert_eq!(client.request("random?").unwrap(), "1");
    client.shutdown();
    client.shutdown();
    client.close();
    client.close();
    client.shutdown();
    client.listen();
    drop(client.pause());
    client.unlisten();
    is_ended(client.request("random?"));
    assert_eq!(client.drive(), Ok(()));
    assert_eq!(notifications.next(), None);
    assert_eq!(notifications.next(), None);
    assert_eq!(log.connections(), 1);
    peer.finish().unwrap();
}

fn closes<D: Wire + Default>(runtime: Runtime, text: &'static str, question: &'static str) {
    let (client, mut notifications, peer, log) = session::<D>(runtime, Script::new(&[text]));
    let (sent, spooled) = (client.send(question).unwrap(), client.send(question).unwrap());
    let waits = thread::spawn(move || (sent.wait(), spooled.wait()));
    let tag = if question == "NOOP" { "A1 " } else { "" };
    log.wait_said(&format!("{tag}{question}"), 1);
    client.close();
    let outcomes = waits.join().unwrap();
    let ended = Some(Ended::ByProgram);
    let failed = |failure| Err::<Bytes, _>(Error::Unanswered { failure, ended: ended.clone() });
    assert_eq!(outcomes.0, failed(Failure::SentUnanswered(Cause::ConnectionLost)));
    assert_eq!(outcomes.1, failed(Failure::NeverSent(Cause::ConnectionLost)));
    is_ended(client.request(question));
    assert_eq!(notifications.next(), None);
    assert_eq!(log.connections(), 1);
    peer.finish().unwrap();
}

fn not_connected(runtime: Runtime, end: fn(&Client<Notif>)) {
    let peer = Script::new(&["C: notif\nS: OK\nS: <EOF>"]).tcp().unwrap();
    let mut connector = Connector::new(runtime, Notif::default());
    connector.reconnect = reconnect(Duration::from_secs(3600));
    let (client, mut notifications) = connector.tcp(peer.address).unwrap();
    let gap = notifications.wait(PATIENCE).unwrap();
    assert!(matches!(gap, Some(Notice::Gap(Gap::Disconnected(_)))), "{gap:?}");
    let reads = thread::spawn(move || notifications.next());
    let asks = thread::spawn({
        let client = client.resending().within(None);
        move || client.request("random?")
    });
    end(&client);
    assert_eq!(reads.join().unwrap(), None);
    // It may have learnt why there was no connection just before.
    is_ended_somehow(&asks.join().unwrap());
    is_ended(client.resending().request("random?"));
    peer.finish().unwrap();
}
