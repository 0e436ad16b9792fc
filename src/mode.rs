//! The notification mode: a reconciler between what is wanted and what is so.
//!
//! The caller says what he wants ([`listen`](crate::Client::listen),
//! [`unlisten`](crate::Client::unlisten), commands); the server says what is so. `Switch::next` is
//! the one table that decides what to say next, and it knows no dialect.

use core::time::Duration;

/// How a dialect's notification mode works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// How the server confirms that it has been entered.
    pub entered: Entered,
    /// How the server confirms that it has been left.
    pub left: Left,
    /// What the server does about a command given in the mode.
    pub commands: InMode,
    /// When to leave and enter it again if nothing was said in it; a value in
    /// [`Timers::rearm`](crate::Timers::rearm) takes precedence.
    pub rearm: Option<Duration>,
}

/// How a server confirms that the mode has been entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// With the reply to the command that enters it (notif).
    ByReply,
    /// With a [`Continue`](crate::dialect::Class::Continue); the reply to the command that entered
    /// the mode ends it (IMAP).
    ByContinue,
    /// Not at all: it is entered once the command is sent, and the reply ends it (MPD).
    AtOnce,
}

/// How a server confirms that the mode has been left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// With the reply to the command that leaves it (notif).
    ByReply,
    /// With the reply to the command that entered it (MPD, IMAP).
    ByEndOfEnter,
}

/// What a server does about a command given in the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InMode {
    /// Answers it.
    Answered,
    /// Fails, so that the mode must be left first.
    LeaveFirst,
}

/// How long a server's notification mode lasts, once a client has entered it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lasts {
    /// Until the client leaves it. Entering and leaving are acknowledged, and each notification
    /// stands by itself (notif).
    #[default]
    UntilLeft,
    /// Until there is something to tell. Entering is acknowledged by nothing: its one answer is all
    /// that is new, or the acknowledgement alone when the client leaves before (MPD).
    UntilNews,
}

/// Where a client stands with the notification mode, as far as the server has confirmed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not in the mode.
    #[default]
    Off,
    /// The command that enters it is on its way.
    Entering,
    /// In the mode.
    On,
    /// The command that leaves it is on its way.
    Leaving,
}

/// What to say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Command,
    Enter,
    Leave,
    Acknowledge,
    Probe,
    Nothing,
}

/// What else decides about the next step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// A command is spooled.
    pub(crate) spooled: bool,
    /// One more may be on the wire.
    pub(crate) room: bool,
    /// A probe is due.
    pub(crate) probe: bool,
    /// The connection begins with something, before which the mode is not entered.
    pub(crate) opening: bool,
}

/// The state of the mode.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) mode: Option<Mode>,
    pub(crate) phase: Phase,
    wanted: bool,
    /// The server refused; not to be asked again before the caller does.
    refused: bool,
    /// It is time to leave and enter again.
    pub(crate) rearm: bool,
    /// Whether this client acknowledges notifications.
    acknowledges: bool,
    /// Notifications to be acknowledged.
    owed: u32,
    /// So many commands may still be sent before the mode is entered again.
    ride: usize,
    ride_length: usize,
}

impl Switch {
    pub(crate) fn new(mode: Option<Mode>, acknowledges: bool, ride: usize) -> Self {
        let ride_length = ride.max(1);
        Self {
            mode,
            phase: Phase::Off,
            wanted: false,
            refused: false,
            rearm: false,
            acknowledges,
            owed: 0,
            ride: ride_length,
            ride_length,
        }
    }

    pub(crate) fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
        self.refused = false;
    }

    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Whether the reply to the command that entered the mode is still to come, and ends it.
    pub(crate) fn holds_enter(&self) -> bool {
        self.mode.is_some_and(|mode| mode.entered != Entered::ByReply)
    }

    /// The table.
    pub(crate) fn next(&self, facts: Facts) -> Step {
        let Facts { spooled, room, probe, opening } = facts;
        let Some(mode) = self.mode else { return Self::without_mode(facts) };
        let enter = self.wanted && !self.refused && !opening;
        let step = match self.phase {
            Phase::Off if spooled && !(enter && self.ride == 0) => Step::Command,
            Phase::Off if enter => Step::Enter,
            Phase::Off if probe => Step::Probe,
            Phase::On if self.leave_wanted(mode, facts) => Step::Leave,
            Phase::On if self.owed > 0 => Step::Acknowledge,
            Phase::On | Phase::Entering if spooled && mode.commands == InMode::Answered => {
                Step::Command
            }
            Phase::Leaving if spooled && !(enter && self.ride == 0) => Step::Command,
            _ => Step::Nothing,
        };
        let needs_room = match step {
            Step::Leave => mode.left == Left::ByReply,
            Step::Acknowledge | Step::Nothing => false,
            Step::Command | Step::Enter | Step::Probe => true,
        };
        if needs_room && !room { Step::Nothing } else { step }
    }

    fn leave_wanted(&self, mode: Mode, facts: Facts) -> bool {
        let must_leave = mode.commands == InMode::LeaveFirst && facts.spooled;
        // Leaving is answered, which is all that a probe asks for.
        !self.wanted || self.rearm || facts.probe || must_leave
    }

    fn without_mode(facts: Facts) -> Step {
        match facts {
            Facts { room: false, .. } => Step::Nothing,
            Facts { spooled: true, .. } => Step::Command,
            Facts { probe: true, .. } => Step::Probe,
            _ => Step::Nothing,
        }
    }

    pub(crate) fn command_sent(&mut self) {
        self.ride = self.ride.saturating_sub(1);
    }

    pub(crate) fn enter_sent(&mut self) {
        let at_once = self.mode.is_some_and(|mode| mode.entered == Entered::AtOnce);
        self.phase = if at_once { Phase::On } else { Phase::Entering };
        self.ride = self.ride_length;
        self.owed = 0;
        self.rearm = false;
    }

    pub(crate) fn leave_sent(&mut self) {
        self.phase = Phase::Leaving;
        self.rearm = false;
    }

    pub(crate) fn notified(&mut self) {
        if self.acknowledges && self.phase == Phase::On {
            self.owed = self.owed.saturating_add(1);
        }
    }

    pub(crate) fn acknowledged(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }

    pub(crate) fn left(&mut self) {
        self.phase = Phase::Off;
        self.rearm = false;
        self.owed = 0;
    }

    pub(crate) fn refused(&mut self) {
        self.left();
        self.refused = true;
    }
}
