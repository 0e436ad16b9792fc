//! The greeting, replies and refusals.

use super::*;

/// A server that has been greeted, and what its client asked.
fn asked(line: &[u8]) -> (Server<Mpd>, Ticket) {
    let mut server = Server::new(Mpd::default(), ServerConfig::default());
    server.written(b"OK MPD 0.23.5\n".len());
    let Ok(Some(ServerEvent::Command { ticket, .. })) = server.feed(line).next() else { panic!() };
    assert_eq!(server.output(), b"");
    (server, ticket)
}

/// How the reply to `add x` is written, or why not. A refused reply leaves no trace, and the command
/// still waits for one (G13).
fn written(status: Status, text: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (mut server, ticket) = asked(b"add x\n");
    match server.reply(ticket, Reply { status, text }) {
        Ok(()) => Ok(server.output().to_vec()),
        Err(refused) => {
            assert_eq!(refused.value, Reply { status, text });
            assert_eq!(server.output(), b"");
            server.reply(ticket, Reply::done("")).unwrap();
            assert_eq!(server.output(), b"OK\n");
            Err(refused.why)
        }
    }
}

fn done(text: &str) -> Result<String, Refusal> {
    written(Status::Done, text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn refused(text: &str) -> Result<String, Refusal> {
    written(Status::Refused, text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// G7: the greeting is due before anything else, also before what is answered in the same breath.
#[test]
fn greeting_first() {
    mpd("C: ping\n> command 1 ping\nS: OK");
    let mut newer = Mpd::default();
    newer.greets_as = "0.24.0";
    let session = "= newline lf
        C: ping
        > command 1 ping
        ! reply 1
        S: OK MPD 0.24.0
        S| OK";
    common::server_of(&newer, session);
}

/// Lines up to `OK`, LF only. CR LF is read, and blanks at the end of a line do not count.
#[test]
fn lines_and_their_end() {
    mpd("C: status
        > command 1 status
        S: volume: 54
        S| state: stop
        S| OK
        C: ping\\r
        > command 2 ping
        S: OK
        C: add  \"one.wav\"\\t \\x01
        > command 3 add  \"one.wav\"
        S: ACK [50@0] {add} No such directory
        C: playlist
        > command 4 playlist
        S: 0:file: one.wav
        S| 1:file: OK
        S| OK");
    assert_eq!(done("volume: 54\nstate: stop").as_deref(), Ok("volume: 54\nstate: stop\nOK\n"));
    // As programs write them, with an end behind each line.
    assert_eq!(done("volume: 54\nstate: stop\n").as_deref(), Ok("volume: 54\nstate: stop\nOK\n"));
    assert_eq!(done("Title: \n").as_deref(), Ok("Title: \nOK\n"));
}

/// G24: one reply for each command, in their order, also when they are ready in another.
#[test]
fn pipelined() {
    mpd("C: ping
        C| nosuch
        C| status
        > command 1 ping
        > command 2 nosuch
        > command 3 status
        ! reply 3 volume: 54\\nstate: stop
        ! refuse 2 [5@0] {} unknown command \"nosuch\"
        ! reply 1
        S: OK
        S| ACK [5@0] {} unknown command \"nosuch\"
        S| volume: 54
        S| state: stop
        S| OK");
}

/// A refusal says its code or not; the command's name is filled in unless an `Ack` says another.
#[test]
fn refusals() {
    let no_code = refused("No such directory");
    assert_eq!(no_code.as_deref(), Ok("ACK [5@0] {add} No such directory\n"));
    let code = refused("[50] No such directory");
    assert_eq!(code.as_deref(), Ok("ACK [50@0] {add} No such directory\n"));
    // The place in a list is the machine's business.
    let ack = bellwire::dialect::mpd::Ack::unknown("nosuch").to_string();
    let unknown = refused(&ack.replace("@0", "@7"));
    assert_eq!(unknown.as_deref(), Ok("ACK [5@0] {} unknown command \"nosuch\"\n"));
    let odd = refused("[no code] of ours");
    assert_eq!(odd.as_deref(), Ok("ACK [5@0] {add} [no code] of ours\n"));
    let forged = refused("[50] No such\nOK");
    assert_eq!(forged, Err(Refusal::Forbidden { byte: b'\n', at: 12 }));
}

/// G13: what would end a reply, or pass for something else, is handed back.
#[test]
fn forged_replies() {
    let reserved = |text| matches!(done(text), Err(Refusal::Reserved(_)));
    let malformed = |text| matches!(done(text), Err(Refusal::Form(_)));
    for text in ["OK", "list_OK", "ACK [5@0] {} no", "a: b\nOK", "volume", "\n", "a: b\n\nc: d"] {
        assert!(malformed(text), "{text}");
    }
    for text in [": no key", "a key: b", "k\u{e9}y: b", "key:value", "OK MPD 0.23.5"] {
        assert!(malformed(text), "{text}");
    }
    for text in ["OK: x", "list_OK: x", "ACK: x", "a: b\nACK[5@0]: x", "changed: mixer"] {
        assert!(reserved(text), "{text}");
    }
    assert_eq!(done("a: b\r"), Err(Refusal::Forbidden { byte: b'\r', at: 4 }));
    assert_eq!(done("a: b\nc: \0"), Err(Refusal::Forbidden { byte: 0, at: 8 }));
    assert_eq!(done("a: changed: mixer").as_deref(), Ok("a: changed: mixer\nOK\n"));
}

/// Behind `binary: N` come N bytes of any kind, which count as no lines.
#[test]
fn binary() {
    mpd("C: albumart x 0
        > command 1 albumart x 0
        S: size: 30173
        S| binary: 9
        S| \\x00\\r\\nOK\\nOK\\n
        S| OK
        C: albumart x 30173
        > command 2 albumart x 30173
        S: size: 30173
        S| binary: 0
        S|
        S| OK");
    let whole = "binary: 3\nO\nK\nafter: all\n";
    assert_eq!(done(whole).as_deref(), Ok("binary: 3\nO\nK\nafter: all\nOK\n"));
    for end in ["binary: 3\nabc", "binary: 3\nabc\n"] {
        assert_eq!(done(end).as_deref(), Ok("binary: 3\nabc\nOK\n"));
    }
    for text in [
        "3",
        "3\nab",
        "3\nab\n\n",
        "3\nabcd\n",
        "-1\n",
        "+1\na",
        "\n",
        "x\n",
        "99999999999999999999\n",
    ] {
        let text = format!("binary: {text}");
        let same = text == "binary: 3\nab\n\n";
        assert_eq!(done(&text).is_ok(), same, "{text:?}");
    }
}

/// G12: each line is held to the limit of lines, and all of them to that of replies; blocks of bytes
/// to the latter only. What is too long is handed back.
#[test]
fn limits_of_replies() {
    let mut config = ServerConfig::default();
    config.limits.frame = 16;
    config.limits.reply = 100;
    let mut server = Server::new(Mpd::default(), config);
    server.written(14);
    let Ok(Some(ServerEvent::Command { ticket, .. })) = server.feed(b"list\n").next() else {
        panic!()
    };
    for (text, allowed) in [
        ("a: 0123456789abcd\n".to_owned(), 16),
        ("a: 0\na: 0123456789abcd\na: 0\n".to_owned(), 16),
        ("a: 0123456789abc\n".repeat(6), 100),
        (format!("binary: 90\n{}\n", "x".repeat(90)), 100),
    ] {
        let refused = server.reply(ticket, Reply::done(&text)).unwrap_err();
        assert_eq!(refused.why, Refusal::TooLong { allowed }, "{text}");
        assert_eq!(server.output(), b"");
    }
    let fits = format!("a: 0123456789abc\nbinary: 60\n{}\n", "x".repeat(60));
    server.reply(ticket, Reply::done(&fits)).unwrap();
    assert_eq!(server.output(), format!("{fits}OK\n").as_bytes());
}

/// What cannot be read as words is refused in MPD's words, and the program does not see it.
#[test]
fn lines_that_cannot_be_read() {
    mpd("C: add \"unterminated
        > rejected: Missing closing '\"'
        S: ACK [5@0] {} Missing closing '\"'
        C: add \"one.wav\"x
        > rejected: Space expected after closing '\"'
        S: ACK [5@0] {} Space expected after closing '\"'
        C: add one\"x
        > rejected: Invalid unquoted character
        S: ACK [5@0] {} Invalid unquoted character
        C: add it's
        > rejected: Invalid unquoted character
        S: ACK [5@0] {} Invalid unquoted character
        C: command_list_end
        > rejected: unknown command \"command_list_end\"
        S: ACK [5@0] {} unknown command \"command_list_end\"
        C: command_list_begin x
        > rejected: unknown command \"command_list_begin\"
        S: ACK [5@0] {} unknown command \"command_list_begin\"
        C: noidle x
        > rejected: unknown command \"noidle\"
        S: ACK [5@0] {} unknown command \"noidle\"
        C: add \"a\\x01\\\\\\\\\\\\\"\"
        > command 1 add \"a\\x01\\\\\\\\\\\\\"\"
        S: OK");
    let most = format!("find{}", " a".repeat(63));
    mpd(&format!("C: {most}\n> command 1 {most}\nS: OK"));
    mpd(&format!(
        "C: {most} a\n> rejected: Too many arguments\nS: ACK [2@0] {{}} Too many arguments"
    ));
}
