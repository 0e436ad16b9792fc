//! What holds for any bytes.

use bellwire::command::encode;
use bellwire::dialect::mpd::{Add, Ask, CommandList, Fields, Mpd, argument};
use bellwire::{Client, Config, Refusal};
use quickcheck::{Arbitrary, Gen, QuickCheck};

use super::common::told;
use super::done;

/// What servers say, or nearly.
#[derive(Clone, Debug)]
struct Stream(Vec<Vec<u8>>);

const LINES: &[&[u8]] = &[
    b"OK\n",
    b"OK\n",
    b"OK\r\n",
    b"ACK [5@0] {x} y\n",
    b"ACK\n",
    b"list_OK\n",
    b"changed: player\n",
    b"changed: \n",
    b"binary: 0\n",
    b"binary: 3\n",
    b"binary: 17\n",
    b"binary: 300\n",
    b"binary: x\n",
    b"binary: 18446744073709551615\n",
    b"size: 3\n",
    b"a: b\r\n",
    b"a",
    b"\n",
    b"\r",
    b"OK MPD 0.23.5\n",
];

impl Arbitrary for Stream {
    fn arbitrary(g: &mut Gen) -> Self {
        let pieces = (0..usize::arbitrary(g) % 24).map(|_| match u8::arbitrary(g) % 8 {
            0 => Vec::arbitrary(g),
            _ => g.choose(LINES).copied().unwrap_or_default().to_vec(),
        });
        Self(pieces.collect())
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

fn check(property: impl quickcheck::Testable) {
    QuickCheck::new().quickcheck(property);
}

/// What happens if these bytes come, cut at these places, after some commands were sent.
fn heard(
    bytes: &[u8],
    cuts: &[usize],
    whole: usize,
    stray: bool,
    asked: u8,
    idle: bool,
) -> Vec<String> {
    let mut dialect = Mpd::default();
    (dialect.whole, dialect.answers_stray_noidle) = (whole, stray);
    let mut config = Config::default();
    config.in_flight = 8;
    let mut client = Client::new(dialect, config);
    client.feed(b"OK MPD 0.23.5\n");
    told(&mut client);
    if asked & 1 > 0 {
        client.command("albumart x 0").unwrap();
    }
    if asked & 2 > 0 {
        client.command(CommandList(("readpicture x 0", "status"))).unwrap();
    }
    if asked & 4 > 0 {
        client.command("readcomments x").unwrap();
    }
    if idle {
        client.listen();
    }
    client.output();
    if asked & 8 > 0 {
        client.unlisten();
        client.output();
    }
    let mut happened = Vec::new();
    let mut rest = bytes;
    for cut in cuts {
        let (piece, behind) = rest.split_at(cut % (rest.len() + 1));
        client.feed(piece);
        happened.extend(told(&mut client));
        rest = behind;
    }
    client.feed(rest);
    happened.extend(told(&mut client));
    client.feed_eof();
    happened.extend(told(&mut client));
    // A machine that has given up says so each time.
    happened.dedup_by(|again, error| again == error && error.starts_with("error: "));
    happened
}

/// G11, G12: no bytes make it panic, and how they are cut makes no difference.
#[test]
fn any_bytes_however_cut() {
    fn same(said: Stream, cuts: Vec<usize>, whole: u8, stray: bool, asked: u8, idle: bool) -> bool {
        let bytes = said.0.concat();
        let heard = |cuts: &[usize]| heard(&bytes, cuts, whole.into(), stray, asked, idle);
        let told = heard(&[]);
        told == heard(&cuts) && told == heard(&vec![1; bytes.len()])
    }
    check(same as fn(_, _, _, _, _, _) -> _);
}

/// What a line of the client's means to MPD, in the simplest way.
fn read(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut words, mut bytes) = (Vec::new(), line.strip_suffix(b"\n")?.iter().peekable());
    while bytes.next_if(|byte| **byte <= b' ').is_some() {}
    while let Some(first) = bytes.next() {
        let mut word = Vec::new();
        if *first == b'"' {
            loop {
                match bytes.next()? {
                    b'"' => break,
                    b'\\' => word.push(*bytes.next()?),
                    byte => word.push(*byte),
                }
            }
        } else {
            word.push(*first);
            while let Some(byte) = bytes.next_if(|byte| **byte > b' ') {
                word.push(*byte);
            }
        }
        words.push(word);
        while bytes.next_if(|byte| **byte <= b' ').is_some() {}
    }
    Some(words)
}

/// G13: arguments of any bytes come out as they went in; CR, LF and NUL are refused.
#[test]
fn arguments_round_trip() {
    fn same(arguments: Vec<Vec<u8>>) -> bool {
        let ask = arguments.iter().fold(Ask::new("find"), Ask::arg);
        let forbidden = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        match encode(&Mpd::default(), &ask) {
            Err(why) => {
                let found = arguments.iter().find_map(|it| it.iter().position(forbidden));
                matches!(why, Refusal::Forbidden { at, .. } if found == Some(at))
            }
            Ok(line) => {
                let mut words = vec![b"find".to_vec()];
                words.extend(arguments.iter().cloned());
                let within = words.len() <= 64;
                let read_back = argument::words(line.trim_ascii_end());
                !arguments.iter().flatten().any(forbidden)
                    && read(&line).as_ref() == Some(&words)
                    && (!within || read_back.is_ok_and(|it| it == words))
            }
        }
    }
    check(same as fn(_) -> _);
}

/// G13: whatever text is accepted is one line, and no word of the machine's own.
#[test]
fn any_text_is_one_line() {
    fn one(text: Vec<u8>) -> bool {
        let lines = |line: Vec<u8>| line.iter().filter(|byte| **byte == b'\n').count();
        let one =
            |line: Result<Vec<u8>, Refusal>, count| line.map_or(true, |line| lines(line) == count);
        let dialect = Mpd::default();
        let listed = CommandList((text.as_slice(), Add(&text)));
        one(encode(&dialect, &text.as_slice()), 1) && one(encode(&dialect, &listed), 4)
    }
    check(one as fn(_) -> _);
}

/// Keys and values come out as they went in.
#[test]
fn fields_round_trip() {
    fn same(pairs: Vec<(String, String)>) -> bool {
        let key = |key: &str| format!("k{}", key.replace([':', '\n'], "-"));
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|pair| (key(&pair.0), pair.1.replace('\n', "-"))).collect();
        let lines: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let fields = Fields::try_from(done(lines)).unwrap();
        let firsts = pairs.iter().all(|(key, _)| {
            let all: Vec<&str> =
                pairs.iter().filter(|it| it.0 == *key).map(|it| it.1.as_str()).collect();
            fields.get_all(key).eq(all.iter().copied()) && fields.get(key) == all.first().copied()
        });
        let groups = pairs.first().map(|(first, _)| fields.clone().groups(&[first.as_str()]));
        let grouped: Vec<_> = groups.iter().flatten().flat_map(Fields::iter).collect();
        fields.len() == pairs.len()
            && fields.is_empty() == pairs.is_empty()
            && fields.iter().eq(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            && firsts
            && fields.iter().eq(grouped)
    }
    check(same as fn(_) -> _);
}
