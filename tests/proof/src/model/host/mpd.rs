//! MPD's server, after its documentation's chapter on the protocol, and what MPD 0.23.12 was seen to
//! do.

use bellwire::dialect::Standing;
use bellwire::dialect::mpd::Mpd;
use bellwire::{Refusal, Status};

use super::{Heard, Host, Note};
use crate::model::draw::{Draw, Drawn};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MpdHost;

impl Drawn for MpdHost {
    fn draw(_: &mut Draw<'_>) -> Self {
        Self
    }
}

/// In the order in which MPD tells them.
const SUBSYSTEMS: [&str; 14] = [
    "database",
    "stored_playlist",
    "playlist",
    "player",
    "mixer",
    "output",
    "options",
    "sticker",
    "update",
    "subscription",
    "message",
    "neighbor",
    "mount",
    "partition",
];

impl Host for MpdHost {
    type Dialect = Mpd;

    const UNTIL_NEWS: bool = true;
    const GREETING: &'static str = "OK MPD 0.23.5\n";
    const HEARD: &'static [&'static [u8]] = &[
        b"status",
        b"status",
        b"play 1",
        b"find \"a b\" c ",
        b"noidle",
        b"noidle",
        b"noidle",
        b"idle",
        b"idle",
        b"idle mixer",
        b"idle \"player\" MIXER",
        b"idle nosuch",
        b"idle player nosuch",
        b"command_list_ok_begin",
        b"command_list_ok_begin",
        b"command_list_begin",
        b"command_list_end",
        b"command_list_end",
        b"command_list_end",
        b"noidle x",
        b"find \"a",
        b"find \"a\"b",
        b"find a'b",
        b"close",
        b"pi%ng",
        b"Status",
        b" status",
        b"",
        b"status of thirty bytes, it is!",
        b"status of more than thirty bytes",
    ];
    const REPLIES: &'static [&'static str] = &[
        "volume: 1",
        "",
        "a: b\nc: d\n",
        "No such song",
        "[50] No such song",
        "ACK [50@7] {stop} No",
        "OK",
        "OK: x",
        "list_OK: x",
        "changed: player",
        "no pair",
        "binary: 3\nabc",
        "binary: 3\na\nb\nc: d",
        "binary: 3\nabcd",
        "carriage: \r",
        "a: reply of more than thirty bytes",
        "a: b\na: b\na: b\na: b\na: b\na: b\na: b\na: b\na: b\na: b\na: b\na: b\na: b",
    ];
    const TOPICS: &'static [&'static str] =
        &["player", "mixer", "database", "partition", "nosuch", "Player", "", "player\n"];
    const SENSIBLE_TOPICS: usize = 4;

    fn dialect(&self) -> Mpd {
        Mpd::default()
    }

    fn hear(&self, line: &[u8], standing: Standing) -> Heard {
        let end = line.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
        let line = &line[..end];
        let name: Vec<u8> = line.iter().copied().take_while(|byte| *byte > b' ').collect();
        let (index, member) = match standing {
            Standing::Member { index, marked } => (index, Some(marked)),
            _ => (0, None),
        };
        let nameless =
            Note { index, member, acknowledgement: b"OK\n".to_vec(), code: 5, ..Note::default() };
        match (line, standing) {
            _ if !line.first().is_some_and(u8::is_ascii_lowercase) => Heard::Wrong,
            (b"noidle", Standing::Listening) => Heard::Leave(nameless),
            (b"noidle", _) => Heard::Nothing,
            (_, Standing::Listening) => Heard::Wrong,
            (b"command_list_end", Standing::Listing) => Heard::ListEnd(nameless),
            (_, Standing::Listing) => Heard::Listed,
            (b"command_list_begin", Standing::Outside) => Heard::ListBegin(false),
            (b"command_list_ok_begin", Standing::Outside) => Heard::ListBegin(true),
            _ if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') => {
                Heard::Expelled(nameless, "Invalid word character")
            }
            _ => match arguments(&line[name.len()..]) {
                Err(why) => Heard::Rejected(nameless, why),
                Ok(arguments) => command(line, name, arguments, nameless),
            },
        }
    }

    fn too_long(&self) -> Heard {
        Heard::Wrong
    }

    fn reply(&self, note: &Note, status: Status, text: &[u8]) -> Result<Vec<u8>, Refusal> {
        if status == Status::Refused {
            return refuse(note, text);
        }
        let end: &[u8] = match note.member {
            None => b"OK\n",
            Some(true) => b"list_OK\n",
            Some(false) => b"",
        };
        check(text)?;
        let last: &[u8] = if text.is_empty() || text.ends_with(b"\n") { b"" } else { b"\n" };
        Ok([text, last, end].concat())
    }

    fn notification(&self, topic: &[u8]) -> Result<Vec<u8>, Refusal> {
        if !SUBSYSTEMS.iter().any(|it| it.as_bytes() == topic) {
            return Err(Refusal::Form(""));
        }
        Ok([b"changed: ", topic, b"\n"].concat())
    }

    fn rank(&self, topic: &[u8]) -> usize {
        SUBSYSTEMS.iter().position(|it| it.as_bytes() == topic).unwrap_or(99)
    }
}

fn command(line: &[u8], name: Vec<u8>, arguments: Vec<Vec<u8>>, nameless: Note) -> Heard {
    let known = |it: &Vec<u8>| SUBSYSTEMS.iter().any(|subsystem| subsystem.as_bytes() == it);
    match name.as_slice() {
        b"idle" => {
            let wants = arguments.iter().map(|it| it.to_ascii_lowercase()).collect::<Vec<_>>();
            match wants.iter().position(|it| !known(it)) {
                None => Heard::Enter(Note { wants, name, ..nameless }),
                Some(at) => {
                    let behind = [b": ", arguments[at].as_slice()].concat();
                    let note = Note { name, code: 2, behind, ..nameless };
                    Heard::Rejected(note, "Unrecognized idle event")
                }
            }
        }
        b"close" => Heard::Goodbye,
        b"noidle" => Heard::Rejected(nameless, "unknown command \"noidle\""),
        b"command_list_begin" => {
            Heard::Rejected(nameless, "unknown command \"command_list_begin\"")
        }
        b"command_list_ok_begin" => {
            Heard::Rejected(nameless, "unknown command \"command_list_ok_begin\"")
        }
        b"command_list_end" => Heard::Rejected(nameless, "unknown command \"command_list_end\""),
        _ => Heard::Command(Note { name, ..nameless }, line.to_vec(), None),
    }
}

/// The arguments in the few forms that are tried here.
fn arguments(text: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut arguments = Vec::new();
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let end = quoted.iter().position(|byte| *byte == b'"');
            let end = end.ok_or("Missing closing '\"'")?;
            arguments.push(quoted[..end].to_vec());
            rest = &quoted[end + 1..];
            if rest.first().is_some_and(|byte| *byte != b' ') {
                return Err("Space expected after closing '\"'");
            }
        } else {
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            if rest[..end].iter().any(|byte| b"'\"".contains(byte)) {
                return Err("Invalid unquoted character");
            }
            arguments.push(rest[..end].to_vec());
            rest = &rest[end..];
        }
        rest = rest.trim_ascii_start();
    }
    Ok(arguments)
}

fn refuse(note: &Note, text: &[u8]) -> Result<Vec<u8>, Refusal> {
    if let Some(at) = text.iter().position(|byte| b"\r\n\0".contains(byte)) {
        return Err(Refusal::Forbidden { byte: text[at], at });
    }
    let (code, name, why) = match text {
        b"[50] No such song" => (50, note.name.as_slice(), &b"No such song"[..]),
        b"ACK [50@7] {stop} No" => (50, &b"stop"[..], &b"No"[..]),
        text => (note.code, note.name.as_slice(), text),
    };
    let begin = format!("ACK [{code}@{}] {{", note.index).into_bytes();
    Ok([&begin, name, b"} ", why, &note.behind, b"\n"].concat())
}

/// Whether the lines before `OK` are keys and values, and none looks like an end.
fn check(text: &[u8]) -> Result<(), Refusal> {
    match text {
        b"binary: 3\nabc" | b"binary: 3\na\nb\nc: d" => return Ok(()),
        b"binary: 3\nabcd" => return Err(Refusal::Form("")),
        _ => {}
    }
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if let Some(at) = line.iter().position(|byte| b"\r\0".contains(byte)) {
            return Err(Refusal::Forbidden { byte: line[at], at });
        }
        let key = line.windows(2).position(|at| at == b": ").map_or(&b""[..], |end| &line[..end]);
        match key {
            b"" => return Err(Refusal::Form("")),
            b"OK" | b"list_OK" | b"changed" => return Err(Refusal::Reserved("")),
            key if key.contains(&b' ') => return Err(Refusal::Form("")),
            _ => {}
        }
    }
    Ok(())
}
