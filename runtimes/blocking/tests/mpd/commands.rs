//! Commands and their replies: lists, pictures, large replies, and those that nobody waits for any more.

use std::time::Duration;

use bellwire::dialect::mpd::{
    Ack, Add, AlbumArt, Ask, BinaryLimit, Code, CommandList, ListAllInfo, NotDone, Ping, Queue,
    ReadPicture, SetVolume, Status,
};
use bellwire::{BadReply, Cause, Failure};
use bellwire_blocking::Error;
use bellwire_test_servers::Mpd;
use fastrand::Rng;

use super::real::{Driven, in_time, stand_still};
use super::session::{
    Client, assert_found, connector, many, other, prove, question, session, watch, watched,
};

#[test]
fn command_lists() {
    let Some(mpd) = Mpd::options().songs(9).start() else { return };
    let (client, _notifications) = session(&mpd);
    client.listen();
    let list = CommandList((Ping, Add("one.wav"), Status, question(7), Queue));
    let (ping, add, status, found, queue) = client.request(list).unwrap();
    assert_eq!((ping, add), (Ok(()), Ok(())));
    assert_eq!(status.unwrap().queue_length, Some(1));
    assert_eq!(found.unwrap().get("file"), Some("many/00007.wav"));
    assert_eq!(queue.unwrap()[0].uri, "one.wav");
    // A picture in a list.
    let art = |offset| AlbumArt { uri: "album/three.wav", offset };
    let chunks = client.request(CommandList(vec![art(0), art(8192), art(29_999)])).unwrap();
    for (chunk, offset) in chunks.into_iter().zip([0, 8192, 29_999]) {
        let chunk = chunk.unwrap().unwrap();
        assert_eq!(chunk.data, Mpd::cover()[offset..][..chunk.data.len()]);
    }
    let (first, chunk, last) = client.request(CommandList((Status, art(8192), Status))).unwrap();
    assert_eq!(chunk.unwrap().unwrap().data, Mpd::cover()[8192..16_384]);
    assert_eq!(first, last);
    let none: Vec<Ping> = Vec::new();
    assert_eq!(client.request(CommandList(none)).unwrap(), []);
    assert_eq!(client.unsolicited(), 0);
}

/// Those before it are done, and those behind it are not run.
#[test]
fn a_command_list_with_a_member_that_fails() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, _notifications) = session(&mpd);
    for _ in 0..3 {
        let list = CommandList((SetVolume(12), Add("no such.wav"), Status, SetVolume(99)));
        let (first, second, third, fourth) = client.request(list).unwrap();
        assert_eq!(first, Ok(()));
        let Err(NotDone::Failed(refused)) = second else { panic!("{second:?}") };
        let ack = Ack::try_from(&refused).unwrap();
        assert_eq!((ack.code, ack.index, ack.command.as_str()), (Code::NoExist, 1, "add"));
        assert_eq!(third, Err(NotDone::NotRun));
        assert_eq!(fourth, Err(NotDone::NotRun));
        assert_eq!(client.request(Status).unwrap().volume, Some(12));
    }
    assert_eq!(client.unsolicited(), 0);
}

#[test]
fn refusals() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, _notifications) = session(&mpd);
    client.listen();
    for (command, code) in [
        ("nosuch", Code::Unknown),
        ("play x", Code::Arg),
        ("add", Code::Arg),
        ("add \"no such\"", Code::NoExist),
        ("add \"unterminated", Code::Unknown),
        ("binarylimit 10", Code::Arg),
    ] {
        match client.request(command) {
            Err(Error::BadReply(bad)) => {
                assert_eq!(Ack::try_from(&bad).unwrap().code, code, "{command}");
            }
            other => panic!("{command}: {other:?}"),
        }
        assert_eq!(client.request(CommandList((Ping, Ping))).unwrap(), (Ok(()), Ok(())));
    }
    assert_eq!(client.unsolicited(), 0);
}

/// The whole picture, and how many chunks that took.
fn picture(client: &Client) -> (Vec<u8>, usize) {
    let (mut picture, mut chunks, mut next) = (Vec::new(), 0, Some(0));
    while let Some(offset) = next {
        let art = AlbumArt { uri: "album/three.wav", offset };
        let chunk = client.request(art).unwrap().unwrap();
        assert_eq!((chunk.size, chunk.offset), (30_000, offset));
        picture.extend_from_slice(&chunk.data);
        (next, chunks) = (chunk.next(), chunks + 1);
    }
    (picture, chunks)
}

/// Whatever is in them, and however large the chunks are: for the server, and for us.
#[test]
fn pictures() {
    let Some(mpd) = Mpd::start() else { return };
    for (whole, in_pieces) in [(16 * 1024, false), (100, true)] {
        for (limit, chunks) in [(None, 4), (Some(64), 469), (Some(4096), 8), (Some(1 << 20), 1)] {
            let mut connector = connector();
            connector.dialect.whole = whole;
            let (client, _notifications, wire) = watch(connector, &mpd);
            client.listen();
            if let Some(limit) = limit {
                client.request(BinaryLimit(limit)).unwrap();
            }
            let (got, count) = picture(&client);
            assert!(got == Mpd::cover(), "{} bytes came of {limit:?}", got.len());
            assert_eq!(count, chunks);
            let large = limit.is_none_or(|limit| limit > whole);
            let streamed = limit == Some(1 << 20) || in_pieces && large;
            assert_eq!(!wire.lines("> piece").is_empty(), streamed, "{whole} {limit:?}");
            assert_eq!(client.unsolicited(), 0);
        }
    }
}

#[test]
fn pictures_that_are_not_there() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, _notifications) = session(&mpd);
    let end = client.request(AlbumArt { uri: "album/three.wav", offset: 30_000 }).unwrap().unwrap();
    assert_eq!((end.data.len(), end.next()), (0, None));
    let beyond = client.request(AlbumArt { uri: "album/three.wav", offset: 30_001 });
    assert!(matches!(beyond, Err(Error::BadReply(BadReply::Refused(_)))), "{beyond:?}");
    assert_eq!(client.request(AlbumArt { uri: "one.wav", offset: 0 }).unwrap(), None);
    assert_eq!(client.request(ReadPicture { uri: "one.wav", offset: 0 }).unwrap(), None);
    assert!(client.request(ReadPicture { uri: "no such", offset: 0 }).is_err());
    assert_eq!(client.request(Ping), Ok(()));
}

/// Gathered, and taken bit by bit.
#[test]
fn ten_thousand_songs() {
    const COUNT: u32 = 10_000;
    let Some(mpd) = Mpd::options().songs(COUNT as usize).start() else { return };
    let (client, _notifications) = session(&mpd);
    client.listen();
    let songs = client.request(ListAllInfo("many")).unwrap();
    assert!(songs.iter().map(|song| song.uri.clone()).eq((1..=COUNT).map(many)));
    assert_eq!(songs[9_999].title(), Some("Title 10000"));
    let mut pending = client.send(Ask::new("listallinfo").arg("many")).unwrap();
    let mut files = 0;
    while let Some(part) = pending.part() {
        if let Some(name) = part.strip_prefix(b"file: ") {
            files += 1;
            assert_eq!(name, many(files).as_bytes());
        }
    }
    assert_eq!(files, COUNT);
    assert!(pending.wait().unwrap().is_empty());
    prove(&client, COUNT);
}

/// G3, G10: replies carry no number here, so that each that nobody waits for would shift all others.
#[test]
fn commands_that_nobody_waits_for() {
    in_time(|| {
        let Some(mpd) = Mpd::options().songs(150).start() else { return };
        for in_flight in [1, 16] {
            let mut connector = connector();
            connector.config.in_flight = in_flight;
            let (client, _notifications, wire) = watch(connector, &mpd);
            let driven = Driven::new(&client);
            client.listen();
            let mut dice = Rng::with_seed(3);
            for number in 1..=150 {
                match dice.u64(..3) {
                    0 => drop(client.send(ListAllInfo("many")).unwrap()),
                    1 => {
                        let hasty = client.within(Some(Duration::from_micros(dice.u64(..500))));
                        match hasty.request(ListAllInfo("many")) {
                            Ok(songs) => assert_eq!(songs.len(), 150),
                            Err(error) => assert!(is_late(&error), "{error:?}"),
                        }
                    }
                    _ => {}
                }
                prove(&client, number);
            }
            stand_still(mpd.process_group(), || {
                let hasty = client.within(Some(Duration::from_millis(50)));
                assert!(is_late(&hasty.request(Status).unwrap_err()));
            });
            prove(&client, 1);
            assert!(!wire.lines("> late").is_empty(), "nothing was ever late");
            assert_eq!(client.unsolicited(), 0);
            drop(driven);
        }
    });
}

fn is_late(error: &Error) -> bool {
    let late = [Failure::NeverSent(Cause::TimedOut), Failure::SentUnanswered(Cause::TimedOut)];
    matches!(error, Error::Unanswered { failure, ended: None } if late.contains(failure))
}

/// G2, also while idling: the replies come in the order of the commands.
#[test]
fn a_pipeline() {
    in_time(|| {
        let Some(mpd) = Mpd::options().songs(64).start() else { return };
        let mut connector = connector();
        connector.config.in_flight = 64;
        let (client, _notifications, _) = watch(connector, &mpd);
        let other = other(&mpd);
        client.listen();
        for round in 0..20 {
            let asked: Vec<_> = (1..=64).map(|it| client.send(question(it)).unwrap()).collect();
            other.request(SetVolume(round)).unwrap();
            for (asked, number) in asked.into_iter().zip(1..) {
                assert_found(number, asked.wait());
            }
        }
        assert_eq!(client.unsolicited(), 0);
    });
}

#[test]
fn arguments_of_any_kind() {
    let Some(mpd) = Mpd::start() else { return };
    let (client, _notifications, wire) = watched(&mpd);
    for name in
        ["plain", "two words", "\"quoted\"", "back\\slash", "\u{fc} \u{1f514}", "it's", "a\tb"]
    {
        client.request(Ask::new("save").arg(name)).unwrap();
        let lists = client.request(Ask::new("listplaylists")).unwrap();
        assert!(lists.get_all("playlist").any(|it| it == name), "{name:?}: {lists:?}");
        client.request(Ask::new("rm").arg(name)).unwrap();
    }
    assert!(wire.said().contains(&"save \"two words\"".to_owned()));
}
