//! MPD's protocol, as its client speaks it: whole sessions (`sessions`), what crosses on the wire, in
//! all stages of a connection (`crossings`, `endings`, `stray_noidle`), binary parts (`binary`), what
//! commands and their replies mean (`commands`, `lists`), and what holds for any bytes (`properties`).
//!
//! What the server says follows MPD 0.23.12. Each session is played as it stands, and again with the
//! bytes cut in other places (G11).

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use std::fmt;

use bellwire::command::Answer;
use bellwire::dialect::mpd::Mpd;
use bellwire::{BadReply, Client, Command, Config, Event, Reply};

mod common;

#[path = "mpd/binary.rs"]
mod binary;
#[path = "mpd/commands.rs"]
mod commands;
#[path = "mpd/crossings.rs"]
mod crossings;
#[path = "mpd/endings.rs"]
mod endings;
#[path = "mpd/lists.rs"]
mod lists;
#[path = "mpd/properties.rs"]
mod properties;
#[path = "mpd/sessions.rs"]
mod sessions;
#[path = "mpd/stages.rs"]
mod stages;
#[path = "mpd/stray_noidle.rs"]
mod stray_noidle;

const GREETED: &str = "= newline lf\nS: OK MPD 0.23.5\n> greeting OK MPD 0.23.5\n";

/// Plays a session with an MPD that has greeted.
fn mpd(session: &str) -> Client<Mpd> {
    mpd_of(&Mpd::default(), session)
}

/// The same, with a dialect that is configured.
fn mpd_of(dialect: &Mpd, session: &str) -> Client<Mpd> {
    common::client_of(dialect, &format!("{GREETED}{session}"))
}

/// Plays a session with an MPD on which this client idles.
fn idling(session: &str) -> Client<Mpd> {
    mpd(&format!("! listen\nC: idle\n{session}"))
}

/// What a command makes of what the server says, however it is cut.
fn answered<C>(command: C, said: &[u8]) -> Result<C::Reply, BadReply>
where
    C: Command<Mpd> + Clone + fmt::Debug,
{
    let told = answer(&command, [said]);
    for cut in 1..said.len() {
        assert_eq!(answer(&command, [&said[..cut], &said[cut..]]), told, "cut at byte {cut}");
    }
    assert_eq!(answer(&command, said.chunks(1)), told, "byte by byte");
    command.decode(told)
}

/// What gathers a reply: its parts, of which some may come in pieces, and its end.
fn answer<'a>(
    command: &(impl Command<Mpd> + fmt::Debug),
    said: impl IntoIterator<Item = &'a [u8]>,
) -> Answer {
    let mut client = Client::new(Mpd::default(), Config::default());
    client.feed(b"OK MPD 0.23.5\n").next().unwrap();
    let ticket = client.command(command).unwrap();
    let due = client.output().len();
    client.written(due);
    let (mut parts, mut piece, mut end) = (Vec::new(), Vec::new(), None);
    for bytes in said {
        let mut events = client.feed(bytes);
        while let Some(event) = events.next().unwrap() {
            match event {
                Event::Piece { text, ticket: Some(of), .. } if of == ticket => {
                    piece.extend_from_slice(text);
                }
                Event::Part { text, ticket: of } if of == ticket => {
                    piece.extend_from_slice(text);
                    parts.push(std::mem::take(&mut piece).into());
                }
                Event::Reply { reply, ticket: of } if of == ticket && end.is_none() => {
                    end = Some(reply.map(|text| text.to_vec().into()));
                }
                event => panic!("{event:?}"),
            }
        }
    }
    Answer { parts, reply: end.unwrap() }
}

/// A whole reply with these parts, which is a good one.
fn done(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Answer {
    let parts = parts.into_iter().map(|part| part.as_ref().to_vec().into()).collect();
    Answer { parts, reply: Reply::done("".into()) }
}
