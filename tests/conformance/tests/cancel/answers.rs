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
    /// What the client said that is no question.
    strange: Vec<String>,
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
            strange: Vec::new(),
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

    /// What the client said that it cannot have wanted to say.
    pub(crate) fn strange(&mut self) -> Vec<String> {
        std::mem::take(&mut self.strange)
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
            question => match self.proof(line, question.strip_suffix('?')) {
                Some(proof) => proof.to_string(),
                None => "error: unknown command".to_owned(),
            },
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
            // MPD would close the connection.
            (line, Some(_)) => self.strange.push(line.to_owned()),
            (question, None) => match self.proof(line, question.strip_prefix("echo ")) {
                Some(proof) => self.say(&format!("echo: {proof}\nOK\n")),
                None => self.say("ACK [5@0] {} unknown command\n"),
            },
        }
    }

    fn hear_imap(&mut self, line: &str) {
        match (line.split_once(' '), self.listening.take()) {
            (None, Some(tag)) if line == "DONE" => self.say(&format!("{tag} OK idled\r\n")),
            (Some((tag, "IDLE")), None) => {
                self.say("+ idling\r\n");
                self.listening = Some(tag.to_owned());
            }
            (Some((tag, "NOOP")), None) => self.say(&format!("{tag} OK noop\r\n")),
            (Some((tag, command)), None) => {
                let question = command.strip_prefix("UID FETCH ");
                match self.proof(line, question.and_then(|it| it.strip_suffix(" UID"))) {
                    Some(n) => self.say(&format!("* {n} FETCH (UID {n})\r\n{tag} OK {n}\r\n")),
                    None => self.say(&format!("{tag} BAD unknown command\r\n")),
                }
            }
            // A stray DONE, or a command while idling, which servers eat.
            _ => self.strange.push(line.to_owned()),
        }
    }

    fn proof(&mut self, line: &str, question: Option<&str>) -> Option<u64> {
        let number = question.and_then(|it| it.parse().ok());
        match number {
            Some(number) => self.asked.push(number),
            None => self.strange.push(line.to_owned()),
        }
        number
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
