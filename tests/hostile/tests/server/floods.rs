//! Clients that say much, and read nothing.

use bellwire_conformance::on_each_runtime;
use bellwire_hostile::patiently;

use crate::{POURED, Server};

on_each_runtime! {
    by patiently;
    /// G25, G26: commands, and no answer is read. The system keeps some; the rest costs no more than it may, and the
    /// connection ends.
    commands_of_notif_unread => |runtime| {
        let mut server = Server::start(runtime, "notif", &["write=0.3"]);
        assert!(server.enemy().pours("what?\n", POURED), "nobody has stopped it");
        server.is_left();
        server.survives(0);
    },
    /// The same.
    commands_of_mpd_unread => |runtime| {
        let mut server = Server::start(runtime, "mpd", &["write=0.3"]);
        assert!(server.enemy().pours("what\n", POURED), "nobody has stopped it");
        server.is_left();
        server.survives(0);
    },
    /// The same, with long answers.
    long_commands_of_notif_unread => |runtime| {
        let mut server = Server::start(runtime, "notif", &["write=0.3"]);
        let long = format!("{}?\n", "what".repeat(15_000));
        assert!(server.enemy().pours(long, POURED), "nobody has stopped it");
        server.is_left();
        // As long as the longest answer, on its way in and out.
        server.survives(4 * 60_000);
    },
    /// G25, G26: a subscriber that does not read is told until it has no room, and no more.
    notifications_unread => |runtime| {
        let mut server = Server::start(runtime, "notif", &["write=0.3"]);
        let mut enemy = server.enemy();
        enemy.says("notif\n");
        assert_eq!(enemy.hears(), "OK");
        let long = "news".repeat(2000);
        let mut told = 0;
        while server.victim.ask("count") != "1" {
            // The same topics again: those that wait merge.
            assert_eq!(server.victim.ask(&format!("{long}{}", told % 8)), "notified");
            server.honest.asks();
            told += 1;
        }
        server.survives(8 * long.len());
    },
    /// G24, G26: who asks, closes its half and reads nothing is answered as far as the system keeps it, and gone.
    half_open => |runtime| {
        for (dialect, answer) in [("notif", "what\r\n"), ("mpd", "said: what\nOK\n")] {
            let mut server = Server::start(runtime, dialect, &[]);
            let mut enemy = server.enemy();
            enemy.says("what\n".repeat(10));
            enemy.stream().shutdown(std::net::Shutdown::Write).expect("it is a socket");
            server.is_left();
            assert_eq!(enemy.hears_the_end(), 10 * answer.len());
            server.survives(0);
        }
    },
}
