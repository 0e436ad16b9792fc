//! What to talk to, as URLs say it.

use std::path::PathBuf;

use anyhow::{Context, bail};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::args::DialectName;

/// A server, and what it is to be told about us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) dialect: DialectName,
    pub(crate) place: Place,
    /// TLS from the first byte on.
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    /// MPD's alone, which everybody who may connect shares.
    pub(crate) password: Option<String>,
    /// IMAP's mailbox.
    pub(crate) mailbox: Option<String>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `HOST:PORT`
    Tcp(String),
    /// A socket's path.
    Unix(PathBuf),
}

impl Address {
    /// Reads `SCHEME://[USER@]HOST[:PORT][/MAILBOX]`; of the notif protocol, `HOST:PORT` alone, too;
    /// and of notif and MPD, a Unix socket as `SCHEME:///PATH`.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let full = if text.contains("://") { text.to_owned() } else { format!("notif://{text}") };
        let shown = without_user(text);
        let url = Url::parse(&full).with_context(|| format!("{shown} is no address"))?;
        if url.password().is_some() {
            bail!(
                "everybody can read the command line, so a password must not be in it; use \
                 BELLWIRE_PASSWORD or --password-command"
            );
        }
        let (dialect, port, tls) = match url.scheme() {
            "notif" => (DialectName::Notif, 6789, false),
            "mpd" => (DialectName::Mpd, 6600, false),
            "imap" => (DialectName::Imap, 143, false),
            "imaps" => (DialectName::Imap, 993, true),
            other => {
                bail!("{shown}: {other} is not supported; it is notif, mpd, imap or imaps://HOST")
            }
        };
        let imap = dialect == DialectName::Imap;
        let decoded = |part: &str| -> anyhow::Result<String> {
            let decoded = percent_decode_str(part).decode_utf8();
            Ok(decoded
                .with_context(|| format!("{shown} holds text that is no UTF-8"))?
                .into_owned())
        };
        let user = decoded(url.username())?;
        let path = decoded(url.path())?;
        if url.query().is_some() || url.fragment().is_some() {
            bail!("{shown}: write %3F for a question mark, and %23 for a number sign");
        }
        let named = || {
            let host = url.host_str().filter(|host| !host.is_empty());
            host.with_context(|| format!("{shown} names no host"))
        };
        let host = url.host_str().unwrap_or_default();
        let place = if !imap && host.is_empty() && path.len() > 1 {
            Place::Unix(path.clone().into())
        } else if !imap && path.len() > 1 {
            bail!("{shown}: only IMAP has mailboxes; a Unix socket is {}:///PATH", url.scheme());
        } else {
            Place::Tcp(format!("{}:{}", named()?, url.port().unwrap_or(port)))
        };
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        let (user, password) = match dialect {
            DialectName::Mpd => (None, given(user)),
            _ => (given(user), None),
        };
        let mailbox = given(path.trim_start_matches('/').to_owned()).filter(|_| imap);
        Ok(Self { dialect, place, tls, user, password, mailbox })
    }
}

/// An address as errors may show it: before the `@` there may be a secret.
fn without_user(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let end = text.rfind('@').map_or(start, |at| at + 1).max(start);
    [&text[..start], &text[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn each_scheme_has_its_port() {
        for (text, place) in [
            ("localhost:1", "localhost:1"),
            ("notif://localhost", "localhost:6789"),
            ("mpd://localhost", "localhost:6600"),
            ("imap://u@localhost", "localhost:143"),
            ("imaps://u@localhost", "localhost:993"),
            ("imaps://u@[::1]", "[::1]:993"),
        ] {
            assert_eq!(parse(text).place, Place::Tcp(place.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_mailbox_and_a_user() {
        let address = parse("imaps://me%40home@mail.example.org/Entw%C3%BCrfe/alt");
        assert_eq!(address.user.as_deref(), Some("me@home"));
        assert_eq!(address.mailbox.as_deref(), Some("Entwürfe/alt"));
        assert!(address.tls && address.password.is_none());
        assert_eq!(parse("imap://me@host/").mailbox, None);
    }

    #[test]
    fn mpd_knows_a_password_and_no_user() {
        let address = parse("mpd://sesame@localhost");
        assert_eq!((address.user, address.password.as_deref()), (None, Some("sesame")));
    }

    #[test]
    fn unix_sockets() {
        assert_eq!(parse("mpd:///run/mpd/socket").place, Place::Unix("/run/mpd/socket".into()));
        assert_eq!(parse("notif:///tmp/a%20b").place, Place::Unix("/tmp/a b".into()));
        assert!(Address::parse("imap:///run/imap").is_err());
    }

    #[test]
    fn what_is_no_address() {
        for (text, says) in [
            ("http://localhost", "http is not supported"),
            ("mpd://", "names no host"),
            ("imaps://u:p@localhost", "BELLWIRE_PASSWORD"),
            ("imaps://%ff@localhost", "no UTF-8"),
            ("imaps://u@localhost/What?", "%3F"),
            ("imaps://u@localhost/#1", "%23"),
            ("mpd://run/mpd/socket", "mpd:///PATH"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{text}: {error:#}");
        }
    }

    #[test]
    fn no_error_shows_a_secret() {
        for text in [
            "imaps://u:sesame@localhost",
            "imaps://u:ses/sesame@localhost",
            "imaps://%ff:sesame@localhost",
            "imaps://u:sesame@localhost:99999",
            "mpd://sesame@localhost:99999",
            "mpd://sesame@",
            "mpd://sesame@run/mpd/socket",
            "http://sesame@localhost",
            "u:sesame@localhost:1:2",
        ] {
            let error = format!("{:#}", Address::parse(text).unwrap_err());
            assert!(!error.contains("sesame"), "{text}: {error}");
        }
    }
}
