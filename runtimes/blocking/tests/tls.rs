//! TLS: sessions over it, servers that are refused, ends that are none, and the switch from
//! plaintext.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bellwire::Closed;
use bellwire::dialect::notif::{Get, Notif, Random};
use bellwire::transcript::Said;
use bellwire_blocking::tls::{Tls, TlsConfig};
use bellwire_blocking::{
    Client, Ended, Error, Notifications, Observer, Plain, Reconnect, Transport,
};
use bellwire_testkit::{BlockingStream, Peer, Script, Scripted, accept};

mod common;

use common::secure::{Identity, NAMES, hear, io_end, localhost, say};
use common::{PATIENCE, connector, in_time, next, plays, plays_on};

const TEXT: &str = "
    C: random?
    S: 1
    C: notif
    S: OK
    S: notif: random
    C: stop_notif
    S: notif: classified
    S: OK
    C: weather?
    S: rain
    C: notif
    S: OK
";

type Connected = Result<(Client<Notif>, Notifications<Notif>), Error>;

/// The same session over each. The server must hear a good-bye at its end.
fn session<A>(connected: Connected, peer: Scripted<A>) {
    let (client, mut notifications) = connected.unwrap();
    assert_eq!(client.request(Random), Ok(1));
    assert_eq!(next(&mut notifications), "random");
    assert_eq!(client.request(Get("weather")).unwrap(), "rain");
    assert_eq!(next(&mut notifications), "classified");
    drop((client, notifications));
    peer.finish().unwrap();
}

fn at(host: &str, address: SocketAddr) -> String {
    format!("{host}:{}", address.port())
}

/// A server that does something to each of so many connections.
fn serves(
    connections: usize,
    mut serve: impl FnMut(usize, TcpStream) + Send + 'static,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = at("localhost", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for number in 0..connections {
            let stream = accept(&listener, PATIENCE).expect("nobody connected");
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            serve(number, stream);
        }
    });
    (address, server)
}

fn play(text: &str, stream: impl BlockingStream) {
    Peer::server(text).unwrap().play(stream).unwrap();
}

fn refusal(connected: Connected) -> (io::ErrorKind, String) {
    let error = connected.map(|_| "connected").unwrap_err();
    let transient = error.is_transient();
    let Error::NotConnected(ended) = error else { panic!("{error:?}") };
    let (kind, what) = io_end(Some(ended));
    assert_eq!(transient, kind != io::ErrorKind::InvalidData, "{what}");
    (kind, what)
}

/// G23: TLS 1.3 and 1.2; a server known by its name or its address, listed or pinned.
#[test]
fn g23_sessions_over_tls() {
    for host in NAMES {
        for (pinned, old) in [(false, false), (true, false), (false, true), (true, true)] {
            let server = Identity::new();
            let config = if pinned { server.pinned() } else { server.trusted() };
            let peer = Script::new(&[TEXT]).tcp_over(move |stream| {
                if old { server.on_tls12(stream) } else { server.on(stream) }
            });
            let peer = peer.unwrap();
            session(connector(TEXT).tls(at(host, peer.address), &config), peer);
        }
    }
}

/// G23: TLS over what the caller brings, polled or not; the handshake then goes on as the client is
/// used.
#[test]
fn g23_tls_over_any_stream() {
    let server = Identity::new();
    let (near, far) = UnixStream::pair().unwrap();
    let near = Tls::new(near, &server.trusted(), localhost()).unwrap();
    session(connector(TEXT).over(near), plays_on(server.on(far), TEXT));
    let (near, far) = UnixStream::pair().unwrap();
    let near = Tls::new(Plain(near), &server.trusted(), localhost()).unwrap();
    session(connector(TEXT).over(near), plays_on(server.on(far), TEXT));
}

/// What refuses a certificate says why and what to do; connecting again would not help (G22).
#[test]
fn a_certificate_that_is_refused() {
    in_time(|| {
        let (server, elsewhere) = (Identity::new(), Identity::named(&["elsewhere.test"]));
        let known = "the server's certificate is refused (if it is the right one, trust it or its \
                     issuer as a CA, or pin it): invalid peer certificate: ";
        let name = "the server's certificate is refused (connect by a name that it bears, or, if \
                    it is the right one, pin it): invalid peer certificate: certificate not valid \
                    for name \"localhost\"; certificate is only valid for DnsName(\"elsewhere.test\")";
        let pin = "the server's certificate is not the pinned one: invalid peer certificate: ";
        let stranger = Identity::new();
        let cases = [
            (&server, stranger.trusted(), known),
            (&elsewhere, elsewhere.trusted(), name),
            (&server, stranger.pinned(), pin),
        ];
        for (shown, config, why) in cases {
            let far = shown.clone();
            let (address, peer) = serves(1, move |_, stream| {
                let refused = far.on(stream).shake_hands().unwrap_err().to_string();
                assert!(refused.contains("received fatal alert"), "{refused}");
            });
            let mut connector = connector("");
            connector.reconnect = Some(Reconnect::default());
            let (kind, what) = refusal(connector.tls(address, &config));
            assert_eq!(kind, io::ErrorKind::InvalidData);
            assert!(what.starts_with(why), "{what}");
            peer.join().unwrap();
        }
    });
}

/// What is no name cannot be proven: that is found before there is a connection.
#[test]
fn an_address_that_names_no_server() {
    let config = Identity::new().trusted();
    for address in ["localhost", "local host:6789", ":6789"] {
        let Err(Error::NotConnected(ended)) = connector("").tls(address, &config) else {
            panic!("{address:?} is taken");
        };
        assert!(!ended.is_transient());
        assert_eq!(io_end(Some(ended)).0, io::ErrorKind::InvalidInput);
    }
}

/// A server that has never heard of TLS, one that is silent, and one that hangs up.
#[test]
fn a_handshake_that_comes_to_nothing() {
    in_time(|| {
        let config = Identity::new().trusted();
        let (address, peer) = serves(1, |_, mut stream| {
            say(&mut stream, "hello, who is there?\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let (kind, what) = refusal(connector("").tls(address, &config));
        assert_eq!(kind, io::ErrorKind::InvalidData);
        assert!(what.starts_with("the server does not speak TLS here: "), "{what}");
        peer.join().unwrap();

        let (address, peer) = serves(1, |_, mut stream| drop(stream.read_to_end(&mut Vec::new())));
        let mut hasty = connector("");
        hasty.timeout = Duration::from_millis(50);
        assert_eq!(refusal(hasty.tls(address, &config)).0, io::ErrorKind::TimedOut);
        peer.join().unwrap();

        let (address, peer) = serves(1, |_, mut stream| {
            let _ = stream.read(&mut [0; 4096]).unwrap();
        });
        let (kind, what) = refusal(connector("").tls(address, &config));
        assert_eq!(kind, io::ErrorKind::UnexpectedEof, "{what}");
        peer.join().unwrap();
    });
}

/// Tells that the transport has taken something to send.
struct Taken(mpsc::Sender<()>);

impl Observer for Taken {
    fn client(&mut self, _: &Said) {
        self.0.send(()).unwrap();
    }
}

/// Until the server has shown who it is, nothing of what is to be said is taken.
#[test]
fn nothing_is_said_before_the_server_is_known() {
    in_time(|| {
        let (server, stranger) = (Identity::new(), Identity::new());
        for (config, expected) in [
            (stranger.trusted(), io::ErrorKind::InvalidData),
            (server.trusted(), io::ErrorKind::UnexpectedEof),
        ] {
            let (near, mut far) = UnixStream::pair().unwrap();
            let near = Tls::new(near, &config, localhost()).unwrap();
            let (tell, taken) = mpsc::channel();
            let mut connector = connector("");
            connector.observer = Some(Box::new(Taken(tell)));
            let (client, _notifications) = connector.over(near).unwrap();
            let server = server.clone();
            let peer = thread::spawn(move || {
                if expected == io::ErrorKind::InvalidData {
                    assert!(server.on(far).shake_hands().is_err());
                } else {
                    // TLS's good-bye, but by anybody on the way.
                    let _ = far.read(&mut [0; 4096]).unwrap();
                    far.write_all(&[21, 3, 3, 0, 2, 1, 0]).unwrap();
                }
            });
            let ended = match client.request(Random).unwrap_err() {
                Error::Unanswered { ended, .. } => ended,
                // It was so before the request was made.
                Error::NotConnected(ended) => Some(ended),
                other => panic!("{other:?}"),
            };
            assert_eq!(io_end(ended).0, expected);
            assert!(taken.try_recv().is_err());
            peer.join().unwrap();
        }
    });
}

/// G18: an end without TLS's good-bye may be anybody's doing; one with it is the server's.
#[test]
fn g18_cut_short_or_closed() {
    in_time(|| {
        let server = Identity::new();
        let config = server.trusted();
        let (address, peer) = serves(2, move |number, stream| {
            let mut far = server.on(stream);
            if number == 0 {
                return play("C: notif\nS: OK\nS: notif: random\nS: <EOF>", far);
            }
            hear(&mut far, "random?\r\n");
            far.0.conn.writer().write_all(b"1\r\n").unwrap();
            far.0.conn.send_close_notify();
            let last = far.encrypt(&[]);
            far.0.sock.write_all(&last).unwrap();
            // The connection below stays open until the client has answered.
            far.read_to_end(&mut Vec::new()).expect("the client says no good-bye");
        });
        let (_client, mut notifications) = connector("").tls(&address, &config).unwrap();
        assert_eq!(next(&mut notifications), "random");
        match notifications.wait(PATIENCE).unwrap_err() {
            Error::NotConnected(ended) => {
                assert!(ended.is_transient());
                let (kind, what) = io_end(Some(ended));
                assert_eq!(kind, io::ErrorKind::UnexpectedEof);
                assert!(what.contains("close_notify"), "{what}");
            }
            other => panic!("{other:?}"),
        }
        let (client, mut notifications) = connector("").tls(&address, &config).unwrap();
        assert_eq!(client.request(Random), Ok(1));
        let closed = Error::NotConnected(Ended::Closed(Closed::Cleanly));
        assert_eq!(notifications.wait(PATIENCE / 5), Err(closed));
        peer.join().unwrap();
    });
}

/// G22: what the network does is tried again; a certificate that is refused is not.
#[test]
fn g22_reconnecting_over_tls() {
    in_time(|| {
        let (server, stranger) = (Identity::new(), Identity::new());
        let config = server.trusted();
        let (address, peer) = serves(4, move |number, stream| match number {
            0 => play("C: notif\nS: OK\nS: <EOF>", server.on(stream)),
            1 => drop(stream),
            2 => play("C: notif\nS: OK\nS| notif: random\nS: <EOF>", server.on(stream)),
            _ => assert!(stranger.on(stream).shake_hands().is_err()),
        });
        let mut policy = Reconnect::default();
        policy.first = Duration::from_millis(10);
        let mut connector = connector("");
        connector.reconnect = Some(policy);
        let (_client, mut notifications) = connector.tls(address, &config).unwrap();
        let told: [String; 4] = std::array::from_fn(|_| next(&mut notifications));
        assert!(told[0].starts_with("Gap(Disconnected(Io { kind: UnexpectedEof"), "{told:?}");
        assert_eq!(told[1..3], ["Resumed", "random"]);
        assert_eq!(told[3], told[0]);
        let last = next(&mut notifications);
        assert!(last.starts_with("not connected: the server's certificate is refused"), "{last}");
        peer.join().unwrap();
    });
}

/// The near end of a connection that begins in plaintext. It blocks, so that a test may be read from
/// top to bottom.
fn plaintext(config: &TlsConfig) -> (Tls<Plain<UnixStream>>, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    for end in [&near, &far] {
        end.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    (Tls::starttls(Plain(near), config, localhost()).unwrap(), far)
}

#[test]
fn starttls_switches_where_both_agree() {
    in_time(|| {
        let server = Identity::new();
        let (mut near, mut far) = plaintext(&server.trusted());
        let peer = thread::spawn(move || {
            hear(&mut far, "STARTTLS\r\n");
            say(&mut far, "OK\r\n");
            let mut far = server.on(far);
            hear(&mut far, "random?\r\n");
            say(&mut far, "1\r\n");
            assert_eq!(far.read(&mut [0; 64]).unwrap(), 0);
        });
        say(&mut near, "STARTTLS\r\n");
        hear(&mut near, "OK\r\n");
        near.upgrade().unwrap();
        say(&mut near, "random?\r\n");
        hear(&mut near, "1\r\n");
        assert_eq!(near.upgrade().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        drop(near);
        peer.join().unwrap();
        let mut socket = UnixStream::pair().unwrap().0;
        assert_eq!(socket.upgrade().unwrap_err().kind(), io::ErrorKind::Unsupported);
    });
}

/// What somebody adds in plaintext is not taken for something said in secret.
#[test]
fn starttls_takes_nothing_along() {
    in_time(|| {
        let (mut near, mut far) = plaintext(&Identity::new().trusted());
        say(&mut far, "OK\r\nnotif: random\r\n");
        hear(&mut near, "OK\r\n");
        near.upgrade().unwrap();
        let error = near.read(&mut [0; 64]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("the server does not speak TLS here"), "{error}");
    });
}

/// The server is verified as it is where TLS begins at once.
#[test]
fn starttls_verifies_the_server() {
    in_time(|| {
        let server = Identity::new();
        let (mut near, far) = plaintext(&Identity::new().trusted());
        near.upgrade().unwrap();
        let peer = thread::spawn(move || assert!(server.on(far).shake_hands().is_err()));
        let error = near.write(b"random?\r\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        drop(near);
        peer.join().unwrap();
    });
}

/// G23: what was to be said over TLS is not said without, though the opening forgot to switch.
#[test]
fn g23_starttls_that_is_forgotten_says_nothing() {
    let config = Identity::new().trusted();
    let peer = plays(&["C: <EOF>"]);
    let connector = connector("");
    let refused = connector.starttls(at("localhost", peer.address), &config).unwrap_err();
    assert!(refused.to_string().contains("has not switched to TLS"), "{refused}");
    assert!(!refused.is_transient());
    peer.finish().unwrap();
}
