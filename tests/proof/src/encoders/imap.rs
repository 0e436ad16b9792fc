//! IMAP's encoders, beside a naive server.

use std::fmt::Debug;

use super::{bytes, given, some, taken, told};
use crate::cases::one_of;
use arbitrary::Unstructured;
use bellwire::dialect::imap::{
    Append, Ask, Authenticate, Examine, Imap, Login, Select, decode_mailbox, encode_mailbox,
};
use bellwire::transcript::escape;
use bellwire::{Client, Command, Config, Event, Refusal};

mod naive;

use naive::{Naive, Read, Reader};

/// Commands of IMAP's, of any bytes; and the names of mailboxes.
pub fn imap(data: &[u8]) {
    let u = &mut Unstructured::new(data);
    let offers =
        one_of(u, &["", "LITERAL+", "LITERAL-", "SASL-IR", "LITERAL- SASL-IR", "IMAP4rev2"]);
    let server = Server { offers, private: one_of(u, &[true, false]) };
    match u.int_in_range(0..=5).unwrap_or_default() {
        0 => {
            let text = bytes(u);
            if let Some(said) = server.hears(&text) {
                let text = [b"A1 ", text, b"\r\n"].concat();
                assert_eq!(escape(&counted_plainly(&said)), escape(&counted_plainly(&text)));
            }
        }
        1 => put_together(u, &server),
        2 => {
            let (user, password) = (string(u), string(u));
            if let Some(said) = server.hears(&Login::new(user, password)) {
                let mut read = Reader::new(&said);
                read.text("A1 LOGIN ");
                assert_eq!(escape(&read.astring()), escape(user.as_bytes()));
                read.text(" ");
                assert_eq!(escape(&read.astring()), escape(password.as_bytes()));
                read.text("\r\n");
                read.end();
            }
        }
        3 => authenticate(u, &server),
        4 => {
            let name = string(u);
            for (said, verb) in [
                (server.hears(&Select(name.into())), "SELECT"),
                (server.hears(&Examine(name.into())), "EXAMINE"),
            ] {
                let said = said.expect("any name can be written");
                let mut read = Reader::new(&said);
                read.text(&format!("A1 {verb} "));
                mailbox(&read.astring(), name);
                read.text("\r\n");
                read.end();
            }
            mailbox_read(name);
        }
        _ => {
            let (name, message) = (string(u), large(u));
            let append = Append { mailbox: name.into(), message: message.clone().into() };
            if let Some(said) = server.hears(&append) {
                let mut read = Reader::new(&said);
                read.text("A1 APPEND ");
                mailbox(&read.astring(), name);
                read.text(" ");
                assert_eq!(escape(&read.literal()), escape(&message));
                read.text("\r\n");
                read.end();
            } else {
                assert!(message.contains(&0), "any message without NUL can be written");
            }
        }
    }
}

/// With each count that may be a literal's as it is mostly written: the text of a secret is not kept to
/// the letter.
fn counted_plainly(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut begins = false;
    for (at, byte) in text.iter().enumerate() {
        let digit_follows = text.get(at + 1).is_some_and(u8::is_ascii_digit);
        if begins && *byte == b'0' && digit_follows {
            continue;
        }
        begins = *byte == b'{';
        plain.push(*byte);
    }
    plain
}

fn string<'a>(u: &mut Unstructured<'a>) -> &'a str {
    u.arbitrary().unwrap_or_default()
}

/// Bytes, or more of them than fit where a server limits literals that it need not ask for.
fn large(u: &mut Unstructured<'_>) -> Vec<u8> {
    let (text, large) = (bytes(u), one_of(u, &[false, false, true]));
    if large { text[..text.len().min(8)].repeat(2000) } else { text.to_vec() }
}

/// An argument of a command that is put together.
#[derive(Debug)]
enum Argument<'a> {
    Text(&'a str),
    AString(&'a [u8]),
    Literal(Vec<u8>),
    Mailbox(&'a str),
}

fn put_together(u: &mut Unstructured<'_>, server: &Server) {
    let verb = one_of(u, &["SEARCH", "UID FETCH", "X", "LOGOUT", "STATUS"]);
    let arguments = some(u, 5, |u| match u.int_in_range(0..=3).unwrap_or_default() {
        0 => Argument::Text(string(u)),
        1 => Argument::AString(bytes(u)),
        2 => Argument::Literal(large(u)),
        _ => Argument::Mailbox(string(u)),
    });
    let ask = arguments.iter().fold(Ask::new(verb), |ask, argument| match argument {
        Argument::Text(text) => ask.text(*text),
        Argument::AString(text) => ask.astring(text.to_vec()),
        Argument::Literal(bytes) => ask.literal(bytes.clone()),
        Argument::Mailbox(name) => ask.mailbox(name),
    });
    let Some(said) = server.hears(&ask) else { return };
    let mut read = Reader::new(&said);
    read.text(&format!("A1 {verb}"));
    for argument in &arguments {
        read.text(" ");
        match argument {
            Argument::Text(text) => read.text(text),
            Argument::AString(text) => assert_eq!(escape(&read.astring()), escape(text)),
            Argument::Literal(bytes) => assert_eq!(escape(&read.literal()), escape(bytes)),
            Argument::Mailbox(name) => mailbox(&read.astring(), name),
        }
    }
    read.text("\r\n");
    read.end();
}

fn authenticate(u: &mut Unstructured<'_>, server: &Server) {
    let (user, secret) = (string(u), string(u));
    let (command, mechanism, expected) = if one_of(u, &[true, false]) {
        let expected = format!("\0{user}\0{secret}");
        (Authenticate::plain(user, secret), "PLAIN", expected)
    } else {
        let expected = format!("user={user}\x01auth=Bearer {secret}\x01\x01");
        (Authenticate::xoauth2(user, secret), "XOAUTH2", expected)
    };
    let Some(said) = server.hears(&command) else { return };
    let at_once = server.offers.contains("SASL-IR") || server.offers.contains("IMAP4rev2");
    let mut read = Reader::new(&said);
    read.text(&format!("A1 AUTHENTICATE {mechanism}{}", if at_once { " " } else { "\r\n" }));
    assert_eq!(escape(&read.base64()), escape(expected.as_bytes()));
    read.text("\r\n");
    // What is said if the server asks once more.
    read.text(if mechanism == "PLAIN" { "*\r\n" } else { "\r\n" });
    read.end();
}

/// A name as it was written is printable ASCII, and is read as it went.
fn mailbox(written: &[u8], name: &str) {
    assert_eq!(escape(written), escape(encode_mailbox(name).as_bytes()));
    assert!(written.iter().all(|byte| matches!(byte, b' '..=b'~')), "{}", escape(written));
    let written = str::from_utf8(written).expect("ASCII");
    assert_eq!(decode_mailbox(written), name);
}

/// What is no name on this wire is told as it is, or as some name; never as nothing.
fn mailbox_read(wire: &str) {
    let decoded = decode_mailbox(wire);
    assert_eq!(decoded.is_empty(), wire.is_empty());
    assert!(wire.contains('&') || decoded == wire, "{wire:?}: {decoded:?}");
}

/// The other end of a client: what it offers, and whether nobody can listen in.
struct Server {
    offers: &'static str,
    private: bool,
}

impl Server {
    /// Gives a command to a client, and what the client says to a naive server: one command, of which no
    /// byte comes before the server has asked for it. Nothing if the command was refused.
    fn hears<C>(&self, command: &C) -> Option<Vec<u8>>
    where
        C: Command<Imap> + Clone + PartialEq + Debug,
    {
        let mut client = Client::new(Imap::default(), Config::default());
        if self.private {
            client.secured();
        }
        let greeting = format!("* OK [CAPABILITY IMAP4rev1 STARTTLS {}] ready\r\n", self.offers);
        told(&mut client, greeting.as_bytes());
        let mut said = match given(&mut client, command) {
            Err(Refusal::Insecure) if self.private => panic!("nobody can listen in"),
            Err(_) => return None,
            Ok(said) => said,
        };
        client.command(&b"CHECK"[..]).expect("a command");

        // Whoever can listen in may have made the offer.
        let mut server = Naive::new(if self.private { self.offers } else { "" });
        let authenticates = said.to_ascii_uppercase().starts_with(b"A1 AUTHENTICATE ");
        loop {
            match server.read(&said) {
                Ok(Read::Asks) => server.asked += 1,
                // There is always one question more.
                Ok(Read::Command(length)) if authenticates && length == said.len() => {
                    server.asked += 1;
                }
                Ok(Read::Command(length)) if length == said.len() => break,
                Ok(Read::Command(_)) => panic!("more than one command: {}", escape(&said)),
                Err(wrong) => panic!("{wrong}: {}", escape(&said)),
            }
            match told(&mut client, b"+\r\n").as_slice() {
                [] => said.extend(taken(&mut client)),
                // The client has no more to say.
                [Event::Unsolicited(_)] if authenticates => break,
                other => panic!("not asked: {other:?}, in {}", escape(&said)),
            }
        }
        let starts_tls = said.to_ascii_uppercase().starts_with(b"A1 STARTTLS");
        let answer = told(&mut client, b"A1 OK\r\n");
        assert!(matches!(answer.as_slice(), [Event::Reply { .. }]), "{answer:?}");
        let next = if starts_tls { "" } else { "A2 CHECK\\r\\n" };
        assert_eq!(escape(&taken(&mut client)), next, "behind {}", escape(&said));
        Some(said)
    }
}
