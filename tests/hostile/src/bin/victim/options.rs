//! What of the defaults is changed: `NAME=VALUE`, times in seconds. A client has patience, where nothing else is said.

use std::time::Duration;

use anyhow::{Context, bail};
use bellwire::{Config, ServerConfig};
use bellwire_any::tls::{TlsConfig, Trust};
use bellwire_any::{Connector, Wire};
use bellwire_hostile::GENEROUS;

/// Both ends' options.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) connections: Option<usize>,
    silence: Option<Duration>,
    connect: Option<Duration>,
    reply: Option<Duration>,
    greeting: Option<Duration>,
    write: Option<Duration>,
    parts: Option<usize>,
    size: Option<usize>,
    output: Option<usize>,
    queue_bytes: Option<usize>,
    tls: bool,
    /// The only server that is trusted.
    pin: Option<String>,
}

impl Options {
    pub(crate) fn read(arguments: &[String]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        for argument in arguments {
            let (name, value) = argument.split_once('=').context("no NAME=VALUE")?;
            let time = || anyhow::Ok(Some(Duration::try_from_secs_f64(value.parse()?)?));
            let count = || anyhow::Ok(Some(value.parse()?));
            match name {
                "connections" => options.connections = count()?,
                "silence" => options.silence = time()?,
                "connect" => options.connect = time()?,
                "reply" => options.reply = time()?,
                "greeting" => options.greeting = time()?,
                "write" => options.write = time()?,
                "parts" => options.parts = count()?,
                "size" => options.size = count()?,
                "queue_bytes" => options.queue_bytes = count()?,
                "output" => options.output = count()?,
                "tls" => options.tls = value.parse()?,
                "pin" => options.pin = Some(value.to_owned()),
                _ => bail!("no option {name}"),
            }
        }
        Ok(options)
    }

    pub(crate) fn of_server(&self, config: &mut ServerConfig) {
        let timers = &mut config.timers;
        timers.silence = self.silence.or(timers.silence);
        timers.write = self.write.or(timers.write);
    }

    pub(crate) fn of_client<D: Wire>(&self, connector: &mut Connector<D>) {
        connector.timeout = self.connect.unwrap_or(GENEROUS);
        connector.queue_bytes = self.queue_bytes.unwrap_or(connector.queue_bytes);
        let Config { timers, limits, in_flight, .. } = &mut connector.config;
        timers.reply = self.reply.or(Some(GENEROUS));
        timers.greeting = self.greeting.or(Some(GENEROUS));
        // Who pours news never acknowledges that they are to end, and it may take long to hear them all.
        timers.switch = None;
        timers.write = self.write.or(timers.write);
        if let Some(output) = self.output {
            limits.output = output;
            // Else what comes next waits for an answer first.
            *in_flight = limits.pending;
        }
        limits.parts = self.parts.unwrap_or(limits.parts);
        limits.reply = self.size.unwrap_or(limits.reply);
    }

    /// How TLS is spoken, if it is. Nobody else is trusted.
    pub(crate) fn tls(&self) -> anyhow::Result<Option<TlsConfig>> {
        if let Some(pem) = &self.pin {
            return Ok(Some(TlsConfig::new(Trust::pinned_pem(pem.as_bytes())?)?));
        }
        if !self.tls {
            return Ok(None);
        }
        let nobody = rcgen::generate_simple_self_signed(Vec::new())?;
        Ok(Some(TlsConfig::new(Trust::Pinned(nobody.cert.der().clone()))?))
    }
}
