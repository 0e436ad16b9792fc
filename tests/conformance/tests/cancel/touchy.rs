//! A dialect with a bug.

use bellwire::dialect::notif::{Expect, Notif};
use bellwire::dialect::{Awaiting, Class, Dialect, Spoken, Word};
use bellwire::{Encoder, Framing, Mode, Refusal};

/// The notif protocol; but the line `666` makes it panic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touchy(Notif);

impl Dialect for Touchy {
    type Expect = Expect;

    fn frame(&mut self, input: &[u8], searched: usize, of: &mut Awaiting<'_, Expect>) -> Framing {
        self.0.frame(input, searched, of)
    }

    fn classify(&mut self, frame: &[u8], awaiting: &mut Awaiting<'_, Expect>) -> Class {
        assert!(frame != b"666", "as the test wants");
        self.0.classify(frame, awaiting)
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        self.0.encode_text(text, line)
    }

    fn mode(&self) -> Option<Mode> {
        self.0.mode()
    }

    fn say(&self, word: Word, line: &mut Encoder<'_>) -> Option<Expect> {
        self.0.say(word, line)
    }

    fn spoken(&self, line: &[u8]) -> Spoken {
        self.0.spoken(line)
    }
}
