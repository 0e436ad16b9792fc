//! How fast bytes become events, beside the peers and beside the physical limit.
//!
//! `cargo bench --bench feed` ends with one line a size that compares the four in one run, taking
//! turns, so that a machine that speeds up or slows down does so for all.

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use bellwire::dialect::notif::Notif;
use bellwire::{Client, Config, Event};
use criterion::{BenchmarkId, Criterion, Throughput};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, LinesCodec};

const CHUNK: usize = 16 * 1024;
const STREAM: usize = 1024 * 1024;
const SIZES: [usize; 3] = [13, 42, 212];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for size in SIZES {
        compare(&mut criterion, size);
    }
    one_byte_chunks(&mut criterion);
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    for size in SIZES {
        summarise(size);
    }
    summarise_one_byte_chunks();
}

/// Lines of about `size` bytes: half notifications, half replies, in random order.
struct Stream {
    chunks: Vec<Vec<u8>>,
    /// How many replies begin in each chunk.
    replies: Vec<usize>,
}

impl Stream {
    fn new(size: usize) -> Self {
        let mut bytes = Vec::with_capacity(STREAM + size);
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        while bytes.len() < STREAM {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let start: &[u8] = if random & 1 == 0 { b"notif: " } else { b"4569022" };
            bytes.extend_from_slice(start);
            // Between 0 and 4 bytes around the size, so that no branch learns the length.
            let length = size - 2 + (random >> 8) as usize % 5;
            bytes.extend((start.len()..length).map(|at| b'0' + (at % 10) as u8));
            bytes.extend_from_slice(b"\r\n");
        }
        let mut replies = vec![0; bytes.len().div_ceil(CHUNK)];
        let mut start = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            replies[start / CHUNK] += usize::from(!line.starts_with(b"notif:"));
            start += line.len();
        }
        Self { chunks: bytes.chunks(CHUNK).map(<[u8]>::to_vec).collect(), replies }
    }

    fn len(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }
}

/// The physical limit: copy the chunk, find the line ends, slice.
fn limit(stream: &Stream) -> Duration {
    let mut buffer = Vec::with_capacity(CHUNK);
    let start = Instant::now();
    for chunk in &stream.chunks {
        buffer.clear();
        buffer.extend_from_slice(chunk);
        let mut line = 0;
        for lf in memchr::memchr_iter(b'\n', &buffer) {
            black_box(&buffer[line..lf]);
            line = lf + 1;
        }
    }
    start.elapsed()
}

/// Only feeding is timed; the commands that the replies answer are given between two chunks.
fn bellwire(stream: &Stream) -> Duration {
    let mut config = Config::default();
    config.in_flight = usize::MAX;
    config.limits.pending = usize::MAX;
    let mut client = Client::new(Notif::default(), config);
    let mut elapsed = Duration::ZERO;
    let mut owed = 0;
    for (chunk, replies) in stream.chunks.iter().zip(&stream.replies) {
        owed += replies;
        while owed > 0 {
            client.command("classified?").expect("commands are accepted");
            owed -= 1;
        }
        let due = client.output().len();
        client.written(due);
        let start = Instant::now();
        let mut events = client.feed(chunk);
        while let Some(event) = events.next().expect("the stream is proper") {
            match event {
                Event::Reply { reply, .. } => drop(black_box(reply.text)),
                Event::Notification(notification) => drop(black_box(notification.topic)),
                other => panic!("{other:?}"),
            }
        }
        elapsed += start.elapsed();
    }
    elapsed
}

fn lines_codec(stream: &Stream) -> Duration {
    let mut codec = LinesCodec::new();
    let mut buffer = BytesMut::with_capacity(2 * CHUNK);
    let start = Instant::now();
    for chunk in &stream.chunks {
        buffer.extend_from_slice(chunk);
        while let Some(line) = codec.decode(&mut buffer).expect("the stream is UTF-8") {
            black_box(line);
        }
    }
    start.elapsed()
}

fn read_until(stream: &Stream) -> Duration {
    let whole = stream.chunks.concat();
    let mut line = Vec::new();
    let start = Instant::now();
    let mut reader = BufReader::with_capacity(CHUNK, whole.as_slice());
    while reader.read_until(b'\n', &mut line).expect("memory can be read") > 0 {
        black_box(&line);
        line.clear();
    }
    start.elapsed()
}

type Contender = (&'static str, fn(&Stream) -> Duration);
const CONTENDERS: [Contender; 4] = [
    ("limit", limit),
    ("bellwire", bellwire),
    ("LinesCodec", lines_codec),
    ("read_until", read_until),
];

fn compare(criterion: &mut Criterion, size: usize) {
    let stream = Stream::new(size);
    let mut group = criterion.benchmark_group("feed");
    group.throughput(Throughput::Bytes(stream.len()));
    for (name, contender) in CONTENDERS {
        group.bench_with_input(BenchmarkId::new(name, size), &stream, |bencher, stream| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| contender(stream)).sum());
        });
    }
    group.finish();
}

/// The medians of rounds in which the contenders take turns.
fn medians<const N: usize>(rounds: usize, mut measure: impl FnMut(usize) -> Duration) -> [f64; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        for (contender, times) in times.iter_mut().enumerate() {
            times.push(measure(contender));
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    })
}

fn summarise(size: usize) {
    let stream = Stream::new(size);
    let [limit, bellwire, lines_codec, read_until] =
        medians(101, |contender| CONTENDERS[contender].1(&stream));
    println!(
        "{size} B: {:.1} x limit, {:.1} x LinesCodec, {:.1} x read_until",
        bellwire / limit,
        lines_codec / bellwire,
        read_until / bellwire
    );
}

/// One line of `length` bytes, byte by byte.
fn byte_by_byte(length: usize) -> Duration {
    let mut config = Config::default();
    config.limits.frame = usize::MAX - 1;
    let mut client = Client::new(Notif::default(), config);
    let start = Instant::now();
    for _ in 0..length {
        while client.feed(black_box(b"x")).next().expect("the line has no limit").is_some() {}
    }
    let end = client.feed(b"\n").next().map(|event| event.is_some());
    assert!(end.expect("the line is whole"));
    start.elapsed()
}

fn one_byte_chunks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("byte by byte");
    for length in [STREAM, 2 * STREAM] {
        group.throughput(Throughput::Bytes(length as u64));
        group.sample_size(10);
        group.bench_with_input(BenchmarkId::from_parameter(length), &length, |bencher, length| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| byte_by_byte(*length)).sum());
        });
    }
    group.finish();
}

fn summarise_one_byte_chunks() {
    let [one, two] = medians(9, |contender| byte_by_byte((contender + 1) * STREAM));
    println!("one line, byte by byte: 2 MiB take {:.2} x the time of 1 MiB", two / one);
}
