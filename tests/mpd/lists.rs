//! Command lists: one command, with a reply for each member.

use bellwire::command::{encode, redacted};
use bellwire::dialect::mpd::{
    Ack, Add, AlbumArt, Ask, Code, CommandList, Mpd, NotDone, Ping, PlayState, SetVolume, Status,
};
use bellwire::{BadReply, Client, Command, Config, Refusal, Reply};

use super::common::{sent, told};
use super::{answer, answered, done};

/// How a list is written; an empty one is one, too.
#[test]
fn written_as_one_command() {
    let dialect = Mpd::default();
    let list = CommandList((Ping, Ask::new("play").arg("999"), Status));
    let lines = "command_list_ok_begin\nping\nplay 999\nstatus\ncommand_list_end\n";
    assert_eq!(encode(&dialect, &list).unwrap(), lines.as_bytes());
    let list = CommandList(vec!["add a", "add b"]);
    let lines = "command_list_ok_begin\nadd a\nadd b\ncommand_list_end\n";
    assert_eq!(encode(&dialect, &list).unwrap(), lines.as_bytes());
    let none = CommandList(Vec::<Ping>::new());
    let lines = "command_list_ok_begin\ncommand_list_end\n";
    assert_eq!(encode(&dialect, &none).unwrap(), lines.as_bytes());
    assert_eq!(answered(none, b"OK\n"), Ok(Vec::new()));
}

/// G13: what a list may not hold.
#[test]
fn refused_members() {
    let dialect = Mpd::default();
    let reserved = |text| {
        matches!(encode(&dialect, &CommandList(vec!["ping", text])), Err(Refusal::Reserved(_)))
    };
    for text in ["idle", "noidle", "close", "command_list_end", "command_list_ok_begin", " ping"] {
        assert!(reserved(text), "{text}");
    }
    assert_eq!(encode(&dialect, &CommandList((Ping, ""))), Err(Refusal::Empty));
    let nested = CommandList((Ping, CommandList((Ping, Ping))));
    assert!(matches!(encode(&dialect, &nested), Err(Refusal::Reserved(_))));
    let forged = CommandList((Ping, Add("x\ncommand_list_end")));
    assert_eq!(encode(&dialect, &forged), Err(Refusal::Forbidden { byte: b'\n', at: 1 }));
}

/// As transcripts hold it, a list is text: the same bytes, and the same refusals.
#[test]
fn written_as_text() {
    let dialect = Mpd::default();
    let text = |members: &str| format!("command_list_ok_begin\n{members}command_list_end");
    for members in ["", "ping\n", "ping\nadd \"a b\"\nstatus\n", "albumart a 0\nplay\n"] {
        let text = text(members);
        let lines = encode(&dialect, &text).unwrap();
        assert_eq!(lines, [text.as_bytes(), b"\n"].concat());
    }
    let shown = redacted(&dialect, &text("ping\npassword sesame\n")).unwrap();
    assert_eq!(shown, [text("ping\npassword ***\n").as_bytes(), b"\n"].concat());
    for members in ["idle\n", "noidle\n", "\n", "ping\n\n", " ping\n", "ping", "ping\r\n"] {
        assert!(encode(&dialect, &text(members)).is_err(), "{members:?}");
    }
    let at = text("ping\nadd a").len() - "command_list_end".len();
    let forged = encode(&dialect, &text("ping\nadd a\r\n"));
    assert_eq!(forged, Err(Refusal::Forbidden { byte: b'\r', at }));
    let nested = text(&format!("{}\n", text("ping\n")));
    for text in [&nested[..], "command_list_ok_begin\nping", "command_list_begin\ncommand_list_end"]
    {
        assert!(encode(&dialect, &text).is_err(), "{text:?}");
    }
    let (said, reply) = (b"list_OK\nvolume: 51\nlist_OK\nOK\n", "list_OK\nvolume: 51\nlist_OK");
    assert_eq!(answered(text("ping\nstatus\n"), said), Ok(reply.into()));
}

/// Each member has a reply of its own type.
#[test]
fn replies() {
    let list = CommandList((Ping, Status, "currentsong", Ask::new("outputs")));
    let said = b"list_OK\nvolume: 51\nstate: stop\nlist_OK\nlist_OK\noutputid: 0\nlist_OK\nOK\n";
    let (ping, status, song, outputs) = answered(list, said).unwrap();
    assert_eq!(ping, Ok(()));
    let status = status.unwrap();
    assert_eq!((status.volume, status.state), (Some(51), PlayState::Stop));
    assert_eq!(song, Ok("".into()));
    assert_eq!(outputs.unwrap().get("outputid"), Some("0"));

    let all = CommandList(vec![Add("a"), Add("b")]);
    let replies = answered(all, b"list_OK\nlist_OK\nOK\n").unwrap();
    assert_eq!(replies.into_iter().collect::<Result<Vec<()>, _>>(), Ok(vec![(), ()]));
    let six = CommandList((Ping, Ping, Ping, Ping, Ping, Ping));
    let said = b"list_OK\n".repeat(6);
    let replies = answered(six, &[&said[..], b"OK\n"].concat()).unwrap();
    assert_eq!(replies, (Ok(()), Ok(()), Ok(()), Ok(()), Ok(()), Ok(())));
}

/// G1, G2: one is refused: those before it are done, those behind it are not run.
#[test]
fn a_member_is_refused() {
    let list = CommandList((Status, Ask::new("play").arg("999"), Ping, Ping));
    let said = b"state: stop\nlist_OK\nACK [2@1] {play} Bad song index\n";
    let (status, play, ping, last) = answered(list, said).unwrap();
    assert_eq!(status.unwrap().state, PlayState::Stop);
    let Err(NotDone::Failed(refused)) = play else { panic!("{play:?}") };
    let ack = Ack::try_from(&refused).unwrap();
    assert_eq!((ack.code, ack.index, ack.command.as_str()), (Code::Arg, 1, "play"));
    assert_eq!((ping, last), (Err(NotDone::NotRun), Err(NotDone::NotRun)));

    let adds = CommandList(vec![Add("a"), Add("b"), Add("c")]);
    for (done, said) in ["", "list_OK\n", "list_OK\nlist_OK\n"].into_iter().enumerate() {
        let said = format!("{said}ACK [50@{done}] {{add}} No such directory\n");
        let replies = answered(adds.clone(), said.as_bytes()).unwrap();
        for (index, reply) in replies.into_iter().enumerate() {
            match index.cmp(&done) {
                std::cmp::Ordering::Less => assert_eq!(reply, Ok(())),
                std::cmp::Ordering::Equal => assert!(matches!(reply, Err(NotDone::Failed(_)))),
                std::cmp::Ordering::Greater => assert_eq!(reply, Err(NotDone::NotRun)),
            }
        }
    }
}

/// A member whose reply cannot be read does not take the others' away.
#[test]
fn a_member_cannot_be_read() {
    let list = CommandList((AlbumArt { uri: "x", offset: 0 }, Ping));
    let (art, ping) = answered(list, b"size: 5\nlist_OK\nlist_OK\nOK\n").unwrap();
    assert!(matches!(art, Err(NotDone::Failed(BadReply::Unexpected { .. }))), "{art:?}");
    assert_eq!(ping, Ok(()));
}

/// G2: a picture in a list, which holds what looks like the list's ends; and a tag that looks like a
/// picture, in the same list.
#[test]
fn binary_parts() {
    let art = AlbumArt { uri: "album/three.wav", offset: 100 };
    let list =
        CommandList((Ask::new("readcomments").arg("x"), art, Ask::new("readcomments").arg("y")));
    let said = b"binary: 100000\nlist_OK\nsize: 8\nbinary: 8\nlist_OK\n\nlist_OK\nbinary: 7\nlist_OK\nOK\n";
    let (before, art, behind) = answered(list, said).unwrap();
    assert_eq!(before.unwrap().get("binary"), Some("100000"));
    assert_eq!(&art.unwrap().unwrap().data[..], b"list_OK\n");
    assert_eq!(behind.unwrap().get("binary"), Some("7"));
    let arts = CommandList(vec![art_at(0), art_at(2)]);
    let said = b"size: 4\nbinary: 2\nOK\nlist_OK\nsize: 4\nbinary: 2\n\n\n\nlist_OK\nOK\n";
    let chunks = answered(arts, said).unwrap();
    let data: Vec<_> = chunks.into_iter().map(|chunk| chunk.unwrap().unwrap().data).collect();
    assert_eq!(data, ["OK", "\n\n"]);
}

fn art_at(offset: usize) -> AlbumArt<&'static str> {
    AlbumArt { uri: "x", offset }
}

/// G2, G4: the server answers fewer or more than the list has. What has come is not guessed at.
#[test]
fn wrong_number_of_replies() {
    let two = || CommandList((Ping, Ping));
    for said in [&b"OK\n"[..], b"list_OK\nOK\n"] {
        let bad = answered(two(), said).unwrap_err();
        assert!(bad.to_string().contains("a list_OK for each command"), "{bad}");
    }
    // Refused behind all of them: not one of them was.
    let refused = answered(two(), b"list_OK\nlist_OK\nACK [5@2] {} x\n").unwrap_err();
    assert_eq!(refused, BadReply::Refused("[5@2] {} x".into()));
    let bad = two().decode(done(["list_OK", "list_OK", "a: b"])).unwrap_err();
    assert_eq!(
        bad.to_string(),
        "the reply is not a list_OK for each command of the list: \"a: b\""
    );
    let mut cut = done(["list_OK", "a: b"]);
    cut.reply = Reply::refused("[5@1] {x} y".into());
    let (_, second) = two().decode(cut).unwrap();
    assert_eq!(second, Err(NotDone::Failed(BadReply::Refused("[5@1] {x} y".into()))));
    assert!(two().decode(answer(&two(), [&b"list_OK\nlist_OK\nOK\n"[..]])).is_ok());
}

/// G4, G9: a list in the mode, as any command; one `list_OK` too many is reported.
#[test]
fn in_the_mode() {
    let mut client = Client::new(Mpd::default(), Config::default());
    client.feed(b"OK MPD 0.23.5\n");
    client.listen();
    assert_eq!(told(&mut client).len(), 1);
    assert_eq!(sent(&mut client), "idle\n");
    client.command(CommandList((Ping, SetVolume(3)))).unwrap();
    assert_eq!(sent(&mut client), "noidle\n");
    client.feed(b"changed: mixer\nOK\n");
    assert_eq!(told(&mut client), ["notification mixer", "not listening"]);
    assert_eq!(sent(&mut client), "command_list_ok_begin\nping\nsetvol 3\ncommand_list_end\n");
    client.feed(b"list_OK\nlist_OK\nlist_OK\nOK\n");
    assert_eq!(
        told(&mut client),
        ["part 1 list_OK", "part 1 list_OK", "unsolicited list_OK", "reply 1"]
    );
    assert_eq!(sent(&mut client), "idle\n");
}

/// G3: an abandoned list is swallowed with all that belongs to it.
#[test]
fn abandoned() {
    let mut client = Client::new(Mpd::default(), Config::default());
    client.feed(b"OK MPD 0.23.5\n").next().unwrap();
    let ticket = client.command(CommandList((art_at(0), Ping))).unwrap();
    sent(&mut client);
    client.abandon(ticket);
    client.command(Ping).unwrap();
    client.feed(b"size: 3\nbinary: 3\nOK\n\nlist_OK\nACK [5@1] {ping} x\n");
    let late =
        ["late 1 size: 3", "late 1 binary: 3\\nOK\\n", "late 1 list_OK", "late 1 [5@1] {ping} x"];
    assert_eq!(told(&mut client), late);
    assert_eq!(sent(&mut client), "ping\n");
    client.feed(b"OK\n");
    assert_eq!(told(&mut client), ["reply 2"]);
}
