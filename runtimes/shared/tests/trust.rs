//! Whom [`Trust`] trusts, and whom not: handshakes in memory, with servers good and bad.

use std::io;
use std::process::Command;
use std::sync::Arc;

use bellwire_adapter::tls::rustls::crypto::ring;
use bellwire_adapter::tls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use bellwire_adapter::tls::rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use bellwire_adapter::tls::rustls::sign::CertifiedKey;
use bellwire_adapter::tls::rustls::version::{TLS12, TLS13};
use bellwire_adapter::tls::rustls::{
    ClientConnection, Error, ServerConnection, SupportedProtocolVersion,
};
use bellwire_adapter::tls::{TlsConfig, Trust, explain, rustls, server_name};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// Every server has this name and this address.
const NAMES: [&str; 2] = ["wire.test", "192.0.2.1"];

struct Identity {
    params: CertificateParams,
    key: KeyPair,
    /// Its own certificate first, then its issuers'.
    chain: Vec<CertificateDer<'static>>,
    /// Its own certificate.
    pem: Vec<u8>,
}

impl Identity {
    fn self_signed(configure: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
        configure(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let chain = vec![certificate.der().clone()];
        Self { params, key, chain, pem: certificate.pem().into_bytes() }
    }

    /// What `openssl req -x509 -addext subjectAltName=...` makes.
    fn openssl() -> Self {
        Self::self_signed(is_ca)
    }

    /// A CA of another name.
    fn stranger() -> Self {
        Self::self_signed(|params| {
            is_ca(params);
            params.distinguished_name.push(DnType::CommonName, "a stranger");
        })
    }

    fn issued_by(issuer: &Identity, configure: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut identity = Self::self_signed(configure);
        let signer = Issuer::from_params(&issuer.params, &issuer.key);
        let certificate = identity.params.signed_by(&identity.key, &signer).unwrap();
        identity.chain = vec![certificate.der().clone()];
        identity.chain.extend(issuer.chain.iter().cloned());
        identity.pem = certificate.pem().into_bytes();
        identity
    }
}

fn is_server(_: &mut CertificateParams) {}

fn is_ca(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

fn is_old(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

/// Shows a chain, and signs with a key, whether or not they belong together.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn server(
    chain: &[CertificateDer<'static>],
    key: &KeyPair,
    version: &'static SupportedProtocolVersion,
) -> ServerConnection {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let shown = Shows(Arc::new(CertifiedKey::new(chain.to_vec(), key)));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    ServerConnection::new(Arc::new(config)).unwrap()
}

/// The client's view of a handshake.
fn handshake(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), Error> {
    for _ in 0..8 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut wire = &*wire;
        while !wire.is_empty() {
            server.read_tls(&mut wire).unwrap();
            server.process_new_packets().unwrap();
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut wire = &*wire;
        while !wire.is_empty() {
            client.read_tls(&mut wire).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking(), "the handshake does not end");
    Ok(())
}

/// What was said without when, which is another second soon.
fn without_time(said: &str) -> String {
    said.split("verification time").next().unwrap_or_default().to_owned()
}

/// What a client says of a server that shows this chain and has this key: the same in TLS 1.2 and
/// 1.3.
fn meets(trust: &Trust, name: &str, chain: &[CertificateDer<'static>], key: &KeyPair) -> String {
    let config = TlsConfig::new(trust.clone()).unwrap();
    let said = [&TLS12, &TLS13].map(|version| {
        let name = server_name(&format!("{name}:1")).unwrap();
        let mut client = config.connection(name).unwrap();
        match handshake(&mut client, &mut server(chain, key, version)) {
            Ok(()) => "accepted".to_owned(),
            Err(error) => without_time(&error.to_string()),
        }
    });
    assert_eq!(said[0], said[1], "TLS 1.2 and 1.3 differ");
    said[0].clone()
}

fn shown(trust: &Trust, name: &str, identity: &Identity) -> String {
    meets(trust, name, &identity.chain, &identity.key)
}

const UNKNOWN: &str = "invalid peer certificate: UnknownIssuer";

fn assert_wrong_name(said: &str) {
    assert!(said.contains("certificate not valid for name \"other.test\""), "{said}");
}

#[test]
fn a_chain_to_a_listed_ca() {
    let (ca, other) = (Identity::openssl(), Identity::openssl());
    let trust = Trust::ca_pem(&[other.pem, ca.pem.clone()].concat()).unwrap();
    let server = Identity::issued_by(&ca, is_server);
    for name in NAMES {
        assert_eq!(shown(&trust, name, &server), "accepted");
    }
    assert_wrong_name(&shown(&trust, "other.test", &server));
    // Even if it shows its issuer's certificate: whom that names is the client's to know.
    let stranger = Identity::issued_by(&Identity::stranger(), is_server);
    assert_eq!(shown(&trust, "wire.test", &stranger), UNKNOWN);
}

/// webpki alone refuses a server whose own certificate might sign others, which is what
/// `openssl req -x509` makes.
#[test]
fn a_listed_certificate_is_a_servers_own() {
    let server = Identity::openssl();
    let trust = Trust::ca_pem(&server.pem).unwrap();
    for name in NAMES {
        assert_eq!(shown(&trust, name, &server), "accepted");
    }
    assert_wrong_name(&shown(&trust, "other.test", &server));
    // The same names and the same issuer are not the same certificate.
    let said = shown(&trust, "wire.test", &Identity::openssl());
    assert_eq!(said, "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))");
    // Nor is it enough to show it behind another.
    let double = Identity::openssl();
    let chain = [double.chain[0].clone(), server.chain[0].clone()];
    assert_eq!(meets(&trust, "wire.test", &chain, &double.key), said);
}

/// Listing a certificate that somebody else has signed trusts it, and not its issuer.
#[test]
fn a_listed_certificate_needs_no_issuer() {
    let ca = Identity::stranger();
    let server = Identity::issued_by(&ca, is_server);
    let sibling = Identity::issued_by(&ca, is_server);
    let trust = Trust::ca_pem(&server.pem).unwrap();
    assert_eq!(shown(&trust, "wire.test", &server), "accepted");
    assert_wrong_name(&shown(&trust, "other.test", &server));
    assert_eq!(shown(&trust, "wire.test", &sibling), UNKNOWN);
}

/// A listed certificate expires, in each of the ways in which it is accepted otherwise.
#[test]
fn a_listed_certificate_expires() {
    let signed = Identity::self_signed(is_old);
    let signing = Identity::self_signed(|params| {
        is_old(params);
        is_ca(params);
    });
    let issued = Identity::issued_by(&Identity::stranger(), is_old);
    for old in [signed, signing, issued] {
        let said = shown(&Trust::ca_pem(&old.pem).unwrap(), "wire.test", &old);
        assert!(said.contains("certificate expired"), "{said}");
    }
}

/// Exactly this certificate, whatever it says, and no other: not one by the same key, nor one that it
/// has signed.
#[test]
fn a_pinned_certificate() {
    for configure in [is_ca, is_old, is_server] {
        let server = Identity::self_signed(configure);
        let trust = Trust::pinned_pem(&server.pem).unwrap();
        for name in ["wire.test", "other.test", "192.0.2.7"] {
            assert_eq!(shown(&trust, name, &server), "accepted");
        }
        let refused = "invalid peer certificate: ApplicationVerificationFailure";
        assert_eq!(shown(&trust, "wire.test", &Identity::self_signed(configure)), refused);
        assert_eq!(shown(&trust, "wire.test", &Identity::issued_by(&server, is_server)), refused);
        let again = server.params.self_signed(&server.key).unwrap().der().clone();
        let chain = [again, server.chain[0].clone()];
        assert_eq!(meets(&trust, "wire.test", &chain, &server.key), refused);
    }
}

/// A certificate is public: who shows it must prove that the key is his.
#[test]
fn a_certificate_that_is_not_the_servers_own() {
    let server = Identity::openssl();
    let thief = KeyPair::generate().unwrap();
    for trust in [Trust::ca_pem(&server.pem), Trust::pinned_pem(&server.pem)] {
        let trust = trust.unwrap();
        assert_eq!(shown(&trust, "wire.test", &server), "accepted");
        let said = meets(&trust, "wire.test", &server.chain, &thief);
        assert_eq!(said, "invalid peer certificate: BadSignature");
    }
}

/// What a program has that trusts the system: the test runs itself as one, on systems of its own.
#[test]
fn the_systems_cas() {
    const SYSTEM: &str = "BELLWIRE_TEST_SYSTEM";
    let Some(system) = std::env::var_os(SYSTEM) else {
        for system in ["with-a-ca", "bare"] {
            let name = format!("bellwire-trust-{}-{system}.pem", std::process::id());
            let path = std::env::temp_dir().join(name);
            let mut test = Command::new(std::env::current_exe().unwrap());
            test.args(["--exact", "the_systems_cas"]).env(SYSTEM, system);
            test.env("SSL_CERT_FILE", &path).env_remove("SSL_CERT_DIR");
            let outcome = test.output();
            let _ = std::fs::remove_file(path);
            let outcome = outcome.unwrap();
            assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
        }
        return;
    };
    let path = std::env::var_os("SSL_CERT_FILE").unwrap();
    if system == "bare" {
        let why = TlsConfig::new(Trust::System).unwrap_err().to_string();
        assert!(why.starts_with("no certificate of a CA is installed on this system; "), "{why}");
        assert!(why.contains(path.to_str().unwrap()), "{why}");
        return;
    }
    let ca = Identity::openssl();
    std::fs::write(path, &ca.pem).unwrap();
    let server = Identity::issued_by(&ca, is_server);
    assert_eq!(shown(&Trust::System, "wire.test", &server), "accepted");
    assert_wrong_name(&shown(&Trust::System, "other.test", &server));
}

#[test]
fn what_cannot_be_trusted_is_named() {
    let server = Identity::openssl();
    let (pem, key) = (server.pem, server.key.serialize_pem().into_bytes());
    let none = "no certificate found; one in PEM begins with -----BEGIN CERTIFICATE-----";
    let ca = |pem: &[u8]| Trust::ca_pem(pem).unwrap_err().to_string();
    let pinned = |pem: &[u8]| Trust::pinned_pem(pem).unwrap_err().to_string();
    for read in [ca, pinned] {
        assert_eq!(read(b""), none);
        assert_eq!(read(&key), none);
        assert_eq!(read(&server.chain[0]), none);
        let why = read(&[&pem[..], &pem[..pem.len() / 2]].concat());
        assert!(why.starts_with("the PEM of certificate 2 is damaged: "), "{why}");
        let why = read(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(why.starts_with("certificate 1 cannot be used: invalid peer cert"), "{why}");
    }
    assert_eq!(
        pinned(&[&pem[..], &pem[..]].concat()),
        "2 certificates found; pin one, the server's own, which is the first of a chain"
    );
    // A key beside it does no harm.
    assert!(Trust::pinned_pem(&[&key[..], &pem[..]].concat()).is_ok());
    // What was not read from PEM is not trusted blindly, either.
    let junk = CertificateDer::from(vec![1, 2, 3]);
    for trust in [Trust::Ca(vec![]), Trust::Ca(vec![junk.clone()]), Trust::Pinned(junk)] {
        assert!(TlsConfig::new(trust).is_err());
    }
}

#[test]
fn the_name_is_what_the_address_says() {
    for (address, name) in [
        ("wire.test:1", "wire.test"),
        ("192.0.2.1:1", "192.0.2.1"),
        ("[2001:db8::1]:1", "2001:db8::1"),
        ("2001:db8::1:1", "2001:db8::1"),
        ("wire.test.:service", "wire.test."),
    ] {
        assert_eq!(server_name(address).unwrap().to_str(), name);
    }
    for address in ["wire.test", ":1", "a b:1", "[wire.test]x:1", "wire/test:1"] {
        let error = server_name(address).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    }
}

/// G22: what two ends do not agree about, they will not agree about later; what breaks a connection
/// that was good may be gone at the next.
#[test]
fn g22_what_lasts_and_what_does_not() {
    use rustls::AlertDescription::{CertificateRequired, HandshakeFailure, InternalError};
    let kind = |error: Error, handshaking| explain(error, handshaking).kind();
    let (lasting, passing) = (io::ErrorKind::InvalidData, io::ErrorKind::ConnectionAborted);
    assert_eq!(kind(rustls::CertificateError::UnknownIssuer.into(), true), lasting);
    assert_eq!(kind(Error::AlertReceived(HandshakeFailure), true), lasting);
    assert_eq!(kind(Error::AlertReceived(CertificateRequired), false), lasting);
    assert_eq!(kind(Error::AlertReceived(InternalError), true), passing);
    assert_eq!(kind(Error::DecryptError, false), passing);
}
