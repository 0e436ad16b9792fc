//! What answers are made of, until somebody takes it.

use std::collections::VecDeque;
use std::task::Waker;

use bellwire::{Failure, LimitKind, Limits, Reply};
use bytes::{Bytes, BytesMut};

use super::RequestId;

/// The requests whose callers wait. They come in the order of their ids, and mostly go in it: a queue
/// finds and drops them faster than a map.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<(RequestId, Request)>);

impl Requests {
    /// A new request; its id is higher than any before.
    pub(super) fn push(&mut self, id: RequestId) {
        debug_assert!(self.0.back().is_none_or(|(last, _)| *last < id));
        self.0.push_back((id, Request::default()));
    }

    pub(super) fn contains(&self, id: RequestId) -> bool {
        self.place(id).is_some()
    }

    pub(super) fn get(&self, id: RequestId) -> Option<&Request> {
        Some(&self.0.get(self.place(id)?)?.1)
    }

    pub(super) fn get_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        let place = self.place(id)?;
        Some(&mut self.0.get_mut(place)?.1)
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<Request> {
        let place = self.place(id)?;
        self.remove_at(place)
    }

    /// Removes a request, if it has its outcome.
    pub(super) fn remove_settled(&mut self, id: RequestId) -> Option<Request> {
        let place = self.place(id)?;
        self.0.get(place)?.1.outcome.as_ref()?;
        self.remove_at(place)
    }

    fn remove_at(&mut self, place: usize) -> Option<Request> {
        let removed = if place == 0 { self.0.pop_front() } else { self.0.remove(place) };
        removed.map(|(_, request)| request)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.0.iter().map(|(_, request)| request)
    }

    fn place(&self, id: RequestId) -> Option<usize> {
        // Tickets are numbered one by one, so if nobody in between has gone it is just there.
        let first = self.0.front()?.0.ticket.number();
        let guess = usize::try_from(id.ticket.number().wrapping_sub(first)).ok();
        let there = |place: &usize| self.0.get(*place).is_some_and(|(it, _)| *it == id);
        guess.filter(there).or_else(|| self.0.binary_search_by_key(&id, |(id, _)| *id).ok())
    }
}

/// A request whose caller waits.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) parts: VecDeque<Bytes>,
    /// Bytes of the parts.
    pub(super) size: usize,
    pub(super) outcome: Option<Result<Reply<Bytes>, Failure>>,
    /// Who waits for the outcome.
    pub(super) waker: Option<Waker>,
    /// He waits for the next part, too.
    pub(super) wants_part: bool,
}

impl Request {
    pub(super) fn take(&mut self, part: Bytes) {
        self.size += part.len();
        self.parts.push_back(part);
    }

    /// The limit that it is past, and what that allows.
    pub(super) fn excess(&self, limits: &Limits) -> Option<(LimitKind, usize)> {
        let sizes = [
            (self.size, LimitKind::Reply, limits.reply),
            (self.parts.len(), LimitKind::Parts, limits.parts),
        ];
        let past = sizes.into_iter().find(|(size, _, allowed)| size > allowed);
        past.map(|(_, limit, allowed)| (limit, allowed))
    }

    /// Whom to wake because a part has come.
    pub(super) fn part_waker(&mut self) -> Option<Waker> {
        self.waker.take_if(|_| self.wants_part)
    }
}

/// Copies of the parts of answers: many small ones share an allocation, which lasts as long as any of
/// them.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// What comes next is copied to its end.
    shared: BytesMut,
    /// Bytes that were copied since the last answer ended.
    lately: usize,
}

impl Copies {
    /// At most so many bytes are allocated at once.
    const MOST: usize = 16 * 1024;
    /// What is larger has an allocation of its own, so that little is left over.
    const LARGE: usize = Self::MOST / 8;

    pub(super) fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.len() > Self::LARGE {
            return Bytes::copy_from_slice(bytes);
        }
        if self.shared.capacity() < bytes.len() {
            // Twice as much as before, so that a short answer does not hold memory for a long one.
            let size = self.lately.max(bytes.len()).min(Self::MOST);
            self.shared = BytesMut::with_capacity(size);
        }
        self.lately += bytes.len();
        self.shared.extend_from_slice(bytes);
        self.shared.split().freeze()
    }

    /// An answer has ended.
    pub(super) fn end(&mut self) {
        if self.lately > 0 {
            *self = Self::default();
        }
    }
}

/// The beginning of what comes in pieces, until its last one comes, and makes it whole.
///
/// It may never be whole: of what answers an abandoned request, the machine tells no more. What comes
/// next belongs to another, and must not begin with what is left here (guarantee G3).
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Whose it is; data belongs to no request.
    owner: Option<RequestId>,
    /// What it is about, if it is data.
    topic: Bytes,
    bytes: BytesMut,
    /// A piece of it was not kept. Whoever wants it later gets nothing of it, rather than a half.
    lacking: bool,
}

impl Pieces {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Data about this begins to come.
    pub(super) fn begin(&mut self, topic: &[u8]) {
        *self = Self { topic: Bytes::copy_from_slice(topic), ..Self::default() };
    }

    pub(super) fn topic(&self) -> &[u8] {
        &self.topic
    }

    pub(super) fn take_topic(&mut self) -> Bytes {
        std::mem::take(&mut self.topic)
    }

    /// How many bytes are kept of what is this owner's.
    pub(super) fn len_of(&self, owner: Option<RequestId>) -> usize {
        if self.owner == owner { self.bytes.len() } else { 0 }
    }

    pub(super) fn take(&mut self, owner: Option<RequestId>, piece: &[u8]) {
        self.belong_to(owner);
        if !self.lacking {
            self.bytes.extend_from_slice(piece);
        }
    }

    /// Nobody wants what comes to this owner in pieces: neither those that have come nor the rest.
    pub(super) fn skip(&mut self, owner: Option<RequestId>) {
        *self = Self { owner, bytes: BytesMut::new(), lacking: true, topic: self.take_topic() };
    }

    /// What came in pieces, with the last of them, if all were kept.
    pub(super) fn whole(&mut self, owner: Option<RequestId>, last: Bytes) -> Option<Bytes> {
        self.belong_to(owner);
        if std::mem::take(&mut self.lacking) {
            return None;
        }
        if self.bytes.is_empty() {
            return Some(last);
        }
        self.bytes.extend_from_slice(&last);
        Some(std::mem::take(&mut self.bytes).freeze())
    }

    /// The request's caller does not wait any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        if self.owner == Some(id) {
            *self = Self::default();
        }
    }

    fn belong_to(&mut self, owner: Option<RequestId>) {
        if self.owner != owner {
            *self = Self { owner, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two copies share an allocation: they then lie one behind the other.
    fn share(one: &Bytes, next: &Bytes) -> bool {
        one.as_ptr_range().end == next.as_ptr()
    }

    #[test]
    fn parts_of_a_long_answer_share_memory_and_others_do_not() {
        let mut copies = Copies::default();
        let parts: Vec<Bytes> = (0..1000).map(|part| copies.copy(&[part as u8; 100])).collect();
        assert!(parts.iter().enumerate().all(|(at, part)| *part == [at as u8; 100][..]));
        let apart = parts.windows(2).filter(|pair| !share(&pair[0], &pair[1])).count();
        assert!(apart < 20, "{apart}");

        copies.end();
        let short = copies.copy(b"short");
        assert_eq!(short, "short");
        assert!(copies.shared.capacity() < 5);
    }
}
