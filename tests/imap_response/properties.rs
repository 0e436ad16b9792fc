//! What is written is read back. Any bytes at all are tried in the room `split` of `bellwire-proof`.

use bellwire::dialect::imap::response::{MAX_NESTING, Structure, Untagged};
use quickcheck::{QuickCheck, Testable};

use crate::dovecot::LINES;
use crate::fetch;

fn check(tests: u64, property: impl Testable) {
    let asked = std::env::var("QUICKCHECK_TESTS").ok().and_then(|tests| tests.parse().ok());
    QuickCheck::new().tests(asked.unwrap_or(tests)).quickcheck(property);
}

/// Lines that are read without an error; fuzzing begins with them.
const MORE_LINES: &[&str] = &[
    "* ESEARCH (TAG \"a7\") UID COUNT 4 ALL 2,5:7",
    "* STATUS \"a \\\"b\\\"\" (SIZE 4294967296 X NIL)",
    "* LIST (\\Sent) \"/\" Entw&APw-rfe (CHILDINFO (SUBSCRIBED))",
    "* VANISHED (EARLIER) 41,43:116",
    "* SEARCH 2 3 (MODSEQ 5)",
    "* OK [COPYUID 38505 304,319:320 3956:3958] Done",
    "* 1 FETCH (ENVELOPE (\"d\" \"=?UTF-8?Q?a=C3=BC?= =?iso-2022-jp?B?GyRCJCIbKEI=?=\" ((\"n\" NIL \"m\" \"h\")) NIL NIL NIL NIL NIL NIL {3}\r\n<i>) BODY[1.MIME]<3> NIL)",
    "* 1 FETCH (BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 6 1)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 1 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"a\" \"b\" NIL NIL NIL \"7bit\" 1) 1) \"mixed\" NIL (\"inline\" NIL) (\"de\" \"en\") NIL (1 (NIL))))",
    "* 1 FETCH (UID 3 BINARY[1] ~{3}\r\n\0\"( INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 3 MODSEQ (3))",
];

#[test]
fn lines_are_read() {
    for line in LINES.iter().chain(MORE_LINES) {
        Untagged::parse(line.as_bytes()).unwrap();
    }
}

/// A decoder of a charset must bear any bytes.
#[test]
fn encoded_words_of_any_charset_are_read_without_a_panic() {
    fn property(charset: usize, base64: bool, bytes: Vec<u8>) {
        let charsets = [
            "utf-8",
            "utf-7",
            "utf-16",
            "utf-16le",
            "utf-16be",
            "iso-2022-jp",
            "shift_jis",
            "gb18030",
            "big5",
            "euc-kr",
            "koi8-r",
            "macintosh",
            "iso-8859-16",
            "windows-1252",
            "tis-620",
            "ibm850",
        ];
        let charset = charsets[charset % charsets.len()];
        let hex: String = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
        let text: String = bytes.iter().map(|byte| char::from(b'A' + byte % 26)).collect();
        let word = if base64 {
            format!("=?{charset}?B?{text}?=")
        } else {
            format!("=?{charset}?Q?{hex}?=")
        };
        let envelope = format!("(NIL \"{word}\" NIL NIL NIL NIL NIL NIL NIL NIL)");
        let message = fetch(format!("* 1 FETCH (ENVELOPE {envelope})"));
        assert!(message.envelope.unwrap().subject.is_some());
    }
    check(3000, property as fn(usize, bool, Vec<u8>));
}

/// How a server may write a string.
fn write(out: &mut Vec<u8>, text: &[u8], quoted: bool) {
    if quoted && !text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        out.push(b'"');
        for byte in text {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(format!("{{{}}}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
    }
}

#[test]
fn messages_are_read_back() {
    fn property(seq: u32, uid: u32, size: u64, quoted: bool, texts: Vec<Vec<u8>>) {
        let mut out = format!("* {seq} FETCH (").into_bytes();
        for (number, text) in texts.iter().enumerate() {
            out.extend_from_slice(format!("BODY[{number}] ").as_bytes());
            write(&mut out, text, quoted);
            out.push(b' ');
        }
        out.extend_from_slice(format!("UID {uid} ENVELOPE (").as_bytes());
        let subject = texts.first().map(Vec::as_slice).unwrap_or_default();
        write(&mut out, subject, quoted);
        out.extend_from_slice(b" NIL ((NIL NIL ");
        write(&mut out, subject, !quoted);
        out.extend_from_slice(b" \"h\")) NIL NIL NIL NIL NIL NIL NIL) ");
        out.extend_from_slice(format!("RFC822.SIZE {size})").as_bytes());

        let message = fetch(&out);
        assert_eq!((message.seq, message.uid, message.size), (seq, Some(uid), Some(size)));
        assert_eq!(message.sections.len(), texts.len());
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(message.section(&format!("BODY[{number}]")), Some(&**text));
        }
        let envelope = message.envelope.unwrap();
        let text = String::from_utf8_lossy(subject);
        assert_eq!(envelope.date.as_deref(), Some(&*text));
        assert_eq!(envelope.from[0].email().unwrap(), format!("{text}@h"));
        // Neither a shorter response is whole, nor a longer one.
        assert!(Untagged::parse(&out[..out.len() - 1]).is_err());
        out.push(b')');
        assert!(Untagged::parse(&out).is_err());
    }
    check(1000, property as fn(u32, u32, u64, bool, Vec<Vec<u8>>));
}

#[test]
fn mailboxes_are_read_back() {
    fn property(name: Vec<u8>, quoted: bool, messages: u32, delimiter: u8) {
        let known =
            if name.eq_ignore_ascii_case(b"inbox") { b"INBOX".to_vec() } else { name.clone() };
        let mut out = b"* STATUS ".to_vec();
        write(&mut out, &name, quoted);
        out.extend_from_slice(format!(" (MESSAGES {messages})").as_bytes());
        let Ok(Untagged::Status(status)) = Untagged::parse(&out) else { panic!("{out:?}") };
        assert_eq!((&*status.mailbox, status.messages), (&*known, Some(messages)));

        let mut out = b"* LIST (\\Marked) ".to_vec();
        write(&mut out, &[delimiter], true);
        out.push(b' ');
        write(&mut out, &name, quoted);
        let Ok(Untagged::List(listed)) = Untagged::parse(&out) else { panic!("{out:?}") };
        assert_eq!((&*listed.name, listed.delimiter), (&*known, Some(delimiter)));
    }
    check(1000, property as fn(Vec<u8>, bool, u32, u8));
}

#[test]
fn sets_are_read_back() {
    fn property(ranges: Vec<(u32, u32)>) {
        if ranges.is_empty() {
            return;
        }
        let written: Vec<_> = ranges.iter().map(|(a, b)| format!("{a}:{b}")).collect();
        let response = format!("* VANISHED {}", written.join(","));
        let Ok(Untagged::Vanished { earlier: false, uids }) = Untagged::parse(response.as_bytes())
        else {
            panic!("{response}")
        };
        let expected: Vec<_> = ranges.iter().map(|(a, b)| *a.min(b)..=*a.max(b)).collect();
        assert_eq!(uids, expected);
    }
    check(1000, property as fn(Vec<(u32, u32)>));
}

#[test]
fn structures_are_read_back() {
    fn nest(kinds: &[bool], name: &str) -> String {
        match kinds.split_first() {
            None => format!("(\"application\" \"x\" (\"name\" {name}) NIL NIL \"base64\" 5)"),
            Some((true, rest)) => format!("({}{} \"mixed\")", nest(&[], name), nest(rest, name)),
            Some((false, rest)) => format!(
                "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 1 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) {} 1)",
                nest(rest, name)
            ),
        }
    }
    fn property(mut kinds: Vec<bool>, name: String) {
        kinds.truncate(MAX_NESTING - 2);
        let mut written = Vec::new();
        write(&mut written, name.as_bytes(), true);
        let value = nest(&kinds, &String::from_utf8(written).unwrap());
        let mut structure = &Structure::parse(value.as_bytes()).unwrap();
        for multipart in kinds {
            let kind = if multipart { "multipart/mixed" } else { "message/rfc822" };
            assert_eq!(structure.kind, kind);
            structure = structure.parts.last().unwrap();
        }
        // A name may look like an encoded word, if rarely.
        assert!(structure.filename() == Some(&*name) || name.contains("=?"));
    }
    check(300, property as fn(Vec<bool>, String));
}
