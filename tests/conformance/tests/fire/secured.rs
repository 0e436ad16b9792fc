//! Connecting over TLS, dropped at its n-th poll, in the middle of the handshake too.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bellwire::dialect::imap::Imap;
use bellwire_async::Connector;
use bellwire_async_std::AsyncStd;
use bellwire_blocking::tls::rustls::crypto::ring;
use bellwire_blocking::tls::rustls::pki_types::PrivatePkcs8KeyDer;
use bellwire_blocking::tls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use bellwire_blocking::tls::{TlsConfig, Trust};
use bellwire_smol::Smol;
use bellwire_testkit::{Faults, PATIENCE, Proxy, in_time};
use bellwire_tokio::Tokio;
use rcgen::{CertificateParams, KeyPair};

use crate::polls::at_most_woken;
use crate::proof::{Proof, mailbox};
use crate::runtimes::Blocks;
use crate::server::serve;

#[test]
fn on_tokio() {
    in_time(2 * PATIENCE, || Tokio::block_on(dropped_at_each_poll::<Tokio>()));
}

#[test]
fn on_async_std() {
    in_time(2 * PATIENCE, || AsyncStd::block_on(dropped_at_each_poll::<AsyncStd>()));
}

#[test]
fn on_smol() {
    in_time(2 * PATIENCE, || Smol::block_on(dropped_at_each_poll::<Smol>()));
}

/// Each connection that was dropped ends, for its server sees that; and one that was not is well.
async fn dropped_at_each_poll<R: Blocks>() {
    let (address, trusted, open) = server();
    let each = Duration::from_micros(200);
    let faults = || Faults::none().split(1..=100).delay(each..=each);
    let proxy = Proxy::to(address).to_client(faults()).to_server(faults()).start().unwrap();
    let at = format!("localhost:{}", proxy.address().port());
    let spoken = mailbox();
    let connector = || Connector::<_, R>::new(spoken.dialect.clone());
    let mut polls = 0;
    let (client, notifications) = loop {
        match at_most_woken(polls, connector().tls(&at, &trusted)).await {
            Some(connected) => break connected.unwrap(),
            None => polls += 1,
        }
    };
    let reply = client.request(Imap::ask(1)).await.unwrap();
    assert_eq!(Imap::proof(reply), Some(1));
    drop((client, notifications));
    while open.load(Ordering::SeqCst) > 0 {
        futures_lite::future::yield_now().await;
    }
    // The handshake is more than one flight, and comes in pieces.
    assert!(polls > 3, "it was dropped {polls} times only");
}

/// A server over TLS, what to trust of it, and how many connections it has.
fn server() -> (SocketAddr, TlsConfig, Arc<AtomicU64>) {
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let trusted = Trust::pinned_pem(certificate.pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let open = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&open);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let (stream, counts) = (stream.unwrap(), Open::new(&counts));
            thread::spawn(move || {
                let _open = counts;
                let stream: StreamOwned<_, TcpStream> = StreamOwned::new(session, stream);
                serve(stream, mailbox().wire, &AtomicU64::new(0));
            });
        }
    });
    (address, TlsConfig::new(trusted).unwrap(), open)
}

/// A connection, while it is there.
struct Open(Arc<AtomicU64>);

impl Open {
    fn new(counts: &Arc<AtomicU64>) -> Self {
        counts.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
