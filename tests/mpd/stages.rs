//! The stages of a connection at which something can cross something else. Nothing acknowledges that
//! idle is entered, so that there is none between saying so and being there; in its place stands the
//! time before the greeting, in which idle is wanted and cannot be said.

use bellwire::Client;
use bellwire::dialect::mpd::Mpd;

use super::GREETED;
use super::common::client_of;

/// Where the crossings happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Before,
    Off,
    On,
    Leaving,
}

pub(crate) const STAGES: [Stage; 4] = [Stage::Before, Stage::Off, Stage::On, Stage::Leaving];
pub(crate) const GREETED_STAGES: [Stage; 3] = [Stage::Off, Stage::On, Stage::Leaving];

/// What brings a client to a stage.
pub(crate) fn way_to(stage: Stage) -> String {
    match stage {
        Stage::Before => "= newline lf\n! listen\n".to_owned(),
        Stage::Off => GREETED.to_owned(),
        Stage::On => format!("{GREETED}! listen\nC: idle\n"),
        Stage::Leaving => format!("{GREETED}! listen\nC: idle\n! unlisten\nC: noidle\n"),
    }
}

/// What brings it out of it, and asks a last question to see that it is well.
pub(crate) fn way_out(stage: Stage) -> &'static str {
    match stage {
        Stage::Before => "S: OK MPD 0.23.5\n> greeting OK MPD 0.23.5\nC: idle\n",
        Stage::Off => "C: status\nS: state: stop\nS| OK\n> part 1 state: stop\n> reply 1\n",
        Stage::On => "S: changed: sticker\n> notification sticker\n",
        Stage::Leaving => "S: OK\n> not listening\nC: ping\nS: OK\n> reply 1\n",
    }
}

/// Plays `session` at a stage.
pub(crate) fn at(stage: Stage, session: &str) -> Client<Mpd> {
    client_of(&Mpd::default(), &format!("{}{session}", way_to(stage)))
}
