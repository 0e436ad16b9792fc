//! Lines that do not end, or come byte by byte, or are none.

use bellwire_any::Runtime;
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::patiently;

use crate::{POURED, asks, at_rest, greeting, is_asked};

on_each_runtime! {
    by patiently;
    /// G12.
    an_endless_line_of_notif => |runtime| endless(runtime, "notif"),
    /// G12.
    an_endless_line_of_mpd => |runtime| endless(runtime, "mpd"),
    /// G12.
    an_endless_line_of_imap => |runtime| endless(runtime, "imap"),
    /// G12.
    an_endless_greeting_of_mpd => |runtime| endless_greeting(runtime, "mpd"),
    /// G12.
    an_endless_greeting_of_imap => |runtime| endless_greeting(runtime, "imap"),
    /// G11.
    byte_by_byte => dribbles,
    /// Whatever random bytes mean, they mean it in time, and are forgotten.
    garbage_to_notif => |runtime| garbage(runtime, "notif"),
    /// The same.
    garbage_to_mpd => |runtime| garbage(runtime, "mpd"),
    /// The same.
    garbage_to_imap => |runtime| garbage(runtime, "imap"),
}

const TOO_LONG: &str = "the peer sent more than the limit of 65536 bytes in a frame allows";

fn endless(runtime: Runtime, dialect: &'static str) {
    let attacked = asks(runtime, dialect, &[], move |peer| {
        is_asked(peer, dialect);
        assert!(peer.pours("x", POURED), "nobody has stopped it");
    });
    let failed = "failed: the command was sent, but not answered: the connection ended: ";
    attacked.told(&[&format!("{failed}{TOO_LONG}")], at_rest());
}

fn endless_greeting(runtime: Runtime, dialect: &str) {
    let attacked = asks(runtime, dialect, &[], |peer| {
        assert!(peer.pours("* OK", POURED), "nobody has stopped it");
    });
    attacked.told(&[&format!("failed: not connected: {TOO_LONG}")], at_rest());
}

fn dribbles(runtime: Runtime) {
    for (dialect, answer, told) in [
        ("notif", "42\r\n", "answered: 42"),
        ("mpd", "volume: 42\nOK\n", "answered: volume: 42"),
        ("imap", "TAG OK 42\r\n", "answered: OK 42"),
    ] {
        let attacked = asks(runtime, dialect, &[], move |peer| {
            assert!(greeting(dialect).bytes().all(|byte| peer.says([byte])));
            let answer = answer.replace("TAG", &peer.hears_tag());
            assert!(answer.bytes().all(|byte| peer.says([byte])));
        });
        attacked.told(&[told], at_rest());
    }
}

/// Much more than lines of one byte each would cost, if they were kept.
const GARBAGE: usize = 4 * 1024 * 1024;

fn garbage(runtime: Runtime, dialect: &'static str) {
    let mut random = bellwire_hostile::random();
    let attacked = asks(runtime, dialect, &["reply=2"], move |peer| {
        is_asked(peer, dialect);
        let garbage: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(64 * 1024).collect();
        peer.pours(garbage, GARBAGE);
    });
    let [told] = &attacked.lines[..] else { panic!("{:?}", attacked.lines) };
    // In notif, any line is an answer.
    let begins = |with| told.starts_with(with);
    assert!(begins("failed: ") || dialect == "notif" && begins("answered: "), "{told}");
    attacked.told(&[told], at_rest());
}
