//! Small worlds: a client, a server, and the wire between them, in which everything happens that can,
//! in every order: up to six operations behind each of several beginnings, or four where time passes,
//! too. Worlds that go on in the same way count as one, so that each is gone through once, and none is
//! left out.
//!
//! In each world, what the client tells is what came, in order, each reply with the proof that it
//! answers its question; and when everything is delivered and answered, nothing is missing.
//!
//! The states and steps that were found are in `states/`, and the README's diagrams are drawn from
//! them; how many worlds there are is in `TESTING.md`.
//! `BELLWIRE_DEPTH=2 cargo test --release -p bellwire-proof worlds` goes two operations deeper, where
//! the diagrams are the same, and nothing is reached that is listed as unreachable.
//!
//! | room | what is in it |
//! |---|---|
//! | `world`, `op` | one world; what can happen in it |
//! | `peer`, `plain` | the server: the library's, and one that is free to do what the protocol allows |
//! | `ledger` | what must come of what is asked and told |
//! | `explore`, `fingerprint` | all worlds, and what makes two of them one |
//! | `state`, `listing`, `diagram` | what is listed and drawn |

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs, thread};

use bellwire::dialect::Dialect;
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire::{Client, Config};

use diagram::{Words, diagram};
use explore::{Found, explore};
use listing::{REWRITE, UNREACHABLE, listing, tabled};
use op::{Cut, Op};
use peer::{Peer, Real, Which};
use plain::{Plain, Tongue};
use world::{Bounds, World};

mod diagram;
mod explore;
mod fingerprint;
mod ledger;
mod listing;
mod op;
pub(crate) mod peer;
pub(crate) mod plain;
mod state;
mod world;

/// A client, a server, and what may happen.
struct Case<D> {
    dialect: D,
    in_flight: usize,
    peer: Box<dyn Fn() -> Box<dyn Peer> + Sync>,
    /// Whether the server may refuse, and end the mode by itself.
    free: bool,
}

impl<D: Dialect + Clone + Debug> Case<D> {
    fn explore(&self) -> Found {
        let mut found = Found::default();
        for (time, depth) in [(true, 4), (false, 6)] {
            let mut except = Vec::new();
            if !self.free {
                except.extend([Op::Refuse, Op::End]);
            }
            let mut roots = if self.free { ROOTS.to_vec() } else { ROOTS[..3].to_vec() };
            if time {
                roots.push(PROBED);
            }
            let bounds = Bounds { asked: 2, news: 2, refused: 1, time };
            found.add(explore(&|| self.world(bounds), &roots, depth + deeper(), &except));
        }
        found
    }

    fn world(&self, bounds: Bounds) -> World<D> {
        let mut config = Config::default();
        config.in_flight = self.in_flight;
        config.ride = 2;
        config.timers.rearm = Some(Duration::from_secs(28 * 60));
        config.timers.reply = Some(Duration::from_secs(10));
        World::new(Client::new(self.dialect.clone(), config), (self.peer)(), bounds)
    }
}

/// A new connection; one in the mode; one on which notifications pile up that are to be acknowledged;
/// one whose server has refused the mode; and one that has entered the mode before a command was
/// answered that was sent before, where that can be.
const ROOTS: [&[Op]; 5] = [
    &[],
    &[Op::Listen, Op::Settle],
    &[
        Op::Listen,
        Op::Settle,
        Op::Stall,
        Op::Notify,
        Op::Down(Cut::Line),
        Op::Notify,
        Op::Down(Cut::Line),
    ],
    &[Op::Settle, Op::Listen, Op::Up(Cut::Line), Op::Refuse, Op::Settle],
    &[
        Op::Settle,
        Op::Ask,
        Op::Listen,
        Op::Up(Cut::All),
        Op::Answer(Which::Last),
        Op::Down(Cut::All),
    ],
];

/// One on which a probe has been sent, and nothing else is.
const PROBED: &[Op] = &[Op::Settle, Op::Sleep];

fn deeper() -> usize {
    env::var("BELLWIRE_DEPTH").map_or(0, |depth| depth.parse().unwrap())
}

/// Goes through all cases, each in a thread of its own, and compares with what is written down.
fn check<D: Dialect + Clone + Debug + Sync>(words: &Words, cases: &[Case<D>]) {
    let mut found = Found::default();
    thread::scope(|scope| {
        let explored: Vec<_> = cases.iter().map(|case| scope.spawn(|| case.explore())).collect();
        explored.into_iter().for_each(|it| found.add(it.join().unwrap()));
    });
    let Found { worlds, transitions, depths, .. } = &found;
    println!(
        "{}: {worlds} worlds, {transitions} transitions; new at each depth: {depths:?}",
        words.name
    );
    let path = format!("{}/states/{}.txt", env!("CARGO_MANIFEST_DIR"), words.name);
    agree(&path, &fs::read_to_string(&path).unwrap_or_default(), &listing(words.name, &found));
    let _alone = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let text = fs::read_to_string(readme).unwrap();
    agree(readme, &text, &redrawn(&text, words.name, &diagram(words, &found)));
    let testing = concat!(env!("CARGO_MANIFEST_DIR"), "/../../TESTING.md");
    let text = fs::read_to_string(testing).unwrap();
    let row = format!("| {}, {} kinds |", words.name, cases.len());
    agree(testing, &text, &tabled(&text, &row, &found, deeper()));
}

/// Who reads the README or `TESTING.md` to write it anew.
static PAGES: Mutex<()> = Mutex::new(());

/// The text with the diagram of this name drawn anew.
fn redrawn(text: &str, name: &str, diagram: &str) -> String {
    let begin = format!("```mermaid\nstateDiagram-v2\n    %% {name}\n");
    let start = text.find(&begin).unwrap_or_else(|| panic!("the README has no diagram for {name}"));
    let start = start + "```mermaid\n".len();
    let end = start + text[start..].find("```").unwrap();
    format!("{}{diagram}{}", &text[..start], &text[end..])
}

/// What is written in the file is what it should be.
#[track_caller]
fn agree(path: &str, old: &str, new: &str) {
    if env::var_os("BELLWIRE_WRITE").is_some() {
        fs::write(path, new).unwrap();
        return;
    }
    let (old, new) = (compared(old), compared(new));
    let gone: Vec<_> = old.iter().filter(|line| !new.contains(line)).collect();
    let found: Vec<_> = new.iter().filter(|line| !old.contains(line)).collect();
    assert!(
        gone.is_empty() && found.is_empty(),
        "{path} is wrong; `{REWRITE}` writes it anew.\nnot so: {gone:#?}\nbut so: {found:#?}"
    );
}

/// Deeper, there are more worlds, and other things wait on the wire at the same time; but what is drawn
/// stays as it is, and nothing is reached that was not.
fn compared(text: &str) -> Vec<&str> {
    let listed = |line: &&str| deeper() > 0 && *line != UNREACHABLE;
    if text.contains(UNREACHABLE) {
        text.lines().skip_while(listed).collect()
    } else {
        text.lines().collect()
    }
}

fn notif(change: impl FnOnce(&mut Notif), in_flight: usize, peer: Other) -> Case<Notif> {
    let mut dialect = Notif::default();
    change(&mut dialect);
    let tongue = Tongue::Notif { ids: dialect.ids };
    let (served, free) = (dialect.clone(), peer == Other::Free);
    let peer: Box<dyn Fn() -> Box<dyn Peer> + Sync> = match peer {
        Other::Ours => Box::new(move || Box::new(Real::new(served.clone(), "ad"))),
        _ => Box::new(move || Box::new(Plain::new(tongue, free))),
    };
    Case { dialect, in_flight, peer, free }
}

fn mpd(change: impl FnOnce(&mut Mpd), in_flight: usize, peer: Other) -> Case<Mpd> {
    let mut dialect = Mpd::default();
    change(&mut dialect);
    let tongue = Tongue::Mpd { stray: dialect.answers_stray_noidle };
    let (served, free) = (dialect.clone(), peer == Other::Free);
    let peer: Box<dyn Fn() -> Box<dyn Peer> + Sync> = match peer {
        Other::Ours => Box::new(move || Box::new(Real::new(served.clone(), "player"))),
        _ => Box::new(move || Box::new(Plain::new(tongue, free))),
    };
    Case { dialect, in_flight, peer, free }
}

fn imap(in_flight: usize, peer: Other) -> Case<Imap> {
    let free = peer == Other::Free;
    let peer = Box::new(move || Box::new(Plain::new(Tongue::Imap, free)) as Box<dyn Peer>);
    Case { dialect: Imap::default(), in_flight, peer, free }
}

/// The other end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Other {
    /// The library's server.
    Ours,
    /// One that does what it is asked.
    Plain,
    /// One that does what it likes.
    Free,
}

#[test]
fn worlds_of_notif() {
    let words = Words {
        name: "notif",
        enter: "notif",
        entered: "OK",
        leave: "stop_notif",
        left: "OK",
        refused: "error",
        news: "notif: TOPIC",
        ended: "",
        probe: "stop_notif",
    };
    check(
        &words,
        &[
            notif(|_| {}, 1, Other::Ours),
            notif(|_| {}, 2, Other::Ours),
            notif(|it| it.ask_in_mode = true, 1, Other::Ours),
            notif(|it| it.acknowledge = true, 1, Other::Ours),
            notif(|it| it.ids = true, 2, Other::Ours),
            notif(|_| {}, 1, Other::Free),
            notif(|it| (it.ask_in_mode, it.acknowledge) = (true, true), 2, Other::Free),
            notif(|it| it.ids = true, 2, Other::Free),
        ],
    );
}

#[test]
fn worlds_of_mpd() {
    let words = Words {
        name: "mpd",
        enter: "idle",
        entered: "",
        leave: "noidle",
        left: "OK",
        refused: "ACK",
        news: "changed: SUBSYSTEM",
        ended: "OK",
        probe: "ping",
    };
    check(
        &words,
        &[
            mpd(|_| {}, 1, Other::Ours),
            mpd(|_| {}, 2, Other::Ours),
            mpd(|_| {}, 1, Other::Free),
            mpd(|it| it.answers_stray_noidle = true, 1, Other::Plain),
        ],
    );
}

#[test]
fn worlds_of_imap() {
    let words = Words {
        name: "imap",
        enter: "IDLE",
        entered: "+",
        leave: "DONE",
        left: "tagged OK",
        refused: "tagged NO",
        news: "untagged data",
        ended: "tagged OK",
        probe: "NOOP",
    };
    check(&words, &[imap(1, Other::Plain), imap(1, Other::Free), imap(2, Other::Free)]);
}
