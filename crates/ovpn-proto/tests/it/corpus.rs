//! Replays the fuzz corpora: what once was interesting, or went wrong, stays checked.

use std::{fs, path::Path};

#[expect(
    unreachable_pub,
    reason = "the functions are public in the crate of the fuzz targets"
)]
#[path = "../../../../fuzz/src/openvpn/mod.rs"]
mod targets;

/// Runs every file of a target's corpus through it.
fn replay(name: &str, target: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let mut replayed = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        // Shown only when the test fails, right above the panic.
        eprintln!("{}", path.display());
        target(&fs::read(&path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", corpus.display());
}

#[test]
fn frame_corpus_holds() {
    replay("frame", targets::frame);
}

#[test]
fn control_corpus_holds() {
    replay("control", targets::control);
}

#[test]
fn key_method_corpus_holds() {
    replay("key_method", targets::key_method);
}

#[test]
fn options_corpus_holds() {
    replay("options", targets::options);
}

#[test]
fn data_corpus_holds() {
    replay("data", targets::data);
}

#[test]
fn server_session_corpus_holds() {
    replay("server_session", targets::server_session);
}

#[test]
fn conversation_corpus_holds() {
    replay("conversation", targets::conversation);
}
