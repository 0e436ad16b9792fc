//! A server without its I/O that answers with proof of the question, in each of the dialects, and
//! notifies with numbers.

use std::collections::VecDeque;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `7?` is answered `7`; with ids, `#3 7?` is answered `#3 7`.
    Notif {
        /// Whether commands and replies carry ids.
        ids: bool,
    },
    /// `echo 7` is answered `echo: 7` and `OK`.
    Mpd,
    /// `A3 UID FETCH 7 UID` is answered `* 7 FETCH (UID 7)` and `A3 OK 7`.
    Imap,
}

/// The server's end of one connection.
#[derive(Debug)]
pub(crate) struct Answers {
    wire: Wire,
    line: Vec<u8>,
    output: VecDeque<u8>,
    /// In the notification mode; for IMAP, with the tag that its end is answered with.
    listening: Option<String>,
    /// Notifications that wait for the client to listen.
    due: VecDeque<u64>,
    asked: Vec<u64>,
    /// So often has the client left the mode.
    left: usize,
}

impl Answers {
    pub(crate) fn new(wire: Wire) -> Self {
        let greeting = match wire {
            Wire::Notif { .. } => "",
            Wire::Mpd => "OK MPD 0.23.5\n",
            Wire::Imap => "* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n",
        };
        Self {
            wire,
            line: Vec::new(),
            output: greeting.bytes().collect(),
            listening: None,
            due: VecDeque::new(),
            asked: Vec::new(),
            left: 0,
        }
    }

    /// The client said this.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8(line).expect("the client says no text");
                self.hear(line.trim_end());
                self.tell();
            }
        }
    }

    /// Announces the notification of this number, as soon as the client listens.
    pub(crate) fn notify(&mut self, number: u64) {
        self.due.push_back(number);
        self.tell();
    }

    /// What is to be said.
    pub(crate) fn output(&mut self) -> &mut VecDeque<u8> {
        &mut self.output
    }

    /// What was asked since this was called last.
    pub(crate) fn asked(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.asked)
    }

    /// Whether the client has asked for notifications, and not asked to be told no more.
    pub(crate) fn is_listening(&self) -> bool {
        self.listening.is_some()
    }

    /// How often the client has left the notification mode.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    fn hear(&mut self, line: &str) {
        self.left +=
            usize::from(["stop_notif", "noidle", "DONE"].iter().any(|it| line.ends_with(it)));
        match self.wire {
            Wire::Notif { ids } => self.hear_notif(line, ids),
            Wire::Mpd => self.hear_mpd(line),
            Wire::Imap => self.hear_imap(line),
        }
    }

    fn hear_notif(&mut self, line: &str, ids: bool) {
        let (id, line) = match line.split_once(' ').filter(|_| ids) {
            Some((id, line)) => (format!("{id} "), line),
            None => (String::new(), line),
        };
        let reply = match line {
            "notif" => {
                self.listening = Some(String::new());
                "OK".to_owned()
            }
            "stop_notif" => {
                self.listening = None;
                "OK".to_owned()
            }
            question => self.answer(question.strip_suffix('?')),
        };
        self.say(&format!("{id}{reply}\r\n"));
    }

    fn hear_mpd(&mut self, line: &str) {
        match (line, self.listening.take()) {
            ("idle", None) => self.listening = Some(String::new()),
            ("noidle", Some(_)) => self.say("OK\n"),
            // It has crossed what ended the mode.
            ("noidle", None) => {}
            // What the machine asks by itself.
            ("ping", None) => self.say("OK\n"),
            (question, None) => {
                let proof = self.answer(question.strip_prefix("echo "));
                self.say(&format!("echo: {proof}\nOK\n"));
            }
            (line, Some(_)) => panic!("{line:?} while idle: MPD would close"),
        }
    }

    fn hear_imap(&mut self, line: &str) {
        if line == "DONE" {
            let tag = self.listening.take().expect("a stray DONE");
            return self.say(&format!("{tag} OK idled\r\n"));
        }
        assert!(self.listening.is_none(), "{line:?} while idle: it would be eaten");
        let (tag, command) = line.split_once(' ').expect("a tag");
        match command {
            "IDLE" => {
                self.say("+ idling\r\n");
                self.listening = Some(tag.to_owned());
            }
            "NOOP" => self.say(&format!("{tag} OK noop\r\n")),
            question => {
                let question = question.strip_prefix("UID FETCH ");
                let proof = self.answer(question.and_then(|it| it.strip_suffix(" UID")));
                self.say(&format!("* {proof} FETCH (UID {proof})\r\n{tag} OK {proof}\r\n"));
            }
        }
    }

    fn answer(&mut self, question: Option<&str>) -> String {
        let number = question.and_then(|it| it.parse().ok());
        self.asked.push(number.unwrap_or_else(|| panic!("{question:?} is no question")));
        question.unwrap_or_default().to_owned()
    }

    /// Tells what is due, if the client listens.
    fn tell(&mut self) {
        if self.listening.is_none() {
            return;
        }
        let mut said = String::new();
        for number in self.due.drain(..) {
            said += &match self.wire {
                Wire::Notif { .. } => format!("notif: {number}\r\n"),
                Wire::Mpd => format!("changed: {number}\n"),
                Wire::Imap => format!("* {number} EXISTS\r\n"),
            };
        }
        if self.wire == Wire::Mpd && !said.is_empty() {
            // News ends the mode.
            said += "OK\n";
            self.listening = None;
        }
        self.say(&said);
    }

    fn say(&mut self, text: &str) {
        self.output.extend(text.as_bytes());
    }
}
