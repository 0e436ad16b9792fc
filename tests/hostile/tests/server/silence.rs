//! Clients that say nothing, and do not go.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use bellwire_conformance::on_each_runtime;
use bellwire_hostile::{Victim, patiently};

use crate::{Server, VICTIM, enemy};

on_each_runtime! {
    by patiently;
    /// G26: who says nothing has its place for as long as the server likes.
    silent => |runtime| {
        for dialect in ["notif", "mpd"] {
            let silence = Duration::from_millis(300);
            let option = format!("silence={}", silence.as_secs_f64());
            // Nobody is honest here: who has to wait for his turn may be silent for as long.
            let (mut victim, address) = Victim::serve(VICTIM, runtime, &[dialect, &option]);
            let begun = Instant::now();
            enemy(dialect, address).hears_the_end();
            let waited = begun.elapsed();
            assert!(waited >= silence, "{waited:?}");
            while victim.ask("count") != "0" {}
            victim.ends();
        }
    },
    /// G26: a server that shuts down does not wait for those who say nothing.
    staying_when_the_server_ends => |runtime| {
        for dialect in ["notif", "mpd"] {
            let server = Server::start(runtime, dialect, &[]);
            let mut enemies = [server.enemy(), server.enemy(), server.enemy()];
            enemies[0].says("half a li");
            // Begins the mode, in which MPD answers nothing.
            enemies[1].says(if dialect == "mpd" { "idle\n" } else { "notif\n" });
            server.victim.ends();
            for mut enemy in enemies {
                enemy.hears_the_end();
            }
        }
    },
    /// G26: nor for those who come all the while.
    knocking_while_the_server_ends => |runtime| {
        let mut server = Server::start(runtime, "notif", &[]);
        let address = server.address;
        let knocks = move || while TcpStream::connect(address).is_ok() {};
        let knocking: Vec<_> = (0..4).map(|_| thread::spawn(knocks)).collect();
        server.honest.asks();
        server.victim.ends();
        for thread in knocking {
            thread.join().expect("an enemy has panicked");
        }
    },
}
