//! Answers that are larger than they may be, or say so.

use bellwire_any::Runtime;
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::{Attacked, Peer, bounds, patiently};

use crate::{POURED, VICTIM, answer_limits, as_options, at_rest, is_asked};

on_each_runtime! {
    by patiently;
    /// G12: many small parts.
    endless_fields_of_mpd => |runtime| {
        let parts = format!("{} parts in a reply", answer_limits().parts);
        pours(runtime, ["mpd", "status"], &parts, |_| "a: b\n".to_owned());
    },
    /// G12: many large parts.
    endless_long_fields_of_mpd => |runtime| {
        pours(runtime, ["mpd", "status"], &bytes(), |_| format!("a: {}\n", "b".repeat(5000)));
    },
    /// G12: data that nobody can tell from the answer.
    endless_data_of_imap => |runtime| {
        let parts = format!("{} parts in a reply", answer_limits().parts);
        pours(runtime, ["imap", "NOOP"], &parts, |_| "* 1 EXPUNGE\r\n".to_owned());
    },
    /// G12: a literal of a size that nobody has.
    a_huge_literal_of_imap => |runtime| {
        pours(runtime, ["imap", "FETCH 1 BODY[]"], &bytes(), |peer| {
            peer.says("* 1 FETCH (BODY[] {99999999999}\r\n");
            "x".to_owned()
        });
    },
    /// G12: a literal in the answer's last line.
    a_huge_literal_at_the_end_of_imap => |runtime| {
        pours(runtime, ["imap", "NOOP"], &bytes(), |peer| {
            peer.says("* 1 FETCH (X {99999999999}\r\n");
            "x".to_owned()
        });
    },
    /// G12: a picture of a size that nobody has.
    a_huge_picture_of_mpd => |runtime| {
        pours(runtime, ["mpd", "readpicture x 0"], &bytes(), |peer| {
            peer.says("size: 99999999999\nbinary: 99999999999\n");
            "x".to_owned()
        });
    },
    /// G12: nothing is had for a size that was only declared.
    a_size_and_nothing_behind => declared,
    /// G12: more than numbers can say.
    a_size_beyond_all_numbers => beyond,
}

fn bytes() -> String {
    format!("{} bytes in a reply", answer_limits().reply)
}

/// The server answers with this again and again, which is too much of `limit`.
fn pours(runtime: Runtime, words: [&str; 2], limit: &str, with: fn(&mut Peer) -> String) {
    let limits = answer_limits();
    let options = as_options(&limits);
    let [dialect, text] = words.map(str::to_owned);
    let words = [&dialect, &text, &options[0], &options[1]].map(String::as_str);
    let spoken = dialect.clone();
    let attacked = Attacked::client(VICTIM, runtime, "ask", &words, move |peer| {
        is_asked(peer, &spoken);
        let poured = with(peer);
        assert!(peer.pours(poured, POURED), "nobody has stopped it");
    });
    let failed = "failed: the command was sent, but not answered: the connection ended: ";
    let told = format!("{failed}the peer sent more than the limit of {limit} allows");
    attacked.told(&[&told], at_rest() + bounds::answer(&limits));
}

const DECLARED: [(&str, &str, &str); 2] = [
    ("imap", "FETCH 1 BODY[]", "* 1 FETCH (BODY[] {99999999999}\r\nx"),
    ("mpd", "readpicture x 0", "size: 99999999999\nbinary: 99999999999\nx"),
];

fn declared(runtime: Runtime) {
    for (dialect, text, declared) in DECLARED {
        let words = [dialect, text, "reply=0.3"];
        let attacked = Attacked::client(VICTIM, runtime, "ask", &words, move |peer| {
            is_asked(peer, dialect);
            peer.says(declared);
        });
        let failed = "failed: the command was sent, but not answered: its deadline passed";
        attacked.told(&[failed], at_rest());
    }
}

fn beyond(runtime: Runtime) {
    for (dialect, text, declared) in DECLARED {
        let declared = declared.replace("99999999999", &"9".repeat(100));
        let words = [dialect, text];
        let attacked = Attacked::client(VICTIM, runtime, "ask", &words, move |peer| {
            is_asked(peer, dialect);
            peer.says(declared);
        });
        let failed = "failed: the command was sent, but not answered: the connection ended: protocol error: ";
        attacked.told(&[failed], at_rest());
    }
}
