//! Who wrote what to whom, for people to read.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use imap_proto::AttributeValue;
use mail_parser::parsers::MessageStream;

use super::reader::{Reader, lossy};
use super::{ParseError, proto};

/// A message's `ENVELOPE` (RFC 9051, section 7.5.2): the fields of its header, for people to read.
///
/// Subject and names have their encoded words (RFC 2047) decoded; what cannot be decoded stays as it
/// is, and bytes that are no UTF-8 are replaced. Nothing is escaped: what a stranger has written may
/// hold control characters.
///
/// ```
/// use bellwire::dialect::imap::response::Untagged;
///
/// let response = b"* 1 FETCH (ENVELOPE (\"Sat, 1 Aug 2026 09:30:00 +0200\" \
///     \"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\" ((\"=?ISO-8859-1?Q?J=FCrgen?=\" NIL \"j\" \"example.org\")) \
///     NIL NIL NIL NIL NIL NIL \"<1@example.org>\"))";
/// let Untagged::Fetch(message) = Untagged::parse(response)? else { panic!("no FETCH") };
/// let envelope = message.envelope.unwrap_or_default();
/// assert_eq!(envelope.subject.as_deref(), Some("Grüße"));
/// assert_eq!(envelope.from[0].to_string(), "Jürgen <j@example.org>");
/// # Ok::<(), bellwire::dialect::imap::response::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// `Date`, as the message has it.
    pub date: Option<String>,
    /// `Subject`.
    pub subject: Option<String>,
    /// `From`.
    pub from: Vec<Address>,
    /// `Sender`; servers fill in `From` where the message has none.
    pub sender: Vec<Address>,
    /// `Reply-To`; servers fill in `From` where the message has none.
    pub reply_to: Vec<Address>,
    /// `To`.
    pub to: Vec<Address>,
    /// `Cc`.
    pub cc: Vec<Address>,
    /// `Bcc`.
    pub bcc: Vec<Address>,
    /// `In-Reply-To`.
    pub in_reply_to: Option<String>,
    /// `Message-ID`.
    pub message_id: Option<String>,
}

/// An address (RFC 9051, section 7.5.2).
///
/// Groups are written among the addresses: one without a host begins the group that its mailbox
/// names, and one without both ends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// The name of the person.
    pub name: Option<String>,
    /// What is left of the `@`.
    pub mailbox: Option<String>,
    /// What is right of it.
    pub host: Option<String>,
}

impl Address {
    /// `mailbox@host`; `None` where a group begins or ends.
    #[must_use]
    pub fn email(&self) -> Option<String> {
        Some(format!("{}@{}", self.mailbox.as_ref()?, self.host.as_ref()?))
    }
}

/// For people: `Name <mailbox@host>`, or what there is of it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.email()) {
            (Some(name), Some(email)) => write!(f, "{name} <{email}>"),
            (None, Some(email)) => f.write_str(&email),
            (_, None) => match &self.mailbox {
                Some(group) => write!(f, "{group}:"),
                None => f.write_str(";"),
            },
        }
    }
}

impl Envelope {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.blanks();
        let here = reader.clone();
        let response = proto::response("ENVELOPE", reader)?;
        match proto::item(&response) {
            Some(AttributeValue::Envelope(envelope)) => Ok(Self::decoded(*envelope)),
            _ => Err(here.error("an ENVELOPE is expected")),
        }
    }

    pub(super) fn decoded(envelope: imap_proto::Envelope<'_>) -> Self {
        Self {
            date: envelope.date.map(|date| lossy(&date)),
            subject: envelope.subject.map(|subject| decode(&subject)),
            from: addresses(envelope.from),
            sender: addresses(envelope.sender),
            reply_to: addresses(envelope.reply_to),
            to: addresses(envelope.to),
            cc: addresses(envelope.cc),
            bcc: addresses(envelope.bcc),
            in_reply_to: envelope.in_reply_to.map(|id| lossy(&id)),
            message_id: envelope.message_id.map(|id| lossy(&id)),
        }
    }
}

fn addresses(addresses: Option<Vec<imap_proto::Address<'_>>>) -> Vec<Address> {
    let text = |bytes: Option<Cow<'_, [u8]>>| bytes.map(|bytes| lossy(&bytes));
    let address = |address: imap_proto::Address<'_>| Address {
        name: address.name.map(|name| decode(&name)),
        mailbox: text(address.mailbox),
        host: text(address.host),
    };
    addresses.unwrap_or_default().into_iter().map(address).collect()
}

/// `text` with its encoded words decoded, as far as they can be (RFC 2047).
///
/// Words are found where they may not be, too: in quotes, and without blanks around them. Blanks
/// between two words belong to neither (section 6.2).
pub(super) fn decode(text: &[u8]) -> String {
    /// Longer words are left alone. RFC 2047 allows 75 bytes; without an end, text full of
    /// beginnings would take quadratic time.
    const LONGEST_WORD: usize = 512;

    let mut decoded = String::with_capacity(text.len());
    let (mut done, mut from, mut after_word) = (0, 0, false);
    while let Some(found) = memchr::memmem::find(&text[from..], b"=?") {
        let start = from + found;
        let end = text.len().min(start + LONGEST_WORD);
        let mut stream = MessageStream::new(&text[start + 1..end]);
        let Some(word) = stream.decode_rfc2047() else {
            from = start + 2;
            continue;
        };
        let between = &text[done..start];
        if !after_word || !between.iter().all(u8::is_ascii_whitespace) {
            decoded.push_str(&String::from_utf8_lossy(between));
        }
        decoded.push_str(&word);
        done = (start + 1 + stream.offset()).min(text.len());
        (from, after_word) = (done, true);
    }
    decoded.push_str(&String::from_utf8_lossy(&text[done..]));
    decoded
}
