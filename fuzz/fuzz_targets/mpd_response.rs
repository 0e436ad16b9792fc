#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellwire_proof::split::mpd_response(data));
