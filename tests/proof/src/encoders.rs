//! G13: whatever an encoder accepts is read back as the same by the other end, and never as two frames;
//! what it does not is handed back, and leaves no trace on the wire. Where there is no other end of ours,
//! a naive one reads.

use std::fmt::Debug;

use arbitrary::Unstructured;
use bellwire::transcript::escape;
use bellwire::{Client, Command, Dialect, Refusal, Server, ServerDialect, ServerEvent, Ticket};

mod imap;
mod mpd;
mod notif;

pub use imap::imap;
pub use mpd::mpd;
pub use notif::notif;

/// Gives a command. Its bytes, as the transport takes them; or why it was refused.
fn given<D: Dialect, C>(client: &mut Client<D>, command: &C) -> Result<Vec<u8>, Refusal>
where
    C: Command<D> + Clone + PartialEq + Debug,
{
    match client.command(command.clone()) {
        Ok(_) => Ok(taken(client)),
        Err(refused) => {
            assert_eq!(refused.value, *command, "not handed back");
            assert_eq!(escape(client.output()), "", "refused, and said all the same: {command:?}");
            assert_eq!(client.pending(), 0, "refused, and awaited all the same: {command:?}");
            Err(refused.why)
        }
    }
}

/// What is due, which the transport takes.
fn taken<D: Dialect>(client: &mut Client<D>) -> Vec<u8> {
    let due = client.output().to_vec();
    client.written(due.len());
    due
}

fn served<D: ServerDialect>(server: &mut Server<D>) -> Vec<u8> {
    let due = server.output().to_vec();
    server.written(due.len());
    due
}

/// One line without a byte that ends, or forges, another.
fn one_line(said: &[u8]) {
    let line = said.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = line.unwrap_or_else(|| panic!("no whole line: {}", escape(said)));
    let forges = line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    assert!(!forges, "not one line: {}", escape(said));
}

/// What a client takes these bytes for.
fn told<D: Dialect>(client: &mut Client<D>, said: &[u8]) -> Vec<bellwire::Event<bytes::Bytes>> {
    let mut told = Vec::new();
    let mut events = client.feed(said);
    loop {
        match events.next() {
            Ok(Some(event)) => told.push(event.into_owned()),
            Ok(None) => return told,
            Err(error) => panic!("{error}: {}", escape(said)),
        }
    }
}

/// The next command that a server hears, or what it rejects instead.
fn heard<D: ServerDialect>(server: &mut Server<D>) -> Option<(Option<Ticket>, Vec<u8>)> {
    match server.events().next() {
        Ok(None) => None,
        Ok(Some(ServerEvent::Command { ticket, text, .. })) => Some((Some(ticket), text.to_vec())),
        Ok(Some(ServerEvent::Rejected { text, .. })) => Some((None, text.to_vec())),
        other => panic!("no command: {other:?}"),
    }
}

fn bytes<'a>(u: &mut Unstructured<'a>) -> &'a [u8] {
    u.arbitrary().unwrap_or_default()
}

/// Up to so many values of one kind.
fn some<'a, T>(u: &mut Unstructured<'a>, most: u8, one: fn(&mut Unstructured<'a>) -> T) -> Vec<T> {
    let count = u.int_in_range(0..=most).unwrap_or_default();
    (0..count).map(|_| one(u)).collect()
}
