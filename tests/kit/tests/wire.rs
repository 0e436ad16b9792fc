//! Faults on a wire without I/O: each is seen, in virtual time, and comes again with the same seed.

use std::time::Duration;

use bellwire_testkit::{Closing, Counts, Faults, Wire};

const ZERO: Duration = Duration::ZERO;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// What a wire gives: the pieces, each with when it came, and the end.
type Heard = (Vec<(Duration, Vec<u8>)>, Option<(Duration, Closing)>);

/// All that comes, for as long as something is due.
fn hear(wire: &mut Wire) -> Heard {
    let (mut now, mut pieces) = (ZERO, Vec::new());
    loop {
        wire.tick(now);
        while !wire.output().is_empty() {
            pieces.push((now, wire.output().to_vec()));
            wire.written(wire.output().len());
        }
        match wire.deadline() {
            Some(next) => now = next,
            None => return (pieces, wire.closing().map(|closing| (now, closing))),
        }
    }
}

fn bytes(heard: &Heard) -> Vec<u8> {
    heard.0.iter().flat_map(|(_, piece)| piece.clone()).collect()
}

/// Numbers, a line each.
fn lines(count: u32) -> Vec<u8> {
    (0..count).flat_map(|number| format!("{number}\r\n").into_bytes()).collect()
}

/// Everything that can go wrong at once, but for the ends.
fn trouble() -> Faults {
    Faults::none()
        .split(1..=9)
        .delay(ZERO..=ms(20))
        .duplicate(0.2)
        .stall(10..=200, Duration::from_secs(60))
}

#[test]
fn nothing_goes_wrong_unasked() {
    let mut wire = Wire::new(&Faults::none(), 7);
    wire.feed(b"one\r\n");
    assert_eq!(wire.output(), b"one\r\n");
    wire.written(2);
    // What comes at the same time may be heard at the same time.
    wire.feed(b"two\r\n");
    assert_eq!((wire.output(), wire.len()), (&b"e\r\ntwo\r\n"[..], 8));
    wire.written(100);
    assert!(wire.is_empty() && wire.closing().is_none());
    wire.feed_eof();
    assert_eq!((wire.closing(), wire.deadline()), (Some(Closing::Eof), None));
    let mut counts = Counts::default();
    counts.bytes = 10;
    assert_eq!(wire.counts(), counts);
}

#[test]
fn pieces_have_the_sizes_that_were_asked_for() {
    let mut wire = Wire::new(&Faults::none().split(2..=5), 7);
    let said = lines(1000);
    wire.feed(&said);
    let heard = hear(&mut wire);
    assert_eq!(bytes(&heard), said);
    let (last, pieces) = heard.0.split_last().unwrap();
    for size in 2..=5 {
        assert!(pieces.iter().any(|(_, piece)| piece.len() == size), "never {size} bytes");
    }
    assert!(pieces.iter().all(|(at, piece)| (2..=5).contains(&piece.len()) && *at == ZERO));
    assert!(last.1.len() <= 5);
    let cut = wire.counts().pieces as usize;
    assert!(cut == pieces.len() || cut == pieces.len() + 1, "{cut}, not {}", pieces.len());
}

/// An answer does not wait for more to come.
#[test]
fn a_piece_does_not_wait_for_its_rest() {
    let mut wire = Wire::new(&Faults::none().split(10..=10), 7);
    wire.feed(b"1\r\n");
    assert_eq!(wire.output(), b"1\r\n");
    wire.written(3);
    wire.feed(b"456902234");
    assert_eq!(wire.output(), b"4569022");
    wire.written(7);
    assert_eq!((wire.output(), wire.counts().pieces), (&b"34"[..], 1));
    // Pieces of nothing would be none.
    let mut wire = Wire::new(&Faults::none().split(0..=0), 7);
    wire.feed(b"12");
    assert_eq!(wire.output(), b"1");
}

#[test]
fn pieces_are_delayed() {
    let faults = Faults::none().split(4..=4).delay(ms(10)..=ms(30));
    let mut wire = Wire::new(&faults, 7);
    wire.feed(&lines(100));
    assert_eq!(wire.output(), b"");
    let heard = hear(&mut wire);
    assert_eq!(bytes(&heard), lines(100));
    let times: Vec<_> = heard.0.iter().map(|(at, _)| *at).collect();
    assert!(times.is_sorted() && times[0] >= ms(10) && times[times.len() - 1] <= ms(30));
    assert!(times.iter().collect::<std::collections::BTreeSet<_>>().len() > 2);
    assert_eq!(wire.counts().delays, times.len() as u64);
}

/// … or lines, which are delayed as wholes; each from when it was said.
#[test]
fn lines_are_delayed() {
    let mut wire = Wire::new(&Faults::none().delay(ms(10)..=ms(10)), 7);
    wire.feed(b"one\r\ntw");
    wire.tick(ms(5));
    wire.feed(b"o\r\n");
    assert_eq!((wire.output(), wire.deadline()), (&b""[..], Some(ms(10))));
    wire.tick(ms(10));
    assert_eq!(wire.output(), b"one\r\n");
    wire.written(5);
    assert_eq!(wire.output(), b"tw");
    wire.written(2);
    assert_eq!((wire.deadline(), wire.counts().delays), (Some(ms(15)), 2));
    wire.tick(ms(15));
    assert_eq!(wire.output(), b"o\r\n");
    // The end waits for its turn.
    wire.feed(b"three\r\n");
    wire.feed_eof();
    wire.written(3);
    assert_eq!((wire.closing(), wire.deadline()), (None, Some(ms(25))));
    wire.tick(ms(25));
    assert_eq!((wire.closing(), wire.output()), (None, &b"three\r\n"[..]));
    wire.written(7);
    assert_eq!(wire.closing(), Some(Closing::Eof));
}

#[test]
fn whole_lines_are_repeated() {
    for size in [1, 2, 1000] {
        let mut wire = Wire::new(&Faults::none().duplicate(1.0), 7);
        b"one\r\ntwo\r\nthr".chunks(size).for_each(|part| wire.feed(part));
        assert_eq!(bytes(&hear(&mut wire)), b"one\r\none\r\ntwo\r\ntwo\r\nthr");
        assert_eq!((wire.counts().duplicates, wire.counts().bytes), (2, 23));
    }
    let mut wire = Wire::new(&Faults::none().duplicate(0.3), 7);
    wire.feed(&lines(1000));
    let repeated = bytes(&hear(&mut wire)).split_inclusive(|byte| *byte == b'\n').count() - 1000;
    assert!((200..400).contains(&repeated), "{repeated}");
    assert_eq!(wire.counts().duplicates, repeated as u64);
}

#[test]
fn a_line_that_is_too_long_is_not_repeated() {
    let mut wire = Wire::new(&Faults::none().duplicate(1.0), 7);
    let long = [&[b'x'; 70_000][..], b"\n"].concat();
    long.chunks(1000).for_each(|part| wire.feed(part));
    wire.feed(b"short\n");
    assert_eq!(wire.counts().duplicates, 1);
    assert_eq!(bytes(&hear(&mut wire)), [&long[..], b"short\nshort\n"].concat());
}

#[test]
fn it_stalls_once() {
    let second = Duration::from_secs(1);
    let mut wire = Wire::new(&Faults::none().stall(4..=4, second), 7);
    wire.feed(b"1234");
    wire.tick(ms(500));
    assert_eq!((wire.output(), wire.counts().stalls), (&b"1234"[..], 0));
    wire.feed(b"56");
    wire.written(4);
    wire.tick(second);
    wire.feed(b"78");
    assert_eq!((wire.output(), wire.deadline()), (&b""[..], Some(ms(1500))));
    wire.tick(ms(1500));
    assert_eq!(wire.output(), b"5678");
    wire.written(4);
    wire.feed(b"9");
    assert_eq!((wire.output(), wire.counts().stalls), (&b"9"[..], 1));
    // For ever, with the end behind it.
    let mut wire = Wire::new(&Faults::none().stall(1..=1, Duration::MAX), 7);
    wire.feed(b"1");
    wire.feed_eof();
    wire.written(1);
    wire.tick(Duration::from_secs(1 << 40));
    assert_eq!((wire.closing(), wire.deadline()), (None, Some(Duration::MAX)));
}

#[test]
fn it_ends_behind_so_many_bytes() {
    let cases = [
        (Faults::none().half_close(5..=5), Closing::Eof),
        (Faults::none().reset(5..=5), Closing::Reset),
        // What comes first ends it.
        (Faults::none().reset(6..=6).half_close(5..=5), Closing::Eof),
        (Faults::none().reset(5..=5).half_close(6..=6), Closing::Reset),
    ];
    for (faults, closing) in cases {
        let mut wire = Wire::new(&faults, 7);
        wire.feed(b"123");
        wire.written(3);
        assert_eq!(wire.closing(), None);
        wire.feed(b"4567");
        assert_eq!((wire.output(), wire.closing()), (&b"45"[..], None));
        wire.written(2);
        assert_eq!(wire.closing(), Some(closing));
        // The rest is swallowed.
        wire.feed(b"8");
        wire.feed_eof();
        assert_eq!((wire.output(), wire.len(), wire.closing()), (&b""[..], 0, Some(closing)));
        let counts = wire.counts();
        let half = closing == Closing::Eof;
        assert_eq!((counts.half_closes, counts.resets), (u64::from(half), u64::from(!half)));
    }
    let wire = Wire::new(&Faults::none().reset(0..=0), 7);
    assert_eq!(wire.closing(), Some(Closing::Reset));
}

/// The place is counted in what is heard, so that a line may be cut in its repetition.
#[test]
fn it_ends_within_a_repeated_line() {
    let mut wire = Wire::new(&Faults::none().duplicate(1.0).half_close(8..=8), 7);
    wire.feed(b"one\r\ntwo\r\n");
    let heard = hear(&mut wire);
    assert_eq!((bytes(&heard), heard.1), (b"one\r\none".to_vec(), Some((ZERO, Closing::Eof))));
}

#[test]
fn a_reset_of_its_own_overtakes_what_is_under_way() {
    let mut wire = Wire::new(&Faults::none().delay(ms(10)..=ms(10)), 7);
    wire.feed(b"lost\r\n");
    wire.feed_reset();
    assert_eq!((wire.output(), wire.closing(), wire.len()), (&b""[..], Some(Closing::Reset), 0));
}

#[test]
fn the_same_seed_gives_the_same() {
    let said = lines(500);
    let run = |faults: &Faults, seed| {
        let mut wire = Wire::new(faults, seed);
        wire.feed(&said);
        wire.feed_eof();
        (hear(&mut wire), wire.counts())
    };
    let mut differ = 0;
    for seed in 0..20 {
        for faults in [trouble(), trouble().half_close(100..=3000), trouble().reset(100..=3000)] {
            let (heard, counts) = run(&faults, seed);
            assert_eq!(run(&faults, seed), (heard.clone(), counts));
            let (others, _) = run(&faults, seed + 1);
            differ += usize::from(bytes(&others) != bytes(&heard) && others.0 != heard.0);
        }
    }
    assert_eq!(differ, 60);
}

/// However what was said is split on its way to the wire, the same bytes come out, cut in the same places
/// and perhaps in others, and they end alike.
#[test]
fn how_it_is_fed_changes_no_byte() {
    let said = lines(300);
    for faults in [trouble(), trouble().half_close(100..=900), trouble().reset(100..=900)] {
        let run = |size: usize| {
            let mut wire = Wire::new(&faults, 7);
            said.chunks(size).for_each(|part| wire.feed(part));
            wire.feed_eof();
            (hear(&mut wire), wire.counts())
        };
        let (whole, counts) = run(usize::MAX);
        let closing = whole.1.unwrap().1;
        for size in [1, 2, 7, 100] {
            let (parts, again) = run(size);
            assert_eq!((bytes(&parts), parts.1.unwrap().1), (bytes(&whole), closing));
            assert_eq!(again, counts);
        }
    }
}

/// A fault does not change the chances of another.
#[test]
fn each_fault_has_chances_of_its_own() {
    let repeated = |faults: &Faults| {
        let mut wire = Wire::new(faults, 7);
        wire.feed(&lines(100));
        bytes(&hear(&mut wire))
    };
    let alone = repeated(&Faults::none().duplicate(0.2));
    assert_eq!(repeated(&trouble()), alone);
    assert_ne!(alone, lines(100));
}

/// Ranges that are empty mean where they begin, and probabilities beyond 1 are 1.
#[test]
fn nonsense_is_harmless() {
    #[expect(clippy::reversed_empty_ranges, reason = "what is tested")]
    let faults = Faults::none().split(9..=3).delay(ms(9)..=ms(3)).duplicate(7.0).reset(9..=3);
    let mut wire = Wire::new(&faults, 7);
    wire.feed(b"one\r\ntwo\r\n");
    let heard = hear(&mut wire);
    assert_eq!(heard.0, [(ms(9), b"one\r\none\r".to_vec())]);
    assert_eq!(heard.1, Some((ms(9), Closing::Reset)));
}
