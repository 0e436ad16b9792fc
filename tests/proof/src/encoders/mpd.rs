//! MPD's encoders, beside its other end and a naive reader of its lines.

use arbitrary::Unstructured;
use bellwire::dialect::mpd::{Add, Ask, CommandList, Mpd, Password, SUBSYSTEMS, argument};
use bellwire::transcript::escape;
use bellwire::{Client, Command, Config, Event, Refusal, Reply, Server, ServerConfig, Status};

use super::{bytes, given, heard, one_line, served, some, taken, told};
use crate::cases::one_of;

/// Commands of MPD's, alone and in lists, and their answers, of any bytes.
pub fn mpd(data: &[u8]) {
    let u = &mut Unstructured::new(data);
    match u.int_in_range(0..=4).unwrap_or_default() {
        0 => {
            let members = some(u, 4, words);
            let asks = members.iter().map(|words| ask(words)).collect();
            let begin = [vec![b"command_list_ok_begin".to_vec()]];
            let end = [vec![b"command_list_end".to_vec()]];
            let lines = [&begin[..], &members, &end].concat();
            command(&CommandList::<Vec<Ask>>(asks), &lines);
        }
        1 => {
            let text = bytes(u);
            if let Some(line) = text_of(&text) {
                assert_eq!(escape(&line), escape(&[text, b"\n"].concat()), "another command");
                if !text.starts_with(b"command_list_ok_begin\n") {
                    one_line(&line);
                }
            }
            if text_of(&CommandList((text, Add(text)))).is_none() {
                assert!(text_of(&text).is_none() || text_of(&Add(text)).is_none());
            }
        }
        2 => {
            let secret = bytes(u);
            command(&Password(secret), &[vec![b"password".to_vec(), secret.to_vec()]]);
        }
        3 => answered(u),
        _ => {
            let words = words(u);
            command(&ask(&words), &[words]);
        }
    }
}

fn words(u: &mut Unstructured<'_>) -> Vec<Vec<u8>> {
    let name = one_of(u, &["find", "add", "readpicture", "sticker"]).into();
    let most = one_of(u, &[3, 70]);
    let mut words = some(u, most, |u| bytes(u).to_vec());
    words.insert(0, name);
    words
}

fn ask(words: &[Vec<u8>]) -> Ask {
    let name = String::from_utf8(words[0].clone()).expect("a name of ours");
    words[1..].iter().fold(Ask::new(name), Ask::arg)
}

/// The lines of this command are these words to a naive reader, and the commands among them to a server.
fn command(
    command: &(impl Command<Mpd> + Clone + PartialEq + std::fmt::Debug),
    lines: &[Vec<Vec<u8>>],
) {
    let forbidden = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    let at_all = lines.iter().flatten().flatten().any(forbidden);
    let mut client = greeted();
    let said = match given(&mut client, command) {
        Err(why) => {
            assert!(at_all && matches!(why, Refusal::Forbidden { .. }), "{why} in {lines:?}");
            return;
        }
        Ok(said) => said,
    };
    assert!(!at_all, "it could forge a frame: {}", escape(&said));
    let naive: Option<Vec<_>> = said.split_inclusive(|byte| *byte == b'\n').map(read).collect();
    assert_eq!(naive.as_deref(), Some(lines), "said: {}", escape(&said));

    let mut server = Server::new(Mpd::default(), ServerConfig::default());
    served(&mut server);
    server.feed(&said);
    let is_list = lines.len() > 1;
    let members = if is_list { &lines[1..lines.len() - 1] } else { lines };
    for words in members {
        let (ticket, text) = heard(&mut server).expect("each is heard");
        let Some(ticket) = ticket else {
            assert!(words.len() > 64, "rejected: {}", escape(&text));
            break;
        };
        let read = argument::words(&text).expect("it was not rejected");
        assert_eq!(read, *words, "heard: {}", escape(&text));
        server.reply(ticket, Reply::done("")).expect("it waits");
    }
    assert!(heard(&mut server).is_none(), "one command more: {}", escape(&said));
    let answer = told(&mut client, &served(&mut server));
    let ends = answer.iter().filter(|event| matches!(event, Event::Reply { .. })).count();
    assert!(ends == 1 && client.pending() == 0, "{answer:?} to {}", escape(&said));
}

/// What is said for this, if it is accepted; the machine's own words are not.
fn text_of(command: &(impl Command<Mpd> + Clone + PartialEq + std::fmt::Debug)) -> Option<Vec<u8>> {
    let said = given(&mut greeted(), command).ok()?;
    let mut lines = said.split_inclusive(|byte| *byte == b'\n').peekable();
    let is_list = said.starts_with(b"command_list_ok_begin\n");
    if is_list {
        lines.next();
    }
    while let Some(line) = lines.next() {
        let last = is_list && lines.peek().is_none();
        let first = line.split(|byte| *byte <= b' ').next().unwrap_or_default();
        let switches = [&b"idle"[..], b"noidle", b"close", b"command_list_begin"].contains(&first);
        assert!(line.ends_with(b"\n") && !switches, "said: {}", escape(&said));
        assert!(last == (line == b"command_list_end\n"), "said: {}", escape(&said));
    }
    Some(said)
}

/// What a line of a client's means to MPD, in the simplest way.
fn read(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut words, mut bytes) = (Vec::new(), line.strip_suffix(b"\n")?.iter().peekable());
    while bytes.next_if(|byte| **byte <= b' ').is_some() {}
    while let Some(first) = bytes.next() {
        let mut word = Vec::new();
        if *first == b'"' {
            loop {
                match bytes.next()? {
                    b'"' => break,
                    b'\\' => word.push(*bytes.next()?),
                    byte => word.push(*byte),
                }
            }
        } else {
            word.push(*first);
            while let Some(byte) = bytes.next_if(|byte| **byte > b' ') {
                word.push(*byte);
            }
        }
        words.push(word);
        while bytes.next_if(|byte| **byte <= b' ').is_some() {}
    }
    Some(words)
}

/// Any answer of a server's program is refused, or arrives as it is, for the command that it answers.
fn answered(u: &mut Unstructured<'_>) {
    let mut server = Server::new(Mpd::default(), ServerConfig::default());
    let mut client = greeted();
    served(&mut server);
    // No other answer holds counted bytes.
    let picture = given(&mut client, &"readpicture x 0").expect("a command");
    server.feed(&picture);
    let Some((Some(ticket), _)) = heard(&mut server) else { panic!("not heard") };
    let status = one_of(u, &[Status::Done, Status::Refused]);
    let topic = one_of(u, SUBSYSTEMS);
    let (text, news) = (bytes(u), bytes(u));

    let reply = Reply { status, text };
    if let Err(refused) = server.reply(ticket, reply) {
        assert_eq!(refused.value, reply, "not handed back");
        assert_eq!(escape(&served(&mut server)), "", "refused, and said all the same");
        server.reply(ticket, Reply::done(&b""[..])).expect("it still waits");
        told(&mut client, &served(&mut server));
    } else {
        let mut told = told(&mut client, &served(&mut server));
        let Some(Event::Reply { reply, .. }) = told.pop() else { panic!("no answer: {told:?}") };
        assert_eq!(reply.status, status, "{}", escape(text));
        let mut parts = Vec::new();
        for event in told {
            let Event::Part { text, .. } = event else { panic!("{event:?}: {}", escape(&parts)) };
            parts.extend_from_slice(&text);
            parts.push(b'\n');
        }
        match status {
            Status::Done => {
                // The last line, and the last counted bytes, may but need not have their ends.
                let ended = |ends| parts == [text, &b"\n\n"[..ends]].concat();
                assert!((0..3).any(ended), "{}: {}", escape(text), escape(&parts));
            }
            Status::Refused => assert!(parts.is_empty() && !reply.text.is_empty()),
        }
    }

    client.listen();
    server.feed(&taken(&mut client));
    while !matches!(server.events().next(), Ok(None)) {}
    for topic in [topic.as_bytes(), news] {
        match server.notify(topic) {
            Err(refused) => assert_eq!(refused.value, topic, "not handed back"),
            Ok(_) => assert!(SUBSYSTEMS.iter().any(|it| it.as_bytes() == topic)),
        }
    }
    let told = told(&mut client, &served(&mut server));
    let topics = told.iter().filter_map(|event| match event {
        Event::Notification(it) => Some(&*it.topic),
        _ => None,
    });
    let topics: Vec<_> = topics.collect();
    assert!(topics.contains(&topic.as_bytes()), "{topic} is not announced: {told:?}");
    let announced = |it: &&[u8]| *it == topic.as_bytes() || *it == news;
    assert!(topics.iter().all(announced), "{topic} is announced, and more: {told:?}");
}

fn greeted() -> Client<Mpd> {
    let mut client = Client::new(Mpd::default(), Config::default());
    told(&mut client, b"OK MPD 0.23.5\n");
    client
}
