//! A driver that is dropped while it connects.

use std::future::{pending, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Instant;

use bellwire::dialect::notif::Notif;
use bellwire_adapter::Reconnect;
use bellwire_async::runtime::BoxFuture;
use bellwire_async::{Connector, Gap, Notice};
use bellwire_conformance::{Clock, Moved, Run, Runtime, on_async};
use bellwire_testkit::{PATIENCE, accept};

use super::Counts;

/// A runtime on which the second attempt to connect never comes to an end.
struct Stuck<R>(PhantomData<R>);

/// Attempts so far; whoever has the clock has this, too.
static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);

impl<R: bellwire_async::Runtime> bellwire_async::Runtime for Stuck<R> {
    type Tcp = R::Tcp;
    type Unix = R::Unix;
    type TcpListener = R::TcpListener;

    fn now() -> Instant {
        Moved::<R>::now()
    }

    fn sleep_until(deadline: Instant) -> BoxFuture<()> {
        Moved::<R>::sleep_until(deadline)
    }

    fn spawn(task: BoxFuture<()>) {
        R::spawn(task);
    }

    async fn connect_tcp(address: &str) -> io::Result<Self::Tcp> {
        match ATTEMPTS.fetch_add(1, Ordering::SeqCst) {
            1 => pending().await,
            _ => R::connect_tcp(address).await,
        }
    }

    fn connect_unix(path: &Path) -> impl Future<Output = io::Result<Self::Unix>> + Send {
        R::connect_unix(path)
    }

    fn listen_tcp(address: &str) -> impl Future<Output = io::Result<Self::TcpListener>> + Send {
        R::listen_tcp(address)
    }

    fn accept_tcp(
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<Self::Tcp>> + Send {
        R::accept_tcp(listener)
    }

    fn local_addr(listener: &Self::TcpListener) -> io::Result<SocketAddr> {
        R::local_addr(listener)
    }
}

pub(super) fn dropped(runtime: Runtime) {
    on_async!(runtime, R => on::<R>());
}

async fn on<R: Run>() {
    let clock = Clock::mine();
    ATTEMPTS.store(0, Ordering::SeqCst);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut connector = Connector::<Notif, Stuck<R>>::new(Notif::default()).undriven();
    connector.reconnect = Some(Reconnect::default());
    let connected = connector.tcp(listener.local_addr().unwrap()).await;
    let (client, mut notifications) = connected.unwrap();
    accept(&listener, PATIENCE).unwrap().shutdown(Shutdown::Both).unwrap();

    let (mut first, mut second) = (Box::pin(client.drive()), Box::pin(client.drive()));
    let gap = poll_fn(|context| {
        assert!(first.as_mut().poll(context).is_pending());
        pin!(notifications.next()).poll(context)
    });
    assert!(matches!(gap.await, Some(Ok(Notice::Gap(Gap::Disconnected(_))))));
    let counts: [Arc<Counts>; 2] = Default::default();
    let wakers = counts.each_ref().map(|count| Waker::from(Arc::clone(count)));
    let woken = || counts[1].0.load(Ordering::SeqCst);
    let mut contexts = wakers.each_ref().map(Context::from_waker);
    let [one, other] = &mut contexts;
    assert!(first.as_mut().poll(one).is_pending());
    assert!(second.as_mut().poll(other).is_pending());
    assert!(clock.pass_to_next(), "nobody waits to connect again");
    assert!(first.as_mut().poll(one).is_pending());
    assert!(second.as_mut().poll(other).is_pending());
    assert_eq!(ATTEMPTS.load(Ordering::SeqCst), 2, "one of them connects, and one only");

    let before = woken();
    drop(first);
    assert!(woken() > before, "nobody was woken");
    assert!(second.as_mut().poll(other).is_pending());
    assert_eq!(ATTEMPTS.load(Ordering::SeqCst), 3);
    accept(&listener, PATIENCE).unwrap();
    client.close();
    assert!(matches!(second.await, Ok(())));
}
