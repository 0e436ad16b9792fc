//! A server of transcripts, on a thread of its own.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bellwire::Transcript;
use bellwire::transcript::ParseError;
use bellwire::transcript::play::Mismatch;

use crate::wait::{PATIENCE, await_readable};
use crate::{BlockingStream, End, Peer};

/// A server that says and awaits what its transcripts say, byte for byte, on a thread of its own: one
/// transcript for each connection, one after the other. [`Peer`] says what each line means, and what a
/// client may do behind the last one.
///
/// It waits for its client for as long as its [patience](Script::patience), and no longer.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use bellwire_testkit::Script;
///
/// let server = Script::new(&["C: random?\nS: 456902234\nS: <EOF>"]).tcp()?;
/// // The client under test.
/// let mut client = TcpStream::connect(server.address)?;
/// client.write_all(b"random?\r\n")?;
/// let mut said = String::new();
/// client.read_to_string(&mut said)?;
/// assert_eq!(said, "456902234\r\n");
/// drop(client);
/// server.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Scripted<A = SocketAddr> {
    /// Where it listens.
    pub address: A,
    /// A byte in it releases the server; without it, no connection is waited for.
    gate: Option<UnixStream>,
    player: Option<JoinHandle<Result<(), ScriptError>>>,
}

/// What a [`Scripted`] server plays.
#[derive(Clone, Debug)]
#[must_use = "it is not played yet"]
pub struct Script {
    transcripts: Result<Vec<Transcript>, ScriptError>,
    patience: Duration,
    held: bool,
}

/// What came of a script, where it was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// A text is no transcript.
    #[error("transcript {number}: {why}")]
    NoTranscript {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        why: ParseError,
    },
    /// A client, or the stream, differs from the transcript.
    #[error("connection {number}: {why}")]
    Differs {
        /// On which connection, from 1.
        number: usize,
        /// In which line, and how.
        why: Mismatch,
    },
    /// No client came.
    #[error("connection {number}: nobody connected in {patience:?}")]
    NobodyCame {
        /// Which connection it would have been, from 1.
        number: usize,
        /// For how long the server has waited.
        patience: Duration,
    },
    /// A server that was held was dropped, or has waited too long.
    #[error("the server was never released")]
    NeverReleased,
    /// The system refused something.
    #[error("{0}")]
    System(String),
}

impl Script {
    /// A script of these transcripts.
    pub fn new(texts: &[impl AsRef<str>]) -> Self {
        let transcripts = texts.iter().enumerate().map(|(at, text)| {
            let parsed = text.as_ref().parse();
            parsed.map_err(|why| ScriptError::NoTranscript { number: at + 1, why })
        });
        Self { transcripts: transcripts.collect(), patience: PATIENCE, held: false }
    }

    /// For how long it waits whenever it waits for a client; [`PATIENCE`] otherwise.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The server does nothing, not even accept a connection, before it is [released](Scripted::release):
    /// what clients do before that is not answered meanwhile.
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// Plays on TCP, on a free port of loopback.
    ///
    /// # Errors
    ///
    /// When a text is no transcript, or the system refuses.
    pub fn tcp(self) -> Result<Scripted, ScriptError> {
        self.tcp_over(|stream| stream)
    }

    /// The same, on what is made of each connection: TLS, say.
    ///
    /// # Errors
    ///
    /// When a text is no transcript, or the system refuses.
    pub fn tcp_over<S: BlockingStream>(
        self,
        mut over: impl FnMut(TcpStream) -> S + Send + 'static,
    ) -> Result<Scripted, ScriptError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        self.start(address, move |gate, patience| {
            await_readable(&listener, Some(gate), patience)?;
            let (stream, _) = listener.accept()?;
            // Each step of a transcript is a write of its own, which does not wait for the next.
            stream.set_nodelay(true)?;
            Ok(over(stream))
        })
    }

    /// Plays on a Unix socket with this path, where nothing may be yet. The file is left behind.
    ///
    /// # Errors
    ///
    /// When a text is no transcript, or the system refuses.
    pub fn unix(self, path: impl AsRef<Path>) -> Result<Scripted<PathBuf>, ScriptError> {
        let listener = UnixListener::bind(&path)?;
        self.start(path.as_ref().to_owned(), move |gate, patience| {
            await_readable(&listener, Some(gate), patience)?;
            Ok(listener.accept()?.0)
        })
    }

    /// Plays on a stream that is connected already: the first transcript, or nothing if there is none.
    /// For another one, nobody connects.
    ///
    /// # Errors
    ///
    /// When a text is no transcript, or the system refuses.
    pub fn on<S>(self, stream: S) -> Result<Scripted<()>, ScriptError>
    where
        S: BlockingStream + Send + 'static,
    {
        let mut stream = Some(stream);
        self.start((), move |_, _| stream.take().ok_or(io::ErrorKind::TimedOut.into()))
    }

    fn start<A, S: BlockingStream>(
        self,
        address: A,
        mut connect: impl FnMut(&UnixStream, Duration) -> io::Result<S> + Send + 'static,
    ) -> Result<Scripted<A>, ScriptError> {
        let (transcripts, patience) = (self.transcripts?, self.patience);
        let (gate, opened) = UnixStream::pair()?;
        if !self.held {
            (&gate).write_all(b"!")?;
        }
        let play = move || {
            let released = await_readable(&opened, None, patience).is_ok();
            if !released || (&opened).read(&mut [0])? == 0 {
                return Err(ScriptError::NeverReleased);
            }
            for (transcript, number) in transcripts.iter().zip(1..) {
                let stream = match connect(&opened, patience) {
                    Ok(stream) => stream,
                    // Nobody wants to know how it would have come out.
                    Err(why) if why.kind() == io::ErrorKind::Interrupted => return Ok(()),
                    Err(why) if why.kind() == io::ErrorKind::TimedOut => {
                        return Err(ScriptError::NobodyCame { number, patience });
                    }
                    Err(why) => return Err(why.into()),
                };
                let peer = Peer::new(transcript, End::Server).with_patience(patience);
                peer.play(stream).map_err(|why| ScriptError::Differs { number, why })?;
            }
            Ok(())
        };
        let player = thread::Builder::new().spawn(play)?;
        Ok(Scripted { address, gate: Some(gate), player: Some(player) })
    }
}

impl<A> Scripted<A> {
    /// Lets a server begin that was [held](Script::held). Again, it does nothing.
    pub fn release(&self) {
        // It has ended if it does not want to know; why is told at the end.
        let _ = self.gate.as_ref().map(|mut gate| gate.write(b"!"));
    }

    /// Waits until the last transcript was played to its end.
    ///
    /// # Errors
    ///
    /// Where a client differs from the transcripts; when one does not come, or does not end its connection,
    /// in time.
    ///
    /// # Panics
    ///
    /// When what was made of a [connection](Script::tcp_over) panicked.
    pub fn finish(mut self) -> Result<(), ScriptError> {
        match self.player.take().map(JoinHandle::join) {
            Some(Ok(played)) => played,
            Some(Err(panic)) => resume_unwind(panic),
            None => Ok(()),
        }
    }
}

/// Waits, too, for whatever is under way. What differs is said on standard error: a test that fails
/// elsewhere may fail for that.
impl<A> Drop for Scripted<A> {
    fn drop(&mut self) {
        // Nothing is to begin any more.
        self.gate = None;
        if let Some(Ok(Err(why))) = self.player.take().map(JoinHandle::join) {
            eprintln!("the script was not played to its end: {why}");
        }
    }
}

impl From<io::Error> for ScriptError {
    fn from(why: io::Error) -> Self {
        Self::System(why.to_string())
    }
}
