//! Servers that do not do what they should: greet, answer, read, close.

use bellwire::Limits;
use bellwire_any::Runtime;
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::{Attacked, bounds, patiently};

use crate::{POURED, VICTIM, asks, at_rest, greeting, is_asked, question};

on_each_runtime! {
    by patiently;
    /// G16.
    never_greets => greets_nobody,
    /// G1.
    never_answers => says_nothing,
    /// G12, G16, G20: what is not taken is not kept without end.
    never_reads => hears_nothing,
    /// Who shuts down does not wait for the server.
    never_closes => stays,
    /// G16: TLS that is never spoken.
    never_shakes_hands => keeps_hands_off,
}

const DIALECTS: [&str; 3] = ["notif", "mpd", "imap"];

fn greets_nobody(runtime: Runtime) {
    for dialect in ["mpd", "imap"] {
        let attacked = asks(runtime, dialect, &["greeting=0.3"], |_| {});
        attacked.told(&["failed: not connected: timed out: no greeting came"], at_rest());
    }
}

fn says_nothing(runtime: Runtime) {
    for dialect in DIALECTS {
        let attacked = asks(runtime, dialect, &["reply=0.3"], move |peer| {
            is_asked(peer, dialect);
        });
        let failed = "failed: the command was sent, but not answered: its deadline passed";
        attacked.told(&[failed], at_rest());
    }
}

fn hears_nothing(runtime: Runtime) {
    // More than the system keeps.
    let mut limits = Limits::default();
    limits.output = 16 * 1024 * 1024;
    let output = format!("output={}", limits.output);
    for dialect in DIALECTS {
        // It has to be pipelined: else the second command waits for the answer to the first.
        let words = [dialect, question(dialect), "write=0.3", &output];
        let attacked = Attacked::client(VICTIM, runtime, "shout", &words, move |peer| {
            peer.says(greeting(dialect));
        });
        let ended = "the connection ended: timed out: the peer does not take what is sent to it";
        let told = format!("failed: the command was sent, but not answered: {ended}");
        let bound = bounds::client(&limits) + bounds::PROGRAM;
        attacked.told(&["refused: some of 1000", &told], bound);
    }
}

fn stays(runtime: Runtime) {
    for (dialect, answer) in [("notif", "42\r\n"), ("mpd", "OK\n"), ("imap", "TAG OK done\r\n")] {
        let words = [dialect, question(dialect)];
        let attacked = Attacked::client(VICTIM, runtime, "leave", &words, move |peer| {
            let tag = is_asked(peer, dialect);
            peer.says(answer.replace("TAG", &tag));
            // Nobody has to close it here for the client to be done.
            peer.hears_the_end();
        });
        attacked.told(&["answered: ", "left"], at_rest());
    }
}

fn keeps_hands_off(runtime: Runtime) {
    let attacked = asks(runtime, "imap", &["tls=true", "connect=0.3"], |_| {});
    attacked.told(&["failed: not connected: "], at_rest());
    let attacked = asks(runtime, "imap", &["tls=true"], |peer| {
        assert!(peer.pours("* OK this is no TLS\r\n", POURED), "nobody has stopped it");
    });
    attacked.told(&["failed: not connected: the server does not speak TLS here"], at_rest());
}
