//! The server's futures, dropped at their n-th poll: what they served ends, and nobody else is harmed.

use std::io::{Read, Write};
use std::net::TcpStream;

use bellwire::Reply;
use bellwire::dialect::notif::Notif;
use bellwire_async::{Peer, Server, Service};
use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_testkit::{PATIENCE, Pipe, in_time};
use bellwire_tokio::Tokio;
use futures_lite::future::{poll_once, yield_now};

use crate::polls::at_most;
use crate::runtimes::Blocks;

/// Answers `7?` with `7`, and takes its time.
struct Echo;

impl Service for Echo {
    type Session = ();

    async fn open(&self, _: &mut Peer) {}

    async fn answer(&self, (): &mut (), command: &[u8], _: &mut Peer) -> Reply<Vec<u8>> {
        yield_now().await;
        Reply::done(command.strip_suffix(b"?").unwrap_or_default().to_vec())
    }
}

type Echoes<R> = Server<Notif, Echo, R>;

#[test]
fn on_tokio() {
    in_time(2 * PATIENCE, || Tokio::block_on(all::<Tokio>()));
}

#[test]
fn on_async_std() {
    in_time(2 * PATIENCE, || AsyncStd::block_on(all::<AsyncStd>()));
}

#[test]
fn on_smol() {
    in_time(2 * PATIENCE, || Smol::block_on(all::<Smol>()));
}

async fn all<R: Blocks>() {
    for polls in 0..10 {
        bind::<R>(polls).await;
        run::<R>(polls).await;
    }
    for polls in 0..60 {
        serve_stream(polls).await;
    }
}

/// Dropped, it has bound nothing.
async fn bind<R: Blocks>(polls: usize) {
    let bind =
        |address: String| async move { Echoes::<R>::bind(&address, Notif::default(), Echo).await };
    let first = bind("127.0.0.1:0".into()).await.unwrap();
    let address = first.local_addr().unwrap();
    drop(first);
    drop(at_most(polls, bind(address.to_string())).await);
    assert!(TcpStream::connect(address).is_err(), "it still listens");
}

/// Dropped, it accepts no more; and who was connected has his answers before his connection ends.
async fn run<R: Blocks>(polls: usize) {
    let server = Echoes::<R>::bind("127.0.0.1:0", Notif::default(), Echo).await.unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"1?\r\n").unwrap();
    {
        let mut running = Box::pin(server.run());
        while handle.connections() == 0 {
            assert!(poll_once(running.as_mut()).await.is_none());
            yield_now().await;
        }
        // The connection is a task of its own, and is not dropped with it.
        assert!(at_most(polls, running).await.is_none());
    }
    let heard = smol::unblock(move || {
        let mut heard = String::new();
        client.read_to_string(&mut heard).map(|_| heard)
    });
    assert_eq!(heard.await.unwrap(), "1\r\n");
    assert!(TcpStream::connect(address).is_err(), "it still accepts");
    while handle.connections() > 0 {
        yield_now().await;
    }
}

/// Dropped, its connection ends at once; another is served on.
async fn serve_stream(polls: usize) {
    let server = Server::<Notif, Echo, Smol>::new(Notif::default(), Echo);
    let [dropped, stays] = [(); 2].map(|()| {
        let (near, far) = Pipe::pair(1);
        near.set_nonblocking(true);
        (near, Box::pin(server.serve_stream(far)))
    });
    let ((mut near, mut serving), (mut other, mut served)) = (dropped, stays);
    let mut question = b"12345?\n".iter().cycle();
    for _ in 0..polls {
        let _ = near.write(&[*question.next().unwrap()]);
        assert!(poll_once(&mut serving).await.is_none());
        let _ = near.read(&mut [0]);
    }
    assert_eq!(server.handle().connections(), 2);
    drop(serving);
    assert_eq!(server.handle().connections(), 1, "dropped at poll {polls}");
    while near.read(&mut [0; 64]).unwrap() > 0 {}

    let (mut said, mut heard) = (b"42?\n".iter(), Vec::new());
    let mut left = said.next();
    while heard != b"42\r\n" {
        if left.is_some_and(|byte| other.write(&[*byte]).is_ok()) {
            left = said.next();
        }
        assert!(poll_once(&mut served).await.is_none());
        let mut byte = [0];
        if let Ok(1) = other.read(&mut byte) {
            heard.extend(byte);
        }
    }
    drop(other);
    let ended = std::future::poll_fn(|context| {
        let polled = served.as_mut().poll(context);
        assert!(polled.is_ready() || server.handle().connections() == 1);
        polled
    });
    ended.await;
    assert_eq!(server.handle().connections(), 0);
}
