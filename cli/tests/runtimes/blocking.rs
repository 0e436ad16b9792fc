#[path = "../call.rs"]
mod call;
#[path = "../common/mod.rs"]
pub(crate) mod common;
#[path = "../demo.rs"]
mod demo;
#[path = "../driven.rs"]
mod driven;
#[path = "../serve.rs"]
mod serve;
#[path = "../usage.rs"]
mod usage;
#[path = "../watch.rs"]
mod watch;
#[path = "../watch_status.rs"]
mod watch_status;
#[path = "../watch_trouble.rs"]
mod watch_trouble;
