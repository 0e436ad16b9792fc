//! Transcripts of any text: reading, printing and playing them.

use bellwire::dialect::ServerDialect;
use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire::transcript::{Configured, Settings, What, play};
use bellwire::{Client, Dialect, Server, Transcript};

/// Any text as a transcript. It is read without a panic; what can be read is printed and read back as the
/// same; and it is played on both ends of every dialect without a panic.
pub fn transcripts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let transcript: Transcript = match text.parse() {
        Ok(transcript) => transcript,
        Err(wrong) => {
            let line = text.lines().nth(wrong.line.wrapping_sub(1));
            assert_eq!(line, Some(&*wrong.text), "the wrong line is blamed: {wrong}\n{text}");
            return;
        }
    };
    let printed = transcript.to_string();
    let again: Transcript =
        printed.parse().unwrap_or_else(|why| panic!("{why}, printed of\n{text}as\n{printed}"));
    assert_eq!(bare(&transcript), bare(&again), "printed of\n{text}as\n{printed}");

    played_by_client::<Notif>(&transcript);
    played_by_client::<Mpd>(&transcript);
    played_by_client::<Imap>(&transcript);
    played_by_server::<Notif>(&transcript);
    played_by_server::<Mpd>(&transcript);
}

/// All but where the lines stood.
fn bare(transcript: &Transcript) -> (&[(String, String)], Vec<&What>) {
    (&transcript.settings, transcript.steps.iter().map(|step| &step.what).collect())
}

fn played_by_client<D>(transcript: &Transcript)
where
    D: Dialect + Configured + PartialEq + std::fmt::Debug,
{
    let Ok(settings) = transcript.configure::<D>() else { return };
    noted(&settings);
    let client = Client::new(settings.dialect, settings.client);
    let _ = play::client(transcript, client, &mut |_| {});
}

fn played_by_server<D: ServerDialect + Configured>(transcript: &Transcript) {
    let Ok(settings) = transcript.configure::<D>() else { return };
    let server = Server::new(settings.dialect, settings.server);
    let _ = play::server(transcript, server, &mut |_| {});
}

/// What a recorder notes of a client configures another client the same. How long to wait for replies is
/// not noted: commands say that themselves.
fn noted<D: Configured + PartialEq + std::fmt::Debug>(settings: &Settings<D>) {
    let mut noted = Transcript::default();
    for (name, value) in Settings::of(&settings.client, &settings.dialect) {
        noted.set(name, value);
    }
    let again: Transcript = noted.to_string().parse().expect("settings are a transcript");
    let mut again = again.configure::<D>().expect("settings are settings");
    again.client.timers.reply = settings.client.timers.reply;
    assert_eq!((&again.client, &again.dialect), (&settings.client, &settings.dialect), "{noted}");
}
