//! A client of the notif protocol as everybody writes it first: whoever wants something reads until it
//! is there. Used on and never dropped in the middle, it works.

use std::collections::VecDeque;
use std::io;

use bellwire_testkit::Pipe;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use crate::checks::Subject;

pub(crate) struct Naive {
    stream: Pipe,
    /// Notifications that came while a reply was awaited.
    notified: VecDeque<String>,
}

impl Naive {
    /// Enters the notification mode, in which this protocol answers questions, too.
    pub(crate) async fn connect(stream: Pipe) -> Self {
        let mut naive = Self { stream, notified: VecDeque::new() };
        naive.request("notif").await.expect("a new connection");
        naive
    }

    /// Asks, and reads up to the reply.
    async fn request(&mut self, question: &str) -> io::Result<String> {
        self.stream.write_all(format!("{question}\r\n").as_bytes()).await?;
        loop {
            let line = self.line().await?;
            match line.strip_prefix("notif: ") {
                Some(topic) => self.notified.push_back(topic.to_owned()),
                None => return Ok(line),
            }
        }
    }

    /// Reads up to the next notification.
    async fn notification(&mut self) -> io::Result<String> {
        loop {
            if let Some(topic) = self.notified.pop_front() {
                return Ok(topic);
            }
            if let Some(topic) = self.line().await?.strip_prefix("notif: ") {
                return Ok(topic.to_owned());
            }
        }
    }

    /// Here is the fault: what was read is in this future, and in `request`'s, whose line it is.
    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).await?;
            line.extend(byte);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

impl Subject for Naive {
    async fn ask(&mut self, number: u64) -> Option<u64> {
        self.request(&format!("{number}?")).await.ok()?.parse().ok()
    }

    async fn next(&mut self) -> Option<u64> {
        self.notification().await.ok()?.parse().ok()
    }
}
