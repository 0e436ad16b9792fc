//! What responses say, of any bytes.

use bellwire::command::{Answer, Command};
use bellwire::dialect::imap::response::{Condition, Structure, Untagged};
use bellwire::dialect::mpd::{
    Ack, AlbumArt, Ask, CommandList, CurrentSong, Fields, Mpd, PictureChunk, Queue, ReadPicture,
    Status,
};
use bellwire::transcript::escape;
use bellwire::{Client, Config, Event};
use bytes::Bytes;

/// Any bytes, read as each kind of response of IMAP's: no panic, an error at a place that is there, and no
/// more memory than the bytes are worth (G12).
pub fn imap_response(data: &[u8]) {
    let response = Bytes::copy_from_slice(data);
    is_worth(data, || read_imap(&response));
}

fn read_imap(response: &Bytes) {
    match Untagged::from_bytes(response) {
        Ok(Untagged::Fetch(message)) => drop(message.structure()),
        Ok(_) => {}
        Err(error) => {
            let there = error.at <= response.len() && !error.to_string().is_empty();
            assert!(there, "{error:?}, in: {}", escape(response));
        }
    }
    let _ = Condition::parse(response);
    let _ = Structure::parse(response);
}

/// Any bytes, said by a server of MPD's in answer to one command, or to a list if there is a `list_OK`
/// among them; and read as what each typed command asks for: no panic, nothing that the server has not
/// said, and no more memory than the bytes are worth (G12).
pub fn mpd_response(data: &[u8]) {
    let Some(answer) = mpd_answer(data) else { return };
    is_worth(data, || read_mpd(&answer));
}

fn mpd_answer(data: &[u8]) -> Option<Answer> {
    let mut client = Client::new(Mpd::default(), Config::default());
    let one = AlbumArt { uri: "x", offset: 0 };
    if data.windows(7).any(|line| line == b"list_OK") {
        client.command(CommandList((Status, one, Queue))).expect("accepted");
    } else {
        client.command(one).expect("accepted");
    }
    client.feed(b"OK MPD 0.23.5\n");
    let mut parts = Vec::new();
    for said in [data, b"\nOK\n", b""] {
        while let Ok(Some(event)) = client.events().next() {
            match event {
                Event::Part { text, .. } => parts.push(Bytes::copy_from_slice(text)),
                Event::Reply { reply, .. } => {
                    return Some(Answer { parts, reply: reply.map(Bytes::copy_from_slice) });
                }
                _ => {}
            }
        }
        let sent = client.output().len();
        client.written(sent);
        client.feed(said);
    }
    None
}

fn read_mpd(answer: &Answer) {
    let fields = Ask::new("x").decode(answer.clone());
    if let Ok(fields) = &fields {
        are_all(fields, &answer.parts);
    }
    let songs = Queue.decode(answer.clone());
    if let (Ok(songs), Ok(fields)) = (&songs, &fields) {
        let uris: Vec<&str> = songs.iter().map(|song| song.uri.as_str()).collect();
        assert_eq!(uris, fields.get_all("file").collect::<Vec<_>>(), "{fields:?}");
        let current = CurrentSong.decode(answer.clone());
        assert_eq!(current.ok().flatten().as_ref(), songs.last());
    }
    let status = Status.decode(answer.clone());
    assert_eq!(status.map(|status| status.fields), fields);
    let refused = answer.reply.status == bellwire::Status::Refused;
    let (art, picture) = (AlbumArt { uri: "x", offset: 7 }, ReadPicture { uri: "x", offset: 7 });
    for read in [art.decode(answer.clone()), picture.decode(answer.clone())] {
        match read {
            Ok(Some(chunk)) => is_said(&chunk, &answer.parts),
            _ => assert!(refused || !is_chunk(&answer.parts), "not read: {answer:?}"),
        }
    }
    if let Err(refused) = CommandList((Status, art, Queue)).decode(answer.clone()) {
        assert!(!refused.to_string().is_empty());
    }
    if let Some(ack) = Ack::parse(&answer.reply.text) {
        assert_eq!(ack.to_string().parse(), Ok(ack));
    }
}

/// Each line is a field, in this order.
fn are_all(fields: &Fields, parts: &[Bytes]) {
    let lines = fields.iter().map(|(key, value)| format!("{key}: {value}"));
    assert!(
        lines.eq(parts.iter().map(|part| String::from_utf8_lossy(part))),
        "{fields:?}: {parts:?}"
    );
    let is_key =
        |key: &str| !key.is_empty() && !key.as_bytes()[1..].windows(2).any(|pair| pair == b": ");
    assert!(fields.iter().all(|(key, _)| is_key(key)), "{fields:?}");
    let groups = fields.clone().groups(&["file", "directory"]);
    assert!(groups.iter().flat_map(Fields::iter).eq(fields.iter()), "{groups:?}: {fields:?}");
}

/// Whether these are the parts of a picture's chunk, and nothing else.
fn is_chunk(parts: &[Bytes]) -> bool {
    let value = |part: &Bytes, key: &str| {
        part.strip_prefix(key.as_bytes())
            .and_then(|value| std::str::from_utf8(value).ok())
            .map(str::to_owned)
    };
    let is_size = |part: &&Bytes| {
        value(part, "size: ")
            .is_some_and(|size| !size.starts_with('+') && size.parse::<u32>().is_ok())
    };
    let is_type = |part: &&Bytes| value(part, "type: ").is_some();
    let sizes = parts.iter().filter(is_size).count();
    let pictures = parts.iter().filter(|part| counted(part).is_some()).count();
    let types = parts.iter().filter(is_type).count();
    sizes > 0 && pictures > 0 && sizes + pictures + types == parts.len()
}

/// The bytes of a chunk are those behind the line of their count.
fn is_said(chunk: &PictureChunk, parts: &[Bytes]) {
    assert!(
        parts.iter().any(|part| counted(part) == Some(&chunk.data[..])),
        "{chunk:?}: {parts:?}"
    );
    assert_eq!(chunk.offset, 7);
    assert!(chunk.next().is_none_or(|next| next > 7 && next < chunk.size), "{chunk:?}");
}

/// The bytes behind the line of their count.
fn counted(part: &[u8]) -> Option<&[u8]> {
    let end = part.iter().position(|byte| *byte == b'\n')?;
    let count = std::str::from_utf8(&part[..end]).ok()?.strip_prefix("binary: ")?;
    let bytes = &part[end + 1..];
    (count.parse() == Ok(bytes.len())).then_some(bytes)
}

fn is_worth(data: &[u8], read: impl FnOnce()) {
    let peak = allocation_counter::measure(read).bytes_max;
    let bound = 64 * 1024 + 512 * data.len() as u64;
    assert!(peak <= bound, "{peak} bytes allocated, for {}: {}", data.len(), escape(data));
}
