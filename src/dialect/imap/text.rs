//! Commands as a person would type them.

use super::string::{check_literal, needs_pause, secret_literal};
use super::{Expect, Imap, literal_at_end};
use crate::command::Encoder;
use crate::error::Refusal;

/// Writes a command given as text: `UID FETCH 1:* FLAGS`, without a tag. It may hold literals, each
/// with its count before it: `APPEND INBOX {5}`, CR LF, `hello`. Behind `AUTHENTICATE`, each further
/// line answers one of the server's questions; there is at least one, if no answer stands in the first.
pub(super) fn encode(
    dialect: &Imap,
    text: &[u8],
    line: &mut Encoder<'_>,
) -> Result<Expect, Refusal> {
    let verb = Verb::of(text)?;
    if verb.is_secret() && !dialect.keeps_secrets() {
        return Err(Refusal::Insecure);
    }
    // No literal holds it either.
    check_literal(text)?;
    let mut secret_from = verb.secret_from(text);
    let mut rest = text;
    // The whole text is one command, or some byte of it would end the command early.
    while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
        let forbidden = Refusal::Forbidden { byte: rest[end], at: text.len() - rest.len() + end };
        let (segment, behind) = rest.split_at(end);
        let behind = behind.strip_prefix(b"\r\n").ok_or(forbidden)?;
        if verb == Verb::Authenticate {
            check_end(segment)?;
            push_partly(segment, secret_from, line)?;
            line.end(b"\r\n");
            line.pause();
            rest = behind;
        } else {
            let count = literal_at_end(segment).ok().flatten().ok_or(forbidden)?;
            let (bytes, behind) = behind.split_at_checked(count).ok_or(NO_LITERAL)?;
            if segment.ends_with(b"+}") && needs_pause(dialect, count) {
                return Err(Refusal::NotOffered("literals that it need not ask for"));
            }
            push_with_literal(segment, bytes, secret_from, line)?;
            rest = behind;
        }
        secret_from = verb.is_secret().then_some(0);
    }
    check_end(rest)?;
    if verb == Verb::Authenticate && secret_from == Some(text.len()) {
        return Err(Refusal::Incomplete("the server will ask for something"));
    }
    push_partly(rest, secret_from, line)?;
    line.end(b"\r\n");
    if verb == Verb::StartTls {
        line.barrier();
    }
    Ok(verb.expect())
}

/// What a command waits for that is put together from parts and begins with `text`.
pub(super) fn expect(text: &[u8]) -> Result<Expect, Refusal> {
    match Verb::of(text)? {
        Verb::Login | Verb::Authenticate | Verb::StartTls => {
            Err(Refusal::Reserved("there is a type for it, which keeps secrets"))
        }
        verb => Ok(verb.expect()),
    }
}

/// Writes text that may not hold a literal's count.
pub(super) fn push(text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
    check_end(text)?;
    line.text(text)
}

const NO_LITERAL: Refusal = Refusal::Incomplete("it announces a literal that does not follow");

/// What ends in a literal's count would make a literal of what follows.
fn check_end(text: &[u8]) -> Result<(), Refusal> {
    match literal_at_end(text) {
        Ok(None) => Ok(()),
        _ => Err(NO_LITERAL),
    }
}

fn push_partly(
    text: &[u8],
    secret_from: Option<usize>,
    line: &mut Encoder<'_>,
) -> Result<(), Refusal> {
    let from = secret_from.unwrap_or(text.len()).min(text.len());
    let blanks = text[from..].iter().take_while(|byte| **byte == b' ').count();
    let (open, secret) = text.split_at(from + blanks);
    line.push(open);
    if secret.is_empty() {
        return Ok(());
    }
    line.secret("***", |line| {
        line.push(secret);
        Ok(())
    })
}

/// Writes text that ends in a literal's count, and the literal.
fn push_with_literal(
    text: &[u8],
    bytes: &[u8],
    secret_from: Option<usize>,
    line: &mut Encoder<'_>,
) -> Result<(), Refusal> {
    let pauses = !text.ends_with(b"+}");
    if secret_from.is_some() {
        let header = text.iter().rposition(|byte| *byte == b'{').unwrap_or(text.len());
        push_partly(&text[..header], secret_from, line)?;
        return secret_literal(bytes, pauses, line);
    }
    line.push(text);
    line.counted(b"\r\n");
    if pauses {
        line.pause();
    }
    line.counted(bytes);
    Ok(())
}

/// What the first word of a command says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Login,
    Authenticate,
    StartTls,
    /// Asks for messages' data.
    Messages,
    Other,
}

impl Verb {
    fn of(text: &[u8]) -> Result<Self, Refusal> {
        let mut words = text.split(|byte| matches!(byte, b' ' | b'\r'));
        let first = words.next().unwrap_or_default();
        let of_uid = if first.eq_ignore_ascii_case(b"UID") { words.next() } else { None };
        let is = |name: &[u8]| of_uid.unwrap_or(first).eq_ignore_ascii_case(name);
        if text.trim_ascii().is_empty() {
            return Err(Refusal::Empty);
        } else if first.is_empty() {
            return Err(Refusal::Reserved("a blank cannot stand before a command"));
        } else if is(b"IDLE") || is(b"DONE") {
            return Err(Refusal::Reserved("the mode is switched by listening, not by a command"));
        } else if is(b"COMPRESS") {
            return Err(Refusal::Reserved("nobody here could read what comes compressed"));
        }
        let verb = if is(b"LOGIN") {
            Self::Login
        } else if is(b"AUTHENTICATE") {
            Self::Authenticate
        } else if is(b"STARTTLS") {
            Self::StartTls
        } else if is(b"FETCH") || is(b"STORE") {
            Self::Messages
        } else {
            Self::Other
        };
        match (of_uid, verb) {
            (None, _) | (_, Self::Messages | Self::Other) => Ok(verb),
            _ => Err(Refusal::Reserved("it has nothing to do with UIDs")),
        }
    }

    fn is_secret(self) -> bool {
        matches!(self, Self::Login | Self::Authenticate)
    }

    /// Where the secret begins: behind the name of the user, or of the mechanism.
    fn secret_from(self, text: &[u8]) -> Option<usize> {
        if !self.is_secret() {
            return None;
        }
        let name = text.iter().position(|byte| *byte == b' ').map_or(text.len(), |blank| blank + 1);
        let end = match &text[name..] {
            [b'"', quoted @ ..] => quoted.iter().position(|byte| *byte == b'"').map(|end| end + 2),
            plain => plain.iter().position(|byte| matches!(byte, b' ' | b'\r')),
        };
        let end = end.map_or(name, |end| name + end);
        let blank = text.get(end) == Some(&b' ');
        let nothing_follows = end == name && self == Self::Authenticate;
        Some(if nothing_follows { text.len() } else { end + usize::from(blank) })
    }

    fn expect(self) -> Expect {
        match self {
            Self::Messages => Expect::Messages,
            _ => Expect::Reply,
        }
    }
}
