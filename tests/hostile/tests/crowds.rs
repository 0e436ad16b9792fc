//! Crowds: what thousands of clients cost a server that say nothing, or flood, and how others are served
//! meanwhile. One at a time.

use std::env;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use bellwire::ServerLimits;
use bellwire_any::Runtime;
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::{
    Crowd, Honest, Latencies, Victim, bounds, is_long, patiently, raise_descriptors,
};
use bellwire_test_servers::{skip, skip_some};

on_each_runtime! {
    by alone;
    /// G25, G26: ten thousand clients that say nothing cost what they are said to, and others are served.
    ten_thousand_silent_to_notif => |runtime| silent(runtime, "notif"),
    /// The same.
    ten_thousand_silent_to_mpd => |runtime| silent(runtime, "mpd"),
    /// G26: with the default limit they cost no more than those that it lets in.
    ten_thousand_at_the_default_limit => at_the_limit,
    /// G25, G26: a thousand clients flood, and half of them read no answer.
    a_thousand_floods => |runtime| {
        floods(runtime, "notif");
        // What bounds the cost is the same for both, and a flood takes its time to be served.
        if is_long() {
            floods(runtime, "mpd");
        }
    },
}

const VICTIM: &str = env!("CARGO_BIN_EXE_victim");

/// So many clients prove the point where descriptors do not allow for more.
const ENOUGH: usize = 2000;

fn alone(runtime: Runtime, test: impl FnOnce(Runtime) + Send + 'static) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    patiently(runtime, test);
}

/// As many clients as there are to be, if descriptors allow; `each`: so many a connection takes of the process
/// that has most of them.
fn crowd_of(count: usize, each: usize) -> usize {
    let spare = 200;
    let allowed = usize::try_from(raise_descriptors()).unwrap_or(usize::MAX);
    let most = allowed.saturating_sub(spare) / each;
    if most < count {
        let missing = count - most;
        let all = count * each + spare;
        let why =
            format!("{missing} of {count} clients, for want of descriptors (ulimit -n {all})");
        let tell = if most < count.min(ENOUGH) { skip } else { skip_some };
        tell(&why);
    }
    count.min(most)
}

/// Though the test passes, and its output is captured; with `CI`, there have to be enough.
#[test]
fn missing_clients_are_told() {
    const AGAIN: &str = "BELLWIRE_CROWD";
    const TEST: &str = "missing_clients_are_told";
    if env::var_os(AGAIN).is_some() {
        crowd_of(10_000, 1);
        return;
    }
    if raise_descriptors() < 2200 {
        return skip("even this takes 2200 descriptors (ulimit -n 2200)");
    }
    let again = |descriptors: &str, ci: Option<&str>| {
        let mut test = Command::new("sh");
        // With more than one thread, so that its own has its name.
        let run = "ulimit -n $1 && exec \"$0\" --exact $2 --test-threads 2";
        test.args(["-c", run]);
        test.arg(env::current_exe().expect("it is running")).args([descriptors, TEST]);
        test.env(AGAIN, "").env_remove("CI").envs(ci.map(|ci| ("CI", ci)));
        let output = test.output().expect("there is a shell");
        let told =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        (output.status.success(), told)
    };
    let (passed, [_, told]) = again("1000", None);
    let missing = "9200 of 10000 clients, for want of descriptors (ulimit -n 10200)";
    assert_eq!(told, format!("skipped: {TEST}: {missing}; 1 skipped here so far\n"));
    assert!(passed, "{told}");
    let (passed, [told, _]) = again("1000", Some("true"));
    assert!(!passed && told.contains(missing), "{told}");
    let (passed, [_, told]) = again("2200", Some("true"));
    assert!(passed && told.contains("8000 of 10000 clients"), "{told}");
}

/// So many descriptors does a connection take of the server.
fn descriptors(runtime: Runtime) -> usize {
    // Its own, and a pipe's two ends to wake its thread.
    if runtime == Runtime::Blocking { 3 } else { 1 }
}

fn silent(runtime: Runtime, dialect: &str) {
    let count = crowd_of(10_000, descriptors(runtime));
    let (mut victim, address) = serve(runtime, dialect, &[&format!("connections={}", count + 10)]);
    let (mut honest, idle) = warmed_up(&mut victim, dialect, address);
    let crowd = Crowd::connect(address, count);
    while victim.ask("count") != (count + 1).to_string() {}
    if let Some(growth) = victim.growth_now() {
        let what = format!("{runtime}, {dialect}: {count} silent clients, each");
        growth.per(count).within(bounds::silent(runtime), &what);
    }
    let latencies = honest.asks_often(1000);
    println!("{runtime}, {dialect}: {count} silent clients: {}", latencies.beside(&idle));
    Honest::connect(dialect, address).expect("there is room").asks();
    drop(crowd);
    while victim.ask("count") != "1" {}
    honest.asks();
    if let Some(growth) = victim.growth_now() {
        println!("{runtime}, {dialect}: {growth} are left of {count} silent clients");
    }
    // What is left serves those who come next.
    let _again = Crowd::connect(address, count);
    while victim.ask("count") != (count + 1).to_string() {}
    honest.asks();
    if let Some(growth) = victim.peak() {
        let bound = count * bounds::silent(runtime) + bounds::PROGRAM;
        growth.within(
            bound,
            &format!("{runtime}, {dialect}: {count} silent clients, and as many after them"),
        );
    }
    victim.ends();
}

fn at_the_limit(runtime: Runtime) {
    const LIMIT: usize = 512;
    let count = crowd_of(10_000, 1);
    if count < LIMIT {
        // As has been told.
        return;
    }
    let (mut victim, address) = serve(runtime, "notif", &[]);
    let (mut honest, idle) = warmed_up(&mut victim, "notif", address);
    let crowd = Crowd::connect(address, count);
    let latencies = honest.asks_often(1000);
    println!("{runtime}: {count} knock, {LIMIT} are let in: {}", latencies.beside(&idle));
    while crowd.ended() < count - (LIMIT - 1) {}
    assert_eq!(victim.ask("count"), LIMIT.to_string());
    if let Some(growth) = victim.peak() {
        let bound = LIMIT * bounds::silent(runtime) + bounds::PROGRAM;
        growth.within(
            bound,
            &format!("{runtime}: {count} silent clients, of which {LIMIT} are let in"),
        );
    }
    drop(crowd);
    while victim.ask("count") != "1" {}
    Honest::connect("notif", address).expect("there is room again").asks();
    honest.asks();
    victim.ends();
}

fn floods(runtime: Runtime, dialect: &str) {
    let count = crowd_of(1000, descriptors(runtime));
    let (mut victim, address) = serve(runtime, dialect, &[&format!("connections={}", count + 10)]);
    let (mut honest, idle) = warmed_up(&mut victim, dialect, address);
    let crowd = Crowd::connect(address, count);
    while victim.ask("count") != (count + 1).to_string() {}
    let flood = crowd.floods(FLOOD);
    let latencies = honest.asks_often(if is_long() { 10_000 } else { 1000 });
    println!("{runtime}, {dialect}: {count} floods: {}", latencies.beside(&idle));
    if let Some(growth) = victim.peak() {
        let bound = bounds::connection(runtime, &ServerLimits::default(), ANSWER.len());
        growth.per(count).within(bound, &format!("{runtime}, {dialect}: {count} floods, each"));
    }
    let crowd = flood.ends();
    honest.asks();
    assert!(crowd.ended() <= count / 2, "who reads answers has been ended");
    drop(crowd);
    while victim.ask("count") != "1" {}
    honest.asks_often(20);
    if let Some(growth) = victim.growth_now() {
        println!("{runtime}, {dialect}: {growth} are left of {count} floods");
    }
    victim.ends();
}

/// No dialect ends a connection for that.
const QUESTION: &str = "what\n";
const ANSWER: &str = "said: what\nOK\n";
const FLOOD: &[u8] = &{
    let mut flood = [0; QUESTION.len() * 1024];
    let mut at = 0;
    while at < flood.len() {
        flood[at] = QUESTION.as_bytes()[at % QUESTION.len()];
        at += 1;
    }
    flood
};

fn serve(runtime: Runtime, dialect: &str, options: &[&str]) -> (Victim, SocketAddr) {
    Victim::serve(VICTIM, runtime, &[&[dialect], options].concat())
}

/// An honest client, and how fast it is served by an idle server. What that costs, the server costs by itself.
fn warmed_up(victim: &mut Victim, dialect: &str, address: SocketAddr) -> (Honest, Latencies) {
    let mut honest = Honest::connect(dialect, address).expect("nobody else is there");
    honest.asks_often(200);
    let idle = honest.asks_often(1000);
    victim.is_ready();
    (honest, idle)
}
