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
    for said in [data, b"\nOK\n"] {
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
    let (art, picture) = (AlbumArt { uri: "x", offset: 7 }, ReadPicture { uri: "x", offset: 7 });
    for chunk in
        [art.decode(answer.clone()), picture.decode(answer.clone())].into_iter().flatten().flatten()
    {
        is_said(&chunk, &answer.parts);
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

/// The bytes of a chunk are those behind the line of their count.
fn is_said(chunk: &PictureChunk, parts: &[Bytes]) {
    let said = |part: &Bytes| {
        let head =
            part.strip_suffix(&chunk.data[..]).and_then(|head| std::str::from_utf8(head).ok());
        let count = head.and_then(|head| head.strip_prefix("binary: ")?.strip_suffix('\n'));
        count.and_then(|count| count.parse().ok()) == Some(chunk.data.len())
    };
    assert!(parts.iter().any(said), "{chunk:?}: {parts:?}");
    assert_eq!(chunk.offset, 7);
    assert!(chunk.next().is_none_or(|next| next > 7 && next < chunk.size), "{chunk:?}");
}

fn is_worth(data: &[u8], read: impl FnOnce()) {
    let peak = allocation_counter::measure(read).bytes_max;
    let bound = 64 * 1024 + 512 * data.len() as u64;
    assert!(peak <= bound, "{peak} bytes allocated, for {}: {}", data.len(), escape(data));
}
