//! Broken syntax is told with its place; hostile syntax costs no stack and no quadratic time.

use std::thread;

use bellwire::dialect::imap::response::{MAX_NESTING, Structure, Untagged};

use crate::{fetch, parse, wrong};

#[test]
fn broken_syntax_says_what_and_where() {
    for (response, what, at) in [
        ("", "no asterisk and blank at the beginning", 0),
        ("*", "no asterisk and blank at the beginning", 0),
        ("a1 OK x", "no asterisk and blank at the beginning", 0),
        ("* 4294967296 EXISTS", "a number of 32 bits is expected", 2),
        ("* 1 EXISTS 2", "nothing more is expected", 11),
        ("* 1 FETCH", "a list is expected", 9),
        ("* 1 FETCH (UID 1", "a list is not closed", 16),
        ("* 1 FETCH (UID 1) x", "nothing more is expected", 18),
        ("* 1 FETCH (UID -1)", "a number is expected, not larger than its kind may be", 15),
        ("* 1 FETCH (UID +1)", "a number is expected, not larger than its kind may be", 15),
        ("* 1 FETCH (UID)", "a number is expected, not larger than its kind may be", 14),
        ("* 1 FETCH (FLAGS \\Seen)", "a list is expected", 17),
        ("* 1 FETCH (FLAGS (\"a\"))", "a word is expected", 18),
        ("* 1 FETCH (\"a\" 1)", "the name of an item is expected", 11),
        ("* 1 FETCH (BODY[ {3}\r\n", "a literal is shorter than it says", 17),
        ("* 1 FETCH (BODY[TEXT", "a section is not closed", 20),
        ("* 1 FETCH (BODY[] {5}\r\nabcd", "a literal is shorter than it says", 18),
        ("* 1 FETCH (BODY[] {18446744073709551616}\r\n)", "a literal is shorter than it says", 18),
        ("* 1 FETCH (BODY[] {}\r\n)", "a literal is shorter than it says", 18),
        ("* 1 FETCH (BODY[] {5)", "a literal does not begin with {COUNT} and a line end", 18),
        ("* 1 FETCH (BODY[] x)", "a string or NIL is expected", 18),
        ("* 1 FETCH (BODY[] \"x)", "a quote is not closed", 18),
        ("* 1 FETCH (BODY[] \"x\r\n\")", "a line ends within quotes", 20),
        ("* 1 FETCH (X ((a)", "a list is not closed", 13),
        ("* 1 FETCH (ENVELOPE (NIL))", "an ENVELOPE is expected", 20),
        ("* 1 FETCH (ENVELOPE NIL)", "a list is expected", 20),
        ("* 1 FETCH (MODSEQ (1 2))", "one number is expected", 21),
        ("* STATUS INBOX", "a list is expected", 14),
        ("* STATUS (INBOX) ()", "a string is expected, not a list", 9),
        ("* VANISHED 1,,2", "a set of numbers is expected", 11),
        ("* VANISHED (LATER) 1", "only (EARLIER) may stand before the UIDs", 18),
        ("* CAPABILITY (IDLE)", "a word is expected", 13),
    ] {
        assert_eq!(wrong(response), (what, at), "{response}");
    }
}

/// What reads ENVELOPE and BODYSTRUCTURE goes on behind what it cannot read, and would panic at that; the
/// name of an attachment, which anybody may have chosen, is enough.
#[test]
fn what_the_reader_of_lists_cannot_bear_is_an_error() {
    for value in [
        "(() INTERNALDATE NIL)",
        "((\"text\" \"plain\" (\"name\" \"a) internaldate nil\")))",
        "({23}\r\na) INTERNALDATE NIL)...)",
    ] {
        let error = Structure::parse(value.as_bytes()).unwrap_err();
        assert_eq!(
            (error.what, error.at),
            ("it holds INTERNALDATE NIL, which cannot be read here", 0)
        );
        let message = fetch(format!("* 1 FETCH (BODYSTRUCTURE {value} UID 7)"));
        assert!(matches!(message.structure(), Some(Err(_))) && message.uid == Some(7), "{value}");
        let what = wrong(format!("* 1 FETCH (ENVELOPE {value})")).0;
        assert_eq!(what, "it holds INTERNALDATE NIL, which cannot be read here");
    }
    // An item of its own is no harm.
    assert_eq!(fetch("* 1 FETCH (INTERNALDATE NIL UID 7)").uid, Some(7));
}

/// So is what it would recurse into, which hides in a string behind something that it cannot read.
#[test]
fn a_structure_within_a_string_costs_no_stack() {
    on_a_small_stack(|| {
        for (open, close) in [("(x \"a) ", "\")"), ("(x \"a ", "\")"), ("(x {100007}\r\na) ", ")")]
        {
            let hostile = format!("({open}bodyStructure {}{close})", "(".repeat(99_990));
            let (what, at) = wrong(format!("* 1 FETCH (ENVELOPE {hostile})"));
            let cannot = "it holds BODYSTRUCTURE and many lists, which cannot be read here";
            assert_eq!((what, at), (cannot, 20), "{open}");
            let message = fetch(format!("* 1 FETCH (BODYSTRUCTURE {hostile} UID 7)"));
            assert_eq!(message.uid, Some(7));
            assert_eq!(message.structure().unwrap().unwrap_err().what, cannot);
        }
    });
}

/// As deep as lists may be nested elsewhere, they may be there: it is not read, and nothing happens.
#[test]
fn a_shallow_structure_within_a_string_is_no_trap() {
    for (deep, what) in [
        (15, "an ENVELOPE is expected"),
        (16, "it holds BODYSTRUCTURE and many lists, which cannot be read here"),
    ] {
        let hostile = format!("((x \"a) BODYSTRUCTURE ({}\"))", "(".repeat(deep));
        assert_eq!(wrong(format!("* 1 FETCH (ENVELOPE {hostile})")).0, what);
    }
}

/// Anybody may write a mail about what the reader of lists cannot bear, and it is read like others: where all
/// can be read, nothing is misread.
#[test]
fn mails_about_it_are_read() {
    let nested = format!("a) BODYSTRUCTURE {} and bodystructure (", "(".repeat(99));
    for text in ["internaldate nil", "a) INTERNALDATE NIL, INTERNALDATE NIL", &nested] {
        for string in [format!("\"{text}\""), format!("{{{}}}\r\n{text}", text.len())] {
            let header = format!("(NIL {string} NIL NIL NIL NIL NIL NIL NIL {string})");
            let envelope = fetch(format!("* 1 FETCH (ENVELOPE {header} UID 7)")).envelope.unwrap();
            assert_eq!(envelope.subject.as_deref(), Some(text));
            assert_eq!(envelope.message_id.as_deref(), Some(text));

            let attached = format!("(\"text\" \"plain\" (\"name\" {string}) NIL NIL \"7bit\" 1 1)");
            let structure = Structure::parse(attached.as_bytes()).unwrap();
            assert_eq!(structure.filename(), Some(text));
        }
    }
    // Words that are no string are of no use to anybody.
    assert_eq!(
        wrong("* 1 FETCH (ENVELOPE (NIL INTERNALDATE NIL NIL NIL NIL NIL NIL NIL NIL))").0,
        "it holds INTERNALDATE NIL, which cannot be read here"
    );
}

/// Runs on half the stack that a thread gets by default.
fn on_a_small_stack(what: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(1 << 20).spawn(what).unwrap().join().unwrap();
}

const TEXT: &str = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)";
const FORWARDED: &str =
    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 1 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ";

/// A structure that is nested so deep, of each kind that nests.
fn nested(depth: usize) -> [String; 3] {
    let around = |before: &str, core: &str, after: &str| {
        format!("{}{core}{}", before.repeat(depth - 1), after.repeat(depth - 1))
    };
    [
        around("(", TEXT, " \"mixed\")"),
        around(FORWARDED, TEXT, " 1)"),
        format!("{} NIL NIL NIL NIL {})", &TEXT[..TEXT.len() - 1], around("(", "1", ")")),
    ]
}

#[test]
fn nesting_is_read_up_to_the_limit() {
    on_a_small_stack(|| {
        for value in nested(MAX_NESTING) {
            Structure::parse(value.as_bytes()).unwrap();
        }
        for value in nested(MAX_NESTING + 2) {
            let error = Structure::parse(value.as_bytes()).unwrap_err();
            assert_eq!(error.what, "lists are nested too deeply");
        }
    });
}

#[test]
fn parentheses_in_strings_are_no_nesting() {
    let (open, close) = ("(".repeat(99), ")".repeat(99));
    let harmless = format!("(\"text\" \"{open}\" NIL {{99}}\r\n{open} NIL \"7bit\" 1 1)");
    Structure::parse(harmless.as_bytes()).unwrap();
    on_a_small_stack(move || {
        let hostile = format!("(\"{close}\" ").repeat(9999);
        Structure::parse(format!("{hostile}{}", ")".repeat(9999)).as_bytes()).unwrap_err();
        let hostile = format!("{{99}}\r\n{close}(").repeat(9999);
        Structure::parse(format!("({hostile}{}", ")".repeat(9999)).as_bytes()).unwrap_err();
    });
}

#[test]
fn lists_without_end_cost_no_stack() {
    on_a_small_stack(|| {
        let deep = format!("{}{}", "(".repeat(1 << 20), ")".repeat(1 << 20));
        for name in ["BODYSTRUCTURE", "BODY", "X"] {
            let message = fetch(format!("* 1 FETCH ({name} {deep} UID 7)"));
            assert_eq!(message.uid, Some(7));
            assert!(!matches!(message.structure(), Some(Ok(_))));
        }
        wrong(format!("* 1 FETCH (ENVELOPE {deep})"));
        wrong(format!("* 1 FETCH (X {})", &deep[..1 << 20]));
        assert!(matches!(parse(format!("* NO [X {deep}] x")), Untagged::Condition(_)));
    });
}

/// With quadratic time, this would take hours.
#[test]
fn long_lists_take_linear_time() {
    const MANY: usize = 100_000;
    let many = |piece: &str| piece.repeat(MANY);

    let addresses = many("(\"a\\\"\" NIL \"b\" \"c\")");
    let envelope = format!("(NIL NIL ({addresses}) NIL NIL NIL NIL NIL NIL NIL)");
    let message = fetch(format!("* 1 FETCH (ENVELOPE {envelope})"));
    assert_eq!(message.envelope.unwrap().from.len(), MANY);
    wrong(format!("* 1 FETCH (ENVELOPE (NIL NIL ({addresses} oops) NIL))"));

    let parts = format!("({} \"mixed\")", many(TEXT));
    assert_eq!(Structure::parse(parts.as_bytes()).unwrap().parts.len(), MANY);
    Structure::parse(format!("({} oops)", many(TEXT)).as_bytes()).unwrap_err();

    let sections = fetch(format!("* 1 FETCH ({})", many("BODY[1] {1}\r\na ")));
    assert_eq!(sections.sections.len(), MANY);
    for open in ["BODY[\"a\"", "BODY[", "\"", "{1}\r\n(", "[", "~{"] {
        let _ = Untagged::parse(format!("* 1 FETCH ({}", many(open)).as_bytes());
        let _ = Untagged::parse(format!("* OK [{}", many(open)).as_bytes());
    }
    parse(format!("* SEARCH {}", many("4294967295 ")));
    parse(format!("* VANISHED 1{}", many(",1:4294967295")));
    parse(format!("* OK [APPENDUID 1 1{}] x", many(",9")));
}

/// Each beginning might go on to the end of the text.
#[test]
fn beginnings_of_encoded_words_take_linear_time() {
    for beginning in ["=?", "=?ab", "=?ab?q?a ", "=?ab?b?aa", "=?ab*"] {
        let text = beginning.repeat(100_000);
        let envelope =
            format!("(NIL {{{}}}\r\n{text} NIL NIL NIL NIL NIL NIL NIL NIL)", text.len());
        let message = fetch(format!("* 1 FETCH (ENVELOPE {envelope})"));
        assert!(message.envelope.unwrap().subject == Some(text), "{beginning}");
    }
}
