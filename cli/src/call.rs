//! `bellwire call`: commands from the command line, and their replies.

use anyhow::bail;
use bellwire::BadReply;
use bellwire::transcript::Configured;
use bellwire_any::{Connector, Error, Pending, Wire};
use bytes::Bytes;

use crate::address::Address;
use crate::args::{Call, DialectName};
use crate::{connect, print};

pub(crate) fn run(args: &Call) -> anyhow::Result<()> {
    let (address, runtime) = (Address::parse(&args.address)?, args.on.runtime);
    match address.dialect {
        DialectName::Notif => call(connect::notif(runtime, args.ids), &address, args),
        DialectName::Mpd => call(connect::mpd(runtime, &address, &args.access)?, &address, args),
        DialectName::Imap => {
            let mut connector = connect::imap(runtime, &address, &args.access)?;
            if let Some(mailbox) = address.mailbox.clone() {
                connector.opening.push(Box::new(bellwire::dialect::imap::Select(mailbox)));
            }
            call(connector, &address, args)
        }
    }
}

fn call<D>(mut connector: Connector<D>, address: &Address, args: &Call) -> anyhow::Result<()>
where
    D: Wire + Configured,
{
    connector.timeout = args.timeout;
    connector.config.timers.reply = Some(args.timeout);
    connector.config.timers.greeting = Some(args.timeout);
    let window = connector.config.limits.pending;
    if args.pipeline {
        connector.config.in_flight = window;
    }
    let (client, _) = connect::connect(connector, address, &args.access, &args.record, Vec::new())?;
    let show = |reply| show(address.dialect, reply);

    let mut refused = 0;
    if args.pipeline {
        for commands in args.commands.chunks(window) {
            // All are sent before the first is waited for.
            for sent in client.send_all(commands.iter().map(String::as_str)) {
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
fn show(dialect: DialectName, reply: Result<Bytes, Error>) -> anyhow::Result<bool> {
    match reply {
        // MPD's replies say nothing where there is nothing to say.
        Ok(text) if text.is_empty() && dialect == DialectName::Mpd => print::line(b"OK")?,
        Ok(text) => {
            for line in text.split(|byte| *byte == b'\n') {
                // In a mail, a line ends in CR LF.
                let mail = dialect == DialectName::Imap;
                print::line(line.strip_suffix(b"\r").filter(|_| mail).unwrap_or(line))?;
            }
        }
        Err(Error::BadReply(BadReply::Refused(text)) | Error::Unavailable(text)) => {
            // As the server has put it, or it could be taken for a line of a good reply.
            let start: &[u8] = if dialect == DialectName::Mpd { b"ACK " } else { b"" };
            print::line(&[start, &text].concat())?;
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}
