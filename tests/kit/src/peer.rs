//! The scripted peer: one end of a transcript, without I/O.

use std::time::Duration;

use bellwire::Transcript;
use bellwire::transcript::play::Mismatch;
use bellwire::transcript::{ParseError, Said, What, escape};
use bytes::{Buf, Bytes, BytesMut};

/// The end of a connection that a transcript's lines are said by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Its lines are the `C:` lines.
    Client,
    /// Its lines are the `S:` lines.
    Server,
}

/// How one end ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closing {
    /// It has no more to say, and still hears what the other end says.
    Eof,
    /// The connection is gone at once, in both directions.
    Reset,
}

/// One end of a [`Transcript`], played strictly: it says its own lines in their turn, each step in a
/// write of its own, and awaits the other end's, byte for byte.
///
/// | line | what the peer does |
/// |---|---|
/// | of its own | says it |
/// | of the other end | awaits exactly these bytes, however they are split |
/// | `.. 29min` | waits so long. If a line of the other end comes next, it may not come earlier |
/// | `<EOF>`, its own | has no more to say. What the other end says beyond the last line does not count then |
/// | `<RESET>`, its own | resets the connection, and has played its part |
/// | `<EOF>`, `<RESET>` of the other end | awaits the end. TCP makes either of the other when something was unread, so that either will do |
/// | `>`, `!`, `=` | nothing: these do not show on the wire. So a [`Recorder`](bellwire::transcript::Recorder)'s transcript can be played as it is |
///
/// A server whose transcript does not end the connection awaits that the client does, and that it says
/// no more before; a client has played its part with the last line, and its connection is to be dropped.
/// Who has said all that he had to say need not wait for the last answer: a write that fails is no
/// difference when nothing is awaited after it.
///
/// It reads no clock: time is what [`tick`](Self::tick) says it is, and stands still in between. [`play`]
/// and [`play_async`] drive it over a stream.
///
/// [`play`]: Self::play
/// [`play_async`]: Self::play_async
///
/// ```
/// use std::time::Duration;
/// use bellwire_testkit::Peer;
///
/// let mut server = Peer::server("
///     C: random?
///     .. 29min
///     S: 456902234
///     C: <EOF>
/// ")?;
/// server.feed(b"random?\r\n");
/// assert_eq!(server.output(), b"");
/// assert_eq!(server.deadline(), Some(Duration::from_secs(29 * 60)));
/// server.tick(Duration::from_secs(29 * 60));
/// assert_eq!(server.output(), b"456902234\r\n");
/// server.written(11);
/// server.feed(b"classified?\r\n");
/// let why = server.outcome().unwrap().clone().unwrap_err();
/// assert_eq!(why.to_string(), r#"line 5: heard "classified?\r\n", not the end"#);
/// # Ok::<(), bellwire::transcript::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Peer {
    end: End,
    /// All steps, with their lines; which of them is under way, and how much of it has been said or
    /// heard.
    steps: Vec<(usize, Turn)>,
    at: usize,
    done: usize,
    /// What was heard and not awaited yet.
    heard: BytesMut,
    /// How the other end has ended the connection.
    gone: Option<Closing>,
    /// Whether this end has, and what the drive still has to be told of it.
    closed: bool,
    closing: Option<Closing>,
    now: Duration,
    /// When something has moved for the last time.
    since: Duration,
    /// When the step under way, which waits, has waited enough.
    until: Option<Duration>,
    patience: Option<Duration>,
    outcome: Option<Result<(), Mismatch>>,
}

/// What a step is to this end.
#[derive(Clone, Debug)]
enum Turn {
    Wait(Duration),
    Say(Bytes),
    Close(Closing),
    Hear(Bytes),
    HearEnd,
}

impl Peer {
    /// The given end of a transcript.
    #[must_use]
    pub fn new(transcript: &Transcript, end: End) -> Self {
        let steps = transcript.steps.iter();
        let mut peer = Self {
            end,
            steps: steps.filter_map(|step| Some((step.line, turn(&step.what, end)?))).collect(),
            at: 0,
            done: 0,
            heard: BytesMut::new(),
            gone: None,
            closed: false,
            closing: None,
            now: Duration::ZERO,
            since: Duration::ZERO,
            until: None,
            patience: None,
            outcome: None,
        };
        peer.go_on();
        peer
    }

    /// The server of a transcript.
    ///
    /// # Errors
    ///
    /// When the text is no transcript.
    pub fn server(text: &str) -> Result<Self, ParseError> {
        Ok(Self::new(&text.parse()?, End::Server))
    }

    /// The client of a transcript.
    ///
    /// # Errors
    ///
    /// When the text is no transcript.
    pub fn client(text: &str) -> Result<Self, ParseError> {
        Ok(Self::new(&text.parse()?, End::Client))
    }

    /// Loses patience when the other end neither says nor takes anything for so long, while it should.
    /// Without, the peer waits for as long as whoever drives it.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// The other end has said this.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.outcome.is_none() && self.gone.is_none() {
            self.heard.extend_from_slice(bytes);
            self.go_on();
        }
    }

    /// The other end has no more to say.
    pub fn feed_eof(&mut self) {
        if self.gone.is_none() {
            self.gone = Some(Closing::Eof);
            self.go_on();
        }
    }

    /// The other end has reset the connection.
    pub fn feed_reset(&mut self) {
        self.gone = Some(Closing::Reset);
        self.go_on();
        // Nothing will be taken any more, either.
        self.fail("the connection was reset");
    }

    /// The stream has failed, in words of its own, to say or to hear what comes next.
    pub fn fail(&mut self, why: &str) {
        self.conclude(if self.needs_nobody() { Ok(()) } else { Err(self.failed(why)) });
    }

    /// What this end says next, empty when it waits for something. The same until
    /// [`written`](Self::written).
    #[must_use]
    pub fn output(&self) -> &[u8] {
        match self.steps.get(self.at) {
            Some((_, Turn::Say(bytes))) if self.outcome.is_none() => &bytes[self.done..],
            _ => &[],
        }
    }

    /// So many bytes of the output are on their way.
    pub fn written(&mut self, count: usize) {
        self.done += count.min(self.output().len());
        self.since = self.now;
        self.go_on();
    }

    /// How this end ends the connection now, behind what was its output: told once.
    pub fn closing(&mut self) -> Option<Closing> {
        self.closing.take()
    }

    /// When to call [`tick`](Self::tick): the end of one of the transcript's waits, or of this end's
    /// patience. `None`: never.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match (&self.outcome, self.until) {
            (Some(_), _) => None,
            (None, Some(until)) => Some(until),
            (None, None) => Some(self.since.saturating_add(self.patience?)),
        }
    }

    /// It is `now`, since a moment that the caller chose. What was fed before counts as heard before:
    /// so, when both are due, time comes first.
    pub fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.go_on();
        if self.outcome.is_some() {
            return;
        }
        match (self.until, self.patience) {
            (Some(until), _) if !self.heard.is_empty() && self.waits_to_hear() => {
                let early = until - self.now;
                self.conclude(Err(format!("heard {} {early:?} too early", quoted(&self.heard))));
            }
            (None, Some(patience)) if self.now >= self.since.saturating_add(patience) => {
                let why = format!("nothing for {patience:?}");
                let is_over = self.closed && self.turn().is_none();
                self.conclude(if is_over { Ok(()) } else { Err(self.failed(&why)) });
            }
            _ => {}
        }
    }

    /// How it came out, once all is played; the error names the transcript's line that differs.
    #[must_use]
    pub fn outcome(&self) -> Option<&Result<(), Mismatch>> {
        self.outcome.as_ref()
    }

    /// The line of the transcript that is under way, from 1; one past the last at its end.
    #[must_use]
    pub fn line(&self) -> usize {
        match self.steps.get(self.at) {
            Some((line, _)) => *line,
            None => self.steps.last().map_or(1, |(line, _)| line + 1),
        }
    }

    /// The step before, which ends the connection, cannot be done.
    pub(crate) fn failed_to_close(&mut self, why: &str) {
        let line = self.at.checked_sub(1).map_or(1, |before| self.steps[before].0);
        let what = format!("cannot end the connection: {why}");
        self.outcome = Some(Err(Mismatch { line, what }));
    }

    /// Whether the other end may still say something.
    pub(crate) fn hears(&self) -> bool {
        self.gone.is_none()
    }

    /// Whether this end still has to be told to say no more.
    pub(crate) fn closes(&self) -> bool {
        self.closing == Some(Closing::Eof)
    }

    /// What time it is, as far as it was told.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// How long the step under way still waits, if it is one that does.
    pub(crate) fn pause(&self) -> Option<Duration> {
        Some(self.until?.saturating_sub(self.now))
    }

    /// The patience, which is `default` where none was given.
    pub(crate) fn patience_or(&mut self, default: Duration) -> Duration {
        *self.patience.get_or_insert(default)
    }

    /// Takes all steps that need nothing more.
    fn go_on(&mut self) {
        while self.outcome.is_none() {
            match self.step() {
                Ok(true) => {
                    (self.at, self.done) = (self.at + 1, 0);
                    self.since = self.now;
                }
                Ok(false) => return,
                Err(what) => return self.conclude(Err(what)),
            }
        }
    }

    /// Whether the step under way is done; an error if it never will be.
    fn step(&mut self) -> Result<bool, String> {
        match self.turn().cloned() {
            None => {
                self.behind_the_last()?;
                Ok(false)
            }
            Some(Turn::Wait(time)) => {
                let until = *self.until.get_or_insert(self.now.saturating_add(time));
                let passed = self.now >= until;
                self.until = self.until.filter(|_| !passed);
                Ok(passed)
            }
            Some(Turn::Say(_)) if self.closed => Err("this end has ended before it".to_owned()),
            Some(Turn::Say(bytes)) => Ok(self.done == bytes.len()),
            Some(Turn::Close(closing)) => {
                (self.closed, self.closing) = (true, Some(closing));
                if closing == Closing::Reset {
                    self.conclude(Ok(()));
                }
                Ok(true)
            }
            Some(Turn::Hear(bytes)) => self.hear(&bytes),
            Some(Turn::HearEnd) if self.heard.is_empty() => Ok(self.gone.is_some()),
            Some(Turn::HearEnd) => Err(self.heard_instead("")),
        }
    }

    fn hear(&mut self, awaited: &[u8]) -> Result<bool, String> {
        let rest = &awaited[self.done..];
        let common = self.heard.len().min(rest.len());
        if self.heard[..common] != rest[..common] {
            return Err(self.heard_instead(""));
        }
        if common > 0 {
            self.heard.advance(common);
            self.done += common;
            self.since = self.now;
        }
        match self.gone {
            Some(end) if common < rest.len() => Err(self.heard_instead(end.name())),
            _ => Ok(common == rest.len()),
        }
    }

    fn behind_the_last(&mut self) -> Result<(), String> {
        match self.end {
            End::Server if self.closed => self.heard.clear(),
            End::Server if !self.heard.is_empty() => return Err(self.heard_instead("")),
            End::Server => {}
            End::Client => self.conclude(Ok(())),
        }
        if self.gone.is_some() {
            self.conclude(Ok(()));
        }
        Ok(())
    }

    fn conclude(&mut self, outcome: Result<(), String>) {
        let line = self.line();
        self.outcome.get_or_insert(outcome.map_err(|what| Mismatch { line, what }));
    }

    fn turn(&self) -> Option<&Turn> {
        self.steps.get(self.at).map(|(_, turn)| turn)
    }

    /// Whether the other end may go, for nothing is awaited of it: not even, behind the last line, that
    /// it says no more.
    fn needs_nobody(&self) -> bool {
        let rest = &self.steps[self.at..];
        let hears = rest.iter().any(|(_, turn)| matches!(turn, Turn::Hear(_) | Turn::HearEnd));
        !hears && (!rest.is_empty() || self.closed)
    }

    /// Whether the other end is the next to say something, and time passes until then.
    fn waits_to_hear(&self) -> bool {
        let mut rest = self.steps[self.at..].iter().map(|(_, turn)| turn);
        matches!(rest.find(|turn| !matches!(turn, Turn::Wait(_))), Some(Turn::Hear(_)))
    }

    fn failed(&self, why: &str) -> String {
        match self.turn() {
            Some(Turn::Say(_)) => format!("cannot say {}: {why}", quoted(self.output())),
            Some(Turn::Wait(_) | Turn::Close(_)) => why.to_owned(),
            _ => self.heard_instead(why),
        }
    }

    /// What was heard where something else was awaited, and what came after that.
    fn heard_instead(&self, and: &str) -> String {
        let (awaited, before) = match self.turn() {
            Some(Turn::Hear(bytes)) => (Some(bytes), &bytes[..self.done]),
            _ => (None, &[][..]),
        };
        let heard = [before, &self.heard].concat();
        let same =
            awaited.map_or(0, |it| it.iter().zip(&heard).take_while(|(a, b)| a == b).count());
        // Of what is long, the beginning is left out as far as it is the same.
        let from = if same > SHOWN / 2 { same - SHOWN / 4 } else { 0 };
        let place = if from > 0 { format!("from byte {from} on, ") } else { String::new() };
        let heard = match (&heard[from..], and) {
            ([], and) => and.to_owned(),
            (heard, "") => quoted(heard),
            (heard, and) => format!("{} and {and}", quoted(heard)),
        };
        let awaited = awaited.map_or("the end".to_owned(), |bytes| quoted(&bytes[from..]));
        format!("{place}heard {heard}, not {awaited}")
    }
}

impl Closing {
    fn name(self) -> &'static str {
        match self {
            Self::Eof => "the end",
            Self::Reset => "a reset",
        }
    }
}

/// What a step is to this end, if it shows on the wire.
fn turn(what: &What, end: End) -> Option<Turn> {
    let (said, by) = match what {
        What::Client(said) => (said, End::Client),
        What::Server(said) => (said, End::Server),
        What::Passed(time) => return Some(Turn::Wait(*time)),
        What::Act(_) | What::Taken(_) => return None,
    };
    Some(match (said, by == end) {
        (Said::Bytes(bytes), true) => Turn::Say(bytes.clone().into()),
        (Said::Bytes(bytes), false) => Turn::Hear(bytes.clone().into()),
        (Said::Eof, true) => Turn::Close(Closing::Eof),
        (Said::Reset, true) => Turn::Close(Closing::Reset),
        (Said::Eof | Said::Reset, false) => Turn::HearEnd,
    })
}

/// More bytes are not shown in messages.
const SHOWN: usize = 200;

fn quoted(bytes: &[u8]) -> String {
    match bytes.len().checked_sub(SHOWN) {
        None | Some(0) => format!("\"{}\"", escape(bytes)),
        Some(more) => format!("\"{}\" and {more} bytes more", escape(&bytes[..SHOWN])),
    }
}
