//! Notifications on their way to whoever reads them: bounded, and never lost in silence.

use std::collections::VecDeque;
use std::task::Waker;

use bellwire::Notification;
use bytes::Bytes;

use crate::error::Ended;
use crate::wakers::Wakers;

/// What a reader of notifications gets, in the order of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The server's notification.
    Notification(Notification<Bytes>),
    /// Notifications may be missing here (guarantee G8).
    Gap(Gap),
    /// After a [`Gap`]: the server has confirmed that it sends notifications again. How things stand by
    /// then may be in the answers to what the connection began with: IMAP's SELECT says how many
    /// messages there are.
    Resumed,
    /// The server refuses to send notifications, and said this. It is asked again when somebody
    /// waits for them again; of refusals in a row that nobody has read, the last is kept.
    Refused(Bytes),
}

impl Notice {
    /// Whether it is a notification about `topic`.
    #[must_use]
    pub fn is(&self, topic: impl AsRef<[u8]>) -> bool {
        matches!(self, Self::Notification(it) if *it.topic == *topic.as_ref())
    }

    /// The notification, if it is one.
    #[must_use]
    pub fn notification(&self) -> Option<&Notification<Bytes>> {
        match self {
            Self::Notification(notification) => Some(notification),
            _ => None,
        }
    }
}

/// Why notifications may be missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Gap {
    /// The connection was lost.
    #[error("the connection was lost: {0}")]
    Disconnected(Ended),
    /// The reader was too slow: so many notices did not fit into his queue.
    #[error("the reader was too slow: {0} were dropped")]
    Overflow(u64),
}

/// Names one reader's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueId(usize);

/// The queues of all readers of one client: one for those who read everything, and one for each
/// reader of a single topic, who gets what the others then do not.
#[derive(Debug)]
pub struct Inbox {
    queues: Vec<Option<Queue>>,
    room: Room,
    pub(crate) wakers: Wakers,
}

/// What a queue may hold: it is full when it holds so many notices, or so many bytes or more.
#[derive(Clone, Copy, Debug)]
struct Room {
    notices: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Queue {
    topic: Option<Bytes>,
    notices: VecDeque<Notice>,
    /// Bytes of them.
    size: usize,
    /// Who waits for the next.
    waker: Option<Waker>,
}

impl Inbox {
    /// A queue that holds so many bytes takes no more notifications, unless it is [told](Self::hold_bytes) otherwise.
    pub(crate) const BYTES: usize = 64 * 1024 * 1024;

    /// An inbox without readers, whose queues hold at most `capacity` notices each.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let room = Room { notices: capacity.max(1), bytes: Self::BYTES };
        Self { queues: Vec::new(), room, wakers: Wakers::default() }
    }

    /// Its queues take no more notifications, and no refusals, once they hold so many bytes.
    pub fn hold_bytes(&mut self, bytes: usize) {
        self.room.bytes = bytes.max(1);
    }

    /// Opens a queue: for notifications about `topic`, or for all that have no queue of their own.
    pub fn open(&mut self, topic: Option<Bytes>) -> QueueId {
        let queue = Some(Queue { topic, notices: VecDeque::new(), size: 0, waker: None });
        match self.queues.iter().position(Option::is_none) {
            Some(index) => {
                self.queues[index] = queue;
                QueueId(index)
            }
            None => {
                self.queues.push(queue);
                QueueId(self.queues.len() - 1)
            }
        }
    }

    /// Closes a queue. What is in it is its reader's to lose.
    pub fn close(&mut self, id: QueueId) {
        let closed = self.queues.get_mut(id.0).and_then(Option::take);
        self.wakers.drop_later(closed.and_then(|queue| queue.waker));
    }

    /// Whether anybody reads.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.queues.iter().any(Option::is_some)
    }

    /// Whether anybody gets notifications about `topic`.
    pub(crate) fn is_read(&self, topic: &[u8]) -> bool {
        let gets = |queue: &Queue| queue.topic.as_ref().is_none_or(|it| *it == *topic);
        self.queues.iter().flatten().any(gets)
    }

    /// The next notice for a reader.
    pub fn take(&mut self, id: QueueId) -> Option<Notice> {
        let queue = self.queues.get_mut(id.0)?.as_mut()?;
        let notice = queue.notices.pop_front()?;
        queue.size -= size(&notice);
        Some(notice)
    }

    /// Delivers a notification to the readers of its topic, or else to those of everything.
    pub fn deliver(&mut self, notification: &Notification<Bytes>) {
        let mut topics = self.queues.iter().flatten().filter_map(|queue| queue.topic.as_ref());
        let topic = topics.find(|topic| **topic == notification.topic).cloned();
        for queue in self.queues.iter_mut().flatten().filter(|queue| queue.topic == topic) {
            queue.push(Notice::Notification(notification.clone()), self.room);
            self.wakers.wake_later(queue.waker.take());
        }
    }

    /// Tells every reader.
    pub fn broadcast(&mut self, notice: &Notice) {
        for queue in self.queues.iter_mut().flatten() {
            queue.push(notice.clone(), self.room);
            self.wakers.wake_later(queue.waker.take());
        }
    }

    /// Has `waker` woken when a reader's queue gets its next notice, or there will be none.
    pub fn watch(&mut self, id: QueueId, waker: &Waker) {
        if let Some(queue) = self.queues.get_mut(id.0).and_then(Option::as_mut) {
            self.wakers.watch(&mut queue.waker, waker);
        }
    }

    /// There will be no more notices.
    pub(crate) fn over(&mut self) {
        for queue in self.queues.iter_mut().flatten() {
            self.wakers.wake_later(queue.waker.take());
        }
    }
}

impl Queue {
    /// So many gaps and the like fit in behind all notifications.
    const SPARE: usize = 16;

    /// Where the queue is full, a gap takes the place of what does not fit.
    fn push(&mut self, notice: Notice, room: Room) {
        let is_notification = matches!(notice, Notice::Notification(_));
        let spare = if is_notification { 0 } else { Self::SPARE };
        if let (Notice::Refused(_), Some(Notice::Refused(before))) = (&notice, self.notices.back())
        {
            self.size -= before.len();
            self.notices.pop_back();
        }
        // Whoever waits behind a gap has the server asked again, and is told if it refuses.
        let full = size(&notice) > 0 && self.size >= room.bytes;
        if self.notices.len() < room.notices.saturating_add(spare) && !full {
            self.size += size(&notice);
            self.notices.push_back(notice);
        } else if let Some(Notice::Gap(Gap::Overflow(dropped))) = self.notices.back_mut() {
            *dropped += 1;
        } else {
            self.notices.push_back(Notice::Gap(Gap::Overflow(1)));
        }
    }
}

/// How many of its bytes a peer has chosen.
fn size(notice: &Notice) -> usize {
    match notice {
        Notice::Notification(it) => it.topic.len() + it.text.len(),
        Notice::Refused(text) => text.len(),
        Notice::Gap(_) | Notice::Resumed => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(topic: &'static str) -> Notification<Bytes> {
        Notification { topic: topic.into(), text: topic.into() }
    }

    fn topics(inbox: &mut Inbox, id: QueueId) -> Vec<String> {
        std::iter::from_fn(|| inbox.take(id))
            .map(|notice| match notice {
                Notice::Notification(it) => it.topic().into_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn g8_a_full_queue_says_how_much_it_dropped_and_where() {
        let mut inbox = Inbox::new(2);
        let all = inbox.open(None);
        for topic in ["a", "b", "c", "d"] {
            inbox.deliver(&notification(topic));
        }
        assert_eq!(topics(&mut inbox, all), ["a", "b", "Gap(Overflow(2))"]);
        inbox.deliver(&notification("e"));
        assert_eq!(topics(&mut inbox, all), ["e"]);
    }

    /// The most that can be set is no limit, whatever waits.
    #[test]
    fn g8_a_queue_without_a_limit() {
        let mut inbox = Inbox::new(usize::MAX);
        let all = inbox.open(None);
        for _ in 0..100 {
            inbox.deliver(&notification("a"));
            inbox.broadcast(&Notice::Resumed);
        }
        assert_eq!(topics(&mut inbox, all), ["a", "Resumed"].repeat(100));
    }

    /// A mail may be as large as all that may wait, and a thousand of them much larger.
    #[test]
    fn g8_a_queue_is_full_of_bytes_too() {
        let mut inbox = Inbox::new(1000);
        inbox.hold_bytes(10);
        let all = inbox.open(None);
        for _ in 0..2 {
            for topic in ["four", "a hundred", "b", "c"] {
                inbox.deliver(&notification(topic));
            }
            assert_eq!(topics(&mut inbox, all), ["four", "a hundred", "Gap(Overflow(2))"]);
        }
    }

    /// A server may refuse as often as it is asked, at any length, and nobody read it.
    #[test]
    fn g12_refusals_are_bounded_and_not_lost_in_silence() {
        let refused = |text: &'static str| Notice::Refused(text.into());
        let mut inbox = Inbox::new(1000);
        inbox.hold_bytes(10);
        let all = inbox.open(None);
        for _ in 0..2 {
            for text in ["not now", "never", "not now, said I"] {
                inbox.broadcast(&refused(text));
            }
            // It is full now.
            assert_eq!(inbox.queues[0].as_ref().unwrap().size, "not now, said I".len());
            inbox.broadcast(&Notice::Resumed);
            (0..100).for_each(|_| inbox.broadcast(&refused("not now")));
            let told: Vec<_> = std::iter::from_fn(|| inbox.take(all)).collect();
            let gap = Notice::Gap(Gap::Overflow(100));
            assert_eq!(told, [refused("not now, said I"), Notice::Resumed, gap]);
        }
    }

    /// Whoever has missed the one may be waiting for the other.
    #[test]
    fn g8_a_full_queue_still_tells_of_the_connection() {
        let mut inbox = Inbox::new(1);
        let all = inbox.open(None);
        for _ in 0..100 {
            inbox.deliver(&notification("a"));
            inbox.broadcast(&Notice::Gap(Gap::Disconnected(Ended::ByProgram)));
            inbox.broadcast(&Notice::Resumed);
        }
        let told = topics(&mut inbox, all);
        assert_eq!(told[..4], ["a", "Gap(Disconnected(ByProgram))", "Resumed", "Gap(Overflow(1))"]);
        assert!(told.len() <= 1 + 2 * Queue::SPARE, "{}", told.len());
    }

    #[test]
    fn a_topic_with_a_reader_of_its_own_goes_to_him_alone() {
        let mut inbox = Inbox::new(8);
        let all = inbox.open(None);
        let random = inbox.open(Some(Bytes::from_static(b"random")));
        for topic in ["random", "classified"] {
            inbox.deliver(&notification(topic));
        }
        assert_eq!(topics(&mut inbox, all), ["classified"]);
        assert_eq!(topics(&mut inbox, random), ["random"]);
        inbox.close(random);
        inbox.deliver(&notification("random"));
        assert_eq!(topics(&mut inbox, all), ["random"]);
    }
}
