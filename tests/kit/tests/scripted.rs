//! Servers that play transcripts: when they begin, what they wait for, and what they say of a client that
//! differs.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bellwire_testkit::{PATIENCE, Pipe, Script, ScriptError, in_time};

const SHORT: Duration = Duration::from_millis(20);

/// Asks, and hears all that comes.
fn ask(mut stream: impl Read + Write, said: &str) -> String {
    stream.write_all(said.as_bytes()).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard
}

fn why<T>(result: Result<T, ScriptError>) -> String {
    result.map(|_| "played").unwrap_err().to_string()
}

#[test]
fn a_transcript_for_each_connection() {
    in_time(PATIENCE, || {
        let texts = ["C: a?\nS: 1\nS: <EOF>", "C: b?\nS: 2\nS: <EOF>"];
        let server = Script::new(&texts).tcp().unwrap();
        let connect = || TcpStream::connect(server.address).unwrap();
        assert_eq!(ask(connect(), "a?\r\n"), "1\r\n");
        assert_eq!(ask(connect(), "b?\r\n"), "2\r\n");
        server.finish().unwrap();
    });
}

#[test]
fn on_a_unix_socket() {
    in_time(PATIENCE, || {
        let path = std::env::temp_dir().join(format!("bellwire-kit-{}", std::process::id()));
        let server = Script::new(&["C: a?\nS: 1\nS: <EOF>"]).unix(&path).unwrap();
        let stream = UnixStream::connect(&server.address).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(ask(stream, "a?\r\n"), "1\r\n");
        server.finish().unwrap();
        let nowhere = path.join("nowhere");
        assert!(matches!(Script::new(&[""]).unix(nowhere), Err(ScriptError::System(_))));
    });
}

#[test]
fn on_a_stream_that_is_connected() {
    in_time(PATIENCE, || {
        let (near, far) = Pipe::pair(64);
        let server = Script::new(&["C: a?\nS: 1\nS: <EOF>"]).on(far).unwrap();
        assert_eq!(ask(near, "a?\r\n"), "1\r\n");
        server.finish().unwrap();
        let (near, far) = Pipe::pair(64);
        drop(near);
        let server = Script::new(&["", ""]).patience(SHORT).on(far).unwrap();
        assert_eq!(why(server.finish()), "connection 2: nobody connected in 20ms");
    });
}

/// What is made of a connection is played on.
#[test]
fn over_something_else() {
    in_time(PATIENCE, || {
        let script = Script::new(&["C: a?\nS: <EOF>"]);
        let server = script.tcp_over(|stream| {
            (&stream).write_all(b"before\r\n").unwrap();
            stream
        });
        let server = server.unwrap();
        assert_eq!(ask(TcpStream::connect(server.address).unwrap(), "a?\r\n"), "before\r\n");
        server.finish().unwrap();
    });
}

/// Until it is released, not even what it says first is said.
#[test]
fn a_server_that_is_held() {
    in_time(PATIENCE, || {
        let server = Script::new(&["S: hello\nS: <EOF>"]).held().tcp().unwrap();
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(SHORT)).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        server.release();
        server.release();
        assert_eq!(ask(stream, ""), "hello\r\n");
        server.finish().unwrap();
    });
}

#[test]
fn what_differs_is_named() {
    in_time(PATIENCE, || {
        let texts = ["C: <EOF>", "C: a?\nS: 1\nC: <EOF>"];
        let server = Script::new(&texts).tcp().unwrap();
        drop(TcpStream::connect(server.address).unwrap());
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(b"b?\r\n").unwrap();
        assert_eq!(why(server.finish()), r#"connection 2: line 1: heard "b?\r\n", not "a?\r\n""#);
    });
}

#[test]
fn whoever_does_not_come_is_not_waited_for() {
    in_time(PATIENCE, || {
        let short = |texts: &[&str]| Script::new(texts).patience(SHORT);
        let server = short(&["C: a?"]).tcp().unwrap();
        assert_eq!(why(server.finish()), "connection 1: nobody connected in 20ms");
        let (_near, far) = Pipe::pair(64);
        let server = short(&["C: a?"]).on(far).unwrap();
        let silent = r#"connection 1: line 1: heard nothing for 20ms, not "a?\r\n""#;
        assert_eq!(why(server.finish()), silent);
        let server = short(&["C: a?"]).held().tcp().unwrap();
        assert_eq!(server.finish(), Err(ScriptError::NeverReleased));
        // Who loses interest is not kept.
        drop(Script::new(&["C: a?"]).patience(Duration::from_secs(3600)).tcp().unwrap());
        drop(Script::new(&["C: a?"]).patience(Duration::from_secs(3600)).held().tcp().unwrap());
    });
}

#[test]
fn what_is_no_transcript_is_named() {
    let why = why(Script::new(&["C: a?", "C: a?\nD: b?"]).tcp());
    assert!(why.starts_with("transcript 2: line 2: a line begins with C: "), "{why}");
}

#[test]
#[should_panic(expected = "the handshake failed")]
fn a_panic_is_handed_on() {
    let server = Script::new(&["C: a?"]).tcp_over(|stream: TcpStream| -> TcpStream {
        drop(stream);
        panic!("the handshake failed")
    });
    let server = server.unwrap();
    let _stream = TcpStream::connect(server.address).unwrap();
    let _ = server.finish();
}

#[test]
#[should_panic(expected = "the test takes longer than 20ms")]
fn a_test_that_hangs_fails() {
    in_time(SHORT, || {
        loop {
            std::thread::park();
        }
    });
}

#[test]
#[should_panic(expected = "wrong")]
fn a_test_that_fails_fails() {
    in_time(PATIENCE, || panic!("wrong"));
}
