//! The notif protocol.

use bellwire::Refusal;
use bellwire::dialect::notif::{Notif, Spelling};
use bellwire::mode::Entered;

use super::{Ledger, Meaning, Owed, Tongue, View};
use crate::model::asked::{Asked, Who};
use crate::model::draw::{Draw, Drawn};
use crate::model::without_end;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InNotif {
    pub(crate) ids: bool,
    pub(crate) ask_in_mode: bool,
    pub(crate) acknowledge: bool,
    pub(crate) spelling: Spelling,
}

impl Default for InNotif {
    fn default() -> Self {
        Self { ids: false, ask_in_mode: false, acknowledge: false, spelling: Spelling::Plain }
    }
}

impl Drawn for InNotif {
    fn draw(draw: &mut Draw<'_>) -> Self {
        Self {
            ids: draw.yes(),
            ask_in_mode: draw.yes(),
            acknowledge: draw.yes(),
            spelling: draw.one_of(&[
                Spelling::Plain,
                Spelling::Session,
                Spelling::Underscored,
                Spelling::Notify,
            ]),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        vec![
            Self { ids: false, ..self.clone() },
            Self { ask_in_mode: false, ..self.clone() },
            Self { acknowledge: false, ..self.clone() },
            Self { spelling: Spelling::Plain, ..self.clone() },
        ]
    }
}

impl Tongue for InNotif {
    type Dialect = Notif;

    const ENTERED: Entered = Entered::ByReply;
    const END: &'static str = "\r\n";
    const SHORT: usize = 30;
    const GREETINGS: &'static [&'static str] = &[];
    const PROPER_GREETINGS: usize = 0;
    const USUAL: &'static [&'static str] = &["random?"];
    const ODD: &'static [&'static str] = &[
        "random?\r\nrandom?",
        "random\n?",
        "cr\rcr?",
        "nul\0?",
        "",
        " \t ",
        "\r\n",
        "notif",
        "_notif_ ",
        "stop_notif",
        "_stop_notify_\r\n",
        "OK",
        "OK\r\n",
        " random?",
        "random? ",
        "no question",
        "ünïcode?",
        "#1 random?",
    ];
    const STRAY: &'static [&'static [u8]] = &[
        b"7",
        b" 8 ",
        b"OK",
        b"OK ",
        b"notif: OK",
        b"notif:OK ",
        b"will send notifs",
        b"error: out of turn",
        b"error:",
        b"",
        b"notif",
        b"notif:",
        b"notif:tight ",
        "notif: ünïcode topic".as_bytes(),
        b"hello",
        b"\xff\xfe\x00 not UTF-8",
        b"carriage\rreturn",
        b"#1 5",
        b"#2 OK",
        b"#3 error: late",
        b"#3 ",
        b"#04 4",
        b"#99 1",
        b"a line of exactly thirty bytes",
        b"a line that is longer than thirty bytes",
    ];

    fn dialect(&self) -> Notif {
        let mut notif = Notif::default();
        notif.ids = self.ids;
        notif.ask_in_mode = self.ask_in_mode;
        notif.acknowledge = self.acknowledge;
        notif.spelling = self.spelling;
        notif
    }

    fn numbered(&self) -> bool {
        self.ids
    }

    fn tag(&self, number: u64) -> String {
        if self.ids { format!("#{number} ") } else { String::new() }
    }

    fn ask_in_mode(&self) -> bool {
        self.ask_in_mode
    }

    fn acknowledge(&self) -> bool {
        self.acknowledge
    }

    fn enter(&self) -> &'static str {
        if self.spelling == Spelling::Plain { "notif" } else { "_notif_" }
    }

    fn leave(&self) -> &'static str {
        match self.spelling {
            Spelling::Plain | Spelling::Session => "stop_notif",
            Spelling::Underscored => "_stop_notif_",
            Spelling::Notify => "_stop_notify_",
        }
    }

    /// Leaving is answered whether the mode is entered or not.
    fn probe(&self) -> &'static str {
        self.leave()
    }

    fn parts(&self, text: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        match text.trim_ascii_end() {
            b"" => return Err(Refusal::Empty),
            b"OK" | b"notif" | b"_notif_" | b"stop_notif" | b"_stop_notif_" | b"_stop_notify_" => {
                return Err(Refusal::Reserved(""));
            }
            _ => {}
        }
        match text.iter().position(|byte| b"\r\n\0".contains(byte)) {
            Some(at) => Err(Refusal::Forbidden { byte: text[at], at }),
            None => Ok(vec![[text, b"\r\n"].concat()]),
        }
    }

    fn meaning(&mut self, line: &[u8], view: &mut View<'_>) -> Meaning {
        if let Some(rest) = line.strip_prefix(b"notif:") {
            let topic = rest.trim_ascii_end();
            let blanks = topic.iter().take_while(|byte| **byte == b' ').count();
            return match &topic[blanks..] {
                b"OK" if view.oldest().is_some_and(|asked| asked.who == Who::Enter) => {
                    Meaning::Reply { of: 0, refused: false, text: 0 }
                }
                b"OK" => Meaning::Unsolicited,
                _ => Meaning::Notification {
                    topic: line.len() - rest.len() + blanks..line.len() - rest.len() + topic.len(),
                },
            };
        }
        for (of, asked) in view.wire.iter().enumerate() {
            let id = self.tag(asked.number);
            if let Some(text) = line.strip_prefix(id.as_bytes()) {
                return match asked.after <= view.at && is_answer(asked, text) {
                    true => {
                        Meaning::Reply { of, refused: text.starts_with(b"error:"), text: id.len() }
                    }
                    false => Meaning::Unsolicited,
                };
            }
        }
        Meaning::Unsolicited
    }

    fn question(number: u64) -> String {
        format!("question {number}?")
    }

    fn notification(number: u64) -> String {
        format!("notif: topic {number}")
    }

    fn take(&self, said: &mut Vec<u8>, ledger: &mut Ledger) {
        let Some(end) = said.iter().position(|byte| *byte == b'\n') else { return };
        let line: Vec<u8> = said.drain(..=end).collect();
        let line = without_end(&line);
        let tag = match line.iter().position(|byte| *byte == b' ') {
            Some(blank) if self.ids && line[0] == b'#' => &line[..=blank],
            _ => b"",
        };
        let question = line[tag.len()..].to_vec();
        let mode = question == self.enter().as_bytes();
        let own = mode || question == self.leave().as_bytes();
        ledger.heard += 1;
        let answer = match question.as_slice() {
            b"OK" => return,
            b"_notif_" => b"will send notifs".to_vec(),
            _ if own => b"OK".to_vec(),
            random if random.trim_ascii() == b"random?" => {
                format!("{}", 1000 + ledger.heard).into_bytes()
            }
            question => [b"re: ", question].concat(),
        };
        let proof = (!own).then(|| answer.clone());
        let tag = tag.to_vec();
        ledger.owed.push(Owed { tag, question, answer, proof, due: true, mode, ..Owed::default() });
    }

    fn refusal(&self, owed: &Owed) -> Vec<u8> {
        [b"error: no ", owed.proof.as_deref().unwrap_or_default()].concat()
    }
}

/// Whether a server could answer this so.
fn is_answer(asked: &Asked, text: &[u8]) -> bool {
    let number =
        || !text.trim_ascii().is_empty() && text.trim_ascii().iter().all(u8::is_ascii_digit);
    text.starts_with(b"error:")
        || match asked.who {
            Who::Enter => matches!(text.trim_ascii_end(), b"OK" | b"will send notifs"),
            Who::Leave | Who::Probe => text.trim_ascii_end() == b"OK",
            _ => asked.line.trim_ascii() != b"random?" || number(),
        }
}
