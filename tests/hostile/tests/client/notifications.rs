//! Notifications that do not end, while their reader waits for something else: what he has not read is bounded, and
//! a gap says what he misses (guarantee G8).

use bellwire::dialect::notif::Notif;
use bellwire_any::{Runtime, Settings};
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::{Attacked, Peer, bounds, patiently};

use crate::{VICTIM, at_rest, is_asked, question};

on_each_runtime! {
    by patiently;
    /// G8, G12, G21.
    endless_notifications_of_notif => |runtime| {
        unread(runtime, "notif", "notif: random\r\n".to_owned());
    },
    /// The same, as long as a frame may be.
    endless_long_notifications_of_notif => |runtime| {
        unread(runtime, "notif", format!("notif: {}\r\n", "x".repeat(65_000)));
    },
    /// The same, each of them larger than a frame: mails, with nobody asking.
    endless_mails_of_imap => |runtime| {
        let mail = format!("* 1 FETCH (BODY[] {{1048576}}\r\n{})\r\n", "x".repeat(1_048_576));
        unread(runtime, "imap", mail);
    },
    /// MPD: news, and no end of it.
    endless_news_of_mpd => |runtime| {
        unread(runtime, "mpd", "changed: player\n".to_owned());
    },
    /// What is nested without end is read by who wants to know what it means, and broken.
    nested_without_end_of_imap => nested,
}

/// Less than the default, so that it is soon past.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// The server says this until the client has lost patience with it, so much at least that no queue holds it, and
/// answers nothing.
fn unread(runtime: Runtime, dialect: &'static str, says: String) {
    let largest = 2 * says.len();
    let queue = Settings::new(Notif::default()).queue;
    // Both limits are behind what is taken before the client asks.
    let enough = (2 * QUEUE_BYTES).min(2 * queue * says.len());
    let words = [dialect, question(dialect), "reply=0.3", &format!("queue_bytes={QUEUE_BYTES}")];
    let attacked = Attacked::client(VICTIM, runtime, "listen", &words, move |peer| {
        is_listened_to(peer, dialect);
        peer.pours_until_it_tells(says, enough);
        peer.leaves();
    });
    let [failed, read] = &attacked.lines[..] else { panic!("{:?}", attacked.lines) };
    assert!(failed.ends_with("its deadline passed"), "{failed}");
    assert!(read.starts_with("read: ") && !read.contains(" 0 dropped"), "{read}");
    assert!(read.ends_with(CLOSED), "{read}");
    attacked.told(&[failed, read], at_rest() + bounds::queue(queue, QUEUE_BYTES, largest));
}

/// How a reader is told that nothing more will come.
const CLOSED: &str = "; not connected: the connection was closed";

/// Greets, and acknowledges that the client listens.
fn is_listened_to(peer: &mut Peer, dialect: &str) {
    is_asked(peer, dialect);
    peer.says(match dialect {
        "imap" => "+ idling\r\n",
        "notif" => "OK\r\n",
        _ => "",
    });
}

fn nested(runtime: Runtime) {
    let words = ["imap", ""];
    let attacked = Attacked::client(VICTIM, runtime, "listen", &words, |peer| {
        is_listened_to(peer, "imap");
        let nested = "(".repeat(60_000);
        for item in ["BODYSTRUCTURE ", "X ", "ENVELOPE ", ""] {
            peer.says(format!("* 1 FETCH ({item}{nested}\r\n"));
        }
        peer.leaves();
    });
    attacked.told(&["read: 4 of 240"], at_rest());
    let end = format!("4 of them broken, 0 dropped{CLOSED}");
    assert!(attacked.lines[0].ends_with(&end), "{:?}", attacked.lines);
}
