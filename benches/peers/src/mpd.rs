//! MPD: `listallinfo` of many songs.

use std::net::SocketAddr;
use std::time::Duration;

use bellwire::Event;
use bellwire::dialect::mpd::{Ask, ListAllInfo, Mpd};
use bellwire_blocking::{Client, Connector};
use bellwire_test_servers::Mpd as MpdServer;
use mpd_client::commands::ListAllIn;

use crate::driven::{Driven, Plain, connect};
use crate::{Contender, Tally, runtime};

/// An MPD with so many songs, and a few more; `None` if there is no MPD.
#[must_use]
pub fn server(songs: usize) -> Option<MpdServer> {
    let patient = MpdServer::options().connection_timeout(Duration::from_secs(3600));
    // The whole answer waits in its memory until it is taken.
    patient.songs(songs).setting("max_output_buffer_size", "65536").start()
}

/// The physical limit.
#[must_use]
pub fn limit(address: SocketAddr) -> Contender {
    let mut plain = Plain::connect(address);
    Contender::limit(move || plain.ask(b"listallinfo\n", |tail| tail.ends_with(b"\nOK\n")))
}

/// Bellwire's core: the line of each field, borrowed from its buffer.
#[must_use]
pub fn core(address: SocketAddr) -> Contender {
    let mut driven = Driven::connect(address, Mpd::default());
    Contender::new("core, events", move || {
        driven.client.command("listallinfo").expect("a command");
        let mut tally = Tally::default();
        driven.until_answered(1, |event| {
            if let Event::Part { text, .. } = event
                && let Some(uri) = text.strip_prefix(b"file: ")
            {
                tally.read(uri);
            }
        });
        tally
    })
}

fn blocking(address: SocketAddr) -> Client<Mpd> {
    Connector::new(Mpd::default()).tcp(address).expect("the server listens").0
}

/// Bellwire on plain threads: the line of each field, as soon as it has come.
#[must_use]
pub fn blocking_parts(address: SocketAddr) -> Contender {
    let client = blocking(address);
    Contender::new("blocking, part by part", move || {
        let mut pending = client.send("listallinfo").expect("a command");
        let mut tally = Tally::default();
        while let Some(part) = pending.part() {
            if let Some(uri) = part.strip_prefix(b"file: ") {
                tally.read(uri);
            }
        }
        pending.wait().expect("an answer");
        tally
    })
}

/// Bellwire on plain threads: keys and values.
#[must_use]
pub fn blocking_fields(address: SocketAddr) -> Contender {
    let client = blocking(address);
    Contender::new("blocking, fields", move || {
        let fields = client.request(Ask::new("listallinfo")).expect("an answer");
        let mut tally = Tally::default();
        fields.get_all("file").for_each(|uri| tally.read(uri.as_bytes()));
        tally
    })
}

/// Bellwire on plain threads: songs.
#[must_use]
pub fn blocking_songs(address: SocketAddr) -> Contender {
    let client = blocking(address);
    Contender::new("blocking, songs", move || {
        let songs = client.request(ListAllInfo("")).expect("an answer");
        let mut tally = Tally::default();
        songs.iter().for_each(|song| tally.read(song.uri.as_bytes()));
        tally
    })
}

/// `mpd_protocol` on a blocking socket: keys and values.
#[must_use]
pub fn mpd_protocol(address: SocketAddr) -> Contender {
    let connection = mpd_protocol::Connection::connect(connect(address));
    let mut connection = connection.expect("a greeting");
    Contender::new("mpd_protocol", move || {
        let command = mpd_protocol::Command::new("listallinfo");
        let answer = connection.command(command).expect("an answer");
        let frame = answer.into_single_frame().expect("a good answer");
        let mut tally = Tally::default();
        let uris = frame.fields().filter(|(key, _)| *key == "file");
        uris.for_each(|(_, uri)| tally.read(uri.as_bytes()));
        tally
    })
}

/// `mpd_client` on tokio: songs.
#[must_use]
pub fn mpd_client(address: SocketAddr) -> Contender {
    let runtime = runtime();
    let connected = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        mpd_client::Client::connect(stream).await.expect("a greeting")
    });
    Contender::new("mpd_client", move || {
        let songs = runtime.block_on(connected.0.command(ListAllIn::root())).expect("an answer");
        let mut tally = Tally::default();
        songs.iter().for_each(|song| tally.read(song.url.as_bytes()));
        tally
    })
}
