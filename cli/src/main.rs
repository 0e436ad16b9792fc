//! The `bellwire` program: watches, calls and serves protocols that mix replies with notifications.

mod address;
mod args;
mod call;
mod connect;
mod demo;
mod manual;
mod observers;
mod password;
mod print;
mod replay;
mod serve;
mod status;
mod watch;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use log::{Log, Metadata, Record};

use crate::args::{Args, Command, Completions, Man};

fn main() -> ExitCode {
    let args = Args::parse();
    start_log(args.verbose);
    let done = match args.command {
        Command::Demo(demo) => demo::run(&demo),
        Command::Serve(serve) => serve::run(&serve),
        Command::Call(call) => call::run(&call),
        Command::Watch(watch) => watch::run(watch),
        Command::Replay(replay) => replay::run(&replay),
        Command::Completions(Completions { shell }) => manual::completions(shell),
        Command::Man(Man { of }) => manual::page(of.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print::complain(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => log::LevelFilter::Warn,
        1 => log::LevelFilter::Info,
        2 => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    };
    let mut log = env_logger::Builder::new();
    // What TLS has to say about each handshake would hide the rest.
    log.filter_level(log::LevelFilter::Warn).filter_module("bellwire", level);
    let log = log.format_target(false).build();
    log::set_max_level(log.filter());
    // It is the only one, and the first.
    let _ = log::set_boxed_logger(Box::new(AboveStatus(log)));
}

/// A log that is not mixed up with the status line.
struct AboveStatus(env_logger::Logger);

impl Log for AboveStatus {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.0.matches(record) {
            status::above(|| self.0.log(record));
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Whoever read our output has had enough, which is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
