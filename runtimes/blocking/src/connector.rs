//! Making connections.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bellwire::Dialect;
use bellwire_adapter::{Ended, Error, Reconnect, Settings};

use crate::client::Client;
use crate::drive::{Dial, Shared};
use crate::notifications::Notifications;
#[cfg(feature = "tls")]
use crate::tls::{Tls, TlsConfig, rustls::pki_types::ServerName, server_name, shake_hands};
use crate::transport::Pollable;

/// Connects over TCP, with the defaults of [`Connector`].
///
/// # Errors
///
/// When there is no connection to be had.
pub fn connect<D>(
    address: impl ToSocketAddrs + Clone + Send + Sync + 'static,
    dialect: D,
) -> Result<(Client<D>, Notifications<D>), Error>
where
    D: Dialect + Clone,
{
    Connector::new(dialect).tcp(address)
}

/// How to connect, and what to do when a connection is lost: its fields are those of [`Settings`].
///
/// ```no_run
/// use std::time::Duration;
/// use bellwire::dialect::notif::Notif;
/// use bellwire_blocking::{Connector, Reconnect};
///
/// let mut connector = Connector::new(Notif::default());
/// connector.config.timers.rearm = Some(Duration::from_secs(29 * 60));
/// connector.reconnect = Some(Reconnect::default());
/// let (client, notifications) = connector.tcp("127.0.0.1:6789")?;
/// # Ok::<(), bellwire_blocking::Error>(())
/// ```
#[derive(Debug)]
pub struct Connector<D: Dialect>(Settings<D>);

impl<D: Dialect + Clone> Connector<D> {
    /// The defaults.
    pub fn new(dialect: D) -> Self {
        Self(Settings::new(dialect))
    }

    /// Connects over TCP.
    ///
    /// # Errors
    ///
    /// When the first attempt fails, the server does not greet where it has to, or what the connection
    /// [begins with](Settings::opening) fails, even if [`reconnect`](Settings::reconnect) is set: a first
    /// connection that is refused is more often a wrong address, or a wrong password, than a pause.
    pub fn tcp(
        self,
        address: impl ToSocketAddrs + Send + Sync + 'static,
    ) -> Result<(Client<D>, Notifications<D>), Error> {
        let timeout = self.timeout;
        self.dial(Arc::new(move || Ok(Box::new(connect_tcp(&address, timeout)?) as _)))
    }

    /// Connects over TCP, and speaks TLS from the first byte on.
    ///
    /// `address` is `host:port`; the server has to prove that it is that host, be it a name or an
    /// IP address. [`timeout`](Settings::timeout) holds for the TLS handshake, too.
    ///
    /// # Errors
    ///
    /// As [`tcp`](Self::tcp). A certificate that is refused is an [`Ended::Io`] of the kind
    /// `InvalidData`, which is not transient: connecting again does not try again after one.
    #[cfg(feature = "tls")]
    pub fn tls(
        self,
        address: impl Into<String>,
        config: &TlsConfig,
    ) -> Result<(Client<D>, Notifications<D>), Error> {
        let timeout = self.timeout;
        self.dial_named(address.into(), config.clone(), move |stream, config, name| {
            let mut stream = Tls::new(stream, config, name)?;
            stream.prepare()?;
            shake_hands(&mut stream, timeout)?;
            Ok(stream)
        })
    }

    /// Connects over TCP in plaintext, and switches to TLS in the
    /// [opening](Settings::opening), which must hold the dialect's command for that: IMAP's
    /// [`StartTls`](bellwire::dialect::imap::StartTls). The server then has to prove that it is the
    /// host of `address`, which is `host:port`.
    ///
    /// # Errors
    ///
    /// As [`tcp`](Self::tcp); and when the opening is over and has not switched to TLS, for nothing
    /// else is said in plaintext.
    #[cfg(feature = "tls")]
    pub fn starttls(
        self,
        address: impl Into<String>,
        config: &TlsConfig,
    ) -> Result<(Client<D>, Notifications<D>), Error> {
        self.dial_named(address.into(), config.clone(), Tls::starttls)
    }

    /// The name to prove is what the address says, whatever that resolves to.
    #[cfg(feature = "tls")]
    fn dial_named(
        self,
        address: String,
        config: TlsConfig,
        secure: impl Fn(TcpStream, &TlsConfig, ServerName<'static>) -> io::Result<Tls<TcpStream>>
        + Send
        + Sync
        + 'static,
    ) -> Result<(Client<D>, Notifications<D>), Error> {
        let name = server_name(&address).map_err(|error| Error::NotConnected(error.into()))?;
        let timeout = self.timeout;
        self.dial(Arc::new(move || {
            let stream = connect_tcp(&address, timeout)?;
            Ok(Box::new(secure(stream, &config, name.clone())?) as _)
        }))
    }

    /// Connects to a Unix socket.
    ///
    /// # Errors
    ///
    /// As [`tcp`](Self::tcp).
    pub fn unix(
        self,
        path: impl AsRef<Path> + Send + Sync + 'static,
    ) -> Result<(Client<D>, Notifications<D>), Error> {
        self.dial(Arc::new(move || Ok(Box::new(UnixStream::connect(path.as_ref())?) as _)))
    }

    /// Uses a stream that is connected already. It cannot be connected again.
    ///
    /// # Errors
    ///
    /// When the stream cannot be made ready.
    pub fn over(self, stream: impl Pollable) -> Result<(Client<D>, Notifications<D>), Error> {
        self.start(Box::new(stream), None)
    }

    fn dial(self, dial: Arc<Dial>) -> Result<(Client<D>, Notifications<D>), Error> {
        let link = dial().map_err(|error| Error::NotConnected(error.into()))?;
        let retry = self.reconnect.clone().map(|policy| (policy, dial));
        self.start(link, retry)
    }

    fn start(
        self,
        link: Box<dyn Pollable>,
        retry: Option<(Reconnect, Arc<Dial>)>,
    ) -> Result<(Client<D>, Notifications<D>), Error> {
        let timeout = self.config.timers.reply;
        let session = self.0.session();
        let shared = Shared::new(session, link, retry)
            .map_err(|error| Error::NotConnected(Ended::from(error)))?;
        let shared = Arc::new(shared);
        // News may come with the answers of the opening.
        let notifications = Notifications::open(Arc::clone(&shared), None);
        shared.wait_open().map_err(Error::NotConnected)?;
        Ok((Client::new(shared, timeout), notifications))
    }
}

fn connect_tcp(address: &impl ToSocketAddrs, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = None;
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address")))
}

impl<D: Dialect> From<Settings<D>> for Connector<D> {
    fn from(settings: Settings<D>) -> Self {
        Self(settings)
    }
}

impl<D: Dialect> Deref for Connector<D> {
    type Target = Settings<D>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<D: Dialect> DerefMut for Connector<D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
