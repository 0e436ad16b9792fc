//! Tries cases that fuzzing has found once more, and shows those that fail as transcripts:
//! `cargo run -p bellwire-proof --example replay -- TARGET FILE...`

use std::{env, fs, process};

use bellwire_proof::targets::TARGETS;

fn main() {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else {
        eprintln!("usage: replay TARGET FILE...");
        TARGETS.iter().for_each(|(name, _)| eprintln!("  {name}"));
        process::exit(2);
    };
    for file in arguments {
        let case = fs::read(&file).unwrap_or_else(|why| panic!("{file}: {why}"));
        eprintln!("{file}");
        target(&case);
    }
}
