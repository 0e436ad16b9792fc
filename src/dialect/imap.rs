//! IMAP (RFC 9051, RFC 3501).

#[cfg(feature = "imap-response")]
pub mod response;
