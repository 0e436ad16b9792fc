//! Sessions that were recorded replay to the same events (G6), with a password that nobody can read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwire::dialect::imap::{Append, Authenticate, Imap, Select};
use bellwire::transcript::{Act, Configured, Recorder, Said, Settings, play};
use bellwire::{Abandoned, Config, Event, Transcript};
use bellwire_blocking::{Connector, Observer};
use bellwire_test_servers::Dovecot;

use super::real::{in_time, stand_still};
use super::session::{append, ask, connector, fill, mail, next, other, prove};

/// Records each connection.
#[derive(Clone, Default)]
struct Records {
    settings: Vec<(&'static str, String)>,
    recorders: Arc<Mutex<Vec<Recorder>>>,
}

impl Records {
    fn of(connector: &mut Connector<Imap>) -> Self {
        let Connector { config, dialect, .. } = &connector;
        let records = Self { settings: Settings::of(config, dialect), ..Self::default() };
        connector.observer = Some(Box::new(records.clone()));
        records
    }

    fn note(&self, note: impl FnOnce(&mut Recorder)) {
        self.recorders.lock().unwrap().last_mut().map(note);
    }

    /// The transcripts.
    fn take(&self) -> Vec<String> {
        self.recorders.lock().unwrap().iter_mut().map(Recorder::take).collect()
    }
}

impl Observer for Records {
    fn connected(&mut self, _: u64) {
        let mut recorder = Recorder::new(Imap::NAME, Imap::LF);
        self.settings.iter().for_each(|(name, value)| recorder.setting(name, value));
        self.recorders.lock().unwrap().push(recorder);
    }

    fn client(&mut self, said: &Said) {
        self.note(|recorder| recorder.client(said));
    }

    fn server(&mut self, said: &Said) {
        self.note(|recorder| recorder.server(said));
    }

    fn event(&mut self, event: &Event<&[u8]>) {
        self.note(|recorder| recorder.event(event));
    }

    fn fault(&mut self, error: &bellwire::Error) {
        self.note(|recorder| recorder.event(format_args!("error: {error}")));
    }

    fn act(&mut self, act: &Act) {
        self.note(|recorder| recorder.act(act));
    }

    fn abandoned(&mut self, ticket: u64, how: Abandoned) {
        self.note(|recorder| recorder.event(format_args!("{how} {ticket}")));
    }

    fn tick(&mut self, now: Duration) {
        self.note(|recorder| recorder.tick(now));
    }
}

#[track_caller]
fn replay(text: &str) {
    let end = text.len().min(10_000);
    let transcript: Transcript = text.parse().unwrap_or_else(|why| panic!("{why}"));
    let Settings { client, dialect, .. } = transcript.configure::<Imap>().unwrap();
    let client = bellwire::Client::new(dialect, client);
    let played = play::client(&transcript, client, &mut |_| {});
    if let Err(why) = played {
        panic!("{}\n{why}", &text[..end]);
    }
}

#[test]
fn a_session_with_all_that_there_is() {
    in_time(|| {
        let Some(dovecot) = Dovecot::start() else { return };
        fill(&dovecot, 9);
        let mut connector = connector();
        connector.dialect.whole = 200;
        connector.dialect.rearm = Some(Duration::from_millis(200));
        let records = Records::of(&mut connector);
        let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
        let other = other(&dovecot);
        client.listen();
        for uid in 1..=9 {
            prove(&client, uid);
            other.request(append("news")).unwrap();
            while !next(&mut notifications).ends_with("EXISTS") {}
            let changed = other.request(ask("STORE", &format!(r"{uid} FLAGS (\Seen \Deleted)")));
            changed.unwrap();
            while !next(&mut notifications).contains(r"\Deleted") {}
        }
        other.request(ask("EXPUNGE", "")).unwrap();
        while next(&mut notifications) != "* 1 EXPUNGE" {}
        let pause = client.pause();
        drop(client.send(ask("FETCH", "1:9 (BODY.PEEK[])")).unwrap());
        stand_still(dovecot.process_group(), || {
            let hasty = client.within(Some(Duration::from_millis(50)));
            assert!(hasty.request(ask("FETCH", "1:9 (BODY.PEEK[])")).is_err());
        });
        let message = mail("\u{fc}", &"line\r\n".repeat(1000)).into();
        client.request(Append { mailbox: "INBOX".into(), message }).unwrap();
        client.request(ask("FETCH", "10 (FLAGS BODY.PEEK[])")).unwrap();
        assert!(client.request(Select("no such".into())).is_err());
        drop(pause);
        client.close();
        let [text] = &records.take()[..] else { panic!("one connection") };
        assert!(text.contains("LOGIN test \"***\"") && !text.contains("secret"), "{text}");
        assert!(text.contains("\n> piece"), "{text}");
        replay(text);
    });
}

/// However a connection ends, and whatever the next begins with.
#[test]
fn sessions_that_are_lost() {
    in_time(|| {
        let Some(mut dovecot) = Dovecot::start() else { return };
        let mut connector = connector();
        connector.opening[0] = Box::new(Authenticate::plain("test", "secret"));
        connector.reconnect = Some(bellwire_blocking::Reconnect::default());
        let records = Records::of(&mut connector);
        let (client, mut notifications) = connector.tcp(dovecot.address()).unwrap();
        client.listen();
        for _ in 0..3 {
            dovecot.restart();
            while next(&mut notifications) != "Resumed" {}
        }
        client.close();
        let texts = records.take();
        assert!(texts.len() >= 4, "{texts:?}");
        for text in texts {
            assert!(!text.contains("c2VjcmV0") && !text.contains("secret"), "{text}");
            replay(&text);
        }
    });
}

#[test]
fn settings_are_recorded() {
    let mut connector = connector();
    let records = Records::of(&mut connector);
    let plain = Settings::of(&Config::default(), &Imap::default());
    assert_eq!(plain, []);
    assert_eq!(records.settings, [("insecure", String::new())]);
}
