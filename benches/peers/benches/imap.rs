//! Headers of 10,000 mails: `cargo bench -p bellwire-peers --bench imap`.

use bellwire_peers::imap::{self, Sets};
use bellwire_peers::{compare, is_test};

fn main() {
    let mails = if is_test() { 200 } else { 10_000 };
    let Some(dovecot) = imap::server(mails) else { return };
    let address = dovecot.address();
    for (what, sets) in [("one command", Sets::whole()), ("100 commands", Sets::split(mails, 100))]
    {
        let mut contenders = [
            imap::limit(address, &sets),
            imap::core(address, &sets),
            imap::core_typed(address, &sets),
            imap::blocking_raw(address, &sets),
            imap::blocking_typed(address, &sets),
            imap::blocking_parts(address, &sets),
            imap::async_imap(address, &sets),
            imap::imap(address, &sets),
        ];
        compare(&format!("headers of {mails} mails, {what}"), 15, 5, &mut contenders);
    }
}
