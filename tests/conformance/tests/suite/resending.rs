//! Requests that are made while there is no connection, and those that were never sent: with `resending` and
//! without (G1, G22); and deadlines, on the wire, in the spool, and while there is no connection (G3, G16).

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::{Notif, Random};
use bellwire::{Cause, Failure};
use bellwire_adapter::{Ended, Error, Gap, Notice, Reconnect};
use bellwire_any::{Client, Connector, Notifications, Wire};
use bellwire_conformance::{Driven, Log, Runtime, on_each_runtime};
use bellwire_testkit::{PATIENCE, Script, accept};

on_each_runtime! {
    /// G22: what was sent is never sent again, and what was not is, on request.
    never_sent_is_sent_again_notif => |it| sent_again::<Notif>(it, [
        "C: random?\nS: <EOF>",
        "C: random?\nS: 2\nC: random?\nS: 3",
    ], "random?"),
    /// G22, with a greeting.
    never_sent_is_sent_again_mpd => |it| left_behind::<Mpd>(it, [
        "= newline lf\nS: OK MPD 0.23.5\nC: idle\nC: noidle\nS: <EOF>",
        "= newline lf\nS: OK MPD 0.23.5\nC: ping\nS: OK",
    ], "ping"),
    /// G22, with a greeting.
    never_sent_is_sent_again_imap => |it| left_behind::<Imap>(it, [
        "S: * PREAUTH hi\nC: A1 IDLE\nS: + idling\nC: DONE\nS: <EOF>",
        "S: * PREAUTH hi\nC: A1 NOOP\nS: A1 OK",
    ], "NOOP"),
    /// G22: who did not ask for that is told.
    never_sent_is_not_sent_again_unasked => unasked,
    /// G1, G22: a request while there is no connection fails at once, or waits for one.
    asked_while_not_connected => while_not_connected,
    /// G1, G16: who waits for a connection does so until his deadline.
    a_deadline_while_not_connected => deadline_while_not_connected,
    /// G3, G16: past it, a reply reaches nobody, and a command that was not sent never is.
    a_deadline_while_connected => deadline_while_connected,
    /// G16: a deadline is the same after a connection was lost, and does not begin anew.
    a_deadline_outlives_a_connection => deadline_outlives,
}

const LOST: Failure = Failure::SentUnanswered(Cause::ConnectionLost);
const TIMED_OUT: Error =
    Error::Unanswered { failure: Failure::NeverSent(Cause::TimedOut), ended: None };

/// Short enough to be waited for.
const SHORT: Duration = Duration::from_millis(50);

fn connector<D: Wire + Default>(runtime: Runtime, wait: Duration) -> (Connector<D>, Log) {
    let (mut connector, log) = (Connector::new(runtime, D::default()), Log::default());
    let mut policy = Reconnect::default();
    (policy.first, policy.longest) = (wait, wait);
    connector.reconnect = Some(policy);
    connector.observer = Some(Box::new(log.clone()));
    (connector, log)
}

fn quick<D: Wire + Default>(runtime: Runtime) -> (Connector<D>, Log) {
    connector(runtime, Duration::from_millis(1))
}

fn failure<T: std::fmt::Debug>(answer: Result<T, Error>) -> Failure {
    match answer {
        Err(Error::Unanswered { failure, .. }) => failure,
        other => panic!("{other:?}"),
    }
}

fn sent_again<D: Wire + Default>(runtime: Runtime, texts: [&str; 2], question: &'static str) {
    let peer = Script::new(&texts).held().tcp().unwrap();
    let (client, _notifications) = quick::<D>(runtime).0.tcp(peer.address).unwrap();
    let client = client.resending();
    let asked = [(); 3].map(|()| client.send(question).unwrap());
    peer.release();
    let [sent, spooled, last] = asked;
    assert_eq!(spooled.wait().unwrap(), "2");
    assert_eq!(last.wait().unwrap(), "3");
    assert_eq!(failure(sent.wait()), LOST);
    client.close();
    peer.finish().unwrap();
}

/// The connection is lost while the mode is left, before the command can be said.
fn left_behind<D: Wire + Default>(runtime: Runtime, texts: [&str; 2], question: &'static str) {
    let peer = Script::new(&texts).tcp().unwrap();
    let (connector, log) = quick::<D>(runtime);
    let (client, _notifications) = connector.tcp(peer.address).unwrap();
    let enters = if question == "ping" { "idle" } else { "A1 IDLE" };
    client.listen();
    log.wait_said(enters, 1);
    client.unlisten();
    client.resending().request(question).unwrap();
    let asked = log.said().iter().filter(|line| line.ends_with(question)).count();
    assert_eq!((asked, log.connections()), (1, 2));
    client.close();
    peer.finish().unwrap();
}

fn unasked(runtime: Runtime) {
    let peer = Script::new(&["C: random?\nS: <EOF>", "C: weather?\nS: rain"]).held().tcp().unwrap();
    let (client, _notifications) = quick::<Notif>(runtime).0.tcp(peer.address).unwrap();
    let (sent, spooled) = (client.send("random?").unwrap(), client.send("random?").unwrap());
    peer.release();
    assert_eq!(failure(spooled.wait()), Failure::NeverSent(Cause::ConnectionLost));
    assert_eq!(failure(sent.wait()), LOST);
    assert_eq!(client.resending().request("weather?").unwrap(), "rain");
    client.close();
    peer.finish().unwrap();
}

/// A client whose server is gone, and tries again when `wait` is over.
fn gone(runtime: Runtime, wait: Duration) -> (Client<Notif>, Notifications<Notif>, TcpListener) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (connector, _) = connector::<Notif>(runtime, wait);
    let (client, mut notifications) = connector.tcp(listener.local_addr().unwrap()).unwrap();
    let stream = accept(&listener, PATIENCE).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let gap = notifications.wait(PATIENCE).unwrap();
    assert!(matches!(gap, Some(Notice::Gap(Gap::Disconnected(_)))), "{gap:?}");
    (client, notifications, listener)
}

fn while_not_connected(runtime: Runtime) {
    let (client, _notifications, listener) = gone(runtime, Duration::from_secs(3600));
    for _ in 0..2 {
        let refused = client.request(Random);
        assert!(matches!(refused, Err(Error::NotConnected(Ended::Closed(_)))), "{refused:?}");
    }
    assert!(client.send(Random).is_err());
    client.close();
    listener.set_nonblocking(true).unwrap();
    let nobody = listener.accept().map(|_| ()).map_err(|why| why.kind());
    assert_eq!(nobody, Err(ErrorKind::WouldBlock), "somebody has connected early");
    // With a short wait, whoever asks for it waits for the next connection, and is answered on that.
    let (client, _notifications, listener) = gone(runtime, Duration::from_millis(1));
    let driven = Driven::new(&client);
    let asks = std::thread::spawn({
        let client = client.resending();
        move || (client.request(Random), client.request(Random))
    });
    let serves = std::thread::spawn(move || answers(accept(&listener, PATIENCE).unwrap()));
    assert_eq!(asks.join().unwrap(), (Ok(1), Ok(2)));
    drop(driven);
    serves.join().unwrap();
}

/// A server that counts, and lets its client enter and leave the mode.
fn answers(mut stream: TcpStream) {
    let mut count = 0;
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        // Whoever has his answers goes, whatever is unread.
        let Ok(line) = line else { return };
        let answer = match line.as_str() {
            "random?" => {
                count += 1;
                format!("{count}\r\n")
            }
            _ => "OK\r\n".to_owned(),
        };
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn deadline_while_not_connected(runtime: Runtime) {
    let (client, _notifications, _listener) = gone(runtime, Duration::from_secs(3600));
    let client = client.resending().within(Some(SHORT));
    assert_eq!(client.request(Random), Err(TIMED_OUT));
    assert_eq!(client.request(Random), Err(TIMED_OUT));
    client.close();
    assert_eq!(client.request(Random), Err(Error::NotConnected(Ended::ByProgram)));
}

fn deadline_while_connected(runtime: Runtime) {
    // The server says nothing before it is released.
    let text = "C: random?\nS: 1\nC: weather?\nS: rain";
    let peer = Script::new(&[text]).held().tcp().unwrap();
    let (connector, log) = quick::<Notif>(runtime);
    let (client, _notifications) = connector.tcp(peer.address).unwrap();
    let hasty = client.within(Some(SHORT));
    let (sent, spooled) = (hasty.send("random?").unwrap(), hasty.send("classified?").unwrap());
    let last = client.send("weather?").unwrap();
    assert_eq!(failure(sent.wait()), Failure::SentUnanswered(Cause::TimedOut));
    assert_eq!(failure(spooled.wait()), Failure::NeverSent(Cause::TimedOut));
    peer.release();
    assert_eq!(last.wait().unwrap(), "rain", "a reply has moved");
    assert!(log.events().contains(&"late 1 1".to_owned()));
    assert_eq!(client.unsolicited(), 0);
    client.close();
    peer.finish().unwrap();
}

fn deadline_outlives(runtime: Runtime) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (connector, log) = connector::<Notif>(runtime, Duration::from_secs(3600));
    let (client, _notifications) = connector.tcp(listener.local_addr().unwrap()).unwrap();
    let driven = Driven::new(&client);
    let stream = accept(&listener, PATIENCE).unwrap();
    let sent = client.send("random?").unwrap();
    let hasty = client.resending().within(Some(2 * SHORT));
    let spooled = hasty.send("random?").unwrap();
    log.wait_said("random?", 1);
    // It is lost before the second was sent; there is not to be another for an hour.
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(failure(sent.wait()), LOST);
    assert_eq!(failure(spooled.wait()), Failure::NeverSent(Cause::TimedOut));
    drop(driven);
}
