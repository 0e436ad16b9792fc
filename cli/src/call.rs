//! `bellwire call`: commands from the command line, a reply a line.

use anyhow::bail;
use bellwire::BadReply;
use bellwire::dialect::notif::Notif;
use bellwire_blocking::{Connector, Error, Pending};
use bytes::Bytes;

use crate::args::Call;
use crate::observers::Record;
use crate::{print, watch};

pub(crate) fn run(args: &Call) -> anyhow::Result<()> {
    let mut notif = Notif::default();
    notif.ids = args.ids;
    let mut connector = Connector::new(notif);
    connector.timeout = args.timeout;
    connector.config.timers.reply = Some(args.timeout);
    let window = connector.config.limits.pending;
    if args.pipeline {
        connector.config.in_flight = window;
    }
    if let Some(file) = &args.record.file {
        let record = Record::new(file, &connector.dialect, &connector.config)?;
        connector.observer = Some(Box::new(record));
    }
    let (client, _) = connector.tcp(watch::notif_address(&args.address)?)?;

    let mut refused = 0;
    if args.pipeline {
        for commands in args.commands.chunks(window) {
            // All are sent before the first is waited for.
            let sent: Vec<_> =
                commands.iter().map(|command| client.send(command.as_str())).collect();
            for sent in sent {
                refused += u64::from(!show(sent.and_then(Pending::wait))?);
            }
        }
    } else {
        for command in &args.commands {
            refused += u64::from(!show(client.request(command.as_str()))?);
        }
    }
    client.close();
    match refused {
        0 => Ok(()),
        count => bail!("{count} of {} commands were refused", args.commands.len()),
    }
}
/// Prints a reply. `false`: the server refused.
fn show(reply: Result<Bytes, Error>) -> anyhow::Result<bool> {
    match reply {
        Ok(text) => {
            print::line(&text)?;
            Ok(true)
        }
        Err(Error::BadReply(BadReply::Refused(text)) | Error::Unavailable(text)) => {
            print::line(&text)?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
