//! That the façade reaches each of the runtimes with all that it offers. How they behave is tested where
//! they are.

use std::thread;
use std::time::Duration;

use bellwire::dialect::mpd::{Ask, Mpd};
use bellwire::dialect::notif::{Classified, Notif, Random};
use bellwire::{Cause, Failure, Reply};
use bellwire_any::{
    Connector, Error, Gap, Notice, Peer, Reconnect, Runtime, Server, ServerHandle, Service,
};
use bellwire_testkit::{PATIENCE, Script, in_time};

/// Does it on each runtime; nothing may hang.
fn on_each(test: impl Fn(Runtime) + Copy + Send + 'static) {
    Runtime::ALL.into_iter().for_each(|runtime| in_time(2 * PATIENCE, move || test(runtime)));
}

/// Counts what one client has asked; what it is told is in its own hands.
struct Counter;

impl Service for Counter {
    type Session = u64;

    fn open(&self, peer: &mut Peer) -> u64 {
        peer.notify("welcome");
        0
    }

    fn answer(&self, asked: &mut u64, command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        *asked += 1;
        match command {
            b"random?" => Reply::done(asked.to_string().into_bytes()),
            _ => Reply::refused(b"unknown command".to_vec()),
        }
    }
}

/// A server that runs until it is shut down.
fn serve(runtime: Runtime) -> (String, ServerHandle<Notif>, thread::JoinHandle<()>) {
    let mut server = Server::bind(runtime, "127.0.0.1:0", Notif::default(), Counter).unwrap();
    *server.connections() = 16;
    server.config().timers.autologout = Some(PATIENCE);
    let (address, handle) = (server.local_addr().unwrap().to_string(), server.handle());
    (address, handle, thread::spawn(move || server.run().unwrap()))
}

#[test]
fn names_are_read_as_they_are_printed() {
    for runtime in Runtime::ALL {
        assert_eq!(runtime.to_string().parse(), Ok(runtime));
        assert!(!runtime.description().is_empty());
    }
    for wrong in ["", "Tokio", "async_std", "tokio "] {
        let error = wrong.parse::<Runtime>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{wrong:?} ")), "{error}");
        assert!(Runtime::ALL.iter().all(|it| error.contains(it.name())), "{error}");
    }
}

/// Each client with each server: replies, refusals, a pipeline, notifications of all topics and of one.
#[test]
fn each_talks_with_each() {
    on_each(|theirs| {
        let (address, handle, serving) = serve(theirs);
        for ours in Runtime::ALL {
            let connector = Connector::new(ours, Notif::default());
            let (client, mut notifications) = connector.tcp(&address).unwrap();
            let mut news = notifications.topic("news");
            assert_eq!(client.request(Random), Ok(1), "{ours} on {theirs}");
            let sent = [client.send(Random).unwrap(), client.send(Random).unwrap()];
            assert_eq!(sent.map(|sent| sent.wait().unwrap()), [2, 3]);
            let refused = client.request(Classified).unwrap_err();
            assert!(refused.to_string().contains("unknown command"), "{refused}");

            let welcome = notifications.next().unwrap().unwrap();
            assert!(welcome.is("welcome"), "{welcome:?}");
            handle.notify("news").unwrap();
            handle.notify("other").unwrap();
            let told = notifications.next().unwrap().unwrap();
            assert!(told.is("other"), "{told:?}");
            let told = news.wait(PATIENCE).unwrap().expect("news");
            assert!(told.is("news"), "{told:?}");
            assert_eq!(news.wait(Duration::from_millis(1)), Ok(None));

            let pause = client.pause();
            assert_eq!(client.resending().request(Random), Ok(5));
            drop(pause);
            client.shutdown();
            assert_eq!(client.drive(), Ok(()));
            // What nobody has asked about may have been announced once more; then there is an end.
            assert!(notifications.all(|notice| notice.is_ok()), "{ours} on {theirs}");
            assert!(matches!(client.request(Random), Err(Error::NotConnected(_))));
        }
        handle.shutdown();
        serving.join().unwrap();
    });
}

/// Deadlines are kept, and the end is seen, while the program does something else.
#[test]
fn a_connection_is_driven_while_nobody_waits() {
    on_each(|runtime| {
        let server = Script::new(&["C: notif\nS: OK\nC: stop_notif\nS: <EOF>"]).tcp().unwrap();
        let mut connector = Connector::new(runtime, Notif::default());
        connector.config.timers.rearm = Some(Duration::from_millis(50));
        let (client, _notifications) = connector.tcp(server.address).unwrap();
        client.keep_driven().unwrap();
        client.listen();
        // It waits for a client that waits for nothing.
        server.finish().unwrap();
        assert!(matches!(client.drive(), Err(Error::NotConnected(_))), "{runtime}");
    });
}

#[test]
fn a_reply_is_taken_part_by_part() {
    on_each(|runtime| {
        let text = "= newline lf\nS: OK MPD 0.23.5\nC: outputs\nS: a: 1\nS: b: 2\nS: OK\nC: <EOF>";
        let directory = tempfile::tempdir().unwrap();
        let server = Script::new(&[text]).unix(directory.path().join("socket")).unwrap();
        let connector = Connector::new(runtime, Mpd::default());
        let (client, _) = connector.unix(server.address.clone()).unwrap();
        let mut outputs = client.send(Ask::new("outputs")).unwrap();
        assert_eq!(outputs.part().as_deref(), Some(&b"a: 1"[..]), "{runtime}");
        assert_eq!(outputs.part().as_deref(), Some(&b"b: 2"[..]), "{runtime}");
        assert_eq!(outputs.part(), None);
        outputs.wait().unwrap();
        client.close();
        server.finish().unwrap();
    });
}

#[test]
fn a_silent_server_is_given_up() {
    on_each(|runtime| {
        let server = Script::new(&["C: random?\nC: <EOF>"]).tcp().unwrap();
        let connector = Connector::new(runtime, Notif::default());
        let (client, _) = connector.tcp(server.address).unwrap();
        let late = client.within(Some(Duration::from_millis(50))).request(Random);
        let timed_out = Failure::SentUnanswered(Cause::TimedOut);
        assert_eq!(late, Err(Error::Unanswered { failure: timed_out, ended: None }), "{runtime}");
        client.close();
        server.finish().unwrap();
    });
}

#[test]
fn a_lost_server_is_connected_to_again() {
    on_each(|runtime| {
        let listens = "C: notif\nS: OK\nS: notif: news\n";
        let texts = [format!("{listens}S: <EOF>"), format!("{listens}C: <EOF>")];
        let server = Script::new(&texts).tcp().unwrap();
        let mut connector = Connector::new(runtime, Notif::default());
        connector.reconnect = Some(Reconnect::default());
        let (client, mut notifications) = connector.tcp(server.address).unwrap();
        let mut next = || notifications.wait(PATIENCE).unwrap().expect("a notice");
        assert!(next().is("news"), "{runtime}");
        assert!(matches!(next(), Notice::Gap(Gap::Disconnected(_))), "{runtime}");
        assert!(matches!(next(), Notice::Resumed), "{runtime}");
        assert!(next().is("news"), "{runtime}");
        client.close();
        server.finish().unwrap();
    });
}

#[test]
fn nobody_there_is_an_error() {
    on_each(|runtime| {
        let directory = tempfile::tempdir().unwrap();
        let connector = || Connector::new(runtime, Notif::default());
        let nobody = connector().unix(directory.path().join("nobody"));
        assert!(matches!(nobody, Err(Error::NotConnected(_))), "{nobody:?}");
        let nobody = connector().tcp("127.0.0.1");
        assert!(matches!(nobody, Err(Error::NotConnected(_))), "{nobody:?}");
        Server::bind(runtime, "127.0.0.1", Notif::default(), Counter).unwrap_err();
    });
}
