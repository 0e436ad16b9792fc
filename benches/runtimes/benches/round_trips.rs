//! quick
use bellwire::dialect::notif::Notif;
use bellwire_async::{Connector, Runtime};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

const ASK: &[u8] = b"answer?\r\n";

fn echo() -> SocketAddr {
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    let a = l.local_addr().unwrap();
    std::thread::spawn(move || {
        loop {
            let (mut s, _) = l.accept().unwrap();
            s.set_nodelay(true).unwrap();
            std::thread::spawn(move || {
                let mut b = [0; 4096];
                while let Ok(n @ 1..) = s.read(&mut b) {
                    s.write_all(&b[..n]).unwrap();
                }
            });
        }
    });
    a
}

async fn bare<R: Runtime>(a: SocketAddr, n: usize, depth: usize) -> f64 {
    let mut s = R::connect_tcp(&a.to_string()).await.unwrap();
    let batch = ASK.repeat(depth);
    let mut buf = vec![0; batch.len()];
    let start = Instant::now();
    for _ in 0..n / depth {
        s.write_all(&batch).await.unwrap();
        s.read_exact(&mut buf).await.unwrap();
    }
    start.elapsed().as_secs_f64()
}

async fn ours<R: Runtime>(a: SocketAddr, n: usize, depth: usize) -> f64 {
    let mut c = Connector::<Notif, R>::new(Notif::default());
    c.config.in_flight = depth;
    let (client, _n) = c.tcp(a).await.unwrap();
    let start = Instant::now();
    for _ in 0..n / depth {
        if depth == 1 {
            client.request("answer?").await.unwrap();
        } else {
            let p: Vec<_> = (0..depth).map(|_| client.send("answer?").unwrap()).collect();
            for p in p {
                p.await.unwrap();
            }
        }
    }
    start.elapsed().as_secs_f64()
}

async fn tasks<R: Runtime>(a: SocketAddr, n: usize, depth: usize) -> f64 {
    let mut c = Connector::<Notif, R>::new(Notif::default());
    c.config.in_flight = depth;
    let (client, _n) = c.tcp(a).await.unwrap();
    let start = Instant::now();
    let (tx, rx) = smol::channel::unbounded();
    for _ in 0..depth {
        let client = client.clone();
        let tx = tx.clone();
        R::spawn(Box::pin(async move {
            for _ in 0..n / depth {
                client.request(&"answer?").await.unwrap();
            }
            tx.send(()).await.unwrap();
        }));
    }
    for _ in 0..depth {
        rx.recv().await.unwrap();
    }
    start.elapsed().as_secs_f64()
}

fn run<R: Runtime>(
    name: &str,
    a: SocketAddr,
    on: impl Fn(std::pin::Pin<Box<dyn Future<Output = f64> + Send>>) -> f64,
) {
    let n = 20_000;
    for depth in [1, 64] {
        let mut v = vec![vec![], vec![], vec![]];
        for _ in 0..7 {
            v[0].push(on(Box::pin(bare::<R>(a, n, depth))));
            v[1].push(on(Box::pin(ours::<R>(a, n, depth))));
            v[2].push(on(Box::pin(tasks::<R>(a, n, depth))));
        }
        for v in &mut v {
            v.sort_by(f64::total_cmp);
        }
        let m: Vec<f64> = v.iter().map(|v| v[3]).collect();
        println!(
            "{name} depth {depth}: bare {:.2} us, ours {:.2} of bare, tasks {:.2} of bare",
            m[0] / n as f64 * 1e6,
            m[0] / m[1],
            m[0] / m[2]
        );
    }
}

fn main() {
    let a = echo();
    let ct = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mt = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    run::<bellwire_tokio::Tokio>("tokio ct", a, |f| ct.block_on(f));
    run::<bellwire_tokio::Tokio>("tokio mt spawned", a, |f| mt.block_on(mt.spawn(f)).unwrap());
    run::<bellwire_tokio::Tokio>("tokio mt block_on", a, |f| mt.block_on(f));
    run::<bellwire_smol::Smol>("smol block_on", a, |f| smol::block_on(f));
    run::<bellwire_smol::Smol>("smol spawned", a, |f| smol::block_on(smol::spawn(f)));
    run::<bellwire_async_std::AsyncStd>("async-std block_on", a, |f| async_std::task::block_on(f));
    run::<bellwire_async_std::AsyncStd>("async-std spawned", a, |f| {
        async_std::task::block_on(async_std::task::spawn(f))
    });
}
