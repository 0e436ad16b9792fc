//! `bellwire watch` and `bellwire call` on a real MPD; and on one that plays the radio.

use std::fs;

use bellwire_any::Runtime;
use bellwire_test_servers::Mpd;
use rustix::process::Signal;
use serde_json::{Value, json};

mod common;

use common::{End, Program, Script, Wire, fake, lines, replays, run};

fn url(mpd: &Mpd) -> String {
    format!("mpd://{}", mpd.address())
}

/// Does all this, each of which succeeds.
#[track_caller]
fn call(mpd: &Mpd, commands: &[&str]) -> Vec<String> {
    run(["call", &url(mpd)].iter().chain(commands)).expect(0).out
}

/// Watches, and has said so when this returns: MPD keeps what changes from here on.
#[track_caller]
fn watch(url: &str, args: &[&str]) -> Program {
    let mut watch = Program::start(["-vvv", "watch", url].iter().chain(args));
    watch.complaint("C: idle");
    watch
}

#[test]
fn prints_each_change() {
    let Some(mpd) = Mpd::start() else { return };
    for url in [url(&mpd), format!("mpd://{}", mpd.socket().display())] {
        let mut watch = watch(&url, &[]);
        let mut wanted = self::watch(&url, &["--topic", "options", "--count", "1"]);
        let mut objects = self::watch(&url, &["--json"]);
        call(&mpd, &["setvol 30"]);
        assert_eq!(watch.line(), "mixer");
        let mixer = json!({ "topic": "mixer" });
        assert_eq!(serde_json::from_str::<Value>(&objects.line()).unwrap(), mixer);
        call(&mpd, &["repeat 1"]);
        assert_eq!([watch.line(), wanted.line()], ["options", "options"]);
        call(&mpd, &["setvol 31", "repeat 0"]);
        wanted.end().expect(0);
        watch.stop(Signal::INT);
    }
}

/// Each song once, whatever else changes; none when there is none; and again after another.
#[test]
fn fetches_the_song() {
    let Some(mpd) = Mpd::start() else { return };
    let mut watch = watch(&url(&mpd), &["--fetch", "--topic", "player"]);
    call(&mpd, &["add two.wav", "add album/three.wav", "play 0"]);
    assert_eq!(watch.line(), "song two.wav");
    call(&mpd, &["pause 1"]);
    watch.complaint("notification player");
    call(&mpd, &["pause 0", "next"]);
    assert_eq!(watch.line(), "song album/three.wav");
    call(&mpd, &["stop"]);
    watch.complaint("notification player");
    call(&mpd, &["play 0"]);
    assert_eq!(watch.line(), "song two.wav");
    // The same file once more is another entry of the queue.
    call(&mpd, &["add two.wav", "play 2"]);
    assert_eq!(watch.line(), "song two.wav");
    watch.stop(Signal::INT);
}

/// One that was not known when the watch began.
#[test]
fn no_song_is_none_to_print() {
    let Some(mpd) = Mpd::start() else { return };
    let mut watch = watch(&url(&mpd), &["--fetch", "--count", "1"]);
    // The queue changes, and nothing is played.
    call(&mpd, &["add two.wav"]);
    watch.complaint("C: currentsong");
    watch.complaint("S: OK");
    call(&mpd, &["play"]);
    let end = watch.end().expect(0);
    assert_eq!(end.out, ["song two.wav"]);
}

#[test]
fn fetches_the_song_as_an_object() {
    let Some(mpd) = Mpd::start() else { return };
    let script = Script::new(
        r#"printf '%s|%s\n' "$BELLWIRE_TOPIC" "$BELLWIRE_ITEM" >> "$(dirname "$0")/seen""#,
    );
    let topic = ["--topic", "player", "--exec", script.path()];
    let args: Vec<_> = topic.into_iter().chain(["--fetch", "--json", "--count", "1"]).collect();
    let watch = watch(&url(&mpd), &args);
    call(&mpd, &["add album/three.wav", "play"]);
    let end = watch.end().expect(0);
    let file = "album/three.wav";
    let expected = json!({ "topic": "song", "item": file, "file": file });
    assert_eq!(serde_json::from_str::<Value>(&end.out[0]).unwrap(), expected);
    assert_eq!(lines(&script.file("seen")), ["song|album/three.wav"]);
}

/// A station is the same entry of the queue for ever; its title is what is new, or that it plays again.
#[test]
fn the_radio() {
    let songs = [
        "Title: One\nArtist: Me",
        "Title: One\nArtist: Me",
        "",
        "Title: One\nArtist: Me",
        "Title: Two\nArtist: Me\nAlbum: Best",
        "Title: Three",
    ];
    let server = fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.write("OK MPD 0.23.5\n").unwrap();
        let (mut songs, mut announced, mut idles) = (songs.into_iter(), false, false);
        while songs.len() > 0 {
            match client.hear().as_str() {
                "idle" if announced => idles = true,
                "idle" => {
                    announced = true;
                    client.write("changed: playlist\nOK\n").unwrap();
                }
                "noidle" if idles => {
                    idles = false;
                    client.write("OK\n").unwrap();
                }
                "noidle" => {}
                command => {
                    assert_eq!(command, "currentsong");
                    announced = false;
                    let song = songs.next().filter(|song| !song.is_empty());
                    let song = song.map(|it| format!("file: http://radio/\n{it}\nPos: 0\nId: 1\n"));
                    client.write(format!("{}OK\n", song.unwrap_or_default())).unwrap();
                }
            }
        }
        client.await_end();
    });
    let url = format!("mpd://{}", server.address);
    let end = run(["watch", &url, "--fetch", "--json", "--count", "4"]).expect(0);
    let seen = end.out.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let seen: Vec<_> = seen.map(|it| (it["item"].clone(), it["album"].clone())).collect();
    let expected =
        [("Me - One", None), ("Me - One", None), ("Me - Two", Some("Best")), ("Three", None)];
    assert_eq!(seen, expected.map(|(item, album)| (json!(item), json!(album))));
    server.end();
}

/// The server is killed, and plays another song when it is back.
#[test]
fn finds_the_song_that_began_meanwhile() {
    let Some(mut mpd) = Mpd::start() else { return };
    let mut watch = watch(&url(&mpd), &["--fetch", "--topic", "song"]);
    call(&mpd, &["add two.wav", "add album/three.wav", "play 0"]);
    assert_eq!(watch.line(), "song two.wav");
    // In good order: it remembers its queue. The song is still the same.
    mpd.stop();
    watch.complaint("may have missed notifications");
    mpd.restart();
    watch.complaint("connected, and listening again");
    call(&mpd, &["play 1"]);
    assert_eq!(watch.line(), "song album/three.wav");

    mpd.kill();
    watch.complaint("may have missed notifications");
    mpd.restart();
    // Now it knows only what it knew in the end of the time before.
    assert_eq!(watch.line(), "song two.wav");
    watch.stop(Signal::INT);
}

/// The main path, a lost server included, on each runtime.
#[test]
fn on_each_runtime() {
    let Some(mut mpd) = Mpd::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    for runtime in Runtime::ALL.map(Runtime::name) {
        let name = directory.path().join(runtime);
        let name = name.to_str().unwrap();
        let on = ["--runtime", runtime];
        let args = ["--fetch", "--topic", "player", "--record", name];
        let args: Vec<_> = args.into_iter().chain(on).collect();
        let mut watch = watch(&url(&mpd), &args);
        let calls = ["add two.wav", "nonsense", "play"];
        let end = run(["call", &url(&mpd)].iter().chain(&calls).chain(&on)).expect(1);
        assert_eq!(end.out, ["OK", "ACK [5@0] {} unknown command \"nonsense\"", "OK"]);
        assert_eq!(watch.line(), "song two.wav", "{runtime}");

        mpd.kill();
        watch.complaint("may have missed notifications");
        mpd.restart();
        watch.complaint("connected, and listening again");
        let socket = format!("mpd://{}", mpd.socket().display());
        let calls = ["clear", "add album/three.wav", "play"];
        let end = run(["call", "--pipeline", &socket].iter().chain(&calls).chain(&on)).expect(0);
        assert_eq!(end.out, ["OK"; 3]);
        assert_eq!(watch.line(), "song album/three.wav", "{runtime}");
        call(&mpd, &["stop", "clear"]);
        let end = watch.stop(Signal::INT);
        for file in [name, &format!("{name}.2")] {
            let seen = replays(file);
            assert!(seen.contains(&"notification player".to_owned()), "{runtime}: {seen:#?}");
            let logged = |event: &String| end.err.iter().any(|line| line.ends_with(event));
            assert!(seen.iter().all(logged), "{runtime}: {seen:#?}, {end:#?}");
        }
    }
}

#[test]
fn a_lost_server_ends_it_without_reconnect() {
    let Some(mut mpd) = Mpd::start() else { return };
    let watch = watch(&url(&mpd), &["--no-reconnect"]);
    mpd.kill();
    watch.end().expect(1).complains(&["bellwire: not connected: "]);
    let nobody = [url(&mpd), format!("mpd://{}", mpd.socket().display())];
    for url in nobody {
        run(["watch", &url]).expect(1).complains(&["not connected: Connection refused"]);
        run(["call", &url, "status"]).expect(1).complains(&["not connected: Connection refused"]);
    }
    let missing = format!("mpd://{}.missing", mpd.socket().display());
    run(["watch", &missing]).expect(1).complains(&["not connected: No such file"]);
}

/// Who may do what. The password is in no log and in no recording.
#[test]
fn passwords() {
    let Some(mpd) = Mpd::options().password("open sesame").start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    let address = mpd.address();
    let refused = "ACK [4@0] {setvol} you don't have permission for \"setvol\"";
    let without = run(["call", &format!("mpd://{address}"), "setvol 20"]).expect(1);
    assert_eq!(without.out, [refused]);

    let with = |args: &[&str]| -> End {
        let mut call = common::command(["-vvv", "call", "--record", name].iter().chain(args));
        let end = Program::spawn(call.arg("setvol 20").env("PASSWORD", "open sesame")).end();
        let recorded = fs::read_to_string(&file).unwrap();
        assert!(!format!("{end:?}{recorded}").contains("sesame"), "{end:#?}, {recorded}");
        assert!(!format!("{end:?}{recorded}").contains("wrong"), "{end:#?}, {recorded}");
        assert!(recorded.contains("password ***"), "{recorded}");
        end
    };
    let socket = mpd.socket();
    let bare = format!("mpd://{address}");
    for args in [
        &[&*format!("mpd://open%20sesame@{address}")][..],
        &[&bare, "--password-command", "echo \"$PASSWORD\""],
        &[&*format!("mpd://{}", socket.display()), "--password-command", "echo \"$PASSWORD\""],
    ] {
        assert_eq!(with(args).expect(0).out, ["OK"]);
    }
    let end = with(&[&format!("mpd://wrong@{address}")]).expect(1);
    end.complains(&["could not begin: the server refused", "incorrect password"]);
    let end = run(["watch", &bare, "--password-command", "echo wrong"]).expect(1);
    end.complains(&["could not begin: the server refused", "incorrect password"]);
    run(["watch", &bare, "--password-command", "false"]).expect(1).complains(&["command failed"]);
}

/// One reply after the other, and a refusal is one of them.
#[test]
fn calls() {
    let Some(mpd) = Mpd::start() else { return };
    for pipeline in [&[][..], &["--pipeline"]] {
        let commands = ["add two.wav", "nonsense", "find file two.wav", "playid 4711", "clear"];
        let end = run(["call", &url(&mpd)].iter().chain(&commands).chain(pipeline)).expect(1);
        assert_eq!(
            end.out[..3],
            ["OK", "ACK [5@0] {} unknown command \"nonsense\"", "file: two.wav"]
        );
        assert_eq!(end.out[end.out.len() - 2..], ["ACK [50@0] {playid} No such song", "OK"]);
        end.complains(&["2 of 5 commands were refused"]);
    }
}

#[test]
fn what_is_no_command_is_refused() {
    let Some(mpd) = Mpd::start() else { return };
    for (command, why) in [
        ("idle", "reserved"),
        ("noidle", "reserved"),
        ("command_list_begin", "reserved"),
        ("close", "reserved"),
        ("Status", "lower-case"),
        ("status\nstatus", "0x0a"),
        ("", "empty"),
    ] {
        let end = run(["call", &url(&mpd), command]).expect(1);
        assert_eq!(end.out, [""; 0], "{command}");
        end.complains(&["the command was refused", why]);
    }
}

/// What is recorded replays to what was seen.
#[test]
fn a_recording_replays() {
    let Some(mpd) = Mpd::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("session.txt");
    let name = file.to_str().unwrap();
    let args = ["--fetch", "--topic", "player", "--count", "1", "--record", name];
    let watch = watch(&url(&mpd), &args);
    call(&mpd, &["add two.wav", "play"]);
    let end = watch.end().expect(0);
    let seen = replays(name);
    assert!(seen.contains(&"notification player".to_owned()), "{seen:#?}");
    assert!(seen.iter().all(|event| end.err.iter().any(|line| line.ends_with(event))));
}

/// Another server in its place is said to be that.
#[test]
fn a_server_that_is_no_mpd() {
    let server = fake(|listener| {
        let mut client = Wire::accept(listener);
        client.write("220 mail.example.org ESMTP\r\n").unwrap();
        client.await_end();
    });
    let end = run(["watch", &format!("mpd://{}", server.address)]).expect(1);
    end.complains(&["this is no MPD", "220 mail.example.org"]);
    server.end();
}
