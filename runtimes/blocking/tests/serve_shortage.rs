//! A server that has a descriptor for a client, but not for all that it needs to serve it. It is alone in its file,
//! because the limit is the whole process's, and so is the log.

use std::fs::File;
use std::io::{Read, Write};
use std::iter;
use std::net::TcpStream;
use std::sync::{Condvar, Mutex};

use rustix::net::{AddressFamily, SocketType, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

mod common;

use common::{Echo, Running, in_time};

static ERRORS: Errors = Errors { count: Mutex::new(0), more: Condvar::new() };

/// So many errors were logged.
struct Errors {
    count: Mutex<usize>,
    more: Condvar,
}

impl log::Log for Errors {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Error
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            *self.count.lock().unwrap() += 1;
            self.more.notify_all();
        }
    }

    fn flush(&self) {}
}

impl Errors {
    fn count(&self) -> usize {
        *self.count.lock().unwrap()
    }

    fn wait_past(&self, before: usize) {
        let same = |count: &mut usize| *count == before;
        drop(self.more.wait_while(self.count.lock().unwrap(), same).unwrap());
    }
}

/// G26: however many descriptors are left, a client waits until there are enough, and is served then; nobody is
/// accepted to be dropped.
#[test]
fn clients_wait_for_descriptors() {
    log::set_logger(&ERRORS).unwrap();
    log::set_max_level(log::LevelFilter::Error);
    in_time(|| {
        let server = Running::serves(Echo);
        let limit = getrlimit(Resource::Nofile);
        let few = Rlimit { current: Some(128), maximum: limit.maximum };
        setrlimit(Resource::Nofile, few).unwrap();
        // They stay, so that nothing is given back while it is counted what is left.
        let mut clients = Vec::new();
        for left in [0, 1, 2].repeat(4) {
            let client = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
            let mut taken: Vec<_> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
            taken.truncate(taken.len().saturating_sub(left));
            let before = ERRORS.count();
            connect(&client, &server.address).unwrap();
            ERRORS.wait_past(before);
            drop(taken);
            let mut client = TcpStream::from(client);
            client.write_all(b"weather?\n").unwrap();
            let mut answer = [0; 9];
            let read = client.read_exact(&mut answer).map(|()| &answer);
            assert_eq!(read.unwrap(), b"weather\r\n", "with {left} descriptors left");
            clients.push(client);
        }
        setrlimit(Resource::Nofile, limit).unwrap();
        drop(clients);
        server.stop();
    });
}
