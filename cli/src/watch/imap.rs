//! Watching a mailbox: what changes in it, and new mail.

use std::collections::{BTreeMap, VecDeque};

use bellwire::dialect::imap::response::{
    Code, Condition, Envelope, Fetch, Mailbox, State, Untagged, Words,
};
use bellwire::dialect::imap::{Ask, Examine, Imap};
use bellwire::{Answer, BadReply, Notification};
use bellwire_any::{Client, Connector, Error};
use bytes::Bytes;

use super::{Begun, Item, News, Source};
use crate::address::Address;

/// What new mail is printed as.
const MAIL: &str = "mail";

/// So many mails are fetched at a time, however many are new.
const AT_A_TIME: usize = 500;

/// Of ranges, which cost a server little, so many UIDs are looked at.
const MOST_FOUND: usize = 1_000_000;

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
    /// The UIDs above it that were found and not told yet, ascending.
    found: VecDeque<u32>,
}

impl Source for Inbox {
    type Dialect = Imap;

    fn begin(&mut self, client: &Client<Imap>) -> Result<Begun, Error> {
        self.found.clear();
        let Some(mailbox) = examined(client) else { return Ok(Begun::Same) };
        let known = self.last.is_some();
        if known && self.validity == mailbox.uid_validity {
            return Ok(Begun::Same);
        }
        self.validity = mailbox.uid_validity;
        self.last = None;
        self.last = Some(match mailbox.uid_next {
            Some(next) => next.saturating_sub(1),
            None => highest(client, &mailbox)?,
        });
        let why = "its UIDs have begun anew, so mail that came meanwhile cannot be told from older";
        Ok(if known { Begun::Other(why.into()) } else { Begun::Same })
    }

    fn change(&self, it: &Notification<Bytes>) -> Option<Item> {
        let item = |text| Item::new(it.topic.to_vec(), Some(text));
        match Untagged::from_bytes(&it.text) {
            // `Still here` is no change.
            Ok(Untagged::Condition(_) | Untagged::Capability(_)) => None,
            Ok(Untagged::Exists(number) | Untagged::Recent(number) | Untagged::Expunge(number)) => {
                Some(item(number.to_string().into_bytes()).field("number", number))
            }
            Ok(Untagged::Fetch(fetch)) => Some(changed(it, &fetch)),
            _ => Some(item(details(it))),
        }
    }

    /// What RFC 9051 wants users to see (section 7.1): alerts, warnings and errors.
    fn warning(&self, it: &Notification<Bytes>) -> Option<String> {
        let Ok(Untagged::Condition(condition)) = Untagged::from_bytes(&it.text) else {
            return None;
        };
        let alert = condition.code == Some(Code::Alert);
        let matters = alert || matches!(condition.state, State::No | State::Bad);
        matters.then(|| one_line(&condition.text))
    }

    fn fetch(&mut self, client: &Client<Imap>, topic: &[u8]) -> Result<News, Error> {
        if !topic.eq_ignore_ascii_case(b"EXISTS") {
            return Ok(News::default());
        }
        let fetched = self.fetch_some(client);
        if fetched.is_err() {
            // They will be found again.
            self.found.clear();
        }
        fetched
    }

    fn fetched_as(&self, topic: &str) -> Option<&'static str> {
        topic.eq_ignore_ascii_case("EXISTS").then_some(MAIL)
    }

    fn topics(&self) -> &'static [&'static str] {
        &["EXISTS"]
    }
}

impl Inbox {
    fn fetch_some(&mut self, client: &Client<Imap>) -> Result<News, Error> {
        if self.last.is_none() {
            self.begin(client)?;
        }
        let Some(last) = self.last else { return Ok(News::default()) };
        let pause = client.pause();
        if self.found.is_empty() {
            self.found = search_above(last, client)?;
        }
        let some: Vec<u32> = self.found.drain(..self.found.len().min(AT_A_TIME)).collect();
        let (Some(first), Some(last)) = (some.first(), some.last()) else {
            return Ok(News::default());
        };
        let mails = fetch_mails(&some, *first, *last, client)?;
        drop(pause);
        // Another connection may have answered, to another mailbox of this name. There is a notice
        // of it on its way, after which all is looked for again.
        if examined(client).is_none_or(|mailbox| mailbox.uid_validity != self.validity) {
            self.found.clear();
            return Ok(News::default());
        }
        self.last = Some(*last);
        Ok(News { items: mails, more: !self.found.is_empty() })
    }
}

/// The mailbox as this connection found it; `None` while it has not.
fn examined(client: &Client<Imap>) -> Option<Mailbox> {
    let read = |answer: &Answer| {
        let parts: Vec<Untagged> =
            answer.parts.iter().filter_map(|part| Untagged::from_bytes(part).ok()).collect();
        // RFC 9051, section 6.3.3: no other command that a connection begins with is answered so.
        let opens = parts.iter().any(|part| matches!(part, Untagged::Exists(_)));
        let end = Condition::parse(&answer.reply.text).ok()?;
        opens.then(|| Mailbox::gather(&parts, &end))
    };
    client.opened().last().and_then(read)
}

/// The highest UID in the mailbox, of which its server does not tell the next.
fn highest(client: &Client<Imap>, mailbox: &Mailbox) -> Result<u32, Error> {
    if mailbox.exists == 0 {
        return Ok(0);
    }
    let answer = client.request(Ask::new("UID FETCH").text("* (UID)"))?;
    let uids = answer.parts.iter().filter_map(read_fetch).filter_map(|mail| mail.uid);
    uids.max().ok_or_else(|| unexpected("a UID", &answer))
}

/// The UIDs above one, ascending.
fn search_above(last: u32, client: &Client<Imap>) -> Result<VecDeque<u32>, Error> {
    let Some(first) = last.checked_add(1) else { return Ok(VecDeque::new()) };
    let answer = client.request(Ask::new("UID SEARCH").text(format!("UID {first}:*")))?;
    let mut found = Vec::new();
    for part in &answer.parts {
        match Untagged::from_bytes(part) {
            Ok(Untagged::Search(search)) => found.extend(search.numbers),
            Ok(Untagged::Esearch(search)) => {
                let mut all = search.all;
                all.sort_unstable_by_key(|range| *range.start());
                found.extend(all.into_iter().flatten().take(MOST_FOUND));
            }
            Ok(_) => {}
            Err(_) => return Err(unexpected("the UIDs of messages", &answer)),
        }
    }
    // The last message of all is in every range that ends in `*`.
    found.retain(|uid| *uid >= first);
    found.sort_unstable();
    found.dedup();
    Ok(found.into())
}

/// The mails with these UIDs, the first and the last of which are `first` and `last`.
fn fetch_mails(
    uids: &[u32],
    first: u32,
    last: u32,
    client: &Client<Imap>,
) -> Result<Vec<Item>, Error> {
    let ask = |what: &str| {
        let answer = client.request(Ask::new("UID FETCH").text(format!("{first}:{last} {what}")));
        Ok::<_, Error>(answer?.parts.iter().filter_map(read_fetch).collect::<Vec<Fetch>>())
    };
    let mut mails = BTreeMap::new();
    for mail in ask("(UID ENVELOPE)")? {
        if let (Some(uid), Some(envelope)) = (mail.uid, &mail.envelope) {
            mails.insert(uid, new_mail(uid, envelope));
        }
    }
    if uids.iter().any(|uid| !mails.contains_key(uid)) {
        // They are gone again, or what the server says of them cannot be read.
        for uid in ask("(UID)")?.iter().filter_map(|mail| mail.uid) {
            mails.entry(uid).or_insert_with(|| new_mail(uid, &Envelope::default()));
        }
    }
    // What else the server told meanwhile is about other messages.
    mails.retain(|uid, _| uids.binary_search(uid).is_ok());
    Ok(mails.into_values().collect())
}

fn read_fetch(part: &Bytes) -> Option<Fetch> {
    match Untagged::from_bytes(part) {
        Ok(Untagged::Fetch(fetch)) => Some(fetch),
        Ok(_) => None,
        Err(error) => {
            log::info!("what the server says of a message cannot be read: {error}");
            None
        }
    }
}

fn unexpected(expected: &'static str, answer: &Answer) -> Error {
    let text = answer.parts.first().unwrap_or(&answer.reply.text).clone();
    Error::BadReply(BadReply::Unexpected { expected, text })
}

fn changed(it: &Notification<Bytes>, fetch: &Fetch) -> Item {
    let flags: Vec<&str> = fetch.flags.iter().flat_map(Words::iter).collect();
    let text = format!("{} {}", fetch.seq, flags.join(" "));
    let item = Item::new(it.topic.to_vec(), Some(text.trim_end().as_bytes().to_vec()));
    item.field("number", fetch.seq).field("flags", flags)
}

/// What a notification says besides its topic.
fn details(it: &Notification<Bytes>) -> Vec<u8> {
    let text = String::from_utf8_lossy(it.text.strip_prefix(b"* ").unwrap_or(&it.text));
    let topic = it.topic();
    let (before, behind) = text.split_once(&*topic).unwrap_or(("", &text));
    one_line(&format!("{} {}", before.trim(), behind.trim())).trim().as_bytes().to_vec()
}

fn new_mail(uid: u32, envelope: &Envelope) -> Item {
    let from = envelope.from.first().map(ToString::to_string);
    let from = one_line(&from.unwrap_or_default());
    let subject = one_line(envelope.subject.as_deref().unwrap_or_default());
    let mut text = uid.to_string();
    for part in [&from, &subject].into_iter().filter(|part| !part.is_empty()) {
        text = format!("{text} {part}");
    }
    let item = Item::new(MAIL, Some(text.into_bytes()));
    item.field("uid", uid).field("from", from).field("subject", subject)
}

/// A line for each mail, whatever a stranger has put into it.
fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
