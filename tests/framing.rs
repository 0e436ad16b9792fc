//! G14: linear time. No byte is searched twice, whatever the chunks in which it comes: of lines here, of
//! lines in which counted bytes stand in `counted`.

use std::cell::Cell;
use std::rc::Rc;

use bellwire::dialect::notif::{Note, Notif};
use bellwire::dialect::{Awaiting, Class, Heard, Said, Standing};
use bellwire::{
    Client, Config, Dialect, Encoder, Framing, Refusal, Reply, Server, ServerConfig, ServerDialect,
    frame,
};

#[path = "framing/counted.rs"]
mod counted;

/// Lines, and how many bytes were searched for their ends.
#[derive(Clone, Default)]
struct Counting {
    searched: Rc<Cell<usize>>,
}

impl Counting {
    fn frame(&self, input: &[u8], searched: usize) -> Framing {
        let framing = frame::line(input, searched);
        let until = match framing {
            Framing::Frame { end, .. } => end,
            _ => input.len(),
        };
        self.searched.set(self.searched.get() + until - searched);
        framing
    }
}

impl Dialect for Counting {
    type Expect = ();

    fn frame(
        &mut self,
        input: &[u8],
        searched: usize,
        _: &mut Awaiting<'_, Self::Expect>,
    ) -> Framing {
        Self::frame(self, input, searched)
    }

    fn classify(&mut self, frame: &[u8], _: &mut Awaiting<'_, ()>) -> Class {
        Class::Notification { topic: 0..frame.len() }
    }

    fn encode_text(&self, text: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        line.text(text)
    }
}

impl ServerDialect for Counting {
    type Note = Note;

    fn frame(&mut self, input: &[u8], searched: usize) -> Framing {
        Self::frame(self, input, searched)
    }

    fn hear(&mut self, _: &[u8], _: Standing) -> Heard<Note> {
        Heard::Acknowledge
    }

    fn reply(&self, note: &Note, it: Reply<&[u8]>, line: &mut Encoder<'_>) -> Result<(), Refusal> {
        Notif::default().reply(note, it, line)
    }

    fn acknowledge(&self, note: &Note, line: &mut Encoder<'_>) {
        Notif::default().acknowledge(note, line);
    }

    fn notify(&self, topic: &[u8], line: &mut Encoder<'_>) -> Result<(), Refusal> {
        Notif::default().notify(topic, line)
    }

    fn too_long(&self) -> Heard<Note> {
        Notif::default().too_long()
    }

    fn said(&self, text: &[u8]) -> Said {
        Notif::default().said(text)
    }
}

/// Lines of very different lengths, some of them empty.
fn lines() -> Vec<u8> {
    let lengths = [0, 1, 40_000, 13, 0, 7, 5_000, 2].into_iter().cycle().take(40);
    lengths.flat_map(|length| [vec![b'x'; length], b"\r\n".to_vec()].concat()).collect()
}

const CHUNKS: [usize; 5] = [1, 2, 7, 4096, usize::MAX];

/// G14
#[test]
fn g14_a_client_searches_no_byte_twice() {
    let bytes = lines();
    for chunk in CHUNKS {
        let dialect = Counting::default();
        let mut client = Client::new(dialect.clone(), Config::default());
        let mut told = 0;
        for piece in bytes.chunks(chunk.min(bytes.len())) {
            let mut events = client.feed(piece);
            while events.next().unwrap().is_some() {
                told += 1;
            }
        }
        assert_eq!((told, dialect.searched.get()), (40, bytes.len()), "in chunks of {chunk}");
    }
}

/// G14
#[test]
fn g14_a_server_searches_no_byte_twice() {
    let bytes = lines();
    for chunk in CHUNKS {
        let dialect = Counting::default();
        let mut server = Server::new(dialect.clone(), ServerConfig::default());
        let mut told = 0;
        for piece in bytes.chunks(chunk.min(bytes.len())) {
            let mut events = server.feed(piece);
            while events.next().unwrap().is_some() {
                told += 1;
            }
        }
        assert_eq!((told, dialect.searched.get()), (40, bytes.len()), "in chunks of {chunk}");
    }
}
