//! IMAP's responses as values: what real servers sent, what hostile ones may send, and properties
//! over any bytes.

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use bellwire::dialect::imap::response::{Condition, Fetch, Untagged};

#[path = "imap_response/dovecot.rs"]
mod dovecot;
#[path = "imap_response/hostile.rs"]
mod hostile;
#[path = "imap_response/items.rs"]
mod items;
#[path = "imap_response/properties.rs"]
mod properties;

#[track_caller]
fn parse(response: impl AsRef<[u8]>) -> Untagged {
    Untagged::parse(response.as_ref()).unwrap()
}

#[track_caller]
fn fetch(response: impl AsRef<[u8]>) -> Fetch {
    match parse(response) {
        Untagged::Fetch(message) => message,
        other => panic!("no FETCH: {other:?}"),
    }
}

#[track_caller]
fn condition(response: impl AsRef<[u8]>) -> Condition {
    match parse(response) {
        Untagged::Condition(condition) => condition,
        other => panic!("no condition: {other:?}"),
    }
}

/// What is wrong with a response, and where.
#[track_caller]
fn wrong(response: impl AsRef<[u8]>) -> (&'static str, usize) {
    let error = Untagged::parse(response.as_ref()).unwrap_err();
    (error.what, error.at)
}
