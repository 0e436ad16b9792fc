//! TLS with rustls: whom to trust, and a client's configuration made from it.
//!
//! TLS 1.2 and 1.3 are spoken, nothing older. Whatever is trusted, the server must prove in the
//! handshake that it holds the key of the certificate that it shows.

use std::io;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, ClientConnection, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{AlertDescription, CertificateError, InvalidMessage, RootCertStore};

pub use rustls;

mod stream;
mod verify;

pub use stream::Tls;

/// Which servers are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Those that bear the right name, and a certificate by one of the CAs that this system trusts.
    System,
    /// Those that bear the right name, and a certificate that one of these has signed, or that *is*
    /// one of these: the CA of a company, or what `openssl req -x509` makes for a single server.
    ///
    /// Whoever holds the key of one of these certificates may sign others with it, for any name,
    /// even if it was made for a single server; see [`Pinned`](Self::Pinned).
    Ca(Vec<CertificateDer<'static>>),
    /// The server that shows exactly this certificate, whatever names the certificate bears, and
    /// whenever it expires.
    Pinned(CertificateDer<'static>),
}

impl Trust {
    /// [`Ca`](Self::Ca), from a file of certificates in PEM. Anything else in it, such as a key, is
    /// passed over.
    ///
    /// # Errors
    ///
    /// When there is no certificate, or one that cannot be read.
    pub fn ca_pem(pem: &[u8]) -> Result<Self, TrustError> {
        let certificates = certificates(pem)?;
        roots(&certificates)?;
        Ok(Self::Ca(certificates))
    }

    /// [`Pinned`](Self::Pinned), from a file with one certificate in PEM.
    ///
    /// # Errors
    ///
    /// When there is no certificate, or more than one, or it cannot be read.
    pub fn pinned_pem(pem: &[u8]) -> Result<Self, TrustError> {
        let mut certificates = certificates(pem)?;
        let count = certificates.len();
        match certificates.pop() {
            Some(certificate) if count == 1 => {
                readable(&certificate)?;
                Ok(Self::Pinned(certificate))
            }
            _ => Err(TrustError::Several(count)),
        }
    }
}

/// Why there is nobody to trust.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// There is no certificate in it.
    #[error("no certificate found; one in PEM begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// It is not PEM.
    #[error("the PEM of certificate {0} is damaged: {1}")]
    Pem(usize, #[source] pem::Error),
    /// A certificate cannot be read.
    #[error("certificate {0} cannot be used: {1}")]
    Certificate(usize, #[source] rustls::Error),
    /// There are several where one is to be pinned.
    #[error("{0} certificates found; pin one, the server's own, which is the first of a chain")]
    Several(usize),
    /// The system has no certificates of CAs, or they cannot be read.
    #[error("no certificate of a CA is installed on this system{0}")]
    NoSystem(String),
    /// rustls refuses its configuration.
    #[error("TLS cannot be configured: {0}")]
    Rustls(#[source] rustls::Error),
}

/// How to speak TLS with a server: cheap to clone, and usable for many connections, which resume
/// each other's TLS sessions.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    client: Arc<ClientConfig>,
}

impl TlsConfig {
    /// A configuration that trusts such servers.
    ///
    /// # Errors
    ///
    /// When a certificate cannot be read, or the system has none.
    pub fn new(trust: Trust) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(trust, &provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TrustError::Rustls)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self { client: Arc::new(config) })
    }

    /// The configuration, as rustls and what is built on it take it.
    #[must_use]
    pub fn rustls(&self) -> &Arc<ClientConfig> {
        &self.client
    }

    /// The client's side of one connection, to a server of this name.
    ///
    /// # Errors
    ///
    /// When the configuration came from elsewhere, and rustls refuses it.
    pub fn connection(&self, name: ServerName<'static>) -> io::Result<ClientConnection> {
        ClientConnection::new(Arc::clone(&self.client), name).map_err(|error| explain(error, true))
    }
}

/// For whoever needs more than [`Trust`] says: a certificate of the client's own, or ALPN.
impl From<Arc<ClientConfig>> for TlsConfig {
    fn from(client: Arc<ClientConfig>) -> Self {
        Self { client }
    }
}

/// The name that a server at `address` (`host:port`) has to prove: its host, be that a name or an IP
/// address, as it is written there. What a name resolves to does not count.
///
/// # Errors
///
/// `InvalidInput`, when there is no port, or no certificate could bear such a name.
pub fn server_name(address: &str) -> io::Result<ServerName<'static>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let (host, _) = address
        .rsplit_once(':')
        .ok_or_else(|| invalid(format!("{address:?} is not of the form host:port")))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned())
        .map_err(|_| invalid(format!("{host:?} is neither a host's name nor an IP address")))
}

/// What rustls says, with what to do about it; `handshaking` is whether the handshake was still
/// going on.
///
/// The kind is `InvalidData` for what will be the same at the next attempt: the two ends do not fit
/// together. It is `ConnectionAborted` for what happens to a connection later.
#[must_use]
pub fn explain(error: rustls::Error, handshaking: bool) -> io::Error {
    use rustls::Error::AlertReceived;
    let lasting = match error {
        AlertReceived(AlertDescription::InternalError) => false,
        // With TLS 1.3, this comes when the client has already finished its handshake.
        AlertReceived(AlertDescription::CertificateRequired | AlertDescription::AccessDenied) => {
            true
        }
        _ => handshaking,
    };
    let kind = if lasting { io::ErrorKind::InvalidData } else { io::ErrorKind::ConnectionAborted };
    io::Error::new(kind, Explained { advice: advice(&error, handshaking), error })
}

#[derive(Debug, thiserror::Error)]
#[error("{advice}: {error}")]
struct Explained {
    advice: &'static str,
    #[source]
    error: rustls::Error,
}

fn advice(error: &rustls::Error, handshaking: bool) -> &'static str {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage as Invalid};
    match error {
        InvalidCertificate(why) => match why {
            // webpki's own errors are of the latter kind: a CA's certificate used as a server's.
            CertificateError::UnknownIssuer | CertificateError::Other(_) => {
                "the server's certificate is refused (if it is the right one, trust it or its issuer \
                 as a CA, or pin it)"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is refused (connect by a name that it bears, or, if it is \
                 the right one, pin it)"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate is refused (have it renewed, or, if it is the right one, \
                 pin it)"
            }
            CertificateError::ApplicationVerificationFailure => {
                "the server's certificate is not the pinned one"
            }
            _ => "the server's certificate is refused",
        },
        Invalid(InvalidMessage::InvalidContentType) if handshaking => {
            "the server does not speak TLS here"
        }
        AlertReceived(_) if handshaking => "the server refuses the TLS handshake",
        _ if handshaking => "the TLS handshake failed",
        _ => "TLS failed",
    }
}

fn verifier(
    trust: Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
    let webpki = |roots: RootCertStore| {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|why| TrustError::Rustls(rustls::Error::General(why.to_string())))
    };
    Ok(match trust {
        Trust::System => webpki(system_roots()?)?,
        Trust::Ca(listed) => Arc::new(verify::Listed { chained: webpki(roots(&listed)?)?, listed }),
        Trust::Pinned(certificate) => {
            readable(&certificate)?;
            let algorithms = provider.signature_verification_algorithms;
            Arc::new(verify::Pinned { certificate, algorithms })
        }
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        certificates.push(certificate.map_err(|why| TrustError::Pem(certificates.len() + 1, why))?);
    }
    if certificates.is_empty() { Err(TrustError::NoCertificate) } else { Ok(certificates) }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates.iter().enumerate() {
        let added = roots.add(certificate.clone());
        added.map_err(|why| TrustError::Certificate(index + 1, why))?;
    }
    if roots.is_empty() { Err(TrustError::NoCertificate) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    log::debug!("{added} CAs of the system are trusted; {ignored} cannot be read");
    for error in &found.errors {
        log::warn!("a certificate of the system cannot be loaded: {error}");
    }
    if roots.is_empty() {
        let why: String = found.errors.iter().map(|error| format!("; {error}")).collect();
        return Err(TrustError::NoSystem(why));
    }
    Ok(roots)
}

fn readable(certificate: &CertificateDer<'_>) -> Result<(), TrustError> {
    match ParsedCertificate::try_from(certificate) {
        Ok(_) => Ok(()),
        Err(why) => Err(TrustError::Certificate(1, why)),
    }
}
