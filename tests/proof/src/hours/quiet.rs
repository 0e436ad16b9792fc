//! Hours in which nothing happens but what the clock says: each moment is known beforehand.

use std::fmt::Debug;
use std::time::Duration;

use bellwire::{Client, Dialect};

use super::host::answer_all;
use super::link::{Sent, Way};
use crate::worlds::peer::Peer;

/// What happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Quiet {
    pub(crate) steps: u64,
    pub(crate) left: u64,
}

/// Two cores on an honest link for so long, by clocks that begin at `origin`. The mode is left, for
/// whatever reason, once in each `period`, to the nanosecond.
pub(crate) fn quiet<D: Dialect + Debug>(
    mut client: Client<D>,
    mut peer: Box<dyn Peer>,
    leave: &str,
    (origin, length): (Duration, Duration),
    (latency, period): (Duration, Duration),
) -> Quiet {
    let (mut up, mut down) = (Way::default(), Way::default());
    let mut now = Duration::ZERO;
    let mut quiet = Quiet::default();
    let mut first = None;
    client.listen();
    while now < length {
        quiet.steps += 1;
        while let Some(Sent::Bytes(bytes)) = up.arrived(now) {
            peer.hear(&bytes);
        }
        peer.tick(origin + now);
        answer_all(peer.as_mut());
        while let Some(Sent::Bytes(bytes)) = down.arrived(now) {
            client.feed(&bytes);
        }
        hear(&mut client, origin + now);
        let said = client.output().to_vec();
        client.written(said.len());
        hear(&mut client, origin + now);
        if !said.is_empty() {
            up.send(now, latency, Sent::Bytes(said.clone()));
        }
        if String::from_utf8_lossy(&said).lines().any(|line| line == leave) {
            let first = *first.get_or_insert(now);
            assert_eq!(now, first + times(period, quiet.left), "drifted, {} times", quiet.left);
            quiet.left += 1;
        }
        let said = peer.say();
        if !said.is_empty() {
            down.send(now, latency, Sent::Bytes(said));
        }
        peer.tick(origin + now);
        assert!(!peer.is_over(), "autologout at {now:?}");
        let deadlines = client.deadline().into_iter().chain(peer.deadline());
        let deadlines = deadlines.map(|due| due.checked_sub(origin).expect("it is due for ever"));
        let next = deadlines.chain(up.next()).chain(down.next()).min();
        let next = next.expect("somebody has to wake up");
        assert!(next > now, "a deadline stays due at {now:?}");
        now = next;
    }
    let first = first.expect("the mode was never left");
    assert_eq!(quiet.left, times_in(length - first, period), "the mode was left too seldom");
    quiet
}

fn hear<D: Dialect>(client: &mut Client<D>, now: Duration) {
    let mut events = client.tick(now);
    while events.next().expect("an honest server").is_some() {}
}

fn times(period: Duration, count: u64) -> Duration {
    let nanos = period.as_nanos() * u128::from(count);
    Duration::from_nanos(u64::try_from(nanos).unwrap())
}

/// How many of what happens at once, and then in each period, happen in so long.
fn times_in(length: Duration, period: Duration) -> u64 {
    u64::try_from(length.as_nanos().div_ceil(period.as_nanos())).unwrap()
}
