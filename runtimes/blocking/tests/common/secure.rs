//! A server's side of TLS, and certificates to show.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use bellwire_blocking::Ended;
use bellwire_blocking::tls::rustls::crypto::ring;
use bellwire_blocking::tls::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use bellwire_blocking::tls::rustls::version::{TLS12, TLS13};
use bellwire_blocking::tls::rustls::{
    ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};
use bellwire_blocking::tls::{TlsConfig, Trust, server_name};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

/// What every server of the tests is called.
pub(crate) const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// The name of all of them, as the client wants it proven.
pub(crate) fn localhost() -> ServerName<'static> {
    server_name("localhost:0").unwrap()
}

pub(crate) fn hear(stream: &mut impl Read, expected: &str) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), expected);
}

pub(crate) fn say(stream: &mut impl Write, said: &str) {
    stream.write_all(said.as_bytes()).unwrap();
    stream.flush().unwrap();
}

/// A server's certificate, as `openssl req -x509` makes it, with its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pem: String,
    config: [Arc<ServerConfig>; 2],
}

impl Identity {
    pub(crate) fn new() -> Self {
        Self::named(&NAMES)
    }

    pub(crate) fn named(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let config = [&TLS13, &TLS12].map(|version: &'static SupportedProtocolVersion| {
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth();
            let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
            Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
        });
        Self { pem: certificate.pem(), config }
    }

    /// For a client that trusts this server.
    pub(crate) fn trusted(&self) -> TlsConfig {
        TlsConfig::new(Trust::ca_pem(self.pem.as_bytes()).unwrap()).unwrap()
    }

    pub(crate) fn pinned(&self) -> TlsConfig {
        TlsConfig::new(Trust::pinned_pem(self.pem.as_bytes()).unwrap()).unwrap()
    }

    /// The server's side of a connection, with TLS 1.3.
    pub(crate) fn on<S: Read + Write>(&self, stream: S) -> Secured<S> {
        Self::over(&self.config[0], stream)
    }

    pub(crate) fn on_tls12<S: Read + Write>(&self, stream: S) -> Secured<S> {
        Self::over(&self.config[1], stream)
    }

    fn over<S: Read + Write>(config: &Arc<ServerConfig>, stream: S) -> Secured<S> {
        let session = ServerConnection::new(Arc::clone(config)).unwrap();
        Secured(StreamOwned::new(session, stream))
    }
}

/// A blocking stream, secured. It shakes hands when it is first read or written.
pub(crate) struct Secured<S: Read + Write>(pub(crate) StreamOwned<ServerConnection, S>);

impl<S: Read + Write> Secured<S> {
    /// The handshake alone.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        while self.0.conn.is_handshaking() {
            self.0.conn.complete_io(&mut self.0.sock)?;
        }
        Ok(())
    }

    /// What is said so, each in a record of its own, and whatever else the session has to say.
    pub(crate) fn encrypt(&mut self, records: &[&[u8]]) -> Vec<u8> {
        let mut wire = Vec::new();
        for record in records {
            assert_eq!(self.0.conn.writer().write(record).unwrap(), record.len());
        }
        while self.0.conn.wants_write() {
            self.0.conn.write_tls(&mut wire).unwrap();
        }
        wire
    }
}

impl<S: Read + Write> Read for Secured<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let StreamOwned { conn, sock } = &mut self.0;
        loop {
            match conn.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            // A client that has gone does not hear this, but may have said something before.
            while conn.wants_write() && conn.write_tls(sock).is_ok() {}
            conn.read_tls(sock)?;
            conn.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

impl<S: Read + Write> Write for Secured<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Read + Write + AsFd> AsFd for Secured<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.sock.as_fd()
    }
}

/// How a transport ended: the kind, and what is said.
pub(crate) fn io_end(ended: Option<Ended>) -> (io::ErrorKind, String) {
    match ended {
        Some(Ended::Io { kind, what }) => (kind, what),
        other => panic!("{other:?}"),
    }
}
