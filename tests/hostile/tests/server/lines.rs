//! Lines that do not end, come byte by byte, or are none.

use std::io::Write;
use std::net::Shutdown;
use std::thread;

use bellwire::ServerLimits;
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::{bounds, patiently};

use crate::{POURED, Server};

on_each_runtime! {
    by patiently;
    /// G12, G26: it is not kept, and answered once it ends.
    an_endless_line_of_notif => |runtime| {
        let mut server = Server::start(runtime, "notif", &[]);
        let mut enemy = server.enemy();
        assert!(!enemy.pours("x", POURED), "it was stopped");
        server.honest.asks();
        enemy.says("\nwhat?\n");
        assert_eq!([enemy.hears(), enemy.hears()], ["error: line too long", "what?"]);
        server.survives(0);
    },
    /// G12, G26: MPD does not wait for its end.
    an_endless_line_of_mpd => |runtime| {
        let mut server = Server::start(runtime, "mpd", &[]);
        assert!(server.enemy().pours("x", POURED), "nobody has stopped it");
        server.is_left();
        server.survives(0);
    },
    /// G12, G26: a command list, of the shortest lines that there are.
    an_endless_list_of_mpd => |runtime| {
        let mut server = Server::start(runtime, "mpd", &[]);
        let mut enemy = server.enemy();
        enemy.says("command_list_begin\n");
        assert!(enemy.pours("a\n", POURED), "nobody has stopped it");
        server.is_left();
        server.survives(bounds::list(&ServerLimits::default()));
    },
    /// G11, G26: who writes byte by byte is served, and so are others between any two.
    byte_by_byte => |runtime| {
        for (dialect, answer) in [("notif", "what is it?"), ("mpd", "said: what is it?")] {
            let mut server = Server::start(runtime, dialect, &[]);
            let mut enemy = server.enemy();
            for byte in "what is it?\n".bytes() {
                assert!(enemy.says([byte]));
                server.honest.asks();
            }
            assert_eq!(enemy.hears(), answer);
            server.survives(0);
        }
    },
    /// G26: random bytes, each line of which is answered by an error.
    garbage_to_notif => |runtime| {
        let mut server = Server::start(runtime, "notif", &[]);
        let answered = garbage(&mut server);
        assert!(answered > 1000, "{answered}");
        server.is_left();
        server.survives(0);
    },
    /// G26: MPD closes.
    garbage_to_mpd => |runtime| {
        let mut server = Server::start(runtime, "mpd", &[]);
        garbage(&mut server);
        server.is_left();
        server.survives(0);
    },
}

const GARBAGE: usize = 1024 * 1024;

/// Says random bytes, and reads what is answered, up to the end. How much that was.
fn garbage(server: &mut Server) -> usize {
    let mut random = bellwire_hostile::random();
    let mut enemy = server.enemy();
    let mut writer = enemy.stream().try_clone().expect("there are descriptors");
    let writes = thread::spawn(move || {
        for _ in 0..GARBAGE / 65536 {
            let garbage: Vec<u8> =
                std::iter::repeat_with(|| random.u8(..)).take(64 * 1024).collect();
            if writer.write_all(&garbage).is_err() {
                return;
            }
        }
        // Gone already, perhaps.
        let _ = writer.shutdown(Shutdown::Write);
    });
    server.honest.asks();
    let answered = enemy.hears_the_end();
    writes.join().expect("the enemy has panicked");
    answered
}
