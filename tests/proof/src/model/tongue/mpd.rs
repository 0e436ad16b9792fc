//! MPD's protocol, after its documentation's chapter on the protocol, and what MPD 0.23.12 was seen
//! to do.

use bellwire::Phase;
use bellwire::Refusal;
use bellwire::dialect::mpd::Mpd;
use bellwire::mode::Entered;

use super::{Ledger, Meaning, Owed, Tongue, View};
use crate::model::asked::{Asked, Who};
use crate::model::draw::{Draw, Drawn};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InMpd {
    whole: usize,
    silence: Option<u64>,
    /// As OwnTone does.
    answers_stray_noidle: bool,
}

impl Default for InMpd {
    fn default() -> Self {
        Self { whole: 16 * 1024, silence: Some(30), answers_stray_noidle: false }
    }
}

impl Drawn for InMpd {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self {
            whole: draw.one_of(&[16 * 1024, 16 * 1024, 0, 8, 20]),
            silence: draw.one_of(&[Some(30), None, Some(5)]),
            answers_stray_noidle: draw.one_of(&[false, false, false, true]),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let plain = Self::default();
        vec![
            Self { whole: plain.whole, ..self.clone() },
            Self { silence: plain.silence, ..self.clone() },
            Self { answers_stray_noidle: false, ..self.clone() },
        ]
    }
}

const BEGIN: &[u8] = b"command_list_ok_begin\n";
const END: &[u8] = b"command_list_end";

impl Tongue for InMpd {
    type Dialect = Mpd;

    const ENTERED: Entered = Entered::AtOnce;
    const END: &'static str = "\n";
    const SHORT: usize = 40;
    const KEEPS_CR: bool = true;
    const PROPER_GREETINGS: usize = 2;
    const GREETINGS: &'static [&'static str] = &[
        "OK MPD 0.23.5",
        "OK MPD 0.24",
        "OK",
        "OK MPD",
        "OK MPD x.y",
        "ACK [5@0] {} no",
        "changed: player",
        "",
    ];
    const USUAL: &'static [&'static str] = &[
        "status",
        "albumart x 0",
        "readpicture \"y z\" 0",
        "command_list_ok_begin\nstatus\nalbumart x 0\nplay\ncommand_list_end",
        "command_list_ok_begin\ncommand_list_end",
    ];
    const ODD: &'static [&'static str] = &[
        "",
        " ",
        " status",
        "Status",
        "idle",
        "idle player",
        "noidle",
        "close",
        "command_list_begin",
        "command_list_end",
        "play\nstop",
        "play\r",
        "nul\0",
        "password sesame",
        "command_list_ok_begin\nidle\ncommand_list_end",
        "command_list_ok_begin\ncommand_list_ok_begin\ncommand_list_end\ncommand_list_end",
        "command_list_ok_begin\nstatus",
        "command_list_ok_begin\nplay\n\ncommand_list_end",
    ];
    const STRAY: &'static [&'static [u8]] = &[
        b"OK",
        b"OK ",
        b"OK\r",
        b"ACK [5@0] {play} no",
        b"ACK",
        b"list_OK",
        b"changed: player",
        b"changed: ",
        b"changed",
        b"volume: 1",
        b"volume:",
        b": 1",
        b"binary: 0",
        b"binary: 7",
        b"binary: 50",
        b"binary: x",
        b"binary: ",
        b"binary: 18446744073709551616",
        b"OK MPD 0.23.5",
        b"a\r",
        b"",
        b"\xff\x00: not UTF-8",
        b"key: of forty bytes, all of them in here",
        b"key: of more than forty bytes, which is one too many for some",
    ];

    fn dialect(&self) -> Mpd {
        let mut mpd = Mpd::default();
        mpd.whole = self.whole;
        mpd.silence = self.silence.map(std::time::Duration::from_secs);
        mpd.answers_stray_noidle = self.answers_stray_noidle;
        mpd
    }

    fn silence(&self) -> Option<u64> {
        self.silence
    }

    fn enter(&self) -> &'static str {
        "idle"
    }

    fn leave(&self) -> &'static str {
        "noidle"
    }

    fn probe(&self) -> &'static str {
        "ping"
    }

    fn parts(&self, text: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        let list = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        match list {
            Some(members) if members.is_empty() || members.ends_with(b"\n") => {
                members
                    .split_inclusive(|byte| *byte == b'\n')
                    .try_for_each(|member| check(member.strip_suffix(b"\n").unwrap_or(member)))?;
            }
            _ => check(text)?,
        }
        Ok(vec![[text, b"\n"].concat()])
    }

    fn whole(&self) -> usize {
        self.whole
    }

    /// Binary parts stand in the answers to two commands only.
    fn counted(&self, text: &[u8], behind: bool, view: &mut View<'_>) -> Result<Option<usize>, ()> {
        if !view.oldest().is_some_and(|asked| may_be_binary(asked)) {
            return Ok(None);
        }
        match text.strip_prefix(b"binary: ") {
            _ if behind && text.is_empty() => Ok(None),
            _ if behind => Err(()),
            None => Ok(None),
            Some(digits) => match std::str::from_utf8(digits).map(str::parse) {
                Ok(Ok(count)) => Ok(Some(count)),
                _ => Err(()),
            },
        }
    }

    fn meaning(&mut self, line: &[u8], view: &mut View<'_>) -> Meaning {
        if !view.greeted {
            return if is_greeting(line) { Meaning::Greeting } else { Meaning::Wrong };
        }
        let crossed = view.phase == Phase::Leaving && self.answers_stray_noidle;
        let Some(asked) = view.oldest() else { return Meaning::Unsolicited };
        let of = 0;
        let (ok, ack) = (line == b"OK", line.starts_with(b"ACK "));
        if asked.twice && (ok || ack) {
            // Whatever it says to a stray `noidle`.
            return Meaning::Reply { of, refused: false, text: line.len() };
        }
        if ok && asked.changed && crossed {
            asked.twice = true;
            return Meaning::Part { of, text: 0 };
        }
        if ok || ack {
            let text = if ok { 2 } else { 4 };
            return Meaning::Reply { of, refused: ack, text };
        }
        if asked.who == Who::Enter {
            if line.starts_with(b"changed: ") && !asked.twice {
                asked.changed = true;
                return Meaning::Notification { topic: 9..line.len() };
            }
            return Meaning::Wrong;
        }
        let members = members(&asked.line).map_or(0, |members| members.len());
        if line == b"list_OK" && asked.ended < members {
            asked.ended += 1;
            return Meaning::Part { of, text: 0 };
        }
        let pair = line.windows(2).skip(1).any(|at| at == b": ");
        if pair { Meaning::Part { of, text: 0 } } else { Meaning::Unsolicited }
    }

    fn question(number: u64) -> String {
        format!("find question {number}")
    }

    fn notification(number: u64) -> String {
        format!("changed: news{number}")
    }

    fn take(&self, said: &mut Vec<u8>, ledger: &mut Ledger) {
        let end = if said.starts_with(BEGIN) { b"\ncommand_list_end\n" } else { &b"\n"[..] };
        let Some(at) = said.windows(end.len()).position(|at| at == end) else { return };
        let question: Vec<u8> = said.drain(..at + end.len()).collect();
        let question = question[..question.len() - 1].to_vec();
        ledger.heard += 1;
        let heard = ledger.heard;
        let idling = ledger.owed.iter_mut().find(|owed| owed.mode && !owed.changed);
        let mut owed = Owed { due: true, answer: b"OK".to_vec(), ..Owed::default() };
        match question.as_slice() {
            b"idle" => (owed.mode, owed.due) = (true, false),
            b"noidle" => match idling {
                Some(idling) => {
                    idling.due = true;
                    return;
                }
                None if !self.answers_stray_noidle => return,
                None => {}
            },
            b"ping" => {}
            _ => {
                let list = members(&question);
                let alone = [question.as_slice()];
                let mark: &[u8] = if list.is_some() { b"list_OK\n" } else { b"" };
                let lines = list.as_deref().unwrap_or(&alone).iter();
                let lines = lines.flat_map(|line| [answer(line, heard), mark.to_vec()].concat());
                owed.answer = lines.chain(*b"OK").collect();
                owed.proof = Some(
                    owed.answer
                        .split(|byte| *byte == b'\n')
                        .next()
                        .filter(|line| *line != b"OK")
                        .unwrap_or_default()
                        .to_vec(),
                );
            }
        }
        owed.question = question;
        ledger.owed.push(owed);
    }

    fn terse(self) -> Self {
        Self { answers_stray_noidle: false, ..self }
    }

    /// A server says what has changed when everything before `idle` is answered; and then `idle` is
    /// to end.
    fn may_notify(&self, ledger: &mut Ledger) -> bool {
        let Some(idle) = ledger.owed.first_mut().filter(|owed| owed.mode) else { return false };
        // So it is yet to read the `noidle` that has come.
        let stray = idle.due && !idle.changed && self.answers_stray_noidle;
        (idle.due, idle.changed) = (true, true);
        if stray {
            let owed = Owed { due: true, answer: b"OK".to_vec(), ..Owed::default() };
            ledger.owed.insert(1, owed);
        }
        true
    }

    fn refusal(&self, owed: &Owed) -> Vec<u8> {
        [b"ACK [5@0] {play} ", owed.proof.as_deref().unwrap_or_default()].concat()
    }
}

fn members(text: &[u8]) -> Option<Vec<&[u8]>> {
    let lines = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    Some(lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect())
}

/// The lines of an answer, of which one has the number in it.
fn answer(question: &[u8], heard: u64) -> Vec<u8> {
    match name(question) {
        b"albumart" | b"readpicture" => {
            format!("size: {heard}\nbinary: 12\nab\nOK\nACK \n1\n").into_bytes()
        }
        _ => format!("volume: {heard}\nfile: \r\n").into_bytes(),
    }
}

fn may_be_binary(asked: &Asked) -> bool {
    let now = members(&asked.line)
        .map_or(Some(asked.line.as_slice()), |members| members.get(asked.ended).copied());
    now.is_some_and(|line| matches!(name(line), b"albumart" | b"readpicture"))
}

fn name(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte <= b' ').next().unwrap_or_default()
}

/// Whether a text is one command, and not one of the client's own.
fn check(text: &[u8]) -> Result<(), Refusal> {
    if let Some(at) = text.iter().position(|byte| b"\r\n\0".contains(byte)) {
        return Err(Refusal::Forbidden { byte: text[at], at });
    }
    match name(text) {
        _ if text.is_empty() => Err(Refusal::Empty),
        b"idle" | b"noidle" | b"close" => Err(Refusal::Reserved("")),
        name if name.starts_with(b"command_list_") => Err(Refusal::Reserved("")),
        [b'a'..=b'z', ..] => Ok(()),
        _ => Err(Refusal::Reserved("")),
    }
}

fn is_greeting(line: &[u8]) -> bool {
    let Some(version) = line.strip_prefix(b"OK MPD ") else { return false };
    let numbers: Vec<_> = version.split(|byte| *byte == b'.').collect();
    let number = |digits: &&[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    matches!(numbers.len(), 2 | 3) && numbers.iter().all(number)
}
