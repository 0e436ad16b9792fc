//! What differs between protocols on the server's side: what is tried on a server, and how a naive one
//! reads and writes. Each is a page, written after the protocol's own documents.

use bellwire::dialect::{ServerDialect, Standing};
use bellwire::transcript::Configured;
use bellwire::{Refusal, Status};

use super::draw::Drawn;

pub(crate) mod mpd;
pub(crate) mod notif;

pub(crate) trait Host: Clone + Default + PartialEq + Drawn + 'static {
    type Dialect: ServerDialect + Configured;

    /// The mode ends with the first news (MPD), and not when the client leaves it.
    const UNTIL_NEWS: bool;
    const GREETING: &'static str;
    /// What a client says, sensible or not.
    const HEARD: &'static [&'static [u8]];
    /// What a program answers.
    const REPLIES: &'static [&'static str];
    /// What it announces: topics, and then what is none.
    const TOPICS: &'static [&'static str];
    const SENSIBLE_TOPICS: usize;

    fn dialect(&self) -> Self::Dialect;

    /// What stands before the command with this number, if the client says so.
    fn tag(&self, number: u64) -> String {
        let _ = number;
        String::new()
    }

    fn hear(&self, line: &[u8], standing: Standing) -> Heard;

    /// What is said to a line that is too long.
    fn too_long(&self) -> Heard;

    fn reply(&self, note: &Note, status: Status, text: &[u8]) -> Result<Vec<u8>, Refusal>;

    fn notification(&self, topic: &[u8]) -> Result<Vec<u8>, Refusal>;

    /// Where a topic stands among those that are told together.
    fn rank(&self, topic: &[u8]) -> usize {
        let _ = topic;
        0
    }
}

/// What is remembered of a line until it is answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    /// The id, with the blank behind it.
    pub(crate) tag: Vec<u8>,
    /// What acknowledges it, if it is a switch of the mode.
    pub(crate) acknowledgement: Vec<u8>,
    /// The command's name and its place in a list, and whether the end of its answer is marked.
    pub(crate) name: Vec<u8>,
    pub(crate) index: usize,
    pub(crate) member: Option<bool>,
    /// The code of a refusal that says none, and what is said behind it.
    pub(crate) code: u32,
    pub(crate) behind: Vec<u8>,
    /// What the client wants to be told, if not all.
    pub(crate) wants: Vec<Vec<u8>>,
}

/// What a line of the client's is.
pub(crate) enum Heard {
    /// How many bytes of the line are the command, from where, and the topic that it reads.
    Command(Note, Vec<u8>, Option<Vec<u8>>),
    Enter(Note),
    Leave(Note),
    Acknowledged,
    Rejected(Note, &'static str),
    Expelled(Note, &'static str),
    Goodbye,
    /// What no client says: the connection ends at once.
    Wrong,
    ListBegin(bool),
    Listed,
    ListEnd(Note),
    Nothing,
}
