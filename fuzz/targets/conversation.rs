#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| holdfast_ovpn_proto_fuzz::conversation(data));
