//! What errors say, and what they are good for.

use bellwire::{Error, Excerpt, LimitKind, Wait};

/// G22: another connection may fare better if the peer was late, not if it broke the protocol, which it
/// would do again.
#[test]
fn g22_which_errors_are_transient() {
    let excerpt = Excerpt::new(b"random");
    let protocol = Error::Protocol { what: "a line without an end", excerpt: excerpt.clone() };
    assert!(!protocol.is_transient());
    assert!(!Error::Limit { limit: LimitKind::Frame, allowed: 1, excerpt }.is_transient());
    assert!(Error::TimedOut(Wait::Silence).is_transient());
    assert!(Error::Desynchronised { held: 2 }.is_transient());
}

/// What a peer has sent is shown escaped, and cut where it is long.
#[test]
fn excerpts() {
    let short = Excerpt::new(b"4\xff\r\n");
    assert_eq!(short.to_string(), "4\\xff\\r\\n");
    assert_eq!(format!("{short:?}"), "\"4\\xff\\r\\n\"");
    assert_eq!(Excerpt::new(&[b'a'; 40]).to_string(), "a".repeat(40));
    assert_eq!(Excerpt::new(&[b'a'; 41]).to_string(), format!("{}…", "a".repeat(40)));
    assert_eq!(Excerpt::long(&[b'a'; 200]).to_string(), "a".repeat(200));
    assert_eq!(Excerpt::long(&[b'a'; 201]).to_string(), format!("{}…", "a".repeat(200)));
}
