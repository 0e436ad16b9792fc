//! What the RFCs have beyond what Dovecot was asked for, and what other servers make of it.

use bellwire::dialect::imap::response::{
    Address, Code, Condition, Mailbox, Set, State, Structure, Untagged, Words,
};
use bytes::Bytes;

use crate::{condition, fetch, parse, wrong};

#[test]
fn conditions_that_are_hardly_any() {
    for (response, state, code, text) in [
        (&b"* OK"[..], State::Ok, None, ""),
        (b"* ok ", State::Ok, None, ""),
        (b"* PREAUTH [ALERT]", State::PreAuth, Some(Code::Alert), ""),
        (b"* OK [ALERT]\xff\xc3\xa4", State::Ok, Some(Code::Alert), "\u{fffd}ä"),
        ("* NO [ALERT]ä".as_bytes(), State::No, Some(Code::Alert), "ä"),
        (b"* OK [ never closed", State::Ok, None, "[ never closed"),
        (
            b"* OK [HIGHESTMODSEQ 90060128194045007]",
            State::Ok,
            Some(Code::HighestModSeq(90_060_128_194_045_007)),
            "",
        ),
        (b"* NO [modified 7,9:8] no", State::No, Some(Code::Modified([7..=7, 8..=9].into())), "no"),
    ] {
        let told = condition(response);
        assert_eq!((told.state, told.code, &*told.text), (state, code, text));
    }
}

#[test]
fn codes_that_are_unknown_or_broken_are_kept() {
    for (code, name, arguments) in [
        ("[UIDNEXT x]", "UIDNEXT", "x"),
        ("[UIDNEXT 4294967296]", "UIDNEXT", "4294967296"),
        ("[UIDNEXT 1 2]", "UIDNEXT", "1 2"),
        ("[UIDNEXT]", "UIDNEXT", ""),
        ("[ALERT now]", "ALERT", "now"),
        ("[REFERRAL imap://a/b]", "REFERRAL", "imap://a/b"),
        ("[X \"a]b\"]", "X", "\"a]b\""),
        ("[BADCHARSET (\"]\" UTF-8)]", "BADCHARSET", "(\"]\" UTF-8)"),
        ("[APPENDUID 1 1:]", "APPENDUID", "1 1:"),
        ("[]", "", ""),
    ] {
        let told = condition(format!("* NO {code} text"));
        let (name, arguments) = (name.into(), Bytes::from(arguments));
        assert_eq!(told.code, Some(Code::Other { name, arguments }), "{code}");
        assert_eq!(told.text, "text");
    }
}

#[test]
fn a_flag_may_hold_a_bracket() {
    let told = condition("* OK [PERMANENTFLAGS (OIB-Seen-[Gmail]/All \\*)] Flags permitted.");
    let Some(Code::PermanentFlags(flags)) = told.code else { panic!("{told:?}") };
    assert!(flags.has("OIB-Seen-[Gmail]/All"));
    assert_eq!(told.text, "Flags permitted.");
}

#[test]
fn uids_of_copies() {
    let told = Condition::parse(b"OK [COPYUID 38505 304,319:320 3956:3958] Done").unwrap();
    let (from, to): (Set, Set) = ([304..=304, 319..=320].into(), [3956..=3958].into());
    assert_eq!(told.code, Some(Code::CopyUid { uid_validity: 38505, from, to }));
}

#[test]
fn found_with_and_without_mod_sequence() {
    for (response, numbers, mod_seq) in [
        ("* SEARCH", &[][..], None),
        ("* SEARCH ", &[], None),
        ("* search 2 3 ", &[2, 3], None),
        ("* SEARCH 2 (MODSEQ 917162500)", &[2], Some(917_162_500)),
    ] {
        let Untagged::Search(found) = parse(response) else { panic!("{response}") };
        assert_eq!((&*found.numbers, found.mod_seq), (numbers, mod_seq));
    }
    assert_eq!(wrong("* SEARCH 2 x").1, 11);
    assert_eq!(wrong("* SEARCH 2 (MODSEQ 1) 3").1, 22);
}

#[test]
fn extended_search() {
    let Untagged::Esearch(found) =
        parse("* ESEARCH (TAG a) MIN 1 MAX 9 COUNT 4 MODSEQ 5 PARTIAL (1:3 2,4) ALL 1:9")
    else {
        panic!()
    };
    assert_eq!((found.min, found.max, found.mod_seq), (Some(1), Some(9), Some(5)));
    assert_eq!((&*found.tag.unwrap(), found.count), (&b"a"[..], Some(4)));
    assert_eq!(found.others, [("PARTIAL".to_string(), Bytes::from("(1:3 2,4)"))]);
    assert_eq!((found.all, found.uid), ([1..=9].into(), false));
    let Untagged::Esearch(none) = parse("* ESEARCH UID") else { panic!() };
    assert_eq!((none.tag, none.uid, none.all.len()), (None, true, 0));
}

#[test]
fn status_of_any_mailbox() {
    let told = "* STATUS \"a \\\"b\\\" \\\\\" (SIZE 4294967296 DELETED 2 APPENDLIMIT NIL \
        HIGHESTMODSEQ 7 MAILBOXID (F2212ea87-6097) )";
    let Untagged::Status(status) = parse(told) else { panic!() };
    assert_eq!(status.mailbox, "a \"b\" \\");
    assert_eq!((status.size, status.deleted), (Some(1 << 32), Some(2)));
    let others = [("APPENDLIMIT", "NIL"), ("MAILBOXID", "(F2212ea87-6097)")];
    assert_eq!(status.others, others.map(|(name, value)| (name.into(), value.into())));

    let Untagged::Status(status) = parse(b"* STATUS {3}\r\n\xff(\xfe (MESSAGES 1)") else {
        panic!()
    };
    assert_eq!(status.mailbox, b"\xff(\xfe"[..]);
    let told = "* STATUS a (messages 1 RECENT 2 UIDNEXT 3 UIDVALIDITY 4 UNSEEN 5 DELETED 6 SIZE 7 HIGHESTMODSEQ 8)";
    let Untagged::Status(status) = parse(told) else { panic!() };
    assert_eq!((status.messages, status.recent, status.uid_next), (Some(1), Some(2), Some(3)));
    assert_eq!((status.uid_validity, status.unseen), (Some(4), Some(5)));
    assert_eq!((status.deleted, status.size, status.highest_mod_seq), (Some(6), Some(7), Some(8)));
    let Untagged::Status(status) = parse("* STATUS inbox ()") else { panic!() };
    assert_eq!(status.mailbox, "INBOX");
}

/// What is known of the mailbox that is selected.
#[test]
fn a_mailbox_hears_conditions() {
    let mut mailbox = Mailbox::default();
    let mut hear = |code: &str| {
        mailbox.hear(&parse(format!("* OK [{code}] x")));
        mailbox.clone()
    };
    assert!(!hear("READ-WRITE").read_only);
    assert!(hear("READ-ONLY").read_only);
    assert!(!hear("READ-WRITE").read_only);
    assert_eq!(hear("UNSEEN 1").unseen, Some(1));
    assert_eq!(hear("UIDVALIDITY 2").uid_validity, Some(2));
    assert_eq!(hear("UIDNEXT 3").uid_next, Some(3));
    assert_eq!(hear("HIGHESTMODSEQ 4").highest_mod_seq, Some(4));
    assert!(hear("PERMANENTFLAGS (a)").permanent_flags.unwrap().has("a"));
    assert_eq!(hear("CLOSED"), Mailbox::default());
}

#[test]
fn mailboxes_listed() {
    for (response, name, delimiter) in [
        ("* LIST (\\HasNoChildren) \".\" INBOX", "INBOX", Some(b'.')),
        ("* LIST () \"\\\\\" \"a\\\\b\"", "a\\b", Some(b'\\')),
        ("* LIST (\\Noselect) NIL NIL", "NIL", None),
        ("* LIST (\\Sent) \"/\" Entw&APw-rfe (CHILDINFO (SUBSCRIBED))", "Entw&APw-rfe", Some(b'/')),
        ("* LIST () \"/\" \"Entwürfe\"", "Entwürfe", Some(b'/')),
    ] {
        let Untagged::List(listed) = parse(response) else { panic!("{response}") };
        assert_eq!((&listed.name, listed.delimiter), (&Bytes::from(name), delimiter));
        assert_eq!(listed.extended.is_some(), response.contains("CHILDINFO"));
    }
    assert!(matches!(parse("* LSUB () \"/\" x"), Untagged::Lsub(_)));
    assert_eq!(wrong("* LIST () \"//\" x").1, 10);
}

#[test]
fn unknown_ones_are_kept() {
    for response in
        ["* NAMESPACE ((\"\" \"/\")) NIL NIL", "* 5 XYZ (", "* OKAY", "* (", "* ", "* )\"{"]
    {
        assert_eq!(parse(response), Untagged::Other(Bytes::from(response)));
    }
    assert!(
        matches!(parse("* ENABLED CONDSTORE"), Untagged::Enabled(words) if words.has("condstore"))
    );
    assert!(matches!(parse("* CAPABILITY IMAP4rev2"), Untagged::Capability(_)));
}

#[test]
fn every_item_of_a_message() {
    let message = fetch(
        &b"* 23 FETCH (FLAGS (\\Seen $Junk \xff) UID 4827313 INTERNALDATE \" 1-Jul-2026 02:44:25 +0000\" \
        RFC822.SIZE 4294967296 MODSEQ (624140003) RFC822.HEADER \"a\\\"b\" RFC822.TEXT NIL \
        BODY[HEADER.FIELDS (DATE \"X ]\")]<0> {3}\r\n\xff\r\n BINARY[1.2] ~{3}\r\n\0\0\0 BINARY.SIZE[1] 3 \
        PREVIEW \"A (\" SAVEDATE NIL X-GM-LABELS (\\Inbox \"a b\" (x)))"[..],
    );
    assert!(message.flags.as_ref().unwrap().has("$junk"));
    assert_eq!((message.seq, message.uid), (23, Some(4_827_313)));
    assert_eq!(message.internal_date.as_deref(), Some(" 1-Jul-2026 02:44:25 +0000"));
    assert_eq!((message.size, message.mod_seq), (Some(1 << 32), Some(624_140_003)));
    assert_eq!(message.section("RFC822.HEADER"), Some(&b"a\"b"[..]));
    assert_eq!((message.section("RFC822.TEXT"), message.section("BODY[]")), (None, None));
    assert_eq!(message.section("body[header.fields (date \"x ]\")]<0>"), Some(&b"\xff\r\n"[..]));
    assert_eq!(message.section("BINARY[1.2]"), Some(&b"\0\0\0"[..]));
    assert_eq!(message.other("BINARY.SIZE[1]"), Some(&b"3"[..]));
    assert_eq!(message.other("PREVIEW"), Some(&b"\"A (\""[..]));
    assert_eq!(message.other("x-gm-labels"), Some(&b"(\\Inbox \"a b\" (x))"[..]));
    assert!(message.structure().is_none());
}

#[test]
fn words() {
    let words: Words = ["a", "\\Seen"].map(str::to_owned).into_iter().collect();
    assert!(!words.is_empty() && words.has("A") && !words.has("Seen"));
    assert_eq!(words.iter().collect::<Vec<_>>(), ["a", "\\Seen"]);
    assert!(Words::default().is_empty());
}

/// A word may begin with a tilde; a literal's count ends the line with LF alone; a section does not go on
/// in the next line.
#[test]
fn odd_values_and_names() {
    let message = fetch("* 1 FETCH (X ~a BODY[] {3}\na\nb Y {1}\r\nz)");
    assert_eq!(message.other("X"), Some(&b"~a"[..]));
    assert_eq!(message.section("BODY[]"), Some(&b"a\nb"[..]));
    assert_eq!(message.other("Y"), Some(&b"{1}\r\nz"[..]));
    for end in ["\r\n", "\r", "\n"] {
        let (what, at) = wrong(format!("* 1 FETCH (BODY[A{end}B] NIL)"));
        assert_eq!((what, at), ("a section is not closed", 17));
    }
}

const ENVELOPE: &str = "* 1 FETCH (ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \
    \"IMAP4rev1 WG \\\"mtg\\\"\" ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
    ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) NIL ((NIL NIL \"people\" NIL)\
    (NIL NIL \"imap\" \"cac.washington.edu\")(NIL NIL NIL NIL)) \
    ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\") ({7}\r\nJ\\Klens NIL \"KLENSIN\" \"MIT.EDU\")) \
    NIL NIL \"<B27397-0100000@cac.washington.edu>\"))";

#[test]
fn an_envelope() {
    let envelope = fetch(ENVELOPE).envelope.unwrap();
    assert_eq!(envelope.date.as_deref(), Some("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)"));
    assert_eq!(envelope.subject.as_deref(), Some("IMAP4rev1 WG \"mtg\""));
    assert_eq!(envelope.from, envelope.sender);
    let shown =
        |addresses: &[Address]| -> Vec<_> { addresses.iter().map(Address::to_string).collect() };
    assert_eq!(shown(&envelope.from), ["Terry Gray <gray@cac.washington.edu>"]);
    assert_eq!(shown(&envelope.to), ["people:", "imap@cac.washington.edu", ";"]);
    assert_eq!(shown(&envelope.cc), ["minutes@CNRI.Reston.VA.US", "J\\Klens <KLENSIN@MIT.EDU>"]);
    assert_eq!((envelope.bcc.len(), envelope.in_reply_to), (0, None));
    assert_eq!(envelope.message_id.as_deref(), Some("<B27397-0100000@cac.washington.edu>"));
}

/// The subject, as a person sees it.
fn subject(raw: &[u8]) -> String {
    let literal = [format!("{{{}}}\r\n", raw.len()).as_bytes(), raw].concat();
    let nothing = b" NIL NIL NIL NIL NIL NIL NIL NIL))";
    fetch([b"* 1 FETCH (ENVELOPE (NIL ", &*literal, nothing].concat())
        .envelope
        .unwrap()
        .subject
        .unwrap()
}

#[test]
fn encoded_words() {
    for (raw, decoded) in [
        ("Gr=?utf-8?q?=C3=BC?=n", "Grün"),
        ("=?UTF-8?Q?J=C3=BCrgen?= x", "Jürgen x"),
        ("=?UTF-8?B?w7w=?= \r\n =?utf-8?q?_b?=", "ü b"),
        ("=?UTF-8?Q?a?=  and  =?UTF-8?Q?b?= ", "a  and  b "),
        ("(=?utf-8?q?a?==?utf-8?q?b?=)", "(ab)"),
        ("=?ISO-2022-JP?B?GyRCJCIbKEI=?=", "あ"),
        ("=?iso-8859-1*de?Q?=FC?=", "ü"),
        ("ü =?UTF-8?Q?=C3=BC?=", "ü ü"),
        ("Re: =? and ?= and =?", "Re: =? and ?= and =?"),
        ("=?UTF-8?B?####?= =?UTF-8?Q?a?=", "=?UTF-8?B?####?= a"),
        ("=?UTF-8?X?a?=", "=?UTF-8?X?a?="),
        ("=?UTF-8?Q?never", "=?UTF-8?Q?never"),
        ("=?UTF-8?Q?=FF?=", "\u{fffd}"),
        ("=?no-such?Q?=C3=BC?=", "ü"),
        ("=?UTF-8?Q??=", ""),
        ("", ""),
    ] {
        assert_eq!(subject(raw.as_bytes()), decoded, "{raw}");
    }
    assert_eq!(subject(b"tsch\xfc =?utf-8?q?=C3=BC?="), "tsch\u{fffd} ü");
}

#[test]
fn a_structure_with_a_forwarded_message() {
    let message = fetch(
        "* 1 FETCH (UID 1 BODYSTRUCTURE ((\"TEXT\" \"Plain\" (\"CHARSET\" \"utf-8\") NIL \
        \"=?utf-8?q?=C3=BC?=\" \"8bit\" 2279 48)(\"MESSAGE\" \"RFC822\" NIL \"<i>\" NIL \"7BIT\" 300 \
        (NIL \"Fwd\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"html\" NIL NIL NIL NIL 9 1) 12 NIL \
        (\"attachment\" (\"filename\" \"a \\\"b\\\".eml\"))) \"mixed\" (\"boundary\" \"=_\") NIL NIL))",
    );
    let structure = message.structure().unwrap().unwrap();
    assert_eq!(
        (&*structure.kind, structure.parameter("BOUNDARY")),
        ("multipart/mixed", Some("=_"))
    );
    let [text, forwarded] = &*structure.parts else { panic!("{structure:?}") };
    assert_eq!((&*text.kind, text.lines, text.size), ("text/plain", Some(48), Some(2279)));
    assert_eq!(text.description.as_deref(), Some("ü"));
    assert_eq!((&*forwarded.kind, forwarded.filename()), ("message/rfc822", Some("a \"b\".eml")));
    assert_eq!((forwarded.id.as_deref(), forwarded.lines), (Some("<i>"), Some(12)));
    let envelope = forwarded.envelope.as_ref().unwrap();
    assert_eq!(envelope.subject.as_deref(), Some("Fwd"));
    assert_eq!(forwarded.parts[0].encoding.as_deref(), Some("7bit"));

    let message = fetch("* 1 FETCH (BODY (\"a\" \"b\" NIL NIL NIL \"x\" 3) UID 1)");
    assert_eq!(message.structure().unwrap().unwrap().kind, "a/b");
    assert_eq!(message.uid, Some(1));
    let more = Structure::parse(b"(\"a\" \"b\" NIL NIL NIL \"x\" 3) 4").unwrap_err();
    assert_eq!((more.what, more.at), ("nothing more is expected", 28));
}

#[test]
fn a_broken_structure_spoils_nothing_else() {
    let message = fetch("* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" oops) UID 3)");
    assert_eq!(message.uid, Some(3));
    let error = message.structure().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "a BODYSTRUCTURE is expected, at byte 0: \"(\"text\" \"plain\" oops)\""
    );
}

/// Each code that has no arguments, in any case; with some, it is another one.
#[test]
fn codes_without_arguments() {
    for (name, code) in [
        ("ALERT", Code::Alert),
        ("ALREADYEXISTS", Code::AlreadyExists),
        ("AUTHENTICATIONFAILED", Code::AuthenticationFailed),
        ("AUTHORIZATIONFAILED", Code::AuthorizationFailed),
        ("CANNOT", Code::Cannot),
        ("CLIENTBUG", Code::ClientBug),
        ("CLOSED", Code::Closed),
        ("CONTACTADMIN", Code::ContactAdmin),
        ("CORRUPTION", Code::Corruption),
        ("EXPIRED", Code::Expired),
        ("INUSE", Code::InUse),
        ("LIMIT", Code::Limit),
        ("NOMODSEQ", Code::NoModSeq),
        ("NONEXISTENT", Code::NonExistent),
        ("NOPERM", Code::NoPerm),
        ("NOTIFICATIONOVERFLOW", Code::NotificationOverflow),
        ("OVERQUOTA", Code::OverQuota),
        ("PARSE", Code::Parse),
        ("PRIVACYREQUIRED", Code::PrivacyRequired),
        ("READ-ONLY", Code::ReadOnly),
        ("READ-WRITE", Code::ReadWrite),
        ("SERVERBUG", Code::ServerBug),
        ("TRYCREATE", Code::TryCreate),
        ("UIDNOTSTICKY", Code::UidNotSticky),
        ("UNAVAILABLE", Code::Unavailable),
    ] {
        for spelled in [name.to_owned(), name.to_lowercase()] {
            assert_eq!(condition(format!("* OK [{spelled}] x")).code, Some(code.clone()));
        }
        let other = condition(format!("* OK [{name} 1] x")).code;
        assert_eq!(other, Some(Code::Other { name: name.into(), arguments: "1".into() }));
    }
}

/// Each code that has.
#[test]
fn codes_with_arguments() {
    let words = |text: &str| match condition(text).code {
        Some(Code::Capability(words) | Code::PermanentFlags(words)) => {
            words.iter().collect::<Vec<_>>().join(" ")
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(words("* OK [CAPABILITY IMAP4rev1 IDLE] x"), "IMAP4rev1 IDLE");
    assert_eq!(words("* OK [PERMANENTFLAGS (a b)] x"), "a b");
    let (from, to) = ([1..=2, 5..=5].into(), [7..=9].into());
    let uids: Set = [10..=12].into();
    for (text, code) in [
        ("APPENDUID 3 10:12", Code::AppendUid { uid_validity: 3, uids: uids.clone() }),
        ("COPYUID 3 1:2,5 7:9", Code::CopyUid { uid_validity: 3, from, to }),
        ("HIGHESTMODSEQ 4", Code::HighestModSeq(4)),
        ("MODIFIED 10:12", Code::Modified(uids)),
        ("UIDNEXT 4", Code::UidNext(4)),
        ("UIDVALIDITY 4", Code::UidValidity(4)),
        ("UNSEEN 4", Code::Unseen(4)),
    ] {
        assert_eq!(condition(format!("* OK [{text}] x")).code, Some(code), "{text}");
    }
}

/// Brackets and parentheses that are quoted close nothing.
#[test]
fn where_a_code_ends() {
    for code in ["X \"]\" y", "X \"(]\" y", "X (\")\" ]) y", "X ([a] b) c", "X (a", "X a)"] {
        let told = condition(format!("* OK [{code}] text]"));
        let arguments = code[2..].to_owned().into();
        assert_eq!(told.code, Some(Code::Other { name: "X".into(), arguments }), "{code}");
        assert_eq!(told.text, "text]");
    }
}
