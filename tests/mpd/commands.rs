//! Commands: what is accepted, how it is written, and what replies mean.

use std::time::Duration;

use bellwire::command::{self, encode, redacted};
use bellwire::dialect::mpd::{
    Ack, Add, AlbumArt, Ask, BinaryLimit, Code, CommandList, CurrentSong, Fields, ListAllInfo, Mpd,
    Password, Ping, PlayState, Queue, ReadPicture, SetVolume, Single, Song, Status,
};
use bellwire::{BadReply, Client, Command, Config, Refusal};

use super::{answered, done};

fn written(command: impl Command<Mpd>) -> Result<String, Refusal> {
    encode(&Mpd::default(), &command).map(|line| String::from_utf8(line).unwrap())
}

/// G13: what is not one command, or is the machine's own to say, or makes MPD close the connection.
#[test]
fn refused_text() {
    assert_eq!(written(""), Err(Refusal::Empty));
    for (text, byte, at) in [
        ("ping\nkill", b'\n', 4),
        ("ping\r", b'\r', 4),
        ("\nping", b'\n', 0),
        ("find x\0", 0, 6),
        ("password x\ny", b'\n', 10),
        ("password\rx", b'\r', 8),
        ("idle\n", b'\n', 4),
    ] {
        assert_eq!(written(text), Err(Refusal::Forbidden { byte, at }), "{text:?}");
    }
    for text in [
        "idle",
        "idle player",
        "idle\tplayer",
        "noidle",
        "noidle ",
        "close",
        "close x",
        "command_list_begin",
        "command_list_ok_begin",
        "command_list_end",
        "command_list_x",
        " ping",
        "\tping",
        " ",
        "\x01",
        "Ping",
        "1",
        "_ping",
        "\"ping\"",
        "GET / HTTP/1.1",
        "ä",
    ] {
        assert!(matches!(written(text), Err(Refusal::Reserved(_))), "{text:?}");
        assert!(
            matches!(written(Ask::new(text.to_owned())), Err(Refusal::Reserved(_))),
            "{text:?}"
        );
    }
    for text in ["ping", "idles", "closed", "password", "ping ", "add \"\"", "find \"a\tb\"", "x\\"]
    {
        assert_eq!(written(text).as_deref(), Ok(&*format!("{text}\n")));
    }
}

/// G13: a refused command is handed back, and leaves nothing behind.
#[test]
fn refused_commands_leave_no_trace() {
    let mut client = Client::new(Mpd::default(), Config::default());
    client.feed(b"OK MPD 0.23.5\n").next().unwrap();
    let refused = client.command(Add("a\nclear")).unwrap_err();
    assert_eq!(refused.value, Add("a\nclear"));
    assert!(client.command(CommandList((Ping, Add("a\nclear")))).is_err());
    assert!(client.command("password x\ny").is_err());
    assert_eq!(client.output(), b"");
    client.command(Ping).unwrap();
    assert_eq!(client.output(), b"ping\n");
}

/// G13: arguments are quoted where they need it, also against commands in them.
#[test]
fn arguments() {
    let ask = |argument: &str| written(Ask::new("find").arg("file").arg(argument)).unwrap();
    assert_eq!(ask("one.wav"), "find file one.wav\n");
    assert_eq!(ask(""), "find file \"\"\n");
    assert_eq!(ask("a b"), "find file \"a b\"\n");
    assert_eq!(ask("it's"), "find file \"it's\"\n");
    assert_eq!(ask(r#"say "\""#), "find file \"say \\\"\\\\\\\"\"\n");
    assert_eq!(ask("\t"), "find file \"\t\"\n");
    for (argument, byte, at) in [("a\nb", b'\n', 1), ("\r", b'\r', 0), ("ab\0", 0, 2)] {
        let ask = Ask::new("find").arg("file").arg(argument);
        assert_eq!(written(ask), Err(Refusal::Forbidden { byte, at }));
        assert_eq!(written(Add(argument)), Err(Refusal::Forbidden { byte, at }));
    }
    assert_eq!(written(Ask::new("sticker get").arg("a b")).unwrap(), "sticker get \"a b\"\n");
}

/// The typed commands, as they are written.
#[test]
fn typed_commands() {
    let lines = [
        (written(Ping), "ping"),
        (written(Add("a b.wav")), "add \"a b.wav\""),
        (written(SetVolume(30)), "setvol 30"),
        (written(BinaryLimit(65_536)), "binarylimit 65536"),
        (written(Password("p w")), "password \"p w\""),
        (written(Status), "status"),
        (written(CurrentSong), "currentsong"),
        (written(Queue), "playlistinfo"),
        (written(ListAllInfo("")), "listallinfo \"\""),
        (written(AlbumArt { uri: "a b", offset: 7 }), "albumart \"a b\" 7"),
        (written(ReadPicture { uri: "a", offset: 0 }), "readpicture a 0"),
    ];
    for (written, line) in lines {
        assert_eq!(written, Ok(format!("{line}\n")));
    }
}

/// A password is shown by no log, no trace and no `Debug`, however it is given.
#[test]
fn passwords_are_secret() {
    let dialect = Mpd::default();
    let shown = |command: &dyn Fn() -> Result<Vec<u8>, Refusal>| command().unwrap();
    assert_eq!(shown(&|| redacted(&dialect, &"password sesame")), b"password ***\n");
    assert_eq!(shown(&|| redacted(&dialect, &"password  \"se same\"")), b"password  ***\n");
    assert_eq!(shown(&|| redacted(&dialect, &Password("sesame"))), b"password ***\n");
    let ask = Ask::new("password").arg("sesame").arg("x");
    assert_eq!(shown(&|| redacted(&dialect, &ask)), b"password *** ***\n");
    assert_eq!(shown(&|| redacted(&dialect, &Ask::new("password sesame"))), b"password ***\n");
    let list = CommandList((Ping, Password("sesame"), Status));
    let lines = b"command_list_ok_begin\nping\npassword ***\nstatus\ncommand_list_end\n";
    assert_eq!(shown(&|| redacted(&dialect, &list)), lines);
    assert_eq!(redacted(&dialect, &"find password x").unwrap(), b"find password x\n");
    assert_eq!(format!("{:?}", Password("sesame")), "Password(***)");
    for shown in [format!("{list:?}"), format!("{ask:?}")] {
        assert!(!shown.contains("sesame"), "{shown}");
    }
    let refused =
        Client::new(dialect, Config::default()).command(Password("ses\name")).unwrap_err();
    assert!(!format!("{refused:?}").contains("ses"));

    let mut client = Client::new(Mpd::default(), Config::default());
    client.feed(b"OK MPD 0.23.5\n").next().unwrap();
    client.command(list).unwrap();
    let due = client.output().len();
    assert_eq!(&*client.redacted(due), lines);
    assert!(!format!("{client:?}").contains("sesame"));
}

#[test]
fn debug_of_any_command() {
    assert_eq!(format!("{:?}", Ask::new("add").arg("a b")), r#"Ask("add \"a b\"")"#);
    let refused = format!("{:?}", Ask::new("add").arg("a\nb"));
    assert!(refused.contains("0x0a"), "{refused}");
}

/// What MPD 0.23.12 says of a player that plays.
#[test]
fn status_of_a_player() {
    let said = b"volume: 54\nrepeat: 0\nrandom: 1\nsingle: 0\nconsume: 0\npartition: default\n\
        playlist: 11\nplaylistlength: 1\nmixrampdb: 0\nstate: play\nsong: 0\nsongid: 6\ntime: 0:2\n\
        elapsed: 0.125\nbitrate: 64\nduration: 2.000\naudio: 8000:16:1\nupdating_db: 3\n\
        nextsong: 1\nnextsongid: 9\nerror: no: sound\nOK\n";
    let status = answered(Status, said).unwrap();
    assert_eq!((status.volume, status.repeat, status.random), (Some(54), false, true));
    assert_eq!((&status.single, status.consume), (&Single::Off, false));
    assert_eq!((&status.state, status.partition.as_deref()), (&PlayState::Play, Some("default")));
    assert_eq!((status.queue_version, status.queue_length), (Some(11), Some(1)));
    let song = status.song.unwrap();
    assert_eq!((song.position, song.id), (0, Some(6)));
    let next = status.next_song.unwrap();
    assert_eq!((next.position, next.id), (1, Some(9)));
    assert_eq!(status.elapsed, Some(Duration::from_millis(125)));
    assert_eq!(status.duration, Some(Duration::from_secs(2)));
    assert_eq!((status.bitrate, status.audio.as_deref()), (Some(64), Some("8000:16:1")));
    assert_eq!((status.updating, status.error.as_deref()), (Some(3), Some("no: sound")));
    assert_eq!((status.fields.get("mixrampdb"), status.fields.len()), (Some("0"), 21));
}

/// What is missing or makes no sense is not known; what is new is kept.
#[test]
fn status_of_an_odd_player() {
    let status = answered(Status, b"OK\n").unwrap();
    assert_eq!((status.volume, status.song, status.elapsed), (None, None, None));
    assert_eq!(
        (status.state, status.single),
        (PlayState::Other(String::new()), Single::Other(String::new()))
    );
    let said =
        b"volume: -1\nrepeat: 1\nsingle: oneshot\nconsume: oneshot\nstate: spinning\nsongid: 5\n\
        elapsed: -3\nduration: long\nplaylist: +4\nOK\n";
    let status = answered(Status, said).unwrap();
    assert_eq!((status.volume, status.repeat, &status.single), (None, true, &Single::Oneshot));
    assert!(status.consume);
    assert_eq!(status.state, PlayState::Other("spinning".to_owned()));
    assert_eq!((status.song, status.elapsed, status.duration), (None, None, None));
    assert_eq!((status.queue_version, status.fields.get("playlist")), (None, Some("+4")));
}

/// Songs, of the player, the queue and the database.
#[test]
fn songs() {
    assert_eq!(answered(CurrentSong, b"OK\n"), Ok(None));
    let said =
        b"file: one.wav\nTitle: One\nArtist: A\nArtist: B\nAlbum: O\nTime: 2\nduration: 2.5\n\
        Pos: 4\nId: 6\nOK\n";
    let song = answered(CurrentSong, said).unwrap().unwrap();
    assert_eq!((song.uri.as_str(), song.position, song.id), ("one.wav", Some(4), Some(6)));
    assert_eq!(song.duration, Some(Duration::from_millis(2500)));
    assert_eq!((song.title(), song.artist(), song.album()), (Some("One"), Some("A"), Some("O")));
    assert_eq!(song.fields.get_all("Artist").collect::<Vec<_>>(), ["A", "B"]);

    let uris = |songs: Vec<Song>| songs.into_iter().map(|song| song.uri).collect::<Vec<_>>();
    let queue = answered(Queue, b"file: a\nPos: 0\nfile: b\nPos: 1\nOK\n").unwrap();
    assert_eq!(queue[1].position, Some(1));
    assert_eq!(uris(queue), ["a", "b"]);
    let said =
        b"file: a\ndirectory: d\nLast-Modified: x\nfile: d/b\nTime: 30\nplaylist: p\nfile: c\nOK\n";
    let listed = answered(ListAllInfo(""), said).unwrap();
    assert_eq!(listed[1].fields.len(), 2);
    assert_eq!(uris(listed), ["a", "d/b", "c"]);
    assert_eq!(answered(Queue, b"OK\n"), Ok(Vec::new()));
}

/// Pictures: chunk by chunk, and where there is none.
#[test]
fn pictures() {
    let art = |offset| AlbumArt { uri: "album/three.wav", offset };
    let chunk = answered(art(0), b"size: 9\nbinary: 4\n\nOK\n\nOK\n").unwrap().unwrap();
    assert_eq!((chunk.size, chunk.offset, chunk.mime.as_deref()), (9, 0, None));
    assert_eq!((&chunk.data[..], chunk.next()), (&b"\nOK\n"[..], Some(4)));
    let chunk = answered(art(4), b"size: 9\nbinary: 5\n12345\nOK\n").unwrap().unwrap();
    assert_eq!((chunk.offset, chunk.next()), (4, None));
    let chunk = answered(art(9), b"size: 9\nbinary: 0\n\nOK\n").unwrap().unwrap();
    assert_eq!((chunk.data.len(), chunk.next()), (0, None));
    // Nothing where something should be: do not ask for ever.
    let chunk = answered(art(4), b"size: 9\nbinary: 0\n\nOK\n").unwrap().unwrap();
    assert_eq!(chunk.next(), None);
    assert_eq!(answered(art(0), b"ACK [50@0] {albumart} No file exists\n"), Ok(None));
    let refused = answered(art(99), b"ACK [2@0] {albumart} Offset too large\n").unwrap_err();
    assert_eq!(Ack::try_from(&refused).unwrap().code, Code::Arg);

    let read = ReadPicture { uri: "a.flac", offset: 0 };
    let said = b"size: 2\ntype: image/jpeg\nbinary: 2\n\r\n\nOK\n";
    let chunk = answered(read, said).unwrap().unwrap();
    assert_eq!((chunk.mime.as_deref(), &chunk.data[..]), (Some("image/jpeg"), &b"\r\n"[..]));
    assert_eq!(answered(read, b"OK\n"), Ok(None));
    let refused = answered(read, b"ACK [50@0] {readpicture} No such song\n").unwrap_err();
    assert_eq!(Ack::try_from(&refused).unwrap().code, Code::NoExist);
}

/// A picture that comes in pieces is the same once it is gathered.
#[test]
fn a_large_picture() {
    let data: Vec<u8> = (0..40_000_u32).map(|n| b"OK\nACK list_OK"[n as usize % 14]).collect();
    let mut said = b"size: 40000\nbinary: 40000\n".to_vec();
    said.extend_from_slice(&data);
    said.extend_from_slice(b"\nOK\n");
    let command = ReadPicture { uri: "x", offset: 0 };
    for size in [said.len(), 16 * 1024, 4096, 1] {
        let chunk = command.decode(super::answer(&command, said.chunks(size))).unwrap().unwrap();
        assert_eq!((chunk.size, chunk.data.as_ref()), (40_000, data.as_slice()));
    }
}

/// What cannot be read is handed over.
#[test]
fn unexpected_replies() {
    let unexpected = |bad: BadReply| match bad {
        BadReply::Unexpected { text, .. } => text,
        BadReply::Refused(text) => panic!("{text:?}"),
    };
    let read = ReadPicture { uri: "x", offset: 0 };
    for parts in [
        &["size: 5"][..],
        &["binary: 1\nx"],
        &["size: x", "binary: 1\nx"],
        &["size: 5", "binary: 2\nx"],
    ] {
        let bad = read.decode(done(parts)).unwrap_err();
        assert_eq!(unexpected(bad), parts.join("\n"));
    }
    for part in [&b"no colon"[..], b"Title: \xff", b": x"] {
        assert_eq!(unexpected(Fields::try_from(done([part])).unwrap_err()), part);
    }
    // Both together would be a character.
    let halves = [&b"Title: \xc3"[..], b"\xa9: x"];
    assert_eq!(unexpected(Fields::try_from(done(halves)).unwrap_err()), halves[0]);
    let bad = answered(Status, b"a: b\nTitle: \xff\nOK\n").unwrap_err();
    assert_eq!(bad.to_string(), "the reply is not a key and a value in UTF-8: \"Title: \\xff\"");
}

/// What was refused says why, in a way that programs can read.
#[test]
fn refusals() {
    let refused = answered(Add("nosuch.wav"), b"ACK [50@0] {add} No such directory\n").unwrap_err();
    assert_eq!(refused, BadReply::Refused("[50@0] {add} No such directory".into()));
    let ack = Ack::try_from(&refused).unwrap();
    assert_eq!((ack.code, ack.index, ack.command.as_str()), (Code::NoExist, 0, "add"));
    assert_eq!(ack.text, "No such directory");
    let odd = answered(Ping, b"ACK whatever\n").unwrap_err();
    assert_eq!(odd, BadReply::Refused("whatever".into()));
    assert!(Ack::try_from(&odd).is_err());
    let unexpected = BadReply::Unexpected { expected: "", text: "[50@0] {add} x".into() };
    assert!(Ack::try_from(&unexpected).is_err());
    for (said, expected) in [
        (&b"OK\n"[..], Ok(())),
        (b"ACK [2@0] {} no\n", Err(BadReply::Refused("[2@0] {} no".into()))),
    ] {
        assert_eq!(answered(Ping, said), expected);
        assert_eq!(answered(Password("x"), said), expected);
        assert_eq!(answered(SetVolume(1), said), expected);
        assert_eq!(answered(BinaryLimit(64), said), expected);
    }
}

/// Lines of keys and values.
#[test]
fn fields() {
    let none = Fields::try_from(done([""; 0])).unwrap();
    assert!(none.is_empty());
    assert_eq!(format!("{none:?}"), "[]");
    let two = Fields::try_from(done(["file: a.ogg", "Title: A: b"])).unwrap();
    assert!(!two.is_empty());
    assert_eq!(format!("{two:?}"), "[(\"file\", \"a.ogg\"), (\"Title\", \"A: b\")]");
}

/// Text is answered by text.
#[test]
fn text_commands() {
    assert_eq!(
        answered("status", b"state: stop\nvolume: 3\nOK\n"),
        Ok("state: stop\nvolume: 3".into())
    );
    assert_eq!(answered("ping", b"OK\n"), Ok("".into()));
    let art = answered("albumart x 0", b"size: 3\nbinary: 3\nOK\n\nOK\n");
    assert_eq!(art, Ok("size: 3\nbinary: 3\nOK\n".into()));
    assert_eq!(
        command::encode(&Mpd::default(), &&b"find file \xff"[..]),
        Ok(b"find file \xff\n".to_vec())
    );
}
