//! Deadlines, and how connections end.

use std::time::Duration;

use bellwire::dialect::notif::{Notif, Random};
use bellwire::mode::Phase;
use bellwire::{
    Closed, Config, Error, Event, Refusal, Reply, Server, ServerConfig, ServerEvent, Wait,
};

use crate::common::{client, plain, secs, sent, told};
use crate::within;

/// G17, crossing 8: the moment to enter the mode again comes in the same instant as data. The data
/// is handled first, and nothing is said twice.
#[test]
fn crossing_8_deadline_in_the_same_instant_as_data() {
    let mut client = plain(|config| config.timers.rearm = Some(secs(1740)));
    client.tick(secs(0));
    client.listen();
    assert_eq!(sent(&mut client), "notif\r\n");
    client.feed(b"OK\r\n");
    client.tick(secs(0));
    assert_eq!(told(&mut client), ["listening"]);
    client.tick(secs(0));
    assert_eq!(client.deadline(), Some(secs(1740)));
    client.feed(b"notif: random\r\n");
    client.tick(secs(1740));
    assert_eq!(told(&mut client), ["notification random"]);
    // A command comes in this very instant, too: one leave serves both.
    client.command(Random).unwrap();
    assert_eq!(sent(&mut client), "stop_notif\r\n");
    client.feed(b"OK\r\n");
    assert_eq!(told(&mut client), ["not listening"]);
    assert_eq!(sent(&mut client), "random?\r\n");
    client.feed(b"1\r\n");
    assert_eq!(told(&mut client), ["reply 1 1"]);
    assert_eq!(sent(&mut client), "notif\r\n");
    client.feed(b"OK\r\n");
    client.tick(secs(1741));
    assert_eq!((told(&mut client).len(), client.phase()), (1, Phase::On));
    // The server has closed in the same instant: nothing is said any more.
    client.feed(b"notif: random\r\n");
    client.feed_eof();
    client.tick(secs(1741 + 1740));
    assert_eq!(told(&mut client), ["notification random", "closed: the connection was closed"]);
    assert_eq!(sent(&mut client), "");
}

/// G15: the core reads no clock. Without a deadline it asks for no tick; with one, for the first.
#[test]
fn deadline_none_when_never() {
    let mut client = plain(|_| {});
    client.command(Random).unwrap();
    assert_eq!(client.deadline(), None);
    client.command_within(Random, Some(secs(5))).unwrap();
    // It runs from the next tick, which is asked for at once.
    assert_eq!(client.deadline(), Some(secs(0)));
    client.tick(secs(1000));
    assert_eq!(client.deadline(), Some(secs(1005)));
}

/// G15: the moment that time is counted from is the caller's to choose; it may be centuries ago.
#[test]
fn the_caller_counts_from_when_he_likes() {
    for began in [secs(0), secs(2026 * 365 * 24 * 3600), Duration::MAX / 2] {
        let mut client = plain(|config| config.timers.rearm = Some(secs(1740)));
        client.tick(began);
        client.listen();
        assert_eq!(sent(&mut client), "notif\r\n");
        client.tick(began + secs(2));
        client.feed(b"OK\r\n");
        assert_eq!(told(&mut client), ["listening"]);
        client.tick(began + secs(3));
        assert_eq!(client.deadline(), Some(began + secs(1743)));
        assert!(!client.is_overdue(began + secs(1742)) && client.is_overdue(began + secs(1743)));
        client.tick(began + secs(1742));
        assert_eq!((told(&mut client).len(), sent(&mut client)), (0, String::new()));
        client.tick(began + secs(1743));
        assert_eq!((told(&mut client).len(), sent(&mut client)), (0, "stop_notif\r\n".into()));
    }
}

/// G17: a tick too many, or one back in time, is a no-op.
#[test]
fn tick_too_many() {
    let mut client = plain(|config| config.timers.rearm = Some(secs(1740)));
    client.listen();
    assert_eq!(sent(&mut client), "notif\r\n");
    client.feed(b"OK\r\n");
    assert_eq!(told(&mut client), ["listening"]);
    for now in [7, 7, 3, 0, 7] {
        client.tick(secs(now));
        assert_eq!((told(&mut client).len(), client.deadline()), (0, Some(secs(1747))));
        assert_eq!(sent(&mut client), "");
    }
}

/// G16: own silence. What the server says does not put it off; what the client says does.
#[test]
fn deadline_of_own_silence() {
    let session = "= rearm 29min
        .. 20min
        S: notif: random
        > notification random
        .. 9min
        C: stop_notif
        S: OK
        > not listening
        C: notif
        S: OK
        > listening
        .. 28min
        ! command random?
        C: stop_notif
        S: OK
        > not listening
        C: random?
        S: 1
        > reply 1 1
        C: notif
        S: OK
        > listening
        .. 28min
        S: notif: random
        > notification random";
    within(Phase::On, session);
}

/// G16: peer silence. A probe is sent; its answer reaches nobody. Whatever is heard puts it off, a
/// write does not.
#[test]
fn deadline_of_peer_silence() {
    let session = "= silence 60s
        = in-flight 8
        .. 60s
        C: stop_notif
        S: OK
        .. 50s
        C: random?
        .. 10s
        C: stop_notif
        S: 1
        S| OK
        > reply 1 1
        .. 50s
        S: notif: ran\\
        .. 50s
        S: dom
        > notification random";
    client(session);
}

/// G16: in the mode the probe is to leave it and to enter it again, so that the mode stays what the
/// client thinks it is.
#[test]
fn deadline_of_peer_silence_in_the_mode() {
    let session = "= silence 60s
        .. 60s
        C: stop_notif
        S: OK
        > not listening
        C: notif
        S: OK
        > listening";
    within(Phase::On, session);
}

/// G16: the same where commands are given in the mode. `stop_notif` is a probe outside the mode; in it,
/// it would end it behind the client's back.
#[test]
fn deadline_of_peer_silence_in_the_mode_where_commands_are_answered() {
    let session = "= silence 60s
        = ask-in-mode
        .. 60s
        C: stop_notif
        S: OK
        > not listening
        C: notif
        S: OK
        > listening";
    within(Phase::On, session);
}

/// G16: a probe that is not answered. The deadline is one of its own.
#[test]
fn deadline_of_a_probe() {
    let unanswered = "= silence 60s
        = probe 10s
        .. 60s
        C: stop_notif
        .. 9s
        .. 1s
        > error: timed out: the peer was silent and did not answer a probe";
    client(unanswered);
    within(Phase::On, unanswered);
}

/// G1, G16: a peer that dies while a command waits for its reply, which leaves no room for a probe:
/// that reply is awaited as a probe's answer would be. Nothing hangs.
#[test]
fn deadline_of_peer_silence_while_a_reply_is_awaited() {
    let session = "= silence 60s
        = probe 10s
        C: random?
        .. 60s
        .. 10s
        > unanswered 1 the connection ended
        > error: timed out: the peer was silent and did not answer a probe";
    client(session);
}

/// G3, G16: a command's reply. Its deadline counts from when it was given; past it, the command is
/// abandoned, and the connection goes on.
#[test]
fn deadline_of_a_reply() {
    let session = "= reply 5s
        ! command random?
        ! within 3s classified?
        ! within 1min random?
        C: random?
        .. 3s
        > never-sent 2 its deadline passed
        .. 2s
        > unanswered 1 its deadline passed
        S: 1
        > late 1 1
        C: random?
        S: 3
        > reply 3 3";
    client(session);
}

/// G16: the four deadlines do not disturb each other.
#[test]
fn four_separate_deadlines() {
    let session = "= rearm 29min
        = silence 10min
        = probe 30s
        = reply 5s
        .. 9min
        S: notif: random
        > notification random
        .. 9min
        S: notif: random
        > notification random
        .. 9min
        S: notif: random
        > notification random
        # Own silence: 29 minutes.
        .. 2min
        C: stop_notif
        S: OK
        > not listening
        C: notif
        S: OK
        > listening
        # Peer silence: 10 minutes. A command waits for its reply all the while the probe does.
        .. 10min
        C: stop_notif
        ! command random?
        .. 5s
        > never-sent 1 its deadline passed
        .. 25s
        > error: timed out: the peer was silent and did not answer a probe";
    within(Phase::On, session);
}

/// G17: bytes that were fed are handled before a deadline that has passed.
#[test]
fn bytes_before_deadlines() {
    let mut client = plain(|config| {
        config.timers.reply = Some(secs(5));
        config.timers.held = Some(secs(5));
        config.timers.silence = Some(secs(5));
    });
    client.command(Random).unwrap();
    assert_eq!(sent(&mut client), "random?\r\n");
    client.tick(secs(0));
    client.feed(b"1\r\n");
    client.tick(secs(5));
    assert_eq!(told(&mut client), ["reply 1 1"]);
    // Silence was broken in that instant: no probe.
    assert_eq!(sent(&mut client), "");
    let ticket = client.command(Random).unwrap();
    assert_eq!(sent(&mut client), "random?\r\n");
    client.abandon(ticket);
    client.tick(secs(5));
    client.feed(b"2\r\n");
    client.tick(secs(10));
    assert_eq!(told(&mut client), ["late 2 2"]);
    assert!(!client.is_closed());
}

/// G17: the computer slept for hours. Nothing expires at once: the peer is probed first.
#[test]
fn suspend_probes_first() {
    let session = "= silence 5min
        = rearm 29min
        = probe 20s
        = suspend 10s
        ";
    let probed = "C: stop_notif
        .. 9s
        S: OK
        > not listening
        C: notif
        S: OK
        > listening";
    within(Phase::On, &format!("{session}.. 8h\n{probed}"));
    // Asleep before it had looked long enough: probed all the same.
    within(Phase::On, &format!("{session}.. 8h\n{probed}\n.. 8h\n{probed}"));
    let dead = "C: stop_notif
        .. 20s
        > error: timed out: the peer was silent and did not answer a probe";
    within(Phase::On, &format!("{session}.. 8h\n{dead}"));
    // Also where nobody looks after the peer's silence otherwise.
    within(Phase::On, &format!("= rearm 29min\n.. 8h\n{probed}"));
}

/// G17: a server that said nothing for long is no computer that slept. What began with its bytes, since
/// the last tick, had asked for no tick before.
#[test]
fn quiet_is_no_suspend() {
    let mut client = plain(|config| config.timers.silence = Some(secs(60)));
    client.tick(secs(0));
    client.feed(b"notif: random\r\n");
    client.tick(secs(59));
    assert_eq!(told(&mut client), ["notification random"]);
    assert_eq!((sent(&mut client), client.deadline()), (String::new(), Some(secs(119))));
}

/// G17: a reply may have come while the computer slept, and be read only now. A deadline that passed
/// meanwhile is put off, once.
#[test]
fn suspend_puts_deadlines_off() {
    let asked = "= reply 5s\nC: random?\n.. 8h\n";
    client(&format!("{asked}.. 9s\nS: 1\n> reply 1 1"));
    client(&format!("{asked}.. 10s\n> unanswered 1 its deadline passed"));
    // A tick that is ten seconds late is none, and one later is.
    let asked = "= reply 5s\nC: random?\n";
    client(&format!("{asked}.. 15s\n> unanswered 1 its deadline passed"));
    client(&format!("{asked}.. 15001ms\n.. 9999ms\nS: 1\n> reply 1 1"));
}

/// G17: one that has not passed stays where it is.
#[test]
fn suspend_puts_off_what_passed() {
    let mut client = plain(|config| config.in_flight = 8);
    client.command_within(Random, Some(secs(5))).unwrap();
    client.command_within(Random, Some(secs(9 * 3600))).unwrap();
    sent(&mut client);
    for now in [0, 8 * 3600] {
        client.tick(secs(now));
        assert_eq!(told(&mut client), [""; 0]);
    }
    client.tick(secs(8 * 3600 + 10));
    assert_eq!(told(&mut client), ["unanswered 1 its deadline passed"]);
}

/// G17: what has come, be it the end, comes before the deadlines of the same moment.
#[test]
fn the_end_and_a_deadline() {
    let mut client = plain(|config| config.timers.reply = Some(secs(5)));
    client.command(Random).unwrap();
    assert_eq!(sent(&mut client), "random?\r\n");
    client.tick(secs(0));
    client.feed_eof();
    client.tick(secs(5));
    let ended = "unanswered 1 the connection ended";
    assert_eq!(told(&mut client), [ended, "closed: the connection was closed"]);
}

/// G17: and only once, also for a caller who ticks twice whenever he looks, and looks seldom: a tick too
/// many is a no-op.
#[test]
fn ticks_too_many_put_nothing_off() {
    let mut client = plain(|config| config.timers.suspend = secs(10));
    client.tick(secs(0));
    client.command_within(Random, Some(secs(5))).unwrap();
    assert_eq!(sent(&mut client), "random?\r\n");
    for now in [0, 100, 100, 200, 200] {
        client.tick(secs(now));
    }
    assert_eq!(told(&mut client), ["unanswered 1 its deadline passed"]);
}

/// G18, G26: a transport that takes nothing, at either end.
#[test]
fn deadline_of_a_stuck_write() {
    let mut client = plain(|config| config.timers.write = Some(secs(60)));
    client.command(Random).unwrap();
    assert_eq!(client.output(), b"random?\r\n");
    client.tick(secs(0));
    client.written(1);
    client.tick(secs(50));
    // Some progress was made: it counts anew.
    assert_eq!(client.output(), b"andom?\r\n");
    client.tick(secs(50));
    assert_eq!(client.deadline(), Some(secs(110)));
    client.tick(secs(110));
    let why = "error: timed out: the peer does not take what is sent to it";
    assert_eq!(told(&mut client), ["unanswered 1 the connection ended", why]);
}

/// G18, G25, G26: a client that has closed its half, and takes no answer either, does not stay for
/// ever.
#[test]
fn deadline_of_a_stuck_write_to_a_half_closed_client() {
    let mut server = Server::new(Notif::default(), ServerConfig::default());
    let ticket = match server.feed(b"random?\r\n").next() {
        Ok(Some(ServerEvent::Command { ticket, .. })) => ticket,
        other => panic!("{other:?}"),
    };
    server.reply(ticket, Reply::done("1")).unwrap();
    assert_eq!(server.output(), b"1\r\n");
    server.tick(secs(0));
    let closed = ServerEvent::Closed(Closed::Cleanly);
    assert_eq!(server.feed_eof().next(), Ok(Some(closed)));
    assert_eq!(server.deadline(), Some(secs(60)));
    let error = Error::TimedOut(Wait::Write);
    assert_eq!(server.tick(secs(60)).next(), Err(error));
    assert!(server.is_finished());
    assert_eq!(server.deadline(), None);
}

/// G18: after a fatal error the client is inert, and says so again. Outcomes come first (G1).
#[test]
fn fatal_error_is_sticky() {
    let mut client = plain(|config| config.limits.frame = 12);
    client.command(Random).unwrap();
    client.command(Random).unwrap();
    client.listen();
    assert_eq!(sent(&mut client), "random?\r\n");
    client.feed(b"notif: random\r\n1\r\n");
    let mut events = client.events();
    assert!(matches!(events.next(), Ok(Some(Event::Failed { .. }))));
    assert!(matches!(events.next(), Ok(Some(Event::Failed { .. }))));
    let error = events.next().unwrap_err();
    assert!(matches!(error, Error::Limit { allowed: 12, .. }), "{error}");
    assert_eq!(client.feed(b"1\r\n").next(), Err(error.clone()));
    assert_eq!(client.tick(secs(9)).next(), Err(error.clone()));
    assert_eq!(client.feed_eof().next(), Err(error.clone()));
    assert_eq!(client.feed_reset().next(), Err(error));
    assert_eq!(client.command("x").unwrap_err().why, Refusal::Closed);
    client.unlisten();
    client.listen();
    assert_eq!((sent(&mut client).len(), client.deadline(), client.pending()), (0, None, 0));
}

/// G18: closed cleanly, closed in the middle of a frame, reset, and timed out are told apart.
#[test]
fn ends_are_told_apart() {
    let fresh = || plain(|config| config.timers.silence = Some(secs(60)));
    let (mut clean, mut middle, mut reset) = (fresh(), fresh(), fresh());
    assert_eq!(clean.feed_eof().next(), Ok(Some(Event::Closed(Closed::Cleanly))));
    middle.feed(b"notif: ran");
    let how = Closed::MidFrame { bytes: 10 };
    assert_eq!(middle.feed_eof().next(), Ok(Some(Event::Closed(how))));
    reset.feed(b"notif: ran");
    assert_eq!(reset.feed_reset().next(), Ok(Some(Event::Closed(Closed::Reset))));
    for mut client in [clean, middle, reset] {
        // Nothing follows, and a second end is none.
        assert_eq!(client.feed_eof().next(), Ok(None));
        assert_eq!(client.feed_reset().next(), Ok(None));
        assert_eq!(client.deadline(), None);
    }
    let mut silent = fresh();
    for now in [0, 60, 60, 90] {
        silent.tick(secs(now));
        let error = Err(Error::TimedOut(Wait::Probe));
        assert_eq!(silent.events().next(), if now == 90 { error } else { Ok(None) });
        sent(&mut silent);
    }
    assert_eq!(Config::default().timers.silence, None);
}
