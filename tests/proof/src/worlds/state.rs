//! What of a world concerns the mode: the states and steps that are listed.

use std::fmt::{self, Debug};

use bellwire::dialect::Dialect;
use bellwire::mode::{Entered, Mode};
use bellwire::{Client, Event, Phase};

use super::fingerprint::number;

/// Where the client stands with the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) phase: Phase,
    pub(crate) want: Want,
    pub(crate) closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Want {
    Unwanted,
    Wanted,
    /// Wanted, but the server has refused.
    Refused,
}

pub(crate) const PHASES: [Phase; 4] = [Phase::Off, Phase::Entering, Phase::On, Phase::Leaving];
pub(crate) const WANTS: [Want; 3] = [Want::Unwanted, Want::Wanted, Want::Refused];

impl Stand {
    pub(crate) fn of<D: Dialect>(client: &Client<D>) -> Self {
        let want = match (client.is_listening(), client.is_refused()) {
            (true, true) => Want::Refused,
            (true, false) => Want::Wanted,
            // To be refused is forgotten when the caller wants something else, and of no
            // consequence when he wants nothing.
            (false, _) => Want::Unwanted,
        };
        Self { phase: client.phase(), want, closed: client.is_closed() }
    }

    /// Its place in the list.
    fn order(self) -> (bool, usize, Want) {
        let phase = PHASES.iter().position(|phase| *phase == self.phase);
        (self.closed, phase.unwrap(), self.want)
    }
}

impl PartialOrd for Stand {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stand {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl fmt::Display for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = if self.closed { "Closed".to_owned() } else { format!("{:?}", self.phase) };
        let want = format!("{:?}", self.want).to_lowercase();
        write!(f, "{phase:<9} {want:<9}")
    }
}

/// What the mode machine knows, and what decides where it goes next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    pub(crate) stand: Stand,
    pub(crate) rearm: bool,
    /// Acknowledgements that are owed, 2 for many.
    pub(crate) owed: usize,
    spooled: bool,
    /// The letters of what is on the wire and unanswered, in order; several of a kind count as one.
    flight: String,
    pub(crate) wire: Wire,
}

pub(crate) const OWED: [&str; 3] = ["none", "one", "many"];

impl State {
    /// The machine shows some of it in its `Debug` alone.
    pub(crate) fn of<D: Dialect + Debug>(client: &Client<D>, wire: Wire) -> Self {
        let text = format!("{client:?}");
        let (before, switch) = text.split_once(" switch: Switch").unwrap();
        let (_, flight) = before.split_once(" flight: Flight").unwrap();
        // The mode has a `rearm`, too.
        let (_, switch) = switch.split_once("refused: ").unwrap();
        let letters = flight.match_indices("role: ").map(|(at, key)| &flight[at + key.len()..]);
        let mut flight: Vec<&str> = letters.map(|role| &role[..1]).collect();
        let commands = flight.iter().filter(|role| "CH".contains(**role)).count();
        flight.dedup();
        Self {
            stand: Stand::of(client),
            rearm: switch.contains("rearm: true"),
            owed: number(switch, "owed: ").min(2) as usize,
            spooled: client.pending() > commands,
            flight: flight.concat(),
            wire,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rearm = if self.rearm { "due" } else { "-" };
        let owed = OWED[self.owed];
        let spooled = if self.spooled { "yes" } else { "-" };
        let flight = if self.flight.is_empty() { "-" } else { &self.flight };
        write!(f, "{} {rearm:<6} {owed:<5} {spooled:<6} {flight:<6}", self.stand)
    }
}

/// What comes next from the server: it decides what the client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wire {
    Nothing,
    Greeting,
    Answer,
    News,
    /// The end of something: of a switch, or of a reply whose parts have come.
    End,
    Refusal,
}

impl Wire {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let begins = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
        if line.is_empty() {
            Self::Nothing
        } else if begins(&["* OK ready", "OK MPD"]) {
            Self::Greeting
        } else if line.contains("refused: ") || line.contains("not now") {
            Self::Refusal
        } else if line.contains("proof: ") {
            Self::Answer
        } else if begins(&["notif: ", "changed: ", "* "]) {
            Self::News
        } else {
            Self::End
        }
    }
}

/// One step of the machine: what was wanted, said, or heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Listen,
    Unlisten,
    SaidEnter,
    SaidLeave,
    SaidAcknowledge,
    SaidCommand,
    SaidProbe,
    Greeting,
    Listening,
    NotListening,
    SwitchRefused,
    Notification,
    Data,
    Reply,
    Failed,
    Unsolicited,
    Closed,
    GivenUp,
}

impl Kind {
    pub(crate) fn heard(event: &Event<&[u8]>) -> Self {
        match event {
            Event::Greeting(_) => Self::Greeting,
            Event::Listening(_) => Self::Listening,
            Event::NotListening(_) => Self::NotListening,
            Event::SwitchRefused(_) => Self::SwitchRefused,
            Event::Notification(_) => Self::Notification,
            Event::Data { .. } => Self::Data,
            Event::Part { .. } | Event::Reply { .. } | Event::Late { .. } => Self::Reply,
            Event::Failed { .. } => Self::Failed,
            Event::Unsolicited(_) => Self::Unsolicited,
            Event::Closed(_) => Self::Closed,
            event => panic!("nobody says this here: {event}"),
        }
    }
}

/// The phase after the word that enters the mode.
pub(crate) fn entered(mode: Mode) -> Phase {
    if mode.entered == Entered::AtOnce { Phase::On } else { Phase::Entering }
}

/// Whether a command is the machine's own.
pub(crate) fn is_probe(text: &[u8]) -> bool {
    matches!(text, b"ping" | b"NOOP")
}
