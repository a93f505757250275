//! The committed document is the one that the handlers make.

use holdfast_control_plane::http::openapi::document;

#[test]
fn the_committed_document_is_fresh() {
    let committed = include_str!("../../../../openapi.json");
    assert!(
        committed == document(),
        "openapi.json is stale: run `cargo xtask openapi` and commit it with the change"
    );
}
