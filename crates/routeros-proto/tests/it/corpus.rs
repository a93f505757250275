//! Replays the fuzz corpora: what once was interesting, or went wrong, stays checked.

use std::{fs, path::Path};

#[expect(
    unreachable_pub,
    reason = "the functions are public in the crate of the fuzz targets"
)]
#[path = "../../../../fuzz/src/routeros.rs"]
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
fn sentence_corpus_holds() {
    replay("api_sentence", targets::api_sentence);
}

#[test]
fn text_corpus_holds() {
    replay("api_text", targets::api_text);
}

#[test]
fn connection_corpus_holds() {
    replay("api_connection", targets::api_connection);
}
