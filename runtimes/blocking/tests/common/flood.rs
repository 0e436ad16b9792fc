//! Much data through little room.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::thread;

use bellwire::dialect::notif::Get;
use bellwire_blocking::Pollable;
use rustix::net::sockopt;

use super::{connector, next};

const LINES: usize = 160;
/// 160 of them make 10 MiB.
const LINE: usize = 64 * 1024 - 16;

pub(crate) fn tighten(stream: &impl AsFd, bytes: usize) {
    sockopt::set_socket_send_buffer_size(stream, bytes).unwrap();
    sockopt::set_socket_recv_buffer_size(stream, bytes).unwrap();
}

/// The client writes 10 MiB while the peer, who reads nothing yet, writes 10 MiB; then the peer reads
/// in small bites, and answers with 10 MiB more.
pub(crate) fn both_ways(near: impl Pollable, far: impl Read + Write + Send + 'static) {
    let peer = thread::spawn(move || {
        let mut far = BufReader::with_capacity(1024, far);
        let topic = "n".repeat(LINE);
        for number in 0..LINES {
            writeln!(far.get_mut(), "notif: {topic}{number}").unwrap();
        }
        let mut line = String::new();
        for _ in 0..LINES {
            line.clear();
            far.read_line(&mut line).unwrap();
            let topic = line.trim_end().strip_suffix('?').unwrap();
            far.get_mut().write_all(format!("{topic}\r\n").as_bytes()).unwrap();
        }
    });
    let mut connector = connector("= in-flight 1024\n= output 16777216\n= frame 70000");
    connector.config.timers.write = None;
    connector.config.timers.reply = None;
    let (client, mut notifications) = connector.over(near).unwrap();
    let topics: Vec<String> =
        (0..LINES).map(|number| format!("{}{number}", "t".repeat(LINE))).collect();
    let requests: Vec<_> = topics.iter().map(|topic| client.send(Get(topic)).unwrap()).collect();
    for (request, topic) in requests.into_iter().zip(&topics) {
        assert!(request.wait().unwrap() == *topic, "another reply");
    }
    for number in 0..LINES {
        let topic = next(&mut notifications);
        assert_eq!(topic.trim_start_matches('n'), number.to_string());
    }
    peer.join().unwrap();
}
