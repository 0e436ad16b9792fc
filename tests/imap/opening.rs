//! What a connection begins with: nothing else is said before it.

use bellwire::dialect::imap::{Imap, Login, Select, StartTls};
use bellwire::{Client, Config, Phase, Refusal};

use super::common::{secs, sent, told};
use super::private;

/// A client that begins, with a command and the mode waiting. Its server has not greeted.
fn beginning(change: impl FnOnce(&mut Config)) -> Client<Imap> {
    let mut config = Config::default();
    change(&mut config);
    let mut client = Client::new(private(), config);
    client.command("NOOP").unwrap();
    client.open();
    client.listen();
    client
}

fn hear(client: &mut Client<Imap>, line: &str) -> Vec<String> {
    client.feed(format!("{line}\r\n").as_bytes());
    told(client)
}

/// G9: what the connection begins with goes first, in its order, however late it is given; then what
/// waited, in its own; then the mode.
#[test]
fn in_order() {
    for in_flight in [1, 8] {
        let mut client = beginning(|config| config.in_flight = in_flight);
        client.opening_command(Login::new("test", "secret")).unwrap();
        assert_eq!(sent(&mut client), "");
        hear(&mut client, "* OK ready");
        assert_eq!(sent(&mut client), "A1 LOGIN test \"secret\"\r\n");
        client.command("CHECK").unwrap();
        assert_eq!(hear(&mut client, "A1 OK done"), ["reply 2 OK done"]);
        assert_eq!(sent(&mut client), "");
        client.opening_command(Select("INBOX".into())).unwrap();
        client.opening_command("ENABLE CONDSTORE").unwrap();
        let both = ["A2 SELECT INBOX\r\n", "A3 ENABLE CONDSTORE\r\n"];
        if in_flight == 1 {
            assert_eq!(sent(&mut client), both[0]);
            hear(&mut client, "A2 OK done");
            assert_eq!(sent(&mut client), both[1]);
        } else {
            assert_eq!(sent(&mut client), both.concat());
            hear(&mut client, "A2 OK done");
        }
        client.opened();
        assert_eq!(hear(&mut client, "A3 OK done"), ["reply 5 OK done"]);
        assert!(sent(&mut client).starts_with("A4 NOOP\r\n"));
        hear(&mut client, "A4 OK done");
        sent(&mut client);
        assert_eq!(hear(&mut client, "A5 OK done"), ["reply 3 OK done"]);
        sent(&mut client);
        assert_eq!(client.phase(), Phase::Entering);
    }
}

/// G9: a failure is the caller's to act on; until then nothing is said. He may go on all the same.
#[test]
fn failing() {
    let mut client = beginning(|_| {});
    hear(&mut client, "* OK ready");
    client.opening_command(Login::new("test", "wrong")).unwrap();
    sent(&mut client);
    assert_eq!(hear(&mut client, "A1 NO no"), ["refused 2 NO no"]);
    assert_eq!(sent(&mut client), "");
    client.opening_command(Login::new("test", "secret")).unwrap();
    assert_eq!(sent(&mut client), "A2 LOGIN test \"secret\"\r\n");
    hear(&mut client, "A2 NO no");
    client.opened();
    assert_eq!(sent(&mut client), "A3 NOOP\r\n");
}

/// G1, G18: the connection is lost meanwhile.
#[test]
fn the_end() {
    let mut client = beginning(|_| {});
    hear(&mut client, "* OK ready");
    client.opening_command(Login::new("test", "secret")).unwrap();
    client.opening_command(Select("INBOX".into())).unwrap();
    sent(&mut client);
    assert_eq!(hear(&mut client, "* BYE no"), ["goodbye * BYE no"]);
    client.feed_eof();
    let outcomes = [
        "unanswered 2 the connection ended",
        "never-sent 3 the connection ended",
        "never-sent 1 the connection ended",
        "closed: the connection was closed",
    ];
    assert_eq!(told(&mut client), outcomes);
    assert_eq!(client.opening_command("NOOP").unwrap_err().why, Refusal::Closed);
    client.opened();
    assert_eq!(sent(&mut client), "");
    // The next connection begins anew, and wants the same.
    let mut next = client.successor(private());
    assert!(next.is_listening());
    hear(&mut next, "* OK ready");
    assert_eq!(sent(&mut next), "A1 IDLE\r\n");
}

/// G12: what waits for the opening does not keep it from happening.
#[test]
fn however_much_waits() {
    let mut client = beginning(|config| (config.limits.pending, config.limits.output) = (2, 10));
    client.command("CHECK").unwrap();
    assert_eq!(client.command("CHECK").unwrap_err().why, Refusal::Full { allowed: 2 });
    client.opening_command(Login::new("test", "secret")).unwrap();
    hear(&mut client, "* OK ready");
    assert_eq!(sent(&mut client), "A1 LOGIN test \"secret\"\r\n");
}

/// G9: TLS first.
#[test]
fn with_starttls() {
    for in_flight in [1, 8] {
        let mut config = Config::default();
        config.in_flight = in_flight;
        let mut client = Client::new(Imap::default(), config);
        client.open();
        client.listen();
        client.command("NOOP").unwrap();
        client.opening_command(StartTls).unwrap();
        hear(&mut client, "* OK ready");
        assert_eq!(sent(&mut client), "A1 STARTTLS\r\n");
        assert_eq!(hear(&mut client, "A1 OK go"), ["reply 2 OK go"]);
        client.upgrade().unwrap();
        assert_eq!(sent(&mut client), "");
        client.opening_command(Login::new("test", "secret")).unwrap();
        assert_eq!(sent(&mut client), "A2 LOGIN test \"secret\"\r\n");
        hear(&mut client, "A2 OK done");
        client.opened();
        assert!(sent(&mut client).starts_with("A3 NOOP\r\n"));
    }
}

/// G10, crossing 5: in the mode, which is left first; and in a client that lets one command ride at most.
#[test]
fn in_the_mode() {
    let mut client = Client::new(private(), Config::default());
    client.listen();
    hear(&mut client, "* PREAUTH ready");
    sent(&mut client);
    client.open();
    client.opening_command("NOOP").unwrap();
    assert_eq!(sent(&mut client), "");
    hear(&mut client, "+ idling");
    assert_eq!(sent(&mut client), "DONE\r\n");
    hear(&mut client, "A1 OK done");
    assert_eq!(sent(&mut client), "A2 NOOP\r\n");
    hear(&mut client, "A2 OK done");
    assert_eq!(sent(&mut client), "");
    client.opened();
    assert_eq!(sent(&mut client), "A3 IDLE\r\n");

    let mut client = beginning(|config| config.ride = 1);
    hear(&mut client, "* OK ready");
    for number in 1..=3 {
        client.opening_command("NOOP").unwrap();
        assert_eq!(sent(&mut client), format!("A{number} NOOP\r\n"));
        hear(&mut client, &format!("A{number} OK done"));
    }
}

/// G17: after a suspend, too, nothing is said but what the connection begins with.
#[test]
fn suspend() {
    let mut client = beginning(|_| {});
    client.tick(secs(0));
    hear(&mut client, "* OK ready");
    client.tick(secs(0));
    client.tick(secs(3600));
    assert_eq!((told(&mut client).len(), sent(&mut client).as_str()), (0, ""));
    client.opening_command("CHECK").unwrap();
    assert_eq!(sent(&mut client), "A1 CHECK\r\n");
}

/// G16: a server that falls silent over it is given up; one that nothing was asked of is not.
#[test]
fn silence() {
    for in_flight in [1, 8] {
        let mut client = beginning(|config| config.in_flight = in_flight);
        client.tick(secs(0));
        hear(&mut client, "* OK ready");
        for time in [0, 301, 302, 340] {
            client.tick(secs(time));
            assert_eq!(told(&mut client), [""; 0], "after {time} s");
        }
        client.opening_command("CHECK").unwrap();
        assert_eq!(sent(&mut client), "A1 CHECK\r\n");
        client.feed(b"* 3 EXISTS\r\n");
        for time in [341, 641, 642] {
            client.tick(secs(time));
        }
        assert_eq!(told(&mut client).len(), 1);
        client.tick(secs(672));
        let error = told(&mut client).pop().unwrap();
        assert_eq!(error, "error: timed out: the peer was silent and did not answer a probe");
    }
    // It is listened for again when it is over.
    let mut client = beginning(|config| config.timers.silence = Some(secs(60)));
    client.tick(secs(0));
    hear(&mut client, "* OK ready");
    client.tick(secs(1));
    client.tick(secs(62));
    told(&mut client);
    client.opened();
    sent(&mut client);
    client.tick(secs(62));
    assert_eq!(client.deadline(), Some(secs(122)));
}
