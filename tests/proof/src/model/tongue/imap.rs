//! IMAP, after RFC 9051 and RFC 2177 (`IDLE`), and what Dovecot 2.3 was seen to do.

use std::ops::Range;
use std::time::Duration;

use bellwire::Refusal;
use bellwire::dialect::imap::Imap;
use bellwire::mode::Entered;

use super::{Ledger, Meaning, Owed, Tongue, View};
use crate::model::asked::{Asked, Who};
use crate::model::draw::{Draw, Drawn};
use crate::model::without_end;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InImap {
    whole: usize,
    silence: Option<u64>,
    rearm: Option<u64>,
    /// Secrets may be sent, because nobody can listen in or nobody minds.
    open: bool,
    /// The server has said that it takes literals unasked.
    plus: bool,
}

impl Default for InImap {
    fn default() -> Self {
        let (silence, rearm) = (Some(5 * 60), Some(28 * 60));
        Self { whole: 16 * 1024, silence, rearm, open: false, plus: false }
    }
}

impl Drawn for InImap {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self {
            whole: draw.one_of(&[16 * 1024, 16 * 1024, 0, 16, 40]),
            silence: draw.one_of(&[Some(300), None, Some(20)]),
            rearm: draw.one_of(&[Some(28 * 60), None, Some(30)]),
            open: draw.yes(),
            plus: false,
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let plain = Self::default();
        vec![
            Self { whole: plain.whole, ..self.clone() },
            Self { silence: plain.silence, ..self.clone() },
            Self { rearm: plain.rearm, ..self.clone() },
            Self { open: false, ..self.clone() },
        ]
    }
}

impl Tongue for InImap {
    type Dialect = Imap;

    const ENTERED: Entered = Entered::ByContinue;
    const END: &'static str = "\r\n";
    const SHORT: usize = 60;
    const PROPER_GREETINGS: usize = 3;
    const GREETINGS: &'static [&'static str] = &[
        "* OK hello",
        "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hello",
        "* OK [CAPABILITY IMAP4rev1 IDLE] hello",
        "* BYE too many",
        "* NO",
        "* 1 EXISTS",
        "A1 OK",
        "+ go on",
        "hello",
        "",
    ];
    const USUAL: &'static [&'static str] = &[
        "FETCH 1 BODY[]",
        "UID FETCH 1:* FLAGS",
        "CHECK",
        "APPEND x {3}\r\nabc",
        "SEARCH {1}\r\na {2}\r\nbc",
        "APPEND x {3+}\r\nabc",
        "LOGIN a b",
        "STARTTLS",
    ];
    const ODD: &'static [&'static str] = &[
        "",
        "  ",
        " CHECK",
        "IDLE",
        "idle",
        "DONE",
        "COMPRESS DEFLATE",
        "CHECK\r\nCHECK",
        "CHECK\nCHECK",
        "CHECK\r",
        "nul\0",
        "APPEND x {3}",
        "APPEND x {3}\r\nab",
        "LOGIN {1}\r\na {1}\r\nb",
        "AUTHENTICATE PLAIN",
        "AUTHENTICATE PLAIN\r\nAGEAYg==",
        "AUTHENTICATE PLAIN AGEAYg==",
        "UID LOGIN a b",
        "store 1 FLAGS x",
    ];
    const STRAY: &'static [&'static [u8]] = &[
        b"* OK Still here",
        b"* OK [ALERT] look {3}",
        b"* NO [alert] look",
        b"* BYE bye",
        b"* PREAUTH again",
        b"* SEARCH 1 2",
        b"* 1 FETCH (FLAGS ())",
        b"* 2 FETCH (BODY[] {5}\r\nA1 OK)",
        b"* 3 FETCH (BODY[] {40}\r\n0123456789012345678901234567890123456789 X {2}\r\nab)",
        b"* 4 FETCH (BODY[] {0}\r\n)",
        b"* 5 FETCH (BODY[] {20}",
        b"* 6 FETCH (BODY[] {99999999999999999999}",
        b"* 7 EXPUNGE",
        b"* 9 FETCH (BODY[] {300}",
        b"* VANISHED 1:3",
        b"* 8",
        b"*",
        b"* ",
        b"* CAPABILITY IMAP4rev1 LITERAL+",
        b"* CAPABILITY IMAP4rev1",
        b"* OK [CAPABILITY LITERAL+] well",
        b"A1 OK done",
        b"A1 BAD",
        b"A2 NO no",
        b"A2 OK [CAPABILITY IMAP4rev1] done",
        b"A3 OK",
        b"A4 WHAT",
        b"A99 OK",
        b"A02 OK",
        b"a3 OK",
        b"DONE BAD what",
        b"+",
        b"+idling",
        b"hello",
        b"",
        b"* a line of sixty bytes, which are as many as there may be, !",
        b"* a line of more than sixty bytes, which is more than there may be",
    ];
    const GO_ON: &'static str = "+ go on";

    fn dialect(&self) -> Imap {
        let mut imap = Imap::default();
        imap.whole = self.whole;
        imap.silence = self.silence.map(Duration::from_secs);
        imap.rearm = self.rearm.map(Duration::from_secs);
        imap.insecure = self.open;
        imap
    }

    fn silence(&self) -> Option<u64> {
        self.silence
    }

    fn rearm(&self) -> Option<u64> {
        self.rearm
    }

    fn numbered(&self) -> bool {
        true
    }

    fn tag(&self, number: u64) -> String {
        format!("A{number} ")
    }

    fn enter(&self) -> &'static str {
        "IDLE"
    }

    fn leave(&self) -> &'static str {
        "DONE"
    }

    fn probe(&self) -> &'static str {
        "NOOP"
    }

    fn parts(&self, text: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        let verb = verb(text);
        let authenticates = verb == "AUTHENTICATE";
        match verb.as_str() {
            _ if text.trim_ascii().is_empty() => return Err(Refusal::Empty),
            "" | "IDLE" | "DONE" | "COMPRESS" | "UID LOGIN" => return Err(Refusal::Reserved("")),
            "LOGIN" | "AUTHENTICATE" if !self.open => return Err(Refusal::Insecure),
            _ => {}
        }
        if let Some(at) = text.iter().position(|byte| *byte == 0) {
            return Err(Refusal::Forbidden { byte: 0, at });
        }
        let words = text.split(|byte| *byte == b' ').count();
        let (mut parts, mut rest, mut part) = (Vec::new(), text, Vec::new());
        while let Some(at) = rest.iter().position(|byte| b"\r\n".contains(byte)) {
            let forbidden = Refusal::Forbidden { byte: rest[at], at };
            let behind = rest[at..].strip_prefix(b"\r\n").ok_or(forbidden)?;
            part.extend(&rest[..at + 2]);
            if authenticates {
                parts.push(std::mem::take(&mut part));
                rest = behind;
                continue;
            }
            let (count, asks) = literal(&rest[..at]).ok_or(forbidden)?;
            if behind.len() < count {
                return Err(Refusal::Incomplete(""));
            }
            match asks {
                true => parts.push(std::mem::take(&mut part)),
                false if self.plus && self.open => {}
                false => return Err(Refusal::NotOffered("")),
            }
            part.extend(&behind[..count]);
            rest = &behind[count..];
        }
        let asked_for_nothing = authenticates && parts.is_empty() && words < 3;
        if literal(rest).is_some() || asked_for_nothing {
            return Err(Refusal::Incomplete(""));
        }
        part.extend(rest);
        part.extend(b"\r\n");
        parts.push(part);
        Ok(parts)
    }

    fn whole(&self) -> usize {
        self.whole
    }

    /// Literals stand in data, and not in text for people.
    fn counted(&self, text: &[u8], behind: bool, _: &mut View<'_>) -> Result<Option<usize>, ()> {
        let data = text.strip_prefix(b"* ").is_some_and(|rest| !is_condition(word(rest, 0)));
        if !behind && !data {
            return Ok(None);
        }
        if text.ends_with(b"{99999999999999999999}") {
            return Err(());
        }
        Ok(literal(text).map(|(count, _)| count))
    }

    fn meaning(&mut self, line: &[u8], view: &mut View<'_>) -> Meaning {
        if line.starts_with(b"* ") {
            return self.untagged(line, view);
        }
        if !view.greeted {
            return Meaning::Wrong;
        }
        if line == b"+" || line.starts_with(b"+ ") {
            return Meaning::GoOn;
        }
        let tag = line.split_inclusive(|byte| *byte == b' ').next().unwrap_or_default();
        let ours = |asked: &Asked| self.tag(asked.number).as_bytes() == tag;
        let Some(of) = view.wire.iter().position(|asked| asked.after <= view.at && ours(asked))
        else {
            return Meaning::Unsolicited;
        };
        let text = tag.len();
        match word(line, text).to_ascii_uppercase().as_slice() {
            b"OK" => {
                self.learn(&line[text + 2..]);
                Meaning::Reply { of, refused: false, text }
            }
            b"NO" | b"BAD" => Meaning::Reply { of, refused: true, text },
            _ => Meaning::Wrong,
        }
    }

    fn upgraded(&mut self) {
        (self.plus, self.open) = (false, true);
    }

    fn question(number: u64) -> String {
        format!("SEARCH question {number}")
    }

    fn notification(number: u64) -> String {
        format!("* {number} EXISTS")
    }

    fn take(&self, said: &mut Vec<u8>, ledger: &mut Ledger) {
        let Some(end) = said.iter().position(|byte| *byte == b'\n') else { return };
        let line: Vec<u8> = said.drain(..=end).collect();
        let line = without_end(&line);
        let (more, asks) = (literal(line).is_some(), matches!(literal(line), Some((_, true))));
        if line == b"DONE" {
            let idle = ledger.owed.iter_mut().filter(|owed| owed.mode);
            return idle.for_each(|owed| owed.due = true);
        }
        if ledger.continues {
            ledger.continues = more;
            ledger.asks += usize::from(asks);
            return ledger.owed.iter_mut().filter(|it| !it.mode).for_each(|it| it.due = !more);
        }
        let tag = line.iter().take_while(|byte| **byte != b' ').count() + 1;
        let (tag, question) = line.split_at(tag.min(line.len()));
        ledger.heard += 1;
        let text = format!("re {}.", ledger.heard).into_bytes();
        let mode = question == b"IDLE";
        let authenticates = verb(question) == "AUTHENTICATE" && question.ends_with(b"PLAIN");
        ledger.asks += usize::from(asks || authenticates || mode);
        ledger.continues = more || authenticates;
        let data = match verb(question).as_str() {
            "FETCH" => b"* 1 FETCH (BODY[] {11}\r\nA1 OK * )\r\n BODY[1] {0}\r\n)\r\n".to_vec(),
            "SEARCH" => b"* SEARCH 1 2\r\n".to_vec(),
            _ => Vec::new(),
        };
        ledger.owed.push(Owed {
            tag: tag.to_vec(),
            question: question.to_vec(),
            data,
            answer: [b"OK ", text.as_slice()].concat(),
            proof: (!mode && question != b"NOOP").then_some(text),
            due: !mode && !ledger.continues,
            mode,
            changed: false,
        });
    }

    fn refusal(&self, owed: &Owed) -> Vec<u8> {
        [b"NO ", owed.proof.as_deref().unwrap_or_default()].concat()
    }
}

impl InImap {
    fn untagged(&mut self, line: &[u8], view: &mut View<'_>) -> Meaning {
        let topic = topic(line);
        let word = line[topic.clone()].to_ascii_uppercase();
        let text = &line[topic.end..];
        match word.as_slice() {
            b"BYE" => return Meaning::Goodbye,
            b"CAPABILITY" => self.plus = text.ends_with(b"LITERAL+"),
            b"OK" | b"PREAUTH" => self.learn(text),
            _ => {}
        }
        if !view.greeted {
            let greets = matches!(word.as_slice(), b"OK" | b"PREAUTH");
            return if greets { Meaning::Greeting } else { Meaning::Wrong };
        }
        if view.oldest().is_some_and(|asked| asked.who == Who::Enter) {
            return Meaning::Notification { topic };
        }
        let asks_messages = |asked: &Asked| {
            matches!(verb(&asked.line).as_str(), "FETCH" | "STORE" | "UID FETCH" | "UID STORE")
        };
        let alert = text.to_ascii_uppercase().starts_with(b" [ALERT]");
        let news = match word.as_slice() {
            _ if !view.any(|_| true) => true,
            b"EXISTS" | b"EXPUNGE" | b"RECENT" | b"VANISHED" => true,
            b"FETCH" => !view.any(asks_messages),
            word => is_condition(word) && alert,
        };
        Meaning::Data { topic, news }
    }

    /// What the server can do stands in the code before the text.
    fn learn(&mut self, text: &[u8]) {
        if text.starts_with(b" [CAPABILITY ") {
            self.plus = text.windows(9).any(|at| at == b"LITERAL+]");
        }
    }
}

fn word(line: &[u8], from: usize) -> &[u8] {
    line[from..].split(|byte| *byte == b' ').next().unwrap_or_default()
}

/// The first word behind `* ` that is no number.
fn topic(line: &[u8]) -> Range<usize> {
    let first = word(line, 2);
    let number = first.iter().all(u8::is_ascii_digit);
    let start = if number && 2 + first.len() < line.len() { 3 + first.len() } else { 2 };
    start..start + word(line, start).len()
}

/// Text for people follows.
fn is_condition(word: &[u8]) -> bool {
    matches!(word.to_ascii_uppercase().as_slice(), b"OK" | b"NO" | b"BAD" | b"BYE" | b"PREAUTH")
}

/// The first word of a command, or the first two.
fn verb(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).to_ascii_uppercase();
    let mut words = text.split([' ', '\r']);
    match (words.next().unwrap_or_default(), words.next()) {
        ("UID", Some(verb)) => format!("UID {verb}"),
        (verb, _) => verb.into(),
    }
}

/// The count in `{12}` or `{12+}` at the end of a line, and whether it has to be asked for.
pub(crate) fn literal(line: &[u8]) -> Option<(usize, bool)> {
    let text = line.strip_suffix(b"}")?;
    let (text, asks) = text.strip_suffix(b"+").map_or((text, true), |text| (text, false));
    let brace = text.iter().rposition(|byte| *byte == b'{')?;
    let digits = std::str::from_utf8(&text[brace + 1..]).ok()?;
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((if number { digits.parse().ok()? } else { return None }, asks))
}
