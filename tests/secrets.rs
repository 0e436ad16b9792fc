//! What a command marks as secret is in no log, trace, transcript or `Debug`: whatever the transport takes
//! at a time, and whatever state the client is in.
//!
//! `QUICKCHECK_TESTS=10000 cargo test --test secrets` tries more cases.

#![expect(clippy::needless_pass_by_value, reason = "quickcheck hands its cases over by value")]

use std::borrow::Cow;
use std::fmt::Debug;

use bellwire::dialect::imap::{Authenticate, Expect, Imap, Login};
use bellwire::transcript::{Recorder, Said, play};
use bellwire::{Answer, BadReply, Client, Command, Config, Encoder, Refusal, Transcript, command};
use quickcheck::QuickCheck;

mod common;
use common::{sent, told};

/// A password, and what of it must not be seen: raw, quoted, and in base64 at each of the three offsets.
const PASSWORD: &str = "s3cr3t\"s3cr3t";
const TRACES: [&str; 5] = ["s3cr", "cr3t", "czNjcjN0", "MzY3Izd", "zM2NyM3"];

fn assert_hidden(shown: &str, when: &str) {
    for trace in TRACES {
        assert!(!shown.contains(trace), "{trace} {when}: {shown}");
    }
}

fn private() -> Imap {
    let mut imap = Imap::default();
    imap.insecure = true;
    imap
}

/// A client whose server has greeted and offers this, with as many commands on the wire as there are.
fn offered(capabilities: &str) -> Client<Imap> {
    let mut config = Config::default();
    config.in_flight = usize::MAX;
    let mut client = Client::new(private(), config);
    client.feed(format!("* OK [CAPABILITY IMAP4rev1 {capabilities}]\r\n").as_bytes());
    told(&mut client);
    client
}

/// Every kind of secret, and commands without any.
#[derive(Clone, Copy, Debug)]
enum Given {
    Quoted,
    Literal,
    Plain,
    Xoauth2,
    Text,
    TextInLiterals,
    TextInLines,
    Noop,
    Message,
}

const ALL: [Given; 9] = [
    Given::Quoted,
    Given::Literal,
    Given::Plain,
    Given::Xoauth2,
    Given::Text,
    Given::TextInLiterals,
    Given::TextInLines,
    Given::Noop,
    Given::Message,
];

impl Given {
    /// The command as text, or what gives it as a value.
    fn with<T>(self, take: impl FnOnce(&dyn Encode) -> T) -> T {
        match self {
            Self::Quoted => take(&Login::new("test", PASSWORD)),
            Self::Literal => take(&Login::new("test", format!("{PASSWORD}ü"))),
            Self::Plain => take(&Authenticate::plain("test", PASSWORD)),
            Self::Xoauth2 => take(&Authenticate::xoauth2("test", PASSWORD)),
            Self::Text => take(&"LOGIN \"test\" s3cr3t"),
            Self::TextInLiterals => take(&"LOGIN {4}\r\ntest {6}\r\ns3cr3t"),
            Self::TextInLines => take(&"AUTHENTICATE PLAIN\r\nczNjcjN0\r\nczNjcjN0"),
            Self::Noop => take(&"NOOP"),
            Self::Message => take(&"APPEND INBOX {7}\r\n* hello"),
        }
    }

    fn give(self, client: &mut Client<Imap>) -> Result<(), Refusal> {
        self.with(|command| command.give(client))
    }

    fn redacted(self, client: &Client<Imap>) -> String {
        let shown = self.with(|command| command.redacted(client.dialect())).unwrap();
        String::from_utf8(shown).unwrap()
    }
}

/// A command of any type.
trait Encode {
    fn give(&self, client: &mut Client<Imap>) -> Result<(), Refusal>;
    fn redacted(&self, dialect: &Imap) -> Result<Vec<u8>, Refusal>;
}

impl<C: Command<Imap> + Debug + Clone> Encode for C {
    fn give(&self, client: &mut Client<Imap>) -> Result<(), Refusal> {
        client.command(self.clone()).map(drop).map_err(|refused| refused.why)
    }

    fn redacted(&self, dialect: &Imap) -> Result<Vec<u8>, Refusal> {
        command::redacted(dialect, self)
    }
}

/// The next line of a server that asks for all that it can be told, and then agrees.
fn answer(client: &mut Client<Imap>) {
    client.feed(b"+\r\n");
    told(client);
    let oldest = client.asking().next();
    if client.output().is_empty()
        && let Some(oldest) = oldest
    {
        client.feed(format!("A{} OK\r\n", oldest.number()).as_bytes());
        told(client);
    }
}

#[test]
fn what_logs_show() {
    let mut client = offered("");
    for (given, shown) in [
        (Given::Quoted, "LOGIN test \"***\"\r\n"),
        (Given::Literal, "LOGIN test {3}\r\n***\r\n"),
        (Given::Plain, "AUTHENTICATE PLAIN\r\n***\r\n*\r\n"),
        (Given::Xoauth2, "AUTHENTICATE XOAUTH2\r\n***\r\n\r\n"),
        (Given::Text, "LOGIN \"test\" ***\r\n"),
        (Given::TextInLiterals, "LOGIN {3}\r\n*** {3}\r\n***\r\n"),
        (Given::TextInLines, "AUTHENTICATE PLAIN\r\n***\r\n***\r\n"),
        (Given::Noop, "NOOP\r\n"),
        (Given::Message, "APPEND INBOX {7}\r\n* hello\r\n"),
    ] {
        assert_eq!(given.redacted(&client), shown, "{given:?}");
    }
    client = offered("SASL-IR LITERAL+");
    assert_eq!(Given::Plain.redacted(&client), "AUTHENTICATE PLAIN ***\r\n*\r\n");
    assert_eq!(Given::Literal.redacted(&client), "LOGIN test {3+}\r\n***\r\n");
    for (text, shown) in [
        ("login a b", "login a ***"),
        ("LOGIN a", "LOGIN ***"),
        ("LOGIN  a b", "LOGIN  ***"),
        ("LOGIN a  b ", "LOGIN a  ***"),
        ("LOGIN \"a b\" c", "LOGIN \"a b\" ***"),
        ("LOGIN \"a\\\"b\" c", "LOGIN \"a\\\"***"),
        ("LOGIN \"a b", "LOGIN ***"),
        ("LOGIN {1}\r\na b", "LOGIN {3}\r\n*** ***"),
        ("LOGIN", "LOGIN"),
        ("AUTHENTICATE X YQ==", "AUTHENTICATE X ***"),
        ("AUTHENTICATE X\r\nYQ==", "AUTHENTICATE X\r\n***"),
        ("AUTHENTICATE X YQ==\r\n\r\nYQ==", "AUTHENTICATE X ***\r\n\r\n***"),
        ("X LOGIN a b", "X LOGIN a b"),
    ] {
        let redacted = command::redacted(client.dialect(), &text).unwrap();
        assert_eq!(String::from_utf8(redacted).unwrap(), format!("{shown}\r\n"), "{text}");
    }
}

/// However much the transport takes at a time, and whatever is given between.
#[test]
fn whatever_the_transport_takes() {
    fn property(given: Vec<(u8, Vec<u8>)>, rest: Vec<u8>, literals: bool) -> bool {
        let mut client = offered(if literals { "LITERAL+ SASL-IR" } else { "" });
        let (mut shown, mut expected) = (String::new(), String::new());
        let mut take = |client: &mut Client<Imap>, count: usize| {
            let due = client.output().to_vec();
            let count = count.min(due.len());
            let part = client.redacted(count);
            shown.push_str(&String::from_utf8_lossy(&part));
            drop(part);
            assert_hidden(&String::from_utf8_lossy(&client.redacted(usize::MAX)), "in all");
            client.written(count);
        };
        for (number, (command, counts)) in given.iter().enumerate() {
            let command = ALL[usize::from(*command) % ALL.len()];
            expected += &format!("A{} {}", number + 1, command.redacted(&client));
            command.give(&mut client).unwrap();
            counts.iter().for_each(|count| take(&mut client, usize::from(*count % 8)));
        }
        let mut counts = rest.iter().map(|count| usize::from(*count % 32) + 1).cycle();
        while client.pending() > 0 {
            match client.output().is_empty() {
                true => answer(&mut client),
                false => take(&mut client, counts.next().unwrap_or(7)),
            }
        }
        assert_hidden(&shown, "in pieces");
        shown == expected
    }
    let asked = std::env::var("QUICKCHECK_TESTS").ok().and_then(|tests| tests.parse().ok());
    QuickCheck::new().tests(asked.unwrap_or(500)).quickcheck(property as fn(_, _, _) -> _);
}

/// The same for one command after the other, in three pieces, cut everywhere.
#[test]
fn cut_everywhere() {
    for given in ALL {
        let first = |client: &mut Client<Imap>| client.output().len();
        let mut client = offered("LITERAL+ SASL-IR");
        given.give(&mut client).unwrap();
        let length = first(&mut client);
        let whole = String::from_utf8(client.redacted(length).into_owned()).unwrap();
        for one in 0..=length {
            for two in one..=length {
                let mut client = offered("LITERAL+ SASL-IR");
                given.give(&mut client).unwrap();
                client.output();
                let mut shown = Vec::new();
                for count in [one, two - one, length - two] {
                    shown.extend_from_slice(&client.redacted(count));
                    client.written(count);
                }
                assert_eq!(String::from_utf8(shown).unwrap(), whole, "{given:?} at {one}, {two}");
            }
        }
    }
}

/// Where nothing is secret, nothing is changed, or even copied.
#[test]
fn nothing_secret() {
    let mut client = offered("LITERAL+");
    client.command("APPEND INBOX {7+}\r\n* hello").unwrap();
    client.command("NOOP").unwrap();
    let due = client.output().to_vec();
    for count in [0, 1, due.len() - 1, due.len(), due.len() + 1, usize::MAX] {
        let shown = client.redacted(count);
        assert!(matches!(shown, Cow::Borrowed(bytes) if bytes == &due[..count.min(due.len())]));
    }
    client.written(usize::MAX);
    assert!(client.redacted(usize::MAX).is_empty());
}

/// `Debug` of the client: with the secret spooled, due, half written, waiting for the server, answered,
/// abandoned, and when all is over.
#[test]
fn debug_of_the_client() {
    let hidden = |client: &Client<Imap>, when: &str| {
        assert_hidden(&format!("{client:?}"), when);
        assert_hidden(&format!("{client:#?}"), when);
        // Bytes are shown as numbers, too.
        assert!(!format!("{client:?}").contains("51, 99, 114"), "{when}: {client:?}");
    };
    for offer in ["", "LITERAL+ SASL-IR"] {
        for given in ALL {
            let mut client = offered(offer);
            given.give(&mut client).unwrap();
            given.give(&mut client).unwrap();
            hidden(&client, "spooled");
            while client.pending() > 1 {
                let due = client.output().len();
                hidden(&client, "due");
                client.written(due / 2);
                hidden(&client, "half written");
                sent(&mut client);
                hidden(&client, "written");
                answer(&mut client);
            }
            client.output();
            let ticket = client.asking().next().unwrap();
            client.abandon(ticket);
            hidden(&client, "abandoned");
            client.feed(b"what?\r\nA7 OK\r\n");
            hidden(&client, "told something else");
            client.feed_reset();
            hidden(&client, "lost");
            told(&mut client);
            hidden(&client, "over");
        }
    }
}

/// `Debug` and `Display` of commands, of what writes them, and of what is refused. What is given as text is
/// the caller's own, and handed back as it is: its `Display` says why, and no more.
#[test]
fn debug_of_commands() {
    fn hidden<C: Command<Imap> + Debug>(command: C) {
        assert_hidden(&format!("{command:?} {command:#?}"), "in Debug");
        let mut client = Client::new(Imap::default(), Config::default());
        let refused = client.command(command).unwrap_err();
        assert_eq!(refused.why, Refusal::Insecure);
        assert_hidden(&format!("{refused:?} {refused:#?} {refused}"), "in Refused");
    }
    hidden(Login::new("test", PASSWORD));
    hidden(Authenticate::plain("test", PASSWORD));
    hidden(Authenticate::xoauth2("test", PASSWORD));
    let mut client = Client::new(Imap::default(), Config::default());
    for text in ["LOGIN test s3cr3t", "LOGIN test s3cr3t\n", "LOGIN test s3cr3t {5}"] {
        let refused = client.command(text).unwrap_err();
        assert_eq!(refused.value, text);
        assert_hidden(&refused.to_string(), "in Display");
    }
}

/// Commands that hide in odd ways, and look at the encoder meanwhile.
#[derive(Clone, Debug)]
enum Odd {
    /// A secret within a secret.
    Nested,
    /// A secret in the middle of which the command waits for the server.
    Paused,
    /// No bytes at all.
    Empty,
}

impl Command<Imap> for Odd {
    type Reply = ();

    fn encode(&self, _: &Imap, line: &mut Encoder<'_>) -> Result<Expect, Refusal> {
        line.push(b"X ");
        line.secret("***", |line| {
            match self {
                Self::Nested => {
                    line.push(b"s3cr3t");
                    line.secret("???", |line| line.text(b"s3cr3t"))?;
                    line.secret("!!!", |line| line.text(b"s3cr3t"))?;
                }
                Self::Paused => {
                    line.push(b"s3cr3t {6}\r\n");
                    line.pause();
                    line.push(b"s3cr3t");
                }
                Self::Empty => {}
            }
            assert_hidden(&format!("{line:?}"), "in the encoder");
            Ok(())
        })?;
        line.end(b"\r\n");
        Ok(Expect::Reply)
    }

    fn decode(&self, answer: Answer) -> Result<(), BadReply> {
        answer.done().map(drop)
    }
}

#[test]
fn odd_secrets() {
    for odd in [Odd::Nested, Odd::Paused, Odd::Empty] {
        for cut in 0..30 {
            let mut client = offered("");
            client.command(odd.clone()).unwrap();
            client.command("NOOP").unwrap();
            let mut shown = Vec::new();
            while client.pending() > 0 {
                client.output();
                for count in [cut, 100] {
                    shown.extend_from_slice(&client.redacted(count));
                    client.written(count);
                }
                answer(&mut client);
            }
            let shown = String::from_utf8(shown).unwrap();
            assert_eq!(shown, "A1 X ***\r\nA2 NOOP\r\n", "{odd:?} cut at {cut}");
        }
    }
}

/// Records a session in which `given` are answered, as an adapter does.
fn record(mut client: Client<Imap>, greeting: &str, given: &[Given]) -> String {
    let mut recorder = Recorder::new("notif", false);
    let hear = |client: &mut Client<Imap>, recorder: &mut Recorder, line: &str| {
        recorder.server(&line.as_bytes().into());
        client.feed(line.as_bytes());
        told(client).iter().for_each(|event| recorder.event(event));
    };
    hear(&mut client, &mut recorder, greeting);
    for command in given {
        command.give(&mut client).unwrap();
        while client.pending() > 0 {
            let count = client.output().len();
            recorder.client(&Said::Bytes(client.redacted(count).into_owned()));
            client.written(count);
            let oldest = client.asking().next().unwrap().number();
            hear(&mut client, &mut recorder, "+\r\n");
            if client.output().is_empty() {
                hear(&mut client, &mut recorder, &format!("A{oldest} OK\r\n"));
            }
        }
    }
    recorder.take()
}

/// A transcript of what logs show is a session like the one that was recorded.
#[test]
fn redacted_transcripts_replay() {
    let plain = [Given::Quoted, Given::Text, Given::Literal, Given::TextInLiterals, Given::Message];
    for (offer, given) in [
        ("", &plain[..]),
        ("LITERAL+", &plain[..]),
        ("", &[Given::TextInLines, Given::Noop]),
        ("SASL-IR", &[Given::Noop]),
    ] {
        let client = Client::new(private(), Config::default());
        let greeting = format!("* OK [CAPABILITY IMAP4rev1 {offer}]\r\n");
        let recorded = record(client, &greeting, given);
        assert_hidden(&recorded, "recorded");
        let transcript: Transcript = recorded.parse().unwrap();
        let client = Client::new(private(), Config::default());
        play::client(&transcript, client, &mut |_| {})
            .unwrap_or_else(|why| panic!("{why}, in\n{recorded}"));
    }
}
