//! What differs between protocols: how a client of one is set up, what is tried on it, what a proper
//! server answers, and how a naive client reads what comes. Each is a page, written after the
//! protocol's own documents and what real servers were seen to do.

use std::ops::Range;

use bellwire::mode::Entered;
use bellwire::transcript::Configured;
use bellwire::{Dialect, Phase, Refusal};

use super::asked::Asked;
use super::draw::Drawn;

pub(crate) mod imap;
pub(crate) mod mpd;
pub(crate) mod notif;

pub(crate) trait Tongue: Clone + Default + PartialEq + Drawn + 'static {
    type Dialect: Dialect + Configured;

    /// How the server confirms the mode. Where it does so by a reply, it confirms leaving by one, too.
    const ENTERED: Entered;
    /// How the client's lines end.
    const END: &'static str;
    /// A limit for lines that some of the server's are longer than, and none of the client's.
    const SHORT: usize;

    /// What a server may begin with, the proper ones first; nothing if it does not greet.
    const GREETINGS: &'static [&'static str];
    const PROPER_GREETINGS: usize;
    /// Commands that are asked again and again, and those that are more unusual, or none at all.
    const USUAL: &'static [&'static str];
    const ODD: &'static [&'static str];
    /// What a server says out of turn.
    const STRAY: &'static [&'static [u8]];

    fn dialect(&self) -> Self::Dialect;

    /// How long the server may be silent, and the client in the mode, if not configured otherwise.
    fn silence(&self) -> Option<u64> {
        None
    }

    fn rearm(&self) -> Option<u64> {
        None
    }

    /// Replies carry the number of their command.
    fn numbered(&self) -> bool {
        false
    }

    fn tag(&self, number: u64) -> String {
        let _ = number;
        String::new()
    }

    /// The mode need not be left for a command.
    fn ask_in_mode(&self) -> bool {
        false
    }

    /// Notifications are acknowledged.
    fn acknowledge(&self) -> bool {
        false
    }

    fn enter(&self) -> &'static str;
    fn leave(&self) -> &'static str;
    fn probe(&self) -> &'static str;

    /// What goes over the wire for a command, without its tag: up to where it waits for the server to
    /// ask for more of it, and so on.
    fn parts(&self, text: &[u8]) -> Result<Vec<Vec<u8>>, Refusal>;

    /// Where so many bytes of a line that may hold counted bytes are told whole.
    fn whole(&self) -> usize {
        usize::MAX
    }

    /// A CR before the LF belongs to the line.
    const KEEPS_CR: bool = false;

    /// How many counted bytes follow this line, which stands behind counted bytes or not.
    fn counted(&self, text: &[u8], behind: bool, view: &mut View<'_>) -> Result<Option<usize>, ()> {
        let _ = (text, behind, view);
        Ok(None)
    }

    /// The stream has changed.
    fn upgraded(&mut self) {}

    /// What a line of the server's is, or what the first piece of one is of.
    fn meaning(&mut self, line: &[u8], view: &mut View<'_>) -> Meaning;

    // The server that is made up for it.

    /// A command that has a number in it, to be asked only once.
    fn question(number: u64) -> String;

    /// A notification that has a number in it.
    fn notification(number: u64) -> String;

    /// Takes the first thing that the client has said out of `said`, if it is there.
    fn take(&self, said: &mut Vec<u8>, ledger: &mut Ledger);

    /// The same, with a server that has nothing to say to a word that comes too late.
    fn terse(self) -> Self {
        self
    }

    /// Whether a server would say a notification now.
    fn may_notify(&self, ledger: &mut Ledger) -> bool {
        let _ = ledger;
        true
    }

    /// Instead of the proper answer.
    fn refusal(&self, owed: &Owed) -> Vec<u8>;

    /// What asks for more.
    const GO_ON: &'static str = "";
}

/// What a line of the server's is: which of what was asked it is for, and where the text begins.
#[derive(Clone, Debug)]
pub(crate) enum Meaning {
    Greeting,
    Part { of: usize, text: usize },
    Reply { of: usize, refused: bool, text: usize },
    Notification { topic: Range<usize> },
    Data { topic: Range<usize>, news: bool },
    GoOn,
    Goodbye,
    Unsolicited,
    Wrong,
}

/// What a line is seen in view of.
pub(crate) struct View<'a> {
    pub(crate) wire: &'a mut [Asked],
    /// So many bytes had come before the line.
    pub(crate) at: usize,
    pub(crate) phase: Phase,
    pub(crate) greeted: bool,
}

impl View<'_> {
    /// What was asked first and is not answered, if it was when the line came.
    pub(crate) fn oldest(&mut self) -> Option<&mut Asked> {
        let at = self.at;
        self.wire.first_mut().filter(|asked| asked.after <= at)
    }

    pub(crate) fn any(&self, kind: impl Fn(&Asked) -> bool) -> bool {
        self.wire.iter().any(|asked| asked.after <= self.at && kind(asked))
    }
}

/// What the made-up server has heard.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// So many commands, in all.
    pub(crate) heard: u64,
    pub(crate) owed: Vec<Owed>,
    /// So often it has to ask for more.
    pub(crate) asks: usize,
    /// What comes next belongs to the newest command.
    pub(crate) continues: bool,
}

/// An answer that it owes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owed {
    /// Tag or id.
    pub(crate) tag: Vec<u8>,
    pub(crate) question: Vec<u8>,
    /// The answer: what stands before the tag, and behind it.
    pub(crate) data: Vec<u8>,
    pub(crate) answer: Vec<u8>,
    /// What only the answer to this command has in it; of a command of the caller's.
    pub(crate) proof: Option<Vec<u8>>,
    /// A proper server would answer now.
    pub(crate) due: bool,
    /// It is for the word that enters the mode; and a change was told since.
    pub(crate) mode: bool,
    pub(crate) changed: bool,
}
