//! A server that is plain enough to be right, and free to do all that its protocol allows: to refuse,
//! to be late, to end the mode by itself.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use super::peer::{Peer, Which, proof, refusal};

/// What it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    Notif {
        ids: bool,
    },
    /// `stray`: what ends nothing is answered, too.
    Mpd {
        stray: bool,
    },
    Imap,
}

#[derive(Debug)]
pub(crate) struct Plain {
    tongue: Tongue,
    /// Tells what is new as soon as a client could understand it.
    eager: bool,
    line: Vec<u8>,
    /// What was heard and has had no effect yet.
    heard: VecDeque<Heard>,
    /// The tag of what entered the mode, while it lasts.
    mode: Option<String>,
    /// What is new, and kept until it may be told.
    news: usize,
    out: Vec<u8>,
}

#[derive(Debug)]
struct Heard {
    tag: String,
    word: Word,
}

#[derive(Debug)]
enum Word {
    Enter,
    Leave,
    Acknowledge,
    Command(String),
}

impl Plain {
    pub(crate) fn new(tongue: Tongue, eager: bool) -> Self {
        let out: &[u8] = match tongue {
            Tongue::Notif { .. } => b"",
            Tongue::Mpd { .. } => b"OK MPD 0.23.5\n",
            Tongue::Imap => b"* OK ready\r\n",
        };
        let out = out.to_vec();
        Self { tongue, eager, line: Vec::new(), heard: VecDeque::new(), mode: None, news: 0, out }
    }

    /// Says something that tells nothing.
    pub(crate) fn say_still_here(&mut self) {
        self.put("* OK Still here");
    }

    fn is_mpd(&self) -> bool {
        matches!(self.tongue, Tongue::Mpd { .. })
    }

    fn take_line(&mut self) {
        let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
        let line = line.trim_end();
        let (tag, text) = match self.tongue {
            Tongue::Notif { ids: false } | Tongue::Mpd { .. } => ("", line),
            Tongue::Imap if line == "DONE" => ("", line),
            Tongue::Notif { ids: true } | Tongue::Imap => line.split_once(' ').unwrap(),
        };
        let word = match text {
            "notif" | "idle" | "IDLE" => Word::Enter,
            "stop_notif" | "noidle" | "DONE" => Word::Leave,
            "OK" => Word::Acknowledge,
            text => Word::Command(text.to_owned()),
        };
        let command = matches!(word, Word::Command(_));
        assert!(self.tongue != Tongue::Imap || !command || !self.will_listen(), "{line} in IDLE");
        self.heard.push_back(Heard { tag: tag.to_owned(), word });
        self.tell_news();
        self.go_on();
    }

    /// Whether it is in the mode when all that was heard has had its effect.
    fn will_listen(&self) -> bool {
        let switch = |heard: &&Heard| matches!(heard.word, Word::Enter | Word::Leave);
        let last = self.heard.iter().rev().find(switch);
        last.map_or(self.mode.is_some(), |heard| matches!(heard.word, Word::Enter))
    }

    /// Where in what was heard that is which may be answered next: where answers have tags, any
    /// command, and the first word of the mode's; behind which IMAP begins with nothing.
    fn answerable(&self) -> impl DoubleEndedIterator<Item = usize> {
        let command = |heard: &Heard| matches!(heard.word, Word::Command(_));
        let switch = self.heard.iter().position(|heard| !command(heard));
        let end = match (self.tongue, switch) {
            (Tongue::Notif { ids: false } | Tongue::Mpd { .. }, _) => self.heard.len().min(1),
            (Tongue::Imap, Some(switch)) => switch + 1,
            (Tongue::Imap | Tongue::Notif { ids: true }, _) => self.heard.len(),
        };
        let may = move |at: &usize| Some(*at) == switch || command(&self.heard[*at]);
        (0..end).filter(may)
    }

    /// What needs no answer has its effect at once, when it is its turn.
    fn go_on(&mut self) {
        while let Some(Heard { tag, word }) = self.heard.front() {
            match (self.tongue, word) {
                (Tongue::Mpd { .. }, Word::Enter) => {
                    assert_eq!(self.mode, None, "idle within idle");
                    self.mode = Some(tag.clone());
                }
                (Tongue::Mpd { stray }, Word::Leave) if self.mode.is_none() => {
                    if stray {
                        self.put("OK");
                    }
                }
                (Tongue::Mpd { .. }, Word::Command(text)) => {
                    assert_eq!(self.mode, None, "{text} within idle");
                    return;
                }
                (Tongue::Notif { .. }, Word::Acknowledge) => {
                    assert!(self.mode.is_some(), "an acknowledgement outside the mode");
                }
                (_, Word::Acknowledge) => panic!("this protocol acknowledges nothing"),
                _ => return,
            }
            self.heard.pop_front();
            self.tell_news();
        }
    }

    fn reply(&mut self, tag: &str, good: bool, text: &str) {
        match (self.tongue, good) {
            (Tongue::Notif { .. }, _) if !tag.is_empty() => {
                let error = if good { "" } else { "error: " };
                self.put(&format!("{tag} {error}{text}"));
            }
            (Tongue::Notif { .. }, true) => self.put(text),
            (Tongue::Notif { .. }, false) => self.put(&format!("error: {text}")),
            (Tongue::Mpd { .. }, true) => {
                if text != "OK" {
                    self.put(text);
                }
                self.put("OK");
            }
            (Tongue::Mpd { .. }, false) => self.put(&format!("ACK [5@0] {{}} {text}")),
            (Tongue::Imap, true) => self.put(&format!("{tag} OK {text}")),
            (Tongue::Imap, false) => self.put(&format!("{tag} NO {text}")),
        }
    }

    fn put(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        let end: &[u8] = if self.is_mpd() { b"\n" } else { b"\r\n" };
        self.out.extend_from_slice(end);
    }

    /// Where the mode ends with its news, it ends.
    fn tell_news(&mut self) {
        let line = match self.tongue {
            Tongue::Notif { .. } => "notif: ad",
            Tongue::Mpd { .. } => "changed: player",
            Tongue::Imap => "* 3 EXISTS",
        };
        while self.may_tell() && self.news > 0 {
            self.put(line);
            self.news -= 1;
            if self.is_mpd() {
                self.news = 0;
                self.mode = None;
                self.put("OK");
            }
        }
    }

    /// Outside the mode, IMAP tells it as data; and a notif client that has asked for notifications
    /// takes them.
    fn may_tell(&self) -> bool {
        let asked = |heard: &Heard| matches!(heard.word, Word::Enter);
        let early = match self.tongue {
            Tongue::Notif { .. } => self.heard.iter().any(asked),
            Tongue::Mpd { .. } => false,
            Tongue::Imap => true,
        };
        self.mode.is_some() || self.eager && early
    }

    fn switch(&mut self, tag: String, word: &Word, good: bool) {
        let entering = matches!(word, Word::Enter);
        match (self.tongue, self.mode.take()) {
            (_, mode) if !good => {
                // Also who refuses to leave it has left it: there is nothing else that could be meant.
                self.mode = mode.filter(|_| entering);
                self.reply(&tag, false, "not now");
            }
            (Tongue::Notif { .. }, _) => {
                self.reply(&tag, true, "OK");
                self.mode = entering.then_some(tag);
            }
            (Tongue::Imap, None) if entering => {
                self.put("+ idling");
                self.mode = Some(tag);
            }
            (Tongue::Imap, Some(tag)) if !entering => self.reply(&tag, true, "left"),
            // It has crossed with the end of IDLE.
            (Tongue::Imap, None) => self.put("DONE BAD nothing to be done"),
            (Tongue::Mpd { .. }, Some(_)) if !entering => self.put("OK"),
            (tongue, mode) => panic!("{tongue:?} in {mode:?}: {word:?}"),
        }
        self.tell_news();
    }

    fn take(&mut self, which: Which, good: bool) {
        let index = which.of(self.answerable());
        let heard = index.and_then(|index| self.heard.remove(index));
        let Some(Heard { tag, word }) = heard else { return };
        match word {
            Word::Command(text) if good => self.reply(&tag, true, &proof(text.as_bytes())),
            Word::Command(text) => self.reply(&tag, false, &refusal(text.as_bytes())),
            word => self.switch(tag, &word, good),
        }
        self.go_on();
    }
}

impl Peer for Plain {
    fn hear(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                self.take_line();
            }
        }
    }

    fn say(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn owes(&self) -> usize {
        self.answerable().count()
    }

    fn answer(&mut self, which: Which) {
        self.take(which, true);
    }

    /// MPD answers `idle` when it ends, be it with a refusal.
    fn may_refuse(&self) -> bool {
        self.owes() > 0 || self.is_mpd() && self.mode.is_some()
    }

    /// It refuses nothing that is not answered by itself.
    fn refuse(&mut self) {
        if self.heard.is_empty()
            && let Some(tag) = self.mode.take()
        {
            self.reply(&tag, false, "not now");
            return self.go_on();
        }
        let own = |heard: &Heard| !matches!(heard.word, Word::Leave);
        let notif = matches!(self.tongue, Tongue::Notif { .. });
        let refuses = self.heard.front().is_some_and(|heard| notif || own(heard));
        self.take(Which::First, !refuses);
    }

    fn notify(&mut self) {
        self.news += 1;
        self.tell_news();
        // What was on its way to end the mode may come too late.
        self.go_on();
    }

    fn may_end(&self) -> bool {
        !matches!(self.tongue, Tongue::Notif { .. }) && self.mode.is_some()
    }

    fn end(&mut self) {
        let Some(tag) = self.mode.take() else { return };
        self.reply(&tag, true, "OK");
        self.go_on();
    }

    fn tick(&mut self, _: Duration) {}

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn is_over(&self) -> bool {
        false
    }

    fn is_listening(&self) -> bool {
        self.mode.is_some()
    }

    fn describe(&self, text: &mut String) {
        write!(text, "{self:?}").unwrap();
    }
}
