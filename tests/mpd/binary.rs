//! Binary parts: counted bytes, which may be anything; and lines that look like it.

use bellwire::dialect::mpd::Mpd;
use bellwire::{Client, Config, Event};

use super::{idling, mpd, mpd_of};

/// Such a dialect tells binary parts whole if they end within so many bytes.
fn whole(bytes: usize) -> Mpd {
    let mut dialect = Mpd::default();
    dialect.whole = bytes;
    dialect
}

/// G6, G11: what is told of a picture, as the real server says it: a chunk, the last one, none behind
/// that, an offset too large, no picture.
#[test]
fn chunks() {
    let session = "C: binarylimit 64
        S: OK
        > reply 1
        C: albumart album/three.wav 0
        S: size: 30173
        S| binary: 64
        S| \\x89PNG\\r
        S| \\x1a
        S| \\x00\\x00\\x00\\rIHDR\\x00\\x00\\x00d\\x00\\x00\\x00d\\x08\\x02\\x00\\x00\\x00\\xff\\x80\\x02\\x03\\x00\\x00u\\xa4IDATx\\x01\\x00\\x0b@\\xf4\\xbf\\x00D \\x82<\\xfd\\xe6\\xf1\\xc2k0\\xf9\\x0e\\xc7\\xdd\\x01
        S| OK
        > part 2 size: 30173
        > part 2 binary: 64\\n\\x89PNG\\r\\n\\x1a\\n\\x00\\x00\\x00\\rIHDR\\x00\\x00\\x00d\\x00\\x00\\x00d\\x08\\x02\\x00\\x00\\x00\\xff\\x80\\x02\\x03\\x00\\x00u\\xa4IDATx\\x01\\x00\\x0b@\\xf4\\xbf\\x00D \\x82<\\xfd\\xe6\\xf1\\xc2k0\\xf9\\x0e\\xc7\\xdd\\x01
        > reply 2
        C: albumart album/three.wav 30173
        S: size: 30173
        S| binary: 0
        S|
        S| OK
        > part 3 size: 30173
        > part 3 binary: 0\\n
        > reply 3
        C: albumart album/three.wav 99999
        S: ACK [2@0] {albumart} Offset too large
        > refused 4 [2@0] {albumart} Offset too large
        C: readpicture one.wav 0
        S: OK
        > reply 5";
    mpd(session);
}

/// G2, G6: bytes that look like the end of the reply, or like another, are the picture's; in idle's
/// vicinity, too.
#[test]
fn tempting_bytes() {
    for bytes in [
        "OK\\n",
        "\\nOK\\n",
        "ACK [5@0] {} x\\n",
        "\\r",
        "\\r\\n",
        "list_OK\\n",
        "changed: x\\n",
        "binary: 9\\n",
    ] {
        let count = bytes.replace("\\r", "r").replace("\\n", "n").len();
        let session = format!(
            "! command albumart x 0
            C: noidle
            S: OK
            > not listening
            C: albumart x 0
            S: size: 100
            S| type: image/png
            S| binary: {count}
            S| {bytes}
            S| OK
            > part 1 size: 100
            > part 1 type: image/png
            > part 1 binary: {count}\\n{bytes}
            > reply 1
            C: idle
            S: changed: player
            > notification player"
        );
        idling(&session);
    }
}

/// G11, G12: what is larger than may be told whole comes in pieces, which depend on nothing but the
/// bytes, and none of which is larger than that.
#[test]
fn pieces() {
    let session = "= in-flight 8
        C: readpicture x 0
        C: ping
        S: size: 100
        S| binary: 20
        S| OK
        S| ACK [5@0]
        S| list_OK
        S| OK
        S| OK
        > part 1 size: 100
        > piece 1 binary: 20\\n
        > piece 1 OK\\nACK [
        > piece 1 5@0]\\nlis
        > piece 1 t_OK
        > part 1
        > reply 1
        > reply 2";
    mpd_of(&whole(8), session);
    // Whole at the limit, in pieces beyond it.
    let session = "C: albumart x 0
        S: binary: 4
        S| 1234
        S| binary: 5
        S| 12345
        S| OK
        > part 1 binary: 4\\n1234
        > piece 1 binary: 5\\n
        > piece 1 12345
        > part 1
        > reply 1";
    mpd_of(&whole(14), session);
}

/// G3, crossing 6: abandoned in the middle of a picture: the rest is swallowed.
#[test]
fn abandoned_between_pieces() {
    let session = "C: albumart x 0
        S: binary: 16
        S| OK\\nOK\\nOK
        > piece 1 binary: 16\\n
        > piece 1 OK\\nOK\\nOK
        ! abandon 1
        > held 1
        ! listen
        ! command ping
        S: OK\\nOK\\nO
        S| OK
        > late 1 \\nOK\\nOK\\nO
        > late 1
        > late 1
        C: ping
        S: OK
        > reply 2
        C: idle";
    mpd_of(&whole(8), session);
}

/// G1, G18, crossing 10: the end in the middle of one.
#[test]
fn eof_within_a_binary_part() {
    let whole_part = "C: albumart x 0
        S: binary: 16
        S| OK
        S: <EOF>
        > unanswered 1 the connection ended
        > closed: the connection was closed in the middle of a frame, after 14 bytes of it";
    mpd(whole_part);
    let pieces = "C: albumart x 0
        S: binary: 16
        S| 12345678OK
        > piece 1 binary: 16\\n
        > piece 1 12345678
        S: <EOF>
        > unanswered 1 the connection ended
        > closed: the connection was closed in the middle of a frame, after 22 bytes of it";
    mpd_of(&whole(8), pieces);
}

/// G2, G12: a tag of a song's says `binary: 100000`. It swallows nothing.
#[test]
fn a_tag_named_binary() {
    for command in ["readcomments x", "find file x", "albumartx", "readpicture_ x"] {
        let session = format!(
            "C: {command}
            S: binary: 100000
            S| OK
            > part 1 binary: 100000
            > reply 1"
        );
        mpd(&session);
    }
    // Also before such a command is said, or while a picture waits for its turn.
    mpd(
        "S: binary: 5\nS| OK\n> unsolicited binary: 5\n> unsolicited OK\nC: albumart x 0\nS: OK\n> reply 1",
    );
    let pipelined = "= in-flight 8
        C: readcomments x
        C: albumart x 0
        S: binary: 100000
        S| OK
        S| binary: 3
        S| OK\\n
        S| OK
        > part 1 binary: 100000
        > reply 1
        > part 2 binary: 3\\nOK\\n
        > reply 2";
    mpd(pipelined);
}

/// G12: what a binary part may not be. One error, at the line that is wrong.
#[test]
fn broken_parts() {
    let asked = "C: albumart x 0\n";
    let error = "> unanswered 1 the connection ended\n> error: protocol error:";
    for count in ["x", "x\\r", "-1", "+1", "", "1 ", "0x1", "99999999999999999999999999"] {
        let why = "a binary part does not say how many bytes it has";
        // The line's end is written out, so that blanks before it count.
        let said = format!("S: binary: {count}\\n\\\n");
        mpd(&format!("{asked}{said}{error} {why}: \"binary: {count}\""));
    }
    let why = "a binary part is longer than it says";
    for rest in ["x", "\\r", " ", "OK"] {
        let said = format!("S: binary: 2\nS| ab{rest}\\n\\\n");
        mpd(&format!("{asked}{said}{error} {why}: \"binary: 2\\nab{rest}\""));
        let pieces = "> piece 1 binary: 2\\n\n> piece 1 ab\n";
        mpd_of(&whole(2), &format!("{asked}{said}{pieces}{error} {why}: \"{rest}\""));
    }
}

/// G12: a size is not allocated because it was said, nor is it waited for in silence: it comes in
/// pieces, up to the limit of replies.
#[test]
fn a_size_that_is_only_said() {
    let said = format!("binary: {}\n", usize::MAX);
    let mut config = Config::default();
    config.limits.reply = said.len() + 64;
    let mut client = Client::new(whole(16), config);
    client.feed(b"OK MPD 0.23.5\n").next().unwrap();
    client.command("albumart x 0").unwrap();
    assert_eq!(client.output(), b"albumart x 0\n");
    let mut events = client.feed(said.as_bytes());
    assert!(matches!(events.next(), Ok(Some(Event::Piece { .. }))));
    let mut told = 0;
    let error = loop {
        match events.feed(&[b'\n'; 16]).next() {
            Ok(Some(Event::Piece { text, .. })) => told += text.len(),
            Ok(event) => assert!(matches!(event, Some(Event::Failed { .. }) | None), "{event:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(told, 64);
    let allowed = format!("{} bytes in a reply", said.len() + 64);
    assert!(error.to_string().contains(&allowed), "{error}");
}
