//! Making connections.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use bellwire::Dialect;
use bellwire_adapter::tls::TlsConfig;
use bellwire_adapter::{Ended, Error, Settings};
use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_tokio::Tokio;

use crate::client::{Client, Either, Notifications};
use crate::runtime::{Executor, Runtime};

/// A dialect that every runtime can speak.
pub trait Wire: Dialect<Expect: Send> + Clone + Send + 'static {}

impl<D: Dialect<Expect: Send> + Clone + Send + 'static> Wire for D {}

/// A client, and all its notifications.
pub type Connected<D> = Result<(Client<D>, Notifications<D>), Error>;

/// How to connect, and on which runtime: its fields are those of [`Settings`].
pub struct Connector<D: Dialect> {
    /// The runtime.
    pub runtime: Runtime,
    settings: Settings<D>,
}

/// Calls the same method of the connector of whichever runtime it is.
macro_rules! connect {
    ($self:expr, |$connector:ident| $connect:expr) => {{
        let Connector { runtime, settings } = $self;
        match runtime.executor().map_err(not_connected)? {
            None => {
                let $connector = bellwire_blocking::Connector::from(settings);
                $connect.map(blocking)
            }
            Some(executor) => executor.block_on(async move {
                let connected = match executor {
                    Executor::Tokio(_) => {
                        let $connector = bellwire_async::Connector::<D, Tokio>::from(settings);
                        $connect.await
                    }
                    Executor::AsyncStd => {
                        let $connector = bellwire_async::Connector::<D, AsyncStd>::from(settings);
                        $connect.await
                    }
                    Executor::Smol => {
                        let $connector = bellwire_async::Connector::<D, Smol>::from(settings);
                        $connect.await
                    }
                };
                connected.map(|connected| asynchronous(executor, connected))
            }),
        }
    }};
}

#[allow(clippy::needless_pass_by_value, reason = "as the adapters themselves take it")]
impl<D: Wire> Connector<D> {
    /// The defaults.
    pub fn new(runtime: Runtime, dialect: D) -> Self {
        Self { runtime, settings: Settings::new(dialect) }
    }

    /// Connects over TCP to `host:port`.
    ///
    /// # Errors
    ///
    /// When the runtime cannot be had; else as `bellwire_blocking::Connector::tcp`.
    pub fn tcp(self, address: impl ToString) -> Connected<D> {
        let address = address.to_string();
        connect!(self, |connector| connector.tcp(address))
    }

    /// Connects to a Unix socket.
    ///
    /// # Errors
    ///
    /// As [`tcp`](Self::tcp).
    pub fn unix(self, path: impl Into<PathBuf>) -> Connected<D> {
        let path = path.into();
        connect!(self, |connector| connector.unix(path))
    }

    /// Connects over TCP to `host:port`, and speaks TLS from the first byte on.
    ///
    /// # Errors
    ///
    /// As `bellwire_blocking::Connector::tls`.
    pub fn tls(self, address: impl ToString, config: &TlsConfig) -> Connected<D> {
        let address = address.to_string();
        connect!(self, |connector| connector.tls(address, config))
    }

    /// Connects over TCP to `host:port` in plaintext, and switches to TLS in the opening.
    ///
    /// # Errors
    ///
    /// As `bellwire_blocking::Connector::starttls`.
    pub fn starttls(self, address: impl ToString, config: &TlsConfig) -> Connected<D> {
        let address = address.to_string();
        connect!(self, |connector| connector.starttls(address, config))
    }
}

fn blocking<D: Wire>(
    (client, notifications): (bellwire_blocking::Client<D>, bellwire_blocking::Notifications<D>),
) -> (Client<D>, Notifications<D>) {
    (Client(Either::Blocking(client)), Notifications(Either::Blocking(notifications)))
}

fn asynchronous<D: Wire>(
    executor: Executor,
    (client, notifications): (bellwire_async::Client<D>, bellwire_async::Notifications<D>),
) -> (Client<D>, Notifications<D>) {
    (Client(Either::Async(executor, client)), Notifications(Either::Async(executor, notifications)))
}

fn not_connected(error: io::Error) -> Error {
    Error::NotConnected(Ended::from(error))
}

impl<D: Dialect> Deref for Connector<D> {
    type Target = Settings<D>;

    fn deref(&self) -> &Self::Target {
        &self.settings
    }
}

impl<D: Dialect> DerefMut for Connector<D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.settings
    }
}

impl<D: Dialect + fmt::Debug> fmt::Debug for Connector<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("runtime", &self.runtime)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
