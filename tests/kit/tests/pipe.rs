//! Connections in memory, used by threads and by tasks.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use bellwire_testkit::{PATIENCE, Pipe, in_time};

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.map(|_| "done").unwrap_err().kind()
}

#[test]
fn threads_wait_for_each_other() {
    in_time(PATIENCE, || {
        let (near, far) = Pipe::pair(7);
        let said: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        let expected = said.clone();
        let writer = thread::spawn(move || {
            (&far).write_all(&said).unwrap();
            (&far).read_to_end(&mut Vec::new()).unwrap()
        });
        let mut heard = vec![0; expected.len()];
        (&near).read_exact(&mut heard).unwrap();
        assert!(heard == expected);
        (&near).write_all(b"bye").unwrap();
        near.half_close();
        assert_eq!(writer.join().unwrap(), 3);
        assert_eq!((&near).read(&mut [0; 8]).unwrap(), 0);
    });
}

#[test]
fn its_capacity_is_in_each_direction() {
    let (near, far) = Pipe::pair(4);
    for end in [&near, &far] {
        end.set_nonblocking(true);
    }
    for mut end in [&near, &far] {
        assert_eq!(end.write(b"123456").unwrap(), 4);
        assert_eq!(kind(end.write(b"56")), ErrorKind::WouldBlock);
    }
    let mut heard = [0; 3];
    assert_eq!((&near).read(&mut heard).unwrap(), 3);
    assert_eq!((&far).write(b"56").unwrap(), 2);
    assert_eq!((&near).read(&mut heard).unwrap(), 3);
    assert_eq!(&heard, b"456");
    assert_eq!(kind((&near).read(&mut heard)), ErrorKind::WouldBlock);
    assert_eq!((&near).read(&mut []).unwrap(), 0);
    assert_eq!((&near).write(&[]).unwrap(), 0);
    // With less than one byte, nothing would ever move.
    let (mut near, _far) = Pipe::pair(0);
    assert_eq!(near.write(b"12").unwrap(), 1);
}

#[test]
fn a_wait_ends_in_time() {
    in_time(PATIENCE, || {
        let (near, _far) = Pipe::pair(1);
        near.set_timeout(Some(Duration::from_millis(5)));
        assert_eq!(kind((&near).read(&mut [0])), ErrorKind::TimedOut);
        assert_eq!((&near).write(b"12").unwrap(), 1);
        assert_eq!(kind((&near).write(b"2")), ErrorKind::TimedOut);
    });
}

#[test]
fn half_closed_is_not_closed() {
    let (near, far) = Pipe::pair(8);
    (&near).write_all(b"last").unwrap();
    near.half_close();
    assert_eq!(kind((&near).write(b"more")), ErrorKind::BrokenPipe);
    (&far).write_all(b"answer").unwrap();
    let mut said = String::new();
    (&far).read_to_string(&mut said).unwrap();
    assert_eq!(said, "last");
    drop(far);
    said.clear();
    (&near).read_to_string(&mut said).unwrap();
    assert_eq!(said, "answer");
}

#[test]
fn who_has_gone_is_not_written_to() {
    let (near, far) = Pipe::pair(8);
    drop(far);
    assert_eq!(kind((&near).write(b"more")), ErrorKind::BrokenPipe);
    assert_eq!((&near).read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_reset_ends_everything_at_once() {
    in_time(PATIENCE, || {
        let (near, far) = Pipe::pair(8);
        (&near).write_all(b"lost").unwrap();
        let waits = thread::spawn(move || {
            let waited = kind((&near).read(&mut [0]));
            (waited, kind((&near).write(b"more")))
        });
        far.reset();
        assert_eq!(waits.join().unwrap(), (ErrorKind::ConnectionReset, ErrorKind::ConnectionReset));
        assert_eq!(kind((&far).read(&mut [0; 8])), ErrorKind::ConnectionReset);
    });
}

/// Answers a hundred bytes with a hundred others.
fn answer(mut far: &Pipe) {
    far.read_exact(&mut [0; 100]).unwrap();
    far.write_all(&[1; 100]).unwrap();
}

mod tasks {
    use std::thread;

    use bellwire_testkit::{PATIENCE, Pipe, in_time};
    use futures_lite::{AsyncReadExt, AsyncWriteExt, future};

    #[test]
    fn tasks_wait_for_each_other() {
        in_time(PATIENCE, || {
            let (mut near, mut far) = Pipe::pair(1);
            let said = async move {
                far.write_all(b"random?").await.unwrap();
                let mut answer = String::new();
                far.read_to_string(&mut answer).await.unwrap();
                answer
            };
            let answered = async move {
                let mut heard = [0; 7];
                near.read_exact(&mut heard).await.unwrap();
                assert_eq!(&heard, b"random?");
                near.write_all(b"456902234").await.unwrap();
                near.close().await.unwrap();
            };
            assert_eq!(future::block_on(future::zip(said, answered)).0, "456902234");
        });
    }

    /// A thread at one end, and a task at the other.
    #[test]
    fn a_thread_and_a_task() {
        in_time(PATIENCE, || {
            let (mut near, far) = Pipe::pair(4);
            let thread = thread::spawn(move || super::answer(&far));
            let heard = future::block_on(async {
                near.write_all(&[0; 100]).await.unwrap();
                let mut heard = Vec::new();
                near.read_to_end(&mut heard).await.unwrap();
                heard
            });
            assert_eq!(heard, [1; 100]);
            thread.join().unwrap();
        });
    }
}
