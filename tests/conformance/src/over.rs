//! Clients over streams that are connected already, and hold little.

use std::future::Future;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use bellwire_adapter::Settings;
use bellwire_any::Wire;
use bellwire_async::runtime::Stream;
use bellwire_async::{Connected, Connector};
use bellwire_async_std::AsyncStd;
use bellwire_smol::Smol;
use bellwire_testkit::Pipe;
use bellwire_tokio::Tokio;
use rustix::net::sockopt;
use tokio_util::compat::FuturesAsyncReadCompatExt;

use crate::each::Run;

/// The server's end, which blocks.
pub trait Far: Read + Write + Send {}

impl<S: Read + Write + Send> Far for S {}

/// So much is on its way in each direction, and no more.
const ROOM: usize = 4096;

/// A runtime that takes any stream of futures-io's, in its own way.
pub trait Over: Run {
    /// Uses a stream that is connected.
    fn over<D: Wire, S: Stream>(
        connector: Connector<D, Self>,
        stream: S,
    ) -> impl Future<Output = Connected<D>>;
}

impl Over for Tokio {
    fn over<D: Wire, S: Stream>(
        connector: Connector<D, Self>,
        stream: S,
    ) -> impl Future<Output = Connected<D>> {
        connector.over(stream.compat())
    }
}

impl Over for AsyncStd {
    fn over<D: Wire, S: Stream>(
        connector: Connector<D, Self>,
        stream: S,
    ) -> impl Future<Output = Connected<D>> {
        connector.over(stream)
    }
}

impl Over for Smol {
    fn over<D: Wire, S: Stream>(
        connector: Connector<D, Self>,
        stream: S,
    ) -> impl Future<Output = Connected<D>> {
        connector.over(stream)
    }
}

/// A client of an asynchronous runtime, over a pipe that holds 4 KiB in each direction, with a server on a
/// thread of its own.
///
/// # Errors
///
/// When it cannot be connected.
pub async fn over<R: Over, D: Wire>(
    settings: Settings<D>,
    serve: impl FnOnce(Box<dyn Far>) + Send + 'static,
) -> Connected<D> {
    let (near, far) = Pipe::pair(ROOM);
    std::thread::spawn(move || serve(Box::new(far)));
    R::over(Connector::from(settings), near).await
}

/// The same for threads: they cannot wait for a pipe and for time at once, but for a socket.
///
/// # Errors
///
/// When it cannot be connected.
pub fn over_a_socket<D: Wire>(
    settings: Settings<D>,
    serve: impl FnOnce(Box<dyn Far>) + Send + 'static,
) -> Result<
    (bellwire_blocking::Client<D>, bellwire_blocking::Notifications<D>),
    bellwire_adapter::Error,
> {
    let (near, far) = UnixStream::pair().expect("no sockets");
    for end in [&near, &far] {
        sockopt::set_socket_send_buffer_size(end, ROOM).expect("it is refused");
        sockopt::set_socket_recv_buffer_size(end, ROOM).expect("it is refused");
    }
    std::thread::spawn(move || serve(Box::new(far)));
    bellwire_blocking::Connector::from(settings).over(near)
}

/// Runs an asynchronous test with a client of any adapter, over what holds 4 KiB in each direction:
/// `over_little!(runtime, settings, serve, |client, notifications| test)`.
#[macro_export]
macro_rules! over_little {
    ($runtime:expr, $settings:expr, $serve:expr, |$client:ident, $notifications:ident| $test:expr) => {
        match $runtime {
            $crate::Runtime::Blocking => {
                let ($client, $notifications) =
                    $crate::over_a_socket($settings, $serve).unwrap();
                smol::block_on($test)
            }
            runtime => $crate::on_async!(runtime, R => async {
                let ($client, $notifications) =
                    $crate::over::<R, _>($settings, $serve).await.unwrap();
                $test.await
            }),
        }
    };
}
