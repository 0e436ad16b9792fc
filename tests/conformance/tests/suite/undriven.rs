//! Without a task of its own, a connection is driven by whoever polls `Client::drive`, and by nobody else (G19).

use std::io::{Read, Write};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire_any::Wire;
use bellwire_async::{Client, Connector, Notifications};
use bellwire_conformance::{Over, Runtime, on_async, on_each_async_runtime};
use bellwire_testkit::Pipe;
use bytes::Bytes;

#[path = "undriven/dialling.rs"]
mod dialling;

on_each_async_runtime! {
    /// Nothing is read, and nothing but what is said at once is written.
    nothing_happens_while_nobody_drives_notif => |it| nobody_drives::<Notif>(it, &NOTIF),
    /// The same.
    nothing_happens_while_nobody_drives_mpd => |it| nobody_drives::<Mpd>(it, &MPD),
    /// The same.
    nothing_happens_while_nobody_drives_imap => |it| nobody_drives::<Imap>(it, &IMAP),
    /// G19: a driver that is dropped loses nothing, and the next goes on.
    a_driver_is_dropped_and_another_goes_on => |it| {
        let drops = |polls| move |it| dropped(it, polls);
        [0, 1, 2].map(drops).into_iter().for_each(|drop| drop(it));
    },
    /// G19, G22: the driver that connects again is dropped while it does; another is woken for it, and connects.
    a_driver_is_dropped_while_it_connects => dialling::dropped,
    /// Several drive at once; one that goes leaves the others to it.
    several_drive_at_once => several,
}

/// What a server says, and how a command is asked and answered.
struct Words {
    greeting: &'static str,
    command: &'static str,
    asked: &'static str,
    answer: &'static str,
}

const NOTIF: Words =
    Words { greeting: "", command: "random?", asked: "random?\r\n", answer: "7\r\n" };
const MPD: Words =
    Words { greeting: "OK MPD 0.23.5\n", command: "ping", asked: "ping\n", answer: "OK\n" };
const IMAP: Words = Words {
    greeting: "* PREAUTH ready\r\n",
    command: "NOOP",
    asked: "A1 NOOP\r\n",
    answer: "A1 OK done\r\n",
};

/// A client that nobody drives, and the server's end.
async fn client<R: Over, D: Wire + Default>(greeting: &str) -> (Client<D>, Notifications<D>, Pipe) {
    let (near, mut far) = Pipe::pair(4096);
    far.set_nonblocking(true);
    far.write_all(greeting.as_bytes()).unwrap();
    let connector = Connector::<D, R>::new(D::default()).undriven();
    let (client, notifications) = R::over(connector, near).await.unwrap();
    (client, notifications, far)
}

/// What has come at the server's end.
fn heard(far: &mut Pipe) -> String {
    let mut heard = vec![0; 4096];
    let count = far.read(&mut heard).unwrap_or(0);
    String::from_utf8(heard[..count].to_vec()).unwrap()
}

/// Polls, and waits for nothing.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn nobody_drives<D: Wire + Default>(runtime: Runtime, words: &Words) {
    on_async!(runtime, R => async {
        let (client, _notifications, mut far) = client::<R, D>(words.greeting).await;
        let mut pending = client.send(Bytes::from(words.command)).unwrap();
        assert_eq!(heard(&mut far), "", "it was said by nobody");
        assert!(poll(Pin::new(&mut pending)).is_pending());
        assert_eq!(heard(&mut far), words.asked, "who awaits it says it");
        far.write_all(words.answer.as_bytes()).unwrap();
        assert!(poll(Pin::new(&mut pending)).is_pending(), "somebody has read the answer");
        {
            let mut drive = pin!(client.drive());
            assert!(poll(Pin::new(&mut pending)).is_pending(), "a driver that is not polled drives");
            assert!(poll(drive.as_mut()).is_pending());
        }
        assert!(poll(Pin::new(&mut pending)).is_ready(), "the driver has not read the answer");
    });
}

/// Drives for so many polls, then drops the driver; over and over.
fn dropped(runtime: Runtime, polls: usize) {
    on_async!(runtime, R => async {
        let (client, mut notifications, mut far) = client::<R, Notif>("").await;
        let turn = || {
            let mut drive = pin!(client.drive());
            (0..polls).for_each(|_| assert!(poll(drive.as_mut()).is_pending()));
        };
        client.listen();
        turn();
        assert_eq!(heard(&mut far), "notif\r\n");
        // Half of it for one driver, the rest for the next.
        far.write_all(b"OK\r\nnotif: ran").unwrap();
        turn();
        far.write_all(b"dom\r\nnotif: classified\r\n").unwrap();
        turn();
        // Who drives at last does it all.
        assert!(poll(pin!(client.drive())).is_pending());
        for topic in ["random", "classified"] {
            let Poll::Ready(Some(Ok(notice))) = poll(pin!(notifications.next())) else {
                panic!("{topic} is lost");
            };
            assert!(notice.is(topic));
        }
        drop(far);
        assert!(matches!(poll(pin!(client.drive())), Poll::Ready(Err(_))));
        assert!(matches!(poll(pin!(client.drive())), Poll::Ready(Err(_))), "it is over");
    });
}

#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Three drivers sleep. Each that is dropped wakes another, if it was to do something; the last does it.
fn several(runtime: Runtime) {
    on_async!(runtime, R => async {
        let (client, mut notifications, mut far) = client::<R, Notif>("").await;
        client.listen();
        let counts: [Arc<Counts>; 3] = Default::default();
        let mut drivers: Vec<_> = counts.iter().map(|_| Box::pin(client.drive())).collect();
        for (driver, count) in drivers.iter_mut().zip(&counts) {
            let waker = Waker::from(Arc::clone(count));
            assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(heard(&mut far), "notif\r\n", "said once");
        let woken = || counts.each_ref().map(|count| count.0.load(Ordering::SeqCst));
        let before = woken();
        far.write_all(b"OK\r\nnotif: random\r\n").unwrap();
        assert_ne!(woken(), before, "nobody was woken");
        // Those who were woken go without a look; whoever is left is woken for it.
        drivers.truncate(2);
        drop(drivers.remove(0));
        let after = woken();
        assert!(after[1] > before[1], "the last was not woken: {before:?}, {after:?}");
        assert!(poll(drivers[0].as_mut()).is_pending());
        assert!(matches!(poll(pin!(notifications.next())), Poll::Ready(Some(Ok(_)))));
        client.close();
        assert!(matches!(poll(drivers[0].as_mut()), Poll::Ready(Ok(()))));
    });
}
