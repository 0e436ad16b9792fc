//! A session without its I/O.

use std::sync::Arc;

use bellwire::Config;
use bellwire::dialect::mpd::Mpd;
use bellwire_adapter::Session;

/// The server's side of a picture of ten bytes, which comes in pieces of four.
const PICTURE: &[u8] = b"size: 10\nbinary: 10\n0123456789\nOK\n";

fn player() -> Session<Mpd> {
    let mut dialect = Mpd::default();
    dialect.whole = 4;
    let mut session = Session::new(dialect, Config::default(), Arc::new([]), 16, None);
    session.feed(b"OK MPD 0.23.5\n");
    session
}

/// All that is due has been sent.
fn sent(session: &mut Session<Mpd>) {
    let due = session.output().len();
    session.written(due);
}

#[test]
fn g3_pieces_of_an_abandoned_part_begin_no_other() {
    for cut in 0..PICTURE.len() {
        let mut session = player();
        let first = session.request(&"readpicture a 0", None).unwrap();
        sent(&mut session);
        session.feed(&PICTURE[..cut]);
        session.abandon(first);
        let second = session.request(&"readpicture b 0", None).unwrap();
        let third = session.request(&"currentsong", None).unwrap();
        session.feed(&PICTURE[cut..]);
        sent(&mut session);
        session.feed(b"size: 6\nbinary: 6\nabcdef\nOK\n");
        sent(&mut session);
        session.feed(b"file: b\nOK\n");
        let answer = session.outcome(second).unwrap().unwrap();
        assert_eq!(
            answer.parts.last().unwrap(),
            "binary: 6\nabcdef",
            "abandoned after {cut} bytes"
        );
        let answer = session.outcome(third).unwrap().unwrap();
        assert_eq!(answer.parts.concat(), b"file: b", "abandoned after {cut} bytes");
    }
}

#[test]
fn a_part_in_pieces_is_whole_again() {
    let mut session = player();
    let picture = session.request(&"readpicture a 0", None).unwrap();
    sent(&mut session);
    for byte in PICTURE.chunks(1) {
        session.feed(byte);
    }
    let answer = session.outcome(picture).unwrap().unwrap();
    assert_eq!(answer.parts.last().unwrap(), "binary: 10\n0123456789");
}
