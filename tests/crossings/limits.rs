//! Limits (G12), one test each, and abandoned commands (G3). Limits of a reply's parts are in
//! `mpd.rs`, as notif's replies have none.

use bellwire::dialect::notif::{Notif, Random};
use bellwire::mode::Phase;
use bellwire::{
    Error, LimitKind, Notify, Refusal, Reply, Server, ServerConfig, ServerEvent, Ticket,
};

use crate::common::{client, plain, sent, server};
use crate::within;

fn serving(change: impl FnOnce(&mut ServerConfig)) -> Server<Notif> {
    let mut config = ServerConfig::default();
    change(&mut config);
    Server::new(Notif::default(), config)
}

/// Lets the client enter the mode, or leave it.
fn switch(server: &mut Server<Notif>, line: &[u8]) {
    server.feed(line);
    assert_eq!(taken(server), []);
    assert_eq!(server.output(), b"OK\r\n");
    server.written(4);
}

/// The tickets of the commands that the server takes.
fn taken(server: &mut Server<Notif>) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    let mut events = server.events();
    while let Some(event) = events.next().unwrap() {
        if let ServerEvent::Command { ticket, .. } = event {
            tickets.push(ticket);
        }
    }
    tickets
}

/// G12: what the server says in one line. Just as long as allowed is allowed, with either line end.
#[test]
fn limit_of_a_frame() {
    let fits = "= frame 8
        C: size?
        S: 12345678
        > reply 1 12345678
        C: size?
        S: 12345678\\n\\
        > reply 2 12345678";
    client(fits);
    let too_long = "= frame 8
        C: size?
        S: 123456789
        > unanswered 1 the connection ended
        > error: the peer sent more than the limit of 8 bytes in a frame allows: \"12345678\"";
    client(too_long);
    // One that never ends costs no more.
    let mut client = plain(|config| config.limits.frame = 8);
    let mut fed = 0;
    let error = loop {
        fed += 1;
        if let Err(error) = client.feed(b"1").next() {
            break error;
        }
    };
    assert!(matches!(error, Error::Limit { limit: LimitKind::Frame, allowed: 8, .. }), "{error}");
    assert_eq!(fed, 10); // one may have been the CR of an end
}

/// G12: what a client says in one line, without its end.
#[test]
fn limit_of_a_command() {
    let mut client = plain(|config| config.limits.frame = 7);
    client.command("random?").unwrap();
    let refused = client.command("random??").unwrap_err();
    assert_eq!((refused.value, refused.why), ("random??", Refusal::TooLong { allowed: 7 }));
    assert_eq!(sent(&mut client), "random?\r\n");
}

/// G12, G13: what a server says in one line, without its end.
#[test]
fn limit_of_a_reply_and_of_a_topic() {
    let session = "= frame 16
        C: random?
        > command 1 random?
        ! reply 1 0123456789abcdefg
        > refused: it is longer than 16 bytes
        ! notify 0123456789
        > refused: it is longer than 16 bytes
        ! notify 012345678
        > held 012345678
        ! reply 1 0123456789abcdef
        S: 0123456789abcdef";
    server(session);
}

/// G12: commands given and not answered.
#[test]
fn limit_of_pending_commands() {
    let session = "= pending 2
        ! command random?
        ! command random?
        ! command random?
        > refused: too much is waiting already (limit 2); try again later
        C: random?
        S: 1
        > reply 1 1
        ! command random?
        C: random?
        S: 2
        > reply 2 2
        C: random?
        S: 3
        > reply 3 3";
    client(session);
}

/// G12: bytes given and not taken by the transport.
#[test]
fn limit_of_output() {
    let mut client = plain(|config| {
        config.limits.output = 20;
        config.in_flight = 8;
    });
    client.command(Random).unwrap();
    assert_eq!(client.output().len(), 9);
    client.command(Random).unwrap();
    client.command(Random).unwrap();
    let refused = client.command(Random).unwrap_err();
    assert_eq!(refused.why, Refusal::Full { allowed: 20 });
    sent(&mut client);
    client.command(Random).unwrap();
}

/// Of the commands that wait, those count that have not been moved to the output, and no other byte.
#[test]
fn limit_of_output_behind_what_was_sent() {
    let mut client = plain(|config| config.limits.output = 40);
    for _ in 0..4 {
        client.command("random?").unwrap();
    }
    assert_eq!(sent(&mut client), "random?\r\n");
    client.command("random?").unwrap();
    client.command("random?").unwrap();
    assert_eq!(client.command("random?").unwrap_err().why, Refusal::Full { allowed: 40 });
}

/// G3: a command that is taken back leaves those around it as they are, also behind what was sent.
#[test]
fn taken_back_from_the_middle() {
    let mut client = plain(|_| {});
    let tickets =
        ["first", "second", "third", "fourth", "fifth"].map(|text| client.command(text).unwrap());
    assert_eq!(sent(&mut client), "first\r\n");
    client.abandon(tickets[2]);
    for text in ["second\r\n", "fourth\r\n", "fifth\r\n", ""] {
        client.feed(b"1\r\n");
        while client.events().next().unwrap().is_some() {}
        assert_eq!(sent(&mut client), text);
    }
}

/// G12, G26: commands that a client sends and the server has not answered. More are not taken; nothing
/// is lost.
#[test]
fn limit_of_pending_commands_at_the_server() {
    let mut server = serving(|config| config.limits.pending = 2);
    server.feed(&b"random?\r\n".repeat(5));
    let first = taken(&mut server);
    assert_eq!((first.len(), server.wants_input()), (2, false));
    server.reply(first[0], Reply::done("1")).unwrap();
    assert_eq!((taken(&mut server).len(), server.wants_input()), (1, false));
    server.reply(first[1], Reply::done("2")).unwrap();
    assert_eq!(taken(&mut server).len(), 1);
    assert_eq!(server.output(), b"1\r\n2\r\n");
}

/// G12, G25: a client that asks and does not read the answers costs a bounded amount.
#[test]
fn limit_of_output_at_the_server() {
    let mut server = serving(|config| config.limits.output = 84 * 12);
    let mut answers = 0;
    for _ in 0..1000 {
        server.feed(b"random?\r\n");
        for ticket in taken(&mut server) {
            server.reply(ticket, Reply::done("0123456789")).unwrap();
            answers += 1;
        }
    }
    assert_eq!(answers, 84); // of 12 bytes each
    assert!(!server.wants_input());
    assert_eq!(server.output().len(), 84 * 12);
    server.written(84 * 12);
    assert!(server.wants_input());
    assert_eq!(taken(&mut server).len(), 64);

    // Answers that waited for the one before them go out one after the other.
    let mut server = serving(|config| config.limits.output = 12);
    server.feed(&b"random?\r\n".repeat(5));
    for ticket in taken(&mut server).into_iter().rev() {
        server.reply(ticket, Reply::done("0123456789")).unwrap();
    }
    for _ in 0..5 {
        assert_eq!(server.output().len(), 12);
        server.written(12);
    }
    assert_eq!(server.output(), b"");
}

/// G12, G25: per topic at most one notification waits, and there are so many topics at most.
#[test]
fn limit_of_waiting_notifications() {
    let mut server = serving(|config| config.limits.topics = 100);
    switch(&mut server, b"notif\r\n");
    for round in 0..10 {
        for topic in 0..100 {
            let how = server.notify(format!("topic {topic}")).unwrap();
            assert_eq!(how, if round == 0 { Notify::Queued } else { Notify::Merged });
        }
    }
    let refused = server.notify("one more").unwrap_err();
    assert_eq!((refused.value, refused.why), ("one more", Refusal::Full { allowed: 100 }));
    // The client reads at last: each topic once, and what was new meanwhile is not lost.
    let mut told = Vec::new();
    loop {
        let due = server.output().to_vec();
        if due.is_empty() {
            break;
        }
        server.written(due.len());
        told.extend(due);
    }
    assert_eq!(told.iter().filter(|byte| **byte == b'\n').count(), 100);
}

/// What nobody has asked for is kept, whether it was told or not; what was read makes room.
#[test]
fn limit_of_topics() {
    let mut server = serving(|config| config.limits.topics = 3);
    switch(&mut server, b"notif\r\n");
    server.notify("told").unwrap();
    let due = server.output().len();
    server.written(due);
    switch(&mut server, b"stop_notif\r\n");
    assert_eq!(server.notify("held"), Ok(Notify::Held));
    assert_eq!(server.notify("read"), Ok(Notify::Held));
    assert_eq!(server.notify("more").unwrap_err().why, Refusal::Full { allowed: 3 });
    server.retract("read");
    assert_eq!(server.notify("more"), Ok(Notify::Held));
    assert_eq!(server.notify("read").unwrap_err().why, Refusal::Full { allowed: 3 });
    for topic in ["told", "held", "more"] {
        assert_eq!(server.notify(topic), Ok(Notify::Merged));
    }
}

/// G12: each reply of a server's for itself, to the byte.
#[test]
fn limit_of_a_servers_reply() {
    let mut server = serving(|config| config.limits.reply = 12);
    server.feed(&b"random?\r\n".repeat(3));
    let tickets = taken(&mut server);
    server.reply(tickets[0], Reply::done("0123456789")).unwrap();
    server.reply(tickets[1], Reply::done("0123456789")).unwrap();
    let refused = server.reply(tickets[2], Reply::done("0123456789a")).unwrap_err();
    assert_eq!(refused.why, Refusal::TooLong { allowed: 12 });
    server.reply(tickets[2], Reply::done("")).unwrap();
    assert_eq!(server.output(), b"0123456789\r\n0123456789\r\n\r\n");
}

/// G25: notifications wait with their topics when 512 bytes wait for the transport.
#[test]
fn notifications_wait_with_their_topics() {
    let mut server = serving(|_| {});
    switch(&mut server, b"notif\r\n");
    let long = "a".repeat(512 - "notif: \r\n".len());
    server.notify(&long).unwrap();
    server.notify("b").unwrap();
    assert_eq!(server.output().len(), 512);
    server.written(1);
    assert_eq!(server.output().len(), 511 + "notif: b\r\n".len());
}

/// G13: also where others are known.
#[test]
fn a_topic_that_forges() {
    let mut server = serving(|_| {});
    server.notify("random").unwrap();
    assert!(matches!(server.notify("a\nb").unwrap_err().why, Refusal::Forbidden { .. }));
}

/// Topics take turns: one that is always new does not keep others away.
#[test]
fn a_busy_topic() {
    let mut server = serving(|_| {});
    switch(&mut server, b"notif\r\n");
    let topics = ["a", "b", "c"].map(|letter| letter.repeat(300));
    topics.iter().for_each(|topic| assert_eq!(server.notify(topic), Ok(Notify::Queued)));
    let mut order = String::new();
    for _ in 0..3 {
        let due = server.output().to_vec();
        server.written(due.len());
        let lines = due.split(|byte| *byte == b'\n').filter_map(|line| line.get(7));
        order.extend(lines.map(|byte| char::from(*byte)));
        assert_eq!(server.notify(&topics[1]), Ok(Notify::Queued));
    }
    assert_eq!(order, "abcbb");
}

/// G3: replies to abandoned commands stay away, and too many are awaited: past the bound nobody knows
/// whose the next reply is. The client says so, and never guesses.
#[test]
fn desynchronised_past_the_bound() {
    let session = "= held 2
        = in-flight 8
        C: random?
        C: random?
        C: random?
        C: random?
        ! abandon 1
        > held 1
        ! abandon 2
        > held 2
        S: 1
        > late 1 1
        ! abandon 3
        > held 3
        ! abandon 4
        > held 4
        > error: desynchronised: 3 abandoned commands still wait for their replies
        S: 2";
    client(session);
}

/// G1, G3: the same after some time, with outcomes for those that wait.
#[test]
fn desynchronised_after_some_time() {
    let session = "= held-for 60s
        = in-flight 2
        ! command random?
        ! command random?
        ! command random?
        C: random?
        C: random?
        .. 10s
        ! abandon 1
        > held 1
        .. 59s
        S: notif: random
        > notification random
        .. 1s
        > unanswered 2 the connection ended
        > never-sent 3 the connection ended
        > error: desynchronised: 1 abandoned commands still wait for their replies";
    client(session);
}

/// G3: a reply that is late, and not too late, sets all right again.
#[test]
fn held_reply_comes_in_time() {
    let session = "= held-for 60s
        = held 1
        C: random?
        ! abandon 1
        > held 1
        .. 59s
        S: 1
        > late 1 1
        .. 59s
        C: random?
        ! abandon 2
        > held 2
        .. 59s
        S: error: none left
        > late 2 error: none left";
    client(session);
}

/// G3: with ids no reply is ever shifted: the client is never desynchronised, neither past the bound
/// nor after some time, and abandoned commands do not keep others waiting.
#[test]
fn never_desynchronised_with_ids() {
    let session = "= ids
        = held 2
        = held-for 60s
        C: #1 random?
        ! abandon 1
        > held 1
        C: #2 random?
        ! abandon 2
        > held 2
        C: #3 random?
        ! abandon 3
        > held 3
        S: #2 2
        > late 2 2
        .. 60s
        .. 1h
        C: #4 random?
        S: #4 4
        > reply 4 4";
    client(session);
}

/// G3: a reply to a command that was given up long ago is still nobody's, and no fault of the server's.
#[test]
fn forgotten_replies_with_ids_are_late() {
    let session = "= ids
        = held-for 60s
        = unsolicited fatal
        C: #1 random?
        ! abandon 1
        > held 1
        .. 60s
        S: #1 1
        > late 1 1
        C: #2 random?
        S: #2 2
        > reply 2 2";
    client(session);
}

/// G3: in the mode, where the abandoned command rides behind the leave.
#[test]
fn abandoned_while_the_mode_is_switched() {
    let session = "= in-flight 8
        = held 1
        ! command random?
        C: stop_notif
        C: random?
        ! abandon 1
        > held 1
        S: notif: random
        S| OK
        > notification random
        > not listening
        C: notif
        S: 1
        S| OK
        > late 1 1
        > listening";
    within(Phase::On, session);
}

/// G12: the largest limit that can be set is none, and everything goes on as it does without.
#[test]
fn no_limits_at_all() {
    let most = usize::MAX;
    let unlimited = ["frame", "pending", "output", "parts", "largest-reply", "held", "topics"]
        .map(|limit| format!("= {limit} {most}\n"))
        .concat();
    let folder = std::path::Path::new("tests/transcripts/notif");
    for (ends, on_client, on_server) in
        [("client", true, false), ("server", false, true), ("both", true, true)]
    {
        for file in folder.join(ends).read_dir().unwrap() {
            let session = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let session = format!("{unlimited}{session}"); // its own are taken behind these
            on_client.then(|| client(&session));
            on_server.then(|| server(&session));
        }
    }
}
