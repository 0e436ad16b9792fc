//! Thousands of times into IDLE and out of it, with a real Dovecot, while another client changes the
//! mailbox: every command gets its own reply, no change is lost, nothing hangs.
//!
//! Dovecot joins changes: how many lines tell of them is not certain, what they come to is. Hence the
//! mailbox as the client was told it is compared with the mailbox as it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use bellwire::Event;
use bellwire::transcript::Said;
use bellwire_blocking::{Notice, Observer};
use bellwire_test_servers::Dovecot;
use fastrand::Rng;

use real::{PATIENCE, in_time};
use session::{Client, append, ask, connector, fill, is_answered, other, parts, question, session};

mod real;
#[path = "dovecot/session.rs"]
mod session;

const ROUNDS: usize = 2000;

/// Mails that nobody removes, for questions.
const KEPT: u32 = 50;

/// A mailbox as its client has been told it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mailbox {
    /// The flags of each message, if they were ever told.
    flags: Vec<Option<Vec<String>>>,
    /// All that was told of messages that came and went.
    came_and_went: Vec<String>,
}

impl Mailbox {
    /// Takes in an untagged response, in the order of the wire.
    fn learn(&mut self, response: &str) {
        let mut words = response.splitn(4, ' ').skip(1);
        let Some(Ok(number)) = words.next().map(str::parse::<usize>) else { return };
        match words.next() {
            Some("EXISTS") => {
                assert!(number >= self.flags.len(), "an EXPUNGE is missing: {response}");
                self.flags.resize(number, None);
                self.came_and_went.push(response.to_owned());
            }
            Some("EXPUNGE") => {
                self.flags.remove(number - 1);
                self.came_and_went.push(response.to_owned());
            }
            Some("FETCH") => {
                if let Some(flags) = flags(response) {
                    self.flags[number - 1] = Some(flags);
                }
            }
            _ => {}
        }
    }

    /// The mailbox as it is.
    fn as_it_is(dovecot: &Dovecot) -> Self {
        let mut mailbox = Self::default();
        let (client, _) = session(dovecot);
        let answer = client.request(ask("FETCH", "1:* (FLAGS)")).unwrap();
        mailbox.flags.resize(answer.parts.len(), None);
        parts(&answer).iter().for_each(|part| mailbox.learn(part));
        mailbox
    }

    /// Whether it is `other`, as far as it was told.
    fn agrees(&self, other: &Self) -> bool {
        let same = |(told, is)| -> bool { Option::is_none(told) || told == is };
        self.flags.len() == other.flags.len() && self.flags.iter().zip(&other.flags).all(same)
    }
}

/// The flags in a FETCH response, sorted. That it is recent is no change of a message.
fn flags(response: &str) -> Option<Vec<String>> {
    let (_, flags) = response.split_once("FLAGS (")?;
    let words = flags.split_once(')')?.0.split_whitespace();
    let mut flags: Vec<_> = words.filter(|it| *it != r"\Recent").map(str::to_owned).collect();
    flags.sort();
    Some(flags)
}

/// Learns all that the server says.
#[derive(Clone, Default)]
struct Watcher(Arc<(Mutex<Told>, Condvar)>);

#[derive(Clone, Default)]
struct Told {
    mailbox: Mailbox,
    /// So often has the server confirmed IDLE.
    idles: usize,
    /// So many responses came as notifications, and as data.
    notifications: usize,
    data: usize,
    /// DONE has been said, and IDLE has not ended.
    leaving: bool,
    /// So many notifications crossed with DONE.
    crossed: usize,
}

impl Watcher {
    fn told(&self) -> Told {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until this is so.
    #[track_caller]
    fn wait_until(&self, what: &str, is: impl Fn(&Told) -> bool) {
        let (told, changed) = &*self.0;
        let told = told.lock().unwrap();
        let waited = changed.wait_timeout_while(told, PATIENCE, |told| !is(told)).unwrap();
        let (timed_out, idles) = (waited.1.timed_out(), waited.0.idles);
        drop(waited);
        assert!(!timed_out, "{what} does not happen, after {idles} times IDLE");
    }
}

impl Observer for Watcher {
    fn client(&mut self, said: &Said) {
        if matches!(said, Said::Bytes(bytes) if bytes.starts_with(b"DONE")) {
            self.0.0.lock().unwrap().leaving = true;
        }
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        let mut told = self.0.0.lock().unwrap();
        match event {
            Event::Notification(it) => {
                told.mailbox.learn(&String::from_utf8_lossy(it.text));
                told.notifications += 1;
                told.crossed += usize::from(told.leaving);
            }
            Event::Data { text, .. } => {
                told.mailbox.learn(&String::from_utf8_lossy(text));
                told.data += 1;
            }
            Event::Listening(_) => told.idles += 1,
            Event::NotListening(_) => told.leaving = false,
            _ => {}
        }
        self.0.1.notify_all();
    }
}

/// Changes the mailbox in some way.
fn change(client: &Client, dice: &mut Rng, exists: &mut u32) {
    let uid = |dice: &mut Rng, above: u32, count: u32| above + 1 + dice.u32(..count);
    match dice.u64(..4) {
        0 => {
            client.request(append("news")).unwrap();
            *exists += 1;
        }
        1 if *exists > KEPT => {
            let number = uid(dice, KEPT, *exists - KEPT);
            client.request(ask("STORE", &format!(r"{number} +FLAGS (\Deleted)"))).unwrap();
            client.request(ask("EXPUNGE", "")).unwrap();
            *exists -= 1;
        }
        _ => {
            let number = uid(dice, 0, *exists);
            let of = [r"\Answered", r"\Flagged", r"\Seen", r"\Draft", "one", "two", "three"];
            let flags = of.into_iter().filter(|_| dice.u64(..2) == 0).collect::<Vec<_>>().join(" ");
            client.request(ask("STORE", &format!("{number} FLAGS ({flags})"))).unwrap();
        }
    }
}

/// Asks what only one mail can be the answer to, of several at once.
fn ask_at_once(client: &Client, dice: &mut Rng, count: u64) {
    let uids: Vec<_> = (0..count).map(|_| 1 + dice.u32(..KEPT)).collect();
    let questions = uids.iter().map(|uid| match uid % 2 {
        0 => question(*uid),
        _ => ask("UID SEARCH", &format!("UID {uid}")),
    });
    let asked: Vec<_> = questions.map(|question| client.send(question).unwrap()).collect();
    for (asked, uid) in asked.into_iter().zip(uids) {
        let answer = asked.wait().unwrap();
        let found = || {
            answer.reply.text.starts_with(b"OK Search completed")
                && parts(&answer).contains(&format!("* SEARCH {uid}"))
        };
        let proven = if uid % 2 == 0 { is_answered(uid, &answer) } else { found() };
        assert!(proven, "{uid}: {answer:?}");
    }
}

/// Each round waits until the client idles, and interrupts it.
fn rounds(in_flight: usize) {
    let Some(dovecot) = Dovecot::start() else { return };
    fill(&dovecot, KEPT);
    let other = other(&dovecot);
    let (watcher, mut connector) = (Watcher::default(), connector());
    connector.config.in_flight = in_flight;
    connector.queue = 1_000_000;
    connector.observer = Some(Box::new(watcher.clone()));
    let (client, notifications) = connector.tcp(dovecot.address()).unwrap();
    let begun = watcher.told().mailbox.came_and_went.len();
    let over = AtomicBool::new(false);
    let heard: Vec<String> = thread::scope(|scope| {
        let reader = scope.spawn(|| notifications.map(|notice| text(&notice.unwrap())).collect());
        let changer = scope.spawn(|| {
            let (mut dice, mut exists) = (Rng::with_seed(in_flight as u64), KEPT);
            while !over.load(Ordering::Relaxed) {
                change(&other, &mut dice, &mut exists);
            }
        });
        // However this ends, so do those.
        let end = Ended { client: &client, over: &over };
        let mut dice = Rng::with_seed(100 + in_flight as u64);
        let mut idles = 0;
        for _ in 0..ROUNDS {
            watcher.wait_until("IDLE", |told| told.idles > idles);
            idles = watcher.told().idles;
            let count = 1 + dice.u64(..in_flight as u64);
            ask_at_once(&client, &mut dice, count);
            if dice.u64(..4) == 0 {
                // Which may be before it idles again.
                ask_at_once(&client, &mut dice, 1);
            }
        }
        over.store(true, Ordering::Relaxed);
        changer.join().unwrap();
        let is = Mailbox::as_it_is(&dovecot);
        watcher.wait_until("agreement", |told| told.mailbox.agrees(&is));
        drop(end);
        reader.join().unwrap()
    });
    let Told { mailbox, idles, notifications, data, .. } = watcher.told();
    assert!(idles >= ROUNDS && notifications > 0 && data > 0, "{idles} {notifications} {data}");
    let known = mailbox.flags.iter().flatten().count();
    assert!(4 * known > mailbox.flags.len(), "few flags were ever told");
    let heard = heard.iter().filter(|it| it.ends_with(" EXISTS") || it.ends_with(" EXPUNGE"));
    assert!(heard.eq(&mailbox.came_and_went[begun..]), "the reader was told something else");
    assert_eq!(client.unsolicited(), 0);
}

struct Ended<'a> {
    client: &'a Client,
    over: &'a AtomicBool,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.client.close();
    }
}

fn text(notice: &Notice) -> String {
    match notice.notification() {
        Some(it) => String::from_utf8_lossy(&it.text).into_owned(),
        None => panic!("{notice:?}"),
    }
}

/// G2, G6, G8, G10: DONE is answered before the command is sent.
#[test]
fn one_at_a_time() {
    in_time(|| rounds(1));
}

/// G2, G6, G8, G10: DONE and commands go together.
#[test]
fn in_a_pipeline() {
    in_time(|| rounds(8));
}

/// G8, G10: Dovecot tells of a change half a second later. In that moment, IDLE is left.
#[test]
fn notifications_that_cross_with_done() {
    const CLIENTS: usize = 20;
    const CHANGES: u32 = 20;
    in_time(|| {
        let Some(dovecot) = Dovecot::start() else { return };
        fill(&dovecot, KEPT);
        let (changer, together) = (other(&dovecot), Barrier::new(CLIENTS + 1));
        let crossed: usize = thread::scope(|scope| {
            let clients = (1..=CLIENTS).map(|seed| {
                let (dovecot, together) = (&dovecot, &together);
                scope.spawn(move || crossing(dovecot, seed as u64, together, CHANGES))
            });
            let clients: Vec<_> = clients.collect();
            for _ in 0..CHANGES {
                together.wait();
                changer.request(append("news")).unwrap();
            }
            clients.into_iter().map(|client| client.join().unwrap()).sum()
        });
        assert!(crossed > 0, "nothing has crossed");
    });
}

/// A client that leaves IDLE when a notification is about to come, and so finds out when that is. How
/// many came after it had said so.
fn crossing(dovecot: &Dovecot, seed: u64, together: &Barrier, changes: u32) -> usize {
    let (watcher, mut connector) = (Watcher::default(), connector());
    connector.observer = Some(Box::new(watcher.clone()));
    let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
    let (mut dice, mut exists) = (Rng::with_seed(seed), KEPT);
    let (mut moment, mut step) = (Duration::from_millis(505), Duration::from_millis(4));
    for change in 1..=changes {
        together.wait();
        let notice = notifications.wait(moment).unwrap();
        moment = if notice.is_some() { moment - step } else { moment + step };
        step = step.mul_f64(0.9);
        count(&mut exists, notice.as_ref());
        ask_at_once(&client, &mut dice, 1);
        while exists < KEPT + change {
            let notice = notifications.wait(PATIENCE).unwrap();
            assert!(notice.is_some(), "change {change} is not told");
            count(&mut exists, notice.as_ref());
        }
    }
    assert_eq!(client.unsolicited(), 0);
    watcher.told().crossed
}

/// Takes note of how many mails there are, if a notice says so: one more each time.
fn count(exists: &mut u32, notice: Option<&Notice>) {
    let told = notice.map(text).unwrap_or_default();
    if told.ends_with(" EXISTS") {
        *exists += 1;
        assert_eq!(told, format!("* {exists} EXISTS"));
    }
}
