//! The questions of the tutorial, each answered by transcripts that are played on the machines of
//! both ends.

use bellwire::{Client, Server, Transcript, transcript::play};

#[test]
fn all() {
    for entry in std::fs::read_dir("tests/transcripts").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let transcript: Transcript = text.parse().unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let settings = transcript.configure().unwrap();
        let client = Client::new(settings.notif.clone(), settings.client);
        play::client(&transcript, client, &mut |s| println!("{s:?}"))
            .unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let server = Server::new(settings.notif, settings.server);
        play::server(&transcript, server, &mut |s| println!("{s:?}"))
            .unwrap_or_else(|e| panic!("{path:?}: {e}"));
    }
}
