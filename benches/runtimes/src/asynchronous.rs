//! Round trips on async runtimes.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use bellwire::dialect::notif::Notif;
use bellwire_async::{Client, Connector, Runtime};
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::{QUESTION, Work};

/// A bare loop.
///
/// # Panics
///
/// When the server is gone.
pub async fn bare<R: Runtime>(work: Work) -> Duration {
    let mut stream = R::connect_tcp(&work.server.to_string()).await.expect("a connection");
    let (batch, mut buffer) = (work.batch(), [0; 16 * 1024]);
    let start = Instant::now();
    for _ in 0..work.batches() {
        stream.write_all(&batch).await.expect("the server hears");
        let mut answers = 0;
        while answers < work.depth {
            let count = stream.read(&mut buffer).await.expect("the server answers");
            answers += memchr::memchr_iter(b'\n', &buffer[..count]).count();
        }
    }
    start.elapsed()
}

/// Bellwire's client, with a task that drives it.
///
/// # Panics
///
/// When the server is gone.
pub async fn driven<R: Runtime>(work: Work) -> Duration {
    let (client, _notifications) =
        connector::<R>(work).tcp(work.server).await.expect("a connection");
    ask(&client, work).await
}

/// Bellwire's client, driven by whoever asks: one task does all.
///
/// # Panics
///
/// When the server is gone.
pub async fn undriven<R: Runtime>(work: Work) -> Duration {
    let connecting = connector::<R>(work).undriven().tcp(work.server);
    let (client, _notifications) = connecting.await.expect("a connection");
    let mut asking = pin!(ask(&client, work));
    let mut driving = pin!(client.drive());
    poll_fn(|context| {
        if let Poll::Ready(time) = asking.as_mut().poll(context) {
            return Poll::Ready(time);
        }
        assert!(driving.as_mut().poll(context).is_pending(), "the server is gone");
        asking.as_mut().poll(context)
    })
    .await
}

fn connector<R: Runtime>(work: Work) -> Connector<Notif, R> {
    let mut connector = Connector::new(Notif::default());
    connector.config.in_flight = work.depth;
    connector
}

async fn ask(client: &Client<Notif>, work: Work) -> Duration {
    let start = Instant::now();
    for _ in 0..work.batches() {
        if work.depth == 1 {
            client.request(QUESTION).await.expect("an answer");
        } else {
            for pending in client.send_all((0..work.depth).map(|_| QUESTION)) {
                pending.expect("it is sent").await.expect("an answer");
            }
        }
    }
    start.elapsed()
}
