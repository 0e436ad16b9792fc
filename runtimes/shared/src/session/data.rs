//! What belongs to no command in particular, and what comes in pieces.

use bellwire::{Dialect, Excerpt, LimitKind, Notification};
use bytes::Bytes;

use super::{RequestId, Session};

impl<D: Dialect + Clone> Session<D> {
    /// Data that belongs to no command in particular belongs to the answer of each that was on the
    /// wire when it came. It is for readers of notifications if it may be news, or nobody has asked;
    /// but what the connection begins with says how things stand, which is no news.
    pub(super) fn take_data(&mut self, topic: Bytes, text: Bytes, news: bool) {
        let begun = self.pieces.take_topic();
        let topic = if begun.is_empty() { topic } else { begun };
        let Some(text) = self.pieces.whole(None, text) else { return };
        let (connection, limits) = (self.connection, &self.client.config().limits);
        let mut asked = false;
        let mut opening = false;
        let mut too_much = None;
        for ticket in self.client.asking() {
            let id = RequestId { connection, ticket };
            asked = true;
            opening |= self.opening.waiting == Some(id);
            if let Some(request) = self.requests.get_mut(id) {
                request.take(text.clone());
                self.wakers.wake_later(request.part_waker());
                too_much = too_much.or(request.excess(limits));
            }
        }
        if let Some((limit, allowed)) = too_much {
            return self.over_limit(limit, allowed, &text);
        }
        if !opening && (news || !asked) && self.inbox.is_read(&topic) {
            // It may stay in its queue for long, and must not hold more memory than it needs.
            let own = |bytes: Bytes| Bytes::copy_from_slice(&bytes);
            self.inbox.deliver(&Notification { topic: own(topic), text: own(text) });
        }
    }

    /// Keeps a piece, if somebody may want the whole.
    pub(super) fn take_piece(&mut self, id: Option<RequestId>, topic: &[u8], text: &Bytes) {
        if id.is_none() && !topic.is_empty() {
            self.pieces.begin(topic);
        }
        let wanted = id.map_or_else(|| self.wants_data(), |id| self.requests.contains(id));
        if !wanted {
            return self.pieces.skip(id);
        }
        let allowed = self.client.config().limits.reply;
        if self.pieces.len_of(id) + text.len() > allowed {
            return self.over_limit(LimitKind::Reply, allowed, text);
        }
        self.pieces.take(id, text);
    }

    /// Whether what comes in pieces and belongs to no command would reach anybody. Only its end says
    /// whether it is news.
    fn wants_data(&self) -> bool {
        let connection = self.connection;
        let mut asking = self.client.asking().map(|ticket| RequestId { connection, ticket });
        self.inbox.is_read(self.pieces.topic()) || asking.any(|id| self.requests.contains(id))
    }

    /// Keeps no pieces for those who have gone.
    pub(super) fn let_go(&mut self) {
        if self.pieces.len_of(None) > 0 && !self.wants_data() {
            self.pieces.skip(None);
        }
    }

    /// The machine keeps nothing of what this session gathers, so it cannot see that it is too much.
    fn over_limit(&mut self, limit: LimitKind, allowed: usize, text: &[u8]) {
        let excerpt = Excerpt::new(text);
        self.client.give_up(bellwire::Error::Limit { limit, allowed, excerpt });
    }
}
