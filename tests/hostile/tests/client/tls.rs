//! Servers that are whom they say they are, and mean ill: what TLS costs besides.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use bellwire::Limits;
use bellwire_any::Runtime;
use bellwire_any::tls::rustls::crypto::ring;
use bellwire_any::tls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use bellwire_any::tls::rustls::server::{NoServerSessionStorage, ProducesTickets, ServerConfig};
use bellwire_any::tls::rustls::{ServerConnection, StreamOwned};
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::{Attacked, Peer, bounds};

use crate::{POURED, VICTIM, at_rest, greeting};

on_each_runtime! {
    /// G12: as many certificates as fit into a chain, as many tickets as are kept, and an endless line.
    endless_lines_behind_many_certificates => floods,
    /// G12: what is encrypted already waits, too.
    never_reads_what_is_encrypted => hears_nothing,
}

fn floods(runtime: Runtime) {
    let (pin, config) = identity();
    let attacked = Attacked::client(VICTIM, runtime, "ask", &["imap", "NOOP", &pin], |peer| {
        let mut stream = secured(peer, config);
        stream.write_all(greeting("imap").as_bytes()).expect("the client is there");
        stream.read_exact(&mut [0; b"A1 NOOP\r\n".len()]).expect("the client asks");
        let some = [b'x'; 16 * 1024];
        let poured = (0..POURED / some.len()).try_for_each(|_| stream.write_all(&some));
        assert!(poured.is_err(), "nobody has stopped it");
    });
    let failed = "failed: the command was sent, but not answered: the connection ended: \
                  the peer sent more than the limit of 65536 bytes in a frame allows";
    attacked.told(&[failed], at_rest() + bounds::tls());
}

fn hears_nothing(runtime: Runtime) {
    let (pin, config) = identity();
    let mut limits = Limits::default();
    limits.output = 16 * 1024 * 1024;
    let output = format!("output={}", limits.output);
    let words = ["imap", "NOOP", "write=0.3", &output, &pin];
    let attacked = Attacked::client(VICTIM, runtime, "shout", &words, |peer| {
        let mut stream = secured(peer, config);
        stream.write_all(greeting("imap").as_bytes()).expect("the client is there");
    });
    let ended = "the connection ended: timed out: the peer does not take what is sent to it";
    let told = format!("failed: the command was sent, but not answered: {ended}");
    let bound = bounds::client(&limits) + bounds::tls() + bounds::PROGRAM;
    attacked.told(&["refused: some of 1000", &told], bound);
}

fn secured(peer: &Peer, config: ServerConfig) -> StreamOwned<ServerConnection, TcpStream> {
    let stream = peer.stream().try_clone().expect("it can be had twice");
    let session = ServerConnection::new(Arc::new(config)).expect("the configuration is good");
    StreamOwned::new(session, stream)
}

/// The option with which a client trusts a server, and what that server is.
fn identity() -> (String, ServerConfig) {
    // rustls takes a chain of 64 KiB, in which each of these has 6 bytes.
    const CERTIFICATES: usize = 10_000;
    let own = rcgen::generate_simple_self_signed(Vec::new()).expect("a key can be made");
    let mut chain = vec![own.cert.der().clone()];
    chain.resize(CERTIFICATES, CertificateDer::from_slice(b"x"));
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()).into();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key is good");
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Arc::new(Large);
    // rustls keeps so many for a server, each with its chain.
    config.send_tls13_tickets = 8;
    (format!("pin={}", own.cert.pem()), config)
}

/// Tickets of which so many are as much as rustls takes at once.
#[derive(Debug)]
struct Large;

impl ProducesTickets for Large {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        3600
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        Some(vec![0; 7_500])
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
