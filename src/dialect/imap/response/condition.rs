//! OK, NO, BAD, BYE and PREAUTH, and the codes that say why.

use alloc::string::String;

use bytes::Bytes;

use super::reader::{Reader, lossy};
use super::{ParseError, Set, Words};

/// A condition: `* OK [UIDNEXT 10] Predicted next UID`, or the end of a reply (RFC 9051, section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// Which condition.
    pub state: State,
    /// What a program has to know about it.
    pub code: Option<Code>,
    /// What a person may want to know; bytes that are no UTF-8 are replaced. Escape it before it is
    /// shown on a terminal.
    pub text: String,
}

/// Which condition (RFC 9051, section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `OK`: done; or, untagged, for information.
    Ok,
    /// `NO`: refused, or failed; or, untagged, a warning.
    No,
    /// `BAD`: not understood.
    Bad,
    /// `BYE`: the server is about to close the connection.
    Bye,
    /// `PREAUTH`: the greeting of a connection that needs no LOGIN.
    PreAuth,
}

impl State {
    /// Which condition begins here, if one does.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        Some(match Reader::new(text).word().ok()?.to_ascii_uppercase().as_slice() {
            b"OK" => Self::Ok,
            b"NO" => Self::No,
            b"BAD" => Self::Bad,
            b"BYE" => Self::Bye,
            b"PREAUTH" => Self::PreAuth,
            _ => return None,
        })
    }
}

impl Condition {
    /// Reads the end of a reply, as it stands behind the tag.
    ///
    /// A code that is unknown, or whose arguments cannot be read, is [`Code::Other`]: that a command
    /// was refused must not get lost over how it was put.
    ///
    /// # Errors
    ///
    /// When no condition's name comes first.
    ///
    /// ```
    /// use bellwire::dialect::imap::response::{Code, Condition, State};
    ///
    /// let end = Condition::parse(b"NO [AUTHENTICATIONFAILED] Authentication failed.")?;
    /// assert_eq!((end.state, end.code), (State::No, Some(Code::AuthenticationFailed)));
    /// assert_eq!(end.text, "Authentication failed.");
    /// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        State::of(text)
            .map(|state| Self::behind(state, text))
            .ok_or_else(|| Reader::new(text).error("OK, NO, BAD, BYE or PREAUTH is expected"))
    }

    /// The condition in `text`, which begins with the name of `state`.
    pub(super) fn behind(state: State, text: &[u8]) -> Self {
        let mut reader = Reader::new(text);
        // The name is there.
        let _ = reader.word();
        reader.blanks();
        let text = reader.rest();
        let Some(end) = code_end(text) else {
            return Self { state, code: None, text: lossy(text) };
        };
        let after = &text[end + 1..];
        Self {
            state,
            code: Some(Code::read(&text[1..end])),
            // RFC 4551 has examples without a text, and so without the blank.
            text: lossy(after.strip_prefix(b" ").unwrap_or(after)),
        }
    }
}

/// Where the bracket is that closes the code in front of `text`, if there is a code.
///
/// A flag may hold a bracket, though it must not: `[PERMANENTFLAGS (\Seen [Gmail]/All \*)]`.
fn code_end(text: &[u8]) -> Option<usize> {
    if !text.starts_with(b"[") {
        return None;
    }
    let (mut open, mut quoted) = (0_usize, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => open += 1,
            b')' if !quoted => open = open.saturating_sub(1),
            b']' if !quoted && open == 0 => return Some(at),
            _ => {}
        }
    }
    text.iter().position(|byte| *byte == b']')
}

/// What a condition says to programs (RFC 9051, section 7.1, where no other RFC is named).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// `ALERT`: the text must be shown to the user.
    Alert,
    /// `ALREADYEXISTS`: what was to be created is there.
    AlreadyExists,
    /// `APPENDUID`: where the message went.
    AppendUid {
        /// The mailbox's UIDVALIDITY.
        uid_validity: u32,
        /// The message's UID; of several, after MULTIAPPEND.
        uids: Set,
    },
    /// `AUTHENTICATIONFAILED`: the user is unknown, or the password wrong.
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED`: this user may not act for that one.
    AuthorizationFailed,
    /// `CAPABILITY`: what the server can do.
    Capability(Words),
    /// `CANNOT`: the operation can never succeed.
    Cannot,
    /// `CLIENTBUG`: the client did something it should not.
    ClientBug,
    /// `CLOSED`: the mailbox that was selected is not any more; what follows is about the next one.
    Closed,
    /// `CONTACTADMIN`: only the administrator can help.
    ContactAdmin,
    /// `COPYUID`: where the messages went.
    CopyUid {
        /// The target mailbox's UIDVALIDITY.
        uid_validity: u32,
        /// The UIDs that were copied, in the order of `to`.
        from: Set,
        /// The UIDs they have there.
        to: Set,
    },
    /// `CORRUPTION`: the server has found its data damaged.
    Corruption,
    /// `EXPIRED`: the password must be changed.
    Expired,
    /// `HIGHESTMODSEQ` (RFC 7162, section 3.1.2.1).
    HighestModSeq(u64),
    /// `INUSE`: someone else keeps the operation from being done now.
    InUse,
    /// `LIMIT`: past some limit of the server's.
    Limit,
    /// `MODIFIED`: these were changed meanwhile, and were not stored (RFC 7162, section 3.1.3).
    Modified(Set),
    /// `NOMODSEQ`: the mailbox has no mod-sequences (RFC 7162, section 3.1.2.2).
    NoModSeq,
    /// `NONEXISTENT`: what was to be used is not there.
    NonExistent,
    /// `NOPERM`: the user may not.
    NoPerm,
    /// `NOTIFICATIONOVERFLOW`: the server has given up on NOTIFY (RFC 5465, section 5.8).
    NotificationOverflow,
    /// `OVERQUOTA`: no room.
    OverQuota,
    /// `PARSE`: a message could not be read.
    Parse,
    /// `PERMANENTFLAGS`: which flags can be changed for good; `\*`: new ones, too.
    PermanentFlags(Words),
    /// `PRIVACYREQUIRED`: not without TLS.
    PrivacyRequired,
    /// `READ-ONLY`: the mailbox can be read only.
    ReadOnly,
    /// `READ-WRITE`: the mailbox can be written.
    ReadWrite,
    /// `SERVERBUG`: the server did something it should not.
    ServerBug,
    /// `TRYCREATE`: the mailbox is not there; CREATE may help.
    TryCreate,
    /// `UIDNEXT`: the UID of the next message to come.
    UidNext(u32),
    /// `UIDNOTSTICKY`: UIDs do not last.
    UidNotSticky,
    /// `UIDVALIDITY`: UIDs are the same as long as this is.
    UidValidity(u32),
    /// `UNAVAILABLE`: try again later.
    Unavailable,
    /// `UNSEEN`: the sequence number of the first message without `\Seen` (RFC 3501, section 7.1).
    Unseen(u32),
    /// Any other, or one that could not be read.
    Other {
        /// Its name, as the server wrote it.
        name: String,
        /// What stands behind the name and a blank.
        arguments: Bytes,
    },
}

impl Code {
    fn read(code: &[u8]) -> Self {
        let mut reader = Reader::new(code);
        let name = reader.word().unwrap_or_default();
        let name_end = reader.at();
        let known = Self::known(name, &mut reader);
        known.filter(|_| reader.is_at_end()).unwrap_or_else(|| {
            let arguments = &code[name_end..];
            let arguments = arguments.strip_prefix(b" ").unwrap_or(arguments);
            Self::Other { name: lossy(name), arguments: Bytes::copy_from_slice(arguments) }
        })
    }

    fn known(name: &[u8], arguments: &mut Reader<'_>) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_slice() {
            b"ALERT" => Self::Alert,
            b"ALREADYEXISTS" => Self::AlreadyExists,
            b"APPENDUID" => Self::AppendUid {
                uid_validity: arguments.number().ok()?,
                uids: arguments.set().ok()?,
            },
            b"AUTHENTICATIONFAILED" => Self::AuthenticationFailed,
            b"AUTHORIZATIONFAILED" => Self::AuthorizationFailed,
            b"CAPABILITY" => Self::Capability(Words::rest(arguments).ok()?),
            b"CANNOT" => Self::Cannot,
            b"CLIENTBUG" => Self::ClientBug,
            b"CLOSED" => Self::Closed,
            b"CONTACTADMIN" => Self::ContactAdmin,
            b"COPYUID" => Self::CopyUid {
                uid_validity: arguments.number().ok()?,
                from: arguments.set().ok()?,
                to: arguments.set().ok()?,
            },
            b"CORRUPTION" => Self::Corruption,
            b"EXPIRED" => Self::Expired,
            b"HIGHESTMODSEQ" => Self::HighestModSeq(arguments.number().ok()?),
            b"INUSE" => Self::InUse,
            b"LIMIT" => Self::Limit,
            b"MODIFIED" => Self::Modified(arguments.set().ok()?),
            b"NOMODSEQ" => Self::NoModSeq,
            b"NONEXISTENT" => Self::NonExistent,
            b"NOPERM" => Self::NoPerm,
            b"NOTIFICATIONOVERFLOW" => Self::NotificationOverflow,
            b"OVERQUOTA" => Self::OverQuota,
            b"PARSE" => Self::Parse,
            b"PERMANENTFLAGS" => Self::PermanentFlags(Words::list(arguments).ok()?),
            b"PRIVACYREQUIRED" => Self::PrivacyRequired,
            b"READ-ONLY" => Self::ReadOnly,
            b"READ-WRITE" => Self::ReadWrite,
            b"SERVERBUG" => Self::ServerBug,
            b"TRYCREATE" => Self::TryCreate,
            b"UIDNEXT" => Self::UidNext(arguments.number().ok()?),
            b"UIDNOTSTICKY" => Self::UidNotSticky,
            b"UIDVALIDITY" => Self::UidValidity(arguments.number().ok()?),
            b"UNAVAILABLE" => Self::Unavailable,
            b"UNSEEN" => Self::Unseen(arguments.number().ok()?),
            _ => return None,
        })
    }
}
