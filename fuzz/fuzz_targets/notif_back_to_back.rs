#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bellwire_proof::back_to_back::notif(data));
