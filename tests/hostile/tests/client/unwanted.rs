//! What nobody has asked for, and nobody reads: it costs nothing.

use std::net::Shutdown;

use bellwire_any::Runtime;
use bellwire_conformance::on_each_runtime;
use bellwire_hostile::Attacked;

use crate::{VICTIM, at_rest, greeting};

on_each_runtime! {
    /// G12: mails, as large as an answer may be; and the last is cut short.
    mails_that_nobody_wants_of_imap => mails,
    /// G12: a mail without end, which is not kept, and so is no reason to end.
    an_endless_mail_that_nobody_wants_of_imap => endless_mail,
}

const MAIL: usize = 60_000_000;

fn mails(runtime: Runtime) {
    rests(runtime, |says| {
        let mail = "x".repeat(MAIL);
        let header = format!("* 1 FETCH (BODY[] {{{MAIL}}}\r\n");
        says(&header);
        says(&mail);
        says(")\r\n");
        says(&header);
        says(&mail[1..]);
    });
}

fn endless_mail(runtime: Runtime) {
    rests(runtime, |says| {
        says("* 1 FETCH (BODY[] {99999999999}\r\n");
        // Twice what an answer may be.
        let some = "x".repeat(1024 * 1024);
        (0..128).for_each(|_| says(&some));
    });
}

/// Says one thing after the other with what it is given.
type Attack = fn(&mut dyn FnMut(&str));

/// The server says this to a client that neither asks nor reads, and then ends in the middle of it.
fn rests(runtime: Runtime, attack: Attack) {
    let attacked = Attacked::client(VICTIM, runtime, "rest", &["imap", ""], move |peer| {
        peer.says(greeting("imap"));
        attack(&mut |text| assert!(peer.says(text), "the client has ended"));
        peer.stream().shutdown(Shutdown::Write).expect("the client is there");
    });
    let over = "over: not connected: the connection was closed in the middle of a frame";
    attacked.told(&[over], at_rest());
}
