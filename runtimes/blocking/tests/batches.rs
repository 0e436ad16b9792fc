//! Several things asked at once.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bellwire::Refusal;
use bellwire::dialect::notif::Get;
use bellwire_blocking::{Error, Pending, Pollable, Transport};

mod common;

use common::{connector, plays_on};

/// A socket that counts how often it is written to.
struct Counted {
    stream: UnixStream,
    writes: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Transport for Counted {}

impl Pollable for Counted {
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(true)
    }
}

#[test]
fn a_batch_is_one_write_and_what_is_refused_is_so_by_itself() {
    let (stream, far) = UnixStream::pair().unwrap();
    let peer = plays_on(far, "C: a?\nC: b?\nC: c?\nS: 1\nS| 2\nS| 3");
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Counted { stream, writes: Arc::clone(&writes) };
    let (client, _notifications) = connector("= in-flight 3").over(counted).unwrap();

    let sent = client.send_all(["a", "b", "forged\r\n", "c"].map(Get));
    let mut replies: Vec<_> = sent.into_iter().map(|it| it.and_then(Pending::wait)).collect();
    let refused = replies.remove(2);
    assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden { .. }))), "{refused:?}");
    assert_eq!(replies, [Ok("1".into()), Ok("2".into()), Ok("3".into())]);
    assert_eq!(writes.load(Ordering::SeqCst), 1);
    client.close();
    peer.finish().unwrap();
}
