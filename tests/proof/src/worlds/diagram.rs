//! The state diagrams in the README: drawn from what was found.

use std::collections::BTreeSet;

use bellwire::Phase;

use super::explore::Found;
use super::state::{Kind, Stand};

/// What is said on the wire, in one protocol's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub(crate) name: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) entered: &'static str,
    pub(crate) leave: &'static str,
    pub(crate) left: &'static str,
    pub(crate) refused: &'static str,
    pub(crate) news: &'static str,
    pub(crate) ended: &'static str,
    pub(crate) probe: &'static str,
}

/// Each step between phases, once.
pub(crate) fn diagram(words: &Words, found: &Found) -> String {
    let steps: BTreeSet<_> =
        found.steps.keys().map(|(from, kind, to)| (*from, *kind, *to)).collect();
    let phase = |stand: Stand| Stand { want: super::state::Want::Unwanted, ..stand };
    let steps: BTreeSet<_> =
        steps.into_iter().map(|(from, kind, to)| (phase(from), phase(to), kind)).collect();
    let mut text = format!("stateDiagram-v2\n    %% {}\n    [*] --> Off\n", words.name);
    let mut drawn = BTreeSet::new();
    for (from, to, kind) in steps {
        let Some(label) = label(words, from.phase, kind) else {
            assert_eq!(from.phase, to.phase, "{kind:?} is not drawn");
            continue;
        };
        let to = if to.closed { "[*]".to_owned() } else { format!("{:?}", to.phase) };
        let arrow = format!("    {:?} --> {to}: {label}\n", from.phase);
        if drawn.insert(arrow.clone()) {
            text.push_str(&arrow);
        }
    }
    text
}

/// `None`: it changes nothing.
fn label(words: &Words, from: Phase, kind: Kind) -> Option<String> {
    Some(match kind {
        Kind::SaidEnter => format!("wanted, and no command goes first / {}", words.enter),
        Kind::SaidLeave => {
            let why = "not wanted, a command waits, or re-entering or a probe is due";
            format!("{why} / {}", words.leave)
        }
        Kind::SaidAcknowledge => "notified, if so configured / OK".to_owned(),
        Kind::SaidCommand if from == Phase::Off => "command".to_owned(),
        Kind::SaidCommand if from == Phase::Leaving => "command, riding along".to_owned(),
        Kind::SaidCommand => "command, if configured to ask in the mode".to_owned(),
        Kind::SaidProbe => format!("a probe is due / {}", words.probe),
        Kind::Listening => words.entered.to_owned(),
        Kind::NotListening if from == Phase::Leaving => words.left.to_owned(),
        Kind::NotListening => words.ended.to_owned(),
        Kind::SwitchRefused if from == Phase::Leaving => words.refused.to_owned(),
        Kind::SwitchRefused => format!("{}, not to be asked again before listen()", words.refused),
        Kind::Notification => words.news.to_owned(),
        Kind::Reply => "reply".to_owned(),
        Kind::Closed | Kind::GivenUp => "closed, or given up".to_owned(),
        Kind::Listen | Kind::Unlisten | Kind::Greeting | Kind::Data | Kind::Failed => return None,
        Kind::Unsolicited => return None,
    })
}
