//! How text goes into a command: as an atom, quoted, or as a literal; and mailboxes' names.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::Imap;
use crate::command::Encoder;
use crate::error::Refusal;

/// Writes any text without NUL as an `astring` (RFC 9051 section 9): as plainly as it may be.
pub(super) fn astring(dialect: &Imap, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
    // Some servers take NIL for no string at all, in whatever place.
    let nil = text.eq_ignore_ascii_case(b"NIL");
    if !text.is_empty() && !nil && text.iter().copied().all(is_atom) {
        line.push(text);
        Ok(())
    } else if text.iter().copied().all(is_quotable) {
        line.push(b"\"");
        push_quoted(text, line);
        line.push(b"\"");
        Ok(())
    } else {
        literal(dialect, text, line)
    }
}

/// As [`astring`], with a text that is never logged.
pub(super) fn secret(dialect: &Imap, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
    if !text.iter().copied().all(is_quotable) {
        check_literal(text)?;
        return secret_literal(text, needs_pause(dialect, text.len()), line);
    }
    line.push(b"\"");
    line.secret("***", |line| {
        push_quoted(text, line);
        Ok(())
    })?;
    line.push(b"\"");
    Ok(())
}

/// Writes a literal; the server has to ask for it, unless it has said that it need not (RFC 7888).
pub(super) fn literal(dialect: &Imap, bytes: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
    check_literal(bytes)?;
    let pauses = needs_pause(dialect, bytes.len());
    line.push(header(bytes.len(), pauses).as_bytes());
    line.counted(b"\r\n");
    if pauses {
        line.pause();
    }
    line.counted(bytes);
    Ok(())
}

/// Writes a literal of which logs show another, so that what they show still is a command.
pub(super) fn secret_literal(
    bytes: &[u8],
    pauses: bool,
    line: &mut Encoder<'_>,
) -> Result<(), Refusal> {
    line.secret(if pauses { "{3}" } else { "{3+}" }, |line| {
        line.push(header(bytes.len(), pauses).as_bytes());
        Ok(())
    })?;
    line.counted(b"\r\n");
    if pauses {
        line.pause();
    }
    line.secret("***", |line| {
        line.counted(bytes);
        Ok(())
    })
}

fn header(count: usize, pauses: bool) -> String {
    let mut header = String::new();
    // Writing to a string does not fail.
    let _ = write!(header, "{{{count}{}}}", if pauses { "" } else { "+" });
    header
}

/// Whether a literal of so many bytes has to be asked for: a server that knows no other would take its
/// bytes for commands. RFC 7888 section 5: `LITERAL-` allows 4096 bytes. An offer in plain text does not
/// count where TLS may still begin, as it is not known then who has made it.
pub(super) fn needs_pause(dialect: &Imap, count: usize) -> bool {
    let any = dialect.capabilities().has("LITERAL+");
    let small = dialect.offers("LITERAL-") && count <= 4096;
    !dialect.keeps_secrets() || !(any || small)
}

/// A literal holds any byte but NUL (RFC 9051 section 4.3.1).
pub(super) fn check_literal(bytes: &[u8]) -> Result<(), Refusal> {
    match memchr::memchr(0, bytes) {
        Some(at) => Err(Refusal::Forbidden { byte: 0, at }),
        None => Ok(()),
    }
}

fn push_quoted(text: &[u8], line: &mut Encoder<'_>) {
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            line.push(b"\\");
        }
        line.push(&[*byte]);
    }
}

fn is_atom(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\')
}

fn is_quotable(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, 0 | b'\r' | b'\n')
}

/// A mailbox's name as the wire has it: modified UTF-7 (RFC 3501 section 5.1.3).
///
/// ```
/// use bellwire::dialect::imap::{decode_mailbox, encode_mailbox};
///
/// assert_eq!(encode_mailbox("Entwürfe & more"), "Entw&APw-rfe &- more");
/// assert_eq!(decode_mailbox("Entw&APw-rfe &- more"), "Entwürfe & more");
/// ```
#[must_use]
pub fn encode_mailbox(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let plain = |c: char| matches!(c, ' '..='~');
        let run = rest.find(|c| plain(c) != plain(first)).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(run);
        if plain(first) {
            encoded.push_str(&text.replace('&', "&-"));
        } else {
            let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            encoded.push('&');
            push_base64(&mut encoded, &utf16, b',');
            encoded.push('-');
        }
        rest = behind;
    }
    encoded
}

/// A mailbox's name as people know it, from the wire's modified UTF-7 (RFC 3501 section 5.1.3). What
/// is no such thing stays as it is.
#[must_use]
pub fn decode_mailbox(name: &str) -> String {
    let mut decoded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((plain, behind)) = rest.split_once('&') {
        decoded.push_str(plain);
        rest = behind;
        let Some((shifted, behind)) = behind.split_once('-') else {
            decoded.push('&');
            break;
        };
        match shifted {
            "" => decoded.push('&'),
            _ => match decode_shifted(shifted) {
                Some(text) => decoded.push_str(&text),
                None => {
                    decoded.push('&');
                    continue;
                }
            },
        }
        rest = behind;
    }
    decoded.push_str(rest);
    decoded
}

fn decode_shifted(shifted: &str) -> Option<String> {
    let (mut bits, mut count, mut units) = (0_u32, 0, Vec::new());
    for c in shifted.bytes() {
        let digit = BASE64.iter().position(|known| *known == c).or((c == b',').then_some(63))?;
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push((bits >> count) as u16);
            bits &= (1 << count) - 1;
        }
    }
    // What is left over fills the last digit up, with zeros.
    if count >= 6 || bits != 0 {
        return None;
    }
    String::from_utf16(&units).ok()
}

/// The alphabet, without its last character.
const BASE64: &[u8; 63] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+";

/// Appends `bytes` in base64, without padding, and with this as the alphabet's last character.
fn push_base64(out: &mut String, bytes: &[u8], last: u8) {
    for group in bytes.chunks(3) {
        let value = group.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        let value = value << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            let index = (value >> (18 - 6 * digit)) as usize & 63;
            out.push(char::from(BASE64.get(index).copied().unwrap_or(last)));
        }
    }
}

/// `bytes` in base64 with padding, as SASL has it (RFC 4648 section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut encoded = String::new();
    push_base64(&mut encoded, bytes, b'/');
    while !encoded.len().is_multiple_of(4) {
        encoded.push('=');
    }
    encoded
}
