//! Playing transcripts: what fits passes, what does not is told with its line; and recording them.

use std::time::Duration;

use bellwire::dialect::imap::Imap;
use bellwire::dialect::notif::Notif;
use bellwire::transcript::{Act, Recorder, play};
use bellwire::{Client, Config, Server, ServerConfig, Transcript};

/// Plays on a client, and says what it differs in.
fn client(text: &str) -> Result<(), String> {
    let transcript: Transcript = text.parse().unwrap();
    let client = Client::new(Notif::default(), Config::default());
    play::client(&transcript, client, &mut |_| {}).map(drop).map_err(|why| why.to_string())
}

/// The same on a server.
fn server(text: &str) -> Result<(), String> {
    let transcript: Transcript = text.parse().unwrap();
    let server = Server::new(Notif::default(), ServerConfig::default());
    play::server(&transcript, server, &mut |_| {}).map(drop).map_err(|why| why.to_string())
}

const ANSWERED: &str = "C: random?\nS: 4\n> reply 1 4";

#[test]
fn what_fits() {
    assert_eq!(client(ANSWERED), Ok(()));
    assert_eq!(client(&format!("{ANSWERED}\nC: <EOF>")), Ok(()));
    // Without a line about what was heard, nothing is said about it, nor about what is due at the end.
    assert_eq!(client("C: random?\nS: 4\nS: 5"), Ok(()));
    assert_eq!(client("! listen"), Ok(()));
    assert_eq!(
        server("C: random?\n> command 1 random?\nS: 4\nC: <EOF>"),
        Err("line 5: this happened, too: closed: the connection was closed".to_owned())
    );
    assert_eq!(server("C: random?\nS: 4\nS: <EOF>"), Ok(()));
}

#[test]
fn what_a_client_differs_in() {
    for (text, why) in [
        ("C: random?\nS: 4\n> reply 1 5", "line 3: taken for: reply 1 4; expected: reply 1 5"),
        ("C: random?\n> reply 1 4", "line 2: nothing happened; expected: reply 1 4"),
        ("C: random?\nS: 4\nC: random?\n> reply 1 4", "line 3: this happened, too: reply 1 4"),
        (&format!("{ANSWERED}\n\nS: 5"), "line 6: this happened, too: unsolicited 5"),
        (&format!("{ANSWERED}\n\n! listen"), "line 6: the machine also says: notif\\r\\n"),
        (
            "! listen\nC: stop_notif\n> listening",
            "line 2: the machine says: notif\\r\\n; expected: stop_notif\\r\\n",
        ),
        ("C: notif\n> listening", "line 1: the machine does not say: notif\\r\\n"),
        ("C: a\\rb", "line 1: refused: byte 0x0d at offset 1"),
        ("! abandon 1", "line 1: no such ticket was given"),
        ("! reply 1 4", "line 1: a client does not reply 1 4"),
    ] {
        let told = client(text).unwrap_err();
        assert!(told.starts_with(why), "{told}, in\n{text}");
    }
}

#[test]
fn what_a_server_differs_in() {
    for (text, why) in [
        (
            "C: random?\n> command 1 random?\nS: 4\nS: <EOF>",
            "line 4: the machine does not end the connection",
        ),
        (
            "C: random?\n> command 1 random?\nS: 4\nS: 5",
            "line 4: the machine does not say: 5\\r\\n",
        ),
        (
            "C: notif\n> listening\nS: OK\nS: notif: random",
            "line 4: the machine does not say: notif: random\\r\\n",
        ),
        ("! listen", "line 1: a server does not listen"),
        (
            "! reply 1 4\n> done",
            "line 2: taken for: no command 1 waits for a reply; expected: done",
        ),
    ] {
        let told = server(text).unwrap_err();
        assert!(told.starts_with(why), "{told}, in\n{text}");
    }
}

/// Whoever leaves the mode for a command wants to be in it all the same.
#[test]
fn left_for_a_command() {
    let transcript: Transcript =
        "C: notif\nS: OK\n! command random?\nC: stop_notif\nS: OK\nC: random?\nS: 4"
            .parse()
            .unwrap();
    let client = Client::new(Notif::default(), Config::default());
    let client = play::client(&transcript, client, &mut |_| {}).unwrap();
    assert!(client.is_listening());
}

/// What a command announces is taken from the lines behind it, also where it looks like another command.
#[test]
fn commands_that_go_on() {
    let play = |text: &str| {
        let transcript: Transcript = text.parse().unwrap();
        let client = Client::new(Imap::default(), Config::default());
        play::client(&transcript, client, &mut |_| {}).map(drop).map_err(|why| why.to_string())
    };
    let append = "S: * PREAUTH\nC: A1 APPEND INBOX {7}\n";
    assert_eq!(play(&format!("{append}S: + go\nC: A2 NOOP\nS: A1 OK done\nC: A2 NOOP")), Ok(()));
    assert_eq!(
        play(append).unwrap_err(),
        "line 2: refused: it is not whole: it announces a literal that does not follow"
    );
}

/// Each line when it happened, in the order in which it was told.
#[test]
fn recorded_with_time_and_acts() {
    let mut recorder = Recorder::new("notif", true);
    recorder.setting("in-flight", 8);
    recorder.setting("acknowledge", "");
    recorder.tick(Duration::from_secs(2));
    recorder.act(&Act::Listen);
    recorder.tick(Duration::from_secs(1)); // goes back, which does not count
    recorder.client(&b"notif\n"[..].into());
    recorder.tick(Duration::from_millis(2500));
    recorder.server(&b""[..].into());
    recorder.server(&b"OK\n"[..].into());
    recorder.event("listening");
    let text = "= dialect notif\n= newline lf\n= in-flight 8\n= acknowledge\n.. 2s\n! listen\nC: notif\n\
                .. 0.5s\nS: OK\n> listening\n";
    assert_eq!(recorder.take(), text);
    assert_eq!(recorder.take(), "");
    let transcript: Transcript = text.parse().unwrap();
    assert_eq!(transcript.to_string(), text);
    let settings = transcript.configure::<Notif>().unwrap();
    let client = Client::new(settings.dialect, settings.client);
    play::client(&transcript, client, &mut |_| {}).unwrap();
}
