//! Counted bytes within lines: cut beside a naive reference, whatever the bytes and the chunks.

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use std::cell::Cell;

use bellwire::Framing;
use bellwire::frame::{Counted, CountedAt};
use quickcheck::{Arbitrary, Gen, QuickCheck};

/// A line says with `#N` at its end how many bytes follow, and with `#!` that it is wrong.
fn count(text: &[u8]) -> Result<Option<usize>, &'static str> {
    let text = String::from_utf8_lossy(text);
    match text.rsplit_once('#') {
        Some((_, "!")) => Err("wrong"),
        Some((_, number)) => Ok(number.parse().ok()),
        None => Ok(None),
    }
}

/// What is told of the input: the text of a whole frame, or of a piece.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Frame(Vec<u8>),
    Piece(Vec<u8>, bool),
    Broken,
}

/// The reference: all at once, and from the beginning for each piece.
fn naive(mut input: &[u8], whole: usize) -> Vec<Told> {
    let mut told = Vec::new();
    let (mut left, mut in_pieces) = (0, false);
    loop {
        if left > 0 {
            let length = left.min(whole.max(1));
            if input.len() < length {
                return told;
            }
            told.push(Told::Piece(input[..length].to_vec(), false));
            (input, left) = (&input[length..], left - length);
            continue;
        }
        // The end of what is told next, and how many counted bytes follow it.
        let mut line = 0;
        let (body, end, next) = loop {
            let Some(lf) = input.get(line..).and_then(|text| text.iter().position(|b| *b == b'\n'))
            else {
                return told;
            };
            let end = line + lf + 1;
            let text = &input[line..end - 1];
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            match count(text) {
                Err(_) => {
                    told.push(Told::Broken);
                    return told;
                }
                Ok(None) => break (line + text.len(), end, None),
                Ok(Some(bytes)) if bytes == 0 || end + bytes <= whole => line = end + bytes,
                Ok(Some(bytes)) => break (end, end, Some(bytes)),
            }
        };
        let text = input[..body].to_vec();
        told.push(match next {
            Some(_) => Told::Piece(text, false),
            None if in_pieces => Told::Piece(text, true),
            None => Told::Frame(text),
        });
        in_pieces = next.is_some();
        (input, left) = (&input[end..], next.unwrap_or(0));
    }
}

/// The real one, fed in chunks as a machine does it.
#[derive(Default)]
struct Real {
    told: Vec<Told>,
    /// The bytes of the pieces and frames, their ends included.
    all: Vec<u8>,
    /// So many bytes were searched for a line end.
    searched: usize,
    /// So many bytes of lines were looked at for a count.
    looked: usize,
    /// The lines that were looked at, and what was said to stand before them.
    lines: Vec<(Vec<u8>, bool)>,
}

impl Real {
    fn new(input: &[u8], whole: usize, chunks: impl Iterator<Item = usize>) -> Self {
        let (mut framing, mut real) = (Counted::default(), Self::default());
        let (mut came, mut start, mut searched) = (0, 0, 0);
        for chunk in chunks {
            if came == input.len() {
                break;
            }
            came = input.len().min(came.saturating_add(chunk));
            while start < came {
                let (looked, lines) = (Cell::new(0), Cell::new(Vec::new()));
                let at = |at: CountedAt<'_>| {
                    looked.set(looked.get() + at.text.len());
                    let mut seen = lines.take();
                    seen.push((at.text.to_vec(), at.behind));
                    lines.set(seen);
                    count(at.text)
                };
                let framed = framing.frame(&input[start..came], searched, whole, at);
                real.looked += looked.get();
                real.lines.extend(lines.take());
                let (told, end) = match framed {
                    Framing::Frame { body, end } => {
                        (Told::Frame(input[start..start + body].to_vec()), end)
                    }
                    Framing::Piece { body, end, last } => {
                        (Told::Piece(input[start..start + body].to_vec(), last), end)
                    }
                    Framing::More { searched: more } => {
                        assert!(more >= came - start, "it would search again");
                        real.searched += more.min(came - start).saturating_sub(searched);
                        searched = more;
                        break;
                    }
                    Framing::Broken { .. } => {
                        real.told.push(Told::Broken);
                        return real;
                    }
                };
                real.searched += end.saturating_sub(searched);
                real.told.push(told);
                real.all.extend_from_slice(&input[start..start + end]);
                (start, searched) = (start + end, 0);
            }
        }
        real
    }
}

/// Bytes put together from what means something.
#[derive(Clone, Debug)]
struct Input(Vec<u8>);

impl Arbitrary for Input {
    fn arbitrary(g: &mut Gen) -> Self {
        const PARTS: [&str; 16] = [
            "\n",
            "\r\n",
            "\r\n",
            "\r\n",
            "\r",
            "#3\r\n",
            "#0\n",
            "#1\r\n",
            "#12\r\n",
            "#40\r\n",
            "#9\n",
            "#!\n",
            "abc",
            "x",
            "0123456789",
            "#",
        ];
        let parts: Vec<usize> = Vec::arbitrary(g);
        // What is wrong ends it all, so it is seldom.
        let parts = parts.iter().map(|at| PARTS[at % 16]).enumerate();
        Self(
            parts
                .filter(|(at, it)| *it != "#!\n" || at % 4 == 3)
                .flat_map(|(_, it)| it.bytes())
                .collect(),
        )
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(self.0.shrink().map(Self))
    }
}

/// G11, G12: the same as the reference tells, whatever the chunks. Nothing is lost: the pieces are the bytes.
#[test]
fn g11_counted_frames_are_as_in_the_reference() {
    fn property(input: Input, whole: u8, chunks: Vec<u8>) -> bool {
        let (input, whole) = (input.0, usize::from(whole % 48));
        let expected = naive(&input, whole);
        let chunks = chunks.iter().map(|chunk| usize::from(*chunk % 16)).chain([usize::MAX]);
        [Real::new(&input, whole, chunks), Real::new(&input, whole, std::iter::repeat(1))]
            .into_iter()
            .all(|real| real.told == expected && input.starts_with(&real.all))
    }
    let asked = std::env::var("QUICKCHECK_TESTS").ok().and_then(|tests| tests.parse().ok());
    QuickCheck::new().tests(asked.unwrap_or(5000)).quickcheck(property as fn(_, _, _) -> _);
}

/// G14: no byte is searched for a line end twice, each line is looked at for a count once, and counted bytes
/// are never looked at, whatever the chunks.
#[test]
fn g14_no_byte_is_searched_twice_beside_counted_ones() {
    let lines = [
        "a #5\r\n",
        "x\ny\nz",
        " b #0\r\n",
        " #30000\r\n",
        " c\r\n",
        "\r\n",
        "d #1\r\n",
        "\n",
        "\n",
    ];
    let mut input = lines.concat().into_bytes();
    let at = input.windows(8).position(|text| text == b"#30000\r\n").unwrap() + 8;
    input.splice(at..at, b"#7\r\n\n".repeat(6000));
    let input = input.repeat(3);
    let text: usize =
        lines.iter().map(|line| line.trim_end().len()).sum::<usize>() - "x\ny\nz".len();
    for whole in [0, 10, 4096, 100_000] {
        for chunk in [1, 2, 7, 4096, usize::MAX] {
            let real = Real::new(&input, whole, std::iter::repeat(chunk));
            assert_eq!(real.all, input, "{whole} whole, in chunks of {chunk}");
            assert_eq!(real.looked, 3 * text, "{whole} whole, in chunks of {chunk}");
            assert!(real.searched <= input.len(), "{whole} whole, in chunks of {chunk}");
        }
    }
}

/// Whether counted bytes of the same frame stand before a line is said of each line, in pieces or not.
#[test]
fn what_stands_before_a_line() {
    let input = b"a\r\nb #2\r\nxyc #3\r\nxyzd\r\ne\r\n";
    let expected = [("a", false), ("b #2", false), ("c #3", true), ("d", true), ("e", false)];
    for whole in [0, 10, 100] {
        let real = Real::new(input, whole, std::iter::repeat(3));
        let lines =
            real.lines.iter().map(|(text, behind)| (str::from_utf8(text).unwrap(), *behind));
        assert!(lines.eq(expected), "{whole} whole: {:?}", real.lines);
    }
}
