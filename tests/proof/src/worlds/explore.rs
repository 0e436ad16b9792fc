//! Goes through all worlds, each once, up to a depth.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bellwire::dialect::Dialect;

use super::fingerprint::Fingerprint;
use super::op::{Cut, OPS, Op};
use super::state::{Kind, Stand, State};
use super::world::World;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) worlds: usize,
    pub(crate) transitions: usize,
    /// Worlds in each state.
    pub(crate) states: BTreeMap<State, usize>,
    /// Transitions between worlds with each step.
    pub(crate) steps: BTreeMap<(Stand, Kind, Stand), usize>,
    /// How many new worlds there were at each depth.
    pub(crate) depths: Vec<usize>,
}

impl Found {
    pub(crate) fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.transitions += other.transitions;
        for (state, count) in other.states {
            *self.states.entry(state).or_default() += count;
        }
        for (step, count) in other.steps {
            *self.steps.entry(step).or_default() += count;
        }
        self.depths.resize(self.depths.len().max(other.depths.len()), 0);
        for (sum, count) in self.depths.iter_mut().zip(other.depths) {
            *sum += count;
        }
    }
}

/// All worlds that begin with `roots` and go on for at most `depth` operations.
pub(crate) fn explore<D: Dialect + Clone + Debug>(
    fresh: &dyn Fn() -> World<D>,
    roots: &[&[Op]],
    depth: usize,
    except: &[Op],
) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut frontier = Vec::new();
    let can = |world: &World<D>| -> Vec<Op> {
        OPS.into_iter().filter(|op| !except.contains(op) && world.can(*op)).collect()
    };
    for root in roots {
        let world = replay(fresh, root);
        if seen.insert(world.fingerprint()) {
            frontier.push((root.to_vec(), can(&world)));
            visit(&mut found, root, world);
        }
    }
    found.depths.push(frontier.len());
    for _ in 0..depth {
        let mut next = Vec::new();
        for (path, ops) in frontier {
            for op in ops {
                let path = [&path[..], &[op]].concat();
                let world = replay(fresh, &path);
                found.transitions += 1;
                for step in &world.steps {
                    *found.steps.entry(*step).or_default() += 1;
                }
                let fingerprint = world.fingerprint();
                if let Op::Up(_) | Op::Down(Cut::Line | Cut::All) = op {
                    same_in_pieces(fresh, &path, fingerprint);
                }
                if seen.insert(fingerprint) {
                    next.push((path.clone(), can(&world)));
                    visit(&mut found, &path, world);
                }
            }
        }
        found.depths.push(next.len());
        frontier = next;
    }
    found
}

/// What is true of a world, and of what becomes of it when nothing more happens.
fn visit<D: Dialect + Clone + Debug>(found: &mut Found, path: &[Op], mut world: World<D>) {
    found.worlds += 1;
    *found.states.entry(world.state()).or_default() += 1;
    told(path, || world.settle());
}

fn replay<D: Dialect + Clone + Debug>(fresh: &dyn Fn() -> World<D>, path: &[Op]) -> World<D> {
    let mut world = fresh();
    told(path, || path.iter().for_each(|op| world.act(*op)));
    world
}

/// The same bytes, one by one (G11).
fn same_in_pieces<D: Dialect + Clone + Debug>(
    fresh: &dyn Fn() -> World<D>,
    path: &[Op],
    whole: Fingerprint,
) {
    let Some((op, before)) = path.split_last() else { return };
    let mut pieces = replay(fresh, before);
    told(path, || {
        pieces.act_bytewise(*op);
        assert_eq!(pieces.fingerprint(), whole, "split otherwise, taken otherwise");
    });
}

/// Says how a world came to be that is not as it should be.
fn told<T>(path: &[Op], act: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(done) => done,
        Err(panic) => {
            eprintln!("in the world behind {path:?}");
            resume_unwind(panic);
        }
    }
}
