//! The tutorial's session between a server and a client of each runtime, sixteen pairs: the two ends share nothing but
//! the wire (G9, G24, G26).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bellwire::Reply;
use bellwire::dialect::notif::{Classified, Notif, Random, Spelling};
use bellwire_any::{Connector, Peer, Server, Service};
use bellwire_conformance::{Runtime, on_each_runtime};
use bellwire_testkit::PATIENCE;

on_each_runtime! {
    /// G9, G24.
    served_by_blocking => |client| session(client, Runtime::Blocking),
    /// G9, G24.
    served_by_tokio => |client| session(client, Runtime::Tokio),
    /// G9, G24.
    served_by_async_std => |client| session(client, Runtime::AsyncStd),
    /// G9, G24.
    served_by_smol => |client| session(client, Runtime::Smol),
}

/// The tutorial's numbers, and its ad. Whoever has read the ad is told of another.
struct Tutorial {
    asked: AtomicUsize,
}

const NUMBERS: [u64; 2] = [456_902_234, 89_765_234_756];
const ADS: [&str; 2] = ["Nice appart in the 11e.", "Nicer appart in the 12e."];

impl Service for Tutorial {
    /// How many ads this client has read.
    type Session = usize;

    fn open(&self, _: &mut Peer) -> usize {
        0
    }

    fn answer(&self, read: &mut usize, command: &[u8], peer: &mut Peer) -> Reply<Vec<u8>> {
        match command {
            b"random?" => {
                let number = NUMBERS[self.asked.fetch_add(1, Ordering::SeqCst) % 2];
                Reply::done(number.to_string().into_bytes())
            }
            b"classified?" => {
                let ad = ADS.get(*read).copied().unwrap_or_default();
                *read += 1;
                if *read == 1 {
                    peer.notify("classified");
                }
                Reply::done(ad.as_bytes().to_vec())
            }
            _ => Reply::refused(b"unknown command".to_vec()),
        }
    }
}

fn session(client: Runtime, server: Runtime) {
    for spelling in [Spelling::Plain, Spelling::Session, Spelling::Underscored, Spelling::Notify] {
        spelled(client, server, spelling);
    }
}

fn spelled(client: Runtime, server: Runtime, spelling: Spelling) {
    let tutorial = Tutorial { asked: AtomicUsize::new(0) };
    let served = Server::bind(server, "127.0.0.1:0", Notif::default(), tutorial).unwrap();
    let (address, handle) = (served.local_addr().unwrap(), served.handle());
    let serves = thread::spawn(move || served.run());
    let mut notif = Notif::default();
    notif.spelling = spelling;
    let (client, mut notifications) = Connector::new(client, notif).tcp(address).unwrap();
    assert_eq!(client.request(Random), Ok(NUMBERS[0]));
    assert_eq!(client.request(Classified).unwrap().as_deref(), Some(ADS[0]));
    let mut next = || notifications.wait(PATIENCE).unwrap().expect("no notice came");
    // More was unread, which is told as soon as the mode is on.
    assert!(next().is("classified"));
    handle.notify("random").unwrap();
    assert!(next().is("random"));
    assert_eq!(client.request(Random), Ok(NUMBERS[1]));
    assert_eq!(client.request(Classified).unwrap().as_deref(), Some(ADS[1]));
    assert_eq!(client.request(Classified).unwrap(), None);
    let refused = client.request("weather?");
    assert!(refused.is_err(), "{refused:?}");
    handle.notify("classified").unwrap();
    assert!(next().is("classified"), "a command that is refused ends nothing");
    // Many questions at once are answered in their order.
    let asked: Vec<_> = (0..20).map(|_| client.send(Random).unwrap()).collect();
    for (number, asked) in asked.into_iter().enumerate() {
        assert_eq!(asked.wait(), Ok(NUMBERS[number % 2]));
    }
    assert_eq!(client.unsolicited(), 0);
    // What is under way when the server shuts down is answered.
    client.shutdown();
    // There is still something unread, which is told whenever the mode is entered again.
    assert!(notifications.all(|notice| notice.unwrap().is("classified")));
    handle.shutdown();
    serves.join().unwrap().unwrap();
}
