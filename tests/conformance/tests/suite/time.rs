//! Deadlines: in the same instant as data, and after a suspend (crossing 8, G15 to G17). No time passes here but
//! what a test says; threads, whose clock cannot be moved, are driven by nobody while it does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use bellwire::dialect::imap::Imap;
use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::{Notif, Random};
use bellwire::{Cause, Dialect, Failure};
use bellwire_adapter::{Error, Settings};
use bellwire_any::Wire;
use bellwire_conformance::{
    Clock, Log, Moved, Runtime, on_async, on_each_async_runtime, on_runtime, play,
};
use bellwire_testkit::{Peer, Pipe};

const GREETED_MPD: &str = "= newline lf\nS: OK MPD 0.23.5\n> greeting OK MPD 0.23.5\n";
const GREETED_IMAP: &str = "S: * PREAUTH ready\n> greeting * PREAUTH ready\n";

on_each_async_runtime! {
    /// G16, G17, crossing 8: it is time to enter the mode again, and data has come just before.
    crossing_8_notif => |it| play::<Notif>(it, "
        = rearm 29min
        ! listen
        C: notif
        S: OK
        > listening
        .. 28min
        S: notif: random
        > notification random
        .. 1min
        C: stop_notif
        S: notif: classified
        S| OK
        > notification classified
        > not listening
        C: notif
        S: OK
        > listening
        .. 28min
        S: notif: random
        > notification random"),
    /// The same; a server that says something all the while does not put it off.
    crossing_8_imap => |it| play::<Imap>(it, &format!("{GREETED_IMAP}
        = rearm 10s
        ! listen
        C: A1 IDLE
        S: + idling
        > listening
        .. 9s
        S: * OK Still here
        > notification OK
        .. 1s
        C: DONE
        S: * 4 EXISTS
        S| A1 OK Idle completed
        > notification EXISTS
        > not listening
        C: A2 IDLE
        S: + idling
        > listening
        .. 9s")),
    /// G16: a server that has been silent for long is asked, in idle by leaving it.
    crossing_8_mpd => |it| play::<Mpd>(it, &format!("= silence 60s\n{GREETED_MPD}
        ! listen
        C: idle
        .. 59s
        S: changed: mixer
        S| OK
        > notification mixer
        > not listening
        C: idle
        .. 60s
        C: noidle
        S: OK
        > not listening
        C: idle")),
    /// G17: after a suspend the server is asked, and nothing expires.
    a_suspend_probes_first_notif => |it| play::<Notif>(it, "
        = silence 60s
        = reply 30s
        C: random?
        .. 8h
        S: 1
        > reply 1 1
        .. 60s
        C: stop_notif
        S: OK
        C: random?
        .. 29s
        S: 2
        > reply 2 2"),
    /// G17.
    a_suspend_probes_first_imap => |it| play::<Imap>(it, &format!("{GREETED_IMAP}
        ! listen
        C: A1 IDLE
        S: + idling
        > listening
        .. 8h
        C: DONE
        S: * 4 EXISTS
        S| A1 OK Idle completed
        > notification EXISTS
        > not listening
        C: A2 IDLE")),
    /// G17.
    a_suspend_probes_first_mpd => |it| play::<Mpd>(it, &format!("= silence 60s\n{GREETED_MPD}
        ! listen
        C: idle
        .. 8h
        C: noidle
        S: changed: player
        S| OK
        > notification player
        > not listening
        C: idle")),
    /// G16, G17: unanswered, the probe ends the connection, which is told for what it was.
    a_suspend_from_which_the_server_does_not_come_back => |it| play::<Notif>(it, "
        = silence 60s
        = probe 10s
        ! listen
        C: notif
        S: OK
        > listening
        .. 8h
        C: stop_notif
        .. 10s
        > error: timed out: the peer was silent and did not answer a probe"),
    /// G17: the answer to a probe comes in the instant in which it is too late for it.
    data_first_notif => |it| data_first::<Notif>(it, &NOTIF),
    /// G17.
    data_first_mpd => |it| data_first::<Mpd>(it, &MPD),
    /// G17.
    data_first_imap => |it| data_first::<Imap>(it, &IMAP),
}

on_runtime! { on_blocking, Blocking,
    /// G17.
    data_first_notif => |_| data_first_on_threads::<Notif>(&NOTIF),
    /// G17.
    data_first_mpd => |_| data_first_on_threads::<Mpd>(&MPD),
    /// G17.
    data_first_imap => |_| data_first_on_threads::<Imap>(&IMAP),
    /// G17: a suspend while a reply is awaited expires nothing.
    a_suspend_probes_first => |_| a_suspend_on_threads(),
}

/// What a server says, what it is asked when it is silent, and otherwise, and what it answers.
struct Words {
    greeting: &'static str,
    probe: &'static str,
    question: &'static str,
    asked: &'static str,
    reply: &'static str,
    answer: &'static str,
}

const NOTIF: Words = Words {
    greeting: "",
    probe: "stop_notif\r\n",
    question: "random?",
    asked: "random?\r\n",
    reply: "7\r\n",
    answer: "OK\r\n",
};
const MPD: Words = Words {
    greeting: "OK MPD 0.23.5\n",
    probe: "ping\n",
    question: "status",
    asked: "status\n",
    reply: "OK\n",
    answer: "OK\n",
};
const IMAP: Words = Words {
    greeting: "* PREAUTH ready\r\n",
    probe: "A1 NOOP\r\n",
    question: "CHECK",
    asked: "A1 CHECK\r\n",
    reply: "A1 OK done\r\n",
    answer: "A1 OK done\r\n",
};

const SILENCE: Duration = Duration::from_secs(60);
const PROBE: Duration = Duration::from_secs(10);

fn settings<D: Wire + Default>(silence: Duration, probe: Duration) -> (Settings<D>, Log) {
    let mut settings = Settings::new(D::default());
    settings.config.timers.silence = Some(silence);
    settings.config.timers.probe = Some(probe);
    let log = Log::default();
    settings.observer = Some(Box::new(log.clone()));
    (settings, log)
}

fn data_first<D: Wire + Default>(runtime: Runtime, words: &'static Words) {
    let clock = Clock::mine();
    for answers in [true, false] {
        let (near, mut far) = Pipe::pair(4096);
        far.set_nonblocking(true);
        far.write_all(words.greeting.as_bytes()).unwrap();
        let (settings, log) = settings::<D>(SILENCE, PROBE);
        on_async!(runtime, R => async {
            let connector = bellwire_async::Connector::<D, Moved<R>>::from(settings).undriven();
            let (client, _notifications) = connector.over(near).await.unwrap();
            let turn = || {
                let mut context = Context::from_waker(Waker::noop());
                pin!(client.drive()).poll(&mut context).is_ready()
            };
            assert!(!turn(), "it is over");
            clock.pass(SILENCE);
            assert!(!turn(), "it is over");
            assert_eq!(take(&mut far), words.probe);
            if answers {
                far.write_all(words.answer.as_bytes()).unwrap();
            }
            // Now both are due: what has come, and the end of the client's patience.
            clock.pass(PROBE);
            assert_eq!(turn(), !answers, "{:?}", log.events());
        });
        let given_up = "error: timed out: the peer was silent and did not answer a probe";
        assert_eq!(log.events().last().is_some_and(|event| event == given_up), !answers);
    }
}

fn take(far: &mut Pipe) -> String {
    let mut taken = vec![0; 4096];
    let count = far.read(&mut taken).unwrap();
    String::from_utf8(taken[..count].to_vec()).unwrap()
}

/// Whoever asks for nothing new has the client do all that is due, and wait for nothing.
fn turn<D: Dialect + Clone>(client: &bellwire_blocking::Client<D>) {
    client.unlisten();
}

/// Time passes, and nobody drives. That it may be more does no harm.
fn nobody_drives(time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        thread::sleep(left.max(Duration::from_millis(1)));
    }
}

/// An answer has come in time, and its caller looks for it when that is over.
fn data_first_on_threads<D: Wire + Default>(words: &'static Words) {
    let short = Duration::from_millis(20);
    for answers in [true, false] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut connector = bellwire_blocking::Connector::new(D::default());
        connector.config.timers.suspend = Duration::from_secs(3600);
        let address = listener.local_addr().unwrap();
        let greets = thread::spawn(move || {
            let (mut far, _) = listener.accept().unwrap();
            far.write_all(words.greeting.as_bytes()).unwrap();
            far
        });
        let (client, _notifications) = connector.tcp(address).unwrap();
        let mut far = greets.join().unwrap();
        let pending = client.within(Some(short)).send(words.question).unwrap();
        let mut heard = vec![0; words.asked.len()];
        far.read_exact(&mut heard).unwrap();
        assert_eq!(String::from_utf8(heard).unwrap(), words.asked);
        if answers {
            far.write_all(words.reply.as_bytes()).unwrap();
        }
        nobody_drives(2 * short);
        let expired = Failure::SentUnanswered(Cause::TimedOut);
        match pending.wait() {
            Ok(_) => assert!(answers),
            Err(why) => {
                assert_eq!(why, Error::Unanswered { failure: expired, ended: None });
                assert!(!answers, "it had come in time");
            }
        }
    }
}

fn a_suspend_on_threads() {
    let (limit, suspend) = (Duration::from_millis(10), Duration::from_millis(40));
    for suspended in [true, false] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut connector = bellwire_blocking::Connector::new(Notif::default());
        let never = Duration::from_secs(3600);
        connector.config.timers.suspend = if suspended { suspend } else { never };
        let (client, _notifications) = connector.tcp(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let pending = client.within(Some(limit)).send(Random).unwrap();
        nobody_drives(limit + suspend);
        turn(&client);
        far.write_all(b"7\r\n").unwrap();
        let outcome = pending.wait();
        let expired = Failure::SentUnanswered(Cause::TimedOut);
        match suspended {
            true => assert_eq!(outcome, Ok(7)),
            false => assert_eq!(outcome, Err(Error::Unanswered { failure: expired, ended: None })),
        }
    }
}

/// G16, G17: tokio's own clock, paused: half an hour of the mode in no time, with a peer that notices if a
/// word comes too early.
#[tokio::test(start_paused = true)]
async fn on_tokio_with_its_clock_paused() {
    let (near, far) = tokio::io::duplex(4096);
    let mut far = tokio_util::compat::TokioAsyncReadCompatExt::compat(far);
    let mut peer = Peer::server(
        "C: notif
        S: OK
        .. 28min
        S: notif: random
        .. 1min
        C: stop_notif
        S: notif: classified
        S| OK
        C: notif
        S: OK
        .. 29min
        C: stop_notif
        S: OK
        C: notif
        S: OK
        S| notif: random",
    )
    .unwrap();
    let server = tokio::spawn(async move {
        let start = tokio::time::Instant::now();
        peer.play_async(&mut far, || start.elapsed(), tokio::time::sleep).await
    });
    let mut connector = bellwire_tokio::Connector::new(Notif::default());
    connector.config.timers.rearm = Some(Duration::from_secs(29 * 60));
    let (client, mut notifications) = connector.over(near).await.unwrap();
    for topic in ["random", "classified", "random"] {
        assert!(notifications.next().await.unwrap().unwrap().is(topic));
    }
    drop((client, notifications));
    server.await.unwrap().unwrap();
}

/// G17: the same clock, advanced by a night: the server is asked first.
#[tokio::test(start_paused = true)]
async fn on_tokio_a_night_passes() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (near, mut far) = tokio::io::duplex(4096);
    let mut connector = bellwire_tokio::Connector::new(Notif::default());
    connector.config.timers.silence = Some(SILENCE);
    let (client, _notifications) = connector.over(near).await.unwrap();
    tokio::time::advance(Duration::from_secs(8 * 3600)).await;
    let mut probe = vec![0; 12];
    far.read_exact(&mut probe).await.unwrap();
    assert_eq!(probe, b"stop_notif\r\n");
    far.write_all(b"OK\r\n").await.unwrap();
    let answers = async {
        let mut question = vec![0; 9];
        far.read_exact(&mut question).await.unwrap();
        far.write_all(b"7\r\n").await.unwrap();
    };
    assert_eq!(tokio::join!(client.request(Random), answers).0, Ok(7));
}
