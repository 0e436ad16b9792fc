//! The notif protocol's server.

use bellwire::dialect::Standing;
use bellwire::dialect::notif::Notif;
use bellwire::{Refusal, Status};

use super::{Heard, Host, Note};
use crate::model::draw::{Draw, Drawn};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NotifHost {
    pub(crate) ids: bool,
}

impl Drawn for NotifHost {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self { ids: draw.yes() }
    }

    fn simpler(&self) -> Vec<Self> {
        vec![Self::default()]
    }
}

impl Host for NotifHost {
    type Dialect = Notif;

    const UNTIL_NEWS: bool = false;
    const GREETING: &'static str = "";
    const HEARD: &'static [&'static [u8]] = &[
        b"random?",
        b"random?",
        b"classified? ",
        b"weather?",
        b"weather?",
        b"set weather",
        b"notif",
        b"notif ",
        b"_notif_",
        b"stop_notif",
        b"_stop_notify_",
        b"OK",
        b"OK",
        b"",
        b"  ",
        b"\xff?",
        b"nul\0?",
        b"#1 random?",
        b"#02 notif",
        b"#3 ",
        b"#4",
        b"a line of exactly 30 bytes or?",
        b"a line that is longer than thirty bytes?",
    ];
    const REPLIES: &'static [&'static str] = &[
        "42",
        "",
        "a fine flat",
        "error: none",
        "notif: random",
        "two\nlines",
        "carriage\r",
        "a reply of more than thirty bytes",
    ];
    const TOPICS: &'static [&'static str] = &[
        "random",
        "classified",
        "weather",
        "",
        "OK",
        " random",
        "random\n",
        "a\rb",
        "set weather",
        "#1 random",
    ];
    const SENSIBLE_TOPICS: usize = 3;

    fn dialect(&self) -> Notif {
        let mut notif = Notif::default();
        notif.ids = self.ids;
        notif
    }

    fn tag(&self, number: u64) -> String {
        if self.ids { format!("#{number} ") } else { String::new() }
    }

    fn hear(&self, line: &[u8], standing: Standing) -> Heard {
        let (tag, text) = if self.ids { split_id(line) } else { (&b""[..], line) };
        let text = text.trim_ascii_end();
        let note = |acknowledgement: &[u8]| Note {
            tag: tag.into(),
            acknowledgement: [tag, acknowledgement, b"\r\n"].concat(),
            ..Note::default()
        };
        match text {
            b"notif" => Heard::Enter(note(b"OK")),
            b"_notif_" => Heard::Enter(note(b"will send notifs")),
            b"stop_notif" | b"_stop_notif_" | b"_stop_notify_" => Heard::Leave(note(b"OK")),
            b"OK" if standing == Standing::Listening => Heard::Acknowledged,
            b"OK" => Heard::Rejected(note(b""), "OK acknowledges notifications only"),
            b"" => Heard::Rejected(note(b""), "empty command"),
            text if std::str::from_utf8(text).is_err() => {
                Heard::Rejected(note(b""), "the command is not UTF-8")
            }
            text if text.contains(&0) => Heard::Rejected(note(b""), "the command holds a NUL"),
            text => {
                let reads = text.strip_suffix(b"?").map(<[u8]>::to_vec);
                Heard::Command(note(b""), text.to_vec(), reads)
            }
        }
    }

    fn too_long(&self) -> Heard {
        Heard::Rejected(Note::default(), "line too long")
    }

    fn reply(&self, note: &Note, status: Status, text: &[u8]) -> Result<Vec<u8>, Refusal> {
        let error = text.starts_with(b"error:");
        if status == Status::Done && (error || text.starts_with(b"notif:")) {
            return Err(Refusal::Reserved(""));
        }
        if let Some(at) = text.iter().position(|byte| b"\r\n\0".contains(byte)) {
            return Err(Refusal::Forbidden { byte: text[at], at });
        }
        let error = if status == Status::Refused && !error { &b"error: "[..] } else { b"" };
        Ok([&note.tag, error, text, b"\r\n"].concat())
    }

    fn notification(&self, topic: &[u8]) -> Result<Vec<u8>, Refusal> {
        match topic {
            b"" => return Err(Refusal::Empty),
            b"OK" => return Err(Refusal::Reserved("")),
            _ if topic.trim_ascii() != topic => return Err(Refusal::Reserved("")),
            _ => {}
        }
        match topic.iter().position(|byte| b"\r\n\0".contains(byte)) {
            Some(at) => Err(Refusal::Forbidden { byte: topic[at], at }),
            None => Ok([b"notif: ", topic, b"\r\n"].concat()),
        }
    }
}

/// A line's id with the blank behind it, and the rest. There is one way to write each id.
pub(crate) fn split_id(line: &[u8]) -> (&[u8], &[u8]) {
    let blank = line.iter().position(|byte| *byte == b' ').unwrap_or(0);
    let number = std::str::from_utf8(&line[..blank]).ok().and_then(|id| id.strip_prefix('#'));
    match number.and_then(|number| number.parse::<u64>().ok()) {
        Some(number) if line.starts_with(format!("#{number} ").as_bytes()) => {
            line.split_at(blank + 1)
        }
        _ => (b"", line),
    }
}
