//! Writes the transcripts of the tests as cases for each target of fuzzing:
//! `cargo run -p bellwire-proof --example seeds -- REPOSITORY DIRECTORY`
//!
//! A transcript in a test's source is as good as one in a file of its own, if it can be read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use bellwire::Transcript;
use bellwire::transcript::{Act, Said, What};

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(repository), Some(directory)) = (arguments.next(), arguments.next()) else {
        panic!("seeds REPOSITORY DIRECTORY");
    };
    let mut seeds = Seeds { directory: directory.into(), count: 0 };
    let mut files = Vec::new();
    for room in ["tests", "runtimes", "src"] {
        find(&Path::new(&repository).join(room), &mut files);
    }
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        let transcripts = match file.extension().and_then(OsStr::to_str) {
            Some("txt") => vec![text.clone()],
            _ => inline(&text),
        };
        transcripts.iter().for_each(|text| seeds.transcript(text));
        responses(&text).for_each(|response| seeds.write("imap_response", response.as_bytes()));
    }
    println!("{} cases in {}", seeds.count, seeds.directory.display());
}

fn find(room: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(room).expect("a directory") {
        let path = entry.expect("an entry").path();
        let kind = path.extension().and_then(OsStr::to_str);
        if path.is_dir() {
            find(&path, files);
        } else if matches!(kind, Some("txt" | "rs")) {
            files.push(path);
        }
    }
}

/// What looks like transcripts in a source: lines that begin like theirs, in strings.
fn inline(source: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for line in source.lines() {
        let line = line.trim_start().trim_end_matches("\",").trim_end_matches("\");");
        let marks = ["C:", "S:", "C|", "S|", "> ", "! ", ".. ", "= "];
        if marks.iter().any(|mark| line.starts_with(mark)) {
            let line = line.replace("\\\"", "\"").replace("\\\\", "\\");
            found.last_mut().expect("one at least").extend([&line, "\n"]);
        } else if !found.last().expect("one at least").is_empty() {
            found.push(String::new());
        }
    }
    found.retain(|text| !text.is_empty());
    found
}

/// What looks like IMAP's responses in a source.
fn responses(source: &str) -> impl Iterator<Item = String> {
    let strings = source.split('"').filter(|text| text.starts_with("* "));
    let lines = source.lines().filter_map(|line| line.trim_start().strip_prefix("\"* "));
    let lines = lines.map(|line| format!("* {}", line.trim_end_matches("\",")));
    let all = strings.map(str::to_owned).chain(lines);
    all.map(|text| text.replace("\\\"", "\"").replace("\\r\\n", "\r\n").replace("\\\\", "\\"))
}

/// What a server of MPD's says up to each end of an answer.
fn mpd_answers(transcript: &Transcript) -> Vec<Vec<u8>> {
    let mut answers = vec![Vec::new()];
    for step in &transcript.steps {
        let What::Server(Said::Bytes(bytes)) = &step.what else { continue };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line {
                b"OK\n" => answers.push(Vec::new()),
                _ => answers.last_mut().expect("one at least").extend_from_slice(line),
            }
        }
    }
    answers.retain(|answer| !answer.is_empty());
    answers
}

struct Seeds {
    directory: PathBuf,
    count: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, case: &[u8]) {
        self.count += 1;
        let directory = self.directory.join(target);
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join(format!("{:04}", self.count)), case).expect("written");
    }

    fn transcript(&mut self, text: &str) {
        // A test may play it on a dialect of which it says nothing.
        let mpd = text.contains("OK MPD") || text.contains("C: idle\n");
        let text = match text.contains("= newline") || !mpd {
            true => text.to_owned(),
            false => format!("= dialect mpd\n= newline lf\n{text}"),
        };
        let Ok(transcript) = text.parse::<Transcript>() else { return };
        self.write("transcripts", text.as_bytes());
        let dialect = dialect(&transcript);
        // The settings of these targets: so many bytes, of which each 0 is a default.
        let settings = match dialect {
            "notif" => 10,
            _ => 9,
        };
        self.write(&format!("{dialect}_client_split"), &case(settings, &client(&transcript)));
        if dialect != "imap" {
            self.write(
                &format!("{dialect}_server_split"),
                &case(settings - 2, &server(&transcript)),
            );
        }
        if dialect == "mpd" {
            mpd_answers(&transcript).iter().for_each(|answer| self.write("mpd_response", answer));
        }
        for step in &transcript.steps {
            if let What::Client(Said::Bytes(bytes)) = &step.what {
                let text = bytes.trim_ascii_end();
                self.write(&format!("{dialect}_encoder"), &[&[0; 3][..], text].concat());
            }
        }
    }
}

/// Which protocol this is, if it does not say so.
fn dialect(transcript: &Transcript) -> &'static str {
    let named = transcript.setting("dialect");
    let said = transcript.steps.iter().map(|step| match &step.what {
        What::Client(Said::Bytes(bytes)) | What::Server(Said::Bytes(bytes)) => bytes.as_slice(),
        _ => &[],
    });
    let tagged = |bytes: &[u8]| bytes.starts_with(b"* ") || bytes.starts_with(b"A1 ");
    match named {
        Some("imap") => "imap",
        Some("mpd") => "mpd",
        None if said.into_iter().any(tagged) => "imap",
        _ => "notif",
    }
}

/// Settings, where to cut, and a script, as the room `split` reads them.
fn case(settings: usize, script: &[u8]) -> Vec<u8> {
    [&vec![0; settings], &[2, 0, 6, 0][..], script].concat()
}

/// A script for a client.
fn client(transcript: &Transcript) -> Vec<u8> {
    let mut script = Vec::new();
    for step in &transcript.steps {
        let text: &[u8] = match &step.what {
            What::Server(Said::Bytes(bytes)) => {
                script.extend_from_slice(bytes);
                continue;
            }
            What::Client(Said::Bytes(bytes)) => match bytes.trim_ascii_end() {
                b"notif" | b"_notif_" | b"idle" => b"l",
                b"stop_notif" | b"_stop_notif_" | b"_stop_notify_" | b"noidle" | b"DONE" => b"u",
                text if text.ends_with(b" IDLE") => b"l",
                text => {
                    // The tag is the machine's.
                    let text = match text.iter().position(|byte| *byte == b' ') {
                        Some(at) if text[0] == b'A' => &text[at + 1..],
                        _ => text,
                    };
                    script.extend([&[0xff, b'c'], text, &[0xff, b'w']].concat());
                    continue;
                }
            },
            What::Server(Said::Eof) => b"E",
            What::Server(Said::Reset) => b"R",
            What::Client(_) | What::Taken(_) => continue,
            What::Passed(_) => b"6",
            What::Act(act) => match act {
                Act::Command(text) | Act::Within(_, text) => &[b"c", text.as_slice()].concat(),
                Act::Opening(text) => &[b"Q", text.as_slice()].concat(),
                Act::Abandon(_) => b"a",
                Act::Listen => b"l",
                Act::Unlisten => b"u",
                Act::Decide => b"o",
                Act::Open => b"O",
                Act::Opened => b"P",
                Act::Secured => b"S",
                Act::Upgrade => b"U",
                _ => continue,
            },
        };
        script.extend([&[0xff], text, &[0xff, b'w']].concat());
    }
    script
}

/// A script for a server.
fn server(transcript: &Transcript) -> Vec<u8> {
    let mut script = Vec::new();
    for step in &transcript.steps {
        let text: &[u8] = match &step.what {
            What::Client(Said::Bytes(bytes)) => {
                script.extend_from_slice(bytes);
                continue;
            }
            What::Client(Said::Eof) => b"E",
            What::Client(Said::Reset) => b"R",
            What::Server(Said::Bytes(bytes)) => match bytes.trim_ascii_end() {
                text if text.starts_with(b"notif: ") => &[b"n", &text[7..]].concat(),
                text if text.starts_with(b"changed: ") => &[b"n", &text[9..]].concat(),
                text => &[b"r", text].concat(),
            },
            What::Passed(_) => b"6",
            What::Act(Act::Reply(_, text)) => &[b"r", text.as_slice()].concat(),
            What::Act(Act::Refuse(_, text)) => &[b"f", text.as_slice()].concat(),
            What::Act(Act::Notify(text)) => &[b"n", text.as_slice()].concat(),
            What::Act(Act::Retract(text)) => &[b"t", text.as_slice()].concat(),
            _ => continue,
        };
        script.extend([&[0xff], text, &[0xff, b'w']].concat());
    }
    script
}
