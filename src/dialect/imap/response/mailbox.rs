//! What is known of mailboxes.

use bytes::Bytes;

use super::reader::{Reader, lossy};
use super::{Code, Condition, Others, ParseError, Untagged, Words};

/// The mailbox that is selected: what the server has said since SELECT or EXAMINE (RFC 9051, section
/// 6.3.2).
///
/// ```
/// use bellwire::dialect::imap::response::{Condition, Mailbox, Untagged};
///
/// let parts = [
///     Untagged::parse(b"* 9 EXISTS")?,
///     Untagged::parse(b"* OK [UIDNEXT 10] Predicted next UID")?,
/// ];
/// let end = Condition::parse(b"OK [READ-ONLY] Examine completed.")?;
/// let mut mailbox = Mailbox::gather(&parts, &end);
/// assert_eq!((mailbox.exists, mailbox.uid_next, mailbox.read_only), (9, Some(10), true));
///
/// // Later, a notification.
/// mailbox.hear(&Untagged::parse(b"* 10 EXISTS")?);
/// assert_eq!(mailbox.exists, 10);
/// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mailbox {
    /// So many messages are in it.
    pub exists: u32,
    /// So many of them are new to this session (RFC 3501).
    pub recent: u32,
    /// The sequence number of the first message without `\Seen` (RFC 3501); none if the server did
    /// not say.
    pub unseen: Option<u32>,
    /// UIDs are the same as long as this is.
    pub uid_validity: Option<u32>,
    /// The UID of the next message to come.
    pub uid_next: Option<u32>,
    /// Whether it can be read only.
    pub read_only: bool,
    /// The highest mod-sequence (RFC 7162, section 3.1.2).
    pub highest_mod_seq: Option<u64>,
    /// The flags that may occur.
    pub flags: Words,
    /// The flags that can be changed for good; `None` if the server did not say, and all can.
    pub permanent_flags: Option<Words>,
}

impl Mailbox {
    /// The mailbox that a whole answer to SELECT or EXAMINE tells of.
    #[must_use]
    pub fn gather<'a>(parts: impl IntoIterator<Item = &'a Untagged>, end: &Condition) -> Self {
        let mut mailbox = Self::default();
        for part in parts {
            mailbox.hear(part);
        }
        mailbox.hear_condition(end);
        mailbox
    }

    /// Takes in an untagged response, of the answer to SELECT or of any time after it.
    ///
    /// `[CLOSED]` begins anew: what was said before it is about another mailbox.
    pub fn hear(&mut self, response: &Untagged) {
        match response {
            Untagged::Exists(count) => self.exists = *count,
            Untagged::Recent(count) => self.recent = *count,
            Untagged::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Untagged::Vanished { earlier: false, uids } => {
                for range in uids {
                    let count = (range.end() - range.start()).saturating_add(1);
                    self.exists = self.exists.saturating_sub(count);
                }
            }
            Untagged::Flags(flags) => self.flags = flags.clone(),
            Untagged::Condition(condition) => self.hear_condition(condition),
            _ => {}
        }
    }

    /// Takes in a condition: the end of the answer to SELECT, say.
    pub fn hear_condition(&mut self, condition: &Condition) {
        match &condition.code {
            Some(Code::Closed) => *self = Self::default(),
            Some(Code::Unseen(seq)) => self.unseen = Some(*seq),
            Some(Code::UidValidity(value)) => self.uid_validity = Some(*value),
            Some(Code::UidNext(uid)) => self.uid_next = Some(*uid),
            Some(Code::ReadOnly) => self.read_only = true,
            Some(Code::ReadWrite) => self.read_only = false,
            Some(Code::HighestModSeq(value)) => self.highest_mod_seq = Some(*value),
            Some(Code::PermanentFlags(flags)) => self.permanent_flags = Some(flags.clone()),
            _ => {}
        }
    }
}

/// A `STATUS` response: what is known of a mailbox, selected or not (RFC 9051, section 7.3.3). Also
/// what NOTIFY tells of mailboxes that are not selected (RFC 5465, section 5.1).
///
/// ```
/// use bellwire::dialect::imap::response::Untagged;
///
/// let told = b"* STATUS INBOX (MESSAGES 16 UIDNEXT 18 UNSEEN 16)";
/// let Untagged::Status(status) = Untagged::parse(told)? else { panic!("no STATUS") };
/// assert_eq!(status.mailbox, "INBOX");
/// assert_eq!((status.messages, status.unseen, status.size), (Some(16), Some(16), None));
/// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxStatus {
    /// Its name, as it goes into commands.
    pub mailbox: Bytes,
    /// `MESSAGES`: how many there are.
    pub messages: Option<u32>,
    /// `RECENT`: how many of them are new (RFC 3501).
    pub recent: Option<u32>,
    /// `UIDNEXT`.
    pub uid_next: Option<u32>,
    /// `UIDVALIDITY`.
    pub uid_validity: Option<u32>,
    /// `UNSEEN`: how many have no `\Seen`.
    pub unseen: Option<u32>,
    /// `DELETED`: how many have `\Deleted`.
    pub deleted: Option<u32>,
    /// `SIZE`: of all messages, in bytes.
    pub size: Option<u64>,
    /// `HIGHESTMODSEQ` (RFC 7162, section 3.1.2.1).
    pub highest_mod_seq: Option<u64>,
    /// What else the server told, by name, as it stood on the wire.
    pub others: Others,
}

impl MailboxStatus {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut status = Self { mailbox: mailbox_name(reader)?, ..Self::default() };
        reader.open()?;
        while !reader.close()? {
            let name = reader.word()?;
            match name.to_ascii_uppercase().as_slice() {
                b"MESSAGES" => status.messages = Some(reader.number()?),
                b"RECENT" => status.recent = Some(reader.number()?),
                b"UIDNEXT" => status.uid_next = Some(reader.number()?),
                b"UIDVALIDITY" => status.uid_validity = Some(reader.number()?),
                b"UNSEEN" => status.unseen = Some(reader.number()?),
                b"DELETED" => status.deleted = Some(reader.number()?),
                b"SIZE" => status.size = Some(reader.number()?),
                b"HIGHESTMODSEQ" => status.highest_mod_seq = Some(reader.number()?),
                _ => status.others.push((lossy(name), reader.raw()?)),
            }
        }
        Ok(status)
    }
}

/// A `LIST` or `LSUB` response: a mailbox that is there (RFC 9051, section 7.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its name, as it goes into commands: UTF-8, or RFC 3501's modified UTF-7.
    pub name: Bytes,
    /// What stands between the levels of its name; `None` if there are no levels.
    pub delimiter: Option<u8>,
    /// `\HasChildren`, `\Noselect`, `\Sent` and the like.
    pub attributes: Words,
    /// Extended data, as it stood on the wire (section 6.3.9.6).
    pub extended: Option<Bytes>,
}

impl Listed {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let attributes = Words::list(reader)?;
        reader.blanks();
        let here = reader.clone();
        let delimiter = match reader.text()?.as_deref() {
            None => None,
            Some([delimiter]) => Some(*delimiter),
            Some(_) => return Err(here.error("one character is expected, or NIL")),
        };
        let name = mailbox_name(reader)?;
        let extended = if reader.is_at_end() { None } else { Some(reader.raw()?) };
        Ok(Self { name, delimiter, attributes, extended })
    }
}

/// RFC 9051, section 5.1: INBOX is INBOX in any case.
fn mailbox_name(reader: &mut Reader<'_>) -> Result<Bytes, ParseError> {
    let name = reader.text()?;
    // A mailbox may be called NIL.
    let name = name.unwrap_or_else(|| b"NIL".into()).into_owned();
    Ok(if name.eq_ignore_ascii_case(b"INBOX") { Bytes::from_static(b"INBOX") } else { name.into() })
}
