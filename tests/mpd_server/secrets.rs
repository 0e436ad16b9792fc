//! What a client says in secret is for the program, and shown to nobody else.

use std::fmt::Debug;

use super::*;

/// The bytes of the password as text, and as numbers.
fn assert_hidden(shown: &(impl Debug + ?Sized), line: &str) {
    let shown = format!("{shown:?}");
    for trace in ["hunt", "104, 117, 110"] {
        assert!(!shown.contains(trace), "{line:?} shows {trace}: {shown}");
    }
}

fn greeted() -> Server<Mpd> {
    let mut server = Server::new(Mpd::default(), ServerConfig::default());
    server.written(usize::MAX);
    server
}

/// What the program is told, and what is shown of it.
#[test]
fn events_hide_passwords() {
    for (line, shown) in [
        ("password hunter2", "password ***"),
        ("password \"hunter 2\"", "password ***"),
        ("password\t hunter2 hunter3", "password\t ***"),
        ("password", "password"),
        ("password  ", "password"),
        ("play hunter2", "play hunter2"),
        ("pass word", "pass word"),
    ] {
        let mut server = greeted();
        server.feed(line.as_bytes());
        let mut events = server.feed(b"\n");
        let event = events.next().unwrap().unwrap();
        let ServerEvent::Command { text, .. } = event else { panic!("{event}") };
        assert_eq!(text, line.trim_end().as_bytes());
        assert_eq!(event.shown(), shown.as_bytes(), "{line:?}");
        assert_eq!(
            event.to_string(),
            format!("command 1 {}", bellwire::transcript::escape(shown.as_bytes()))
        );
        let owned = event.into_owned();
        assert_eq!(owned.shown(), shown.as_bytes(), "{line:?}");
        if shown.ends_with("***") {
            assert_hidden(&owned, line);
        }
    }
}

/// A secret without a byte is none, wherever a dialect says that it begins.
#[test]
fn nothing_stands_for_no_secret() {
    for (secret, shown) in
        [(None, "AUTH x"), (Some(5), "AUTH ***"), (Some(6), "AUTH x"), (Some(7), "AUTH x")]
    {
        let event = ServerEvent::Rejected { text: b"AUTH x", secret, why: "not now" };
        assert_eq!(event.shown(), shown.as_bytes(), "{secret:?}");
    }
}

/// What is no command, and what ends the connection.
#[test]
fn what_is_wrong_with_a_password_hides_it() {
    for (lines, why) in [
        ("password \"hunter2\n", "rejected: "),
        ("password hunt%er2 \"\n", "rejected: "),
        ("password\"hunter2\"\n", "rejected: Invalid word character"),
        ("Password hunter2\n", ": \"Password ***\""),
        ("\x01 password hunter2\n", ": \"\\x01 password ***\""),
        ("\"password\" \"hunter2\"\n", ": \"\"password***\""),
        ("idle\npassword hunter2\n", ": \"password ***\""),
    ] {
        let mut server = greeted();
        let mut events = server.feed(lines.as_bytes());
        if lines.starts_with("idle") {
            assert!(matches!(events.next(), Ok(Some(ServerEvent::Listening(b"idle")))));
        }
        let told = match events.next() {
            Ok(event) => {
                assert_hidden(&event, lines);
                event.unwrap().to_string()
            }
            Err(error) => {
                assert_hidden(&error, lines);
                error.to_string()
            }
        };
        assert!(told.contains(why), "{lines:?}: {told}");
        assert!(!told.contains("hunt"), "{lines:?}: {told}");
    }
}

/// However far a line has come, and in whatever state the server is.
#[test]
fn debug_of_the_server_hides_passwords() {
    let said = "password hunter2\ncommand_list_begin\npassword hunter2\nping\ncommand_list_end\n";
    let mut server = greeted();
    for byte in said.bytes() {
        let mut events = server.feed(&[byte]);
        let event = events.next().unwrap().map(ServerEvent::into_owned);
        assert_hidden(&event, said);
        if let Some(ServerEvent::Command { ticket, .. }) = event {
            events.reply(ticket, Reply::done("")).unwrap();
        }
        assert_hidden(&server, said);
    }
}
