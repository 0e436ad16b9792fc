//! What tells one world from another: all that decides what can happen in it. What only counts how
//! it came to be is left out, so that worlds meet again that go on in the same way.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Two hashes, so that no two worlds are ever taken for one.
pub(crate) type Fingerprint = (u64, u64);

/// The fingerprint of a description, in the words of `Debug`, as of `now`. `numbered`: numbers of
/// commands are on the wire, and count.
pub(crate) fn fingerprint(text: &str, now: Duration, numbered: bool) -> Fingerprint {
    let mut hashers = (DefaultHasher::new(), DefaultHasher::new());
    hashers.1.write_u8(1);
    canonical(text, now, numbered, |piece| {
        piece.hash(&mut hashers.0);
        piece.hash(&mut hashers.1);
    });
    (hashers.0.finish(), hashers.1.finish())
}

/// Goes through a description with each number replaced by what matters of it.
fn canonical(text: &str, now: Duration, numbered: bool, mut put: impl FnMut(&str)) {
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let taken = number(text, "received: ").saturating_sub(number(text, "pending: "));
    let sent = number(text, "sent: ");
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = || text[at..end].parse::<u64>().unwrap_or(u64::MAX);
        let key = &bytes[..at];
        let kept = if key.ends_with(b"Peak(") || key.ends_with(b"received: ") {
            Some(0)
        } else if key.ends_with(b"Moment(") {
            Some(value().saturating_sub(now))
        } else if key.ends_with(b"after: ") {
            // An answer may be in the bytes that came later.
            Some(value().saturating_sub(taken))
        } else if !numbered && (key.ends_with(b"sent: ") || key.ends_with(b" number: ")) {
            Some(sent - value())
        } else {
            None
        };
        if let Some(kept) = kept {
            put(&text[from..at]);
            put(&kept.to_string());
            from = end;
        }
        at = end;
    }
    put(&text[from..]);
}

/// The number behind the first `key`.
pub(crate) fn number(text: &str, key: &str) -> u64 {
    let behind = text.find(key).map_or("", |at| &text[at + key.len()..]);
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    behind[..digits].parse().unwrap_or(0)
}
