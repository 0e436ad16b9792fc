//! What IMAP's responses say, of any bytes.

use bellwire::dialect::imap::response::{Condition, Structure, Untagged};
use bellwire::transcript::escape;
use bytes::Bytes;

/// Any bytes, read as each kind of response of IMAP's: no panic, an error at a place that is there, and no
/// more memory than the bytes are worth (G12).
pub fn imap_response(data: &[u8]) {
    let response = Bytes::copy_from_slice(data);
    let allocated = allocation_counter::measure(|| read(&response));
    let peak = allocated.bytes_max;
    let bound = 64 * 1024 + 512 * data.len() as u64;
    assert!(peak <= bound, "{peak} bytes allocated, for {}: {}", data.len(), escape(data));
}

fn read(response: &Bytes) {
    match Untagged::from_bytes(response) {
        Ok(Untagged::Fetch(message)) => drop(message.structure()),
        Ok(_) => {}
        Err(error) => {
            let there = error.at <= response.len() && !error.to_string().is_empty();
            assert!(there, "{error:?}, in: {}", escape(response));
        }
    }
    let _ = Condition::parse(response);
    let _ = Structure::parse(response);
}
