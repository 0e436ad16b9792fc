//! IMAP's client: sessions as transcripts, each played as it stands and again with the bytes cut in
//! other places (G11).
//!
//! | room | what is in it |
//! |---|---|
//! | `replies` | the greeting, tagged replies, untagged data |
//! | `literals` | literals that the server sends, whole and in pieces |
//! | `pauses` | literals that the client sends, and logging in: commands that wait for the server |
//! | `commands` | what is written, and what is refused (G13) |
//! | `starttls` | the change of the stream |
//! | `opening` | what a connection begins with |
//!
//! Whatever the bytes: the room `split` of `bellwire-proof` tries that, and `encoders` whatever the caller says.

use std::fs;

use bellwire::dialect::imap::Imap;
use bellwire::{Client, Config, Event};

mod common;

#[path = "imap/commands.rs"]
mod commands;
#[path = "imap/literals.rs"]
mod literals;
#[path = "imap/opening.rs"]
mod opening;
#[path = "imap/pauses.rs"]
mod pauses;
#[path = "imap/replies.rs"]
mod replies;
#[path = "imap/starttls.rs"]
mod starttls;

/// The dialect, on a connection that nobody can listen in on.
fn private() -> Imap {
    let mut imap = Imap::default();
    imap.insecure = true;
    imap
}

/// Plays a session, from the greeting on.
fn play(session: &str) -> Client<Imap> {
    common::client_of(&private(), session)
}

/// Plays a session with a server that has greeted, and needs nobody to log in.
fn greeted(session: &str) -> Client<Imap> {
    play(&format!("S: * PREAUTH ready\n> greeting * PREAUTH ready\n{session}"))
}

/// A client on a private connection whose server has greeted, and offers this.
fn offered(capabilities: &str) -> Client<Imap> {
    let mut client = Client::new(private(), Config::default());
    let greeting = format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] ready\r\n");
    assert!(matches!(client.feed(greeting.as_bytes()).next(), Ok(Some(Event::Greeting(_)))));
    client
}

fn transcript(name: &str) -> String {
    let path = format!("tests/transcripts/imap/{name}.txt");
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// G2, G6, G7, G9: what Dovecot says in a session of all kinds of things.
#[test]
fn dovecot() {
    assert_eq!(play(&transcript("dovecot")).unsolicited(), 0);
}

/// G2, G6
#[test]
fn pipeline() {
    play(&transcript("pipeline"));
}

/// G7, G11
#[test]
fn literals_of_all_kinds() {
    play(&transcript("literals"));
}
