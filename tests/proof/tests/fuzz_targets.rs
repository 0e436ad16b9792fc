//! What fuzzing tries, on any toolchain: each target with the cases that it has found, and with as many at
//! random. `QUICKCHECK_TESTS=10000 cargo test -p bellwire-proof --test fuzz_targets` tries more.
//!
//! A case that fails is shown as a transcript where it is one, and kept; `fuzz/README.md` says how it becomes
//! a test.

use std::panic::{catch_unwind, resume_unwind};
use std::path::Path;
use std::{env, fs};

use bellwire::transcript::escape;
use bellwire_proof::targets::{TARGETS, Target};
use quickcheck::{Arbitrary, Gen};

macro_rules! targets {
    ($($name:ident)*) => {
        $(mod $name {
            #[test]
            fn replays() {
                super::replay(stringify!($name));
            }

            #[test]
            fn at_random() {
                super::random(stringify!($name));
            }
        })*

        /// Each target is here, and in `fuzz/`.
        #[test]
        fn all_targets() {
            let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
            let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
            let mut bins: Vec<_> =
                manifest.split("[[bin]]\nname = \"").skip(1).filter_map(|bin| bin.split('"').next()).collect();
            bins.sort_unstable();
            assert_eq!(names, bins);
        }
    };
}

targets! {
    imap_client_operations
    imap_client_split
    imap_encoder
    imap_response
    mpd_back_to_back
    mpd_client_operations
    mpd_client_split
    mpd_encoder
    mpd_response
    mpd_server_operations
    mpd_server_split
    notif_back_to_back
    notif_client_operations
    notif_client_split
    notif_encoder
    notif_server_operations
    notif_server_split
    transcripts
}

fn fuzz(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(path)
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name").1
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(fuzz("corpus").join(name)).expect("a corpus in fuzz/corpus");
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10, "no corpus: {name}");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn replay(name: &str) {
    corpus(name).iter().for_each(|case| tried(name, case));
}

/// A case that fails is kept where fuzzing keeps its findings: what came by chance does not come again.
fn tried(name: &str, case: &[u8]) {
    let target = target(name);
    let Err(panic) = catch_unwind(|| target(case)) else { return };
    let kept = fuzz("artifacts").join(name);
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("by-test"), case).unwrap();
    eprintln!("the case is in fuzz/artifacts/{name}/by-test: {}", escape(case));
    resume_unwind(panic);
}

/// What was found, mixed, and with words of the dictionary put in.
fn random(name: &str) {
    let (corpus, words) = (corpus(name), dictionary(name));
    let tests = env::var("QUICKCHECK_TESTS").ok().and_then(|tests| tests.parse().ok());
    let g = &mut Gen::new(30);
    for _ in 0..tests.unwrap_or(500) {
        let mut case = g.choose(&corpus).unwrap().clone();
        for _ in 0..u8::arbitrary(g) % 8 {
            let at = usize::arbitrary(g) % (case.len() + 1);
            let to = (at + usize::arbitrary(g) % 16).min(case.len());
            let other = g.choose(&corpus).unwrap();
            match u8::arbitrary(g) % 6 {
                0 => drop(case.drain(at..to)),
                1 => drop(case.splice(at..to, other.iter().copied())),
                2 => drop(case.splice(at..at, Vec::arbitrary(g))),
                _ => drop(case.splice(at..at, g.choose(&words).unwrap().iter().copied())),
            }
        }
        tried(name, &case);
    }
}

/// The words of a target's dictionary: `"notif: OK\x0d\x0a"`, one in each line.
fn dictionary(name: &str) -> Vec<Vec<u8>> {
    let dialect = name.split('_').next().unwrap_or_default().trim_end_matches('s');
    let words = fs::read_to_string(fuzz(&format!("dictionaries/{dialect}.dict"))).unwrap();
    let words = words.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    words.map(unescaped).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some((plain, behind)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (digits, skipped) = match behind.as_bytes() {
            [b'x', ..] => (&behind[1..3], 3),
            _ => ("", 1),
        };
        match u8::from_str_radix(digits, 16) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(&behind.as_bytes()[..1]),
        }
        rest = &behind[skipped..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[test]
fn dictionaries_are_read() {
    assert_eq!(unescaped(r#"a\x0d\x0a\"\\b"#), b"a\r\n\"\\b");
}
