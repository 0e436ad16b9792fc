//! The questions of the tutorial, each answered by transcripts that are played on the machines of
//! the client, of the server, or of both ends.
//!
//! The transcripts are in `tests/transcripts/notif`, and say which guarantee (G1 to G26) they guard.
//! Each is played as it stands, and again with the bytes cut in other places (G11).

use std::fs;

use bellwire::dialect::notif::{Get, Notif, Random};
use bellwire::mode::Phase;
use bellwire::{
    Client, Closed, Config, Event, Refusal, Reply, Server, ServerConfig, ServerEvent, Ticket,
    Transcript,
};

mod common;
#[path = "notif/words.rs"]
mod words;

use common::secs;

const FOLDER: &str = "tests/transcripts/notif";

fn text(name: &str) -> String {
    let path = format!("{FOLDER}/{name}.txt");
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn on_client(name: &str) -> Client<Notif> {
    assert!(name.starts_with("client/"), "{name}");
    println!("{name}");
    common::client(&text(name))
}

fn on_server(name: &str) -> Server<Notif> {
    assert!(name.starts_with("server/"), "{name}");
    println!("{name}");
    common::server(&text(name))
}

fn on_both(name: &str) {
    assert!(name.starts_with("both/"), "{name}");
    println!("{name}");
    common::client(&text(name));
    common::server(&text(name));
}

/// The tutorial's example session, and the ways in which the mode's words are spelled elsewhere in it.
#[test]
fn the_tutorials_session() {
    on_both("both/session_as_recorded");
    on_both("both/session_plain");
    on_both("both/session_underscored");
    on_both("both/session_notify");
    on_client("client/session_notif_ok");
    on_client("client/session_events");
}

/// G4, G7: "The server sends stuff in the socket before client has emitted a request?" Reported,
/// ignored or fatal, and always counted.
#[test]
fn question_a_data_before_any_command() {
    assert_eq!(on_client("client/a_reported").unsolicited(), 1);
    assert_eq!(on_client("client/a_reported_before_sent").unsolicited(), 1);
    assert_eq!(on_client("client/a_ignored").unsolicited(), 2);
    assert_eq!(on_client("client/a_fatal").unsolicited(), 1);
    assert_eq!(on_client("client/a_notification").unsolicited(), 0);
    on_server("server/a_nothing_before_asked");
}

/// G1, G2, G4: "The server having emitted a command receives two answers?" One command, one reply.
#[test]
fn question_b_two_answers() {
    on_client("client/b_two_answers");
    on_client("client/b_second_answer_crosses");
    on_client("client/b_not_told_apart");
    on_client("client/b_by_id");
}

/// G1, G24: our own server cannot be made to answer twice; the second answer is handed back.
#[test]
fn question_b_a_server_answers_once() {
    let mut server = Server::new(Notif::default(), ServerConfig::default());
    let ticket = asked(&mut server, b"random?\r\n");
    server.reply(ticket, Reply::done("1")).unwrap();
    let refused = server.reply(ticket, Reply::done("2")).unwrap_err();
    assert_eq!((refused.value, refused.why), (Reply::done("2"), Refusal::UnknownTicket));
    assert_eq!(server.output(), b"1\r\n");
}

/// G5: "It is completely possible that the callback actually call lineReceived." Whoever handles an
/// answer may give the next command, and feed what came meanwhile, before he looks at the next event.
#[test]
fn question_c_the_answers_handler_commands_and_feeds() {
    let mut client = Client::new(Notif::default(), Config::default());
    client.command(Random).unwrap();
    say(&mut client, b"random?\r\n");
    let mut told = Vec::new();
    let mut events = client.feed(b"1\r\nnotif: random\r\n");
    while let Some(event) = events.next().unwrap() {
        let answered = matches!(event, Event::Reply { .. });
        told.push(event.to_string());
        if answered && told.len() == 1 {
            // What has been told is settled: nothing waits, and there is room for the next command.
            assert_eq!(events.pending(), 0);
            events.command("classified?").unwrap();
            say(&mut events, b"classified?\r\n");
            // A cursor within the cursor takes the notification, which was next …
            let mut inner = events.feed(b"2 rooms\r\n");
            told.push(inner.next().unwrap().unwrap().to_string());
        }
        // … and dropping it loses nothing of the rest.
    }
    assert_eq!(told, ["reply 1 1", "notification random", "reply 2 2 rooms"]);
}

/// G2, G5: what had come before a question is no answer to it, though it was taken later: here the
/// handler asks while the answer's duplicate is still to be told.
#[test]
fn question_c_what_came_before_a_question_does_not_answer_it() {
    let mut client = Client::new(Notif::default(), Config::default());
    client.command(Random).unwrap();
    say(&mut client, b"random?\r\n");
    let mut events = client.feed(b"5\r\n5\r\n");
    assert!(matches!(events.next(), Ok(Some(Event::Reply { .. }))));
    events.command(Random).unwrap();
    say(&mut events, b"random?\r\n");
    assert!(matches!(events.next(), Ok(Some(Event::Unsolicited(b"5")))));
    assert!(matches!(events.feed(b"6\r\n").next(), Ok(Some(Event::Reply { .. }))));
    on_client("client/c_half_read_before_the_question");
}

/// G5: the same on the server: it answers, and hears more, while it goes through what it heard.
#[test]
fn question_c_the_commands_handler_answers_and_feeds() {
    let mut server = Server::new(Notif::default(), ServerConfig::default());
    let mut told = Vec::new();
    let mut events = server.feed(b"random?\r\nnotif\r\nclass");
    while let Some(event) = events.next().unwrap() {
        let ticket =
            if let ServerEvent::Command { ticket, .. } = event { Some(ticket) } else { None };
        told.push(event.to_string());
        if let Some(ticket) = ticket {
            events.reply(ticket, Reply::done("1")).unwrap();
        }
        if told.len() == 1 {
            events.notify("random").unwrap();
            assert_eq!(events.output(), b"1\r\n");
            events.written(3);
            events.feed(b"ified?\r\n");
        }
    }
    assert_eq!(told, ["command 1 random?", "listening", "command 2 classified?"]);
    // The mode was acknowledged, and what was new told, before the second command was answered.
    assert_eq!(server.output(), b"OK\r\nnotif: random\r\n1\r\n");
}

/// G2, G24: "What if the client sends multiple messages in a burst?" Spooled, pipelined, or by id.
#[test]
fn question_d_a_burst_of_commands() {
    on_client("client/d_spooled");
    on_client("client/d_spooled_not_shown");
    on_client("client/d_pipelined");
    on_client("client/d_by_id_out_of_order");
    on_both("both/d_pipelined");
    on_both("both/d_by_id");
    on_server("server/d_ready_out_of_order");
}

/// G7: "What if the server sends a notification at the exact same time that the client sends a
/// request?"
#[test]
fn question_e_notification_while_a_command_is_sent() {
    on_client("client/e_before_it_is_sent");
    on_client("client/e_after_it_was_sent");
    on_client("client/e_half_read");
    on_both("both/e_in_the_mode");
    on_server("server/e_never_inside_a_pipeline");
}

/// G6, G7, G8: "`_stop_notify_` being sent when a notification is already on the wire."
#[test]
fn question_f_notification_on_the_wire_when_leaving() {
    on_client("client/f_on_the_wire");
    on_client("client/f_after_the_acknowledgement");
    on_server("server/f_waits_until_entered_again");
}

/// G7: "… do not reply as soon as possible, then replies a notif, and only then, sends the reply to
/// the request?"
#[test]
fn question_g_mode_answered_after_a_notification() {
    on_client("client/g_answered_late");
    on_client("client/g_answered_late_pipelined");
    on_server("server/g_waits_for_the_acknowledgement");
}

/// G10: "notif(), stopNotif() commands can be sent in a quick sequence."
#[test]
fn question_h_in_and_out_in_quick_succession() {
    assert_eq!(on_client("client/h_no_trace").phase(), Phase::Off);
    assert_eq!(on_client("client/h_quick_succession").phase(), Phase::On);
    assert_eq!(on_client("client/h_back_before_it_shows").phase(), Phase::On);
    on_server("server/h_burst");
}

/// G8, G9: "what if a command is sent during in notification mode?"
#[test]
fn question_i_command_while_in_the_mode() {
    for name in [
        "client/i_leave_ask_enter_again",
        "client/i_pipelined",
        "client/i_ride",
        "client/i_ask_in_mode",
    ] {
        assert_eq!(on_client(name).phase(), Phase::On);
    }
    on_both("both/i_leave_ask_enter_again");
    on_server("server/i_news_between");
}

/// G16, G26: "as the server automatically timeout in notification mode, the client exits the
/// notification mode and re-enters it automatically."
#[test]
fn question_j_autologout() {
    on_server("server/j_autologout");
    on_server("server/j_a_word_in_time");
    on_server("server/j_no_autologout_while_it_waits");
    on_both("both/j_entered_again_before");
    on_client("client/j_own_silence");
}

/// G7, G13: "replies should never use this prefix", and nobody can be made to say two things at once.
#[test]
fn question_k_replies_and_commands_that_forge() {
    on_client("client/k_begins_with_notif");
    on_server("server/k_begins_with_notif");
    on_client("client/k_forged_command");
    on_server("server/k_forged_reply");
}

/// G13: what is refused is handed back, and nothing of it is on the wire.
#[test]
fn question_k_refused_values_are_handed_back() {
    let mut client = Client::new(Notif::default(), Config::default());
    let refused = client.command("random?\r\nstop_notif").unwrap_err();
    assert_eq!(refused.value, "random?\r\nstop_notif");
    assert_eq!(refused.why, Refusal::Forbidden { byte: b'\r', at: 7 });
    let refused = client.command(Get("a\0b")).unwrap_err();
    assert_eq!((refused.value, refused.why), (Get("a\0b"), Refusal::Forbidden { byte: 0, at: 1 }));
    assert_eq!(client.output(), b"");
    assert_eq!(client.pending(), 0);

    let mut server = Server::new(Notif::default(), ServerConfig::default());
    let ticket = asked(&mut server, b"random?\r\n");
    let refused = server.reply(ticket, Reply::done("1\n2".to_owned())).unwrap_err();
    assert_eq!(refused.value, Reply::done("1\n2".to_owned()));
    assert_eq!(refused.why, Refusal::Forbidden { byte: b'\n', at: 1 });
    let refused = server.notify("random\n".to_owned()).unwrap_err();
    assert_eq!(refused.value, "random\n");
    assert_eq!(server.output(), b"");
    assert_eq!(server.pending(), 1);
}

/// G1, G18: the connection ends in each of the phases; closed, closed within a line, and broken are
/// told apart.
#[test]
fn question_l_the_connection_ends() {
    for name in [
        "client/l_before_anything",
        "client/l_spooled",
        "client/l_in_flight",
        "client/l_entering",
        "client/l_on",
        "client/l_leaving",
        "client/l_mid_frame",
    ] {
        let mut client = on_client(name);
        assert!(client.is_closed());
        assert_eq!((client.phase(), client.pending()), (Phase::Off, 0), "{name}");
        assert_eq!(client.output(), b"", "{name}");
        assert_eq!(client.deadline(), None, "{name}");
        assert_eq!(client.command(Random).unwrap_err().why, Refusal::Closed, "{name}");
        // The same, broken.
        let reset = text(name).replace("<EOF>", "<RESET>");
        let (before, _) = reset.split_once("> closed").unwrap();
        common::client(&format!("{before}> closed: the connection was reset"));
    }
    for name in ["server/l_before_anything", "server/l_on", "server/l_mid_frame"] {
        assert!(on_server(name).is_finished(), "{name}");
    }
    on_server("server/l_still_answered");
    on_server("server/l_reset");
    on_server("server/l_reset_on");
    on_server("server/l_reset_while_full");
    assert_eq!(on_server("server/l_given_up").output(), b"");
}

/// G18: whatever of the output was shown or taken before the reset, nothing stands behind it, and no deadline.
#[test]
fn question_l_nothing_follows_a_reset() {
    for taken in [0, 3, "notif: random\r\n".len()] {
        let mut server = Server::new(Notif::default(), ServerConfig::default());
        assert!(matches!(server.feed(b"notif\r\n").next(), Ok(Some(ServerEvent::Listening(_)))));
        assert_eq!(server.output(), b"OK\r\n");
        server.written(4);
        server.notify("random").unwrap();
        assert_eq!(server.output(), b"notif: random\r\n");
        server.written(taken);
        server.notify("classified").unwrap();
        server.output();
        server.tick(secs(0));
        let closed = ServerEvent::Closed(Closed::Reset);
        assert_eq!(server.feed_reset().next(), Ok(Some(closed)), "{taken}");
        assert_eq!(server.output(), b"", "{taken}");
        assert!(server.is_finished() && !server.is_listening(), "{taken}");
        assert_eq!(server.tick(secs(3600)).next(), Ok(None), "{taken}");
        assert_eq!(server.deadline(), None, "{taken}");
    }
}

/// G18: what was told first of the end stays, and an end behind a reset makes it no clean one.
#[test]
fn question_l_the_connection_ends_twice() {
    let mut server = Server::new(Notif::default(), ServerConfig::default());
    server.feed_reset();
    server.feed_eof();
    assert_eq!(server.events().next(), Ok(Some(ServerEvent::Closed(Closed::Reset))));
    assert_eq!(server.feed_reset().next(), Ok(None));
    assert!(server.is_finished());
}

/// G18: a client that had closed its half, and waits for an answer, is gone: nothing is said any more, and that
/// it has ended is told once.
#[test]
fn question_l_a_half_closed_connection_breaks() {
    for told in [true, false] {
        let mut server = Server::new(Notif::default(), ServerConfig::default());
        server.feed(b"random?\r\nclassified?\r\n");
        let mut events = server.events();
        let mut ticket = || match events.next() {
            Ok(Some(ServerEvent::Command { ticket, .. })) => ticket,
            other => panic!("{other:?}"),
        };
        let (first, second) = (ticket(), ticket());
        server.reply(first, Reply::done("1")).unwrap();
        assert_eq!(server.output(), b"1\r\n");
        server.written(1);
        let mut ended = Vec::new();
        server.feed_eof();
        if told {
            ended.extend(server.events().next().unwrap().map(|event| event.to_string()));
        }
        ended.extend(server.feed_reset().next().unwrap().map(|event| event.to_string()));
        let how = if told { Closed::Cleanly } else { Closed::Reset };
        assert_eq!(ended, [format!("closed: {how}")]);
        assert_eq!(server.output(), b"");
        assert_eq!(server.reply(second, Reply::done("2")).unwrap_err().why, Refusal::UnknownTicket);
        assert!(server.is_finished());
        assert_eq!((server.pending(), server.deadline()), (0, None));
    }
}

/// G12, G18, G26: garbage ends nothing at the server, and a clear error at the client.
#[test]
fn question_m_garbage() {
    on_server("server/m_garbage");
    on_server("server/m_unknown_command");
    on_server("server/m_too_long");
    on_client("client/m_too_long");
    on_client("client/m_bytes");
}

/// G11: lines end in LF or CR LF.
#[test]
fn question_n_line_ends() {
    on_both("both/n_lf");
    on_both("both/n_crlf");
    on_server("server/n_lf_read");
    on_client("client/n_lf_read");
}

/// Who asks whether to write is not told so for nothing: nobody acknowledges unless so configured.
#[test]
fn a_notification_makes_nothing_due_that_is_not_said() {
    for acknowledge in [false, true] {
        let mut dialect = Notif::default();
        dialect.acknowledge = acknowledge;
        let mut client = Client::new(dialect, Config::default());
        client.listen();
        say(&mut client, b"notif\r\n");
        let mut events = client.feed(b"OK\r\nnotif: random\r\n");
        while events.next().unwrap().is_some() {}
        assert_eq!(client.is_due(), acknowledge);
        assert_eq!(client.output().is_empty(), !acknowledge);
    }
}

/// Each transcript of the folder is played by a test here, and written so that it reads back.
#[test]
fn every_transcript_is_played() {
    let played = include_str!("notif.rs");
    for folder in ["client", "server", "both"] {
        for entry in fs::read_dir(format!("{FOLDER}/{folder}")).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let name = format!("{folder}/{}", file.strip_suffix(".txt").unwrap());
            assert!(played.contains(&format!("\"{name}\"")), "no test plays {name}");
            let transcript: Transcript = text(&name).parse().unwrap();
            let written: Transcript = transcript.to_string().parse().unwrap();
            let steps =
                |of: &Transcript| of.steps.iter().map(|s| s.what.clone()).collect::<Vec<_>>();
            assert_eq!(steps(&written), steps(&transcript), "{name}");
        }
    }
}

/// The machine has just this to say, and the transport takes it.
fn say(client: &mut Client<Notif>, line: &[u8]) {
    assert_eq!(client.output(), line);
    client.written(line.len());
}

/// The server hears a command.
fn asked(server: &mut Server<Notif>, line: &[u8]) -> Ticket {
    match server.feed(line).next() {
        Ok(Some(ServerEvent::Command { ticket, .. })) => ticket,
        other => panic!("{other:?}"),
    }
}
