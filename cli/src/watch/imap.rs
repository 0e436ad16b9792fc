//! Watching a mailbox: what changes in it, and new mail.

use bellwire::Notification;
use bellwire::dialect::imap::response::{Condition, Fetch, Mailbox, Untagged, Words};
use bellwire::dialect::imap::{Ask, Examine, Imap};
use bellwire::{Answer, BadReply};
use bellwire_blocking::{Client, Connector, Error};
use bytes::Bytes;

use super::{Begun, Item, Source};
use crate::address::Address;

/// Opens the mailbox to read only, so that watching changes nothing in it.
pub(super) fn begin(connector: &mut Connector<Imap>, address: &Address) {
    let mailbox = address.mailbox.clone().unwrap_or_else(|| "INBOX".to_owned());
    connector.opening.push(Box::new(Examine(mailbox)));
}

#[derive(Default)]
pub(super) struct Inbox {
    /// UIDs mean the same messages as long as this is the same.
    validity: Option<u32>,
    /// The highest UID that was told, or was there before.
    last: Option<u32>,
}

impl Source for Inbox {
    type Dialect = Imap;

    fn begin(&mut self, client: &Client<Imap>) -> Result<Begun, Error> {
        let answers = client.opened();
        let Some(answer) = answers.last() else { return Ok(Begun::Same) };
        let mailbox = mailbox(answer)?;
        let there_before = mailbox.uid_next.map(|next| next.saturating_sub(1));
        let known = self.validity;
        self.validity = mailbox.uid_validity;
        if known.is_none() || self.last.is_none() {
            self.last = there_before;
            return Ok(Begun::Same);
        }
        if known == self.validity {
            return Ok(Begun::Same);
        }
        self.last = there_before;
        Ok(Begun::Other("its UIDs have begun anew, so what is new in it cannot be told".into()))
    }

    fn change(&self, it: &Notification<Bytes>) -> Option<Item> {
        let text = it.text.strip_prefix(b"* ").unwrap_or(&it.text);
        match Untagged::from_bytes(&it.text) {
            // `Still here` is no change.
            Ok(Untagged::Condition(_) | Untagged::Capability(_)) => None,
            Ok(Untagged::Exists(number) | Untagged::Recent(number) | Untagged::Expunge(number)) => {
                let item = Item::new(it.topic.to_vec(), Some(number.to_string().into_bytes()));
                Some(item.field("number", number))
            }
            Ok(Untagged::Fetch(fetch)) => Some(changed(it, &fetch)),
            _ => Some(Item::new(it.topic.to_vec(), Some(text.to_vec()))),
        }
    }

    fn fetch(&mut self, client: &Client<Imap>, topic: &[u8]) -> Result<Vec<Item>, Error> {
        if !topic.eq_ignore_ascii_case(b"EXISTS") {
            return Ok(Vec::new());
        }
        let first = self.last.unwrap_or(0).saturating_add(1);
        let ask = Ask::new("UID FETCH").text(format!("{first}:* (UID ENVELOPE)"));
        let answer = client.request(ask)?;
        let mut mails: Vec<Fetch> = answer.parts.iter().filter_map(read_fetch).collect();
        mails.sort_by_key(|mail| mail.uid);
        // The last message of all is in every range that ends in `*`.
        mails.retain(|mail| mail.uid.is_some_and(|uid| uid >= first) && mail.envelope.is_some());
        mails.dedup_by_key(|mail| mail.uid);
        self.last = mails.last().and_then(|mail| mail.uid).or(self.last);
        Ok(mails.iter().map(new_mail).collect())
    }

    fn topics(&self) -> &'static [&'static str] {
        &["EXISTS"]
    }
}

/// What the answer to EXAMINE says.
fn mailbox(answer: &Answer) -> Result<Mailbox, Error> {
    let end = Condition::parse(&answer.reply.text).map_err(|_| {
        let text = answer.reply.text.clone();
        Error::BadReply(BadReply::Unexpected { expected: "the end of EXAMINE", text })
    })?;
    let parts: Vec<Untagged> =
        answer.parts.iter().filter_map(|part| Untagged::from_bytes(part).ok()).collect();
    Ok(Mailbox::gather(&parts, &end))
}

fn read_fetch(part: &Bytes) -> Option<Fetch> {
    match Untagged::from_bytes(part) {
        Ok(Untagged::Fetch(fetch)) => Some(fetch),
        Ok(_) => None,
        Err(error) => {
            log::warn!("a message is passed over: {error}");
            None
        }
    }
}

fn changed(it: &Notification<Bytes>, fetch: &Fetch) -> Item {
    let flags: Vec<&str> = fetch.flags.iter().flat_map(Words::iter).collect();
    let text = format!("{} {}", fetch.seq, flags.join(" "));
    let item = Item::new(it.topic.to_vec(), Some(text.trim_end().as_bytes().to_vec()));
    item.field("number", fetch.seq).field("flags", flags)
}

fn new_mail(mail: &Fetch) -> Item {
    let envelope = mail.envelope.as_deref();
    let from = envelope.and_then(|it| it.from.first()).map(ToString::to_string);
    let from = one_line(&from.unwrap_or_default());
    let subject = envelope.and_then(|it| it.subject.as_deref());
    let subject = one_line(subject.unwrap_or_default());
    let uid = mail.uid.unwrap_or_default();
    let text = format!("{uid} {from} {subject}");
    let item = Item::new("mail", Some(text.trim_end().as_bytes().to_vec()));
    item.field("uid", uid).field("from", from).field("subject", subject)
}

/// A line for each mail, whatever a stranger has put into it.
fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
