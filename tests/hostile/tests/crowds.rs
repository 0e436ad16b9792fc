//! Crowds: what thousands of clients cost a server that say nothing, or flood, and how others are served
//! meanwhile. One at a time.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bellwire::ServerLimits;
use bellwire_any::Runtime;
use bellwire_hostile::{Crowd, Honest, Latencies, Victim, bounds, is_long, raise_descriptors};
use bellwire_testkit::in_time;

/// Makes of each function a test for each runtime, which is alone on the machine.
macro_rules! alone_on_each_runtime {
    ($($(#[$doc:meta])* $name:ident: $test:expr;)*) => {
        $(
            $(#[$doc])*
            mod $name {
                use super::*;

                #[test]
                fn on_blocking() {
                    alone(Runtime::Blocking, $test);
                }

                #[test]
                fn on_tokio() {
                    alone(Runtime::Tokio, $test);
                }

                #[test]
                fn on_async_std() {
                    alone(Runtime::AsyncStd, $test);
                }

                #[test]
                fn on_smol() {
                    alone(Runtime::Smol, $test);
                }
            }
        )*
    };
}

alone_on_each_runtime! {
    /// G25, G26: ten thousand clients that say nothing cost what they are said to, and others are served.
    ten_thousand_silent: silent;
    /// G26: with the default limit they cost no more than those that it lets in.
    ten_thousand_at_the_default_limit: at_the_limit;
    /// G25, G26: a thousand clients flood, and half of them read no answer.
    a_thousand_floods: floods;
}

const VICTIM: &str = env!("CARGO_BIN_EXE_victim");

/// Longer than a test may take.
const LONG: Duration = Duration::from_secs(300);

fn alone(runtime: Runtime, test: fn(Runtime)) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    in_time(LONG, move || test(runtime));
}

/// As many clients as there are to be, if descriptors allow; `each`: so many a connection takes of the process
/// that has most of them.
fn crowd_of(count: usize, each: usize) -> usize {
    let spare = 200;
    let allowed = usize::try_from(raise_descriptors()).unwrap_or(usize::MAX);
    let most = (allowed.saturating_sub(spare)) / each;
    if most < count {
        println!("skipped: {} of {count} clients, for want of descriptors", count - most);
    }
    count.min(most)
}

/// So many descriptors does a connection take of the server.
fn descriptors(runtime: Runtime) -> usize {
    // Its own, and a pipe's two ends to wake its thread.
    if runtime == Runtime::Blocking { 3 } else { 1 }
}

fn silent(runtime: Runtime) {
    let count = crowd_of(10_000, descriptors(runtime));
    let (mut victim, address) = serve(runtime, &[&format!("connections={}", count + 10)]);
    let (mut honest, idle) = warmed_up(&mut victim, address);
    let crowd = Crowd::connect(address, count);
    while victim.ask("count") != (count + 1).to_string() {}
    if let Some(growth) = victim.growth_now() {
        let what = format!("{runtime}: {count} silent clients, each");
        growth.per(count).within(bounds::silent(runtime), &what);
    }
    let latencies = honest.asks_often(1000);
    println!("{runtime}: {count} silent clients: {}", latencies.beside(&idle));
    Honest::connect("notif", address).expect("there is room").asks();
    drop(crowd);
    while victim.ask("count") != "1" {}
    honest.asks();
    if let Some(growth) = victim.growth_now() {
        println!("{runtime}: {growth} are left of {count} silent clients");
    }
    // What is left serves those who come next.
    let _again = Crowd::connect(address, count);
    while victim.ask("count") != (count + 1).to_string() {}
    honest.asks();
    if let Some(growth) = victim.peak() {
        let bound = count * bounds::silent(runtime) + bounds::PROGRAM;
        growth.within(bound, &format!("{runtime}: {count} silent clients, and as many after them"));
    }
    victim.ends();
}

fn at_the_limit(runtime: Runtime) {
    const LIMIT: usize = 512;
    let count = crowd_of(10_000, 1);
    let (mut victim, address) = serve(runtime, &[]);
    let (mut honest, idle) = warmed_up(&mut victim, address);
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

fn floods(runtime: Runtime) {
    let count = crowd_of(1000, descriptors(runtime));
    let (mut victim, address) = serve(runtime, &[&format!("connections={}", count + 10)]);
    let (mut honest, idle) = warmed_up(&mut victim, address);
    let crowd = Crowd::connect(address, count);
    while victim.ask("count") != (count + 1).to_string() {}
    let flood = crowd.floods(FLOOD);
    let latencies = honest.asks_often(if is_long() { 10_000 } else { 1000 });
    println!("{runtime}: {count} floods: {}", latencies.beside(&idle));
    if let Some(growth) = victim.peak() {
        let bound = bounds::connection(runtime, &ServerLimits::default(), QUESTION.len());
        growth.per(count).within(bound, &format!("{runtime}: {count} floods, each"));
    }
    let crowd = flood.ends();
    honest.asks();
    drop(crowd);
    while victim.ask("count") != "1" {}
    honest.asks_often(20);
    if let Some(growth) = victim.growth_now() {
        println!("{runtime}: {growth} are left of {count} floods");
    }
    victim.ends();
}

const QUESTION: &str = "what?\n";
const FLOOD: &[u8] = &{
    let mut flood = [0; QUESTION.len() * 1024];
    let mut at = 0;
    while at < flood.len() {
        flood[at] = QUESTION.as_bytes()[at % QUESTION.len()];
        at += 1;
    }
    flood
};

fn serve(runtime: Runtime, options: &[&str]) -> (Victim, SocketAddr) {
    Victim::serve(VICTIM, runtime, &[&["notif"], options].concat())
}

/// An honest client, and how fast it is served by an idle server. What that costs, the server costs by itself.
fn warmed_up(victim: &mut Victim, address: SocketAddr) -> (Honest, Latencies) {
    let mut honest = Honest::connect("notif", address).expect("nobody else is there");
    honest.asks_often(200);
    let idle = honest.asks_often(1000);
    victim.is_ready();
    (honest, idle)
}
