//! A device without an operating system, at one end of a serial line, and all that surrounds it, played:
//! the line, which carries a byte in a millisecond and can be cut; the board at its other end; and time.
//!
//! ```console
//! $ cargo run --example uart
//! ```

#[expect(unreachable_pub, reason = "the device alone is a library: `uart_device`")]
mod device;

use std::time::Duration;

use bellwire::dialect::notif::Notif;
use bellwire::{Reply, Server, ServerConfig, ServerEvent};

use device::Device;

pub(crate) fn main() {
    let mut world = World::new();
    world.board.announce(7);
    world.passes(Duration::from_secs(1));
    world.board.announce(456_902_234);
    world.passes(Duration::from_secs(1));

    // Cut while nothing is said, which nobody can see.
    world.is_cut = true;
    world.board.announce(8);
    world.passes(Duration::from_secs(9));
    world.is_cut = false;
    world.passes(Duration::from_secs(9));

    // Cut in the middle of what the device says because of this.
    world.board.announce(9);
    world.passes(Duration::from_millis(18));
    world.is_cut = true;
    world.passes(Duration::from_secs(9));
    world.is_cut = false;
    world.passes(Duration::from_secs(9));

    let screen = world.device.screen();
    print!("{screen}");
    assert_eq!(screen, SHOWN);
}

/// What the board announces while the line is cut is shown when it is whole again.
const SHOWN: &str = "\
number 7
number 456902234
timed out: the peer was silent and did not answer a probe
listening again
number 8
the command was not sent: its deadline passed
timed out: no acknowledgement of a mode switch came
listening again
number 9
";

struct World {
    device: Device<String>,
    board: Board,
    is_cut: bool,
    now: Duration,
}

impl World {
    fn new() -> Self {
        let device = Device::new(String::new());
        Self { device, board: Board::new(), is_cut: false, now: Duration::ZERO }
    }

    /// Lets time pass, a millisecond after the other, in which a byte goes each way.
    fn passes(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(1);
            self.device.tick().expect("a string takes all");
            let (up, down) = (self.device.send(), self.board.send());
            if let Some(byte) = up.filter(|_| !self.is_cut) {
                self.board.received(byte);
            }
            if let Some(byte) = down.filter(|_| !self.is_cut) {
                self.device.received(byte).expect("a string takes all");
            }
        }
    }
}

/// A board with a number.
struct Board {
    machine: Server<Notif>,
    number: u64,
}

impl Board {
    fn new() -> Self {
        Self { machine: Server::new(Notif::default(), ServerConfig::default()), number: 0 }
    }

    fn announce(&mut self, number: u64) {
        self.number = number;
        self.machine.notify("random").expect("a topic");
    }

    fn send(&mut self) -> Option<u8> {
        let byte = *self.machine.output().first()?;
        self.machine.written(1);
        Some(byte)
    }

    fn received(&mut self, byte: u8) {
        let mut events = self.machine.feed(&[byte]);
        while let Some(event) = events.next().expect("the device keeps to the protocol") {
            if let ServerEvent::Command { ticket, text, .. } = event {
                let reply = match text {
                    b"random?" => Reply::done(self.number.to_string()),
                    _ => Reply::refused("never heard of it".to_owned()),
                };
                events.reply(ticket, reply).expect("a line");
            }
        }
    }
}
