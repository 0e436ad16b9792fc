//! Making connections.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bellwire::Dialect;
use bellwire_adapter::{Ended, Error, Settings, Transport};
#[cfg(feature = "tls")]
use bellwire_adapter::{
    is_pause,
    tls::{Tls, TlsConfig, server_name},
};

use crate::client::Client;
use crate::drive::{Dial, Handle, Shared, drive_on};
use crate::drivers::Drivers;
use crate::notifications::Notifications;
use crate::polled::Polled;
use crate::runtime::{Clock, Runtime, Streams};

/// A client, and all its notifications.
pub type Connected<D> = Result<(Client<D>, Notifications<D>), Error>;

/// How to connect on the runtime `R`, and what to do when a connection is lost: its fields are those of
/// [`Settings`].
pub struct Connector<D: Dialect, R> {
    settings: Settings<D>,
    undriven: bool,
    runtime: PhantomData<fn() -> R>,
}

impl<D: Dialect + Clone, R: Runtime> Connector<D, R>
where
    D: Send + 'static,
    D::Expect: Send,
{
    /// The defaults.
    pub fn new(dialect: D) -> Self {
        Settings::new(dialect).into()
    }

    /// Spawns no task that drives the connection: the caller polls [`Client::drive`].
    #[must_use]
    pub fn undriven(self) -> Self {
        Self { undriven: true, ..self }
    }

    /// Connects over TCP to `host:port`.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves no connection behind.
    ///
    /// # Errors
    ///
    /// When the first attempt fails, the server does not greet where it has to, or what the connection
    /// [begins with](Settings::opening) fails, even if [`reconnect`](Settings::reconnect) is set: a
    /// first connection that is refused is more often a wrong address, or a wrong password, than a
    /// pause.
    pub async fn tcp(self, address: impl ToString) -> Connected<D> {
        let address = Arc::new(address.to_string());
        self.dial(move |waker| {
            let address = Arc::clone(&address);
            async move { Ok(Polled::new(R::connect_tcp(&address).await?, waker)) }
        })
        .await
    }

    /// Connects to a Unix socket.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves no connection behind.
    ///
    /// # Errors
    ///
    /// As [`tcp`](Self::tcp).
    pub async fn unix(self, path: impl Into<PathBuf>) -> Connected<D> {
        let path = Arc::new(path.into());
        self.dial(move |waker| {
            let path = Arc::clone(&path);
            async move { Ok(Polled::new(R::connect_unix(&path).await?, waker).private()) }
        })
        .await
    }

    /// Connects over TCP, and speaks TLS from the first byte on.
    ///
    /// `address` is `host:port`; the server has to prove that it is that host, be it a name or an
    /// IP address. [`timeout`](Settings::timeout) holds for both together.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves no connection behind.
    ///
    /// # Errors
    ///
    /// As [`tcp`](Self::tcp). A certificate that is refused is an [`Ended::Io`] of the kind
    /// `InvalidData`, which is not transient: connecting again does not try again after one.
    #[cfg(feature = "tls")]
    pub async fn tls(self, address: impl ToString, config: &TlsConfig) -> Connected<D> {
        self.secure(address.to_string(), config, true).await
    }

    /// Connects over TCP in plaintext, and switches to TLS in the
    /// [opening](Settings::opening), which must hold the dialect's command for that: IMAP's
    /// [`StartTls`](bellwire::dialect::imap::StartTls). The server then has to prove that it is the
    /// host of `address`, which is `host:port`.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves no connection behind.
    ///
    /// # Errors
    ///
    /// As [`tcp`](Self::tcp); and when the opening is over and has not switched to TLS, for nothing
    /// else is said in plaintext.
    #[cfg(feature = "tls")]
    pub async fn starttls(self, address: impl ToString, config: &TlsConfig) -> Connected<D> {
        self.secure(address.to_string(), config, false).await
    }

    /// The name to prove is what the address says, whatever that resolves to.
    #[cfg(feature = "tls")]
    async fn secure(self, address: String, config: &TlsConfig, at_once: bool) -> Connected<D> {
        let name = server_name(&address).map_err(not_connected)?;
        let how = Arc::new((address, config.clone(), name));
        self.dial(move |waker| {
            let how = Arc::clone(&how);
            async move {
                let (address, config, name) = &*how;
                let stream = Polled::new(R::connect_tcp(address).await?, waker);
                if !at_once {
                    return Tls::starttls(stream, config, name.clone());
                }
                let mut stream = Tls::new(stream, config, name.clone())?;
                // The stream wakes those who drive, who await this.
                std::future::poll_fn(|_| match stream.handshake() {
                    Err(error) if is_pause(&error) => Poll::Pending,
                    done => Poll::Ready(done),
                })
                .await?;
                Ok(stream)
            }
        })
        .await
    }

    /// Uses a stream of the runtime that is connected already. It cannot be connected again.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves no connection behind.
    ///
    /// # Errors
    ///
    /// When what the connection begins with fails; see [`tcp`](Self::tcp).
    pub async fn over<S>(self, stream: S) -> Connected<D>
    where
        R: Streams<S>,
    {
        let drivers = Arc::<Drivers>::default();
        let stream = Polled::new(R::stream(stream), Waker::from(Arc::clone(&drivers)));
        self.start(Box::new(stream), drivers, None).await
    }

    async fn dial<T, F>(self, connect: impl Fn(Waker) -> F + Send + Sync + 'static) -> Connected<D>
    where
        T: Transport,
        F: Future<Output = io::Result<T>> + Send + 'static,
    {
        let timeout = self.settings.timeout;
        let dial: Arc<Dial> = Arc::new(move |waker| {
            let connecting = connect(waker);
            Box::pin(async move { Ok(Box::new(in_time::<R, _>(timeout, connecting).await?) as _) })
        });
        let drivers = Arc::<Drivers>::default();
        let waker = Waker::from(Arc::clone(&drivers));
        let transport = drivers.wake_for(dial(waker)).await.map_err(not_connected)?;
        self.start(transport, drivers, Some(dial)).await
    }

    async fn start(
        self,
        transport: Box<dyn Transport>,
        drivers: Arc<Drivers>,
        dial: Option<Arc<Dial>>,
    ) -> Connected<D> {
        let timeout = self.settings.config.timers.reply;
        let clock = Clock::of::<R>();
        let handle =
            Handle::new(Arc::new(Shared::new(self.settings, transport, drivers, dial, clock)));
        // News may come with the answers of the opening.
        let notifications = Notifications::open(handle.clone(), None);
        // One that begins with nothing has begun before anything is read: if it is closed at once, it is
        // lost like any other, however soon that is seen.
        let mut opened = handle.lock().begun();
        if opened.is_none() {
            opened = handle.drive(|state| state.drive.opened()).await;
        }
        opened.unwrap_or_else(|| Err(handle.ended())).map_err(Error::NotConnected)?;
        if !self.undriven {
            R::spawn(Box::pin(drive_on(handle.shared())));
        }
        Ok((Client::new(handle, timeout), notifications))
    }
}

/// Awaits a connection, but no longer than this.
async fn in_time<R: Runtime, T>(
    timeout: Duration,
    connecting: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let mut sleep = R::now().checked_add(timeout).map(R::sleep_until);
    let mut connecting = pin!(connecting);
    std::future::poll_fn(|context| {
        if let Poll::Ready(connected) = connecting.as_mut().poll(context) {
            return Poll::Ready(connected);
        }
        match &mut sleep {
            Some(sleep) => sleep.as_mut().poll(context).map(|()| {
                let why = "the connection was not made in time";
                Err(io::Error::new(io::ErrorKind::TimedOut, why))
            }),
            None => Poll::Pending,
        }
    })
    .await
}

fn not_connected(error: io::Error) -> Error {
    Error::NotConnected(Ended::from(error))
}

impl<D: Dialect, R> From<Settings<D>> for Connector<D, R> {
    fn from(settings: Settings<D>) -> Self {
        Self { settings, undriven: false, runtime: PhantomData }
    }
}

impl<D: Dialect, R> Deref for Connector<D, R> {
    type Target = Settings<D>;

    fn deref(&self) -> &Self::Target {
        &self.settings
    }
}

impl<D: Dialect, R> DerefMut for Connector<D, R> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.settings
    }
}

impl<D: Dialect + fmt::Debug, R> fmt::Debug for Connector<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("settings", &self.settings)
            .field("undriven", &self.undriven)
            .finish_non_exhaustive()
    }
}
