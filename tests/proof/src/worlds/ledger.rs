//! What was asked, what came of it, and what came over the wire: each must fit the other.

use std::collections::{BTreeMap, VecDeque};

use bellwire::{Event, Ticket};

use super::peer::{proof, refusal};
use crate::outcomes::Outcomes;

/// What a line of the server's tells the caller of, whoever is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tale {
    /// The answer to a question, with its proof.
    Answer(String),
    /// A notification, or data.
    News(String),
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    questions: BTreeMap<Ticket, String>,
    pub(crate) outcomes: Outcomes,
    /// Lines that came, and were to be told in this order (G6).
    came: VecDeque<Tale>,
    told: VecDeque<Tale>,
    /// There is something new that the client was not told of.
    untold: bool,
}

impl Ledger {
    pub(crate) fn asked(&self) -> usize {
        self.questions.len()
    }

    pub(crate) fn next_question(&self) -> String {
        format!("ask{}", self.questions.len())
    }

    pub(crate) fn ask(&mut self, ticket: Ticket, text: String) {
        self.outcomes.given(ticket);
        self.questions.insert(ticket, text);
    }

    /// The server has something new, and keeps it until it may tell.
    pub(crate) fn news(&mut self) {
        self.untold = true;
    }

    pub(crate) fn has_news(&self) -> bool {
        self.untold
    }

    pub(crate) fn hear(&mut self, event: &Event<&[u8]>) {
        self.outcomes.told(event);
        match event {
            Event::Reply { ticket, reply } => self.take_answer(*ticket, reply.text),
            Event::Part { ticket, text } | Event::Late { ticket, text } => {
                self.take_answer(*ticket, text);
            }
            Event::Notification(it) => self.take_news(it.text),
            Event::Data { text, .. } => self.take_news(text),
            // The server says what is nothing to be done about: a DONE has crossed.
            Event::Unsolicited(text) => assert!(text.starts_with(b"DONE BAD"), "{event}"),
            _ => {}
        }
    }

    /// The answer must prove that this was the question (G2).
    fn take_answer(&mut self, ticket: Ticket, text: &[u8]) {
        let question = self.questions[&ticket].as_bytes();
        let text = String::from_utf8_lossy(text);
        // MPD's end of a reply says nothing.
        if text.is_empty() || text == "OK" {
            return;
        }
        let proofs = [proof(question), refusal(question)];
        assert!(proofs.iter().any(|proof| text.ends_with(proof)), "{text} answers no {question:?}");
        self.told.push_back(Tale::Answer(answer(&text).unwrap()));
    }

    fn take_news(&mut self, text: &[u8]) {
        self.untold = false;
        self.told.push_back(Tale::News(String::from_utf8_lossy(text).into_owned()));
    }

    /// These lines came over the wire.
    pub(crate) fn came(&mut self, lines: &[u8]) {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            let news = ["notif: ", "changed: "].iter().any(|start| line.starts_with(start))
                || line.starts_with("* ") && line != "* OK ready";
            if let Some(answer) = answer(&line) {
                self.came.push_back(Tale::Answer(answer));
            } else if news {
                self.came.push_back(Tale::News(line));
            }
        }
    }

    /// What was told is what came, in this order (G6, G7). What had come before the connection was
    /// given up may not have been looked at.
    pub(crate) fn compare(&mut self, given_up: bool) {
        while let Some(told) = self.told.pop_front() {
            assert_eq!(self.came.pop_front(), Some(told), "told otherwise than it came");
        }
        assert!(given_up || self.came.is_empty(), "not told: {:?}", self.came);
        self.came.clear();
    }
}

/// The answer in a line, if there is one to a question of the caller's.
fn answer(line: &str) -> Option<String> {
    let at = line.find("proof: ").or_else(|| line.find("refused: "))?;
    line[at..].contains("ask").then(|| line[at..].to_owned())
}
