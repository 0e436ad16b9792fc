//! Making the connection that an address asks for.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, anyhow};
use bellwire::Refusal;
use bellwire::dialect::imap::{Authenticate, Imap, Login, StartTls};
use bellwire::dialect::mpd::{Mpd, Password};
use bellwire::dialect::notif::Notif;
use bellwire::transcript::Configured;
use bellwire_any::tls::{TlsConfig, Trust};
use bellwire_any::{Client, Connector, Ended, Error, Notifications, Observer, Runtime, Wire};

use crate::address::{Address, Place};
use crate::args::{Access, DialectName};
use crate::observers::{Observers, record as recording};
use crate::password;

/// A connector of the notif protocol.
pub(crate) fn notif(runtime: Runtime, ids: bool) -> Connector<Notif> {
    let mut notif = Notif::default();
    notif.ids = ids;
    Connector::new(runtime, notif)
}

/// A connector of MPD, which begins with the password, if there is one.
pub(crate) fn mpd(
    runtime: Runtime,
    address: &Address,
    access: &Access,
) -> anyhow::Result<Connector<Mpd>> {
    let mut connector = Connector::new(runtime, Mpd::default());
    let password = match &address.password {
        Some(password) => Some(password.clone()),
        None => access.password_command.as_deref().map(password::from_command).transpose()?,
    };
    if let Some(password) = password {
        connector.opening.push(Box::new(Password(password)));
    }
    Ok(connector)
}

/// A connector of IMAP, which begins with logging in.
pub(crate) fn imap(
    runtime: Runtime,
    address: &Address,
    access: &Access,
) -> anyhow::Result<Connector<Imap>> {
    let mut imap = Imap::default();
    imap.insecure = access.insecure;
    let mut connector = Connector::new(runtime, imap);
    // SEARCH answers in one line, however large the mailbox.
    connector.config.limits.frame = 8 * 1024 * 1024;
    if wants_starttls(address, access) {
        connector.opening.push(Box::new(StartTls));
    }
    let user = address.user.as_deref();
    let user = user.context("an IMAP address needs a user: imaps://USER@HOST")?;
    let secret = password::get(user, access.password_command.as_deref())?;
    if access.xoauth2 {
        connector.opening.push(Box::new(Authenticate::xoauth2(user, &secret)));
    } else {
        connector.opening.push(Box::new(Login::new(user, secret)));
    }
    Ok(connector)
}

/// Connects; everything that happens is shown to `observers`, and recorded if that is asked for.
pub(crate) fn connect<D>(
    mut connector: Connector<D>,
    address: &Address,
    access: &Access,
    record: &crate::args::Record,
    mut observers: Vec<Box<dyn Observer>>,
) -> anyhow::Result<(Client<D>, Notifications<D>)>
where
    D: Wire + Configured,
{
    if let Some(file) = &record.file {
        observers.push(Box::new(recording(file, &connector.dialect, &connector.config)?));
    }
    if !observers.is_empty() {
        connector.observer = Some(Box::new(Observers(observers)));
    }
    let connected = match &address.place {
        Place::Unix(path) => connector.unix(path.clone()),
        Place::Tcp(host) if address.tls => connector.tls(host.clone(), &trusted(access)?),
        Place::Tcp(host) if wants_starttls(address, access) => {
            connector.starttls(host.clone(), &trusted(access)?)
        }
        Place::Tcp(host) => connector.tcp(host.clone()),
    };
    connected.map_err(|error| match advice(&error, access) {
        Some(advice) => anyhow!("{error}; {advice}"),
        None => error.into(),
    })
}

/// Which option helps, if one does.
fn advice(error: &Error, access: &Access) -> Option<&'static str> {
    let Error::NotConnected(ended) = error else { return None };
    match ended {
        Ended::Opening(why) if **why == Error::Refused(Refusal::NotOffered("STARTTLS")) => {
            Some("--insecure logs in without TLS, where everybody on the way can read the password")
        }
        // Only the text says that it is about trust.
        Ended::Io { kind: ErrorKind::InvalidData, what }
            if access.ca.is_none() && what.contains("as a CA") =>
        {
            Some("--ca FILE trusts the certificates in FILE")
        }
        _ => None,
    }
}

fn wants_starttls(address: &Address, access: &Access) -> bool {
    address.dialect == DialectName::Imap && !address.tls && !access.insecure
}

fn trusted(access: &Access) -> anyhow::Result<TlsConfig> {
    let trust = match &access.ca {
        Some(file) => {
            let name = file.display();
            let pem = fs::read(file).with_context(|| format!("cannot read {name}"))?;
            Trust::ca_pem(&pem).with_context(|| name.to_string())?
        }
        None => Trust::System,
    };
    Ok(TlsConfig::new(trust)?)
}
