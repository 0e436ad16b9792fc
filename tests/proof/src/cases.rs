//! What all that makes cases out of bytes has in common.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use arbitrary::Unstructured;
use bellwire::transcript::{Configured, Recorder};

/// One of these, as the next byte says; the first where the bytes have ended.
pub(crate) fn one_of<T: Copy>(u: &mut Unstructured<'_>, among: &[T]) -> T {
    u.choose(among).copied().unwrap_or(among[0])
}

/// A transcript, if somebody is to read it.
pub(crate) type Tape = Option<Recorder>;

/// A transcript with these settings.
pub(crate) fn tape<D: Configured>(settings: &[(&str, String)]) -> Tape {
    let mut tape = Recorder::new(D::NAME, D::LF);
    settings.iter().for_each(|(name, value)| tape.setting(name, value));
    Some(tape)
}

/// Plays a case; once more if it panics, to show the transcript.
pub(crate) fn shown<D: Configured>(settings: &[(&str, String)], play: impl Fn(&mut Tape)) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| play(&mut None))) else { return };
    let mut tape = tape::<D>(settings);
    let _ = catch_unwind(AssertUnwindSafe(|| play(&mut tape)));
    eprintln!("the case as a transcript:\n{}", tape.map_or_else(String::new, |mut it| it.take()));
    resume_unwind(panic);
}
