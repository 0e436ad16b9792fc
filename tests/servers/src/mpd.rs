//! MPD, the music player daemon.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::server::{GREETING, Server, visit};
use crate::{ports, program};

mod library;

/// An MPD that plays into the void.
///
/// Its music is `one.wav`, of 1 s, `two.wav`, of 30 s, and `album/three.wav`, of 30 s and with a
/// [cover](Self::cover), and as many [more](MpdOptions::songs) as are asked for. It knows them when
/// it starts, and does not look for others by itself.
#[derive(Debug)]
pub struct Mpd {
    server: Server,
    address: SocketAddr,
    password: Option<String>,
}

/// How an [`Mpd`] is to be.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct MpdOptions {
    songs: usize,
    password: Option<String>,
    settings: String,
}

impl MpdOptions {
    /// After how long a silent client is thrown out, in whole seconds; one that idles may be silent.
    /// Unless told, 60 s.
    pub fn connection_timeout(self, timeout: Duration) -> Self {
        self.setting("connection_timeout", &timeout.as_secs().to_string())
    }

    /// Those beyond so many are closed without a greeting. Unless told, 100.
    pub fn max_connections(self, count: usize) -> Self {
        self.setting("max_connections", &count.to_string())
    }

    /// Who does not say this password may only read.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// So many more songs, `many/00001.wav` and so on, which exist in the database only: they cannot be
    /// played, and are gone after `update`.
    pub fn songs(mut self, count: usize) -> Self {
        self.songs = count;
        self
    }

    /// Any other setting of `mpd.conf`.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings += &format!("{name} \"{value}\"\n");
        self
    }

    /// Starts it; `None` if there is no MPD here.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(self) -> Option<Mpd> {
        self.start_at(ports::free)
    }

    fn start_at(self, mut free: impl FnMut(IpAddr) -> SocketAddr) -> Option<Mpd> {
        let mut server = Server::new(program("mpd", "mpd")?, &["--no-daemon", "--stderr"]);
        library::make(&server, self.songs);
        let configure = |folder: &Path| {
            let address = free(Ipv4Addr::LOCALHOST.into());
            (self.configuration(folder, address), address)
        };
        let address = server.start(configure, |folder, _| greets(folder));
        Some(Mpd { server, address, password: self.password })
    }

    fn configuration(&self, folder: &Path, address: SocketAddr) -> String {
        let (folder, ip, port) = (folder.display(), address.ip(), address.port());
        let more = &self.settings;
        let password = self.password.as_ref().map_or_else(String::new, |password| {
            format!(
                "password \"{password}@read,add,player,control,admin\"\n\
                 default_permissions \"read\"\n"
            )
        });
        format!(
            r#"music_directory "{folder}/music"
playlist_directory "{folder}/playlists"
db_file "{folder}/database"
state_file "{folder}/state"
sticker_file "{folder}/stickers"
filesystem_charset "UTF-8"
auto_update "no"
zeroconf_enabled "no"
port "{port}"
bind_to_address "{ip}"
# The last: when it is open, so is the other.
bind_to_address "{folder}/socket"
audio_output {{
    type "null"
    name "void"
    mixer_type "software"
}}
{password}{more}"#
        )
    }
}

impl Mpd {
    /// Starts one; `None` if there is no MPD here.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::options().start()
    }

    /// One that is to be different.
    pub fn options() -> MpdOptions {
        MpdOptions::default()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.server.folder().join("socket")
    }

    /// The picture that `albumart album/three.wav` gives, byte by byte: 30,000 of them, among which
    /// are some that look like the end of a reply.
    #[must_use]
    pub fn cover() -> Vec<u8> {
        library::cover()
    }

    /// Adds a song of 1 s, which the server finds when it is told to `update`.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn add_song(&self, name: &str) {
        self.server.write(&format!("music/{name}"), library::wav(1));
    }

    /// The program `mpc`, about to talk to this server; `None` if there is none here.
    #[must_use]
    pub fn mpc(&self) -> Option<Command> {
        let mut mpc = Command::new(program("mpc", "mpc")?);
        let host = self.address.ip().to_string();
        let host = match &self.password {
            Some(password) => format!("{password}@{host}"),
            None => host,
        };
        mpc.env("MPD_HOST", host).env("MPD_PORT", self.address.port().to_string());
        Some(mpc)
    }

    /// Ends the server in good order (SIGTERM): it remembers its queue.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Kills the server (SIGKILL).
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again, at the same addresses, killing it first if it runs.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&mut self) {
        self.server.restart(greets);
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The group that all its processes are in, if there are any.
    #[must_use]
    pub fn process_group(&self) -> Option<i32> {
        self.server.process_group()
    }
}

/// By its Unix socket: nobody else can have that.
fn greets(folder: &Path) -> io::Result<()> {
    let stream = UnixStream::connect(folder.join("socket"))?;
    stream.set_read_timeout(Some(GREETING))?;
    visit(stream, b"close\n").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken() {
        let Some(other) = Mpd::start() else { return };
        let free = ports::one_taken(0, other.address());
        let mpd = Mpd::options().start_at(free).unwrap();
        assert!(mpd.log().contains("Address already in use"));
    }
}
