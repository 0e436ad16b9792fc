//! A music player that plays nothing, for any client of MPD. It says what it pretends to do, and tells
//! everybody who idles.
//!
//! ```console
//! $ cargo run -p bellwire-blocking --example fake_player -- 127.0.0.1:6601
//! $ mpc -p 6601 idleloop &
//! $ mpc -p 6601 add "gymnopedie 1.flac" && mpc -p 6601 play
//! ```

use std::env;
use std::io;
use std::net::ToSocketAddrs;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bellwire::Reply;
use bellwire::dialect::mpd::{Ack, Code, Mpd, argument};
use bellwire_blocking::{Peer, Server, Service};

fn main() -> io::Result<()> {
    let address = env::args().nth(1);
    let server = server(address.as_deref().unwrap_or("127.0.0.1:6600"))?;
    println!("listening on {}", server.local_addr()?);
    server.run()
}

/// A server for a player of its own.
pub(crate) fn server(address: impl ToSocketAddrs) -> io::Result<Server<Mpd, FakePlayer>> {
    let mut server = Server::bind(address, Mpd::default(), FakePlayer::default())?;
    // As MPD's connection_timeout: who does not idle has something to say within a minute.
    server.config.timers.silence = Some(Duration::from_secs(60));
    Ok(server)
}

/// One player, for all clients.
#[derive(Default)]
pub(crate) struct FakePlayer(Mutex<Player>);

impl Service for FakePlayer {
    type Session = ();

    fn open(&self, _: &mut Peer) {}

    /// The machine takes care of greeting, `idle`, command lists and the `OK` behind a reply: what is
    /// left is to do what a command says.
    fn answer(&self, _: &mut (), command: &[u8], peer: &mut Peer) -> Reply<Vec<u8>> {
        let words = match argument::words(command) {
            Ok(words) => words,
            Err(why) => return why.code().refuse(why),
        };
        let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let mut player = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match player.does(&words) {
            Ok(Done::Told(lines)) => Reply::done(lines.into_bytes()),
            Ok(Done::Changed(subsystems)) => {
                subsystems.iter().for_each(|subsystem| peer.notify_all(subsystem));
                Reply::done(Vec::new())
            }
            Err(refusal) => refusal,
        }
    }
}

/// What became of a command: lines to tell, or what has changed; or a refusal.
type Outcome = Result<Done, Reply<Vec<u8>>>;

enum Done {
    Told(String),
    Changed(&'static [&'static str]),
}

struct Song {
    file: &'static str,
    artist: &'static str,
    title: &'static str,
    seconds: u32,
}

const SATIE: &str = "Erik Satie";
const LIBRARY: [Song; 4] = [
    Song { file: "gymnopedie 1.flac", artist: SATIE, title: "Gymnopédie 1", seconds: 194 },
    Song { file: "gymnopedie 2.flac", artist: SATIE, title: "Gymnopédie 2", seconds: 165 },
    Song { file: "silence.wav", artist: "John Cage", title: "4'33\"", seconds: 273 },
    Song { file: "vexations.flac", artist: SATIE, title: "Vexations", seconds: 67_200 },
];

#[derive(Default)]
struct Player {
    /// What is played, one after the other; each with an id of its own.
    queue: Vec<(usize, &'static Song)>,
    /// The one of the queue that is played, or will be.
    current: usize,
    state: State,
    volume: u8,
    /// So many songs have ever been in the queue.
    ids: usize,
    /// So many times it has changed.
    version: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Stop,
    Play,
    Pause,
}

impl Player {
    fn does(&mut self, command: &[&str]) -> Outcome {
        match command {
            ["ping" | "tagtypes", ..] => Ok(Done::Told(String::new())),
            ["status"] => Ok(Done::Told(self.status())),
            ["currentsong"] => Ok(Done::Told(self.songs(self.current..self.current + 1))),
            ["playlistinfo"] => Ok(Done::Told(self.songs(0..self.queue.len()))),
            ["listall" | "lsinfo", ..] => Ok(Done::Told(library())),
            ["add", file] => self.add(file),
            ["clear"] => Ok(self.clear()),
            ["play"] => self.play(self.current),
            ["play", position] => self.play(self.position(position)?),
            ["next"] => self.play(self.playing()? + 1),
            ["previous"] => self.play(self.playing()?.saturating_sub(1)),
            ["pause", on] if self.state != State::Stop => {
                self.state = if *on == "1" { State::Pause } else { State::Play };
                Ok(Done::Changed(&["player"]))
            }
            ["pause", _] => Ok(Done::Changed(&[])),
            ["stop"] => {
                self.state = State::Stop;
                Ok(Done::Changed(&["player"]))
            }
            ["setvol", volume] => self.set_volume(number(volume)?),
            _ => Err(Ack::unknown(command[0]).into()),
        }
    }

    fn status(&self) -> String {
        let mut lines = format!("volume: {}\n", self.volume);
        lines += &format!("playlist: {}\n", self.version);
        lines += &format!("playlistlength: {}\n", self.queue.len());
        lines += &format!("state: {}\n", ["stop", "play", "pause"][self.state as usize]);
        if let Some((id, song)) = self.queue.get(self.current) {
            lines += &format!("song: {}\nsongid: {id}\n", self.current);
            if self.state != State::Stop {
                lines += &format!("time: 0:{0}\nelapsed: 0.000\nduration: {0}.000\n", song.seconds);
            }
        }
        lines
    }

    fn songs(&self, positions: Range<usize>) -> String {
        let mut lines = String::new();
        for (position, (id, song)) in self.queue.iter().enumerate() {
            if positions.contains(&position) {
                lines += &format!("file: {}\nArtist: {}\n", song.file, song.artist);
                lines += &format!("Title: {}\nTime: {}\n", song.title, song.seconds);
                lines += &format!("Pos: {position}\nId: {id}\n");
            }
        }
        lines
    }

    /// Adds a song, or all.
    fn add(&mut self, file: &str) -> Outcome {
        let before = self.ids;
        for song in LIBRARY.iter().filter(|song| file.is_empty() || song.file == file) {
            self.ids += 1;
            self.queue.push((self.ids, song));
        }
        if self.ids == before {
            return Err(Code::NoExist.refuse("No such directory"));
        }
        self.version += 1;
        Ok(Done::Changed(&["playlist"]))
    }

    fn clear(&mut self) -> Done {
        self.queue.clear();
        self.version += 1;
        self.current = 0;
        self.state = State::Stop;
        Done::Changed(&["playlist", "player"])
    }

    /// Behind the last song, it stops.
    fn play(&mut self, position: usize) -> Outcome {
        let there = position < self.queue.len();
        self.current = if there { position } else { 0 };
        self.state = if there { State::Play } else { State::Stop };
        Ok(Done::Changed(&["player"]))
    }

    fn playing(&self) -> Result<usize, Reply<Vec<u8>>> {
        match self.state {
            State::Stop => Err(Code::PlayerSync.refuse("Not playing")),
            State::Play | State::Pause => Ok(self.current),
        }
    }

    fn set_volume(&mut self, volume: usize) -> Outcome {
        match u8::try_from(volume) {
            Ok(volume @ ..=100) => self.volume = volume,
            _ => return Err(Code::Arg.refuse(format_args!("Number too large: {volume}"))),
        }
        Ok(Done::Changed(&["mixer"]))
    }

    fn position(&self, text: &str) -> Result<usize, Reply<Vec<u8>>> {
        let position = number(text)?;
        let there = position < self.queue.len();
        there.then_some(position).ok_or_else(|| Code::Arg.refuse("Bad song index"))
    }
}

fn library() -> String {
    LIBRARY.iter().map(|song| format!("file: {}\n", song.file)).collect()
}

fn number(text: &str) -> Result<usize, Reply<Vec<u8>>> {
    text.parse().map_err(|_| Code::Arg.refuse(format_args!("Integer expected: {text}")))
}
