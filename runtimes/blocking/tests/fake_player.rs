//! The example's player, driven by the real `mpc`: MPD's own client takes the server for an MPD.

use std::env;
use std::io::{BufRead, BufReader, Lines};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bellwire::dialect::mpd::Mpd;
use bellwire_blocking::{Server, ServerHandle};
use bellwire_testkit::Peer;

mod common;
#[allow(dead_code, reason = "its main is the example's")]
#[path = "../examples/fake_player.rs"]
mod fake_player;

use fake_player::FakePlayer;

use common::in_time;

/// Whether there is an `mpc`. Where all checks run there must be one.
fn has_mpc() -> bool {
    let there = Command::new("mpc").arg("help").output().is_ok();
    if !there {
        assert!(env::var_os("CI").is_none(), "mpc is missing: install mpc");
        println!("SKIPPED: mpc is missing: install mpc");
    }
    there
}

/// The example's server, on a port of its own.
struct Playing {
    address: SocketAddr,
    handle: ServerHandle<Mpd>,
    thread: JoinHandle<()>,
}

impl Playing {
    fn start() -> Self {
        Self::configured(|_| {})
    }

    fn configured(change: impl FnOnce(&mut Server<Mpd, FakePlayer>)) -> Self {
        let mut server = fake_player::server("127.0.0.1:0").unwrap();
        change(&mut server);
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        Self { address, handle, thread: thread::spawn(|| server.run().unwrap()) }
    }

    fn stop(self) {
        self.handle.shutdown();
        self.thread.join().unwrap();
    }

    /// Plays a client on a raw socket.
    fn hears(&self, text: &str) {
        let stream = TcpStream::connect(self.address).unwrap();
        play(&format!("S: OK MPD 0.23.5\n{text}"), stream);
    }

    fn mpc(&self, args: &[&str]) -> Command {
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        let mut mpc = Command::new("mpc");
        mpc.args(["-h", &host, "-p", &port]).args(args).env("LC_ALL", "C.UTF-8");
        mpc
    }

    /// What `mpc` prints.
    fn says(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.mpc(args).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "{args:?}: {stderr}");
        String::from_utf8(stdout).unwrap()
    }

    /// What it complains about.
    fn fails(&self, args: &[&str]) -> String {
        let Output { status, stderr, .. } = self.mpc(args).output().unwrap();
        assert!(!status.success(), "{args:?}");
        String::from_utf8(stderr).unwrap()
    }
}

/// Plays a client of MPD's.
fn play(text: &str, stream: TcpStream) {
    let client = Peer::client(&format!("= newline lf\n{text}")).unwrap();
    client.play(stream).unwrap_or_else(|why| panic!("{why}, in\n{text}"));
}

/// An `mpc` that idles, and prints what has changed.
struct Idler {
    mpc: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Idler {
    /// The next change but those of the mixer, which tell that it idles.
    fn next(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("mpc ended").unwrap();
            if line != "mixer" {
                return line;
            }
        }
    }
}

impl Drop for Idler {
    fn drop(&mut self) {
        let _ = self.mpc.kill();
        let _ = self.mpc.wait();
    }
}

#[test]
fn mpc_drives_the_player() {
    if !has_mpc() {
        return;
    }
    in_time(|| {
        let player = Playing::start();
        assert!(player.says(&["version"]).contains("0.23.5"));
        let library = "gymnopedie 1.flac\ngymnopedie 2.flac\nsilence.wav\nvexations.flac\n";
        assert_eq!(player.says(&["listall"]), library);
        assert_eq!(player.says(&["add", "gymnopedie 2.flac", "silence.wav"]), "");
        assert_eq!(
            player.says(&["playlist"]),
            "Erik Satie - Gymnop\u{e9}die 2\nJohn Cage - 4'33\"\n"
        );

        let says = player.says(&["play"]);
        assert!(says.starts_with("Erik Satie - Gymnop\u{e9}die 2\n[playing] #1/2 "), "{says}");
        let says = player.says(&["volume", "50"]);
        assert!(says.contains("\nvolume: 50% "), "{says}");
        let says = player.says(&["volume", "+5"]);
        assert!(says.contains("\nvolume: 55% "), "{says}");
        let says = player.says(&["next"]);
        assert!(says.starts_with("John Cage - 4'33\"\n[playing] #2/2 "), "{says}");
        let says = player.says(&["pause"]);
        assert!(says.contains("\n[paused]  #2/2 "), "{says}");
        assert_eq!(player.says(&["current"]), "John Cage - 4'33\"\n");
        let says = player.says(&["stop"]);
        assert!(says.starts_with("volume: 55% "), "{says}");
        assert!(player.says(&["status"]).starts_with("volume: 55% "));
        player.says(&["clear"]);
        assert_eq!(player.says(&["playlist"]), "");

        // Refusals; in a command list, too.
        assert_eq!(player.fails(&["play", "7"]), "MPD error: Bad song index\n");
        assert_eq!(player.fails(&["next"]), "MPD error: Not playing\n");
        let fails = player.fails(&["add", "silence.wav", "no such", "silence.wav"]);
        assert_eq!(fails, "error adding no such: No such directory\n");
        assert_eq!(player.fails(&["stats"]), "MPD error: unknown command \"stats\"\n");
        assert_eq!(player.says(&["playlist"]), "John Cage - 4'33\"\n");
        player.stop();
    });
}

/// G8, G24: who idles learns of what another client does; once for each change, and of a change that
/// comes between two idles, too.
#[test]
fn mpc_idles() {
    if !has_mpc() {
        return;
    }
    in_time(|| {
        let player = Playing::start();
        let mut idler = player.idler(&["idleloop"]);
        for (does, changes) in [
            (&["add", "/"][..], &["playlist"][..]),
            (&["play"], &["player"]),
            (&["pause"], &["player"]),
            (&["stop"], &["player"]),
            (&["clear"], &["playlist", "player"]),
        ] {
            player.says(does);
            for change in changes {
                assert_eq!(idler.next(), *change, "{does:?}");
            }
        }
        drop(idler);

        // For the rest of its life it waits for what it has named.
        let mut idler = player.idler(&["idle", "mixer"]);
        assert!(idler.lines.next().is_none(), "it was told once");
        assert!(idler.mpc.wait().unwrap().success());
        player.stop();
    });
}

/// G26: what ends a connection ends it at once, with the answers that are due or without a word.
#[test]
fn connections_end() {
    in_time(|| {
        let player = Playing::start();
        player.hears("C: setvol 7\nC| close\nC| ping\nS: OK\nS: <EOF>");
        player.hears("C: pi%ng\nS: ACK [5@0] {} Invalid word character\nS: <EOF>");
        player.hears("C: idle\nC| ping\nS: <EOF>");
        player.hears("C: GET / HTTP/1.1\nS: <EOF>");
        player.hears(
            "C: command_list_ok_begin
            C| play 1
            C| ping
            C| command_list_end
            S: ACK [2@0] {play} Bad song index
            C: setvol 8
            C| idle
            S: OK
            S| changed: mixer
            S| OK
            C:
            S: <EOF>",
        );
        player.stop();
    });
}

/// G16: a silent client is closed without a word; one that idles is not, until it is silent again.
#[test]
fn silence_ends_a_connection() {
    in_time(|| {
        let player = Playing::configured(|server| {
            server.config.timers.silence = Some(Duration::from_millis(300));
        });
        let stream = TcpStream::connect(player.address).unwrap();
        play("S: OK MPD 0.23.5\nC: idle player", stream.try_clone().unwrap());
        // As long as this client is silent, and longer.
        player.hears("S: <EOF>");
        player.hears("S: <EOF>");
        play("C: noidle\nS: OK\nS: <EOF>", stream);
        player.stop();
    });
}

impl Playing {
    /// Starts an `mpc` that idles. That it does is seen once it is told something: the volume is
    /// changed until it is.
    fn idler(&self, args: &[&str]) -> Idler {
        let mut mpc = self.mpc(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(mpc.stdout.take().unwrap());
        thread::scope(|scope| {
            let told = scope.spawn(|| {
                let mut line = String::new();
                stdout.read_line(&mut line).unwrap();
                line
            });
            for volume in (1..=100).cycle() {
                if told.is_finished() {
                    break;
                }
                self.says(&["volume", &volume.to_string()]);
            }
            assert_eq!(told.join().unwrap(), "mixer\n");
        });
        Idler { mpc, lines: stdout.lines() }
    }
}
