//! G19, G3, G8: every future of the async client, dropped at every one of its await points; and whatever
//! else may be dropped.
//!
//! The world is moved by hand, one byte at a time. Whoever waits is polled only when he was woken, so a
//! wake-up that is lost is found out as something that hangs.

#[path = "cancel/answers.rs"]
mod answers;
#[path = "cancel/checks.rs"]
mod checks;
#[path = "cancel/ours.rs"]
mod ours;
#[path = "cancel/proof.rs"]
mod proof;
#[path = "cancel/touchy.rs"]
mod touchy;
#[path = "cancel/world.rs"]
mod world;

#[path = "cancel/connecting.rs"]
mod connecting;
#[path = "cancel/driving.rs"]
mod driving;
#[path = "cancel/panics.rs"]
mod panics;
#[path = "cancel/pending.rs"]
mod pending;
#[path = "cancel/requests.rs"]
mod requests;
#[path = "cancel/select.rs"]
mod select;
#[path = "cancel/shutdown.rs"]
mod shutdown;
#[path = "cancel/untold.rs"]
mod untold;
