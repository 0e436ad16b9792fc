//! Who drives connections: what `--runtime` says, and nothing else.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use bellwire_any::Runtime;

mod common;

use common::{PATIENCE, Program, Wire, fake, serve};

/// The runtimes that have a thread in this program. On plain threads, it is one of our own.
fn runtimes(program: &Program) -> Vec<Runtime> {
    let threads = program.threads().expect("the program's threads");
    let of = |runtime: &Runtime| match runtime {
        Runtime::Blocking => "bellwire ",
        Runtime::Tokio => "tokio-",
        Runtime::AsyncStd => "async-std/",
        // In the moment of its start, a program has the name of this thread, which is that of a test.
        Runtime::Smol => "smol-",
    };
    let runs = |runtime: &Runtime| threads.iter().any(|name| name.starts_with(of(runtime)));
    Runtime::ALL.into_iter().filter(runs).collect()
}

/// Waits until one of them has, and checks that it is the wanted one.
#[track_caller]
fn is_on_the_wanted(program: &Program, command: &str) {
    let deadline = Instant::now() + PATIENCE;
    let mut found = runtimes(program);
    while found.is_empty() && Instant::now() < deadline {
        thread::yield_now();
        found = runtimes(program);
    }
    assert_eq!(found, [wanted()], "{command}");
}

fn wanted() -> Runtime {
    common::runtime().unwrap_or(Runtime::Tokio)
}

#[test]
fn what_runs_is_on_one_runtime() {
    let server = serve(&[]);
    if server.program.threads().is_none() {
        return println!("SKIPPED: the system does not say which threads there are");
    }
    let watch = Program::start(["watch", &server.url]);
    is_on_the_wanted(&watch, "watch");
    is_on_the_wanted(&server.program, "serve");
    let mut demo = Program::start(["demo", "--notifications", "18446744073709551615"]);
    demo.line();
    is_on_the_wanted(&demo, "demo");

    let (asked, is_asked) = mpsc::channel();
    let server = fake(move |listener| {
        let mut client = Wire::accept(listener);
        client.expect("random?");
        asked.send(()).unwrap();
        client.await_end();
    });
    let mut call = Program::start(["call", &server.address, "random?"]);
    is_asked.recv_timeout(PATIENCE).unwrap();
    if wanted() == Runtime::Blocking {
        // Whoever waits for a reply drives the connection himself.
        assert_eq!(runtimes(&call), []);
    } else {
        is_on_the_wanted(&call, "call");
    }
    call.kill();
    server.end();
}
