//! Ports that are free.

use std::net::{IpAddr, SocketAddr, TcpListener};

/// Below those that the system itself hands out. Otherwise, while a server is down, the client that
/// tries to reach it, or a listener of another test, may be given its port.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// An address with a port that nobody listens on. Somebody may, by the time that a server does.
pub(crate) fn free(ip: IpAddr) -> SocketAddr {
    loop {
        let address = SocketAddr::from((ip, fastrand::u16(RANGE)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Finds ports of which one, by its number in the order that they are asked for, is taken.
#[cfg(test)]
pub(crate) fn one_taken(number: usize, taken: SocketAddr) -> impl FnMut(IpAddr) -> SocketAddr {
    let mut asked = 0..;
    move |ip| if asked.next() == Some(number) { taken } else { free(ip) }
}
