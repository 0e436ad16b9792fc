//! Faults between real sockets.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bellwire_testkit::{Faults, PATIENCE, Proxy, ProxyOptions, accept, in_time};

/// A client and a server, and the proxy between them.
struct Between {
    proxy: Proxy,
    near: TcpStream,
    far: TcpStream,
}

fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

fn between(configure: impl FnOnce(ProxyOptions) -> ProxyOptions) -> Between {
    let server = listen();
    let proxy = configure(Proxy::to(server.local_addr().unwrap())).start().unwrap();
    let near = TcpStream::connect(proxy.address()).unwrap();
    let far = accept(&server, PATIENCE).unwrap();
    for end in [&near, &far] {
        end.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    Between { proxy, near, far }
}

fn heard(stream: &mut TcpStream, count: usize) -> String {
    let mut heard = vec![0; count];
    stream.read_exact(&mut heard).unwrap();
    String::from_utf8(heard).unwrap()
}

fn is_reset(stream: &mut TcpStream) -> bool {
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    error.kind() == ErrorKind::ConnectionReset
}

/// Answers each line with itself, on so many connections.
fn echo(listener: TcpListener, connections: usize) -> JoinHandle<()> {
    thread::spawn(move || {
        let echoes: Vec<_> = (0..connections)
            .map(|_| {
                let stream = accept(&listener, PATIENCE).unwrap();
                thread::spawn(move || {
                    let mut lines = BufReader::new(&stream);
                    let mut line = Vec::new();
                    while lines.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
                        if (&stream).write_all(&line).is_err() {
                            return;
                        }
                        line.clear();
                    }
                })
            })
            .collect();
        echoes.into_iter().for_each(|echo| echo.join().unwrap());
    })
}

#[test]
fn nothing_goes_wrong_unasked() {
    in_time(2 * PATIENCE, || {
        let Between { proxy, mut near, mut far } = between(|proxy| proxy);
        let much: Vec<u8> = (0..10_000_000_u32).map(|number| (number / 7) as u8).collect();
        let copy = much.clone();
        // Both ways at once, and more than the sockets and the proxy hold.
        let writer = thread::spawn({
            let mut far = far.try_clone().unwrap();
            move || {
                far.write_all(&copy).unwrap();
                far.shutdown(std::net::Shutdown::Write).unwrap();
            }
        });
        let reader = thread::spawn(move || {
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).unwrap();
            heard
        });
        near.write_all(&much).unwrap();
        let mut said = Vec::new();
        near.read_to_end(&mut said).unwrap();
        near.shutdown(std::net::Shutdown::Write).unwrap();
        writer.join().unwrap();
        assert!(said == much && reader.join().unwrap() == much);
        let counts = proxy.counts();
        assert_eq!((counts.to_client.bytes, counts.to_server.bytes), (10_000_000, 10_000_000));
        assert_eq!(
            (counts.connections, counts.to_client.pieces, counts.to_server.delays),
            (1, 0, 0)
        );
    });
}

/// Each direction has its own faults.
#[test]
fn lines_are_repeated_where_it_was_asked_for() {
    in_time(PATIENCE, || {
        let faults = Faults::none().duplicate(1.0).split(1..=1);
        let Between { proxy, mut near, mut far } = between(|proxy| proxy.to_client(faults));
        near.write_all(b"random?\r\n").unwrap();
        assert_eq!(heard(&mut far, 9), "random?\r\n");
        far.write_all(b"1\r\n").unwrap();
        assert_eq!(heard(&mut near, 6), "1\r\n1\r\n");
        drop(near);
        assert_eq!(far.read(&mut [0]).unwrap(), 0);
        let counts = proxy.counts();
        assert_eq!((counts.to_client.duplicates, counts.to_server.duplicates), (1, 0));
        assert_eq!((counts.to_client.pieces, counts.to_server.pieces), (6, 0));
    });
}

#[test]
fn lines_are_delayed() {
    in_time(PATIENCE, || {
        let time = Duration::from_millis(40);
        let faults = Faults::none().delay(time..=time);
        let Between { proxy, mut near, mut far } = between(|proxy| proxy.to_server(faults));
        let start = Instant::now();
        near.write_all(b"random?\r\n").unwrap();
        assert_eq!(heard(&mut far, 9), "random?\r\n");
        assert!(start.elapsed() >= time);
        assert_eq!(proxy.counts().to_server.delays, 1);
    });
}

#[test]
fn a_stall_keeps_what_is_behind_it() {
    in_time(PATIENCE, || {
        let faults = Faults::none().stall(3..=3, Duration::MAX);
        let Between { proxy, mut near, mut far } = between(|proxy| proxy.to_client(faults));
        far.write_all(b"1\r\n2\r\n").unwrap();
        assert_eq!(heard(&mut near, 3), "1\r\n");
        // The other direction goes on.
        near.write_all(b"random?\r\n").unwrap();
        assert_eq!(heard(&mut far, 9), "random?\r\n");
        assert_eq!(proxy.counts().to_client.stalls, 1);
        near.set_nonblocking(true).unwrap();
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn one_direction_is_ended() {
    in_time(PATIENCE, || {
        let faults = Faults::none().half_close(3..=3);
        let Between { proxy, mut near, mut far } = between(|proxy| proxy.to_client(faults));
        far.write_all(b"1\r\n2\r\n").unwrap();
        let mut said = String::new();
        near.read_to_string(&mut said).unwrap();
        assert_eq!(said, "1\r\n");
        near.write_all(b"random?\r\n").unwrap();
        assert_eq!(heard(&mut far, 9), "random?\r\n");
        // What is swallowed fills nothing up.
        far.write_all(&vec![b'x'; 20_000_000]).unwrap();
        drop(near);
        assert_eq!(far.read(&mut [0]).unwrap(), 0);
        assert_eq!((proxy.counts().to_client.half_closes, proxy.counts().to_client.bytes), (1, 3));
    });
}

#[test]
fn both_directions_are_ended() {
    in_time(PATIENCE, || {
        let faults = Faults::none().half_close(0..=0);
        let Between { proxy: _proxy, near, far } =
            between(|proxy| proxy.to_client(faults.clone()).to_server(faults));
        // They may go on to say something, which nobody hears.
        for mut end in [&near, &far] {
            assert_eq!(end.read(&mut [0]).unwrap(), 0);
        }
        for mut end in [&near, &far] {
            end.write_all(&vec![b'x'; 20_000_000]).unwrap();
        }
    });
}

#[test]
fn both_ends_are_reset() {
    in_time(PATIENCE, || {
        for to_client in [true, false] {
            let faults = Faults::none().reset(3..=3);
            let Between { proxy, mut near, mut far } =
                between(
                    |proxy| {
                        if to_client { proxy.to_client(faults) } else { proxy.to_server(faults) }
                    },
                );
            let (from, to) = if to_client { (&mut far, &mut near) } else { (&mut near, &mut far) };
            from.write_all(b"1\r\n2\r\n").unwrap();
            assert!(is_reset(to));
            assert!(is_reset(from));
            let counts = proxy.counts();
            assert_eq!(counts.to_client.resets + counts.to_server.resets, 1);
        }
    });
}

#[test]
fn a_reset_goes_through() {
    in_time(PATIENCE, || {
        let Between { proxy: _proxy, near, mut far } = between(|proxy| proxy);
        rustix::net::sockopt::set_socket_linger(&near, Some(Duration::ZERO)).unwrap();
        drop(near);
        assert!(is_reset(&mut far));
    });
}

#[test]
fn without_a_server_a_connection_is_reset() {
    in_time(PATIENCE, || {
        let server = listen();
        let address = server.local_addr().unwrap();
        drop(server);
        let proxy = Proxy::to(address).start().unwrap();
        assert!(is_reset(&mut TcpStream::connect(proxy.address()).unwrap()));
    });
}

/// What a client hears on its first three connections, one after the other.
fn sessions(seed: u64) -> Vec<String> {
    let server = listen();
    let faults = Faults::none().split(1..=9).duplicate(0.3).half_close(100..=400);
    let proxy = Proxy::to(server.local_addr().unwrap()).seed(seed).to_client(faults);
    let proxy = proxy.start().unwrap();
    let said = (0..3).map(|_| {
        let mut near = TcpStream::connect(proxy.address()).unwrap();
        let mut far = accept(&server, PATIENCE).unwrap();
        (0..100).for_each(|number| writeln!(far, "{number}").unwrap());
        let mut said = String::new();
        near.read_to_string(&mut said).unwrap();
        said
    });
    said.collect()
}

#[test]
fn the_same_seed_gives_the_same_sessions() {
    in_time(PATIENCE, || {
        let first = sessions(7);
        assert_eq!(sessions(7), first);
        let other = sessions(8);
        let mut all: Vec<_> = first.iter().chain(&other).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6, "{all:#?}");
    });
}

/// The server does not read: no more is taken from the client than sockets and the proxy hold.
#[test]
fn who_does_not_read_is_not_read_for() {
    in_time(PATIENCE, || {
        let faults = Faults::none().stall(0..=0, Duration::MAX);
        let Between { proxy, mut near, far: _far } = between(|proxy| proxy.to_server(faults));
        near.set_nonblocking(true).unwrap();
        let (mut taken, mut full) = (0, false);
        let bytes = || proxy.counts().to_server.bytes;
        // Until it has taken what it takes, and nothing fits into the sockets, either.
        while bytes() <= 48 * 1024 || !full {
            full = match near.write(&[0; 4096]) {
                Ok(count) => {
                    taken += count;
                    assert!(taken < 100_000_000, "it takes everything");
                    false
                }
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            };
            thread::yield_now();
        }
        assert!(bytes() <= 64 * 1024, "{}", bytes());
    });
}

#[test]
fn dropping_it_ends_everything() {
    in_time(PATIENCE, || {
        let faults = Faults::none().stall(0..=0, Duration::MAX);
        let Between { proxy, mut near, mut far } = between(|proxy| proxy.to_client(faults));
        far.write_all(b"never\r\n").unwrap();
        let address = proxy.address();
        drop(proxy);
        // Its sockets are closed; what was under way may make that a reset.
        assert_eq!(near.read(&mut [0]).unwrap_or(0), 0);
        assert_eq!(far.read(&mut [0]).unwrap_or(0), 0);
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

/// Four clients at once, each of whom waits for each answer before he asks again.
#[test]
fn a_hundred_thousand_requests() {
    const CLIENTS: usize = 4;
    const REQUESTS: usize = 25_000;
    in_time(12 * PATIENCE, || {
        let server = listen();
        let faults = Faults::none().split(3..=20);
        let proxy = Proxy::to(server.local_addr().unwrap()).to_client(faults.clone());
        let proxy = proxy.to_server(faults).start().unwrap();
        let echo = echo(server, CLIENTS);
        let address = proxy.address();
        let clients = (0..CLIENTS).map(|client| {
            thread::spawn(move || {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut lines = BufReader::new(&stream);
                let mut line = String::new();
                for request in 0..REQUESTS {
                    let asked = format!("{client} {request}?\r\n");
                    (&stream).write_all(asked.as_bytes()).unwrap();
                    line.clear();
                    lines.read_line(&mut line).unwrap();
                    assert_eq!(line, asked);
                }
            })
        });
        clients.collect::<Vec<_>>().into_iter().for_each(|client| client.join().unwrap());
        echo.join().unwrap();
        let counts = proxy.counts();
        assert_eq!(counts.connections, CLIENTS as u64);
        assert_eq!(counts.to_client.bytes, counts.to_server.bytes);
        assert!(counts.to_client.pieces >= (CLIENTS * REQUESTS / 4) as u64);
    });
}
