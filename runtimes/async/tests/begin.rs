//! What counts as a connection that was made.

use std::os::unix::net::UnixStream;

use bellwire::dialect::mpd::Mpd;
use bellwire::dialect::notif::Notif;
use bellwire_async::{Ended, Error};
use bellwire_smol::Connector;
use smol::Async;

/// A stream whose other end is gone already, so that the first look at it shows that.
fn closed() -> Async<UnixStream> {
    Async::new(UnixStream::pair().unwrap().0).unwrap()
}

/// Where nothing has to be said before, the connection is made, and then lost: that its end can be seen
/// at once is no other case than that it is seen a moment later.
#[test]
fn one_that_begins_with_nothing_is_made_and_lost() {
    smol::block_on(async {
        let (_client, mut notifications) =
            Connector::new(Notif::default()).over(closed()).await.unwrap();
        let end = notifications.next().await.unwrap();
        let Err(Error::NotConnected(Ended::Closed(_) | Ended::Io { .. })) = end else {
            panic!("{end:?}");
        };
        assert!(notifications.next().await.is_none());
    });
}

/// Where the server has to greet, there was no connection.
#[test]
fn one_that_was_not_greeted_was_never_made() {
    smol::block_on(async {
        let connected = Connector::new(Mpd::default()).over(closed()).await;
        assert!(matches!(connected, Err(Error::NotConnected(Ended::Closed(_)))), "{connected:?}");
    });
}
